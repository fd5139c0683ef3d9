//! Wall clocks of servers that are moved: what follows them, and that nothing of it stays.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::support;
use crate::support::cli::{Place, Running, assert_gone};
use lockbench_systems::stack::no_clocks;

/// Can clocks be moved here?
fn clocks() -> bool {
    if !support::live("no clock was moved") {
        return false;
    }
    let missing = no_clocks();
    if let Some(why) = &missing {
        support::skip(&format!("no clock was moved: {why}"));
    }
    missing.is_none()
}

const FAULT: &str = "clients = 2\nhold = \"800ms\"\nttl = \"20s\"\nwarmup = \"0s\"\nduration = \"3s\"\n\
    acquire = { mode = \"wait\", timeout = \"9s\" }\nretry = { kind = \"fixed\", delay = \"5ms\" }\n[[faults]]\n\
    kind = \"server-clock\"\nwhen = \"holder-in-critical-section\"\nfor = \"1s\"\nby = \"60s\"\n";

/// What libfaketime shares of a process.
fn shared(pid: u32) -> [PathBuf; 2] {
    [format!("/dev/shm/faketime_shm_{pid}").into(), format!("/dev/shm/sem.faketime_sem_{pid}").into()]
}

#[test]
fn a_lock_of_redis_is_granted_again_where_the_clock_of_its_server_jumps() {
    if !clocks() {
        return;
    }
    let place = Place::new();
    place.file("w.toml", FAULT);
    let mut run = Running::start(&mut place.command(&["run", "w.toml", "-b", "redis", "--stack", "local"]));
    let server = started(&place, &mut run);
    run.finish(Duration::from_secs(60)).exits(100);
    let report = place.report();
    let (fault, safety) = (&report["faults"][0], &report["results"][0]["safety"]);
    assert_eq!((&fault["bit"], &fault["problem"]), (&true.into(), &serde_json::Value::Null), "{fault}");
    let off = |when: &str| fault["clock_off_s"][when].as_f64().unwrap();
    assert!((off("during") - 60.0).abs() < 0.5 && off("before").abs() < 0.5 && off("after").abs() < 0.5, "{fault}");
    assert!(safety["causes"]["V1"].as_u64().unwrap() > 0 && safety["outside"] == 0, "{safety}");
    assert!(place.server_files().is_empty() && shared(server).iter().all(|file| !file.exists()));
}

/// The pid of the server of a run, as soon as its clock has been moved.
fn started(place: &Place, run: &mut Running) -> u32 {
    let moved = |dir: &Path| fs::read_to_string(dir.join("redis-0.clock")).is_ok_and(|text| text.starts_with("+60"));
    let begin = Instant::now();
    while !place.server_files().iter().any(|dir| moved(dir)) {
        assert!(begin.elapsed() < Duration::from_secs(60), "no clock was moved: {}", run.said());
        std::thread::sleep(Duration::from_millis(5));
    }
    let servers: Vec<u32> = run.family().iter().map(|one| one.pid).filter(|pid| shared(*pid)[0].exists()).collect();
    assert_eq!(servers.len(), 1, "one server is under libfaketime");
    servers[0]
}

#[test]
fn a_run_that_is_killed_while_a_clock_is_wrong_leaves_nothing_of_it() {
    if !clocks() {
        return;
    }
    let place = Place::new();
    place.file("w.toml", &FAULT.replace("for = \"1s\"", "for = \"9s\"").replace("\"3s\"", "\"20s\""));
    let mut run = Running::start(&mut place.command(&["run", "w.toml", "-b", "redis", "--stack", "local"]));
    let (server, family) = (started(&place, &mut run), run.family());
    run.signal(Signal::KILL);
    assert_gone(&family);
    let begin = Instant::now();
    while !place.server_files().is_empty() || shared(server).iter().any(|file| file.exists()) {
        assert!(begin.elapsed() < Duration::from_secs(10), "{:?} and {:?} stay", place.server_files(), shared(server));
        std::thread::sleep(Duration::from_millis(20));
    }
}

const OF_A_CLIENT: &str = "clients = 2\nhold = \"200ms\"\nttl = \"4s\"\nwarmup = \"0s\"\nduration = \"4s\"\n\
    renewal = \"on\"\nacquire = { mode = \"wait\", timeout = \"9s\" }\nretry = { kind = \"fixed\", delay = \"5ms\" }\n\
    [[faults]]\nkind = \"client-clock\"\nwhen = \"holder-in-critical-section\"\nfor = \"1s\"\nby = \"-1h\"\n";

#[test]
fn a_client_whose_wall_clock_is_an_hour_off_harms_nobody_and_says_so_itself() {
    if !clocks() {
        return;
    }
    let place = Place::new();
    place.file("w.toml", OF_A_CLIENT);
    let run = Running::start(&mut place.command(&["run", "w.toml", "-b", "redis", "--stack", "local"]));
    let begin = Instant::now();
    let until = |what: &str, done: &dyn Fn() -> bool| {
        while !done() {
            assert!(begin.elapsed() < Duration::from_secs(60), "{what}: {}", run.said());
            std::thread::sleep(Duration::from_millis(5));
        }
    };
    let workers = || -> Vec<u32> { run.family().iter().map(|one| one.pid).filter(|pid| preloaded(*pid)).collect() };
    until("no worker is under libfaketime", &|| !workers().is_empty());
    let workers = workers();
    // The names of what the library shares are gone before a kill could leave them.
    let gone = || workers.iter().all(|pid| shared(*pid).iter().all(|file| !file.exists()));
    until("names of shared memory stay", &gone);
    run.finish(Duration::from_secs(60)).exits(0);
    let report = place.report();
    let (fault, safety) = (&report["faults"][0], &report["results"][0]["safety"]);
    assert_eq!((&fault["bit"], &fault["problem"]), (&true.into(), &serde_json::Value::Null), "{fault}");
    let off = |when: &str| fault["clock_off_s"][when].as_f64().unwrap();
    assert!((off("during") + 3600.0).abs() < 0.5 && off("before").abs() < 0.5 && off("after").abs() < 0.5, "{fault}");
    assert_eq!(safety["double_grants_certain"], 0, "{safety}");
}

/// Is this process under libfaketime?
fn preloaded(pid: u32) -> bool {
    fs::read(format!("/proc/{pid}/environ")).is_ok_and(|environ| {
        let is_clock = |variable: &[u8]| variable.starts_with(b"FAKETIME_TIMESTAMP_FILE=");
        environ.split(|byte| *byte == 0).any(is_clock)
    })
}

#[test]
fn a_clock_that_cannot_be_moved_is_refused_before_anything_runs() {
    let place = Place::new();
    place.file("w.toml", FAULT);
    let check = |arguments: &[&str]| place.run(&[&["check", "w.toml"][..], arguments].concat()).exits(3);
    check(&["-b", "etcd"]).tells(&["server-clock, is not offered by etcd", "Go"]);
    check(&["-b", "memory"]).tells(&["it has none"]);
    check(&["-b", "redis", "--endpoint", "redis=redis://127.0.0.1:1"])
        .tells(&["only into servers that lockbench starts"]);
    let mut command = place.command(&["check", "w.toml", "-b", "redis"]);
    let without = Running::start(command.env("LOCKBENCH_FAKETIME", place.path()));
    without.finish(Duration::from_secs(60)).exits(3).tells(&["moves a clock", "LOCKBENCH_FAKETIME"]);
    place.file("w.toml", OF_A_CLIENT);
    let mut command = place.command(&["check", "w.toml", "-b", "memory"]);
    let without = Running::start(command.env("LOCKBENCH_FAKETIME", place.path()));
    without.finish(Duration::from_secs(60)).exits(3).tells(&["moves a clock", "LOCKBENCH_FAKETIME"]);
}
