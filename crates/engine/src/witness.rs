//! The witness: the thing that a lock protects. Every critical section enters
//! and leaves it, reads its register on entering and writes on leaving, and
//! presents its fencing token both times. It also sees whether another client asked for
//! the key meanwhile. One run so yields the harm done without
//! fencing and the harm that fencing would have prevented. Only atomics: the
//! witness must never make clients wait for one another.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use lockbench_core::lock::{Asks, Moment};
use lockbench_core::record::WitnessReading;

/// One key's resource, on a cache line of its own.
#[derive(Default)]
#[repr(align(128))]
struct Resource {
    inside: AtomicU32,
    /// The unfenced register: the number of the last write.
    value: AtomicU64,
    presented: AtomicU64,
    written: AtomicU64,
}

/// The resources of all keys of a trial.
pub struct Witness {
    resources: Vec<Resource>,
    asks: Arc<Asks>,
}

/// A critical section that is under way.
pub struct Visit {
    key: u32,
    token: Option<u64>,
    read: u64,
    occupancy: u32,
    asked: Moment,
}

impl Witness {
    /// One resource a key.
    #[must_use]
    pub fn new(keys: u32) -> Self {
        Self { resources: (0..keys).map(|_| Resource::default()).collect(), asks: Arc::new(Asks::new(keys)) }
    }

    /// The requests for its keys that are under way.
    #[must_use]
    pub fn asks(&self) -> Arc<Asks> {
        Arc::clone(&self.asks)
    }

    /// Enters the critical section of a key: presents the token and reads.
    #[must_use]
    pub fn enter(&self, key: u32, token: Option<u64>) -> Visit {
        let resource = &self.resources[key as usize];
        let occupancy = resource.inside.fetch_add(1, Ordering::AcqRel) + 1;
        if let Some(token) = token {
            resource.presented.fetch_max(token, Ordering::AcqRel);
        }
        Visit { key, token, read: resource.value.load(Ordering::Acquire), occupancy, asked: self.asks.now(key) }
    }

    /// Leaves it: presents the token again and writes.
    #[must_use]
    pub fn leave(&self, visit: &Visit) -> WitnessReading {
        let resource = &self.resources[visit.key as usize];
        let challenged = Some(visit.asked.asked_until(self.asks.now(visit.key)));
        let mut seen = WitnessReading { occupancy: visit.occupancy, challenged, ..WitnessReading::default() };
        if let Some(token) = visit.token {
            seen.refused_write = token < resource.presented.fetch_max(token, Ordering::AcqRel);
            seen.stale_write = token < resource.written.fetch_max(token, Ordering::AcqRel);
        }
        // The number of the write stands for its value: each write changes it.
        seen.lost_update = resource.value.fetch_add(1, Ordering::AcqRel) != visit.read;
        resource.inside.fetch_sub(1, Ordering::AcqRel);
        seen
    }

    /// A client that died inside leaves without writing. Returns whether a request of another
    /// client challenged its hold until now.
    pub fn abandon(&self, visit: &Visit) -> bool {
        self.resources[visit.key as usize].inside.fetch_sub(1, Ordering::AcqRel);
        visit.asked.asked_until(self.asks.now(visit.key))
    }
}

#[cfg(test)]
mod tests {
    use super::Witness;

    #[test]
    fn one_at_a_time_does_no_harm() {
        let witness = Witness::new(1);
        for token in 1..5 {
            let visit = witness.enter(0, Some(token));
            let seen = witness.leave(&visit);
            assert!(!seen.lost_update && !seen.stale_write && !seen.refused_write);
            assert_eq!(seen.occupancy, 1);
        }
    }

    #[test]
    fn a_stale_holder_loses_an_update_and_fencing_refuses_it() {
        let witness = Witness::new(1);
        let stale = witness.enter(0, Some(1));
        let fresh = witness.enter(0, Some(2));
        let seen = witness.leave(&fresh);
        assert_eq!((seen.occupancy, seen.lost_update, seen.refused_write), (2, false, false));
        let seen = witness.leave(&stale);
        assert!(seen.lost_update && seen.stale_write && seen.refused_write);
    }

    #[test]
    fn refused_on_presenting_though_nothing_newer_was_written() {
        let witness = Witness::new(1);
        let stale = witness.enter(0, Some(1));
        let fresh = witness.enter(0, Some(2));
        let seen = witness.leave(&stale);
        assert!(seen.refused_write && !seen.stale_write);
        assert!(!witness.abandon(&fresh));
        assert_eq!(witness.enter(0, None).occupancy, 1);
    }

    #[test]
    fn an_equal_token_is_not_below() {
        let witness = Witness::new(1);
        for _ in 0..2 {
            let visit = witness.enter(0, Some(3));
            let seen = witness.leave(&visit);
            assert!(!seen.stale_write && !seen.refused_write);
        }
    }
}
