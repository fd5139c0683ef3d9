//! The board in the formats that scrapers ask for. Every family of [`FAMILIES`] that has
//! samples is written, in that order, and nothing else: both texts by the [`Writer`] that writes
//! `metrics.om` too, Prometheus' messages by its client library.

use std::fmt::{Error, Write as _};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{
    DescriptorEncoder, MetricEncoder, NativeHistogram, NativeHistogramBuckets, NoLabelSet, prometheus_protobuf,
};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::{Registry, Unit};

use super::accept::Format;
use super::board::{State, Subject};
use super::buckets::{Buckets, SCHEMA, ZERO_THRESHOLD};
use super::contribution::{Arrivals, Contribution, Outcome};
use super::families::{FAMILIES, Family, Kind, Source};
use super::text::{Dialect, Labels, Writer};
use lockbench_core::figure::{Counter, Totals};
use lockbench_core::oracle::DoubleGrantKind;

/// What is on the board, in bytes.
///
/// # Errors
/// Never for what a board holds; the library cannot promise it.
pub fn encode(state: State, format: Format) -> Result<Vec<u8>, String> {
    let exposition = Exposition::of(state);
    match format {
        Format::OpenMetrics => Ok(exposition.text(Dialect::Scraped).into_bytes()),
        Format::Plain => Ok(exposition.text(Dialect::Plain).into_bytes()),
        Format::Protobuf => {
            let mut registry = Registry::default();
            registry.register_collector(Box::new(exposition));
            prometheus_protobuf::encode_to_vec(&registry).map_err(|error| error.to_string())
        }
    }
}

/// A copy of the board with all trials added up.
#[derive(Debug)]
struct Exposition {
    state: State,
    totals: Vec<(Subject, Contribution)>,
}

enum Value<'a> {
    Count(u64),
    State(bool),
    Facts,
    Histogram(&'a Buckets),
}

impl Exposition {
    /// In a dialect of text.
    fn text(&self, dialect: Dialect) -> String {
        let mut writer = Writer::new(dialect);
        for family in FAMILIES.iter() {
            let samples = self.samples(family.source);
            if samples.is_empty() {
                continue;
            }
            writer.family(family.name, family.kind.word(), family.help);
            for (labels, value) in &samples {
                match value {
                    Value::Facts => writer.sample(labels, 1_u8),
                    Value::Count(count) => writer.sample(labels, count),
                    Value::State(on) => writer.sample(labels, u8::from(*on)),
                    Value::Histogram(buckets) => writer.histogram(labels, buckets, buckets.sum_s()),
                }
            }
        }
        writer.end()
    }

    fn of(state: State) -> Self {
        let totals = state.figures.iter().map(|(subject, standing)| (subject.clone(), standing.total())).collect();
        Self { state, totals }
    }

    fn samples(&self, source: Source) -> Vec<(Labels, Value<'_>)> {
        let totals = self.totals.iter();
        match source {
            Source::Run => match self.state.run.as_slice() {
                [] => Vec::new(),
                facts => vec![(facts.to_vec(), Value::Facts)],
            },
            Source::Count(of) => totals
                .filter_map(|(subject, total)| Some((labels(subject), Value::Count(total.counters.sum(of)?))))
                .collect(),
            Source::Duration(of) => {
                totals.map(|(subject, total)| (labels(subject), Value::Histogram(of(&total.durations)))).collect()
            }
            Source::Arrivals(counter) => {
                let count = |arrivals: &Arrivals| Value::Count(arrivals.counts.get(counter).unwrap_or_default());
                self.state.arrivals.iter().map(|(subject, arrivals)| (labels(subject), count(arrivals))).collect()
            }
            Source::Kinds => totals.flat_map(|(subject, total)| kinds(subject, &total.counters)).collect(),
            Source::Acquire => {
                let late = self.state.arrivals.iter().flat_map(|(subject, arrivals)| late(subject, arrivals));
                totals.flat_map(|(subject, total)| acquire(subject, total)).chain(late).collect()
            }
            Source::Up => self.state.up.iter().map(|(subject, up)| (labels(subject), Value::State(*up))).collect(),
            Source::Fault => named("fault", &self.state.faults),
            Source::Threshold => named("threshold", &self.state.thresholds),
        }
    }
}

fn labels(subject: &Subject) -> Labels {
    vec![("backend", subject.backend.clone()), ("workload", subject.workload.clone())]
}

fn named<'a>(
    label: &'static str,
    states: impl IntoIterator<Item = (&'a (Subject, String), &'a bool)>,
) -> Vec<(Labels, Value<'a>)> {
    let one = |((subject, name), on): (&(Subject, String), &bool)| {
        let mut labels = labels(subject);
        labels.push((label, name.clone()));
        (labels, Value::State(*on))
    };
    states.into_iter().map(one).collect()
}

/// Every kind, 0 too.
fn kinds<'a>(subject: &Subject, counters: &Totals) -> Vec<(Labels, Value<'a>)> {
    let one = |kind: DoubleGrantKind| {
        let mut labels = labels(subject);
        labels.push(("kind", kind.name().to_owned()));
        (labels, Value::Count(counters.get(Counter::of_kind(kind)).unwrap_or_default()))
    };
    DoubleGrantKind::ALL.into_iter().map(one).collect()
}

/// What was due and not attempted, where there was any: it has no service time.
fn late<'a>(subject: &Subject, arrivals: &'a Arrivals) -> Vec<(Labels, Value<'a>)> {
    let all = [("dropped", &arrivals.dropped_late), ("missed", &arrivals.missed_late)];
    let one = |(outcome, buckets): (&str, &'a Buckets)| {
        let mut labels = labels(subject);
        labels.extend([("outcome", outcome.to_owned()), ("kind", "response".to_owned())]);
        (labels, Value::Histogram(buckets))
    };
    all.into_iter().filter(|(_, buckets)| buckets.count() > 0).map(one).collect()
}

/// Grants always, other outcomes where there were any.
fn acquire<'a>(subject: &Subject, total: &'a Contribution) -> Vec<(Labels, Value<'a>)> {
    let mut samples = Vec::new();
    for (outcome, lengths) in Outcome::ALL.iter().zip(&total.durations.acquire) {
        if *outcome != Outcome::Granted && lengths.service.count() == 0 {
            continue;
        }
        for (kind, buckets) in [("service", &lengths.service), ("response", &lengths.response)] {
            let mut labels = labels(subject);
            labels.extend([("outcome", outcome.label().to_owned()), ("kind", kind.to_owned())]);
            samples.push((labels, Value::Histogram(buckets)));
        }
    }
    samples
}

impl Collector for Exposition {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), Error> {
        for family in FAMILIES.iter() {
            let samples = self.samples(family.source);
            if samples.is_empty() {
                continue;
            }
            let mut encoder = described(&mut encoder, family)?;
            for (labels, value) in &samples {
                sample(&mut encoder, labels, value)?;
            }
        }
        Ok(())
    }
}

fn described<'a>(encoder: &'a mut DescriptorEncoder<'_>, family: &Family) -> Result<MetricEncoder<'a>, Error> {
    let kind = match family.kind {
        Kind::Counter => MetricType::Counter,
        Kind::Gauge => MetricType::Gauge,
        Kind::Info => MetricType::Info,
        Kind::Histogram => MetricType::Histogram,
    };
    let mut help = String::new();
    write!(help, "{}.", family.help)?;
    // The library adds the unit to the name.
    match family.name.strip_suffix("_seconds") {
        Some(name) => encoder.encode_descriptor(name, &help, Some(&Unit::Seconds), kind),
        None => encoder.encode_descriptor(family.name, &help, None, kind),
    }
}

fn sample(encoder: &mut MetricEncoder<'_>, labels: &Labels, value: &Value<'_>) -> Result<(), Error> {
    match value {
        Value::Facts => encoder.encode_info(labels),
        Value::Count(count) => encoder.encode_family(labels)?.encode_counter::<NoLabelSet, u64, f64>(count, None),
        Value::State(on) => encoder.encode_family(labels)?.encode_gauge(&u32::from(*on)),
        Value::Histogram(buckets) => histogram(&mut encoder.encode_family(labels)?, buckets),
    }
}

fn histogram(encoder: &mut MetricEncoder<'_>, buckets: &Buckets) -> Result<(), Error> {
    let sparse = buckets.native();
    let native = NativeHistogram {
        schema: SCHEMA,
        zero_threshold: ZERO_THRESHOLD,
        zero_count: buckets.zero(),
        negative: NativeHistogramBuckets { spans: &[], deltas: &[] },
        positive: NativeHistogramBuckets { spans: &sparse.spans, deltas: &sparse.deltas },
        created: None,
    };
    encoder.encode_histogram_with_native::<NoLabelSet>(
        buckets.sum_s(),
        buckets.count(),
        &buckets.classic(),
        None,
        native,
    )
}

#[cfg(test)]
mod tests;
