//! The lease length that follows the holds, for the clients of one worker thread.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use lockbench_core::workload::DynamicTtl;

/// So many holds are looked at, the last ones.
const LAST: usize = 1_000;
/// Before so many have ended the length is that of the start.
const FEWEST: usize = 20;
/// The quantile is told again after so many more.
const AGAIN: u32 = 20;

/// What the holds so far say of the length that the next lease should have. Clones share it.
#[derive(Clone)]
pub struct LeaseLength(Rc<RefCell<Seen>>);

struct Seen {
    policy: DynamicTtl,
    holds: VecDeque<u64>,
    since: u32,
    /// What to ask for; `None`: too few holds have ended.
    length_ns: Option<u64>,
}

impl LeaseLength {
    /// By that policy, on a system that grants no shorter lease than `floor_ns`.
    pub fn new(policy: DynamicTtl, floor_ns: u64) -> Self {
        let min_ns = policy.min_ns.max(floor_ns);
        let policy = DynamicTtl { min_ns, max_ns: policy.max_ns.max(min_ns), ..policy };
        Self(Rc::new(RefCell::new(Seen { policy, holds: VecDeque::new(), since: 0, length_ns: None })))
    }

    /// The length that the next lease should have, in nanoseconds; `None`: as it was at the start.
    pub fn next_ns(&self) -> Option<u64> {
        self.0.borrow().length_ns
    }

    /// A hold took so long.
    pub fn held(&self, ns: u64) {
        let mut seen = self.0.borrow_mut();
        if seen.holds.len() == LAST {
            seen.holds.pop_front();
        }
        seen.holds.push_back(ns);
        seen.since += 1;
        if seen.holds.len() >= FEWEST && (seen.length_ns.is_none() || seen.since >= AGAIN) {
            seen.since = 0;
            seen.length_ns = Some(seen.length());
        }
    }
}

impl Seen {
    fn length(&self) -> u64 {
        let mut sorted: Vec<u64> = self.holds.iter().copied().collect();
        sorted.sort_unstable();
        let DynamicTtl { quantile, factor, min_ns, max_ns } = self.policy;
        let rank = ((quantile * sorted.len() as f64).ceil() as usize).clamp(1, sorted.len());
        ((sorted[rank - 1] as f64 * factor) as u64).clamp(min_ns, max_ns)
    }
}

#[cfg(test)]
mod tests {
    use super::{DynamicTtl, LAST, LeaseLength};

    const MS: u64 = 1_000_000;
    const POLICY: DynamicTtl = DynamicTtl { quantile: 0.95, factor: 2.0, min_ns: 20 * MS, max_ns: 500 * MS };

    #[test]
    fn it_follows_the_quantile_of_the_last_holds_within_its_bounds() {
        let length = LeaseLength::new(POLICY, 0);
        (0..19).for_each(|_| length.held(30 * MS));
        assert_eq!(length.next_ns(), None, "too few");
        length.held(30 * MS);
        assert_eq!(length.next_ns(), Some(60 * MS));
        // One of twenty takes ten times as long: the quantile is below it, until there is another one.
        (0..20).for_each(|i| length.held(if i < 3 { 300 * MS } else { 30 * MS }));
        assert_eq!(length.next_ns(), Some(500 * MS), "600 ms, and no more than 500");
        (0..LAST).for_each(|_| length.held(MS));
        assert_eq!(length.next_ns(), Some(20 * MS), "the old ones are forgotten, and it is not shorter than 20 ms");
        let above = LeaseLength::new(POLICY, 2_000 * MS);
        (0..40).for_each(|_| above.held(MS));
        assert_eq!(above.next_ns(), Some(2_000 * MS), "the floor of the system");
    }
}
