//! Each rule on both of its sides.

use super::{Judged, Judgement, claims};
use crate::{Aggregate, Report, TrialResult};

/// One trial of ten seconds on two cores over loopback.
fn report(change: impl Fn(&mut TrialResult)) -> Report {
    let mut result = TrialResult { backend: "redis".to_owned(), trial: 1, measured_s: 10.0, ..TrialResult::default() };
    (result.grants, result.safety.grants_all_phases) = (445_350, 500_000);
    result.throughput_per_s = Some(44_535.0);
    result.requests_per_grant = Some(2.0);
    result.quorum = "1 of 1".into();
    (result.resources.client_cpu_s, result.resources.server_cpu_s) = (Some(3.0), Some(9.0));
    result.latency.acquire_service.p50_ns = Some(585_000);
    result.latency.acquire_service.p99_ns = Some(2_900_000);
    change(&mut result);
    let aggregate = Aggregate { backend: result.backend.clone(), latency: result.latency, ..Aggregate::default() };
    let json = serde_json::json!({
        "schema_version": 2, "run_id": "r", "complete": true,
        "tool": { "name": "lockbench", "version": "0", "command": [], "workers": 1, "overhead_ns_per_cycle": null, "ceiling_cycles_per_s": null },
        "environment": { "started_at": "", "os": "", "kernel": "", "cpu": "", "cores": 2, "memory_bytes": 0, "governor": null, "clock": "",
            "placement": "servers on the same machine as the load, over loopback" },
        "plan": null, "results": [result], "aggregates": [aggregate], "skipped": [], "faults": [], "thresholds": [],
        "lints": [], "notes": [], "verdict": { "exit_code": 0, "reasons": [] },
    });
    serde_json::from_value(json).unwrap_or_else(|error| panic!("{error}"))
}

fn about(report: &Report, property: &str) -> Judged {
    claims(report).into_iter().find(|judged| judged.property == property).unwrap_or_else(|| panic!("no {property}"))
}

fn judged(property: &str, change: impl Fn(&mut TrialResult)) -> (Judgement, String) {
    let judged = about(&report(change), property);
    (judged.judgement, judged.because)
}

#[test]
fn a_throughput_of_the_right_order_confirms() {
    let judged = about(&report(|_| ()), "throughput");
    assert_eq!((judged.judgement, judged.measured.as_str()), (Judgement::Confirmed, "44 535 /s"));
}

#[test]
fn a_low_throughput_refutes_only_a_server_at_its_limit() {
    let slow = |result: &mut TrialResult| result.throughput_per_s = Some(5_000.0);
    assert_eq!(judged("throughput", slow).0, Judgement::Refuted);
    let idle = judged("throughput", |result| {
        slow(result);
        result.resources.server_cpu_s = Some(3.0);
    });
    assert_eq!(idle.0, Judgement::NotComparable);
    assert!(idle.1.contains("30 % of one processor"), "{}", idle.1);
    let crowded = judged("throughput", |result| {
        slow(result);
        result.resources.client_cpu_s = Some(9.0);
    });
    assert_eq!(crowded.0, Judgement::NotComparable);
    let unread = judged("throughput", |result| {
        slow(result);
        result.resources.server_cpu_s = None;
    });
    assert_eq!(unread.0, Judgement::NotComparable);
}

#[test]
fn speed_is_not_compared_where_clients_waited_for_each_other() {
    for property in ["throughput", "acquire p50", "acquire p99", "requests a lock"] {
        let (judgement, because) = judged(property, |result| result.safety.exercised_holds = 250_000);
        assert_eq!(judgement, Judgement::NotComparable, "{property}");
        assert!(because.starts_with("in 50 % of the holds"), "{because}");
    }
}

#[test]
fn a_wait_over_loopback_refutes_only_when_it_is_longer_than_claimed() {
    assert_eq!(judged("acquire p50", |_| ()).0, Judgement::Confirmed);
    let p99 = |ns| move |result: &mut TrialResult| result.latency.acquire_service.p99_ns = Some(ns);
    assert_eq!(judged("acquire p99", p99(50_000_000)).0, Judgement::Refuted);
    assert_eq!(judged("acquire p99", p99(100_000)).0, Judgement::NotComparable);
    let mut far = report(p99(100_000));
    "servers at given endpoints".clone_into(&mut far.environment.placement);
    assert_eq!(about(&far, "acquire p99").judgement, Judgement::Refuted);
}

#[test]
fn one_node_confirms_nothing_of_an_ensemble() {
    for system in ["zookeeper", "etcd", "redlock"] {
        let change = |quorum: &'static str| {
            move |result: &mut TrialResult| {
                system.clone_into(&mut result.backend);
                result.quorum = quorum.into();
                result.latency.acquire_service.p50_ns = Some(25_000_000);
                result.latency.acquire_service.p99_ns = Some(25_000_000);
            }
        };
        let property = if system == "zookeeper" { "acquire p99" } else { "acquire p50" };
        assert_eq!(judged(property, change("1 of 1")).0, Judgement::NotComparable, "{system}");
        assert_ne!(judged(property, change("3 of 5")).0, Judgement::NotComparable, "{system}");
    }
}

#[test]
fn an_order_is_told_by_overtakes_among_waiting_clients() {
    let order = |system: &'static str, challenged, overtakes| {
        judged("order", move |result| {
            system.clone_into(&mut result.backend);
            (result.grants, result.safety.exercised_holds, result.fairness.overtakes) = (1_000, challenged, overtakes);
        })
        .0
    };
    assert_eq!(order("zookeeper", 900, 0), Judgement::Confirmed);
    assert_eq!(order("zookeeper", 900, 30), Judgement::Confirmed);
    assert_eq!(order("zookeeper", 900, 300), Judgement::Refuted);
    assert_eq!(order("redis", 900, 800), Judgement::Confirmed);
    assert_eq!(order("redis", 900, 3), Judgement::NotMeasured);
    assert_eq!(order("redis", 3, 3), Judgement::NotMeasured);
}

#[test]
fn requests_count_the_release_too() {
    let requests = |count| judged("requests a lock", move |result| result.requests_per_grant = Some(count)).0;
    assert_eq!(requests(2.0), Judgement::Confirmed);
    assert_eq!(requests(3.0), Judgement::Refuted);
    let redlock = |count| {
        judged("requests a lock", move |result| {
            "redlock".clone_into(&mut result.backend);
            result.quorum = "3 of 5".into();
            result.requests_per_grant = Some(count);
        })
        .0
    };
    assert_eq!(redlock(10.0), Judgement::Confirmed);
    assert_eq!(redlock(15.0), Judgement::Refuted);
    let one_node = judged("requests a lock", |result| {
        "zookeeper".clone_into(&mut result.backend);
        result.requests_per_grant = Some(3.0);
    });
    assert_eq!(one_node.0, Judgement::Confirmed, "a recipe sends as much to one node");
}

#[test]
fn faults_that_were_not_injected_confirm_nothing() {
    for property in ["network partition", "clock jump", "fault tolerance", "auto release", "memory a lock"] {
        assert_eq!(judged(property, |_| ()).0, Judgement::NotMeasured, "{property}");
    }
    let failed = judged("throughput", |result| result.error = Some("died".to_owned()));
    assert_eq!(failed, (Judgement::NotMeasured, "it did not run".to_owned()));
}
