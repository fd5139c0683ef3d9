//! What the witness saw: harm done without fencing, harm that fencing prevented,
//! and whether the witness agrees with the sweep. More than one client inside at
//! once on a key none of whose holds touched means that lockbench itself is wrong.

use super::checker::Checker;
use super::open::OpenAttempts;
use crate::record::attempt::{Change, Transition};
use crate::record::history::Judged;

/// The checker.
pub struct Harm {
    crowded: Vec<bool>,
}

impl Harm {
    /// A checker for so many keys.
    #[must_use]
    pub fn new(keys: u32) -> Self {
        Self { crowded: vec![false; keys as usize] }
    }

    /// The first key on which two clients were inside at once though no two of its
    /// holds even touched.
    #[must_use]
    pub fn contradiction(&self, touched: impl Fn(u32) -> bool) -> Option<u32> {
        (0_u32..).zip(&self.crowded).find(|(key, crowded)| **crowded && !touched(*key)).map(|(key, _)| key)
    }
}

impl Checker for Harm {
    fn check(&mut self, transition: &Transition<'_>, _open: &OpenAttempts, judged: &mut Judged) {
        let Change::Left(seen) = transition.change else { return };
        judged.lost_updates += u64::from(seen.lost_update);
        judged.stale_writes_seen += u64::from(seen.stale_write);
        judged.stale_writes_refused += u64::from(seen.refused_write);
        if seen.occupancy > 1 {
            self.crowded[transition.attempt.key as usize] = true;
        }
    }
}
