//! What came of each group of clients. Kept only where the plan has groups.

use std::ops::Range;

use super::Schedule;
use crate::record::attempt::{Change, End, Transition};
use crate::record::event::Denial;
use crate::record::histogram::Latency;

/// The account of each group.
#[derive(Clone, Debug, Default)]
pub struct Groups {
    all: Vec<OfGroup>,
}

/// Attempts of one group whose call lies in the measure phase.
#[derive(Clone, Debug, Default)]
pub struct OfGroup {
    /// Its name.
    pub name: String,
    /// Numbers of its clients.
    pub clients: Range<u32>,
    /// Attempts that have an outcome.
    pub attempts: u64,
    /// Of these: granted.
    pub grants: u64,
    /// Of these: ended by their deadline, or refused.
    pub denied: u64,
    /// Of these: not served.
    pub unserved: u64,
    /// From the due instant to the grant.
    pub response: Latency,
    /// From the call to the grant.
    pub service: Latency,
}

impl Groups {
    pub(super) fn new(groups: Vec<(String, Range<u32>)>) -> Self {
        let of = |(name, clients)| OfGroup { name, clients, ..OfGroup::default() };
        Self { all: groups.into_iter().map(of).collect() }
    }

    /// All of them, in the order of the plan.
    #[must_use]
    pub fn all(&self) -> &[OfGroup] {
        &self.all
    }

    pub(super) fn follow(&mut self, transition: &Transition<'_>, schedule: &Schedule) {
        let (attempt, t) = (transition.attempt, transition.event.t);
        if !schedule.measures(attempt.invoke) || attempt.is_further() {
            return;
        }
        let Some(of) = self.all.iter_mut().find(|of| of.clients.contains(&attempt.client)) else { return };
        match transition.change {
            Change::Granted => {
                of.attempts += 1;
                of.grants += 1;
                of.response.record(t.saturating_sub(attempt.due));
                of.service.record(t.saturating_sub(attempt.invoke));
            }
            Change::Ended(End::Denied { denial, .. }) => match denial {
                // The load was stopped: no outcome.
                Denial::Withdrawn => {}
                Denial::Refused | Denial::TimedOut | Denial::Aborted | Denial::Deadlock => {
                    of.attempts += 1;
                    of.denied += 1;
                }
                Denial::Unavailable | Denial::Unknown => {
                    of.attempts += 1;
                    of.unserved += 1;
                }
            },
            _ => {}
        }
    }
}
