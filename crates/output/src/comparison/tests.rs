use super::comparison;
use crate::sample::crowd;
use lockbench_report::Report;
use lockbench_report::compare::{Comparison, Rules, Side, compare};

/// A run of two systems with five trials each, a little noise in them.
fn run(id: &str, slower: f64) -> Report {
    let mut report = crowd(2).report;
    report.run_id = id.to_owned();
    let mut results = Vec::new();
    for trial in 1..=5_u32 {
        for mut result in report.results.iter().filter(|result| result.trial == 1).cloned() {
            let noise = 1.0 + f64::from(trial) / 100.0;
            let factor = if result.backend == "redis" { slower * noise } else { noise };
            result.trial = trial;
            result.safety.grants_all_phases = 2_400;
            result.throughput_per_s = Some(400.0 / factor);
            let service = &mut result.latency.acquire_service;
            service.p50_ns = service.p50_ns.map(|ns| (ns as f64 * factor) as u64);
            service.p99_ns = service.p99_ns.map(|ns| (ns as f64 * factor) as u64);
            results.push(result);
        }
    }
    report.results = results;
    report
}

fn told(a: &Report, b: &Report, rules: &Rules) -> String {
    let found = compare(Side { name: "main", runs: &[a] }, Side { name: &b.run_id, runs: &[b] }, rules);
    comparison(&found.unwrap())
}

/// A regression.
pub fn sample() -> Comparison {
    let (a, b) = (run("before", 1.0), run("after", 1.4));
    compare(Side { name: "main", runs: &[&a] }, Side { name: "after", runs: &[&b] }, &Rules::default()).unwrap()
}

#[test]
fn a_comparison_reads_well() {
    insta::assert_snapshot!(told(&run("before", 1.0), &run("after", 1.4), &Rules::default()));
}

#[test]
fn a_double_grant_stands_out() {
    let mut after = run("after", 1.0);
    after.results[0].safety.double_grants_certain = 3;
    insta::assert_snapshot!(told(&run("before", 1.0), &after, &Rules::default()));
}

#[test]
fn sides_that_are_unlike_are_marked() {
    let mut other = run("after", 1.0);
    other.environment.cores = 64;
    other.results.retain(|result| result.backend == "redis" || result.trial < 4);
    insta::assert_snapshot!(told(&run("before", 1.0), &other, &Rules { force: true, ..Rules::default() }));
}
