//! One system as it is seen now. The thread that watches it writes, the alerting thread reads.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use super::between::Between;
use super::round_observer::SILENCE_NS;
use super::turned::Turned;
use lockbench_core::figure::Counter;
use lockbench_core::lock::Nodes;
use lockbench_core::units::MILLISECOND;
use lockbench_engine::DueInstants;
use lockbench_output::metrics::Arrivals;
use lockbench_report::monitor::{Certain, Rolling, State, WindowCounts};

/// Changes that wait for the alerting thread, which looks several times a second.
const MOST_TURNS: usize = 64;
/// Double grants that are kept in words.
const MOST_STORIES: usize = 20;
/// A doubt waits so long for the reason.
const GRACE_NS: u64 = 100 * MILLISECOND;
/// Parts at most that a row of instants is told in.
const CHUNKS: u64 = 2_048;

/// Instants on a grid, by their first, last and number: the end of each part, and how many
/// are in it.
fn chunks(instants: Option<(u64, u64, u64)>) -> impl Iterator<Item = (u64, u64)> {
    let (first, last, count) = instants.unwrap_or_default();
    let parts = count.min(CHUNKS);
    let share = move |whole: u64, part: u64| (u128::from(whole) * u128::from(part) / u128::from(parts.max(1))) as u64;
    (1..=parts).map(move |part| (first + share(last - first, part), share(count, part) - share(count, part - 1)))
}

/// A system that seems to be silent: told, unless its reason or an answer comes first.
struct Doubt {
    since: u64,
    at: u64,
    problem: String,
}

/// All of it.
pub struct WatchedSystem {
    pub backend: &'static str,
    pub rolling: Rolling,
    /// What was due and not attempted, for the metrics.
    pub arrivals: Arrivals,
    pub state: State,
    /// Since when, clock nanoseconds.
    pub since: u64,
    pub problem: Option<String>,
    pub version: String,
    /// Which nodes serve, of a system of several; `None` until they were asked.
    pub nodes: Option<Nodes>,
    pub rounds: u64,
    pub certain: Certain,
    /// Violations of the round under way.
    pub fresh: Certain,
    pub exercised: u64,
    pub outages: u64,
    /// The last outage that is over: when it began, how long it was.
    pub outage: Option<(SystemTime, u64)>,
    pub stories: Vec<String>,
    /// Why the exit code is 100, once a round.
    pub violated: Vec<String>,
    turns: VecDeque<Turned>,
    doubt: Option<Doubt>,
    /// No round runs: the next one is prepared.
    between: Option<Between>,
    /// What was due in the outage under way: the first and the last instant, and how many.
    open: Option<(u64, u64, u64)>,
    /// How long after its begin the last outage was told.
    told_after_ns: Option<u64>,
    /// Until when it is known what became of each due instant.
    accounted: u64,
    /// Part of an interval that the last account left over.
    rest_ns: u64,
}

impl WatchedSystem {
    /// Nothing was seen before `now`.
    pub fn shared(backend: &'static str, now: u64) -> Mutex<Self> {
        Mutex::new(Self {
            backend,
            rolling: Rolling::new(now),
            arrivals: Arrivals::default(),
            state: State::Starting,
            since: now,
            problem: None,
            version: String::new(),
            nodes: None,
            rounds: 0,
            certain: Certain::default(),
            fresh: Certain::default(),
            exercised: 0,
            outages: 0,
            outage: None,
            stories: Vec::new(),
            violated: Vec::new(),
            turns: VecDeque::new(),
            doubt: None,
            between: None,
            open: None,
            told_after_ns: None,
            accounted: now,
            rest_ns: 0,
        })
    }

    /// The system answered at `t`.
    pub fn answers(&mut self, t: u64) {
        self.doubt = None;
        if self.state == State::Up {
            return;
        }
        let outage = (self.state == State::Down).then(|| t.saturating_sub(self.since));
        if let Some(lasted) = outage {
            self.outages += 1;
            self.outage = Some((SystemTime::now() - Duration::from_nanos(lasted), lasted));
        }
        // What was due in it could be served from now on.
        for (due, times) in chunks(self.open.take()) {
            let late = t.saturating_sub(due);
            self.rolling.count(due, |tally| tally.late.record_many(late, times));
            self.arrivals.missed_late.record_many(late, times);
        }
        (self.state, self.since, self.problem) = (State::Up, t, None);
        self.turn(Turned::Up(outage));
    }

    /// It has not answered since `since`, as is known `now`.
    pub fn falls_silent(&mut self, now: u64, since: u64, problem: String) {
        self.doubt = None;
        if self.state != State::Down {
            let after_ns = if self.state == State::Starting { 0 } else { now.saturating_sub(since) };
            (self.state, self.since) = (State::Down, since);
            self.told_after_ns = Some(after_ns);
            self.turn(Turned::Down { problem: problem.clone(), after_ns });
        }
        self.problem = Some(problem);
    }

    /// It seems not to answer since `since`.
    pub fn doubt(&mut self, now: u64, since: u64, problem: String) {
        if self.state == State::Up && self.doubt.is_none() {
            self.doubt = Some(Doubt { since, at: now, problem });
        }
    }

    /// Tells a doubt that neither an answer nor a reason has settled.
    pub fn settle_doubt(&mut self, now: u64) {
        if let Some(Doubt { since, problem, .. }) = self.doubt.take_if(|doubt| now.saturating_sub(doubt.at) >= GRACE_NS)
        {
            self.falls_silent(now, since, problem);
        }
        let Some(between) = &mut self.between else { return };
        let (unheard, since) = (between.unheard(now), between.since);
        if unheard >= SILENCE_NS && self.state == State::Up {
            self.falls_silent(now, since, "no round could begin since".to_owned());
        }
    }

    /// How long after its begin the last outage was told.
    pub fn told_after_ns(&self) -> Option<u64> {
        self.told_after_ns
    }

    /// The nodes were asked. Told when others are away than before, while enough serve: that
    /// too few do is an outage, and told as one.
    pub fn sees_nodes(&mut self, nodes: Nodes) {
        let before = self.nodes.as_ref().and_then(Nodes::away_names);
        if nodes.suffice() && nodes.away_names() != before {
            let text = match nodes.away_names() {
                Some(_) => format!("{nodes} serve; away: {}", nodes.problems()),
                None => format!("{nodes} serve again"),
            };
            self.turn(Turned::Note(text));
        }
        self.nodes = Some(nodes);
    }

    /// There is nothing to ask.
    pub fn is_missing(&mut self, now: u64, problem: String) {
        (self.state, self.since) = (State::Missing, now);
        self.turn(Turned::Down { problem: problem.clone(), after_ns: 0 });
        self.problem = Some(problem);
    }

    /// No round ran from the last account to `now`: while the system is down, what was
    /// due is missed; else it is the gap between two rounds.
    pub fn account(&mut self, now: u64, every_ns: u64) {
        let (before, span) = (self.accounted, now.saturating_sub(self.accounted));
        self.accounted = self.accounted.max(now);
        if self.state == State::Down {
            let due = span + self.rest_ns;
            let missed = due / every_ns;
            self.rest_ns = due % every_ns;
            self.misses(before, now, missed);
        } else {
            self.rolling.count(now, |tally| tally.gap_ns += span);
        }
    }

    /// This process itself did not run from `from` to `now`: nobody could ask what was due.
    pub fn slept(&mut self, from: u64, now: u64, every_ns: u64) {
        self.account(from, every_ns);
        let due = now.saturating_sub(from) / every_ns;
        self.rolling.count(now, |tally| tally.counts.plus(Counter::Stalled, due));
        self.arrivals.counts.plus(Counter::Stalled, due);
        self.accounted = self.accounted.max(now);
    }

    /// An instant at which this process itself did not run.
    pub fn sleeps(&mut self, due: u64) {
        self.rolling.count(due, |tally| tally.count(Counter::Stalled));
        self.arrivals.counts.plus(Counter::Stalled, 1);
    }

    /// An instant for which no client was free until so much later.
    pub fn drops(&mut self, due: u64, late: u64) {
        self.rolling.count(due, |tally| tally.drops(late));
        self.arrivals.counts.plus(Counter::Dropped, 1);
        self.arrivals.dropped_late.record_many(late, 1);
    }

    /// So many instants from `from` to `to` were due in the outage under way.
    pub fn misses(&mut self, from: u64, to: u64, count: u64) {
        if count == 0 {
            return;
        }
        for (due, times) in chunks(Some((from, to, count))) {
            self.rolling.count(due, |tally| tally.counts.plus(Counter::Missed, times));
        }
        self.arrivals.counts.plus(Counter::Missed, count);
        let (first, last, before) = self.open.unwrap_or((from, to, 0));
        self.open = Some((first.min(from), last.max(to), before + count));
    }

    /// The system was prepared for the next round.
    pub fn round_armed(&mut self, now: u64, next: Arc<DueInstants>) {
        if self.between.is_some() {
            self.between = Some(Between::since(now, Some(next)));
        }
    }

    /// A round begins: until then none ran.
    pub fn round_begins(&mut self, start: u64, every_ns: u64) {
        self.between = None;
        self.account(start, every_ns);
    }

    /// A round that told of everything until `end` is over.
    pub fn round_ended(&mut self, end: u64, now: u64) {
        self.accounted = self.accounted.max(end);
        self.between = Some(Between::since(now, None));
    }

    /// What was seen in the last `length_ns`. What an outage under way keeps waiting is in it
    /// as late as it is by now.
    pub fn window(&self, now: u64, length_ns: u64) -> WindowCounts {
        self.with_open(self.rolling.window(now, length_ns), now, now.saturating_sub(length_ns))
    }

    /// Everything.
    pub fn total(&self, now: u64) -> WindowCounts {
        self.with_open(self.rolling.total().clone(), now, 0)
    }

    fn with_open(&self, mut tally: WindowCounts, now: u64, from: u64) -> WindowCounts {
        for (due, times) in chunks(self.open).filter(|(due, _)| *due >= from) {
            tally.late.record_many(now.saturating_sub(due), times);
        }
        tally
    }

    /// Keeps a double grant in words, the first ones only.
    pub fn keep_story(&mut self, story: String) {
        if self.stories.len() < MOST_STORIES {
            self.stories.push(story);
        }
    }

    /// Violations, those of the round under way included.
    pub fn violations(&self) -> Certain {
        let Certain { double_grants, token_regressions, .. } = self.certain;
        Certain {
            double_grants: double_grants + self.fresh.double_grants,
            token_regressions: token_regressions + self.fresh.token_regressions,
            ..self.certain
        }
    }

    /// Something for the alerting thread. What it does not take in time, oldest first, is in the log
    /// of nobody; it looks often enough.
    pub fn turn(&mut self, turned: Turned) {
        if self.turns.len() == MOST_TURNS {
            self.turns.pop_front();
        }
        self.turns.push_back(turned);
    }

    /// What the alerting thread has not seen yet.
    pub fn take_turns(&mut self) -> Vec<Turned> {
        self.turns.drain(..).collect()
    }
}

#[cfg(test)]
mod tests;
