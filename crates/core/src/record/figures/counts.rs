//! What the figures count, as runs store it.

use serde::{Deserialize, Serialize};

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
    /// Given up to break a deadlock, by the workload's policy or by the server.
    #[serde(default)]
    pub deadlocked: u64,
    /// Still waiting when the load was stopped: no outcome of the system.
    pub withdrawn: u64,
    /// Attempts that were not granted by their first request: the others, and those that
    /// got no grant at all. Counted when the outcome is known.
    #[serde(default)]
    pub waited: u64,
    /// Attempts at whose `acquire_invoke` another client's hold on the key was open.
    #[serde(alias = "contended")]
    pub found_held: u64,
    /// Grants whose release the server confirmed: work that was done under the lock, or committed.
    #[serde(default)]
    pub confirmed: u64,
    /// Requests that the recipe sent for acquire, polls and release.
    pub requests: u64,
    /// How often clients that waited were woken to look again.
    #[serde(default)]
    pub wakeups: u64,
    /// Of these: they went on waiting, or gave up.
    #[serde(default)]
    pub wasted_wakeups: u64,
    /// Grants of which the client learned that they were lost.
    pub lost_leases: u64,
    /// Grants that went to a later arrival while an earlier one still waited.
    pub overtakes: u64,
    /// Longest wait, granted or not, in nanoseconds.
    pub longest_wait_ns: u64,
    /// Grants whose `acquire_ok` lies in the measure phase and in no pause (for throughput); where nobody is excluded, commits
    /// that do.
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
        self.timed_out + self.unavailable + self.unknown + self.deadlocked + self.withdrawn
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

    /// Share of the attempts that the system served: granted, refused, timed out or given up in order.
    #[must_use]
    pub fn availability(&self) -> Option<f64> {
        share(self.grants + self.refused + self.timed_out + self.deadlocked, self.attempts)
    }
}

fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}
