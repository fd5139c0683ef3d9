//! What sets recipes of one system apart, seen through the program.

use serde_json::Value;

use crate::support;
use crate::support::cli::Place;

/// The results of a run of a shipped workload on these systems, in this order.
fn results(workload: &str, systems: &[&str], sets: &[&str]) -> Option<Vec<Value>> {
    if !support::live("nothing was run") {
        return None;
    }
    let place = Place::new();
    let sets: Vec<&str> = sets.iter().flat_map(|set| ["--set", set]).collect();
    let (file, systems_told) = (Place::shipped(workload), systems.join(","));
    let ran = place.run(&[&["run", &file, "-b", &systems_told, "--run-id", "r"], &sets[..]].concat());
    // A machine that is busy with other tests may be late, which is then said.
    assert!([0, 97].contains(&ran.code), "{}{}", ran.out, ran.err);
    let report = std::fs::read(place.results().join("r/report.json")).unwrap();
    let report: Value = serde_json::from_slice(&report).unwrap();
    let of = |name: &&str| report["results"].as_array().unwrap().iter().find(|one| one["backend"] == **name).cloned();
    Some(systems.iter().map(|name| of(name).unwrap()).collect())
}

#[test]
fn a_node_that_stands_still_holds_up_who_waits_for_all_nodes_and_not_who_waits_for_a_majority() {
    let sets = ["duration=8s", "warmup=500ms"];
    let Some(results) = results("stopped-node.toml", &["redlock", "redlock:rslock"], &sets) else { return };
    let p90 = |result: &Value| result["latency"]["acquire_response"]["p90_ns"].as_f64().unwrap_or(f64::INFINITY);
    let (ours, theirs) = (p90(&results[0]), p90(&results[1]));
    assert!(theirs > 5.0 * ours, "redlock {ours} ns, rslock {theirs} ns");
    for result in &results {
        assert_eq!(result["safety"]["double_grants_certain"], 0, "{}", result["backend"]);
    }
}

#[test]
fn who_waits_for_messages_or_in_a_queue_asks_less_often_than_who_polls() {
    let systems = ["redis", "redis:pubsub", "postgres:lease", "postgres:lease-notify", "etcd", "etcd:shared-watch"];
    let sets = ["duration=3s", "warmup=500ms", "hold=5ms"];
    let Some(results) = results("wait-strategies.toml", &systems, &sets) else { return };
    let requests: Vec<f64> = results.iter().map(|one| one["requests_per_grant"].as_f64().unwrap()).collect();
    for pair in requests.chunks(2) {
        let [polls, told] = pair else { continue };
        assert!(told < polls, "{systems:?}: {requests:?}");
    }
    for result in &results {
        assert_eq!(result["safety"]["double_grants_certain"], 0, "{}", result["backend"]);
        assert!(result["grants"].as_u64().unwrap() > 20, "{}", result["backend"]);
    }
}
