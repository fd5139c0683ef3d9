//! What the witness saw: harm done without fencing, harm that fencing prevented,
//! and whether the witness agrees with the sweep. More than one client inside at
//! once on a key none of whose holds touched means that lockbench itself is wrong.

use super::checker::{Checker, Conclusion, of_violations};
use super::open::OpenAttempts;
use crate::record::attempt::{Change, Transition};

/// Totals of all phases.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HarmCounts {
    /// Writes that overwrote a change made since the read, unfenced.
    pub lost_updates: u64,
    /// Writes with a token below the highest written one.
    pub stale_writes_seen: u64,
    /// Writes that a fenced resource refused.
    pub stale_writes_refused: u64,
}

/// The checker.
pub struct Harm {
    counts: HarmCounts,
    crowded: Vec<bool>,
}

impl Harm {
    /// A checker for so many keys.
    #[must_use]
    pub fn new(keys: u32) -> Self {
        Self { counts: HarmCounts::default(), crowded: vec![false; keys as usize] }
    }

    /// Totals so far.
    #[must_use]
    pub fn counts(&self) -> HarmCounts {
        self.counts
    }

    /// The first key on which two clients were inside at once though no two of its
    /// holds even touched.
    #[must_use]
    pub fn contradiction(&self, touched: impl Fn(u32) -> bool) -> Option<u32> {
        (0_u32..).zip(&self.crowded).find(|(key, crowded)| **crowded && !touched(*key)).map(|(key, _)| key)
    }
}

impl Checker for Harm {
    fn name(&self) -> &'static str {
        "harm to what the lock protects"
    }

    fn check(&mut self, transition: &Transition<'_>, _open: &OpenAttempts) {
        let Change::Left(seen) = transition.change else { return };
        self.counts.lost_updates += u64::from(seen.lost_update);
        self.counts.stale_writes_seen += u64::from(seen.stale_write);
        self.counts.stale_writes_refused += u64::from(seen.refused_write);
        if seen.occupancy > 1 {
            self.crowded[transition.attempt.key as usize] = true;
        }
    }

    fn conclusion(&self) -> Conclusion {
        of_violations(self.counts.lost_updates + self.counts.stale_writes_seen)
    }
}
