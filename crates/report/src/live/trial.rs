//! The events of one trial, folded into figures, verdict and history, with a snapshot
//! of them whenever somebody wants one. Live and replayed trials go through here alike.

use super::bins::Bins;
use super::lanes::Lanes;
use super::slices::{AtEnd, Slices};
use super::snapshot::{KeyLive, Lag, Own, Second, Snapshot};
use crate::LatencySet;
use lockbench_core::oracle::{Findings, JudgedHistory};
use lockbench_core::record::Phase;
use lockbench_core::record::attempt::{Change, End};
use lockbench_core::record::figures::{Figures, Schedule, paused_ns};
use lockbench_core::record::history::{Judged, Recorded};
use lockbench_core::record::{Attempts, Event, Follower, Observer, Transition};
use lockbench_core::stats::upper_bound_95_per_million;

/// Most keys of a snapshot.
const KEYS: usize = 64;

/// One trial under way.
pub struct LiveTrial<'a> {
    backend: String,
    trial: u32,
    schedule: Schedule,
    figures: Figures,
    judged: JudgedHistory<'a>,
    attempts: Attempts,
    /// Events that cannot come where they are.
    gaps: u64,
    /// Start and end of measuring when they were last known: not while a pause moves them.
    known: (u64, u64),
    /// What only a watcher needs; a run that nobody watches does not pay for it.
    watched: Option<Watched>,
}

struct Watched {
    lanes: Lanes,
    slices: Slices,
    lag: Lag,
    waiting: u32,
    /// What earlier snapshots had: ended holds, seconds, double grants.
    taken: (u64, usize, usize),
}

impl<'a> LiveTrial<'a> {
    /// A trial of `backend`; `watched`: will snapshots be asked for?
    #[must_use]
    pub fn new(
        of: (&str, u32),
        schedule: Schedule,
        figures: Figures,
        judged: JudgedHistory<'a>,
        watched: bool,
    ) -> Self {
        let clients = figures.grants_per_client().len() as u32;
        let watched = watched.then(|| Watched {
            lanes: Lanes::new(clients),
            slices: Slices::new(schedule.start),
            lag: Lag::default(),
            waiting: 0,
            taken: (0, 0, 0),
        });
        let known = (schedule.measure(), schedule.end());
        let attempts = Attempts::new(clients);
        let (backend, trial) = (of.0.to_owned(), of.1);
        Self { backend, trial, schedule, figures, judged, attempts, gaps: 0, known, watched }
    }

    /// The figures so far.
    #[must_use]
    pub fn figures(&self) -> &Figures {
        &self.figures
    }

    /// Events so far that cannot come where they are: others were lost before them.
    #[must_use]
    pub fn gaps(&self) -> u64 {
        self.gaps
    }

    /// What the oracle has counted so far.
    #[must_use]
    pub fn judged(&self) -> Judged {
        self.judged.judged()
    }

    /// How it stands at `now`.
    pub fn snapshot(&mut self, now: u64, paused: bool, own_cpu: Option<f64>) -> Snapshot {
        let (measure, end) = (self.schedule.measure(), self.schedule.end());
        let since = self.figures.paused_since();
        // While the load is paused nobody knows when a phase ends; what is left of it stays
        // the same.
        let until = |instant: u64, known: &mut u64| {
            if instant < u64::MAX {
                *known = instant;
                instant.saturating_sub(now)
            } else {
                known.saturating_sub(since.unwrap_or(now))
            }
        };
        let to_measure = until(measure, &mut self.known.0);
        let left_ns = until(end, &mut self.known.1);
        let elapsed_ns = now.saturating_sub(self.schedule.start);
        let held = measure == u64::MAX;
        let warmup_ns = if held { elapsed_ns + to_measure } else { measure - self.schedule.start };
        let phase = self.phase(now);
        let counts = *self.figures.counts();
        let (judged, per_second) = (self.judged.judged(), self.judged.per_second());
        let mut snapshot = Snapshot {
            backend: self.backend.clone(),
            trial: self.trial,
            phase,
            // In the drain there is nothing to pause, whatever is asked for.
            paused: since.is_some() || paused && phase != Phase::Drain,
            origin_ns: self.schedule.start,
            elapsed_ns,
            warmup_ns,
            loaded_ns: self.loaded_ns(now),
            left_ns,
            marks: self.figures.marks().to_vec(),
            faults_in_force: self.figures.faults_in_force(),
            counts,
            latency: LatencySet::of(self.figures.latencies()),
            service: Bins::of(&self.figures.latencies().acquire_service),
            response: Bins::of(&self.figures.latencies().acquire_response),
            judged,
            upper_bound_per_million: upper_bound_95_per_million(counts.exercised_all)
                .filter(|_| judged.double_grants == 0),
            grants_of: self.figures.grants_per_client().to_vec(),
            longest_wait_of: self.figures.longest_waits().to_vec(),
            ..Snapshot::default()
        };
        (snapshot.keys, snapshot.more_keys) = busiest(&self.figures);
        if let Some(watched) = &mut self.watched {
            let (holds, seconds, doubles) = watched.taken;
            let at_end = at_end(watched.waiting, &watched.lanes, &self.figures);
            watched.slices.wait(now, at_end);
            snapshot.slices = watched.slices.take();
            snapshot.holds = watched.lanes.since(holds, now);
            snapshot.inside = watched.lanes.inside();
            snapshot.waiting = watched.waiting;
            snapshot.own = Own { lag: std::mem::take(&mut watched.lag), cpu: own_cpu };
            snapshot.seconds = self.figures.seconds(seconds).iter().map(Second::from).collect();
            for second in &mut snapshot.seconds {
                second.double_grants = per_second.get(second.second as usize).copied().unwrap_or(0);
            }
            snapshot.double_grants = self.judged.kept().get(doubles..).unwrap_or_default().to_vec();
            watched.taken = (watched.lanes.ended(), self.figures.ended_seconds(), self.judged.kept().len());
        }
        snapshot
    }

    /// How long it has measured so far, without pauses.
    fn loaded_ns(&self, now: u64) -> u64 {
        let until = self.figures.paused_since().unwrap_or(now).min(self.schedule.end());
        let measured = until.saturating_sub(self.schedule.measure());
        measured.saturating_sub(paused_ns(self.figures.marks(), self.schedule.measure(), until))
    }

    fn phase(&self, now: u64) -> Phase {
        if now >= self.schedule.end() {
            Phase::Drain
        } else if now >= self.schedule.measure() {
            Phase::Measure
        } else {
            Phase::Warmup
        }
    }

    /// Ends the folds.
    #[must_use]
    pub fn finish(self) -> (Figures, Findings, Option<Recorded>) {
        let (findings, recorded) = self.judged.finish_of(&self.attempts);
        (self.figures, findings, recorded)
    }
}

/// The keys with the most attempts, in order of key, and how many others there are.
fn busiest(figures: &Figures) -> (Vec<KeyLive>, u32) {
    let mut keys: Vec<KeyLive> = figures
        .keys()
        .map(|(key, tally)| KeyLive {
            key,
            attempts: tally.attempts,
            contended: tally.contended,
            grants: tally.grants,
            waiting: tally.waiting,
        })
        .collect();
    let more = keys.len().saturating_sub(KEYS);
    if more > 0 {
        keys.select_nth_unstable_by_key(KEYS, |key| (std::cmp::Reverse(key.attempts), key.key));
        keys.truncate(KEYS);
        keys.sort_unstable_by_key(|key| key.key);
    }
    (keys, more as u32)
}

/// How it stands where a slice ends.
fn at_end<'a>(waiting: u32, lanes: &'a Lanes, figures: &'a Figures) -> impl FnOnce() -> AtEnd + 'a {
    move || {
        let (keys, more_keys) = busiest(figures);
        let contended = keys.iter().map(|key| (key.key, key.contended)).collect();
        AtEnd { waiting, inside: lanes.inside(), contended, more_keys }
    }
}

impl Observer for LiveTrial<'_> {
    fn observe(&mut self, event: &Event) {
        if let Some(watched) = &mut self.watched {
            watched.slices.reach(event.t, at_end(watched.waiting, &watched.lanes, &self.figures));
        }
        let transition = self.attempts.observe(event);
        self.gaps += u64::from(transition.misfit.is_some());
        self.figures.follow(&transition);
        self.judged.follow(&transition);
        if let Some(watched) = &mut self.watched {
            watched.follow(&transition);
        }
    }

    fn pause(&mut self) {
        self.judged.pause();
    }
}

impl Follower for Watched {
    fn follow(&mut self, transition: &Transition<'_>) {
        match transition.change {
            Change::Begun => {
                let late = transition.attempt.invoke.saturating_sub(transition.attempt.due);
                self.waiting += 1;
                self.lag.attempts += 1;
                self.lag.longest_ns = self.lag.longest_ns.max(late);
            }
            Change::Granted => {
                self.waiting = self.waiting.saturating_sub(1);
                self.slices.granted();
            }
            Change::Ended(End::Denied { .. }) => self.waiting = self.waiting.saturating_sub(1),
            _ => {}
        }
        self.lanes.follow(transition);
    }
}
