//! Servers that are missing, unreachable or die: the message names them and says
//! what to do, the exit code is 3, and the others still run.
#![allow(clippy::unwrap_used)] // clippy allows it in test functions only, not in their helpers

mod cli;
#[path = "redis_server/mod.rs"]
mod redis_server;
mod support;

use std::time::Duration;

use cli::{Place, Running, SHORT, assert_gone};
use rustix::process::Signal;

#[test]
fn an_unreachable_endpoint_is_named_without_its_password() {
    let place = Place::new();
    let workload = Place::shipped("hot-key.toml");
    let mut arguments = vec!["run", workload.as_str(), "-b", "redis,memory"];
    arguments.extend(["--endpoint", "redis=redis://me:Zq7-pass@127.0.0.1:1"]);
    arguments.extend(SHORT);
    let ran =
        place.run(&arguments).exits(3).tells(&["redis://127.0.0.1:1", "verdict: exit 3", "is the server running?"]);
    let ran = ran.complains(&["redis://127.0.0.1:1", "Connection refused"]);
    assert!(!ran.out.contains("Zq7") && !ran.err.contains("Zq7"));
    let report = place.report();
    assert_eq!(report["results"].as_array().unwrap().len(), 1, "the other system still ran");
    assert_eq!(report["results"][0]["backend"], "memory");
    assert!(report["results"][0]["grants"].as_u64().unwrap() > 0);
    assert_eq!(report["skipped"][0]["backend"], "redis");
    for file in cli::files_below(&place.only_run()) {
        assert!(!String::from_utf8_lossy(&std::fs::read(&file).unwrap()).contains("Zq7"), "{}", file.display());
    }
}

#[test]
fn every_kind_of_unreachable_endpoint_is_exit_3() {
    for (backend, endpoint) in [
        ("redlock", "redlock=redis://127.0.0.1:1,redis://127.0.0.1:2,redis://127.0.0.1:3"),
        ("etcd", "etcd=etcd://127.0.0.1:1"),
        ("zookeeper", "zookeeper=zookeeper://127.0.0.1:1"),
        ("postgres:advisory", "postgres=postgres://me@127.0.0.1:1/x"),
        ("postgres:lease", "postgres=postgres://me@127.0.0.1:1/x"),
    ] {
        let place = Place::new();
        let workload = Place::shipped("hot-key.toml");
        let ran = place.run(&["run", &workload, "-b", backend, "--endpoint", endpoint]);
        ran.exits(3).tells(&[backend, "127.0.0.1:1"]);
    }
}

#[test]
fn an_endpoint_that_must_be_given_is_asked_for() {
    let place = Place::new();
    let workload = Place::shipped("hot-key.toml");
    let ran = place.run(&["run", &workload, "-b", "etcd", "--stack", "external"]).exits(3);
    ran.tells(&["etcd: --stack external and no --endpoint etcd=URL"]);
}

#[test]
fn a_missing_program_asked_for_by_name_is_exit_3_with_its_remedy() {
    let place = Place::new();
    let workload = Place::shipped("hot-key.toml");
    let mut command = place.command(&["run", &workload, "-b", "redis"]);
    command.env("LOCKBENCH_REDIS_SERVER", "/nonexistent/redis-server");
    let ran = Running::start(&mut command).finish(Duration::from_secs(20)).exits(3);
    ran.tells(&["/nonexistent/redis-server", "was not found", "apt-get install redis-server", "--endpoint redis=URL"]);
}

#[test]
fn quick_lists_what_it_cannot_run_and_passes() {
    let place = Place::new();
    let mut command = place.command(&["quick", "--set", "duration=300ms", "--set", "warmup=100ms"]);
    // Nothing is found anywhere: memory and sqlite are left.
    for variable in lockbench::stack::Search::VARIABLES {
        command.env(variable, "/nonexistent");
    }
    let ran = Running::start(&mut command).finish(Duration::from_secs(30)).exits(0).tells(&["verdict: pass, exit 0"]);
    for backend in ["redis", "redlock", "zookeeper", "etcd", "postgres:advisory", "postgres:lease"] {
        let line = ran.out.lines().find(|line| line.starts_with(&format!("not run: {backend}: ")));
        let line = line.unwrap_or_else(|| panic!("{backend} is not listed:\n{}", ran.out));
        assert!(line.contains("apt-get install"), "{line}");
    }
    let report = place.report();
    let ran: Vec<&str> =
        report["aggregates"].as_array().unwrap().iter().map(|row| row["backend"].as_str().unwrap()).collect();
    assert_eq!(ran, ["memory", "sqlite"]);
}

#[test]
fn a_server_that_dies_in_the_middle_is_named_and_the_others_run() {
    if !support::live("no server was started") {
        return;
    }
    let place = Place::new();
    let workload = Place::shipped("hot-key.toml");
    let arguments = ["run", &workload, "-b", "redis,sqlite", "--set", "duration=3s", "--set", "warmup=200ms"];
    let mut run = Running::start(&mut place.command(&arguments));
    run.until("] redis");
    std::thread::sleep(Duration::from_millis(800));
    let family = run.family();
    family.iter().find(|process| process.name == "redis-server").unwrap().signal(Signal::KILL);
    let ran = run.finish(Duration::from_secs(30)).exits(3).tells(&["verdict: exit 3", "redis on 127.0.0.1:"]);
    ran.tells(&["killed by signal 9", "sqlite"]);
    assert_gone(&family);
    assert!(place.server_files().is_empty(), "{:?}", place.server_files());
    let report = place.report();
    assert_eq!(report["complete"], false);
    let of = |name: &str| report["results"].as_array().unwrap().iter().find(|r| r["backend"] == name).unwrap().clone();
    assert!(of("redis")["error"].as_str().unwrap().contains("killed by signal 9"));
    assert_eq!(of("sqlite")["error"], serde_json::Value::Null);
    assert_eq!(of("sqlite")["complete"], true);
    assert!(of("sqlite")["grants"].as_u64().unwrap() > 0);
}

#[test]
fn a_server_that_dies_at_start_is_quoted() {
    let place = Place::new();
    let fake = place.file("redis-server", "#!/bin/sh\necho 'Fatal config file error: nobody likes me'\nexit 7\n");
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(&fake, std::fs::Permissions::from_mode(0o755)).unwrap();
    let workload = Place::shipped("hot-key.toml");
    let mut command = place.command(&["run", &workload, "-b", "redis"]);
    command.env("LOCKBENCH_REDIS_SERVER", &fake);
    let ran = Running::start(&mut command).finish(Duration::from_secs(30)).exits(3);
    ran.tells(&["nobody likes me", "exit status 7", "port ", "--endpoint redis=URL"]);
    assert!(place.server_files().is_empty(), "{:?}", place.server_files());
}

#[test]
fn a_given_server_that_goes_away_is_told() {
    if !support::live("no server was started") {
        return;
    }
    let Some(mut server) = redis_server::RedisServer::start(&[]) else { return };
    let place = Place::new();
    let workload = Place::shipped("quickstart.toml");
    let endpoint = format!("redis=redis://127.0.0.1:{}", server.port);
    let arguments = ["run", &workload, "-b", "redis,memory", "--endpoint", &endpoint, "--set", "duration=2s"];
    let mut run = Running::start(&mut place.command(&arguments));
    run.until("] redis");
    std::thread::sleep(Duration::from_millis(2_800));
    server.kill();
    let ran = run.finish(Duration::from_secs(30)).exits(3);
    ran.tells(&["verdict: exit 3", "redis trial 1: the server did not answer at the end", "it is named \"", "memory"]);
    assert_eq!(place.report()["complete"], false);
}
