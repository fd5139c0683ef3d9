//! The causes that runs tell of the negative controls, with the servers' word beside the load and without.

use serde_json::Value;

use crate::support::cli::Place;

/// Runs a control's own workload; gives the safety of the result. The replay says the same.
fn safety(name: &str, backend: &str, sets: &[&str]) -> Value {
    let place = Place::new();
    let workload = Place::shipped(&format!("controls/{name}.toml"));
    let mut arguments = vec!["run", workload.as_str(), "-b", backend];
    sets.iter().for_each(|set| arguments.extend(["--set", set]));
    place.run(&arguments);
    let report = place.report();
    let id = report["run_id"].as_str().unwrap();
    place.run(&["verify", id]).tells(&["agrees on all"]);
    report["results"][0]["safety"].clone()
}

/// The counts of these causes in a run of a control; every other cause but undetermined is 0.
fn causes(name: &str, sets: &[&str], which: &[&str]) -> Vec<u64> {
    let safety = safety(name, &format!("control:{name}"), sets);
    let causes = safety["causes"].as_object().unwrap();
    let all: u64 = causes.values().map(|count| count.as_u64().unwrap()).sum();
    assert_eq!(safety["double_grants_certain"], all, "{safety}");
    for (cause, count) in causes {
        assert!(which.contains(&cause.as_str()) || cause == "undetermined", "{cause}: {count} in {safety}");
    }
    for one in safety["violations"].as_array().unwrap() {
        let (cause, why) = (one["cause"].as_str().unwrap(), one["why"].as_str().unwrap());
        assert!(why.starts_with(&format!("Cause {cause}")), "{one}");
        assert_eq!(one["missing"].is_null(), cause != "undetermined", "{one}");
        assert_eq!(one["evidence"].as_array().unwrap().is_empty(), cause == "undetermined", "{one}");
    }
    which.iter().map(|cause| causes.get(*cause).map_or(0, |count| count.as_u64().unwrap())).collect()
}

#[test]
fn a_lock_that_locks_nothing_takes_what_it_gave() {
    // It confirms the release of whoever asks: where a release and the next grant lie between two looks, the release of
    // another may have been what took the lock.
    // Not all at once, so that each grant is there for longer than from one look to the next.
    let think = "think={kind=\"exponential\",mean=\"80ms\",max=\"300ms\"}";
    let sets = ["truth=5ms", "hold=200ms", "clients=3", "warmup=0s", "duration=2s", think];
    let found = causes("no-lock", &sets, &["V1", "V4"]);
    assert!(found[0] + found[1] > 0, "{found:?}");
}

#[test]
fn a_renewal_that_is_never_made_is_a_promise_beyond_the_lease() {
    let found = causes("no-renew", &["truth=on", "duration=4s"], &["V2"]);
    assert!(found[0] > 0, "{found:?}");
}

#[test]
fn a_refusal_taken_for_a_grant_is_no_grant() {
    for truth in ["truth=on", "truth=off"] {
        let found = causes("swallow-error", &[truth, "duration=500ms"], &["V6"]);
        assert!(found[0] > 0, "{found:?}");
    }
}

#[test]
fn two_clients_that_are_one_to_the_lock_share_its_identity() {
    for truth in ["truth=on", "truth=off"] {
        let found = causes("shared-identity", &[truth, "duration=500ms"], &["V5"]);
        assert!(found[0] > 0, "{found:?}");
    }
}

#[test]
fn a_release_of_somebody_elses_lock_hits_it() {
    for truth in ["truth=on", "truth=off"] {
        let found = causes("wrong-release", &[truth, "duration=5s"], &["V2", "V4"]);
        assert!(found[0] > 0 && found[1] > 0, "{truth}: {found:?}");
    }
}

#[test]
fn a_sound_lock_whose_holders_overstay_has_no_other_cause() {
    let safety = safety("wrong-release", "memory", &["truth=on", "duration=3s"]);
    let causes = safety["causes"].as_object().unwrap();
    assert!(causes.len() == 1 && causes.contains_key("V2"), "{safety}");
}
