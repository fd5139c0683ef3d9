//! Disks that forget what was not synced, and disks that are slow: what a lock survives, and that nothing of them stays.

use std::fs;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::Value;

use crate::support;
use crate::support::cli::{Place, Running, assert_gone_within};
use lockbench_systems::stack::no_disk;

/// Can a disk be put under a server here?
fn disks() -> bool {
    if !support::live("no disk was put under a server") {
        return false;
    }
    let missing = no_disk();
    if let Some(why) = &missing {
        support::skip(&format!("no disk was put under a server: {why}"));
    }
    missing.is_none()
}

/// A load of two clients on a Redis that syncs so, with one fault.
fn workload(aof: &str, fault: &str) -> String {
    format!(
        "clients = 2\nhold = \"1500ms\"\nttl = \"20s\"\nwarmup = \"0s\"\nduration = \"4s\"\n\
         acquire = {{ mode = \"wait\", timeout = \"9s\" }}\nretry = {{ kind = \"fixed\", delay = \"5ms\" }}\n\
         request_timeout = \"3s\"\n[redis]\naof = \"{aof}\"\n[[faults]]\n{fault}\n"
    )
}

const CUT: &str = "kind = \"server-power-cut\"\nwhen = \"holder-acquired\"\nfor = \"200ms\"";

/// Runs it on Redis; returns the fault, which must have bitten, and what it did to safety.
fn ran(aof: &str, fault: &str) -> (Value, Value) {
    let place = Place::new();
    place.file("w.toml", &workload(aof, fault));
    place.run(&["run", "w.toml", "-b", "redis", "--stack", "local"]);
    let report = place.report();
    let (fault, safety) = (report["faults"][0].clone(), report["results"][0]["safety"].clone());
    assert_eq!((&fault["bit"], &fault["problem"]), (&true.into(), &Value::Null), "{fault}");
    assert!(place.server_files().is_empty(), "{:?}", place.server_files());
    (fault, safety)
}

#[test]
fn a_power_cut_takes_a_lock_of_redis_that_nothing_had_synced() {
    if !disks() {
        return;
    }
    let (fault, safety) = ran("no", CUT);
    assert!(fault["forgotten_bytes"].as_u64().unwrap() > 0, "{fault}");
    assert!(safety["causes"]["V1"].as_u64().unwrap() > 0, "{safety}");
}

#[test]
fn a_lock_of_redis_that_was_synced_before_the_answer_survives_a_power_cut() {
    if !disks() {
        return;
    }
    let (_, safety) = ran("always", CUT);
    assert_eq!((&safety["double_grants_certain"], &safety["token_regressions"]), (&0.into(), &0.into()), "{safety}");
}

#[test]
fn a_slow_disk_makes_redis_wait_for_its_syncs_and_harms_no_lock() {
    if !disks() {
        return;
    }
    let (fault, safety) = ran("always", "kind = \"disk-slow\"\nat = \"500ms\"\nfor = \"2s\"\nby = \"100ms\"");
    assert!(fault["fsyncs_delayed"].as_u64().unwrap() > 0, "{fault}");
    assert_eq!(safety["double_grants_certain"], 0, "{safety}");
}

#[test]
fn a_run_that_is_killed_with_a_disk_under_its_server_leaves_no_mount() {
    if !disks() {
        return;
    }
    let place = Place::new();
    place.file("w.toml", &workload("always", "kind = \"disk-slow\"\nat = \"100ms\"\nfor = \"3s\"\nby = \"50ms\""));
    let run = Running::start(&mut place.command(&["run", "w.toml", "-b", "redis", "--stack", "local"]));
    let mounted = || {
        let mounts = fs::read_to_string("/proc/self/mounts").unwrap();
        place.server_files().iter().any(|dir| mounts.contains(dir.to_str().unwrap()))
    };
    let begin = Instant::now();
    while !mounted() {
        assert!(begin.elapsed() < Duration::from_secs(60), "no disk was mounted: {}", run.said());
        std::thread::sleep(Duration::from_millis(5));
    }
    let (family, files) = (run.family(), place.server_files());
    run.signal(Signal::KILL);
    // The guard unmounts first, for which the kernel waits.
    assert_gone_within(&family, Duration::from_secs(30));
    let begin = Instant::now();
    let mounts = || fs::read_to_string("/proc/self/mounts").unwrap();
    while files.iter().any(|dir| dir.exists() || mounts().contains(dir.to_str().unwrap())) {
        assert!(begin.elapsed() < Duration::from_secs(20), "{files:?} stay");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_disk_that_changes_nothing_or_cannot_be_had_is_refused_before_anything_runs() {
    let place = Place::new();
    place.file("w.toml", &workload("off", CUT));
    let check = |arguments: &[&str]| place.run(&[&["check", "w.toml"][..], arguments].concat()).exits(3);
    check(&["-b", "redis"]).tells(&["keeps its locks in memory", "redis.aof"]);
    check(&["-b", "memory"]).tells(&["it has none"]);
    check(&["-b", "etcd", "--endpoint", "etcd=etcd://127.0.0.1:1"]).tells(&["only into servers that lockbench starts"]);
}
