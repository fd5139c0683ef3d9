//! Faults that a plan injects, on real servers: what is done to them, what the run says of it, and
//! that every one is healed whatever ends the run.

use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;

use crate::support;
use crate::support::cli::{Place, Running, assert_gone};

const LOAD: &str = "clients = 4\nkeys = \"single\"\nhold = \"5ms\"\nttl = \"2s\"\nwarmup = \"0s\"\nduration = \"4s\"\n\
    acquire = { mode = \"wait\", timeout = \"3s\" }\nrequest_timeout = \"2s\"\n";

/// A place with a workload of these faults.
fn place(faults: &str) -> Option<Place> {
    let live = support::live("faults are injected into real servers");
    live.then(|| {
        let place = Place::new();
        place.file("w.toml", &format!("{LOAD}{faults}"));
        place
    })
}

fn only(report: &Value) -> &Value {
    let faults = report["faults"].as_array().unwrap();
    assert_eq!(faults.len(), 1, "{faults:?}");
    &faults[0]
}

#[test]
fn a_paused_server_answers_nobody_and_the_run_says_when() {
    let Some(place) = place("[[faults]]\nkind = \"server-pause\"\ntarget = \"all\"\nat = \"1s\"\nfor = \"1s\"\n")
    else {
        return;
    };
    let ran = place.run(&["run", "w.toml", "-b", "redis", "--stack", "local"]);
    ran.tells(&["fault 1, server-pause of redis-0, at 1.00 s of measuring", "it bit"]);
    let report = place.report();
    let fault = only(&report);
    assert_eq!((&fault["bit"], &fault["problem"]), (&true.into(), &Value::Null), "{fault}");
    let at = |name: &str| fault[name].as_f64().unwrap();
    assert!(at("injected_s") >= 1.0 && at("healed_s") >= at("injected_s") + 1.0, "{fault}");
    let result = &report["results"][0];
    assert_eq!(result["safety"]["conditions"], "under this plan, with 1 injection of a fault");
    // The wait of whoever asked for it then is at least as long as the pause.
    assert!(result["latency"]["acquire_service"]["max_ns"].as_u64().unwrap() >= 900_000_000, "{result}");
    let id = report["run_id"].as_str().unwrap();
    let code = report["verdict"]["exit_code"].as_i64().unwrap() as i32;
    place.run(&["verify", id]).exits(code).tells(&["agrees on all"]);
    place.run(&["show", id, "--full"]).tells(&["under this plan, with faults injected"]);
}

#[test]
fn a_server_that_forgets_gives_its_tokens_again() {
    let faults = "[[faults]]\nkind = \"server-kill\"\nat = \"1s\"\nfor = \"300ms\"\ndata = \"lose\"\n";
    let Some(place) = place(faults) else { return };
    place.run(&["run", "w.toml", "-b", "redis", "--stack", "local"]).exits(100).tells(&["token"]);
    let report = place.report();
    assert_eq!(only(&report)["bit"], true);
    assert!(report["results"][0]["safety"]["token_regressions"].as_u64().unwrap() > 0);
    assert!(report["results"][0]["grants"].as_u64().unwrap() > 0, "it served again");
}

#[test]
fn a_minority_of_the_nodes_is_killed_and_the_majority_serves() {
    let faults = "[[faults]]\nkind = \"server-kill\"\ntarget = \"minority\"\nat = \"1s\"\nfor = \"1s\"\n";
    let Some(place) = place(faults) else { return };
    place.run(&["run", "w.toml", "-b", "redlock", "--stack", "local"]);
    let report = place.report();
    let faults = report["faults"].as_array().unwrap();
    assert_eq!(faults.len(), 2, "two of five: {faults:?}");
    assert!(faults.iter().all(|fault| fault["bit"] == true), "{faults:?}");
    assert_eq!(report["results"][0]["safety"]["double_grants_certain"], 0);
}

#[test]
fn a_run_that_is_stopped_in_a_fault_heals_it_and_leaves_no_process() {
    let faults = "[[faults]]\nkind = \"server-pause\"\nat = \"500ms\"\nfor = \"60s\"\n";
    let Some(place) = place(faults) else { return };
    for signal in [Signal::INT, Signal::TERM, Signal::KILL] {
        let arguments = ["run", "w.toml", "-b", "redis", "--stack", "local", "--set", "duration=60s", "-o", "r"];
        let mut run = Running::start(&mut place.command(&arguments));
        run.until("[1/1] redis");
        std::thread::sleep(Duration::from_millis(1_500));
        let family = run.family();
        run.signal(signal);
        if signal == Signal::KILL {
            support::cli::assert_gone_within(&family, Duration::from_secs(20));
        } else {
            run.finish(Duration::from_secs(30));
            assert_gone(&family);
        }
    }
}

#[test]
fn faults_that_cannot_be_are_refused_before_anything_is_measured() {
    let faults = "[[faults]]\nkind = \"server-pause\"\ntarget = \"redis-7\"\nat = \"1s\"\nfor = \"1s\"\n";
    let Some(place) = place(faults) else { return };
    let ran = place.run(&["run", "w.toml", "-b", "redis", "--stack", "local"]);
    ran.exits(3).tells(&["fault 1 is aimed at \"redis-7\", and the nodes are redis-0"]);
    let endpoint = support::endpoints(lockbench::backend::redis::KIND).unwrap();
    let given = format!("redis={}", endpoint[0].secret_url());
    place.file("all.toml", &format!("{LOAD}[[faults]]\nkind = \"server-pause\"\nat = \"1s\"\nfor = \"1s\"\n"));
    let ran = place.run(&["run", "all.toml", "-b", "redis", "--endpoint", &given]);
    ran.exits(3).tells(&["only into servers that lockbench starts for the run"]);
    let check = ["check", "all.toml", "-b", "redis,memory"];
    place
        .run(&check)
        .exits(3)
        .tells(&["1: server-pause of all, 1.00 s after measuring begins, for 1.00 s", "memory cannot have them"]);
    let ran = place.run(&["run", "all.toml", "-b", "memory"]);
    ran.exits(3).tells(&["the plan injects faults into servers, and it has none"]);
}

#[test]
fn replies_in_pieces_one_late_reply_and_a_late_end_of_connections_bite_and_harm_nothing() {
    let faults = "[[faults]]\nkind = \"wire-slice\"\nat = \"500ms\"\nfor = \"500ms\"\nbytes = 2\n\n\
                  [[faults]]\nkind = \"wire-delay\"\nat = \"1500ms\"\nfor = \"800ms\"\ndelay = \"300ms\"\n\
                  direction = \"replies\"\nnth = 2\n\n\
                  [[faults]]\nkind = \"wire-slow-close\"\nat = \"2500ms\"\nfor = \"1s\"\ndelay = \"200ms\"\n\n\
                  [[faults]]\nkind = \"session-kill\"\nat = \"2700ms\"\n";
    let Some(place) = place(faults) else { return };
    place.run(&["run", "w.toml", "-b", "redis", "--stack", "local"]);
    let report = place.report();
    let faults = report["faults"].as_array().unwrap();
    assert_eq!(faults.len(), 4, "{faults:?}");
    assert!(faults.iter().all(|fault| fault["bit"] == true && fault["problem"].is_null()), "{faults:?}");
    let result = &report["results"][0];
    assert_eq!(result["safety"]["double_grants_certain"], 0, "{result}");
    // The late reply of a client's is a wait of it, and no wait was longer than its reply and what comes with a reset.
    assert!(result["latency"]["acquire_service"]["max_ns"].as_u64().unwrap() >= 300_000_000, "{result}");
}

#[test]
fn a_server_is_set_only_where_lockbench_starts_it() {
    let Some(place) = place("") else { return };
    let set = ["--set", "postgres.tcp_keepalives_idle=1s", "--set", "duration=200ms"];
    let given = "postgres=postgres://u@127.0.0.1:1/x";
    let check = ["check", "w.toml", "-b", "postgres:lease", "--endpoint", given];
    let refused = "the plan sets tcp_keepalives_idle=1s, tcp_keepalives_interval=0s, tcp_keepalives_count=9 of it";
    place.run(&[&check[..], &set].concat()).exits(3).tells(&["postgres:lease cannot have them", refused]);
    let run = ["run", "w.toml", "-b", "postgres:lease", "--stack", "local"];
    place.run(&[&run[..], &set].concat()).exits(0);
    assert!(
        place.report()["notes"].to_string().contains("not stock: tcp_keepalives_idle=1s"),
        "{}",
        place.report()["notes"]
    );
}

#[test]
fn a_wire_that_is_cut_holds_everything_back_and_no_lock_is_granted_twice() {
    let faults = "[[faults]]\nkind = \"wire-cut\"\nat = \"1s\"\nfor = \"1s\"\n\n\
                  [[faults]]\nkind = \"wire-delay\"\nat = \"2500ms\"\nfor = \"500ms\"\ndelay = \"20ms\"\ndirection = \"replies\"\n\n\
                  [[faults]]\nkind = \"wire-reset\"\nat = \"3200ms\"\n";
    let Some(place) = place(faults) else { return };
    for system in ["redis", "etcd", "zookeeper", "postgres:advisory"] {
        let place_of = |name: &str| format!("{name}-{}", system.replace(':', "-"));
        let id = place_of("wire");
        // What the reset takes from an advisory lock is withdrawn; nothing else is granted twice here.
        place.run(&["run", "w.toml", "-b", system, "--stack", "local", "--set", "ttl=4s", "--run-id", &id]);
        let report: Value =
            serde_json::from_slice(&std::fs::read(place.results().join(&id).join("report.json")).unwrap()).unwrap();
        let faults = report["faults"].as_array().unwrap();
        assert_eq!(faults.len(), 3, "{system}: {faults:?}");
        assert!(faults.iter().all(|fault| fault["bit"] == true && fault["problem"].is_null()), "{system}: {faults:?}");
        let result = &report["results"][0];
        assert_eq!(result["safety"]["inside"], 0, "{system}: {result}");
        assert!(result["latency"]["acquire_service"]["max_ns"].as_u64().unwrap() >= 900_000_000, "{system}: {result}");
        assert!(report["notes"].to_string().contains("through a proxy of lockbench"), "{}", report["notes"]);
    }
}

#[test]
fn a_connection_that_is_over_for_its_client_alone_gives_its_lock_to_nobody_at_once() {
    let faults = "[[faults]]\nkind = \"wire-half-open\"\nat = \"1s\"\nfor = \"2s\"\n";
    let Some(place) = place(faults) else { return };
    // Holds are long, so that one is under way; the server knows nothing of its client's end.
    let more = ["--set", "hold=300ms", "--set", "clients=2", "--set", "think=0s"];
    place.run(&[&["run", "w.toml", "-b", "postgres:advisory", "--stack", "local"][..], &more].concat());
    let report = place.report();
    assert_eq!(only(&report)["bit"], true);
    let result = &report["results"][0];
    // The server keeps the lock for a session that it believes to live: none is granted beside it.
    assert_eq!(result["safety"]["double_grants_certain"], 0, "{result}");
    assert!(!result["failures"].as_object().unwrap().is_empty(), "its client learned that it is over: {result}");
    let (injected, healed, events) = fault_in_history(&place);
    let holds_at = |attempt: &(u64, u64)| attempt.0 < injected && injected < attempt.1;
    let holds = holds(&events);
    // All but a few milliseconds of every 300 are held: then the lock is stuck until the server learns of it.
    if holds.iter().any(holds_at) {
        let next = holds.iter().map(|(from, _)| *from).filter(|from| *from > injected).min().unwrap();
        assert!(next >= healed - 50_000_000, "granted {} ns before the server could know", healed - next);
    }
}

/// When the one fault of a run began and ended, and all events.
fn fault_in_history(place: &Place) -> (u64, u64, Vec<Value>) {
    let file = std::fs::File::open(place.only_run().join("history.jsonl.gz")).unwrap();
    let mut text = String::new();
    std::io::Read::read_to_string(&mut flate2::read::MultiGzDecoder::new(file), &mut text).unwrap();
    let events: Vec<Value> = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let at = |name: &str| events.iter().find(|event| event["e"] == name).unwrap()["t"].as_u64().unwrap();
    (at("fault_injected"), at("fault_healed"), events)
}

/// From grant to the begin of the release, of every attempt that has both.
fn holds(events: &[Value]) -> Vec<(u64, u64)> {
    let of = |name: &str| -> Vec<(&Value, &Value, u64)> {
        let some = events.iter().filter(|event| event["e"] == name);
        some.map(|event| (&event["c"], &event["a"], event["t"].as_u64().unwrap())).collect()
    };
    let ends = of("release_invoke");
    let end = |client: &Value, attempt: &Value| ends.iter().find(|end| (end.0, end.1) == (client, attempt));
    of("acquired").iter().filter_map(|(client, attempt, from)| Some((*from, end(client, attempt)?.2))).collect()
}
