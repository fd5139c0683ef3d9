//! `compare` judged on runs that were really made (`benches/record_compare.sh` records
//! them, and says how): runs of one plan must show no regression, runs that are 30 %
//! slower must show it, ten times of ten.
//!
//! The runs in `tests/data` are of redis and memory, a debug build, five trials of 2 s on
//! two processors that others used too; lockbench and the servers ran before all others
//! (`chrt -f 10`). Without that, a neighbour's load slowed whole runs by more than 15 %,
//! and `compare` said so.
use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use lockbench::record::LatencyFigures;
use lockbench::report::compare::{ChangeVerdict, Comparison, ComparisonOutcome, Rules, Side, compare};
use lockbench::report::{LatencySet, Report, parse_report};
use serde_json::{Value, json};

fn file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/compare.json.gz")
}

/// The recorded runs by kind: `same`, `usual` and `slow`, in the order in which they ran.
fn recorded(kind: &str) -> Vec<Report> {
    let mut text = Vec::new();
    GzDecoder::new(fs::File::open(file()).unwrap()).read_to_end(&mut text).unwrap();
    let all: BTreeMap<String, Vec<Value>> = serde_json::from_slice(&text).unwrap();
    let read = |report: &Value| parse_report(Path::new("compare.json"), report.to_string().as_bytes()).unwrap();
    all[kind].iter().map(read).collect()
}

fn compared(a: &Report, b: &Report) -> Comparison {
    compare(Side { name: &a.run_id, runs: &[a] }, Side { name: &b.run_id, runs: &[b] }, &Rules::default()).unwrap()
}

fn slower(figures: &mut LatencyFigures, factor: f64) {
    let LatencyFigures { min_ns, p50_ns, p90_ns, p95_ns, p99_ns, p999_ns, max_ns, mean_ns, .. } = figures;
    for ns in [min_ns, p50_ns, p90_ns, p95_ns, p99_ns, p999_ns, max_ns] {
        *ns = ns.map(|ns| (ns as f64 * factor) as u64);
    }
    *mean_ns = mean_ns.map(|ns| ns * factor);
}

/// The run as if everything in it had taken 30 % longer, its noise kept.
fn thirty_percent_slower(mut report: Report) -> Report {
    for result in &mut report.results {
        result.throughput_per_s = result.throughput_per_s.map(|rate| rate / 1.3);
        let LatencySet { acquire_service, acquire_response, hold, handoff, release, renew } = &mut result.latency;
        for figures in [acquire_service, acquire_response, hold, handoff, release, renew] {
            slower(figures, 1.3);
        }
    }
    report
}

/// What went otherwise than it should.
fn wrong(comparisons: &[Comparison], outcome: ComparisonOutcome) -> Vec<String> {
    let name = |found: &Comparison| format!("{} / {}: {:?}", found.baseline, found.candidate, found.reasons);
    comparisons.iter().filter(|found| found.outcome != outcome).map(name).collect()
}

#[test]
fn runs_of_the_same_plan_show_no_regression_ten_times_of_ten() {
    let runs = recorded("same");
    assert_eq!(runs.len(), 20);
    let neighbours: Vec<Comparison> = runs.chunks(2).map(|pair| compared(&pair[0], &pair[1])).collect();
    // Half of the recording lies between these.
    let far: Vec<Comparison> = (0..10).map(|i| compared(&runs[i], &runs[i + 10])).collect();
    for comparisons in [neighbours, far] {
        assert_eq!(comparisons.len(), 10);
        assert_eq!(wrong(&comparisons, ComparisonOutcome::NoRegression), Vec::<String>::new());
    }
}

#[test]
fn thirty_percent_slower_is_a_regression_of_every_system_ten_times_of_ten() {
    let runs = recorded("same");
    for pair in runs.chunks(2) {
        let found = compared(&pair[0], &thirty_percent_slower(pair[1].clone()));
        assert_eq!(found.outcome, ComparisonOutcome::Regression);
        for aggregate in &pair[0].aggregates {
            let mut gates = found.changes.iter().filter(|change| change.backend == aggregate.backend && change.gated);
            let seen = gates.any(|change| change.verdict == ChangeVerdict::Regression);
            assert!(seen, "{}: {:#?}", aggregate.backend, found.changes);
        }
    }
}

#[test]
fn a_system_behind_a_link_that_got_slower_is_a_regression_ten_times_of_ten() {
    let (usual, slow) = (recorded("usual"), recorded("slow"));
    assert_eq!((usual.len(), slow.len()), (10, 10));
    let slowed: Vec<Comparison> = usual.iter().zip(&slow).map(|(a, b)| compared(a, b)).collect();
    assert_eq!(wrong(&slowed, ComparisonOutcome::Regression), Vec::<String>::new());
    let alike: Vec<Comparison> = usual.windows(2).map(|pair| compared(&pair[0], &pair[1])).collect();
    assert_eq!(wrong(&alike, ComparisonOutcome::NoRegression), Vec::<String>::new());
}

/// Packs what `benches/record_compare.sh` recorded: reports without what no comparison reads.
#[test]
#[ignore = "writes the recorded data; benches/record_compare.sh calls it"]
fn pack() {
    let from = PathBuf::from(std::env::var("LOCKBENCH_RECORD_FROM").unwrap());
    let mut all: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
    for (kind, count) in [("same", 20), ("usual", 10), ("slow", 10)] {
        for number in 1..=count {
            let path = from.join(format!("{kind}-{number:02}")).join("report.json");
            all.entry(kind).or_default().push(stripped(serde_json::from_slice(&fs::read(path).unwrap()).unwrap()));
        }
    }
    fs::create_dir_all(file().parent().unwrap()).unwrap();
    let mut out = GzEncoder::new(fs::File::create(file()).unwrap(), Compression::best());
    out.write_all(serde_json::to_string(&all).unwrap().as_bytes()).unwrap();
    out.finish().unwrap();
}

fn stripped(mut report: Value) -> Value {
    report["tool"]["command"] = json!([]);
    report["notes"] = json!([]);
    for aggregate in report["aggregates"].as_array_mut().unwrap() {
        aggregate["latency"] = json!(LatencySet::default());
    }
    for result in report["results"].as_array_mut().unwrap() {
        result["guarantees"] = json!(null);
        result["safety"]["conditions"] = json!("");
    }
    report
}
