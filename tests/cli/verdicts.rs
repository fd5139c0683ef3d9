//! Verdicts on the in-process lock: what passes, what does not, what a plan may expect.

use crate::support::cli::Place;

/// Holds last longer than the lease, and nobody renews.
const OVERSTAYED: &str = "clients = 4\nhold = \"900ms\"\nttl = \"600ms\"\nwarmup = \"0s\"\nduration = \"2s\"\n";

#[test]
fn a_hot_key_on_a_correct_lock_passes() {
    let place = Place::new();
    let workload = Place::shipped("hot-key.toml");
    let ran = place.run(&["run", &workload, "-b", "memory", "--set", "duration=500ms", "--set", "warmup=100ms"]);
    let ran = ran.exits(0).tells(&["verdict: pass, exit 0", "under this plan, no faults injected", "per million"]);
    assert!(ran.out.contains(place.only_run().file_name().unwrap().to_str().unwrap()), "{}", ran.out);
    let result = &place.report()["results"][0];
    assert!(result["grants"].as_u64().unwrap() > 0);
    assert_eq!(result["safety"]["double_grants_certain"], 0);
    assert_eq!(result["safety"]["verdict"], "valid");
    assert!(result["safety"]["upper_bound_95_per_million"].as_f64().unwrap() > 0.0);
}

#[test]
fn a_hold_beyond_the_lease_is_an_outside_double_grant() {
    let place = Place::new();
    let workload = place.file("w.toml", OVERSTAYED);
    let ran = place.run(&["run", workload.to_str().unwrap(), "-b", "memory"]).exits(100);
    let ran =
        ran.tells(&["(outside)", "the holder overstayed", "if the plan means it, it says expect = [\"outside\"]"]);
    ran.complains(&["warning: ", "ttl"]);
    let safety = &place.report()["results"][0]["safety"];
    assert_eq!(safety["inside"], 0, "{safety}");
    assert_eq!(safety["outside"], safety["double_grants_certain"], "{safety}");
    assert!(safety["outside"].as_u64().unwrap() > 0);
}

#[test]
fn a_plan_that_expects_outside_double_grants_passes() {
    let place = Place::new();
    let workload = place.file("w.toml", OVERSTAYED);
    let ran = place.run(&["run", workload.to_str().unwrap(), "-b", "memory", "--set", "expect=[\"outside\"]"]);
    ran.exits(0).tells(&["verdict: pass"]);
    assert!(place.report()["results"][0]["safety"]["outside"].as_u64().unwrap() > 0);
}

#[test]
fn an_expected_outside_does_not_excuse_an_inside_one() {
    let place = Place::new();
    let workload = place.file("w.toml", OVERSTAYED);
    let workload = workload.to_str().unwrap();
    place.run(&["run", workload, "-b", "control:no-lock", "--set", "expect=[\"outside\"]"]).exits(100);
}

#[test]
fn a_run_without_a_grant_is_inconclusive() {
    let place = Place::new();
    // Nobody's attempt begins within the measured time: the first hold fills it.
    let text = "clients = 2\nhold = \"1500ms\"\nttl = \"20s\"\nwarmup = \"200ms\"\nduration = \"500ms\"\n\
                acquire = { mode = \"wait\", timeout = \"300ms\" }\n";
    let workload = place.file("w.toml", text);
    place.run(&["run", workload.to_str().unwrap(), "-b", "memory"]).exits(97).tells(&["memory trial 1: zero grants"]);
}

#[test]
fn a_lock_that_nobody_disputes_is_not_called_safe() {
    let place = Place::new();
    let workload = Place::shipped("uncontended.toml");
    let sets = ["--set", "duration=300ms", "--set", "warmup=100ms", "--set", "clients=4"];
    let mut arguments = vec!["run", workload.as_str(), "-b", "memory"];
    arguments.extend(sets);
    place.run(&arguments).exits(0).tells(&["not exercised"]);
    assert_eq!(place.report()["results"][0]["safety"]["verdict"], "not-exercised");
    assert_eq!(place.report()["results"][0]["safety"]["upper_bound_95_per_million"], serde_json::Value::Null);
}
