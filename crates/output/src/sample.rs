//! A made-up report for the snapshots of what people read.

use lockbench_core::oracle::{Attribution, DoubleGrant, DoubleGrantKind, HoldFacts};
use lockbench_core::record::Latency;
use lockbench_core::record::LatencyFigures;
use lockbench_core::record::figures::{Counts, Latencies, Mark, MarkKind, Window};
use lockbench_report::{
    Aggregate, Environment, Fairness, HoldEnd, LatencySet, LintFinding, LintLevel, Measurements, RecordedRun, Report,
    Resources, SCHEMA_VERSION, SafetyVerdict, Scene, SceneHold, SkippedBackend, ThresholdLevel, ThresholdOutcome,
    ThresholdResult, Tool, TrialResult, Verdict, Violation, notes_on_marks,
};

fn latency(p50: u64) -> LatencyFigures {
    LatencyFigures {
        count: 2_000,
        in_vain: 0,
        min_ns: Some(p50 / 2),
        p50_ns: Some(p50),
        p90_ns: Some(p50 * 2),
        p95_ns: Some(p50 * 4),
        p99_ns: Some(p50 * 10),
        p999_ns: None,
        max_ns: Some(p50 * 20),
        max_is_lower_bound: false,
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
        waited_ratio: Some(0.4),
        found_held_ratio: Some(0.3),
        availability: Some(1.0),
        requests_per_grant: Some(3.5),
        effective_ttl_ms: Some(10_000.0),
        guarantees: serde_json::json!({ "waiting": "poll" }),
        durability: "appendonly no | stock".into(),
        quorum: "1 of 1".into(),
        server_version: "7.0.15".to_owned(),
        fairness: Fairness {
            jain_held: None,
            jain: Some(0.98),
            max_grants: 150,
            min_grants: 90,
            overtakes: 12,
            longest_wait_ns: 271_000_000,
        },
        resources: Resources {
            client_cpu_s: Some(1.0),
            server_cpu_s: Some(0.5),
            server_rss_bytes: Some(1 << 20),
            ..Resources::default()
        },
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
            lost_ns: None,
            mode: Default::default(),
        };
        let double_grant = DoubleGrant {
            key: 0,
            kind: DoubleGrantKind::Inside,
            admitted: false,
            earlier: hold(1, 3_000_000_005),
            later: hold(2, 3_001_000_005),
        };
        result.safety.violations.push(Violation {
            double_grant,
            attribution: Attribution::default(),
            story: "key 0: client 1 and client 2 …".to_owned(),
            why: String::new(),
        });
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
        availability: trial.availability,
        throughput_per_s: trial.throughput_per_s,
        latency: trial.latency,
        double_grants_certain: trial.safety.double_grants_certain,
        inside: trial.safety.inside,
        withdrawn: 0,
        outside: 0,
        admitted: 0,
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
            ceiling_others_share: Some(0.02),
            own_costs: Vec::new(),
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
            clock_step_ns: Some(0),
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
        lints: Vec::new(),
        notes: vec!["a remark".to_owned()],
        comparison: None,
        verdict: Verdict { exit_code: 100, reasons: vec!["redlock trial 1: 7 double grants".to_owned()] },
    }
}

/// Two systems, one clean and one caught, with everything that charts need.
pub fn recorded() -> RecordedRun {
    let report = report();
    let measured = vec![measured("redis", 1, 104_000, 0), measured("redlock", 1, 900_000, 7)];
    let scenes = scenes(&report, &measured);
    RecordedRun { report, measured, scenes }
}

/// As [`recorded`], with a threshold of every outcome, lints of both levels, and a
/// system that was asked for and did not run.
pub fn gated() -> RecordedRun {
    let mut run = recorded();
    let threshold = |text: &str, backend: &str, level, bound, value: Option<f64>, outcome| {
        let figure = text.split(' ').next().unwrap_or_default().to_owned();
        let because = format!("{figure} of {backend} against {bound}");
        ThresholdResult {
            text: text.to_owned(),
            figure,
            backend: backend.to_owned(),
            level,
            bound,
            value,
            outcome,
            because,
        }
    };
    let (warn, fail) = (ThresholdLevel::Warn, ThresholdLevel::Fail);
    let (kept, breached) = (ThresholdOutcome::Kept, ThresholdOutcome::Breached);
    run.report.thresholds = vec![
        threshold("acquire_service.p99 < 5ms", "redis", fail, 5e6, Some(1_040_000.0), kept),
        threshold("acquire_service.p99 < 5ms", "redlock", fail, 5e6, Some(9_000_000.0), breached),
        threshold("contention <= 20%", "redis", warn, 0.2, Some(0.4), breached),
        threshold("handoff.p99 < 10ms", "redis", fail, 1e7, None, ThresholdOutcome::NotMeasured),
        threshold("throughput > 100", "redis", fail, 100.0, Some(400.0), kept),
        threshold("double_grants == 0", "redlock", fail, 0.0, Some(7.0), breached),
    ];
    let lint = |name: &str, level, backend: Option<&str>, message: &str| LintFinding {
        name: name.to_owned(),
        level,
        backend: backend.map(str::to_owned),
        message: message.to_owned(),
        advice: "do something about it".to_owned(),
    };
    run.report.lints = vec![
        lint("loopback", LintLevel::Warn, None, "all servers are on this machine"),
        lint("fsync-off", LintLevel::Deny, Some("redis"), "appendonly is no"),
        lint("single-node", LintLevel::Allow, Some("redis"), "not shown"),
    ];
    let reason = "no java found; install a JRE".to_owned();
    run.report.skipped.push(SkippedBackend { backend: "zookeeper".to_owned(), reason, asked_for: true });
    let more = ["zookeeper: no java found; install a JRE", "acquire_service.p99 < 5ms: redlock has 9.00 ms"];
    run.report.verdict.reasons.extend(more.map(str::to_owned));
    run
}

/// `count` systems, each with three trials.
pub fn crowd(count: usize) -> RecordedRun {
    let names = [
        "redis",
        "redlock",
        "zookeeper",
        "etcd",
        "postgres:advisory",
        "postgres:lease",
        "sqlite",
        "memory",
        "control:no-lock",
        "control:no-renew",
    ];
    let mut report = report();
    (report.results, report.aggregates) = (Vec::new(), Vec::new());
    let mut recorded = Vec::new();
    for (i, name) in (1_u64..).zip(names.iter().take(count)) {
        let first = trial(name, 80_000 * i * i, 0);
        report.aggregates.push(Aggregate { trials: 3, ..aggregate(&first) });
        for number in 1..=3 {
            let mut again = first.clone();
            again.trial = number;
            again.throughput_per_s = again.throughput_per_s.map(|rate| rate * (1.0 + f64::from(number) / 20.0));
            report.results.push(again);
            recorded.push(measured(name, number, 80_000 * i * i, 0));
        }
    }
    report.verdict = Verdict { exit_code: 0, reasons: Vec::new() };
    RecordedRun { report, measured: recorded, scenes: Vec::new() }
}

/// One system that never granted: every attempt timed out.
pub fn timeouts() -> RecordedRun {
    let mut run = crowd(1);
    run.report.results.truncate(1);
    run.measured.truncate(1);
    let result = &mut run.report.results[0];
    (result.grants, result.timed_out, result.throughput_per_s) = (0, result.attempts, Some(0.0));
    (result.latency, result.requests_per_grant, result.fairness.jain) = (LatencySet::default(), None, None);
    result.safety.verdict = SafetyVerdict::NotExercised;
    run.report.aggregates = vec![aggregate(&run.report.results[0])];
    run.report.verdict = Verdict { exit_code: 97, reasons: vec!["redis trial 1: zero grants".to_owned()] };
    let one = &mut run.measured[0];
    one.latencies = Latencies::default();
    one.counts = Counts { attempts: 2_003, timed_out: 2_003, longest_wait_ns: 10_000_000_000, ..Counts::default() };
    let waits = String::new();
    one.windows =
        (0..7).map(|second| Window { second, timed_out: 286, waits: waits.clone(), ..Window::default() }).collect();
    one.grants_of = vec![0; 16];
    one.longest_wait_of = vec![10_000_000_000; 16];
    run
}

/// The first run, steered by hand: its first system was paused and marked, and so was
/// the other while a double grant was shown.
pub fn steered() -> RecordedRun {
    let mut run = recorded();
    let first = &mut run.measured[0];
    let at = |ms: u64| first.start_ns + ms * 1_000_000;
    let marker = |number, ms| Mark { from_ns: at(ms), to_ns: at(ms), kind: MarkKind::Marker, number };
    let pause = Mark { from_ns: at(3_250), to_ns: at(4_750), kind: MarkKind::Pause, number: 1 };
    first.marks = vec![marker(1, 2_500), pause, marker(2, 5_500)];
    for second in [3, 4] {
        first.windows[second].grants /= 4;
    }
    let (paused, measured) = (1.5, 3.5);
    (run.report.results[0].paused_s, run.report.results[0].measured_s) = (paused, measured);
    for scene in &mut run.scenes {
        let part = |share: f64| scene.from_ns + ((scene.to_ns - scene.from_ns) as f64 * share) as u64;
        let pause = Mark { from_ns: part(0.7), to_ns: part(1.2), ..pause };
        let marker = Mark { from_ns: part(0.3), to_ns: part(0.3), kind: MarkKind::Marker, number: 1 };
        scene.marks = vec![marker, pause];
    }
    run.report.notes = notes_on_marks(&run.measured);
    run
}

/// A run in which nothing ran.
pub fn empty() -> RecordedRun {
    let mut report = report();
    (report.results, report.aggregates) = (Vec::new(), Vec::new());
    report.verdict = Verdict { exit_code: 97, reasons: vec!["no backend ran".to_owned()] };
    RecordedRun { report, measured: Vec::new(), scenes: Vec::new() }
}

/// A trial of seven seconds, two of them warm-up, with waits around `p50` ns: two
/// humps, a long tail.
fn measured(backend: &str, trial: u32, p50: u64, doubles: u64) -> Measurements {
    let mut latencies = Latencies::default();
    let mut windows = Vec::new();
    // A fixed sequence that looks random enough (Knuth's MMIX constants).
    let mut state = p50.wrapping_add(u64::from(trial));
    let mut draw = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as f64 / (1_u64 << 31) as f64
    };
    for second in 0..7_u64 {
        let mut waits = Latency::default();
        let grants = 360 + (draw() * 80.0) as u64;
        for _ in 0..grants {
            let hump = if draw() < 0.2 { 12.0 } else { 1.0 };
            let wait = (p50 as f64 * hump * (0.5 - draw().max(1e-9).ln() * 0.7)) as u64;
            waits.record(wait);
            if second >= 2 {
                latencies.acquire_service.record(wait);
                latencies.acquire_response.record(wait + wait / 3);
                latencies.hold.record(1_000_000 + (draw() * 90_000.0) as u64);
                latencies.handoff.record(wait / 4 + 1_000);
                latencies.release.record(p50 / 3 + (draw() * 40_000.0) as u64);
            }
        }
        let timed_out = u64::from(second == 4);
        waits.add_in_vain(timed_out, p50 * 100);
        let mut window = Window { second, grants, timed_out, waits: waits.encoded(), ..Window::default() };
        window.tell(&waits);
        windows.push(window);
    }
    latencies.acquire_service.add_in_vain(3, p50 * 100);
    latencies.acquire_response.add_in_vain(3, p50 * 100);
    Measurements {
        backend: backend.to_owned(),
        trial,
        start_ns: 1_000_000_000,
        warmup_ns: 2_000_000_000,
        measured_ns: 5_000_000_000,
        clients: 16,
        keys: 1,
        counts: Counts { attempts: 2_003, grants: 2_000, timed_out: 3, requests: 7_000, ..Counts::default() },
        latencies,
        windows,
        double_grants: vec![0, 0, 0, doubles],
        grants_of: (0..16).map(|client| 90 + client * 4).collect(),
        longest_wait_of: (0..16).map(|client| p50 * (10 + client)).collect(),
        marks: Vec::new(),
    }
}

/// The report's violations, each in a crowd of other holds of its key.
fn scenes(report: &Report, measured: &[Measurements]) -> Vec<Scene> {
    let mut scenes = Vec::new();
    for result in &report.results {
        let origin = measured.iter().find(|one| one.backend == result.backend).map_or(0, |one| one.start_ns);
        for violation in &result.safety.violations {
            let number = scenes.len() as u32 + 1;
            let mut scene = Scene::bare(&result.backend, result.trial, number, origin, violation);
            let after = scene.to_ns;
            scene.to_ns += 12_000_000;
            scene.holds.push(SceneHold {
                client: 3,
                token: Some(9),
                invoke_ns: scene.from_ns,
                start_ns: after,
                end_ns: after + 9_000_000,
                validity_ns: Some(after + 10_000_000),
                ended: HoldEnd::Confirmed,
            });
            scenes.push(scene);
        }
    }
    scenes
}

/// Four runs of three systems; the second flattens early, the third was caught.
pub fn sweep() -> lockbench_report::sweep::Sweep {
    let run = |clients: u64| {
        let mut report = crowd(3).report;
        report.run_id = format!("sweep-clients-{clients}");
        report.plan = serde_json::json!({ "clients": clients, "hold": "1ms" });
        let load = clients as f64;
        for result in &mut report.results {
            let full = [100.0 * load, 900.0 * load / (load + 3.0), 40.0 * load.sqrt()];
            let full = full[["redis", "redlock", "zookeeper"].iter().position(|b| *b == result.backend).unwrap_or(0)];
            result.throughput_per_s = Some(full * (1.0 + f64::from(result.trial) / 100.0));
        }
        for aggregate in &mut report.aggregates {
            aggregate.latency.acquire_service.p99_ns = Some((1e5 * load.powf(1.2)) as u64);
            if aggregate.backend == "zookeeper" && clients > 4 {
                aggregate.verdict = SafetyVerdict::Violated;
                aggregate.double_grants_certain = clients;
                aggregate.latency.acquire_service.p99_ns = None;
            }
        }
        report
    };
    lockbench_report::sweep::sweep(&[16, 1, 64, 4].map(run)).unwrap_or_else(|problem| panic!("{problem}"))
}
