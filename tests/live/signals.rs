//! Ctrl-C and SIGTERM, as a person or a CI sends them: the load ends in order,
//! every file is written and says that it is incomplete, no server is left.

use crate::support;
use crate::support::cli;
use std::time::{Duration, Instant};

use crate::support::cli::{Place, Ran, Running, assert_gone};
use rustix::process::Signal;

/// What an interrupted run must leave: one complete directory that says it is not.
fn left_in_order(place: &Place, ran: Ran, code: i32, word: &str) -> Ran {
    let ran = ran.exits(code).tells(&["(incomplete)", word]).complains(&["stopping: releasing locks"]);
    let report = place.report();
    assert_eq!(report["complete"], false);
    assert_eq!(report["verdict"]["exit_code"], code);
    let run = place.only_run();
    for (name, _) in lockbench::report::RAW_FILES {
        assert!(run.join(name).metadata().unwrap().len() > 0, "{name}");
    }
    // Not one format is left out, and each shows what was measured until then.
    for (path, bytes) in cli::drawn(&run) {
        assert!(std::fs::read(run.join(&path)).unwrap() == bytes, "{path} is not what the raw data gives");
    }
    let summary = std::fs::read_to_string(place.only_run().join("summary.md")).unwrap();
    assert!(summary.contains("incomplete"), "{summary}");
    ran
}

/// Starts a run, sends the signal while the load of the system runs, waits.
fn interrupted(place: &Place, arguments: &[&str], said: &str, signal: Signal) -> Ran {
    let mut run = Running::start(&mut place.command(arguments));
    run.until(said);
    std::thread::sleep(Duration::from_millis(800));
    let family = run.family();
    let begin = Instant::now();
    run.signal(signal);
    let ran = run.finish(Duration::from_secs(10));
    assert!(begin.elapsed() < Duration::from_secs(10));
    assert_gone(&family);
    assert!(place.server_files().is_empty(), "{:?}", place.server_files());
    ran
}

#[test]
fn sigint_in_the_middle_of_the_load_leaves_an_incomplete_report() {
    let place = Place::new();
    let workload = Place::shipped("hot-key.toml");
    let arguments = ["run", &workload, "-b", "memory,sqlite", "--set", "warmup=100ms", "--set", "duration=30s"];
    let ran = interrupted(&place, &arguments, "[1/2] ", Signal::INT);
    left_in_order(&place, ran, 130, "interrupted (SIGINT)");
    let report = place.report();
    let results = report["results"].as_array().unwrap();
    assert_eq!(results.len(), 1, "the second system never ran: {results:?}");
    assert_eq!(results[0]["complete"], false);
    assert!(results[0]["grants"].as_u64().unwrap() > 0, "what was measured is kept");
    assert_eq!(results[0]["safety"]["double_grants_certain"], 0);
    // The measured time is the real one, or the throughput would be a fiction.
    let seconds = results[0]["measured_s"].as_f64().unwrap();
    assert!(seconds > 0.1 && seconds < 10.0, "{seconds}");
}

#[test]
fn sigterm_has_its_own_code() {
    let place = Place::new();
    let workload = Place::shipped("hot-key.toml");
    let arguments = ["run", &workload, "-b", "memory", "--set", "warmup=100ms", "--set", "duration=30s"];
    let ran = interrupted(&place, &arguments, "[1/1] ", Signal::TERM);
    left_in_order(&place, ran, 143, "terminated (SIGTERM)");
}

#[test]
fn an_interrupted_violation_is_still_a_violation() {
    let place = Place::new();
    let workload = Place::shipped("controls/no-lock.toml");
    let ran = interrupted(&place, &["run", &workload, "--set", "duration=30s"], "[1/1] ", Signal::INT);
    left_in_order(&place, ran, 100, "interrupted (SIGINT)");
}

#[test]
fn long_holds_and_waits_do_not_delay_the_end() {
    let place = Place::new();
    let text = "clients = 4\nhold = \"50s\"\nttl = \"60s\"\nwarmup = \"0s\"\nduration = \"30s\"\n\
                acquire = { mode = \"wait\", timeout = \"60s\" }\n";
    place.file("w.toml", text);
    let ran = interrupted(&place, &["run", "w.toml", "-b", "memory"], "[1/1] ", Signal::INT);
    left_in_order(&place, ran, 130, "interrupted (SIGINT)");
    let result = &place.report()["results"][0];
    // The waiting ones gave up by our wish, unless they were handed what the one before released.
    let of = |name: &str| result[name].as_u64().unwrap();
    assert!(of("grants") >= 1 && of("withdrawn") + of("grants") == 4, "{result}");
    assert_eq!(of("timed_out"), 0, "nobody waited for 60 s");
}

#[test]
fn sigint_while_servers_run_leaves_none() {
    if !support::live("no server was started") {
        return;
    }
    let place = Place::new();
    let workload = Place::shipped("hot-key.toml");
    let arguments = ["run", &workload, "-b", "redis,etcd,postgres:advisory", "--set", "warmup=300ms"];
    let mut run = Running::start(&mut place.command(&arguments));
    run.until("[1/3] ");
    std::thread::sleep(Duration::from_secs(1));
    let family = run.family();
    for program in ["redis-server", "etcd", "postgres"] {
        assert!(family.iter().any(|process| process.name == program), "no {program} in {family:?}");
    }
    let begin = Instant::now();
    run.signal(Signal::INT);
    let ran = run.finish(Duration::from_secs(10));
    let took = begin.elapsed();
    left_in_order(&place, ran, 130, "interrupted (SIGINT)");
    assert!(took < Duration::from_secs(10), "{took:?}");
    assert_gone(&family);
    assert!(place.server_files().is_empty(), "{:?}", place.server_files());
}

#[test]
fn sigterm_while_servers_start_leaves_none() {
    if !support::live("no server was started") {
        return;
    }
    let place = Place::new();
    let workload = Place::shipped("hot-key.toml");
    let mut run =
        Running::start(&mut place.command(&["run", &workload, "-b", "zookeeper,postgres", "--set", "duration=20s"]));
    run.until("starting servers");
    let begin = Instant::now();
    while !run.family().iter().any(|process| process.name == "java") {
        assert!(begin.elapsed() < Duration::from_secs(20), "no server: {:?}", run.family());
        std::thread::sleep(Duration::from_millis(5));
    }
    let family = run.family();
    run.signal(Signal::TERM);
    let ran = run.finish(Duration::from_secs(10)).exits(143);
    assert_gone(&family);
    assert_eq!(place.report()["complete"], false);
    assert!(!ran.err.contains("mend what"), "an interrupted start is nobody's mistake:\n{}", ran.err);
}

#[test]
fn a_second_signal_ends_what_the_first_waits_for() {
    if !support::live("no server was started") {
        return;
    }
    let place = Place::new();
    let workload = Place::shipped("hot-key.toml");
    let arguments = [
        "run",
        &workload,
        "-b",
        "redis",
        "--set",
        "warmup=0s",
        "--set",
        "duration=30s",
        "--set",
        "request_timeout=30s",
    ];
    let mut run = Running::start(&mut place.command(&arguments));
    run.until("[1/1] redis");
    std::thread::sleep(Duration::from_millis(500));
    let family = run.family();
    // A server that answers nothing any more: the orderly end has to wait for it.
    family.iter().find(|process| process.name == "redis-server").unwrap().signal(Signal::STOP);
    std::thread::sleep(Duration::from_millis(200));
    run.signal(Signal::INT);
    std::thread::sleep(Duration::from_millis(500));
    let begin = Instant::now();
    run.signal(Signal::INT);
    let ran = run.finish(Duration::from_secs(10));
    let took = begin.elapsed();
    // Not 130 only: clients cut off in a call may hold a lock unseen.
    assert!([130, 3].contains(&ran.code), "{} {}", ran.code, ran.err);
    assert!(took < Duration::from_secs(4), "{took:?}");
    assert_gone(&family);
    assert_eq!(place.report()["complete"], false);
}

#[test]
fn a_server_that_hangs_delays_the_end_by_seconds_only() {
    if !support::live("no server was started") {
        return;
    }
    let place = Place::new();
    let workload = Place::shipped("hot-key.toml");
    let arguments = [
        "run",
        &workload,
        "-b",
        "redis",
        "--set",
        "warmup=0s",
        "--set",
        "duration=30s",
        "--set",
        "request_timeout=30s",
    ];
    let mut run = Running::start(&mut place.command(&arguments));
    run.until("[1/1] redis");
    std::thread::sleep(Duration::from_millis(500));
    let family = run.family();
    family.iter().find(|process| process.name == "redis-server").unwrap().signal(Signal::STOP);
    std::thread::sleep(Duration::from_millis(200));
    run.signal(Signal::INT);
    let ran = run.finish(Duration::from_secs(10));
    assert!([130, 3].contains(&ran.code), "{} {}", ran.code, ran.err);
    assert_gone(&family);
}

#[test]
fn sigint_while_sessions_open_is_no_failure_of_the_system() {
    if !support::live("no server was started") {
        return;
    }
    let workload = Place::shipped("hot-key.toml");
    // Opening 64 connections takes long enough to be met by one of these.
    for delay_ms in [0, 80, 250] {
        let place = Place::new();
        let mut run = Running::start(&mut place.command(&["run", &workload, "-b", "postgres:advisory"]));
        run.until("[1/1] postgres:advisory");
        std::thread::sleep(Duration::from_millis(delay_ms));
        run.signal(Signal::INT);
        let ran = run.finish(Duration::from_secs(10)).exits(130).tells(&["interrupted (SIGINT)", "(incomplete)"]);
        assert!(!ran.out.contains("postgres:advisory trial 1:"), "not the system's doing:\n{}", ran.out);
        assert_eq!(place.report()["complete"], false);
    }
}

#[test]
fn a_run_whose_directory_vanished_in_the_middle_is_no_pass() {
    let place = Place::new();
    let workload = Place::shipped("quickstart.toml");
    let arguments = ["run", workload.as_str(), "-b", "memory", "--set", "warmup=0s", "--set", "duration=2s"];
    let mut run = Running::start(&mut place.command(&arguments));
    run.until("[1/1] ");
    std::fs::remove_dir_all(place.results()).unwrap();
    run.finish(Duration::from_secs(30)).exits(1).complains(&["was removed while it ran"]);
}
