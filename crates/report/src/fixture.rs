//! A small made-up report for the tests of this tier.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use super::{Aggregate, Environment, Measurements, Report, SafetyVerdict, SkippedBackend, Tool, TrialResult};
use lockbench_core::record::LatencyFigures;
use lockbench_core::record::figures::{Counts, Window};

/// A clean trial of five seconds on a server of its own.
pub fn trial(backend: &str, trial: u32) -> TrialResult {
    let mut result = TrialResult {
        backend: backend.to_owned(),
        trial,
        complete: true,
        measured_s: 5.0,
        attempts: 20_000,
        grants: 20_000,
        throughput_per_s: Some(4_000.0),
        waited_ratio: Some(0.4),
        found_held_ratio: Some(0.3),
        availability: Some(1.0),
        requests_per_grant: Some(3.5),
        effective_ttl_ms: Some(10_000.0),
        guarantees: serde_json::json!({ "waiting": "poll", "lease": true, "renewal": "explicit" }),
        durability: "fsync on, synchronous_commit on, full_page_writes on".into(),
        quorum: "2 of 3".into(),
        ..TrialResult::default()
    };
    result.latency.acquire_service = waits(20_000);
    result.latency.hold = LatencyFigures { count: 20_000, max_ns: Some(2_000_000), ..LatencyFigures::default() };
    result.resources.client_cpu_s = Some(0.5);
    result.safety.verdict = SafetyVerdict::Valid;
    result
}

/// Waits with every percentile.
pub fn waits(count: u64) -> LatencyFigures {
    LatencyFigures {
        count,
        in_vain: 0,
        min_ns: Some(50_000),
        p50_ns: Some(1_000_000),
        p90_ns: Some(4_000_000),
        p95_ns: Some(8_000_000),
        p99_ns: Some(20_000_000),
        p999_ns: Some(40_000_000),
        max_ns: Some(50_000_000),
        max_is_lower_bound: false,
        mean_ns: Some(1.5e6),
    }
}

/// A report of these trials.
pub fn report(results: Vec<TrialResult>) -> Report {
    let mut aggregates: BTreeMap<&str, Aggregate> = BTreeMap::new();
    for result in &results {
        let merged = aggregates.entry(&result.backend).or_default();
        merged.backend.clone_from(&result.backend);
        merged.trials += 1;
        merged.attempts += result.attempts;
        merged.grants += result.grants;
        merged.latency = result.latency;
    }
    let environment = Environment {
        cores: 4,
        placement: "servers at given endpoints".to_owned(),
        clock_step_ns: Some(0),
        ..Environment::default()
    };
    Report {
        run_id: "made-up".to_owned(),
        complete: true,
        tool: Tool {
            name: "lockbench".to_owned(),
            version: "0.1.0".to_owned(),
            command: Vec::new(),
            workers: 2,
            overhead_ns_per_cycle: Some(800.0),
            ceiling_cycles_per_s: Some(1_000_000.0),
            ceiling_others_share: Some(0.0),
            own_costs: Vec::new(),
        },
        aggregates: aggregates.into_values().collect(),
        results,
        ..Report::blank(environment)
    }
}

/// A system that did not run.
pub fn skipped(backend: &str) -> SkippedBackend {
    SkippedBackend { backend: backend.to_owned(), reason: "not installed".to_owned(), asked_for: false }
}

/// What was measured beside a trial: two seconds of warm-up, then so many grants in
/// each second.
pub fn measured(backend: &str, trial: u32, grants: &[u64]) -> Measurements {
    let warm = [(0, 10), (1, 10)];
    let seconds = warm.into_iter().chain((2..).zip(grants.iter().copied()));
    Measurements {
        backend: backend.to_owned(),
        trial,
        warmup_ns: 2_000_000_000,
        measured_ns: grants.len() as u64 * 1_000_000_000,
        counts: Counts { attempts: 20_000, grants: 20_000, ..Counts::default() },
        windows: seconds.map(|(second, grants)| Window { second, grants, ..Window::default() }).collect(),
        ..Measurements::default()
    }
}
