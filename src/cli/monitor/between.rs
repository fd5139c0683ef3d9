//! The time between two rounds, in which only the sessions that are opened show that a system answers.

use std::sync::Arc;

use lockbench_core::units::MILLISECOND;
use lockbench_engine::DueInstants;

/// The alerting thread looks five times a second. A longer gap is our own: nobody could be heard in it.
const LONGEST_LOOK_NS: u64 = 500 * MILLISECOND;

/// The time between two rounds.
pub struct Between {
    /// Since when the system has not answered.
    pub since: u64,
    /// The last look, and how long this process ran since then.
    looked: u64,
    unheard_ns: u64,
    /// The round that is made ready: every session that it opens is an answer.
    next: Option<Arc<DueInstants>>,
}

impl Between {
    /// From now on, with the round that is made ready.
    pub fn since(now: u64, next: Option<Arc<DueInstants>>) -> Self {
        Self { since: now, looked: now, unheard_ns: 0, next }
    }

    /// How long the system has not answered, times left out in which this process did not run.
    pub fn unheard(&mut self, now: u64) -> u64 {
        let opened = self.next.as_ref().map_or(0, |grid| grid.opened());
        if opened > self.since {
            (self.since, self.unheard_ns) = (opened, 0);
        }
        let gap = now.saturating_sub(std::mem::replace(&mut self.looked, now)).min(LONGEST_LOOK_NS);
        self.unheard_ns = (self.unheard_ns + gap).min(now.saturating_sub(self.since));
        self.unheard_ns
    }
}
