//! What became of transactions: attempts that take several locks, one while they hold the others. Kept only where the
//! plan has them.

use std::collections::BTreeMap;

use super::Schedule;
use crate::record::attempt::{Change, End, Transition};
use crate::record::event::Denial;
use crate::record::histogram::Latency;

/// The account of transactions whose first call lies in the measure phase.
#[derive(Clone, Debug, Default)]
pub struct Transactions {
    /// By client: the one that it has open.
    open: BTreeMap<u32, Open>,
    completed: u64,
    given_up: u64,
    deadlocked: u64,
    acquire: Latency,
    in_vain: Latency,
}

/// A transaction that has begun.
#[derive(Clone, Copy, Debug)]
struct Open {
    counts: bool,
    due: u64,
    /// The first grant, and the last so far.
    granted: Option<(u64, u64)>,
    /// It did not get a lock that it wanted.
    denied: Option<Denial>,
}

impl Transactions {
    /// Those that got all of their locks.
    #[must_use]
    pub fn completed(&self) -> u64 {
        self.completed
    }

    /// Those that did not get one of them, and gave the others back.
    #[must_use]
    pub fn given_up(&self) -> u64 {
        self.given_up
    }

    /// Of these: to break a deadlock, by the workload's policy or by the server.
    #[must_use]
    pub fn deadlocked(&self) -> u64 {
        self.deadlocked
    }

    /// From the due instant to the grant of the last lock, of those that got all.
    #[must_use]
    pub fn acquire(&self) -> &Latency {
        &self.acquire
    }

    /// From the grant of the first lock to the giving back, of those that did not: so long other clients were kept out for
    /// nothing.
    #[must_use]
    pub fn held_in_vain(&self) -> &Latency {
        &self.in_vain
    }

    pub(super) fn follow(&mut self, transition: &Transition<'_>, schedule: &Schedule) {
        let (attempt, t) = (transition.attempt, transition.event.t);
        for unfinished in transition.unfinished.iter().filter(|attempt| !attempt.is_further()) {
            self.open.remove(&unfinished.client);
        }
        match transition.change {
            Change::Begun if !attempt.is_further() => {
                let counts = schedule.measures(attempt.invoke);
                let open = Open { counts, due: attempt.due, granted: None, denied: None };
                self.open.insert(attempt.client, open);
            }
            Change::Granted => {
                if let Some(open) = self.open.get_mut(&attempt.client) {
                    open.granted = Some((open.granted.map_or(t, |(first, _)| first), t));
                }
            }
            Change::Ended(End::Denied { denial, .. }) => {
                if let Some(open) = self.open.get_mut(&attempt.client) {
                    open.denied = Some(denial);
                }
                if !attempt.is_further() {
                    self.over(attempt.client, t);
                }
            }
            // The first lock is given back last; whatever its release comes to, its client has left.
            Change::Left(_) if !attempt.is_further() => self.over(attempt.client, t),
            Change::Ended(End::Died { .. }) => {
                self.open.remove(&attempt.client);
            }
            _ => {}
        }
    }

    fn over(&mut self, client: u32, t: u64) {
        let Some(open) = self.open.remove(&client).filter(|open| open.counts) else { return };
        match (open.denied, open.granted) {
            (None, Some((_, last))) => {
                self.completed += 1;
                self.acquire.record(last.saturating_sub(open.due));
            }
            // The load was stopped: no outcome.
            (Some(Denial::Withdrawn), _) | (None, None) => {}
            (Some(denial), granted) => {
                self.given_up += 1;
                self.deadlocked += u64::from(matches!(denial, Denial::Aborted | Denial::Deadlock));
                if let Some((first, _)) = granted {
                    self.in_vain.record(t.saturating_sub(first));
                }
            }
        }
    }
}
