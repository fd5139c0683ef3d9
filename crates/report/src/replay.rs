//! A stored history judged again: the same figures and checkers that saw the events
//! live, over the events as they are on disk. Each result is replayed up to its cut,
//! from where on the file has holes.

use std::collections::BTreeMap;
use std::path::Path;

use super::assemble::{Measured, result};
use super::measured::Measurements;
use super::schema::{Resources, TrialResult};
use lockbench_core::lock::{Facts, Guarantees};
use lockbench_core::oracle::{ConditionFold, Findings, Oracle};
use lockbench_core::record::TrialReport;
use lockbench_core::record::attempt::Stage;
use lockbench_core::record::figures::{Figures, Pause, Schedule};
use lockbench_core::record::history::{Cut, Header, HistoryError, HistoryReader, Judged, Line, Recorded, Unjudged};
use lockbench_core::record::{Attempts, Denial, Event, Follower, Observer, ReaderCounts, What};
use lockbench_core::workload::plan::{Access, Section};

/// One result, judged again.
pub struct Replayed {
    /// Whose.
    pub header: Header,
    /// Where the whole part of its history ends, if it is not whole.
    pub cut: Option<Cut>,
    /// What the oracle has counted by the cut, or by the end.
    pub judged: Judged,
    /// The oracle's findings, with what is open there closed.
    pub findings: Findings,
    /// Figures as far as the events go.
    pub figures: Figures,
    /// Events replayed.
    pub events: u64,
    /// Events after the cut, where the file has holes: read, and not judged.
    pub after_the_cut: u64,
    /// Attempts among them.
    pub attempts: u64,
    /// Events that cannot come where they are: others were lost before them, or taken out.
    pub gaps: u64,
    /// The first of them, with file and line.
    pub first_gap: Option<HistoryError>,
    /// What is in the history and was not judged, because this version does not know it: how
    /// often, by kind.
    pub unjudged: BTreeMap<String, u64>,
    /// Is it the last result of a file that breaks off?
    pub broken_off: bool,
    /// The phases: as asked for, with the pauses that the events tell of, and measuring
    /// ends no later than the last event of what broke off or is cut.
    pub schedule: Schedule,
}

/// What a history does not tell of a result.
pub struct Untold<'a> {
    /// Name of the workload.
    pub workload: &'a str,
    /// Promises of the recipe.
    pub guarantees: &'a Guarantees,
    /// As read back from the server.
    pub facts: &'a Facts,
    /// Events lost on their way to the oracle.
    pub lost: u64,
    /// Clients that panicked.
    pub panicked: u64,
    /// Was it cut short?
    pub cut_short: bool,
    /// What clients did under the lock.
    pub section: Section,
}

impl Replayed {
    /// The entry of `results` that the replay gives.
    #[must_use]
    pub fn result(&self, untold: &Untold<'_>) -> TrialResult {
        let engine = TrialReport {
            reader: ReaderCounts { events: self.events, lost: untold.lost },
            panicked: untold.panicked,
            cut_short: untold.cut_short,
            ..TrialReport::default()
        };
        result(&Measured {
            backend: &self.header.backend,
            workload: untold.workload,
            trial: self.header.trial,
            guarantees: untold.guarantees,
            facts: untold.facts,
            origin: self.header.start,
            measured_ns: self.measured_ns(),
            figures: &self.figures,
            findings: &self.findings,
            engine: &engine,
            recorded: Some(Recorded { attempts: self.attempts, complete: self.cut.is_none() && !self.broken_off }),
            resources: Resources::default(),
            ttl_raised: false,
            workers: 1,
            clients: self.header.clients,
            section: untold.section,
            access: Access::Exclusive,
        })
    }

    /// What charts are drawn from.
    #[must_use]
    pub fn measurements(&mut self) -> Measurements {
        Measurements {
            backend: self.header.backend.clone(),
            trial: self.header.trial,
            start_ns: self.header.start,
            warmup_ns: self.schedule.measure() - self.header.start,
            measured_ns: self.measured_ns(),
            clients: self.header.clients,
            keys: self.header.keys,
            counts: *self.figures.counts(),
            latencies: self.figures.latencies().clone(),
            windows: self.figures.series(),
            double_grants: self.findings.per_second.clone(),
            grants_of: self.figures.grants_per_client().to_vec(),
            longest_wait_of: self.figures.longest_waits().to_vec(),
            marks: self.figures.marks().to_vec(),
        }
    }

    fn measured_ns(&self) -> u64 {
        self.schedule.end() - self.schedule.measure()
    }
}

/// What is known of a result's phases besides its history.
pub enum Phases {
    /// How they were planned: pauses that the events tell of come on top.
    Planned(Schedule),
    /// How they were in the end, pauses included.
    Final(Schedule),
}

/// As [`replay_with`], without what only a plan tells.
///
/// # Errors
/// If the file cannot be read, or one of its lines makes no sense.
pub fn replay(
    path: &Path,
    phases: &dyn Fn(&Header) -> Option<Phases>,
    done: &mut dyn FnMut(Replayed),
) -> Result<(), HistoryError> {
    replay_with(path, &|_| ConditionFold::new(Vec::new(), Vec::new()), phases, done)
}

/// Replays every result of a history, in the order in which they ran. `phases` says when
/// they were, where that is known better than by the header (the load was stopped). `conditions`
/// follows the faults of a plan.
///
/// # Errors
/// If the file cannot be read, or one of its lines makes no sense.
pub fn replay_with(
    path: &Path,
    conditions: &dyn Fn(&Header) -> ConditionFold,
    phases: &dyn Fn(&Header) -> Option<Phases>,
    done: &mut dyn FnMut(Replayed),
) -> Result<(), HistoryError> {
    let mut lines = HistoryReader::open(path)?;
    let mut current: Option<Replay> = None;
    while let Some(line) = lines.next().transpose()? {
        match (line, &mut current) {
            (Line::Result(header), current) => {
                if let Some(last) = current.take() {
                    done(last.finish(false));
                }
                let planned = || Phases::Planned(Schedule::between(header.start, header.measure, header.end));
                let phases = phases(&header).unwrap_or_else(planned);
                let conditions = conditions(&header);
                *current = Some(Replay::new(header, phases, conditions));
            }
            (Line::Event(event), Some(replay)) => {
                if let Err(problem) = replay.observe(&event) {
                    replay.gap(|| lines.refuse(problem));
                }
            }
            (Line::Cut(cut), Some(replay)) => replay.cut(cut),
            (Line::Unjudged(one), Some(replay)) => replay.unjudged(&one),
            // The reader lets nothing through before the first header.
            (Line::Event(_) | Line::Cut(_) | Line::Unjudged(_), None) => {}
        }
    }
    if let Some(last) = current {
        done(last.finish(lines.broken_off()));
    }
    Ok(())
}

/// Kinds of events that are not judged, told apart.
const UNJUDGED_KINDS: usize = 8;

/// The fold of one result.
struct Replay {
    header: Header,
    schedule: Schedule,
    /// Do pauses move it?
    moves: bool,
    /// The pause that goes on.
    pause: Option<Pause>,
    last: u64,
    events: u64,
    attempts: u64,
    figures: Figures,
    oracle: Oracle,
    machine: Attempts,
    cut: Option<(Cut, Judged)>,
    after_the_cut: u64,
    gaps: u64,
    first_gap: Option<HistoryError>,
    unjudged: BTreeMap<String, u64>,
}

impl Replay {
    fn new(header: Header, phases: Phases, conditions: ConditionFold) -> Self {
        let (schedule, moves) = match phases {
            Phases::Planned(schedule) => (schedule, true),
            Phases::Final(schedule) => (schedule, false),
        };
        Self {
            figures: Figures::new(schedule.clone(), header.clients, header.keys),
            oracle: Oracle::new(header.clients, header.keys, header.start).with_conditions(conditions),
            machine: Attempts::new(header.clients),
            last: header.start,
            schedule,
            moves,
            pause: None,
            header,
            events: 0,
            attempts: 0,
            cut: None,
            after_the_cut: 0,
            gaps: 0,
            first_gap: None,
            unjudged: BTreeMap::new(),
        }
    }

    fn observe(&mut self, event: &Event) -> Result<(), String> {
        if self.cut.is_some() {
            self.after_the_cut += 1;
            // The file has holes from here on, but none in what the tool and a person did.
            if event.what.is_of_nobody() && !matches!(event.what, What::SelfStall { .. }) {
                self.figures.observe(event);
            }
            return Ok(());
        }
        self.steer(event);
        let transition = self.machine.observe(event);
        self.figures.follow(&transition);
        self.oracle.follow(&transition);
        let misfit = transition.misfit;
        self.last = event.t;
        self.events += 1;
        self.attempts += u64::from(matches!(event.what, What::Invoke { .. } | What::InvokeAs { .. }));
        misfit.map_or(Ok(()), |misfit| Err(misfit.to_string()))
    }

    /// Moves the phases as the engine did.
    fn steer(&mut self, event: &Event) {
        match event.what {
            What::PauseBegins if self.moves && self.pause.is_none() => self.pause = Some(self.schedule.pause(event.t)),
            What::Paused { .. } => self.go_on(event.t),
            _ => {}
        }
    }

    fn go_on(&mut self, t: u64) {
        if let Some(pause) = self.pause.take() {
            self.schedule.resume(&pause, t);
        }
    }

    /// The whole part of the history ends here, in a pause or not.
    fn cut(&mut self, cut: Cut) {
        if self.cut.is_none() {
            self.cut = Some((cut, self.oracle.judged()));
            self.go_on(cut.t);
            self.schedule.stop_at(cut.t);
        }
    }

    /// Something that this version does not know: kinds beyond a few are counted together.
    fn unjudged(&mut self, one: &Unjudged) {
        let full = self.unjudged.len() >= UNJUDGED_KINDS && !self.unjudged.contains_key(&one.kind);
        let kind = if full { "others" } else { one.kind.as_str() };
        *self.unjudged.entry(kind.to_owned()).or_default() += 1;
    }

    fn gap(&mut self, error: impl FnOnce() -> HistoryError) {
        self.gaps += 1;
        self.first_gap.get_or_insert_with(error);
    }

    fn finish(mut self, broken_off: bool) -> Replayed {
        if broken_off || self.cut.is_some() {
            self.withdraw();
        }
        if let Some(from) = self.figures.paused_since() {
            // Nobody knows how long it went on.
            let what = What::Paused { from };
            self.figures.observe(&Event { t: self.last.max(from), client: Event::NOBODY, attempt: 0, key: 0, what });
        }
        self.go_on(self.last);
        if broken_off {
            self.schedule.stop_at(self.last);
        }
        let judged = self.cut.map_or_else(|| self.oracle.judged(), |(_, judged)| judged);
        Replayed {
            judged,
            cut: self.cut.map(|(cut, _)| cut),
            findings: self.oracle.finish_of(&self.machine),
            figures: self.figures,
            events: self.events,
            after_the_cut: self.after_the_cut,
            attempts: self.attempts,
            gaps: self.gaps,
            first_gap: self.first_gap,
            unjudged: self.unjudged,
            broken_off,
            schedule: self.schedule,
            header: self.header,
        }
    }

    /// Where the record ends, whoever still waits has no outcome: to the figures it is
    /// as if the load had been stopped there.
    fn withdraw(&mut self) {
        let t = self.last;
        let what = What::Denied { denial: Denial::Withdrawn, surely_ended: 0, requests: 0, wakeups: 0 };
        let waiting = self.machine.open().filter(|attempt| attempt.stage == Stage::Waiting);
        let ends: Vec<Event> = waiting
            .map(|attempt| Event { t, client: attempt.client, attempt: attempt.number, key: attempt.key, what })
            .collect();
        ends.iter().for_each(|event| self.figures.follow(&self.machine.observe(event)));
    }
}

/// Where the replay of a cut result and its run differ: figure, then both counts. The
/// run's come first.
#[must_use]
pub fn differences_at_cut(stored: &Judged, replayed: &Judged) -> Vec<(String, String, String)> {
    let counts = |judged: &Judged| -> BTreeMap<String, u64> {
        serde_json::to_value(judged).and_then(serde_json::from_value).unwrap_or_default()
    };
    let again = counts(replayed);
    // Older versions knew two kinds: what is withdrawn now was inside or outside for them.
    let both = |judged: &Judged| judged.inside + judged.withdrawn + judged.outside;
    let older = stored.withdrawn == 0 && replayed.withdrawn > 0 && both(stored) == both(replayed);
    let differs = |(name, count): (String, u64)| {
        let other = again.get(&name).copied().unwrap_or_default();
        let kind = ["inside", "withdrawn", "outside"].contains(&name.as_str());
        (count != other && !(older && kind)).then(|| (name, count.to_string(), other.to_string()))
    };
    counts(stored).into_iter().filter_map(differs).collect()
}
