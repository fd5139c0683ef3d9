//! Delays between the tries of a client that waits by polling. The policy is
//! the plan's; recipes with a queue or a watch ignore it.

use rand::{Rng, RngExt};

/// How long to wait before the next try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// Always the same delay.
    Fixed {
        /// Delay in nanoseconds.
        delay_ns: u64,
    },
    /// Doubles from `base_ns` up to `max_ns`.
    Exponential {
        /// First delay in nanoseconds.
        base_ns: u64,
        /// Longest delay in nanoseconds.
        max_ns: u64,
    },
    /// Uniform between zero and the exponential delay ("full jitter": AWS
    /// Architecture Blog, "Exponential Backoff And Jitter", 2015).
    Jitter {
        /// First bound in nanoseconds.
        base_ns: u64,
        /// Largest bound in nanoseconds.
        max_ns: u64,
    },
    /// Uniform between the shortest delay and three times the delay before ("decorrelated jitter", same source).
    Decorrelated {
        /// Shortest delay in nanoseconds.
        base_ns: u64,
        /// Longest delay in nanoseconds.
        max_ns: u64,
    },
}

impl Retry {
    /// Delay before try number `failed` + 1, where `failed` >= 1 tries have failed and the last delay was `before_ns`.
    pub fn delay_ns(&self, failed: u32, before_ns: u64, rng: &mut impl Rng) -> u64 {
        let doubled = |base: u64, max: u64| {
            let factor = 1_u64.checked_shl(failed.saturating_sub(1)).unwrap_or(u64::MAX);
            base.saturating_mul(factor).min(max)
        };
        match *self {
            Self::Fixed { delay_ns } => delay_ns,
            Self::Exponential { base_ns, max_ns } => doubled(base_ns, max_ns),
            Self::Jitter { base_ns, max_ns } => rng.random_range(0..=doubled(base_ns, max_ns)),
            Self::Decorrelated { base_ns, max_ns } => {
                let before_ns = if failed > 1 { before_ns } else { base_ns };
                rng.random_range(base_ns..=before_ns.saturating_mul(3).max(base_ns)).min(max_ns)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::Retry;

    #[test]
    fn delays_follow_the_policy() {
        let mut rng = rand_pcg::Pcg64Mcg::seed_from_u64(1);
        let exponential = Retry::Exponential { base_ns: 10, max_ns: 65 };
        let delays: Vec<u64> = (1..=5).map(|n| exponential.delay_ns(n, 0, &mut rng)).collect();
        assert_eq!(delays, [10, 20, 40, 65, 65]);
        assert_eq!(exponential.delay_ns(u32::MAX, 0, &mut rng), 65);
        let jitter = Retry::Jitter { base_ns: 10, max_ns: 65 };
        assert!((1..100).all(|n| jitter.delay_ns(n, 0, &mut rng) <= 65));
        assert_eq!(Retry::Fixed { delay_ns: 7 }.delay_ns(9, 0, &mut rng), 7);
        let decorrelated = Retry::Decorrelated { base_ns: 10, max_ns: 65 };
        let (mut before, mut longest) = (0, 0);
        for n in 1..1_000 {
            let delay = decorrelated.delay_ns(n, before, &mut rng);
            assert!((10..=65).contains(&delay) && (n == 1 || delay <= 3 * before), "{before}, then {delay}");
            (before, longest) = (delay, longest.max(delay));
        }
        assert_eq!(longest, 65);
    }
}
