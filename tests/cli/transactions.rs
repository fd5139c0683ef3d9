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
