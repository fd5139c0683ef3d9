//! `metrics.om`: the run in OpenMetrics text (specification 1.0.0): base units,
//! cumulative buckets, `# EOF` at the end. A push gateway or a node exporter's text
//! directory can serve it; labels are the backend and the workload, never a client,
//! a key or a trial. Names, labels and buckets are those of the metrics endpoint: both come from the
//! table of figures, and are written by the same [`Writer`].

use super::Rendered;
use super::histograms::{backends, merged};
use super::metrics::Buckets;
use super::metrics::text::{Dialect, Labels, Writer};
use lockbench_core::figure::{Counter, LATENCIES, LatencyId, Metric, Totals, metrics};
use lockbench_core::oracle::DoubleGrantKind;
use lockbench_core::plain;
use lockbench_report::{RecordedRun, Report, SafetyVerdict};

/// The verdicts that a backend can have.
const VERDICTS: [(SafetyVerdict, &str); 4] = [
    (SafetyVerdict::Valid, "valid"),
    (SafetyVerdict::Violated, "violated"),
    (SafetyVerdict::Unknown, "unknown"),
    (SafetyVerdict::NotExercised, "not-exercised"),
];

/// `metrics.om`.
pub fn render(run: &RecordedRun) -> Result<Vec<Rendered>, String> {
    let mut writer = Writer::new(Dialect::Stored);
    of_run(&mut writer, &run.report);
    if !run.report.aggregates.is_empty() {
        of_backends(&mut writer, run);
    }
    durations(&mut writer, run);
    Ok(vec![Rendered::new("metrics.om", writer.end())])
}

fn of_run(writer: &mut Writer, report: &Report) {
    let facts = [
        ("run_id", report.run_id.as_str()),
        ("version", report.tool.version.as_str()),
        ("workload", report.plan["name"].as_str().unwrap_or_default()),
        ("mode", "run"),
    ];
    let mut facts: Labels = facts.map(|(name, value)| (name, label(value))).to_vec();
    facts.push(("schema_version", report.schema_version.to_string()));
    writer.family("lockbench_run", "info", "The run that these figures are of");
    writer.sample(&facts, 1);
    let none = Labels::new();
    if let Ok(start) = humantime::parse_rfc3339(&report.environment.started_at)
        && let Ok(since) = start.duration_since(std::time::UNIX_EPOCH)
    {
        writer.family("lockbench_run_start_timestamp_seconds", "gauge", "Start of the run, Unix time");
        writer.sample(&none, since.as_secs());
    }
    writer.family("lockbench_run_complete", "gauge", "1 if everything planned ran to its end");
    writer.sample(&none, u8::from(report.complete));
    writer.family("lockbench_exit_code", "gauge", "Exit code of the run: 0 is a pass");
    writer.sample(&none, report.verdict.exit_code);
}

fn of_backends(writer: &mut Writer, run: &RecordedRun) {
    let report = &run.report;
    let systems: Vec<(Labels, Totals)> =
        report.aggregates.iter().map(|all| (labels(report, &all.backend), totals(run, &all.backend))).collect();
    // What a report has the shares of alone comes last.
    let of_fold = |metric: &Metric| matches!(metric.of, [Counter::Waited | Counter::FoundHeld]);
    let (last, first): (Vec<Metric>, Vec<Metric>) = metrics().into_iter().partition(of_fold);
    first.iter().for_each(|metric| counter(writer, metric, &systems));
    kinds(writer, &systems);
    last.iter().for_each(|metric| counter(writer, metric, &systems));
    writer.family("lockbench_grants_per_second", "gauge", "Grants per second of the measure phases");
    for (aggregate, (labels, _)) in report.aggregates.iter().zip(&systems) {
        if let Some(rate) = aggregate.throughput_per_s {
            writer.sample(labels, rate);
        }
    }
    let family = "lockbench_safety_verdict";
    writer.family(family, "stateset", "The safety verdict: the worst of the trials");
    for (aggregate, (labels, _)) in report.aggregates.iter().zip(&systems) {
        for (verdict, name) in VERDICTS {
            let mut labels = labels.clone();
            labels.push((family, name.to_owned()));
            writer.sample(&labels, u8::from(aggregate.verdict == verdict));
        }
    }
}

/// All counts of a system.
fn totals(run: &RecordedRun, backend: &str) -> Totals {
    let mut all = Totals::default();
    run.report.results.iter().filter(|result| result.backend == backend).for_each(|one| all.add(&one.totals(None)));
    let folds = || run.of(backend).map(|measured| &measured.counts);
    // Runs of before schema version 3 do not know how many waited.
    all.set(Counter::Waited, (run.report.schema_version >= 3).then(|| folds().map(|counts| counts.waited).sum()));
    all.set(Counter::FoundHeld, Some(folds().map(|counts| counts.found_held).sum()));
    all
}

/// Double grants by kind, of all trials.
fn kinds(writer: &mut Writer, systems: &[(Labels, Totals)]) {
    writer.family(
        "lockbench_double_grants_by_kind",
        "counter",
        "Certain double grants by what had become of the earlier holder's promise",
    );
    for (labels, totals) in systems {
        for kind in DoubleGrantKind::ALL {
            let mut labels = labels.clone();
            labels.push(("kind", kind.name().to_owned()));
            writer.sample(&labels, totals.get(Counter::of_kind(kind)).unwrap_or_default());
        }
    }
}

/// A family of counts; nothing at all if no backend has the figure.
fn counter(writer: &mut Writer, metric: &Metric, systems: &[(Labels, Totals)]) {
    let mut begun = false;
    for (labels, totals) in systems {
        let Some(count) = totals.sum(metric.of) else { continue };
        if !std::mem::replace(&mut begun, true) {
            writer.family(metric.name, "counter", metric.help);
        }
        writer.sample(labels, count);
    }
}

/// A family of histograms per latency, both acquires in one; nothing at all if no backend has a
/// sample of it.
fn durations(writer: &mut Writer, run: &RecordedRun) {
    for family in LATENCIES.chunk_by(|one, next| one.metric == next.metric) {
        let mut begun = false;
        for backend in backends(run) {
            let all = merged(run, backend);
            for latency in family {
                let Some(histogram) = (latency.of)(&all).histogram() else { continue };
                let metric = latency.metric;
                if !std::mem::replace(&mut begun, true) {
                    writer.family(metric.name, "histogram", metric.help);
                }
                let mut labels = labels(&run.report, backend);
                let kind = match latency.id {
                    LatencyId::AcquireService => Some("service"),
                    LatencyId::AcquireResponse => Some("response"),
                    LatencyId::Hold | LatencyId::Handoff | LatencyId::Release | LatencyId::Renew => None,
                };
                if let Some(kind) = kind {
                    labels.extend([("outcome", "granted".to_owned()), ("kind", kind.to_owned())]);
                }
                let sum_s = histogram.mean() * histogram.len() as f64 / 1e9;
                writer.histogram(&labels, &Buckets::of((latency.of)(&all)), sum_s);
            }
        }
    }
}

fn labels(report: &Report, backend: &str) -> Labels {
    let workload = report.results.iter().find(|result| result.backend == backend).map_or("", |one| &one.workload);
    vec![("backend", label(backend)), ("workload", label(workload))]
}

/// Text of others as a label's value; the writer escapes its line breaks.
fn label(text: &str) -> String {
    text.split('\n').map(plain::line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::render;
    use crate::histograms::merged;
    use crate::sample::{crowd, empty, gated, recorded, timeouts};
    use lockbench_report::RecordedRun;

    fn text(run: &RecordedRun) -> String {
        String::from_utf8(render(run).unwrap().remove(0).bytes).unwrap()
    }

    /// Name, labels in order, value; panics on a line that is none.
    fn sample(line: &str) -> (String, Vec<(String, String)>, f64) {
        let (series, value) = line.rsplit_once(' ').unwrap();
        let value = value.parse().unwrap();
        let Some((name, inner)) = series.split_once('{') else { return (series.to_owned(), Vec::new(), value) };
        let (mut rest, mut labels) = (inner.strip_suffix('}').unwrap(), Vec::new());
        while !rest.is_empty() {
            let (label, after) = rest.split_once("=\"").unwrap();
            assert!(label.chars().all(|c| c.is_ascii_lowercase() || c == '_'), "{line}");
            let (mut value, mut escape, mut end) = (String::new(), false, None);
            for (at, c) in after.char_indices() {
                match c {
                    _ if escape => {
                        assert!("\\\"n".contains(c), "{line}");
                        value.push(c);
                        escape = false;
                    }
                    '\\' => escape = true,
                    '"' => {
                        end = Some(at);
                        break;
                    }
                    c => value.push(c),
                }
            }
            labels.push((label.to_owned(), value));
            rest = &after[end.unwrap() + 1..];
            rest = rest.strip_prefix(',').unwrap_or(rest);
        }
        (name.to_owned(), labels, value)
    }

    /// Checks the rules of the format; returns the families.
    fn check(text: &str) -> BTreeSet<String> {
        let body = text.strip_suffix("# EOF\n").expect("it ends with # EOF");
        assert!(!body.contains("# EOF") && body.lines().all(|line| !line.is_empty()));
        let (mut families, mut family, mut kind) = (BTreeSet::new(), String::new(), String::new());
        let mut facts = BTreeSet::new();
        let mut seen = BTreeSet::new();
        let mut buckets: BTreeMap<String, Vec<(f64, f64)>> = BTreeMap::new();
        for line in body.lines() {
            if let Some(meta) = line.strip_prefix("# ") {
                let (word, rest) = meta.split_once(' ').unwrap();
                let (name, begun) = rest.split_once(' ').unwrap();
                if word == "TYPE" {
                    assert!(families.insert(name.to_owned()), "{name} is not in one piece");
                    (family, kind) = (name.to_owned(), begun.to_owned());
                    facts.clear();
                }
                assert_eq!(name, family);
                assert!(word != "UNIT" || family.ends_with(&format!("_{begun}")), "{line}");
                facts.insert(word.to_owned());
                continue;
            }
            let (name, mut labels, value) = sample(line);
            assert!(facts.contains("HELP") && family.ends_with("_seconds") == facts.contains("UNIT"), "{line}");
            assert!(seen.insert(line.rsplit_once(' ').unwrap().0.to_owned()), "twice: {line}");
            let suffix = name.strip_prefix(&family).unwrap();
            match kind.as_str() {
                "info" => assert_eq!((suffix, value), ("_info", 1.0)),
                "counter" => assert!(suffix == "_total" && value >= 0.0, "{line}"),
                "gauge" | "stateset" => assert_eq!(suffix, ""),
                "histogram" if suffix == "_bucket" => {
                    let (label, bound) = labels.pop().unwrap();
                    assert_eq!(label, "le");
                    let bound = if bound == "+Inf" { f64::INFINITY } else { bound.parse().unwrap() };
                    buckets.entry(format!("{family}{labels:?}")).or_default().push((bound, value));
                }
                "histogram" if suffix == "_count" => {
                    let last = buckets[&format!("{family}{labels:?}")].last().copied();
                    assert_eq!(last, Some((f64::INFINITY, value)), "{line}");
                }
                "histogram" => assert_eq!(suffix, "_sum"),
                other => panic!("{other}"),
            }
        }
        for (series, steps) in buckets {
            assert!(steps.windows(2).all(|two| two[0].0 < two[1].0 && two[0].1 <= two[1].1), "{series}: {steps:?}");
        }
        families
    }

    #[test]
    fn a_run_reads_as_metrics() {
        insta::assert_snapshot!(text(&recorded()));
    }

    #[test]
    fn every_sample_keeps_the_format() {
        for run in [recorded(), crowd(10), gated()] {
            let families = check(&text(&run));
            assert!(families.contains("lockbench_acquire_duration_seconds"), "{families:?}");
            assert!(!families.contains("lockbench_renew_duration_seconds"), "no renewals in the sample");
        }
        for run in [timeouts(), empty()] {
            assert!(check(&text(&run)).iter().all(|family| !family.contains("duration")));
        }
    }

    #[test]
    fn text_of_others_stays_inside_its_label() {
        let mut run = recorded();
        run.report.results[0].workload = "a\"b\\c\nd} 1".to_owned();
        check(&text(&run));
        assert!(text(&run).contains("workload=\"a\\\"b\\\\c\\nd} 1\""));
    }

    #[test]
    fn buckets_and_sums_are_those_of_the_merged_histogram() {
        let run = crowd(1);
        let all = merged(&run, "redis");
        let histogram = all.release.histogram().unwrap();
        let text = text(&run);
        let value = |start: &str| text.lines().find(|line| line.starts_with(start)).map(|line| sample(line).2).unwrap();
        let series =
            |part: &str| format!("lockbench_release_duration_seconds_{part}{{backend=\"redis\",workload=\"sample\"");
        assert_eq!(value(&series("count")), histogram.len() as f64);
        let some = value(&format!("{},le=\"5e-05\"", series("bucket")));
        assert_eq!(
            some,
            histogram
                .iter_recorded()
                .filter(|step| step.value_iterated_to() <= 50_015)
                .map(|step| step.count_at_value())
                .sum::<u64>() as f64
        );
        assert!(some > 0.0 && some < histogram.len() as f64);
        let mean = value(&series("sum")) / histogram.len() as f64 * 1e9;
        assert!((mean / histogram.mean() - 1.0).abs() < 1e-9);
    }
}
