//! Attempts that take several locks, as a user asks for them and reads what came of it.

use serde_json::Value;

use crate::support::cli::Place;

const LOAD: &str = "clients = 8\nkeys = { kind = \"uniform\", count = 8 }\nhold = \"2ms\"\nwarmup = \"0s\"\nduration = \"1500ms\"\n\
    acquire = { mode = \"wait\", timeout = \"300ms\" }\n";

/// Runs the load with these locks; returns the entry of its only trial.
fn run(locks: &str, more: &[&str]) -> (Place, Value) {
    let place = Place::new();
    place.file("w.toml", &format!("{LOAD}locks = {locks}\n"));
    let arguments = [&["run", "w.toml", "-b", "memory", "--run-id", "one"], more].concat();
    place.run(&arguments).exits(0);
    let result = place.report()["results"][0].clone();
    (place, result)
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or(0)
}

#[test]
fn clients_that_take_locks_in_any_order_meet_in_deadlocks_which_a_timeout_breaks() {
    let (place, result) = run("{ kind = \"shuffled\", count = 2 }", &[]);
    let transactions = &result["transactions"];
    assert!(number(&result["deadlocks"]) > 0 && number(&transactions["completed"]) > 0, "{result}");
    assert!(number(&transactions["endings"]["timeout"]) > 0, "{transactions}");
    assert!(number(&transactions["longest_deadlock_ns"]) > 100_000_000, "{transactions}");
    let circle = transactions["deadlocks"][0]["circle"].as_array().unwrap();
    assert!(circle.len() > 1, "{transactions}");
    place.run(&["show", "one", "--full"]).exits(0).tells(&["Transactions of several locks", "broken by", "timeout "]);
    place.run(&["verify", "one"]).exits(0).tells(&["agrees on all"]);
}

#[test]
fn a_policy_breaks_deadlocks_at_once_in_threads_and_in_processes() {
    for processes in ["processes=0", "processes=3"] {
        let set: &[&str] = if processes == "processes=0" { &[] } else { &["--set", processes] };
        let (_place, result) = run("{ kind = \"shuffled\", count = 2, deadlock = \"abort-youngest\" }", set);
        let transactions = &result["transactions"];
        let (broken, found) = (number(&transactions["endings"]["policy"]), number(&result["deadlocks"]));
        assert!(broken > 0 && 10 * broken >= 9 * found, "{processes}: {broken} of {found}");
        assert!(number(&transactions["deadlocked"]) > 0 && number(&result["deadlocked"]) > 0, "{transactions}");
    }
}

#[test]
fn what_such_a_plan_asks_is_told_before_it_runs() {
    let place = Place::new();
    place.file("w.toml", &format!("{LOAD}locks = {{ kind = \"shuffled\", count = 2 }}\n"));
    let check = |set: &str| place.run(&["check", "w.toml", "-b", "memory", "--set", set]).exits(0);
    check("seed=1").tells(&["several locks", "takes up to 2 locks", "acquire timeout of 300 ms is over"]);
    check("acquire.timeout=1s")
        .tells(&["warning: clients can wait for each other in a circle", "Shorten acquire.timeout"]);
    check("locks.deadlock=abort-youngest").tells(&["the youngest of it gives up at once"]);
    check("locks={kind=\"ordered\",count=3}").tells(&["up to 3 locks", "no deadlock is possible"]);
}

#[test]
fn a_client_that_polls_gives_up_after_its_tries() {
    let place = Place::new();
    place.file(
        "w.toml",
        "clients = 4\nhold = \"50ms\"\nwarmup = \"0s\"\nduration = \"1s\"\nretry = { kind = \"fixed\", delay = \"5ms\" }\n\
         acquire = { mode = \"wait\", timeout = \"5s\", tries = 3 }\n",
    );
    place.run(&["run", "w.toml", "-b", "flock"]).exits(0);
    let result = &place.report()["results"][0];
    assert!(number(&result["refused"]) > 10 && number(&result["timed_out"]) == 0, "{result}");
    place
        .run(&["check", "w.toml", "-b", "memory"])
        .exits(0)
        .tells(&["memory: clients wait in a queue", "3 tries bound nothing"]);
}

#[test]
fn a_breaker_keeps_a_client_from_asking_in_vain() {
    let load = "clients = 6\nhold = \"900ms\"\nwarmup = \"0s\"\nduration = \"1s\"\nacquire = \"try\"\n";
    let attempts = |more: &str| {
        let place = Place::new();
        place.file("w.toml", &format!("{load}{more}"));
        place.run(&["run", "w.toml", "-b", "memory"]).exits(0);
        let result = place.report()["results"][0].clone();
        (number(&result["attempts"]), result["failures"].to_string())
    };
    let ((without, none), (with, said)) = (attempts(""), attempts("breaker = { after = 3, pause = \"200ms\" }\n"));
    assert!(with < 60 && without > 10 * with, "{with} and {without}");
    assert!(said.contains("opened after 3 misses in a row") && !none.contains("misses"), "{said}");
}

#[test]
fn an_order_and_a_release_of_all_leave_no_deadlock() {
    for locks in [
        "{ kind = \"ordered\", count = 3 }",
        "{ kind = \"all-or-release\", count = 3 }",
        "{ kind = \"path\", fanout = 2 }",
    ] {
        let (place, result) = run(locks, &[]);
        assert!(result["deadlocks"].is_null(), "{locks}");
        assert!(number(&result["transactions"]["completed"]) > 10, "{locks}: {result}");
        assert_eq!(result["safety"]["verdict"], "valid", "{locks}");
        place.run(&["verify", "one"]).exits(0);
    }
}
