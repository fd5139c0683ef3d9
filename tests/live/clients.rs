//! Faults of clients, which run in processes of their own: stopped, killed, not renewing, at the very moment that
//! the plan names; and faults of servers that wait for what a client does.

use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;

use crate::support;
use crate::support::cli::{Place, Running, assert_gone, assert_gone_within};

const LOAD: &str = "clients = 3\nkeys = \"single\"\nhold = \"300ms\"\nttl = \"2s\"\nwarmup = \"0s\"\nduration = \"8s\"\n\
    acquire = { mode = \"wait\", timeout = \"8s\" }\nrequest_timeout = \"2s\"\n";

fn place(faults: &str) -> Option<Place> {
    let live = support::live("clients of real servers are stopped and killed");
    live.then(|| {
        let place = Place::new();
        place.file("w.toml", &format!("{LOAD}{faults}"));
        place
    })
}

/// Runs it on these systems; the trial of each, and the faults of all.
fn ran(place: &Place, id: &str, systems: &[&str], more: &[&str]) -> (Vec<Value>, Vec<Value>) {
    let arguments = ["run", "w.toml", "-b", &systems.join(","), "--stack", "local", "--run-id", id];
    place.run(&[&arguments[..], more].concat());
    let report = std::fs::read(place.results().join(id).join("report.json")).unwrap();
    let report: Value = serde_json::from_slice(&report).unwrap();
    let verified = place.run(&["verify", id]);
    assert!(verified.out.contains("agrees on all"), "{}", verified.out);
    let list = |name: &str| report[name].as_array().unwrap().clone();
    assert_eq!(list("results").len(), systems.len(), "{report}");
    (list("results"), list("faults"))
}

#[test]
fn a_holder_that_stands_still_for_longer_than_its_lease_overstays_and_fencing_refuses_its_write() {
    let faults =
        "[[faults]]\nkind = \"client-pause\"\nwhen = \"holder-in-critical-section\"\nat = \"1s\"\nfor = \"4s\"\n";
    let Some(place) = place(faults) else { return };
    let (results, faults) = ran(&place, "pause", &["redis", "memory", "postgres:lease"], &[]);
    assert!(faults.len() == 3 && faults.iter().all(|fault| fault["bit"] == true), "{faults:?}");
    for result in results {
        let safety = &result["safety"];
        assert!(safety["outside"].as_u64().unwrap() > 0, "{safety}");
        assert_eq!((&safety["inside"], &safety["withdrawn"]), (&0.into(), &0.into()), "{safety}");
        assert!(safety["stale_writes_refused"].as_u64().unwrap() > 0, "{safety}");
        assert!(safety["harm"]["lost_updates"].as_u64().unwrap() > 0, "{safety}");
    }
}

#[test]
fn a_holder_that_is_killed_leaves_its_lock_until_its_lease_ends_and_is_no_double_grant() {
    let faults = "[[faults]]\nkind = \"client-kill\"\nwhen = \"contender-waiting\"\nat = \"1s\"\n";
    let Some(place) = place(faults) else { return };
    let systems = ["redis", "postgres:advisory", "etcd", "zookeeper", "memory"];
    let (results, faults) = ran(&place, "kill", &systems, &["--set", "ttl=4s"]);
    assert!(faults.len() == systems.len(), "{faults:?}");
    for fault in &faults {
        assert!(fault["bit"] == true && fault["healed_s"].is_null() && fault["problem"].is_null(), "{fault}");
    }
    for result in results {
        assert_eq!(result["safety"]["double_grants_certain"], 0, "{result}");
        assert_eq!(result["unknown"], 0, "{result}");
        let longest = result["fairness"]["longest_wait_ns"].as_u64().unwrap();
        // The server of a connection frees it with that; a lease has to run out first.
        assert!(result["backend"] == "postgres:advisory" || longest > 2_000_000_000, "{result}");
    }
}

#[test]
fn a_client_that_renews_nothing_for_a_while_loses_its_lock_inside() {
    let faults = "[[faults]]\nkind = \"client-stall\"\nwhen = \"holder-in-critical-section\"\nfor = \"3s\"\n";
    let Some(place) = place(faults) else { return };
    let more = ["--set", "hold=4s", "--set", "renewal=on", "--set", "duration=10s"];
    let (results, faults) = ran(&place, "stall", &["redis"], &more);
    assert!(faults.len() == 1 && faults[0]["bit"] == true, "{faults:?}");
    assert!(results[0]["safety"]["outside"].as_u64().unwrap() > 0, "{}", results[0]["safety"]);
    place
        .run(&["run", "w.toml", "-b", "zookeeper", "--stack", "local", "--set", "ttl=4s", "--set", "renewal=on"])
        .exits(3)
        .tells(&["a heartbeat of its own"]);
}

#[test]
fn a_write_that_arrives_after_the_next_grant_is_no_double_grant_and_harms_all_the_same() {
    let faults = "[[faults]]\nkind = \"client-late-write\"\nwhen = \"holder-in-critical-section\"\nfor = \"2s\"\n";
    let Some(place) = place(faults) else { return };
    let systems = ["redis", "postgres:advisory"];
    let (results, faults) = ran(&place, "late", &systems, &["--set", "duration=4s"]);
    assert!(faults.len() == 2 && faults.iter().all(|fault| fault["bit"] == true), "{faults:?}");
    for result in results {
        let safety = &result["safety"];
        assert_eq!((&safety["double_grants_certain"], &result["unknown"]), (&0.into(), &0.into()), "{result}");
        assert!(safety["harm"]["lost_updates"].as_u64().unwrap() > 0, "{safety}");
        let refused = safety["stale_writes_refused"].as_u64();
        assert!(refused.is_none() == (result["backend"] == "postgres:advisory") && refused != Some(0), "{safety}");
    }
}

#[test]
fn a_server_that_forgets_while_a_client_holds_grants_its_lock_again() {
    let faults = "[[faults]]\nkind = \"server-kill\"\ndata = \"lose\"\nwhen = \"contender-waiting\"\nat = \"1s\"\nfor = \"100ms\"\n";
    let Some(place) = place(faults) else { return };
    let (results, faults) = ran(&place, "forget", &["redis"], &["--set", "hold=1500ms"]);
    assert!(faults.len() == 1 && faults[0]["bit"] == true, "{faults:?}");
    let safety = &results[0]["safety"];
    assert!(safety["inside"].as_u64().unwrap() > 0, "{safety}");
    assert!(safety["token_regressions"].as_u64().unwrap() > 0, "{safety}");
}

#[test]
fn whatever_ends_a_run_ends_its_worker_processes_also_those_that_stand_still() {
    let faults = "[[faults]]\nkind = \"client-pause\"\nwhen = \"holder-in-critical-section\"\nfor = \"60s\"\n";
    let Some(place) = place(faults) else { return };
    for signal in [Signal::INT, Signal::TERM, Signal::KILL] {
        let arguments = ["run", "w.toml", "-b", "redis", "--stack", "local", "--set", "duration=60s", "-o", "r"];
        let mut run = Running::start(&mut place.command(&arguments));
        run.until("[1/1] redis");
        std::thread::sleep(Duration::from_millis(1_500));
        let family = run.family();
        run.signal(signal);
        if signal == Signal::KILL {
            assert_gone_within(&family, Duration::from_secs(20));
        } else {
            run.finish(Duration::from_secs(30));
            assert_gone(&family);
        }
    }
}
