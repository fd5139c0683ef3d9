//! A histogram of waits of fixed size: sixteen bins an octave, from a microsecond to
//! more than an hour. A percentile is the upper edge of its bin, so it is never
//! flattering and at most 6.25 % too high.

/// Bins an octave, as a power of two.
const PER_OCTAVE_LOG2: u32 = 4;
const PER_OCTAVE: usize = 1 << PER_OCTAVE_LOG2;
/// The first octave begins at 2^10 ns; whatever is shorter shares one bin.
const FIRST_LOG2: u32 = 10;
/// Up to 2^42 ns, 73 minutes.
const OCTAVES: usize = 32;
const BINS: usize = 1 + OCTAVES * PER_OCTAVE;

/// Counts by length. A bin that is full stays so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waits {
    bins: [u32; BINS],
    count: u64,
    sum_ns: u128,
    max_ns: u64,
}

impl Default for Waits {
    fn default() -> Self {
        Self { bins: [0; BINS], count: 0, sum_ns: 0, max_ns: 0 }
    }
}

impl Waits {
    /// Adds a wait.
    pub fn record(&mut self, ns: u64) {
        self.record_many(ns, 1);
    }

    /// Adds so many waits of one length.
    pub fn record_many(&mut self, ns: u64, times: u64) {
        if times == 0 {
            return;
        }
        let bin = &mut self.bins[bin_of(ns)];
        *bin = bin.saturating_add(u32::try_from(times).unwrap_or(u32::MAX));
        self.count += times;
        self.sum_ns += u128::from(ns) * u128::from(times);
        self.max_ns = self.max_ns.max(ns);
    }

    /// Adds all waits of another.
    pub fn merge(&mut self, other: &Self) {
        for (mine, others) in self.bins.iter_mut().zip(&other.bins) {
            *mine = mine.saturating_add(*others);
        }
        self.count += other.count;
        self.sum_ns += other.sum_ns;
        self.max_ns = self.max_ns.max(other.max_ns);
    }

    /// Number of waits.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The longest.
    #[must_use]
    pub fn max_ns(&self) -> Option<u64> {
        (self.count > 0).then_some(self.max_ns)
    }

    /// The mean.
    #[must_use]
    pub fn mean_ns(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum_ns as f64 / self.count as f64)
    }

    /// The percentile `p` in 0..1, however few waits there are.
    #[must_use]
    pub fn raw_percentile(&self, p: f64) -> Option<u64> {
        let rank = ((self.count as f64 * p).ceil() as u64).clamp(1, self.count.max(1));
        let mut seen = 0;
        let found = self.bins.iter().position(|count| {
            seen += u64::from(*count);
            seen >= rank
        })?;
        Some(upper_edge(found).min(self.max_ns))
    }

    /// What the percentile `p` of `all` is at least, if these waits are lower bounds of some
    /// of them, and nothing is known of the others. The lower edge of its bin.
    #[must_use]
    pub fn at_least(&self, p: f64, all: u64) -> Option<u64> {
        let rank = ((all as f64 * p).ceil() as u64).clamp(1, all.max(1));
        let rank = rank.checked_sub(all.saturating_sub(self.count)).filter(|rank| *rank > 0)?;
        let mut seen = 0;
        let found = self.bins.iter().position(|count| {
            seen += u64::from(*count);
            seen >= rank
        })?;
        Some(found.checked_sub(1).map_or(0, |below| upper_edge(below) + 1))
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
        let enough = self.count as f64 / granted * (1.0 - p) >= 10.0 - 1e-9;
        if enough { self.raw_percentile((p / granted - 1e-12).min(1.0)) } else { None }
    }
}

fn bin_of(ns: u64) -> usize {
    let Some(octave) = ns.checked_ilog2().and_then(|log| log.checked_sub(FIRST_LOG2)) else { return 0 };
    let within = (ns >> (octave + FIRST_LOG2 - PER_OCTAVE_LOG2)) as usize & (PER_OCTAVE - 1);
    (1 + octave as usize * PER_OCTAVE + within).min(BINS - 1)
}

fn upper_edge(bin: usize) -> u64 {
    let Some(place) = bin.checked_sub(1) else { return (1 << FIRST_LOG2) - 1 };
    let (octave, within) = (place / PER_OCTAVE, place % PER_OCTAVE);
    let step = 1_u64 << (octave as u32 + FIRST_LOG2 - PER_OCTAVE_LOG2);
    (PER_OCTAVE + within + 1) as u64 * step - 1
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::{prop_assert, prop_assert_eq, proptest};

    use super::{BINS, Waits, bin_of, upper_edge};

    #[test]
    fn bins_follow_one_another_without_a_gap() {
        for bin in 0..BINS - 1 {
            assert_eq!((bin_of(upper_edge(bin)), bin_of(upper_edge(bin) + 1)), (bin, bin + 1), "{bin}");
        }
        assert_eq!(bin_of(u64::MAX), BINS - 1);
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
