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
    fn what_was_waited_for_in_vain_is_stored_beside_the_histogram() {
        let mut latency = Latency::default();
        latency.record(7);
        let plain = serde_json::to_string(&latency).unwrap();
        assert_eq!(plain, format!("\"{}\"", latency.encoded()), "as before there was any");
        latency.record_in_vain(900);
        let back: Latency = serde_json::from_str(&serde_json::to_string(&latency).unwrap()).unwrap();
        assert_eq!(back.figures(), latency.figures());
        assert_eq!((back.in_vain(), back.max()), (1, Some(900)));
        let old: Latency = serde_json::from_str(&plain).unwrap();
        assert_eq!((old.count(), old.in_vain()), (1, 0));
    }

    #[test]
    fn a_percentile_needs_ten_samples_beyond_it() {
        let mut latency = Latency::default();
        (1..=199).for_each(|ns| latency.record(ns));
        assert_eq!(latency.figures().p95_ns, None);
        latency.record(200);
        assert_eq!((latency.figures().p95_ns, latency.figures().p99_ns), (Some(190), None));
        (201..=1_000).for_each(|ns| latency.record(ns));
        assert_eq!(latency.figures().p99_ns, Some(990));
    }

    #[test]
    fn percentiles_that_waits_in_vain_could_have_changed_are_null_and_the_others_count_them() {
        let of = |in_vain: u64| {
            let mut latency = Latency::default();
            (1..=1_000).for_each(|ns| latency.record(ns));
            (0..in_vain).for_each(|_| latency.record_in_vain(500));
            latency.figures()
        };
        let none = of(0);
        assert_eq!(
            (none.p50_ns, none.p90_ns, none.max_ns, none.max_is_lower_bound),
            (Some(500), Some(900), Some(1_000), false)
        );
        assert!(none.mean_ns.is_some());
        // 60 of 1 060: the 954th of all is the 954th of those that were answered.
        let some = of(60);
        assert_eq!((some.count, some.in_vain, some.p50_ns, some.p90_ns), (1_000, 60, Some(530), Some(954)));
        assert_eq!((some.p95_ns, some.p99_ns, some.p999_ns, some.mean_ns), (None, None, None, None));
        assert_eq!((some.max_ns, some.max_is_lower_bound), (Some(1_000), true));
        // Only those *above* the known share are unknown.
        let mut tenth = Latency::default();
        (1..=900).for_each(|ns| tenth.record(ns));
        (0..100).for_each(|_| tenth.record_in_vain(2_000));
        let figures = tenth.figures();
        assert_eq!((figures.p90_ns, figures.p95_ns, figures.max_ns), (Some(900), None, Some(2_000)));
        tenth.record_in_vain(1);
        assert_eq!(tenth.figures().p90_ns, None);
    }

    #[test]
    fn where_all_was_in_vain_only_the_lower_bound_is_known() {
        let mut latency = Latency::default();
        (0..20).for_each(|_| latency.record_in_vain(2_000));
        let figures = latency.figures();
        assert_eq!((figures.count, figures.in_vain, figures.min_ns, figures.p50_ns), (0, 20, None, None));
        assert_eq!((figures.max_ns, figures.max_is_lower_bound, figures.exact_max_ns()), (Some(2_000), true, None));
    }

    #[test]
    fn no_samples_means_no_figures() {
        let figures = Latency::default().figures();
        assert_eq!((figures.count, figures.min_ns, figures.max_ns, figures.mean_ns), (0, None, None, None));
    }
}
