//! A latency histogram that owns its unit (nanoseconds) and knows when a
//! percentile has too few samples to be told.

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

/// Longest value told apart: an hour.
const HIGHEST_NS: u64 = 3_600_000_000_000;

/// Latencies of one kind, in nanoseconds, to three significant digits.
#[derive(Clone, Debug)]
pub struct Latency {
    histogram: Option<Histogram<u64>>,
}

/// The figures of one histogram; `null` where a figure does not exist.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LatencyFigures {
    /// Number of samples.
    pub count: u64,
    /// Shortest.
    pub min_ns: Option<u64>,
    /// Median.
    pub p50_ns: Option<u64>,
    /// 90th percentile.
    pub p90_ns: Option<u64>,
    /// 99th percentile.
    pub p99_ns: Option<u64>,
    /// 99.9th percentile.
    pub p999_ns: Option<u64>,
    /// Longest.
    pub max_ns: Option<u64>,
    /// Arithmetic mean.
    pub mean_ns: Option<f64>,
}

impl Default for Latency {
    fn default() -> Self {
        // The bounds are constants that the library accepts; should that change,
        // figures turn to null instead of the run to a panic.
        Self { histogram: Histogram::new_with_bounds(1, HIGHEST_NS, 3).ok() }
    }
}

impl Latency {
    /// Adds a sample; above an hour it counts as an hour.
    pub fn record(&mut self, ns: u64) {
        if let Some(histogram) = &mut self.histogram {
            histogram.saturating_record(ns);
        }
    }

    /// Adds all samples of another histogram.
    pub fn merge(&mut self, other: &Self) {
        if let (Some(histogram), Some(other)) = (&mut self.histogram, &other.histogram) {
            // Same bounds on both sides: cannot fail.
            let _ = histogram.add(other);
        }
    }

    /// Forgets all samples, keeping the memory.
    pub fn clear(&mut self) {
        if let Some(histogram) = &mut self.histogram {
            histogram.reset();
        }
    }

    /// Number of samples.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.histogram.as_ref().map_or(0, Histogram::len)
    }

    /// The percentile `p` in 0..1 of what was recorded, however few samples.
    #[must_use]
    pub fn raw_percentile(&self, p: f64) -> Option<u64> {
        let histogram = self.histogram.as_ref().filter(|histogram| !histogram.is_empty())?;
        Some(histogram.value_at_quantile(p))
    }

    /// Longest sample.
    #[must_use]
    pub fn max(&self) -> Option<u64> {
        self.histogram.as_ref().filter(|histogram| !histogram.is_empty()).map(Histogram::max)
    }

    /// The figures. `censored` is the share of attempts (0..1) that ended without
    /// a sample though they waited (timed out, unknown, withdrawn): percentiles
    /// above `1 - censored` are unknown, because the missing ones are the longest.
    #[must_use]
    pub fn figures(&self, censored: f64) -> LatencyFigures {
        let Some(histogram) = self.histogram.as_ref().filter(|histogram| !histogram.is_empty()) else {
            return LatencyFigures::default();
        };
        let count = histogram.len();
        let percentile = |p: f64| {
            let enough = count as f64 * (1.0 - p) >= 10.0 - 1e-9;
            (enough && p <= 1.0 - censored).then(|| histogram.value_at_quantile(p))
        };
        LatencyFigures {
            count,
            min_ns: Some(histogram.min()),
            p50_ns: percentile(0.5),
            p90_ns: percentile(0.9),
            p99_ns: percentile(0.99),
            p999_ns: percentile(0.999),
            max_ns: Some(histogram.max()),
            mean_ns: Some(histogram.mean()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Latency;

    #[test]
    fn a_percentile_needs_ten_samples_beyond_it() {
        let mut latency = Latency::default();
        (1..=999).for_each(|ns| latency.record(ns));
        let figures = latency.figures(0.0);
        assert!(figures.p90_ns.is_some() && figures.p99_ns.is_none());
        latency.record(1_000);
        assert_eq!(latency.figures(0.0).p99_ns, Some(990));
    }

    #[test]
    fn censored_percentiles_are_null_not_flattering() {
        let mut latency = Latency::default();
        (1..=100_000).for_each(|ns| latency.record(ns));
        let figures = latency.figures(0.05);
        assert!(figures.p90_ns.is_some());
        assert_eq!((figures.p99_ns, figures.p999_ns), (None, None));
        // Only those *above* the known share are unknown.
        assert!(latency.figures(0.1).p90_ns.is_some() && latency.figures(0.11).p90_ns.is_none());
    }

    #[test]
    fn no_samples_means_no_figures() {
        let figures = Latency::default().figures(0.0);
        assert_eq!((figures.count, figures.min_ns, figures.mean_ns), (0, None, None));
    }
}
