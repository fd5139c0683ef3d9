//! A latency histogram that owns its unit (nanoseconds) and knows when a
//! percentile has too few samples to be told.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Deserializer, Serializer, V2DeflateSerializer};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::stored_histogram::checked;

/// Longest value told apart: an hour.
const HIGHEST_NS: u64 = 3_600_000_000_000;

/// Latencies of one kind, in nanoseconds, to three significant digits.
#[derive(Clone, Debug)]
pub struct Latency {
    histogram: Option<Histogram<u64>>,
}

/// The figures of one histogram; `null` where a figure does not exist.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
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
    /// No histogram: what is recorded is forgotten.
    #[must_use]
    pub fn absent() -> Self {
        Self { histogram: None }
    }

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

    /// The histogram itself; `None` if nothing was recorded.
    #[must_use]
    pub fn histogram(&self) -> Option<&Histogram<u64>> {
        self.histogram.as_ref().filter(|histogram| !histogram.is_empty())
    }

    /// The histogram in HdrHistogram's compressed V2 format, as base64; empty if
    /// nothing was recorded. What the interval logs of every HdrHistogram tool hold.
    #[must_use]
    pub fn encoded(&self) -> String {
        let mut bytes = Vec::new();
        // A histogram of a few hundred KiB is far below the limits of the format.
        match self.histogram().map(|histogram| V2DeflateSerializer::new().serialize(histogram, &mut bytes)) {
            Some(Ok(_)) => STANDARD.encode(bytes),
            Some(Err(_)) | None => String::new(),
        }
    }

    /// Reads what [`Self::encoded`] wrote.
    ///
    /// # Errors
    /// Says what is wrong with the text.
    pub fn decoded(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Ok(Self::default());
        }
        let bytes = STANDARD.decode(text).map_err(|error| format!("a histogram is not base64: {error}"))?;
        let inside = checked(&bytes, HIGHEST_NS).map_err(|problem| format!("a histogram cannot be read: {problem}"))?;
        let histogram = Deserializer::new()
            .deserialize(&mut inside.as_slice())
            .map_err(|error| format!("a histogram cannot be read: {error}"))?;
        Ok(Self { histogram: Some(histogram) })
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

impl Serialize for Latency {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.encoded())
    }
}

impl<'de> Deserialize<'de> for Latency {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::decoded(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::Latency;

    #[test]
    fn a_stored_histogram_reads_back_the_same() {
        let mut latency = Latency::default();
        (1..=3_000_u64).for_each(|n| latency.record(n * n * 7));
        let back = Latency::decoded(&latency.encoded()).unwrap();
        assert_eq!(back.histogram(), latency.histogram());
        assert_eq!(back.encoded(), latency.encoded());
        assert!(Latency::decoded("").unwrap().histogram().is_none());
        for wrong in ["?", "AAAA", &latency.encoded()[..20]] {
            assert!(Latency::decoded(wrong).is_err(), "{wrong}");
        }
    }

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
