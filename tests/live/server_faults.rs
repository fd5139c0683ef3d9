//! Faults that servers are made to do to themselves and to each other: a member that is cut off from its
//! peers, sessions that a server ends, memory that is full.

use serde_json::Value;

use crate::support;
use crate::support::cli::Place;

/// Runs a workload and returns its report and the text that it wrote.
fn ran(place: &Place, system: &str, workload: &str) -> Value {
    place.file("w.toml", workload);
    place.run(&["run", "w.toml", "-b", system, "--stack", "local"]);
    place.report()
}

/// The one fault of a run, which must have bitten.
fn bit(report: &Value) -> &Value {
    let faults = report["faults"].as_array().unwrap();
    assert_eq!(faults.len(), 1, "{faults:?}");
    assert_eq!((&faults[0]["bit"], &faults[0]["problem"]), (&true.into(), &Value::Null), "{}", faults[0]);
    &faults[0]
}

const CLUSTER: &str = "clients = 4\nkeys = \"single\"\nhold = \"5ms\"\nttl = \"20s\"\nwarmup = \"0s\"\n\
    acquire = { mode = \"wait\", timeout = \"10s\" }\nrequest_timeout = \"3s\"\n[etcd]\nmembers = 3\n[zookeeper]\n\
    members = 3\ntick = \"500ms\"\n";

/// Cuts a member off; returns the fault and the longest time without a grant.
fn cut(system: &str, target: &str, lasts: &str, duration: &str) -> (Value, f64) {
    let _turn = support::cluster::turn();
    let place = Place::new();
    let fault = format!("[[faults]]\nkind = \"server-cut\"\ntarget = \"{target}\"\nat = \"2s\"\nfor = \"{lasts}\"\n");
    let report = ran(&place, system, &format!("duration = \"{duration}\"\n{CLUSTER}{fault}"));
    let result = &report["results"][0];
    assert_eq!(result["quorum"], "2 of 3", "{result}");
    assert_eq!(result["safety"]["double_grants_certain"], 0, "{result}");
    assert_eq!(result["safety"]["token_regressions"], 0, "{result}");
    let gap = crate::clusters::longest_gap_s(&place);
    let fault = bit(&report).clone();
    println!("{system}: server-cut of {target}: {fault}, longest gap {gap:.3} s");
    (fault, gap)
}

#[test]
fn a_leader_of_etcd_that_is_cut_off_from_its_peers_is_replaced_though_clients_reach_it() {
    if !support::live("no member was cut off") {
        return;
    }
    let (fault, gap) = cut("etcd", "leader", "5s", "12s");
    // Nothing passes, or its heartbeats would keep the others from electing.
    assert_ne!(fault["leader_after"], fault["node"], "{fault}");
    assert!(fault["elected_after_s"].as_f64().unwrap() > 0.5 && gap > 0.5, "{fault}");
}

#[test]
fn a_leader_of_zookeeper_that_is_cut_off_from_its_peers_is_replaced_when_they_miss_it() {
    if !support::live("no member was cut off") {
        return;
    }
    // They miss it after syncLimit * tick, 2.5 s here, and find one another through the proxies, which takes longer the
    // busier the machine is. Until then nothing is committed, so nothing is granted.
    let (fault, gap) = cut("zookeeper", "leader", "12s", "18s");
    assert_ne!(fault["leader_after"], fault["node"], "{fault}");
    assert!(fault["elected_after_s"].as_f64().unwrap() > 1.0 && gap > 1.0, "{fault}, gap {gap} s");
}

#[test]
fn a_server_without_peers_is_not_cut_off_from_them() {
    if !support::live("no cut was asked for") {
        return;
    }
    let place = Place::new();
    place.file(
        "w.toml",
        "clients = 2\nduration = \"2s\"\n[[faults]]\nkind = \"server-cut\"\nat = \"1s\"\nfor = \"500ms\"\n",
    );
    for (system, why) in
        [("redlock", "know nothing of each other"), ("redis", "one server"), ("etcd", "etcd.members=3")]
    {
        for command in [&["check", "w.toml", "-b", system][..], &["run", "w.toml", "-b", system, "--stack", "local"]] {
            place.run(command).exits(3).tells(&["cuts a node off from its peers", why]);
        }
    }
}

#[test]
fn an_advisory_lock_whose_session_the_server_ends_is_withdrawn_while_its_holder_goes_on() {
    if !support::live("no session was ended") {
        return;
    }
    let place = Place::new();
    // A new session finds the lock free while the critical section of the former holder goes on.
    let report = ran(
        &place,
        "postgres:advisory",
        "clients = 4\nkeys = \"single\"\nhold = \"400ms\"\nwarmup = \"0s\"\nduration = \"6s\"\n\
         acquire = { mode = \"wait\", timeout = \"3s\" }\n[[faults]]\nkind = \"session-kill\"\nevery = \"1s\"\n",
    );
    let faults = report["faults"].as_array().unwrap();
    assert!(faults.len() >= 4 && faults.iter().all(|fault| fault["bit"] == true), "{faults:?}");
    let safety = &report["results"][0]["safety"];
    println!("postgres:advisory, session-kill: {safety}");
    assert!(safety["withdrawn"].as_u64().unwrap() > 0, "{safety}");
    assert_eq!((&safety["inside"], &safety["outside"]), (&0.into(), &0.into()), "{safety}");
}

#[test]
fn a_lock_of_redis_outlives_the_connections_that_the_server_ends() {
    if !support::live("no session was ended") {
        return;
    }
    let place = Place::new();
    let report = ran(
        &place,
        "redis",
        "clients = 4\nkeys = \"single\"\nhold = \"300ms\"\nttl = \"5s\"\nwarmup = \"0s\"\nduration = \"5s\"\n\
         acquire = { mode = \"wait\", timeout = \"3s\" }\n[[faults]]\nkind = \"session-kill\"\nat = \"2s\"\n",
    );
    bit(&report);
    let safety = &report["results"][0]["safety"];
    assert_eq!(safety["double_grants_certain"], 0, "{safety}");
    place.file("e.toml", "clients = 2\nduration = \"2s\"\n[[faults]]\nkind = \"session-kill\"\nat = \"1s\"\n");
    place.run(&["check", "e.toml", "-b", "etcd"]).exits(3).tells(&["session-kill, is not offered by etcd"]);
}

#[test]
fn a_server_of_redis_whose_memory_is_full_takes_locks_away_without_a_crash() {
    if !support::live("no memory was filled") {
        return;
    }
    let place = Place::new();
    // A hold is longer than the second that the server's clock of uses counts in.
    let report = ran(
        &place,
        "redis",
        "clients = 4\nkeys = { kind = \"uniform\", count = 4 }\nhold = \"3s\"\nttl = \"20s\"\nrenewal = \"off\"\nwarmup = \"0s\"\nduration = \"10s\"\n\
         acquire = { mode = \"wait\", timeout = \"5s\" }\n[[faults]]\nkind = \"server-squeeze\"\nat = \"1s\"\nfor = \"7s\"\n",
    );
    bit(&report);
    let result = &report["results"][0];
    println!("redis, server-squeeze: {}", result["safety"]);
    assert!(result["safety"]["inside"].as_u64().unwrap() > 0, "{result}");
    assert_eq!(result["safety"]["outside"], 0, "{result}");
    place.file(
        "e.toml",
        "clients = 2\nduration = \"2s\"\n[[faults]]\nkind = \"server-squeeze\"\nat = \"1s\"\nfor = \"500ms\"\n",
    );
    place.run(&["check", "e.toml", "-b", "postgres:advisory"]).exits(3).tells(&["is not offered by postgres"]);
}
