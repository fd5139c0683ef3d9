//! What became of sagas: attempts that take several locks one after another, each given back before the next (H.
//! Garcia-Molina, K. Salem: Sagas, SIGMOD 1987). Where a step does not get its lock, those before it are undone in the
//! opposite order, each under its lock again. Nothing keeps others out between two steps: what they then find is counted.
//!
//! A client does nothing else between the steps of a saga, so that its attempts in their order tell which is which.

use std::collections::BTreeMap;

use super::Schedule;
use crate::record::attempt::{Attempt, Change, End, Transition};
use crate::record::event::Denial;
use crate::record::histogram::Latency;

/// The account of sagas whose first call lies in the measure phase.
#[derive(Clone, Debug, Default)]
pub struct Sagas {
    steps: u32,
    /// By client: the one that it has open.
    open: BTreeMap<u32, Open>,
    /// Keys of steps that are done, of sagas that are not over, and how many.
    between: BTreeMap<u32, u32>,
    completed: u64,
    undone: u64,
    half_done: u64,
    not_begun: u64,
    seen_between: u64,
    whole: Latency,
}

/// A saga that has begun.
#[derive(Clone, Debug)]
struct Open {
    counts: bool,
    due: u64,
    /// Keys of the steps that are done and not undone.
    done: Vec<u32>,
    /// A step was denied: the next attempts undo.
    undoing: bool,
    /// Steps that could not be undone.
    left: u32,
}

impl Sagas {
    /// Of so many steps each.
    #[must_use]
    pub fn new(steps: u32) -> Self {
        Self { steps, ..Self::default() }
    }

    /// Those all of whose steps were done.
    #[must_use]
    pub fn completed(&self) -> u64 {
        self.completed
    }

    /// Those that did not get a lock on the way, and undid what was done.
    #[must_use]
    pub fn undone(&self) -> u64 {
        self.undone
    }

    /// Those that could not undo all of it, or whose client died: they stay half done.
    #[must_use]
    pub fn half_done(&self) -> u64 {
        self.half_done
    }

    /// Those that did not get their first lock: nothing was done.
    #[must_use]
    pub fn not_begun(&self) -> u64 {
        self.not_begun
    }

    /// Steps that found another saga between its own: what they worked on may yet be undone. A transaction that holds its
    /// locks lets nobody see that.
    #[must_use]
    pub fn seen_between(&self) -> u64 {
        self.seen_between
    }

    /// From the due instant to the end of the last step, of those that were completed.
    #[must_use]
    pub fn whole(&self) -> &Latency {
        &self.whole
    }

    pub(super) fn follow(&mut self, transition: &Transition<'_>, schedule: &Schedule) {
        let (attempt, t) = (transition.attempt, transition.event.t);
        for unfinished in transition.unfinished {
            self.forget(unfinished.client);
        }
        match transition.change {
            Change::Begun => {
                let Attempt { due, invoke, .. } = *attempt;
                let counts = schedule.measures(invoke);
                let begin = || Open { counts, due, done: Vec::new(), undoing: false, left: 0 };
                self.open.entry(attempt.client).or_insert_with(begin);
            }
            Change::Granted => self.entered(attempt),
            Change::Ended(End::Denied { denial, .. }) => self.denied(attempt, denial),
            Change::Ended(End::Released { .. }) => self.step_over(attempt, t),
            Change::Ended(End::Died { .. }) => {
                if let Some(open) = self.forget(attempt.client) {
                    self.half_done += u64::from(open.counts && !open.done.is_empty());
                }
            }
            _ => {}
        }
    }

    fn entered(&mut self, attempt: &Attempt) {
        let forward = self.open.get(&attempt.client).is_some_and(|open| open.counts && !open.undoing);
        self.seen_between += u64::from(forward && self.between.contains_key(&attempt.key));
    }

    fn step_over(&mut self, attempt: &Attempt, t: u64) {
        let Some(open) = self.open.get_mut(&attempt.client) else { return };
        if open.undoing {
            open.done.retain(|key| *key != attempt.key);
            leave(&mut self.between, attempt.key);
            return self.undone_if_over(attempt.client);
        }
        open.done.push(attempt.key);
        *self.between.entry(attempt.key).or_default() += 1;
        if open.done.len() < self.steps as usize {
            return;
        }
        if let Some(open) = self.forget(attempt.client).filter(|open| open.counts) {
            self.completed += 1;
            self.whole.record(t.saturating_sub(open.due));
        }
    }

    fn denied(&mut self, attempt: &Attempt, denial: Denial) {
        let Some(open) = self.open.get_mut(&attempt.client) else { return };
        if denial == Denial::Withdrawn {
            // The load was stopped: no outcome.
            self.forget(attempt.client);
        } else if open.undoing {
            open.left += 1;
            open.done.retain(|key| *key != attempt.key);
            leave(&mut self.between, attempt.key);
            self.undone_if_over(attempt.client);
        } else if open.done.is_empty() {
            self.not_begun += u64::from(self.forget(attempt.client).is_some_and(|open| open.counts));
        } else {
            open.undoing = true;
        }
    }

    fn undone_if_over(&mut self, client: u32) {
        if self.open.get(&client).is_none_or(|open| !open.done.is_empty()) {
            return;
        }
        if let Some(open) = self.forget(client).filter(|open| open.counts) {
            let to = if open.left > 0 { &mut self.half_done } else { &mut self.undone };
            *to += 1;
        }
    }

    /// It is over; what it had done lies between no steps any more.
    fn forget(&mut self, client: u32) -> Option<Open> {
        let open = self.open.remove(&client)?;
        open.done.iter().for_each(|key| leave(&mut self.between, *key));
        Some(open)
    }
}

fn leave(between: &mut BTreeMap<u32, u32>, key: u32) {
    if let Some(count) = between.get_mut(&key) {
        *count -= 1;
        if *count == 0 {
            between.remove(&key);
        }
    }
}
