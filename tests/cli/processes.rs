//! Clients in processes of their own, on locks that need no server.

use lockbench::engine::{Options, Unwatched, run};
use lockbench::systems::Registry;

use std::time::Duration;

use rustix::process::Signal;

use crate::support::cli::{Place, Running};

const LOAD: &str = "clients = 5\nprocesses = 2\nkeys = \"single\"\nhold = \"500us\"\nttl = \"2s\"\nwarmup = \"100ms\"\n\
    duration = \"800ms\"\nacquire = { mode = \"wait\", timeout = \"3s\" }\n";

fn place(more: &str) -> Place {
    let place = Place::new();
    place.file("w.toml", &format!("{LOAD}{more}"));
    place
}

#[test]
fn processes_exclude_one_another_and_the_history_tells_the_same() {
    let place = place("");
    let ran = place.run(&["run", "w.toml", "-b", "memory,flock,sqlite", "--run-id", "two"]).exits(0);
    ran.tells(&["3 of 3 systems ran"]);
    let report = place.report();
    for result in report["results"].as_array().unwrap() {
        assert!(result["grants"].as_u64().unwrap() > 20, "{result}");
        assert_eq!(result["safety"]["double_grants_certain"], 0, "{result}");
        assert!(result["resources"]["client_cpu_s"].as_f64().unwrap() > 0.0, "{result}");
    }
    place.run(&["verify", "two"]).exits(0).tells(&["agrees on all"]);
}

#[test]
fn a_lock_that_locks_nothing_is_caught_across_processes() {
    let place = place("");
    place.run(&["run", "w.toml", "-b", "control:no-lock"]).exits(100).tells(&["VIOLATED"]);
    let report = place.report();
    let safety = &report["results"][0]["safety"];
    assert!(safety["inside"].as_u64().unwrap() > 0 && safety["harm"]["lost_updates"].as_u64().unwrap() > 0, "{safety}");
    assert_eq!(safety["verdict"], "violated", "the witness of both processes agrees: {safety}");
}

#[test]
fn a_holder_that_stands_still_is_caught_on_a_lock_of_this_process_too() {
    let fault = "[[faults]]\nkind = \"client-pause\"\nwhen = \"holder-acquired\"\nfor = \"2500ms\"\n";
    let place = place(fault);
    // Each in a process of its own: those that stand still with the holder are granted the lock while they do.
    let sets = ["processes=5", "hold=100ms", "duration=4s", "ttl=1s"];
    let sets: Vec<&str> = sets.iter().flat_map(|set| ["--set", set]).collect();
    let ran = place.run(&[&["run", "w.toml", "-b", "memory"], &sets[..]].concat());
    ran.exits(100).tells(&["client-pause of client-", "it bit"]);
    let report = place.report();
    let safety = &report["results"][0]["safety"];
    assert!(safety["outside"].as_u64().unwrap() > 0 && safety["inside"] == 0, "{safety}");
    // The pause is in no hold: the longest is what was asked for, give or take a busy machine.
    assert!(report["results"][0]["latency"]["hold"]["max_ns"].as_u64().unwrap() < 2_000_000_000, "{report}");
}

#[test]
fn a_fault_of_clients_that_cannot_be_is_refused_with_what_to_do() {
    let fault = |text: &str| place(&format!("[[faults]]\n{text}\n"));
    let place = fault("kind = \"client-pause\"\ntarget = \"client-7\"\nat = \"1ms\"\nfor = \"1s\"");
    let told = ["aimed at \"client-7\", and the clients are client-0 to client-4"];
    place.run(&["check", "w.toml", "-b", "memory"]).exits(3).tells(&told);
    place.run(&["run", "w.toml", "-b", "memory"]).exits(3).tells(&told);
    let place = fault("kind = \"client-stall\"\nat = \"1ms\"\nfor = \"1s\"");
    place.run(&["check", "w.toml", "-b", "memory"]).exits(3).tells(&["set renewal = \"on\""]);
    let place = fault("kind = \"client-pause\"\ntarget = \"leader\"\nat = \"1ms\"\nfor = \"1s\"");
    place.run(&["check", "w.toml", "-b", "memory"]).exits(2).complains(&["\"leader\"", "contender"]);
    let place = fault("kind = \"client-kill\"\nwhen = \"holder-aquired\"");
    place.run(&["check", "w.toml", "-b", "memory"]).exits(2).complains(&["holder-acquired"]);
}

#[test]
fn a_point_that_no_client_comes_to_is_no_proof() {
    let place = place("[[faults]]\nkind = \"client-kill\"\nwhen = \"contender-waiting\"\n");
    let ran = place.run(&["run", "w.toml", "-b", "memory", "--set", "keys=per-client"]);
    ran.exits(97).tells(&["fault 1"]);
}

#[test]
fn a_monitor_and_a_program_without_workers_refuse_processes() {
    let place = place("");
    let watched = place.run(&["monitor", "w.toml", "-b", "memory", "--for", "2s"]);
    watched.exits(2).complains(&["take \"processes\" out"]);
    let (plan, _) = lockbench::workload::parse("w", LOAD, &[]).unwrap();
    let memory = Registry::builtin().find("memory").unwrap();
    let outcome = run(Options::new(plan), &[memory], &Unwatched).unwrap();
    assert!(outcome.report.skipped[0].reason.contains("gave no program"), "{:?}", outcome.report.skipped);
}

#[test]
fn a_worker_process_that_somebody_kills_makes_the_run_inconclusive_and_costs_no_event() {
    let place = place("");
    let arguments = ["run", "w.toml", "-b", "memory", "--set", "duration=3s", "--set", "warmup=0s", "--run-id", "cut"];
    let mut run = Running::start(&mut place.command(&arguments));
    run.until("[1/1] memory");
    std::thread::sleep(Duration::from_millis(500));
    run.family().iter().find(|process| process.name == "lockb-worker").unwrap().signal(Signal::KILL);
    let ran = run.finish(Duration::from_secs(30));
    ran.exits(97).tells(&["a worker process died though no fault had killed it"]);
    let report = place.report();
    assert_eq!(report["results"][0]["safety"]["double_grants_certain"], 0);
    assert_eq!(report["complete"], false);
    place.run(&["verify", "cut"]).tells(&["agrees on all"]);
}

#[test]
fn a_worker_process_without_a_conductor_ends_by_itself() {
    let place = Place::new();
    place.run(&["--worker-process"]).exits(1);
}
