//! `metrics.om`: the run in OpenMetrics text (specification 1.0.0): base units,
//! cumulative buckets, `# EOF` at the end. A push gateway or a node exporter's text
//! directory can serve it; labels are the backend and the workload, never a client,
//! a key or a trial. Names, labels and buckets are those of the metrics endpoint.

use std::fmt::Write as _;

use super::Rendered;
use super::histograms::{backends, merged};
use lockbench_core::oracle::DoubleGrantKind;
use lockbench_core::plain;
use lockbench_core::record::figures::{Counts, Latencies};
use lockbench_core::record::{BUCKET_BOUNDS_NS, Latency};
use lockbench_report::{Kinds, RecordedRun, Report, SafetyVerdict, TrialResult};

/// A histogram and the labels that its samples have besides.
type Labelled = &'static [(&'static str, fn(&Latencies) -> &Latency)];

/// Family, meaning, histograms.
static DURATIONS: [(&str, &str, Labelled); 5] = [
    (
        "lockbench_acquire_duration_seconds",
        "Wait of granted attempts: service from the call, response from the due instant. Attempts without a grant are not in it.",
        &[
            (",outcome=\"granted\",kind=\"service\"", |all| &all.acquire_service),
            (",outcome=\"granted\",kind=\"response\"", |all| &all.acquire_response),
        ],
    ),
    ("lockbench_hold_duration_seconds", "From the grant to the release, as achieved.", &[("", |all| &all.hold)]),
    (
        "lockbench_handoff_duration_seconds",
        "From a release to the grant of a client that was already waiting.",
        &[("", |all| &all.handoff)],
    ),
    ("lockbench_release_duration_seconds", "From asking for a release to its answer.", &[("", |all| &all.release)]),
    ("lockbench_renew_duration_seconds", "From asking for a renewal to its confirmation.", &[("", |all| &all.renew)]),
];

/// A family of a part of the attempts, its meaning, and how many they are.
type Part = (&'static str, &'static str, fn(&Counts) -> u64);

/// A count: family, meaning, figure of a trial; `None` where it does not exist.
type Count = (&'static str, &'static str, fn(&TrialResult) -> Option<u64>);

static COUNTS: [Count; 11] = [
    ("lockbench_attempts", "Attempts with an outcome, of the measure phase.", |result| Some(result.attempts)),
    ("lockbench_grants", "Attempts that were granted.", |result| Some(result.grants)),
    ("lockbench_refusals", "Attempts that were refused.", |result| Some(result.refused)),
    ("lockbench_timeouts", "Attempts that timed out.", |result| Some(result.timed_out)),
    ("lockbench_failures", "Attempts that were not served, or whose answer was lost.", |result| {
        Some(result.unavailable + result.unknown)
    }),
    ("lockbench_dropped_arrivals", "Attempts that were due and that no client could take.", |result| result.dropped),
    ("lockbench_double_grants", "Certain double grants, of all phases.", |result| {
        Some(result.safety.double_grants_certain)
    }),
    ("lockbench_token_regressions", "Grants whose fencing token did not grow, of all phases.", |result| {
        result.safety.token_regressions
    }),
    (
        "lockbench_fencing_rejections",
        "Writes that the fenced register refused for their token, of all phases.",
        |result| result.safety.stale_writes_refused,
    ),
    ("lockbench_lost_updates", "Writes over a change made since the read, without fencing, of all phases.", |result| {
        Some(result.safety.harm.lost_updates)
    }),
    ("lockbench_lost_leases", "Grants of which the client learned that they were lost.", |result| {
        Some(result.safety.lost_leases)
    }),
];

/// The verdicts that a backend can have.
const VERDICTS: [(SafetyVerdict, &str); 4] = [
    (SafetyVerdict::Valid, "valid"),
    (SafetyVerdict::Violated, "violated"),
    (SafetyVerdict::Unknown, "unknown"),
    (SafetyVerdict::NotExercised, "not-exercised"),
];

/// `metrics.om`.
pub fn render(run: &RecordedRun) -> Result<Vec<Rendered>, String> {
    let mut text = String::new();
    of_run(&mut text, &run.report);
    if !run.report.aggregates.is_empty() {
        of_backends(&mut text, run);
    }
    for (family, meaning, kinds) in &DURATIONS {
        durations(&mut text, run, (family, meaning), kinds);
    }
    text.push_str("# EOF\n");
    Ok(vec![Rendered::new("metrics.om", text)])
}

fn head(text: &mut String, family: &str, kind: &str, meaning: &str) {
    let _ = writeln!(text, "# TYPE {family} {kind}");
    if family.ends_with("_seconds") {
        let _ = writeln!(text, "# UNIT {family} seconds");
    }
    let _ = writeln!(text, "# HELP {family} {meaning}");
}

fn of_run(text: &mut String, report: &Report) {
    head(text, "lockbench_run", "info", "The run that these figures are of.");
    let _ = writeln!(
        text,
        "lockbench_run_info{{run_id=\"{}\",version=\"{}\",workload=\"{}\",mode=\"run\",schema_version=\"{}\"}} 1",
        escaped(&report.run_id),
        escaped(&report.tool.version),
        escaped(report.plan["name"].as_str().unwrap_or_default()),
        report.schema_version
    );
    if let Ok(start) = humantime::parse_rfc3339(&report.environment.started_at)
        && let Ok(since) = start.duration_since(std::time::UNIX_EPOCH)
    {
        head(text, "lockbench_run_start_timestamp_seconds", "gauge", "Start of the run, Unix time.");
        let _ = writeln!(text, "lockbench_run_start_timestamp_seconds {}", since.as_secs());
    }
    head(text, "lockbench_run_complete", "gauge", "1 if everything planned ran to its end.");
    let _ = writeln!(text, "lockbench_run_complete {}", u8::from(report.complete));
    head(text, "lockbench_exit_code", "gauge", "Exit code of the run: 0 is a pass.");
    let _ = writeln!(text, "lockbench_exit_code {}", report.verdict.exit_code);
}

fn of_backends(text: &mut String, run: &RecordedRun) {
    let report = &run.report;
    for (family, meaning, of) in &COUNTS {
        let sum = |backend: &str| {
            let trials = report.results.iter().filter(|result| result.backend == backend);
            trials.filter_map(of).reduce(|a, b| a + b)
        };
        counter(text, report, (family, meaning), sum);
    }
    kinds(text, report);
    let shares: [Part; 2] = [
        ("lockbench_contended_attempts", "Attempts that were not granted by their first request.", |all| all.waited),
        ("lockbench_found_held_attempts", "Attempts at whose call another client held the key.", |all| all.found_held),
    ];
    for (family, meaning, of) in shares {
        // Runs of before schema version 3 do not know who waited.
        let known = report.schema_version >= 3 || family == "lockbench_found_held_attempts";
        let sum = |backend: &str| known.then(|| run.of(backend).map(|measured| of(&measured.counts)).sum());
        counter(text, report, (family, meaning), sum);
    }
    let family = "lockbench_grants_per_second";
    head(text, family, "gauge", "Grants per second of the measure phases.");
    for aggregate in &report.aggregates {
        if let Some(rate) = aggregate.throughput_per_s {
            let _ = writeln!(text, "{family}{{{}}} {rate}", labels(report, &aggregate.backend));
        }
    }
    let family = "lockbench_safety_verdict";
    head(text, family, "stateset", "The safety verdict: the worst of the trials.");
    for aggregate in &report.aggregates {
        for (verdict, name) in VERDICTS {
            let (labels, on) = (labels(report, &aggregate.backend), u8::from(aggregate.verdict == verdict));
            let _ = writeln!(text, "{family}{{{labels},{family}=\"{name}\"}} {on}");
        }
    }
}

/// Double grants by kind, of all trials.
fn kinds(text: &mut String, report: &Report) {
    let family = "lockbench_double_grants_by_kind";
    head(text, family, "counter", "Certain double grants by what had become of the earlier holder's promise.");
    for aggregate in &report.aggregates {
        for kind in DoubleGrantKind::ALL {
            let trials = report.results.iter().filter(|result| result.backend == aggregate.backend);
            let count: u64 = trials.map(|result| Kinds::from(&result.safety).of(kind)).sum();
            let (labels, name) = (labels(report, &aggregate.backend), kind.name());
            let _ = writeln!(text, "{family}_total{{{labels},kind=\"{name}\"}} {count}");
        }
    }
}

/// A family of counts; nothing at all if no backend has the figure.
fn counter(text: &mut String, report: &Report, (family, meaning): (&str, &str), of: impl Fn(&str) -> Option<u64>) {
    let mut told = false;
    for aggregate in &report.aggregates {
        let Some(count) = of(&aggregate.backend) else { continue };
        if !std::mem::replace(&mut told, true) {
            head(text, family, "counter", meaning);
        }
        let _ = writeln!(text, "{family}_total{{{}}} {count}", labels(report, &aggregate.backend));
    }
}

/// A family of histograms; nothing at all if no backend has a sample of it.
fn durations(text: &mut String, run: &RecordedRun, (family, meaning): (&str, &str), kinds: Labelled) {
    let mut told = false;
    for backend in backends(run) {
        let all = merged(run, backend);
        for (more, of) in kinds {
            let Some(histogram) = of(&all).histogram() else { continue };
            if !std::mem::replace(&mut told, true) {
                head(text, family, "histogram", meaning);
            }
            let labels = format!("{}{more}", labels(&run.report, backend));
            for bound in BUCKET_BOUNDS_NS {
                let (le, below) = (seconds(bound), histogram.count_between(0, bound));
                let _ = writeln!(text, "{family}_bucket{{{labels},le=\"{le}\"}} {below}");
            }
            let count = histogram.len();
            let _ = writeln!(text, "{family}_bucket{{{labels},le=\"+Inf\"}} {count}");
            let _ = writeln!(text, "{family}_count{{{labels}}} {count}");
            let _ = writeln!(text, "{family}_sum{{{labels}}} {}", histogram.mean() * count as f64 / 1e9);
        }
    }
}

/// A bound as the specification wants it: the shortest decimal, with a point, and an
/// exponent below 0.0001.
fn seconds(ns: u64) -> String {
    let text = format!("{:?}", ns as f64 / 1e9);
    match text.split_once("e-") {
        Some((digits, exponent)) => format!("{digits}e-{exponent:0>2}"),
        None => text,
    }
}

fn labels(report: &Report, backend: &str) -> String {
    let workload = report.results.iter().find(|result| result.backend == backend).map_or("", |one| &one.workload);
    format!("backend=\"{}\",workload=\"{}\"", escaped(backend), escaped(workload))
}

/// Text as a label's value.
fn escaped(text: &str) -> String {
    let text = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    plain::line(&text).into_owned()
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::{render, seconds};
    use crate::histograms::merged;
    use crate::sample::{crowd, empty, gated, recorded, timeouts};
    use lockbench_core::record::BUCKET_BOUNDS_NS;
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
                let (name, told) = rest.split_once(' ').unwrap();
                if word == "TYPE" {
                    assert!(families.insert(name.to_owned()), "{name} is not in one piece");
                    (family, kind) = (name.to_owned(), told.to_owned());
                    facts.clear();
                }
                assert_eq!(name, family);
                assert!(word != "UNIT" || family.ends_with(&format!("_{told}")), "{line}");
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

    #[test]
    fn bounds_are_written_as_the_specification_writes_numbers() {
        let told: Vec<String> = BUCKET_BOUNDS_NS.iter().map(|bound| seconds(*bound)).collect();
        assert_eq!(told[..7], ["1e-06", "2.5e-06", "5e-06", "1e-05", "2.5e-05", "5e-05", "0.0001"]);
        assert_eq!((told[18].as_str(), told[21].as_str()), ("1.0", "10.0"));
    }
}
