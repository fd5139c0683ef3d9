//! How long to wait before a system that does not answer is asked again.

use lockbench_core::units::SECOND;
use lockbench_core::workload::client_seed;

/// First and longest wait. An outage is known to be over by the next question only, and what is
/// due until then counts as missed: short at first, so that a short outage is reported as one. One
/// question costs a server next to nothing.
const BOUNDS_NS: (u64, u64) = (SECOND / 5, 4 * SECOND);

/// Waits that double, each shortened by up to a half: several monitors do not come back
/// to a server in step.
pub struct Backoff {
    seed: u64,
    tries: u32,
}

impl Backoff {
    /// Returns waits from the first on; the same seed waits the same.
    pub fn new(seed: u64) -> Self {
        Self { seed, tries: 0 }
    }

    /// Returns the next wait in nanoseconds.
    pub fn next_ns(&mut self) -> u64 {
        let (first, longest) = BOUNDS_NS;
        let whole = (first << self.tries.min(16)).min(longest);
        let jitter = client_seed(self.seed, self.tries, 0) % (whole / 2);
        self.tries = self.tries.saturating_add(1);
        whole - jitter
    }

    /// Begins with the first wait again: the system answered.
    pub fn reset(&mut self) {
        self.tries = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::{BOUNDS_NS, Backoff};

    #[test]
    fn waits_double_to_the_longest_and_begin_anew() {
        let mut backoff = Backoff::new(7);
        let waits: Vec<u64> = (0..10).map(|_| backoff.next_ns()).collect();
        for (tries, wait) in waits.iter().enumerate() {
            let whole = (BOUNDS_NS.0 << tries).min(BOUNDS_NS.1);
            assert!((whole / 2..=whole).contains(wait), "{tries}: {wait}");
        }
        backoff.reset();
        assert_eq!(backoff.next_ns(), waits[0]);
        assert!((0..100_000).map(|_| backoff.next_ns()).max() <= Some(BOUNDS_NS.1));
    }
}
