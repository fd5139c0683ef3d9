//! A histogram as Prometheus takes it: counts in classic buckets and in native ones. What
//! falls into which bucket is decided by the shortest duration of each slot of the
//! HdrHistogram, whose slots are 0.1 % wide at most.
//!
//! Native buckets: <https://prometheus.io/docs/specs/native_histograms/>.

use std::collections::BTreeMap;

use lockbench_core::record::{BUCKET_BOUNDS_NS, Latency};

/// Native buckets a power of two are 2^SCHEMA: each is 9 % wide.
pub const SCHEMA: i32 = 3;

/// Below it a duration is zero; the value that Prometheus' own clients take.
pub const ZERO_THRESHOLD: f64 = 2.938_735_877_055_719e-39;

const CLASSIC: usize = BUCKET_BOUNDS_NS.len();

/// Counts of durations. They add up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Buckets {
    count: u64,
    sum_ns: u128,
    /// Between the bound before and this one; beyond the last bound in the end.
    classic: [u64; CLASSIC + 1],
    zero: u64,
    /// By index: those in 2^((index-1)/8) to 2^(index/8) seconds.
    native: BTreeMap<i32, u64>,
}

/// Native buckets as they travel: runs of neighbours, and each count as its difference
/// from the one before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sparse {
    /// Distance from the end of the run before (of the first: its index), and length.
    pub spans: Vec<(i32, u32)>,
    /// Differences.
    pub deltas: Vec<i64>,
}

impl Buckets {
    /// Of all samples of a histogram.
    #[must_use]
    pub fn of(latency: &Latency) -> Self {
        let mut buckets = Self::default();
        let Some(histogram) = latency.histogram() else { return buckets };
        // Slots come in order of duration: each bucket is looked for once.
        let (mut bound, mut native, mut until) = (0, Vec::<(i32, u64)>::new(), 0);
        for slot in histogram.iter_recorded() {
            let (longest, count) = (slot.value_iterated_to(), slot.count_at_value());
            let shortest = histogram.lowest_equivalent(longest);
            while bound < CLASSIC && shortest > BUCKET_BOUNDS_NS[bound] {
                bound += 1;
            }
            buckets.classic[bound] += count;
            buckets.count += count;
            let middle = shortest + (longest - shortest).div_ceil(2);
            buckets.sum_ns += u128::from(middle) * u128::from(count);
            if shortest == 0 {
                buckets.zero += count;
                continue;
            }
            if shortest > until {
                let index = index(shortest);
                until = longest_of(index);
                native.push((index, 0));
            }
            if let Some((_, sum)) = native.last_mut() {
                *sum += count;
            }
        }
        for (index, count) in native {
            *buckets.native.entry(index).or_default() += count;
        }
        buckets
    }

    /// Adds so many samples of one length.
    pub fn record_many(&mut self, ns: u64, times: u64) {
        if times == 0 {
            return;
        }
        let bound = BUCKET_BOUNDS_NS.iter().position(|bound| ns <= *bound).unwrap_or(CLASSIC);
        self.classic[bound] += times;
        self.count += times;
        self.sum_ns += u128::from(ns) * u128::from(times);
        if ns == 0 {
            self.zero += times;
        } else {
            *self.native.entry(index(ns)).or_default() += times;
        }
    }

    /// Adds all samples of others.
    pub fn add(&mut self, other: &Self) {
        self.count += other.count;
        self.sum_ns += other.sum_ns;
        self.zero += other.zero;
        for (mine, theirs) in self.classic.iter_mut().zip(&other.classic) {
            *mine += theirs;
        }
        for (index, count) in &other.native {
            *self.native.entry(*index).or_default() += count;
        }
    }

    /// Number of samples.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Their sum in seconds.
    #[must_use]
    pub fn sum_s(&self) -> f64 {
        self.sum_ns as f64 / 1e9
    }

    /// Samples of zero.
    #[must_use]
    pub fn zero(&self) -> u64 {
        self.zero
    }

    /// Upper bound in seconds and count of each classic bucket, infinity last.
    #[must_use]
    pub fn classic(&self) -> Vec<(f64, u64)> {
        let bounds = BUCKET_BOUNDS_NS.iter().map(|ns| *ns as f64 / 1e9).chain([f64::INFINITY]);
        bounds.zip(self.classic).collect()
    }

    /// The native buckets.
    #[must_use]
    pub fn native(&self) -> Sparse {
        let mut sparse = Sparse::default();
        let (mut end, mut before) = (0, 0);
        for (index, count) in &self.native {
            match sparse.spans.last_mut() {
                Some((_, length)) if *index == end => *length += 1,
                _ => sparse.spans.push((index - end, 1)),
            }
            end = index + 1;
            let count = *count as i64;
            sparse.deltas.push(count - before);
            before = count;
        }
        sparse
    }
}

/// Native buckets a power of two.
fn a_power_of_two() -> f64 {
    f64::from(1 << SCHEMA)
}

/// The native bucket of a duration.
fn index(ns: u64) -> i32 {
    ((ns as f64 / 1e9).log2() * a_power_of_two()).ceil() as i32
}

/// The longest duration of a native bucket.
fn longest_of(index: i32) -> u64 {
    ((f64::from(index) / a_power_of_two()).exp2() * 1e9) as u64
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::collection::vec;
    use proptest::{prop_assert, prop_assert_eq, proptest};

    use super::{Buckets, SCHEMA, Sparse, index};
    use lockbench_core::record::{BUCKET_BOUNDS_NS, Latency};

    fn latency(samples: &[u64]) -> Latency {
        let mut latency = Latency::default();
        samples.iter().for_each(|ns| latency.record(*ns));
        latency
    }

    /// As a reader of the protocol does it.
    fn decoded(sparse: &Sparse) -> BTreeMap<i32, u64> {
        let (mut at, mut count, mut deltas) = (0, 0, sparse.deltas.iter());
        let mut buckets = BTreeMap::new();
        for (offset, length) in &sparse.spans {
            at += offset;
            for _ in 0..*length {
                count += deltas.next().unwrap();
                assert!(buckets.insert(at, u64::try_from(count).unwrap()).is_none());
                at += 1;
            }
        }
        assert!(deltas.next().is_none());
        buckets
    }

    /// The widest that a slot of the HdrHistogram can be.
    fn blurred(ns: u64) -> u64 {
        ns + ns / 1_000 + 1
    }

    proptest! {
        #[test]
        fn classic_buckets_count_what_the_histogram_counts(samples in vec(0_u64..20_000_000_000, 0..200)) {
            let latency = latency(&samples);
            let buckets = Buckets::of(&latency);
            let mut below = 0;
            for ((bound, count), ns) in buckets.classic().into_iter().zip(BUCKET_BOUNDS_NS) {
                below += count;
                prop_assert_eq!(bound, ns as f64 / 1e9);
                prop_assert_eq!(below, latency.histogram().map_or(0, |all| all.count_between(0, ns)));
            }
            prop_assert_eq!(buckets.classic().iter().map(|(_, count)| count).sum::<u64>(), samples.len() as u64);
            prop_assert_eq!(buckets.count(), samples.len() as u64);
        }

        #[test]
        fn native_buckets_decode_to_the_samples(samples in vec(0_u64..20_000_000_000, 1..200)) {
            let buckets = Buckets::of(&latency(&samples));
            let decoded = decoded(&buckets.native());
            prop_assert_eq!(&decoded, &buckets.native);
            prop_assert_eq!(decoded.values().sum::<u64>() + buckets.zero(), samples.len() as u64);
            let mut below = buckets.zero();
            for (index, count) in decoded {
                below += count;
                let bound = (f64::from(index) / f64::from(1 << SCHEMA)).exp2() * 1e9;
                let surely = samples.iter().filter(|ns| blurred(**ns) as f64 <= bound).count() as u64;
                let possibly = samples.iter().filter(|ns| **ns as f64 <= blurred(bound as u64) as f64).count() as u64;
                prop_assert!(surely <= below && below <= possibly, "{surely} {below} {possibly} below {bound}");
            }
        }

        #[test]
        fn buckets_of_parts_add_up_to_those_of_the_whole(a in vec(0_u64..4_000_000, 0..50), b in vec(0_u64..4_000_000, 0..50)) {
            let mut sum = Buckets::of(&latency(&a));
            sum.add(&Buckets::of(&latency(&b)));
            prop_assert_eq!(sum, Buckets::of(&latency(&[a, b].concat())));
        }
    }

    #[test]
    fn a_native_bucket_includes_its_upper_bound() {
        assert_eq!([index(1_000_000_000), index(1_000_000_001), index(2_000_000_000)], [0, 1, 8]);
        assert_eq!([index(500_000_000), index(917_004_043), index(917_004_044)], [-8, -1, 0]);
        assert_eq!([-8, -1, 0, 8].map(super::longest_of), [500_000_000, 917_004_043, 1_000_000_000, 2_000_000_000]);
    }

    #[test]
    fn the_sum_is_that_of_the_histogram() {
        let latency = latency(&[10, 4_000, 1_234_567, 9_876_543_210]);
        let mean = latency.histogram().unwrap().mean() * 4.0 / 1e9;
        assert!((Buckets::of(&latency).sum_s() / mean - 1.0).abs() < 1e-6);
    }
}
