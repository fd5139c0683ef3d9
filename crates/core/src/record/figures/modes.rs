//! Grants of locks that have modes, apart by mode, and how many clients held one key at once. Kept only where the plan
//! asks for such locks.

use std::collections::BTreeMap;

use super::Schedule;
use crate::record::attempt::{Change, End, Transition};
use crate::record::event::Mode;
use crate::record::histogram::Latency;

/// The account of attempts whose call lies in the measure phase.
#[derive(Clone, Debug, Default)]
pub struct Modes {
    reads: OfMode,
    others: OfMode,
    /// By key: who holds it.
    inside: BTreeMap<u32, u32>,
    most: u32,
}

/// Those of one mode.
#[derive(Clone, Debug, Default)]
pub struct OfMode {
    grants: u64,
    acquire: Latency,
}

impl OfMode {
    /// Grants.
    #[must_use]
    pub fn grants(&self) -> u64 {
        self.grants
    }

    /// From the call to the grant.
    #[must_use]
    pub fn acquire(&self) -> &Latency {
        &self.acquire
    }
}

impl Modes {
    /// Of shared locks.
    #[must_use]
    pub fn reads(&self) -> &OfMode {
        &self.reads
    }

    /// Of exclusive locks, or of permits.
    #[must_use]
    pub fn others(&self) -> &OfMode {
        &self.others
    }

    /// Most clients that held one key at once, in the measure phase.
    #[must_use]
    pub fn most_at_once(&self) -> u32 {
        self.most
    }

    pub(super) fn follow(&mut self, transition: &Transition<'_>, schedule: &Schedule) {
        let (attempt, t) = (transition.attempt, transition.event.t);
        let inside = attempt.inside();
        match transition.change {
            Change::Granted => {
                let held = self.inside.entry(attempt.key).or_default();
                *held += 1;
                if schedule.measures(t) {
                    self.most = self.most.max(*held);
                }
                if schedule.measures(attempt.invoke) {
                    let of = if attempt.mode == Mode::Shared { &mut self.reads } else { &mut self.others };
                    of.grants += 1;
                    of.acquire.record(t.saturating_sub(attempt.invoke));
                }
            }
            Change::Left(_) => self.leaves(attempt.key),
            Change::Ended(End::Died { .. }) if inside => self.leaves(attempt.key),
            _ => {}
        }
    }

    fn leaves(&mut self, key: u32) {
        if let Some(held) = self.inside.get_mut(&key) {
            *held = held.saturating_sub(1);
        }
    }
}
