//! The figures of one trial: a fold over its events. Definitions are in the
//! crate's design and beside each field; all of them come from events alone, so
//! they mean the same for every lock system.

mod counts;
mod detail;
mod groups;
mod holds;
mod latencies;
mod mark;
mod modes;
mod open_loop;
mod queue;
mod sagas;
mod schedule;
mod section;
mod series;
mod steps;
mod transactions;

pub use counts::Counts;
pub use detail::{Detail, Lengths};
pub use groups::{Groups, OfGroup};
pub use holds::Holds;
pub use latencies::Latencies;
pub use mark::{Mark, MarkKind, paused_ns};
pub use modes::{Modes, OfMode};
pub use open_loop::OpenLoop;
pub use queue::KeyTally;
pub use sagas::Sagas;
pub use schedule::{Pause, Schedule};
pub use section::SectionFold;
pub use series::Window;
pub use steps::Steps;
pub use transactions::Transactions;

use std::ops::Range;

use self::mark::Marks;
use self::queue::KeyQueue;
use self::series::Series;
use super::attempt::{Attempt, Attempts, Change, End, Follower, Hold, PerAttempt, Transition};
use super::event::{Denial, Event, Mode, ReleaseKind, RenewalOutcome, What, WitnessReading};
use super::histogram::Latency;
use super::merge::Observer;
use super::sparse::Sparse;
use crate::section::Section;

/// What the figures know of an open attempt beside its events.
#[derive(Clone, Copy, Default)]
struct Counted {
    /// Does it count: was it invoked in the measure phase?
    counts: bool,
    /// Did it find the key held by another client?
    found_held: bool,
    granted: bool,
    /// Was it counted as a lost lease?
    lost: bool,
}

/// The fold.
pub struct Figures {
    schedule: Schedule,
    counts: Counts,
    latencies: Latencies,
    counted: PerAttempt<Counted>,
    grants_of: Vec<u64>,
    longest_wait_of: Vec<u64>,
    keys: Sparse<KeyQueue>,
    series: Series,
    steps: Steps,
    /// By client: how long it held locks.
    held_of: Vec<u64>,
    marks: Marks,
    detail: Option<Box<Detail>>,
    open_loop: Option<Box<OpenLoop>>,
    holds: Option<Box<Holds>>,
    leases: Option<Box<Latency>>,
    transactions: Option<Box<Transactions>>,
    sagas: Option<Box<Sagas>>,
    modes: Option<Box<Modes>>,
    groups: Option<Box<Groups>>,
    section: Option<Box<SectionFold>>,
    /// Was a hold counted as challenged because another attempt was open, asleep or not?
    sleepers_challenge: bool,
    /// Do the events tell which holds were challenged?
    challenges_told: bool,
    /// For events that come without their transitions.
    attempts: Attempts,
}

impl Figures {
    /// Figures of a trial with so many clients and keys.
    #[must_use]
    pub fn new(schedule: Schedule, clients: u32, keys: u32) -> Self {
        Self {
            series: Series::new(schedule.start),
            schedule,
            counts: Counts::default(),
            latencies: Latencies::default(),
            counted: PerAttempt::new(clients),
            grants_of: vec![0; clients as usize],
            held_of: vec![0; clients as usize],
            steps: Steps::default(),
            longest_wait_of: vec![0; clients as usize],
            keys: Sparse::new(keys),
            marks: Marks::default(),
            detail: None,
            open_loop: None,
            holds: None,
            leases: None,
            transactions: None,
            sagas: None,
            modes: None,
            groups: None,
            section: None,
            sleepers_challenge: false,
            challenges_told: false,
            attempts: Attempts::default(),
        }
    }

    /// The same, with what no report has.
    #[must_use]
    pub fn detailed(mut self) -> Self {
        self.detail = Some(Box::default());
        self
    }

    /// The same of an open loop, in which these clients are asked by the clock; without any named: all.
    #[must_use]
    pub fn of_open_loop(mut self, clients: Vec<Range<u32>>) -> Self {
        let all = self.grants_of.len() as u32;
        self.open_loop = Some(Box::new(OpenLoop::new(all, clients, self.schedule.start)));
        self
    }

    /// How the open loop went; `None`: the loop was closed, or the caller did not ask for it.
    #[must_use]
    pub fn open_loop(&self) -> Option<&OpenLoop> {
        self.open_loop.as_deref()
    }

    /// The same of these groups of clients, each with its name and the numbers of its clients.
    #[must_use]
    pub fn of_groups(mut self, groups: Vec<(String, Range<u32>)>) -> Self {
        self.groups = Some(Box::new(Groups::new(groups)));
        self
    }

    /// The same of locks that have modes.
    #[must_use]
    pub fn of_modes(mut self) -> Self {
        self.modes = Some(Box::default());
        self
    }

    /// The same of attempts that take several locks each.
    #[must_use]
    pub fn of_transactions(mut self) -> Self {
        self.transactions = Some(Box::default());
        self
    }

    /// The same of attempts that take so many locks one after another.
    #[must_use]
    pub fn of_sagas(mut self, steps: u32) -> Self {
        self.sagas = Some(Box::new(Sagas::new(steps)));
        self
    }

    /// What became of sagas; `None`: there are none, or the caller did not ask for it.
    #[must_use]
    pub fn sagas(&self) -> Option<&Sagas> {
        self.sagas.as_deref()
    }

    /// The same of critical sections of that kind.
    #[must_use]
    pub fn of_section(mut self, section: Section) -> Self {
        self.section = Some(Box::new(SectionFold::new(section)));
        self
    }

    /// What events tell of them; `None`: the caller did not ask for it.
    #[must_use]
    pub fn section(&self) -> Option<&SectionFold> {
        self.section.as_deref()
    }

    /// The schedule, as it is now.
    #[must_use]
    pub fn schedule(&self) -> &Schedule {
        &self.schedule
    }

    /// What came of each group of clients; `None`: there are no groups, or the caller did not ask for it.
    #[must_use]
    pub fn groups(&self) -> Option<&Groups> {
        self.groups.as_deref()
    }

    /// The same of leases that follow the holds.
    #[must_use]
    pub fn of_leases(mut self) -> Self {
        self.leases = Some(Box::default());
        self
    }

    /// What leases had left when they were granted; `None`: the caller did not ask for it.
    #[must_use]
    pub fn leases(&self) -> Option<&Latency> {
        self.leases.as_deref()
    }

    /// Holds as asked for and as they were; `None`: no event told how long they were to be.
    #[must_use]
    pub fn holds(&self) -> Option<&Holds> {
        self.holds.as_deref()
    }

    /// Grants by mode; `None`: all locks are exclusive, or the caller did not ask for it.
    #[must_use]
    pub fn modes(&self) -> Option<&Modes> {
        self.modes.as_deref()
    }

    /// What became of transactions; `None`: each attempt takes one lock, or the caller did not ask for it.
    #[must_use]
    pub fn transactions(&self) -> Option<&Transactions> {
        self.transactions.as_deref()
    }

    /// The counts so far.
    #[must_use]
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// The counts without the attempts that are still under way: unlike [`Self::counts`],
    /// which takes an attempt back that is withdrawn, they never decrease.
    #[must_use]
    pub fn settled(&self) -> Counts {
        let waiting = |counted: &&Counted| counted.counts && !counted.granted;
        let mut counts = self.counts;
        for attempt in self.counted.all().filter(waiting) {
            counts.attempts -= 1;
            counts.found_held -= u64::from(attempt.found_held);
        }
        counts
    }

    /// What no report has; `None`: nobody asked for it.
    #[must_use]
    pub fn detail(&self) -> Option<&Detail> {
        self.detail.as_deref()
    }

    /// The histograms so far.
    #[must_use]
    pub fn latencies(&self) -> &Latencies {
        &self.latencies
    }

    /// Grants of each client in the measure phase.
    #[must_use]
    pub fn grants_per_client(&self) -> &[u64] {
        &self.grants_of
    }

    /// How long each client held locks that it called for in the measure phase, in nanoseconds.
    #[must_use]
    pub fn held_per_client(&self) -> &[u64] {
        &self.held_of
    }

    /// Grants per second in equal steps of the measure phase; empty where the load was paused in it.
    #[must_use]
    pub fn grants_in_steps(&self) -> Vec<f64> {
        let (measure, end) = (self.schedule.measure(), self.schedule.end());
        if self.paused_ns() > 0 { Vec::new() } else { self.steps.per_s(end.saturating_sub(measure)) }
    }

    /// Where response times were still growing at the end of the measure phase: since when, in nanoseconds after its begin,
    /// and their means before and after that. `None`: they had settled, or the load was paused, or too little was granted.
    #[must_use]
    pub fn waits_growing(&self) -> Option<(u64, f64, f64)> {
        let (measure, end) = (self.schedule.measure(), self.schedule.end());
        if self.paused_ns() > 0 { None } else { self.steps.growing(end.saturating_sub(measure)) }
    }

    /// Longest wait of each client in the measure phase, granted or not, in nanoseconds.
    #[must_use]
    pub fn longest_waits(&self) -> &[u64] {
        &self.longest_wait_of
    }

    /// Number of windows that are over.
    #[must_use]
    pub fn ended_seconds(&self) -> usize {
        self.series.ended().len()
    }

    /// The windows that are over, without the first `skip`, and the one under way, as
    /// far as it goes.
    #[must_use]
    pub fn seconds(&self, skip: usize) -> Vec<Window> {
        let ended = self.series.ended().iter().skip(skip).cloned();
        ended.chain([self.series.under_way()]).collect()
    }

    /// What happened at each key so far, in order of key.
    pub fn keys(&self) -> impl Iterator<Item = (u32, KeyTally)> {
        (0..).zip(self.keys.iter().map(KeyQueue::tally))
    }

    /// The numbers of the planned faults that are in force, from 1.
    #[must_use]
    pub fn faults_in_force(&self) -> Vec<u32> {
        self.marks.faults_in_force()
    }

    /// Pauses and faults that are over, and markers, in the order in which they ended.
    #[must_use]
    pub fn marks(&self) -> &[Mark] {
        self.marks.done()
    }

    /// Since when the load is paused, if it is.
    #[must_use]
    pub fn paused_since(&self) -> Option<u64> {
        self.marks.paused_since()
    }

    /// Nanoseconds of the measure phase, as it is planned now, in which the load was
    /// paused; without a pause that goes on.
    #[must_use]
    pub fn paused_ns(&self) -> u64 {
        paused_ns(self.marks.done(), self.schedule.measure(), self.schedule.end())
    }

    /// Do challenged holds include those that only a sleeping poller wanted? So it was
    /// before version 3, whose histories do not tell the difference.
    #[must_use]
    pub fn sleepers_challenge(&self) -> bool {
        self.sleepers_challenge
    }

    /// Closes and returns the time series, one window a second.
    #[must_use]
    pub fn series(&mut self) -> Vec<Window> {
        self.series.take()
    }

    fn begun(&mut self, attempt: &Attempt) {
        let Attempt { client, key, invoke, due, .. } = *attempt;
        let counts = self.schedule.measures(invoke);
        let found_held = self.keys[key as usize].arrive(client, invoke);
        *self.counted.of(attempt) = Counted { counts, found_held, ..Counted::default() };
        self.counts.attempts_all += 1;
        self.counts.attempts += u64::from(counts);
        self.counts.found_held += u64::from(counts && found_held);
        if let Some(detail) = self.detail.as_mut().filter(|_| counts) {
            detail.began(invoke.saturating_sub(due));
        }
        if let Some(open_loop) = self.open_loop.as_mut().filter(|_| !attempt.is_further()) {
            open_loop.began(attempt, &self.schedule);
        }
    }

    fn granted(&mut self, attempt: &Attempt, hold: &Hold) {
        let counted = self.counted.of(attempt);
        counted.granted = true;
        let counted = *counted;
        let (t, wait) = (hold.start, hold.start - attempt.invoke);
        // Where nobody is excluded only what is committed counts.
        let counts_now = attempt.mode != Mode::Optimistic;
        if counts_now {
            self.series.granted(t, wait);
        }
        let taken = self.keys[attempt.key as usize].granted(attempt.client, attempt.invoke);
        self.counts.grants_all += 1;
        // A pause is a drain in between: who waited is served still, in time that counts for nothing.
        let in_window = self.schedule.measures(t) && self.marks.paused_since().is_none();
        self.counts.grants_in_window += u64::from(in_window && counts_now);
        self.step(t, t.saturating_sub(attempt.due), in_window && counts_now);
        if !counted.counts {
            return;
        }
        self.counts.grants += 1;
        // A server that queues its callers answers the first request only, when it grants: there
        // the call waited if another client held the key at any time of it.
        self.counts.waited += u64::from(hold.waited.unwrap_or(counted.found_held || taken.others_first));
        self.counts.requests += u64::from(attempt.acquire_requests);
        self.counts.wakeups += u64::from(attempt.wakeups);
        // After the last one it was granted.
        self.counts.wasted_wakeups += u64::from(attempt.wakeups.saturating_sub(1));
        self.counts.overtakes += u64::from(taken.overtook);
        if let Some(leases) = self.leases.as_mut().filter(|_| hold.validity != u64::MAX) {
            leases.record(hold.validity.saturating_sub(t));
        }
        self.waited(attempt.client, wait);
        self.grants_of[attempt.client as usize] += 1;
        self.latencies.acquire_service.record(wait);
        self.latencies.acquire_response.record(t.saturating_sub(attempt.due));
        if let Some(released) = taken.released_at {
            self.latencies.handoff.record(t - released);
        }
    }

    fn denied(&mut self, t: u64, attempt: &Attempt, denial: Denial) {
        let counted = self.close(t, attempt);
        let released = self.keys[attempt.key as usize].leave(attempt.client, attempt.invoke);
        self.series.denied(attempt.invoke, t, denial);
        self.counts.unknown_all += u64::from(denial == Denial::Unknown);
        if !counted.counts {
            return;
        }
        if denial != Denial::Refused {
            self.in_vain(t, attempt, released);
        }
        if denial == Denial::Withdrawn {
            // Out of both sides of every ratio.
            self.counts.attempts -= 1;
            self.counts.found_held -= u64::from(counted.found_held);
            self.counts.withdrawn += 1;
            return;
        }
        self.counts.waited += 1;
        self.counts.requests += u64::from(attempt.acquire_requests);
        self.counts.wakeups += u64::from(attempt.wakeups);
        self.counts.wasted_wakeups += u64::from(attempt.wakeups);
        self.waited(attempt.client, t - attempt.invoke);
        self.ended_without(t, attempt, denial);
        match denial {
            Denial::Refused => self.counts.refused += 1,
            Denial::TimedOut => self.counts.timed_out += 1,
            Denial::Unavailable => self.counts.unavailable += 1,
            Denial::Unknown => self.counts.unknown += 1,
            Denial::Aborted | Denial::Deadlock => self.counts.deadlocked += 1,
            Denial::Withdrawn => {}
        }
    }

    /// An attempt that counts ended without a grant.
    fn ended_without(&mut self, t: u64, attempt: &Attempt, denial: Denial) {
        if let Some(detail) = &mut self.detail {
            detail.ended(denial, t - attempt.invoke, t.saturating_sub(attempt.due));
        }
    }

    /// An attempt that counts waited until now and got no answer that a caller can use: it
    /// would have taken at least so long, and so would the hand-off that ended with it.
    fn in_vain(&mut self, t: u64, attempt: &Attempt, released: Option<u64>) {
        self.latencies.acquire_service.record_in_vain(t.saturating_sub(attempt.invoke));
        self.latencies.acquire_response.record_in_vain(t.saturating_sub(attempt.due));
        if let Some(released) = released {
            self.latencies.handoff.record_in_vain(t.saturating_sub(released));
        }
    }

    /// A wait that counts, granted or not.
    fn waited(&mut self, client: u32, wait_ns: u64) {
        self.counts.longest_wait_ns = self.counts.longest_wait_ns.max(wait_ns);
        let longest = &mut self.longest_wait_of[client as usize];
        *longest = (*longest).max(wait_ns);
    }

    /// Counts a lost lease once per grant.
    fn lost(&mut self, attempt: &Attempt) {
        let counted = self.counted.of(attempt);
        if counted.counts && !counted.lost {
            counted.lost = true;
            self.counts.lost_leases += 1;
        }
    }

    fn renewed(&mut self, t: u64, attempt: &Attempt, invoke: u64, outcome: RenewalOutcome) {
        match outcome {
            RenewalOutcome::Refused => self.lost(attempt),
            RenewalOutcome::Confirmed | RenewalOutcome::Unanswered if !self.counted.of(attempt).counts => {}
            RenewalOutcome::Confirmed => self.latencies.renew.record(t - invoke),
            RenewalOutcome::Unanswered => self.latencies.renew.record_in_vain(t - invoke),
        }
    }

    fn step(&mut self, t: u64, waited_ns: u64, in_window: bool) {
        if in_window {
            self.steps.add(t.saturating_sub(self.schedule.measure()), waited_ns);
        }
    }

    fn left(&mut self, t: u64, attempt: &Attempt, seen: WitnessReading) {
        let wanted = self.keys[attempt.key as usize].released(attempt.client, t);
        // Older versions did not record who asked: every other attempt that was open counted.
        self.sleepers_challenge |= seen.challenged.is_none();
        self.challenges_told |= seen.challenged.is_some();
        self.counts.exercised_all += u64::from(seen.challenged.unwrap_or(wanted));
        if let Some(hold) = attempt.hold.filter(|_| self.counted.of(attempt).counts) {
            let held_ns = (t - hold.start).saturating_sub(hold.stopped_ns);
            self.latencies.hold.record(held_ns);
            if hold.asked_ns > 0 {
                self.holds.get_or_insert_default().record(hold.asked_ns, held_ns);
            }
            self.held_of[attempt.client as usize] += held_ns;
        }
    }

    fn released(&mut self, t: u64, attempt: &Attempt, release: ReleaseKind) {
        if release == ReleaseKind::NotOwner {
            self.lost(attempt);
        }
        if let Some(hold) =
            attempt.hold.filter(|_| attempt.mode == Mode::Optimistic && release == ReleaseKind::Confirmed)
        {
            self.series.granted(t, hold.start.saturating_sub(attempt.invoke));
            let in_window = self.schedule.measures(t) && self.marks.paused_since().is_none();
            self.counts.grants_in_window += u64::from(in_window);
            self.step(t, hold.start.saturating_sub(attempt.due), in_window);
        }
        let counted = self.close(t, attempt);
        self.counts.unknown_all += u64::from(release == ReleaseKind::Unknown);
        if !counted.counts {
            return;
        }
        self.counts.requests += u64::from(attempt.release_requests);
        self.counts.confirmed += u64::from(release == ReleaseKind::Confirmed);
        let Some(left) = attempt.hold.and_then(|hold| hold.left) else { return };
        match release {
            ReleaseKind::Confirmed | ReleaseKind::NotOwner => self.latencies.release.record(t - left),
            ReleaseKind::Unavailable | ReleaseKind::Unknown => self.latencies.release.record_in_vain(t - left),
        }
    }

    fn died(&mut self, t: u64, attempt: &Attempt, challenged: Option<bool>) {
        let counts = self.close(t, attempt).counts;
        self.counts.unknown_all += 1;
        let Some(hold) = attempt.hold else {
            let released = self.keys[attempt.key as usize].leave(attempt.client, attempt.invoke);
            if counts {
                self.counts.unknown += 1;
                self.counts.waited += 1;
                self.in_vain(t, attempt, released);
                self.ended_without(t, attempt, Denial::Unknown);
            }
            return;
        };
        match hold.left {
            None => {
                // Older versions did not record who asked during the hold of a client that died.
                let wanted = self.keys[attempt.key as usize].died(attempt.client);
                self.counts.exercised_all += u64::from(challenged.unwrap_or(wanted && !self.challenges_told));
                if counts {
                    self.latencies.hold.record_in_vain(t.saturating_sub(hold.start));
                }
            }
            Some(left) if counts => self.latencies.release.record_in_vain(t.saturating_sub(left)),
            Some(_) => {}
        }
    }

    /// Ends an attempt: whatever else is said of it counts no more.
    fn close(&mut self, t: u64, attempt: &Attempt) -> Counted {
        if let Some(open_loop) = self.open_loop.as_mut().filter(|_| !attempt.is_further()) {
            open_loop.ended(attempt.client, t);
        }
        self.counted.take(attempt)
    }

    /// An event of the tool itself.
    fn tool(&mut self, event: &Event) {
        if let What::SelfStall { from } = event.what {
            let touches = from < self.schedule.end() && event.t >= self.schedule.measure();
            self.counts.self_stalls += u64::from(touches);
        }
        if let What::Dropped { due, until, count, own } = event.what {
            // Nobody was granted what was dropped: it took at least so long.
            self.latencies.acquire_response.add_in_vain(u64::from(count), until.saturating_sub(due));
            self.series.dropped(due, count);
            if let Some(open_loop) = &mut self.open_loop {
                open_loop.dropped_so(count, own);
            }
        }
        self.marks.observe(event);
    }
}

impl Follower for Figures {
    fn follow(&mut self, transition: &Transition<'_>) {
        let (attempt, t) = (transition.attempt, transition.event.t);
        for unfinished in transition.unfinished {
            self.close(t, unfinished);
        }
        if let Some(groups) = &mut self.groups {
            groups.follow(transition, &self.schedule);
        }
        if let Some(modes) = &mut self.modes {
            modes.follow(transition, &self.schedule);
        }
        if let Some(transactions) = &mut self.transactions {
            transactions.follow(transition, &self.schedule);
        }
        if let Some(sagas) = &mut self.sagas {
            sagas.follow(transition, &self.schedule);
        }
        if let Some(section) = &mut self.section {
            section.follow(transition, &self.schedule);
        }
        match transition.change {
            Change::Begun => self.begun(attempt),
            Change::Granted => {
                if let Some(hold) = &attempt.hold {
                    self.granted(attempt, hold);
                }
            }
            Change::Renewed { invoke, outcome } => self.renewed(t, attempt, invoke, outcome),
            Change::Lost => self.lost(attempt),
            Change::Left(seen) => self.left(t, attempt, seen),
            Change::Ended(End::Denied { denial, .. }) => self.denied(t, attempt, denial),
            Change::Ended(End::Released { release, .. }) => self.released(t, attempt, release),
            Change::Ended(End::Died { challenged, .. }) => self.died(t, attempt, challenged),
            Change::Stopped => {}
            Change::Tool => self.tool(transition.event),
        }
    }
}

impl Observer for Figures {
    fn observe(&mut self, event: &Event) {
        let mut attempts = std::mem::take(&mut self.attempts);
        self.follow(&attempts.observe(event));
        self.attempts = attempts;
    }
}

#[cfg(test)]
mod tests;
