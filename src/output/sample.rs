//! A made-up report for the snapshots of what people read.

use crate::oracle::{DoubleGrant, HoldFacts};
use crate::record::LatencyFigures;
use crate::report::{
    Aggregate, Environment, Fairness, LatencySet, Report, Resources, SCHEMA_VERSION, SafetyVerdict, SkippedBackend,
    Tool, TrialResult, Verdict, Violation,
};

fn latency(p50: u64) -> LatencyFigures {
    LatencyFigures {
        count: 2_000,
        min_ns: Some(p50 / 2),
        p50_ns: Some(p50),
        p90_ns: Some(p50 * 2),
        p99_ns: Some(p50 * 10),
        p999_ns: None,
        max_ns: Some(p50 * 20),
        mean_ns: Some(p50 as f64 * 1.5),
    }
}

fn latencies(p50: u64) -> LatencySet {
    LatencySet {
        acquire_service: latency(p50),
        acquire_response: latency(p50 + 1_000),
        hold: latency(1_040_000),
        handoff: LatencyFigures::default(),
        release: latency(p50 / 3),
        renew: LatencyFigures::default(),
    }
}

fn trial(backend: &str, p50: u64, doubles: u64) -> TrialResult {
    let mut result = TrialResult {
        backend: backend.to_owned(),
        workload: "sample".to_owned(),
        trial: 1,
        complete: true,
        measured_s: 5.0,
        attempts: 2_003,
        grants: 2_000,
        timed_out: 3,
        throughput_per_s: Some(400.0),
        latency: latencies(p50),
        contention_ratio: Some(0.4),
        requests_per_grant: Some(3.5),
        effective_ttl_ms: Some(10_000.0),
        guarantees: serde_json::json!({ "waiting": "poll" }),
        durability: "appendonly no | stock".to_owned(),
        quorum: "1 of 1".to_owned(),
        server_version: "7.0.15".to_owned(),
        fairness: Fairness {
            jain: Some(0.98),
            max_grants: 150,
            min_grants: 90,
            overtakes: 12,
            longest_wait_ns: 271_000_000,
        },
        resources: Resources { client_cpu_s: Some(1.0), server_cpu_s: Some(0.5), server_rss_bytes: Some(1 << 20) },
        ..TrialResult::default()
    };
    result.safety.verdict = if doubles == 0 { SafetyVerdict::Valid } else { SafetyVerdict::Violated };
    result.safety.double_grants_certain = doubles;
    result.safety.inside = doubles;
    result.safety.token_regressions = (backend == "redis").then_some(0);
    if doubles > 0 {
        let hold = |client, start_ns| HoldFacts {
            client,
            token: None,
            start_ns,
            end_ns: start_ns + 9_000_000,
            validity_ns: None,
        };
        let double_grant = DoubleGrant { key: 0, inside: true, earlier: hold(1, 5), later: hold(2, 1_000_005) };
        result.safety.violations.push(Violation { double_grant, story: "key 0: client 1 and client 2 …".to_owned() });
    }
    result
}

fn aggregate(trial: &TrialResult) -> Aggregate {
    let zero = trial.safety.double_grants_certain == 0;
    Aggregate {
        backend: trial.backend.clone(),
        trials: 1,
        attempts: trial.attempts,
        grants: trial.grants,
        timed_out: trial.timed_out,
        failed: 0,
        throughput_per_s: trial.throughput_per_s,
        latency: trial.latency,
        double_grants_certain: trial.safety.double_grants_certain,
        inside: trial.safety.inside,
        outside: 0,
        verdict: trial.safety.verdict,
        upper_bound_95_per_million: zero.then_some(1_497.0),
        exercised_holds: 2_000,
    }
}

/// One clean system, one that was caught, one that did not run.
pub fn report() -> Report {
    let results = vec![trial("redis", 104_000, 0), trial("redlock", 900_000, 7)];
    Report {
        schema_version: SCHEMA_VERSION,
        run_id: "sample-run".to_owned(),
        complete: true,
        tool: Tool {
            name: "lockbench".to_owned(),
            version: "0.1.0".to_owned(),
            command: vec!["lockbench".to_owned(), "quick".to_owned()],
            workers: 2,
            overhead_ns_per_cycle: Some(798.0),
            ceiling_cycles_per_s: Some(1_671_883.0),
        },
        environment: Environment {
            started_at: "2026-01-02T03:04:05Z".to_owned(),
            os: "Some OS".to_owned(),
            kernel: "6.1".to_owned(),
            cpu: "Some CPU".to_owned(),
            cores: 2,
            memory_bytes: 24 << 30,
            governor: None,
            clock: "CLOCK_MONOTONIC (tsc)".to_owned(),
            placement: "no servers".to_owned(),
        },
        plan: serde_json::Value::Null,
        aggregates: results.iter().map(aggregate).collect(),
        results,
        skipped: vec![SkippedBackend {
            backend: "etcd".to_owned(),
            reason: "no etcd found".to_owned(),
            asked_for: false,
        }],
        faults: Vec::new(),
        thresholds: Vec::new(),
        lints: vec!["a remark".to_owned()],
        verdict: Verdict { exit_code: 100, reasons: vec!["redlock trial 1: 7 double grants".to_owned()] },
    }
}
