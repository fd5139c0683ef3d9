//! The binary on real servers: what a first session shows.
#![allow(clippy::unwrap_used)] // clippy allows it in test functions only, not in their helpers

mod cli;
mod support;

use cli::{Place, SHORT};

#[test]
fn doctor_finds_all_five_kinds() {
    if !support::live("no server was started") {
        return;
    }
    let place = Place::new();
    let ran = place.run(&["doctor"]).exits(0);
    for kind in ["redis", "redlock", "zookeeper", "etcd", "postgres"] {
        let line = ran.out.lines().find(|line| line.starts_with(&format!("{kind:<10}")));
        let line = line.unwrap_or_else(|| panic!("no {kind}:\n{}", ran.out));
        assert!(line.contains("durability: ") && line.contains("quorum "), "{line}");
    }
    ran.tells(&["machine ", "clock ", "limits ", "open files", "everything can be run here"]);
    assert!(place.server_files().is_empty(), "{:?}", place.server_files());
}

#[test]
fn doctor_says_what_to_install_and_that_something_is_missing() {
    let place = Place::new();
    let mut command = place.command(&["doctor"]);
    for variable in lockbench::stack::Search::VARIABLES {
        command.env(variable, "/nonexistent");
    }
    let ran = cli::Running::start(&mut command).finish(std::time::Duration::from_secs(30)).exits(3);
    ran.tells(&["redis     cannot be started here: /nonexistent", "was not found", "apt-get install", "5 problems"]);
}

#[test]
fn redis_on_a_hot_key_passes() {
    if !support::live("no server was started") {
        return;
    }
    let place = Place::new();
    let workload = Place::shipped("hot-key.toml");
    let mut arguments = vec!["run", workload.as_str(), "-b", "redis"];
    arguments.extend(SHORT);
    place.run(&arguments).exits(0).tells(&["redis", "valid", "verdict: pass, exit 0"]);
    let result = &place.report()["results"][0];
    assert!(result["grants"].as_u64().unwrap() > 0);
    assert_eq!(result["safety"]["double_grants_certain"], 0);
    assert!(result["server_version"].as_str().unwrap().starts_with(|c: char| c.is_ascii_digit()));
    assert!(result["resources"]["server_rss_bytes"].as_u64().unwrap() > 1 << 20);
}

#[test]
fn redis_with_a_hold_beyond_the_ttl_is_outside_and_can_be_expected() {
    if !support::live("no server was started") {
        return;
    }
    let text = "clients = 4\nhold = \"900ms\"\nttl = \"600ms\"\nwarmup = \"0s\"\nduration = \"2s\"\n";
    for (expect, code) in [("[]", 100), ("[\"outside\"]", 0)] {
        let place = Place::new();
        place.file("w.toml", text);
        let ran = place.run(&["run", "w.toml", "-b", "redis", "--set", &format!("expect={expect}")]).exits(code);
        let safety = place.report()["results"][0]["safety"].clone();
        assert!(safety["outside"].as_u64().unwrap() > 0, "{safety}");
        assert_eq!(safety["inside"], 0, "{safety}");
        if code == 100 {
            ran.tells(&["(outside)", "expect = [\"outside\"]"]);
        }
    }
}

#[test]
fn every_default_system_runs_side_by_side_and_passes() {
    if !support::live("no server was started") {
        return;
    }
    let place = Place::new();
    let ran = place.run(&["quick", "--ui", "none", "--set", "duration=1s", "--set", "warmup=200ms"]).exits(0);
    assert_eq!(ran.err, "");
    let report = place.report();
    let rows = report["aggregates"].as_array().unwrap();
    let names: Vec<&str> = rows.iter().map(|row| row["backend"].as_str().unwrap()).collect();
    let all = ["memory", "sqlite", "redis", "redlock", "zookeeper", "etcd", "postgres:advisory", "postgres:lease"];
    assert_eq!(names, all);
    for row in rows {
        assert!(row["grants"].as_u64().unwrap() > 0, "{row}");
        assert_eq!(row["double_grants_certain"], 0, "{row}");
    }
    assert!(place.server_files().is_empty(), "{:?}", place.server_files());
}

#[test]
fn servers_files_are_kept_when_asked_and_the_place_is_told() {
    if !support::live("no server was started") {
        return;
    }
    let place = Place::new();
    let workload = Place::shipped("hot-key.toml");
    let mut arguments = vec!["run", workload.as_str(), "-b", "redis", "--keep-servers-dir"];
    arguments.extend(SHORT);
    let ran = place.run(&arguments).exits(0);
    let kept = place.server_files();
    assert_eq!(kept.len(), 1, "{kept:?}");
    ran.complains(&[&format!("data and logs of the servers are left in {}", kept[0].display())]);
    assert!(cli::files_below(&kept[0]).iter().any(|file| file.extension().is_some_and(|ending| ending == "log")));
}
