//! A latency histogram that owns its unit (nanoseconds), knows when a percentile has
//! too few samples to be told, and counts what was waited for in vain: a time that is
//! only known to be "at least so long" is longer than any percentile of the others.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Deserializer, Serializer, V2DeflateSerializer};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::stored_histogram::checked;

/// Longest value told apart: an hour.
const HIGHEST_NS: u64 = 3_600_000_000_000;
/// What a share may be off by rounding.
const EPSILON: f64 = 1e-9;

/// Latencies of one kind, in nanoseconds, to three significant digits.
#[derive(Clone, Debug)]
pub struct Latency {
    /// Those that ended with an answer.
    histogram: Option<Histogram<u64>>,
    /// How many were waited for in vain.
    in_vain: u64,
    /// The longest of these, until it was given up.
    longest_in_vain_ns: u64,
}

/// The figures of one histogram; `null` where a figure does not exist.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LatencyFigures {
    /// Number of samples that ended with an answer.
    pub count: u64,
    /// Number of those that were waited for in vain: each took at least as long as it was
    /// waited for. They are samples too, longer than any other: with a share s of them the
    /// percentiles above 1 - s and the mean are `null`.
    #[serde(default)]
    pub in_vain: u64,
    /// Shortest that ended with an answer.
    pub min_ns: Option<u64>,
    /// Median.
    pub p50_ns: Option<u64>,
    /// 90th percentile.
    pub p90_ns: Option<u64>,
    /// 95th percentile.
    #[serde(default)]
    pub p95_ns: Option<u64>,
    /// 99th percentile.
    pub p99_ns: Option<u64>,
    /// 99.9th percentile.
    pub p999_ns: Option<u64>,
    /// Longest; where `max_is_lower_bound`, the longest that was waited, in vain or not.
    pub max_ns: Option<u64>,
    /// Was any waited for in vain? Then the true maximum is not known, and at least `max_ns`.
    #[serde(default)]
    pub max_is_lower_bound: bool,
    /// Arithmetic mean.
    pub mean_ns: Option<f64>,
}

impl Default for Latency {
    fn default() -> Self {
        // The bounds are constants that the library accepts; should that change,
        // figures turn to null instead of the run to a panic.
        Self { histogram: Histogram::new_with_bounds(1, HIGHEST_NS, 3).ok(), in_vain: 0, longest_in_vain_ns: 0 }
    }
}

impl Latency {
    /// No histogram: what is recorded is forgotten.
    #[must_use]
    pub fn absent() -> Self {
        Self { histogram: None, in_vain: 0, longest_in_vain_ns: 0 }
    }

    /// Adds a sample; above an hour it counts as an hour.
    pub fn record(&mut self, ns: u64) {
        if let Some(histogram) = &mut self.histogram {
            histogram.saturating_record(ns);
        }
    }

    /// Adds one that was waited for so long, in vain.
    pub fn record_in_vain(&mut self, ns: u64) {
        self.add_in_vain(1, ns);
    }

    /// Adds so many that were waited for in vain, the longest of them for so long.
    pub fn add_in_vain(&mut self, count: u64, longest_ns: u64) {
        if count > 0 {
            self.in_vain = self.in_vain.saturating_add(count);
            self.longest_in_vain_ns = self.longest_in_vain_ns.max(longest_ns);
        }
    }

    /// The same without those that were waited for in vain: as runs before schema
    /// version 3 counted.
    #[must_use]
    pub fn answered(mut self) -> Self {
        (self.in_vain, self.longest_in_vain_ns) = (0, 0);
        self
    }

    /// Adds all samples of another histogram.
    pub fn merge(&mut self, other: &Self) {
        self.add_in_vain(other.in_vain, other.longest_in_vain_ns);
        if let (Some(histogram), Some(other)) = (&mut self.histogram, &other.histogram) {
            // Same bounds on both sides: cannot fail.
            let _ = histogram.add(other);
        }
    }

    /// Forgets all samples, keeping the memory.
    pub fn clear(&mut self) {
        (self.in_vain, self.longest_in_vain_ns) = (0, 0);
        if let Some(histogram) = &mut self.histogram {
            histogram.reset();
        }
    }

    /// Number of samples that ended with an answer.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.histogram.as_ref().map_or(0, Histogram::len)
    }

    /// Number of those that were waited for in vain.
    #[must_use]
    pub fn in_vain(&self) -> u64 {
        self.in_vain
    }

    /// Share of all (0..1) that were waited for in vain.
    #[must_use]
    pub fn in_vain_share(&self) -> f64 {
        share_in_vain(self.count(), self.in_vain)
    }

    /// The histogram itself, of those that ended with an answer; `None` if none did.
    #[must_use]
    pub fn histogram(&self) -> Option<&Histogram<u64>> {
        self.histogram.as_ref().filter(|histogram| !histogram.is_empty())
    }

    /// The histogram in HdrHistogram's compressed V2 format, as base64; empty if
    /// nothing was recorded. What was waited for in vain is not in it. What the interval logs of every HdrHistogram tool hold.
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
        Ok(Self { histogram: Some(histogram), in_vain: 0, longest_in_vain_ns: 0 })
    }

    /// The percentile `p` in 0..1, however few samples; `None` where too many were waited
    /// for in vain.
    #[must_use]
    pub fn raw_percentile(&self, p: f64) -> Option<u64> {
        let histogram = self.histogram()?;
        if self.in_vain == 0 {
            return Some(histogram.value_at_quantile(p));
        }
        // Those in vain rank above all others: the rank is looked for among the answered ones.
        let answered = histogram.len() as f64;
        let rank = (p * (answered + self.in_vain as f64) - EPSILON).ceil().max(1.0);
        (rank <= answered).then(|| histogram.value_at_quantile((rank - 0.5) / answered))
    }

    /// Longest sample, in vain or not; a lower bound of the true one where any was in vain.
    #[must_use]
    pub fn max(&self) -> Option<u64> {
        let answered = self.histogram().map(Histogram::max);
        let in_vain = (self.in_vain > 0).then_some(self.longest_in_vain_ns);
        answered.max(in_vain)
    }

    /// The figures. What was waited for in vain is a sample too, longer than any other:
    /// percentiles above its share and the mean are `None`, and the maximum is a lower bound.
    #[must_use]
    pub fn figures(&self) -> LatencyFigures {
        let (count, in_vain) = (self.count(), self.in_vain);
        let percentile = |p: f64| {
            let enough = (count + in_vain) as f64 * (1.0 - p) >= 10.0 - EPSILON;
            if enough { self.raw_percentile(p) } else { None }
        };
        LatencyFigures {
            count,
            in_vain,
            min_ns: self.histogram().map(Histogram::min),
            p50_ns: percentile(0.5),
            p90_ns: percentile(0.9),
            p95_ns: percentile(0.95),
            p99_ns: percentile(0.99),
            p999_ns: percentile(0.999),
            max_ns: self.max(),
            max_is_lower_bound: in_vain > 0,
            mean_ns: self.histogram().filter(|_| in_vain == 0).map(Histogram::mean),
        }
    }
}

impl LatencyFigures {
    /// Share of all (0..1) that were waited for in vain: percentiles above the rest are unknown.
    #[must_use]
    pub fn in_vain_share(&self) -> f64 {
        share_in_vain(self.count, self.in_vain)
    }

    /// What stands before the maximum where people read it.
    #[must_use]
    pub fn sign_of_max(&self) -> &'static str {
        if self.max_is_lower_bound { "> " } else { "" }
    }

    /// The longest, where it is known to be that.
    #[must_use]
    pub fn exact_max_ns(&self) -> Option<u64> {
        self.max_ns.filter(|_| !self.max_is_lower_bound)
    }
}

fn share_in_vain(count: u64, in_vain: u64) -> f64 {
    if in_vain == 0 { 0.0 } else { in_vain as f64 / (count as f64 + in_vain as f64) }
}

/// As it is stored: the answered ones alone are a text, as before there were others.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Stored {
    Answered(String),
    WithInVain(String, u64, u64),
}

impl Serialize for Latency {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.in_vain {
            0 => Stored::Answered(self.encoded()),
            in_vain => Stored::WithInVain(self.encoded(), in_vain, self.longest_in_vain_ns),
        }
        .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Latency {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (text, in_vain, longest_ns) = match Stored::deserialize(deserializer)? {
            Stored::Answered(text) => (text, 0, 0),
            Stored::WithInVain(text, in_vain, longest_ns) => (text, in_vain, longest_ns),
        };
        let mut latency = Self::decoded(&text).map_err(serde::de::Error::custom)?;
        latency.add_in_vain(in_vain, longest_ns);
        Ok(latency)
    }
}

#[cfg(test)]
mod tests;
