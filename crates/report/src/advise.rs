//! How long a lease should be: how often it would run out while its holder works, against how long others wait for one
//! whose holder died. Both from what was measured, each with its interval.
//!
//! Without renewal a lease runs out under every hold that is longer. With renewal every third of it, it runs out where the
//! holder stands still for two thirds of it, which is what is left at worst when a renewal is due. M. Kleppmann ("How to do
//! distributed locking", 2016) has the story; what it costs depends on the holds and on the pauses of the host.

use lockbench_core::record::Latency;
use lockbench_core::stats::wilson_95;

/// Seconds of an hour.
const HOUR_S: f64 = 3_600.0;
/// A lease is renewed so many times in its length.
const RENEWALS: u64 = 3;

/// Lower and upper bound at 95 % confidence.
pub type Interval = (f64, f64);

/// How long locks are held.
#[derive(Clone, Debug)]
pub enum Holds {
    /// As a run measured it.
    Measured(Box<Latency>),
    /// Shares (0 to 1) and the lengths that no more than these are shorter than, in nanoseconds.
    Quantiles(Vec<(f64, u64)>),
}

impl Holds {
    /// The share of holds that last longer than `ns`.
    #[must_use]
    pub fn beyond(&self, ns: u64) -> Interval {
        match self {
            Self::Measured(holds) => {
                let all = holds.count() + holds.in_vain();
                let within = holds.histogram().map_or(0, |histogram| histogram.count_between(0, ns));
                wilson_95(all.saturating_sub(within), all).unwrap_or((0.0, 1.0))
            }
            Self::Quantiles(quantiles) => {
                let least = quantiles.iter().filter(|(_, length)| *length > ns).map(|(share, _)| 1.0 - share);
                let most = quantiles.iter().filter(|(_, length)| *length <= ns).map(|(share, _)| 1.0 - share);
                (least.fold(0.0, f64::max), most.fold(1.0, f64::min))
            }
        }
    }

    /// The mean length in nanoseconds; `None`: it is not known.
    #[must_use]
    pub fn mean_ns(&self) -> Option<f64> {
        match self {
            Self::Measured(holds) => holds.histogram().map(|histogram| histogram.mean()),
            Self::Quantiles(_) => None,
        }
    }
}

/// When a host stood still.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pauses {
    /// Seconds that it was watched.
    pub watched_s: f64,
    /// Length of each pause, in nanoseconds.
    pub lengths_ns: Vec<u64>,
}

impl Pauses {
    /// How many per hour last `ns` or longer: the score interval of a Poisson count.
    #[must_use]
    pub fn per_hour(&self, ns: u64) -> Interval {
        /// The quantile of the normal distribution that 97.5 % lie below, squared.
        const Z2: f64 = 3.841_458_820_694_124;
        if self.watched_s <= 0.0 {
            return (0.0, f64::INFINITY);
        }
        let count = self.lengths_ns.iter().filter(|length| **length >= ns).count() as f64;
        let half = (Z2 * (count + Z2 / 4.0)).sqrt();
        let scale = HOUR_S / self.watched_s;
        ((count + Z2 / 2.0 - half).max(0.0) * scale, (count + Z2 / 2.0 + half) * scale)
    }
}

/// What is known of a use of locks.
#[derive(Clone, Debug)]
pub struct LeaseUse {
    /// How long locks are held.
    pub holds: Holds,
    /// Holds per second, of all clients together.
    pub holds_per_s: f64,
    /// When the hosts of the clients stand still.
    pub pauses: Pauses,
}

/// What a length of the lease means.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LeaseChoice {
    /// The length, in nanoseconds.
    pub ttl_ns: u64,
    /// Leases per hour that run out under their holder, without renewal.
    pub unrenewed_per_h: Interval,
    /// The same where every third of the lease is a renewal.
    pub renewed_per_h: Interval,
    /// Shortest and longest wait for the lock of a holder that died, where it is renewed; without renewal it is from none
    /// to the whole lease.
    pub takeover_ns: (u64, u64),
}

impl LeaseUse {
    /// What these lengths mean, in their order.
    #[must_use]
    pub fn choices(&self, ttls_ns: &[u64]) -> Vec<LeaseChoice> {
        ttls_ns.iter().map(|ttl_ns| self.choice(*ttl_ns)).collect()
    }

    fn choice(&self, ttl_ns: u64) -> LeaseChoice {
        let (rarely, often) = self.holds.beyond(ttl_ns);
        let holds_per_h = self.holds_per_s * HOUR_S;
        let left = ttl_ns - ttl_ns / RENEWALS;
        // A pause between two holds costs nothing.
        let busy = self.holds.mean_ns().map_or(1.0, |mean| (self.holds_per_s * mean / 1e9).min(1.0));
        let (few, many) = self.pauses.per_hour(left);
        LeaseChoice {
            ttl_ns,
            unrenewed_per_h: (rarely * holds_per_h, often * holds_per_h),
            renewed_per_h: (few * busy, many * busy),
            takeover_ns: (left, ttl_ns),
        }
    }
}

/// The shortest length whose upper bound is no more than so many per hour: without renewal, and with it.
#[must_use]
pub fn shortest(choices: &[LeaseChoice], at_most_per_h: f64) -> (Option<u64>, Option<u64>) {
    let of = |bound: fn(&LeaseChoice) -> f64| {
        choices.iter().filter(|choice| bound(choice) <= at_most_per_h).map(|choice| choice.ttl_ns).min()
    };
    (of(|choice| choice.unrenewed_per_h.1), of(|choice| choice.renewed_per_h.1))
}

#[cfg(test)]
mod tests {
    use super::{Holds, LeaseUse, Pauses, shortest};
    use lockbench_core::record::Latency;
    use lockbench_core::units::{MILLISECOND, SECOND};

    fn measured(lengths_ms: impl Iterator<Item = u64>) -> Holds {
        let mut holds = Latency::default();
        lengths_ms.for_each(|ms| holds.record(ms * MILLISECOND));
        Holds::Measured(Box::new(holds))
    }

    #[test]
    fn what_was_never_seen_is_bounded_and_not_zero() {
        let holds = measured((0..1_000).map(|_| 10));
        let (low, high) = holds.beyond(SECOND);
        assert!(low < 1e-9 && (0.003..0.004).contains(&high), "{low} {high}");
        let (low, high) = measured((0..1_000).map(|n| if n < 100 { 500 } else { 10 })).beyond(100 * MILLISECOND);
        assert!(low < 0.1 && 0.1 < high && high - low < 0.04, "{low} {high}");
    }

    #[test]
    fn quantiles_bound_what_lies_between_them() {
        let holds = Holds::Quantiles(vec![(0.5, 10), (0.99, 100)]);
        let close = |(low, high): (f64, f64), expected: (f64, f64)| {
            assert!((low - expected.0).abs() < 1e-9 && (high - expected.1).abs() < 1e-9, "{low} {high}");
        };
        close(holds.beyond(5), (0.5, 1.0));
        close(holds.beyond(50), (0.01, 0.5));
        close(holds.beyond(100), (0.0, 0.01));
    }

    #[test]
    fn a_pause_that_was_not_seen_may_still_come() {
        let pauses = Pauses { watched_s: 3_600.0, lengths_ns: vec![2 * SECOND; 4] };
        let (low, high) = pauses.per_hour(SECOND);
        // As tables of the score interval have it for 4.
        assert!((1.55..1.57).contains(&low) && (10.27..10.29).contains(&high), "{low} {high}");
        let (low, high) = pauses.per_hour(3 * SECOND);
        assert!(low < 1e-9 && (3.84..3.85).contains(&high), "{low} {high}");
        assert_eq!(Pauses::default().per_hour(1), (0.0, f64::INFINITY), "nothing was watched");
    }

    #[test]
    fn a_longer_lease_runs_out_less_often_and_is_waited_for_longer() {
        let of = LeaseUse {
            holds: measured((1..=1_000).map(|n| n * n / 500)),
            holds_per_s: 2.0,
            pauses: Pauses { watched_s: 1_000.0, lengths_ns: vec![SECOND / 2, 3 * SECOND] },
        };
        let choices = of.choices(&[SECOND, 2 * SECOND, 5 * SECOND, 10 * SECOND]);
        assert!(choices.windows(2).all(|pair| {
            pair[0].unrenewed_per_h.1 >= pair[1].unrenewed_per_h.1
                && pair[0].renewed_per_h.1 >= pair[1].renewed_per_h.1
                && pair[0].takeover_ns < pair[1].takeover_ns
        }));
        assert_eq!(choices[1].takeover_ns, (2 * SECOND - 666_666_666, 2 * SECOND));
        // None of a thousand holds took 5 s, so that up to 28 in 7 200 per hour may.
        let (unrenewed, renewed) = shortest(&choices, 30.0);
        assert_eq!((unrenewed, renewed), (Some(2 * SECOND), Some(SECOND)));
        assert_eq!(shortest(&choices, 0.0), (None, None));
    }
}
