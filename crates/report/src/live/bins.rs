//! A histogram small enough to be sent several times a second: sixteen bins a decade.

use serde::{Deserialize, Serialize};

use lockbench_core::record::Latency;

/// Bins a decade.
const PER_DECADE: f64 = 16.0;
/// Lower edge of the first bin, in nanoseconds.
const FIRST_NS: f64 = 100.0;

/// Counts by length, on a log scale from 100 ns on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bins {
    /// Counts; bin `i` begins at [`Bins::edge_ns`] of `i`. Trailing empty ones are left out.
    pub counts: Vec<u64>,
}

impl Bins {
    /// The bins of a histogram.
    #[must_use]
    pub fn of(latency: &Latency) -> Self {
        let mut bins = Self::default();
        if let Some(histogram) = latency.histogram() {
            for value in histogram.iter_recorded() {
                bins.add(value.value_iterated_to(), value.count_at_value());
            }
        }
        bins
    }

    /// Adds `count` samples of a length.
    pub fn add(&mut self, ns: u64, count: u64) {
        let bin = ((ns.max(1) as f64 / FIRST_NS).log10() * PER_DECADE).max(0.0) as usize;
        if self.counts.len() <= bin {
            self.counts.resize(bin + 1, 0);
        }
        self.counts[bin] += count;
    }

    /// Lower edge of bin `i`.
    #[must_use]
    pub fn edge_ns(i: usize) -> f64 {
        FIRST_NS * 10_f64.powf(i as f64 / PER_DECADE)
    }

    /// Number of samples.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::Bins;
    use lockbench_core::record::Latency;

    #[test]
    fn every_sample_is_in_the_bin_whose_edges_enclose_it() {
        let mut latency = Latency::default();
        for ns in [1, 100, 999, 1_000, 52_000, 7_000_000, 3_600_000_000_000] {
            latency.record(ns);
        }
        let bins = Bins::of(&latency);
        assert_eq!(bins.total(), 7);
        let bin = bins.counts.iter().rposition(|count| *count > 0).unwrap();
        assert!(Bins::edge_ns(bin) <= 3.61e12 && Bins::edge_ns(bin + 1) >= 3.6e12, "{bin}");
        assert_eq!(bins.counts.len(), bin + 1);
        assert!(Bins::of(&Latency::default()).counts.is_empty());
    }
}
