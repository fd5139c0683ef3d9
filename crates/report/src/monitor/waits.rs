//! Waits in a histogram of fixed size: one significant digit, which is sixteen bins per octave,
//! from a microsecond to more than an hour. A percentile is the upper edge of its bin, so it is never
//! flattering and at most 6.25 % too high.
//!
//! The bins are HdrHistogram's, as those of [`lockbench_core::record::Latency`] are. That one has three
//! digits and takes 264 KiB, and a monitor keeps 1 515 histograms per system: 409 MB, where these take
//! 3.2 MB (`cargo test -p lockbench-report --lib waits::tests::its_bins_are_few`). Bins this coarse tell
//! neither the mean nor the longest wait, which are kept beside them.

use hdrhistogram::Histogram;

/// Below it bins are no narrower than a sixteenth of a microsecond.
const NARROWEST_NS: u64 = 64;
/// 73 minutes; what is longer counts as that long.
const HIGHEST_NS: u64 = (1 << 42) - 1;

/// Counts by length. A bin that is full stays so.
#[derive(Clone, Debug, PartialEq)]
pub struct Waits {
    bins: Option<Histogram<u32>>,
    sum_ns: u128,
    max_ns: u64,
}

impl Default for Waits {
    fn default() -> Self {
        // The bounds are constants that the library accepts.
        Self { bins: Histogram::new_with_bounds(NARROWEST_NS, HIGHEST_NS, 1).ok(), sum_ns: 0, max_ns: 0 }
    }
}

impl Waits {
    /// Bytes of the bins of one.
    pub(super) const BYTES: usize = 528 * size_of::<u32>();

    /// Adds a wait.
    pub fn record(&mut self, ns: u64) {
        self.record_many(ns, 1);
    }

    /// Adds so many waits of one length.
    pub fn record_many(&mut self, ns: u64, times: u64) {
        let Some(bins) = self.bins.as_mut().filter(|_| times > 0) else { return };
        bins.saturating_record_n(ns, u32::try_from(times).unwrap_or(u32::MAX));
        self.sum_ns += u128::from(ns) * u128::from(times);
        self.max_ns = self.max_ns.max(ns);
    }

    /// Adds all waits of another.
    pub fn merge(&mut self, other: &Self) {
        if let (Some(bins), Some(others)) = (&mut self.bins, &other.bins) {
            // Same bounds on both sides: cannot fail.
            let _ = bins.add(others);
        }
        self.sum_ns += other.sum_ns;
        self.max_ns = self.max_ns.max(other.max_ns);
    }

    /// The bins, if there is a wait in them.
    fn bins(&self) -> Option<&Histogram<u32>> {
        self.bins.as_ref().filter(|bins| !bins.is_empty())
    }

    /// Number of waits.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.bins().map_or(0, Histogram::len)
    }

    /// The longest.
    #[must_use]
    pub fn max_ns(&self) -> Option<u64> {
        self.bins().map(|_| self.max_ns)
    }

    /// The mean.
    #[must_use]
    pub fn mean_ns(&self) -> Option<f64> {
        self.bins().map(|bins| self.sum_ns as f64 / bins.len() as f64)
    }

    /// The percentile `p` in 0..1, however few waits there are.
    #[must_use]
    pub fn raw_percentile(&self, p: f64) -> Option<u64> {
        self.bins().map(|bins| bins.value_at_quantile(p).min(self.max_ns))
    }

    /// What the percentile `p` of `all` is at least, if these waits are lower bounds of some
    /// of them, and nothing is known of the others. The lower edge of its bin.
    #[must_use]
    pub fn at_least(&self, p: f64, all: u64) -> Option<u64> {
        let bins = self.bins()?;
        let rank = ((all as f64 * p).ceil() as u64).clamp(1, all.max(1));
        let rank = rank.checked_sub(all.saturating_sub(bins.len())).filter(|rank| *rank > 0)?;
        let mut seen = 0;
        let found = bins.iter_recorded().find(|bin| {
            seen += u64::from(bin.count_at_value());
            seen >= rank
        })?;
        Some(bins.lowest_equivalent(found.value_iterated_to()))
    }

    /// The percentile `p` of all attempts, if ten of them at least lie beyond it. `in_vain`
    /// is the share of them (0..1) that got no grant: these rank above all others, so that
    /// percentiles above the rest are unknown.
    #[must_use]
    pub fn percentile(&self, p: f64, in_vain: f64) -> Option<u64> {
        let granted = 1.0 - in_vain;
        if p > granted {
            return None;
        }
        let enough = self.count() as f64 / granted * (1.0 - p) >= 10.0 - 1e-9;
        if enough { self.raw_percentile((p / granted - 1e-12).min(1.0)) } else { None }
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::{prop_assert, prop_assert_eq, proptest};

    use hdrhistogram::Histogram;

    use super::Waits;

    #[test]
    fn its_bins_are_few() {
        let of = |digits| Histogram::<u64>::new_with_bounds(1, 3_600_000_000_000, digits).unwrap().distinct_values();
        assert_eq!(Waits::default().bins.unwrap().distinct_values() * size_of::<u32>(), Waits::BYTES);
        assert_eq!((of(3) * size_of::<u64>(), Waits::BYTES), (264 << 10, 2_112));
    }

    #[test]
    fn a_percentile_needs_ten_waits_beyond_it_and_none_that_are_missing() {
        let mut waits = Waits::default();
        (1..=999_u64).for_each(|n| waits.record(n * 1_000));
        assert_eq!(waits.percentile(0.99, 0.0), None);
        waits.record(1_000_000);
        let p99 = waits.percentile(0.99, 0.0).unwrap();
        assert!((990_000..=990_000 * 17 / 16).contains(&p99), "{p99}");
        assert_eq!((waits.percentile(0.99, 0.02), waits.max_ns()), (None, Some(1_000_000)));
        assert_eq!(Waits::default().raw_percentile(0.5), None);
    }

    #[test]
    fn a_lower_bound_is_one_whatever_the_others_were() {
        let mut waits = Waits::default();
        waits.record_many(1_000_000, 90);
        waits.record_many(2_000_000_000, 5);
        // Five more, of which nobody knows anything.
        let least = waits.at_least(0.96, 100).unwrap();
        assert!((1_800_000_000..=2_000_000_000).contains(&least), "{least}");
        assert!(waits.at_least(0.95, 100).unwrap() <= 1_000_000);
        assert_eq!((waits.at_least(0.05, 100), Waits::default().at_least(0.5, 0)), (None, None));
        // What did not come at all.
        let (mut twice, mut many) = (Waits::default(), Waits::default());
        (0..2).for_each(|_| twice.record(7_000));
        many.record_many(7_000, 2);
        many.record_many(9_000, 0);
        assert_eq!(twice, many);
    }

    proptest! {
        #[test]
        fn a_lower_bound_is_never_too_high(
            mut waits in vec(0_u64..1 << 41, 1..400),
            more in 0_u64..300,
            p in 0.01_f64..1.0,
        ) {
            let mut folded = Waits::default();
            waits.iter().for_each(|ns| folded.record(*ns));
            let all = waits.len() as u64 + more;
            waits.extend((0..more).map(|_| 0));
            waits.sort_unstable();
            let exact = waits[(all as f64 * p).ceil() as usize - 1];
            prop_assert!(folded.at_least(p, all).unwrap_or_default() <= exact);
        }

        #[test]
        fn a_percentile_is_never_too_low_and_at_most_a_sixteenth_too_high(
            mut waits in vec(1_024_u64..1 << 41, 1..400),
            p in 0.01_f64..1.0,
        ) {
            let mut folded = Waits::default();
            waits.iter().for_each(|ns| folded.record(*ns));
            waits.sort_unstable();
            let exact = waits[(waits.len() as f64 * p).ceil() as usize - 1];
            let found = folded.raw_percentile(p).unwrap_or_default();
            prop_assert!(found >= exact && found as f64 <= exact as f64 * 17.0 / 16.0, "{found} {exact}");
        }

        #[test]
        fn merged_waits_are_as_if_recorded_in_one(a in vec(0_u64..1 << 45, 0..50), b in vec(0_u64..1 << 45, 0..50)) {
            let of = |waits: &[u64]| {
                let mut folded = Waits::default();
                waits.iter().for_each(|ns| folded.record(*ns));
                folded
            };
            let mut merged = of(&a);
            merged.merge(&of(&b));
            prop_assert_eq!(merged, of(&[a, b].concat()));
        }
    }
}
