//! The figures of one trial: a fold over its events. Definitions are in the
//! crate's design and beside each field; all of them come from events alone, so
//! they mean the same for every lock system.

mod detail;
mod latencies;
mod mark;
mod queue;
mod schedule;
mod series;

use serde::{Deserialize, Serialize};

pub use detail::{Detail, Lengths};
pub use latencies::Latencies;
pub use mark::{Mark, MarkKind, paused_ns};
pub use queue::KeyTally;
pub use schedule::{Pause, Schedule};
pub use series::Window;

use self::mark::Marks;
use self::queue::KeyQueue;
use self::series::Series;
use super::event::{Denial, Event, ReleaseKind, RenewalOutcome, Seen, What};
use super::merge::Observer;
use super::sparse::Sparse;

/// Outcomes of the attempts whose `acquire_invoke` lies in the measure phase.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Attempts with an outcome; without the withdrawn ones.
    pub attempts: u64,
    /// Acquired.
    pub grants: u64,
    /// Refused.
    pub refused: u64,
    /// Timed out.
    pub timed_out: u64,
    /// Unavailable.
    pub unavailable: u64,
    /// Unknown, died clients included.
    pub unknown: u64,
    /// Still waiting when the load was stopped: no outcome of the system.
    pub withdrawn: u64,
    /// Attempts that were not granted by their first request: the others, and those that
    /// got no grant at all. Counted when the outcome is known.
    #[serde(default)]
    pub waited: u64,
    /// Attempts at whose `acquire_invoke` another client's hold on the key was open.
    #[serde(alias = "contended")]
    pub found_held: u64,
    /// Requests that the recipe sent for acquire, polls and release.
    pub requests: u64,
    /// Grants of which the client learned that they were lost.
    pub lost_leases: u64,
    /// Grants that went to a later arrival while an earlier one still waited.
    pub overtakes: u64,
    /// Longest wait, granted or not, in nanoseconds.
    pub longest_wait_ns: u64,
    /// Grants whose `acquire_ok` lies in the measure phase and in no pause (for throughput).
    pub grants_in_window: u64,
    /// Attempts of all phases.
    pub attempts_all: u64,
    /// Grants of all phases.
    pub grants_all: u64,
    /// Holds of all phases during which another client was waiting for the key or
    /// trying to get it: the N of the upper bound.
    pub exercised_all: u64,
    /// Attempts of all phases with an unknown outcome.
    pub unknown_all: u64,
    /// Stalls of this process that touch the measure phase.
    #[serde(default)]
    pub self_stalls: u64,
}

impl Counts {
    /// Attempts that waited and got neither a grant nor a refusal.
    #[must_use]
    pub fn in_vain(&self) -> u64 {
        self.timed_out + self.unavailable + self.unknown + self.withdrawn
    }

    /// Share of the attempts that were not granted by their first request.
    #[must_use]
    pub fn waited_ratio(&self) -> Option<f64> {
        share(self.waited, self.attempts)
    }

    /// Share of the attempts at whose `acquire_invoke` another client held the key.
    #[must_use]
    pub fn found_held_ratio(&self) -> Option<f64> {
        share(self.found_held, self.attempts)
    }

    /// Share of the attempts that the system served: granted, refused or timed out in order.
    #[must_use]
    pub fn availability(&self) -> Option<f64> {
        share(self.grants + self.refused + self.timed_out, self.attempts)
    }
}

fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

#[derive(Clone, Copy, Default)]
struct Attempt {
    invoke: u64,
    due: u64,
    acquired: u64,
    release_invoke: u64,
    counts: bool,
    found_held: bool,
    lost: bool,
}

/// The fold.
pub struct Figures {
    schedule: Schedule,
    counts: Counts,
    latencies: Latencies,
    clients: Vec<Attempt>,
    grants_of: Vec<u64>,
    longest_wait_of: Vec<u64>,
    keys: Sparse<KeyQueue>,
    series: Series,
    marks: Marks,
    detail: Option<Box<Detail>>,
    /// Was a hold counted as challenged because another attempt was open, asleep or not?
    sleepers_challenge: bool,
    /// Do the events tell which holds were challenged?
    challenges_told: bool,
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
            clients: vec![Attempt::default(); clients as usize],
            grants_of: vec![0; clients as usize],
            longest_wait_of: vec![0; clients as usize],
            keys: Sparse::new(keys),
            marks: Marks::default(),
            detail: None,
            sleepers_challenge: false,
            challenges_told: false,
        }
    }

    /// The same, with what no report has.
    #[must_use]
    pub fn detailed(mut self) -> Self {
        self.detail = Some(Box::default());
        self
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
        let waiting = |attempt: &&Attempt| attempt.counts && attempt.acquired == 0;
        let mut counts = self.counts;
        for attempt in self.clients.iter().filter(waiting) {
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

    /// Pauses that are over, and markers, in the order in which they ended.
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

    fn invoke(&mut self, event: &Event, due: u64) {
        let counts = self.schedule.measures(event.t);
        let found_held = self.keys[event.key as usize].arrive(event.client, event.t);
        self.clients[event.client as usize] =
            Attempt { invoke: event.t, due, counts, found_held, ..Attempt::default() };
        self.counts.attempts_all += 1;
        self.counts.attempts += u64::from(counts);
        self.counts.found_held += u64::from(counts && found_held);
        if let Some(detail) = self.detail.as_mut().filter(|_| counts) {
            detail.began(event.t.saturating_sub(due));
        }
    }

    fn acquired(&mut self, event: &Event, requests: u32, waited: Option<bool>) {
        self.clients[event.client as usize].acquired = event.t;
        let attempt = self.clients[event.client as usize];
        let wait = event.t - attempt.invoke;
        self.series.granted(event.t, wait);
        let taken = self.keys[event.key as usize].granted(event.client, attempt.invoke);
        self.counts.grants_all += 1;
        // A pause is a drain in between: who waited is served still, in time that counts for nothing.
        let in_window = self.schedule.measures(event.t) && self.marks.paused_since().is_none();
        self.counts.grants_in_window += u64::from(in_window);
        if !attempt.counts {
            return;
        }
        self.counts.grants += 1;
        // A server that queues its callers answers the first request only, when it grants: there
        // the call waited if another client held the key at any time of it.
        self.counts.waited += u64::from(waited.unwrap_or(attempt.found_held || taken.others_first));
        self.counts.requests += u64::from(requests);
        self.counts.overtakes += u64::from(taken.overtook);
        self.waited(event.client, wait);
        self.grants_of[event.client as usize] += 1;
        self.latencies.acquire_service.record(wait);
        self.latencies.acquire_response.record(event.t.saturating_sub(attempt.due));
        if let Some(released) = taken.released_at {
            self.latencies.handoff.record(event.t - released);
        }
    }

    fn denied(&mut self, event: &Event, denial: Denial, requests: u32) {
        let attempt = self.close(event.client);
        let released = self.keys[event.key as usize].leave(event.client, attempt.invoke);
        self.series.denied(attempt.invoke, event.t, denial);
        self.counts.unknown_all += u64::from(denial == Denial::Unknown);
        if !attempt.counts {
            return;
        }
        if denial != Denial::Refused {
            self.in_vain(event, &attempt, released);
        }
        if denial == Denial::Withdrawn {
            // Out of both sides of every ratio.
            self.counts.attempts -= 1;
            self.counts.found_held -= u64::from(attempt.found_held);
            self.counts.withdrawn += 1;
            return;
        }
        self.counts.waited += 1;
        self.counts.requests += u64::from(requests);
        self.waited(event.client, event.t - attempt.invoke);
        self.ended(event, denial, &attempt);
        match denial {
            Denial::Refused => self.counts.refused += 1,
            Denial::TimedOut => self.counts.timed_out += 1,
            Denial::Unavailable => self.counts.unavailable += 1,
            Denial::Unknown => self.counts.unknown += 1,
            Denial::Withdrawn => {}
        }
    }

    /// An attempt that counts ended without a grant.
    fn ended(&mut self, event: &Event, denial: Denial, attempt: &Attempt) {
        if let Some(detail) = &mut self.detail {
            detail.ended(denial, event.t - attempt.invoke, event.t.saturating_sub(attempt.due));
        }
    }

    /// An attempt that counts waited until now and got no answer that a caller can use: it
    /// would have taken at least so long, and so would the hand-off that ended with it.
    fn in_vain(&mut self, event: &Event, attempt: &Attempt, released: Option<u64>) {
        self.latencies.acquire_service.record_in_vain(event.t.saturating_sub(attempt.invoke));
        self.latencies.acquire_response.record_in_vain(event.t.saturating_sub(attempt.due));
        if let Some(released) = released {
            self.latencies.handoff.record_in_vain(event.t.saturating_sub(released));
        }
    }

    /// A wait that counts, granted or not.
    fn waited(&mut self, client: u32, wait_ns: u64) {
        self.counts.longest_wait_ns = self.counts.longest_wait_ns.max(wait_ns);
        let longest = &mut self.longest_wait_of[client as usize];
        *longest = (*longest).max(wait_ns);
    }

    /// Counts a lost lease once a grant.
    fn lost(&mut self, client: u32) {
        let attempt = &mut self.clients[client as usize];
        if attempt.counts && !attempt.lost {
            attempt.lost = true;
            self.counts.lost_leases += 1;
        }
    }

    fn release_invoke(&mut self, event: &Event, seen: Seen) {
        let attempt = &mut self.clients[event.client as usize];
        attempt.release_invoke = event.t;
        let wanted = self.keys[event.key as usize].released(event.client, event.t);
        // Older versions did not record who asked: every other attempt that was open counted.
        self.sleepers_challenge |= seen.challenged.is_none();
        self.challenges_told |= seen.challenged.is_some();
        self.counts.exercised_all += u64::from(seen.challenged.unwrap_or(wanted));
        if attempt.counts {
            self.latencies.hold.record(event.t - attempt.acquired);
        }
    }

    fn released(&mut self, event: &Event, release: ReleaseKind, requests: u32) {
        if release == ReleaseKind::NotOwner {
            self.lost(event.client);
        }
        let attempt = self.close(event.client);
        self.counts.unknown_all += u64::from(release == ReleaseKind::Unknown);
        if !attempt.counts {
            return;
        }
        self.counts.requests += u64::from(requests);
        match release {
            ReleaseKind::Confirmed | ReleaseKind::NotOwner => {
                self.latencies.release.record(event.t - attempt.release_invoke);
            }
            ReleaseKind::Unavailable | ReleaseKind::Unknown => {
                self.latencies.release.record_in_vain(event.t - attempt.release_invoke);
            }
        }
    }

    fn died(&mut self, event: &Event, challenged: Option<bool>) {
        let attempt = self.close(event.client);
        self.counts.unknown_all += 1;
        if attempt.acquired == 0 {
            let released = self.keys[event.key as usize].leave(event.client, attempt.invoke);
            if attempt.counts {
                self.counts.unknown += 1;
                self.counts.waited += 1;
                self.in_vain(event, &attempt, released);
                self.ended(event, Denial::Unknown, &attempt);
            }
        } else if attempt.release_invoke == 0 {
            // Older versions did not record who asked during the hold of a client that died.
            let wanted = self.keys[event.key as usize].died(event.client);
            self.counts.exercised_all += u64::from(challenged.unwrap_or(wanted && !self.challenges_told));
            if attempt.counts {
                self.latencies.hold.record_in_vain(event.t.saturating_sub(attempt.acquired));
            }
        } else if attempt.counts {
            self.latencies.release.record_in_vain(event.t.saturating_sub(attempt.release_invoke));
        }
    }

    /// Ends a client's attempt: whatever else is said of it counts no more.
    fn close(&mut self, client: u32) -> Attempt {
        std::mem::take(&mut self.clients[client as usize])
    }
}

impl Observer for Figures {
    fn observe(&mut self, event: &Event) {
        match event.what {
            What::Invoke { due } => self.invoke(event, due),
            What::Acquired { requests, waited, .. } => self.acquired(event, requests, waited),
            What::Denied { denial, requests, .. } => self.denied(event, denial, requests),
            What::Renewed { invoke, outcome, .. } => match outcome {
                RenewalOutcome::Refused => self.lost(event.client),
                RenewalOutcome::Confirmed | RenewalOutcome::Unanswered
                    if !self.clients[event.client as usize].counts => {}
                RenewalOutcome::Confirmed => self.latencies.renew.record(event.t - invoke),
                RenewalOutcome::Unanswered => self.latencies.renew.record_in_vain(event.t - invoke),
            },
            What::Lost { .. } => self.lost(event.client),
            What::ReleaseInvoke { seen, .. } => self.release_invoke(event, seen),
            What::Released { release, requests, .. } => self.released(event, release, requests),
            What::Died { challenged, .. } => self.died(event, challenged),
            What::SelfStall { from } => {
                let touches = from < self.schedule.end() && event.t >= self.schedule.measure();
                self.counts.self_stalls += u64::from(touches);
            }
            What::PauseBegins | What::Paused { .. } | What::Marker { .. } => self.marks.observe(event),
        }
    }
}

#[cfg(test)]
mod tests;
