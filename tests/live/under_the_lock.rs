//! Several locks per attempt, and none, on real servers.

use serde_json::Value;

use crate::support;
use crate::support::cli::Place;

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or(0)
}

/// PostgreSQL looks for circles of waits once its `deadlock_timeout` of a second is over: what it finds is what lockbench
/// has found in the order of calls and grants.
#[test]
fn a_deadlock_that_the_server_finds_is_the_one_that_was_found_beside_it() {
    if !support::live("no server was started") {
        return;
    }
    let place = Place::new();
    place.file(
        "w.toml",
        "clients = 6\nkeys = { kind = \"uniform\", count = 4 }\nlocks = { kind = \"shuffled\", count = 2 }\nhold = \"2ms\"\n\
         warmup = \"0s\"\nduration = \"4s\"\nacquire = { mode = \"wait\", timeout = \"20s\" }\n",
    );
    place.run(&["run", "w.toml", "-b", "postgres:advisory", "--run-id", "one"]).exits(0);
    let result = &place.report()["results"][0];
    let (found, broken) = (number(&result["deadlocks"]), number(&result["transactions"]["endings"]["server"]));
    assert!(broken > 0 && number(&result["deadlocked"]) > 0, "{}", result["transactions"]);
    // One may stand when the load ends.
    assert!(found <= broken + 1, "{broken} of {found}: {}", result["transactions"]);
    assert_eq!(result["safety"]["double_grants_certain"], 0);
    place.run(&["verify", "one"]).exits(0).tells(&["agrees on all"]);
}

#[test]
fn what_is_written_without_a_lock_is_refused_where_another_client_was_first() {
    if !support::live("no server was started") {
        return;
    }
    let place = Place::new();
    place.file(
        "w.toml",
        "clients = 6\nkeys = { kind = \"uniform\", count = 2 }\nhold = \"2ms\"\nwarmup = \"0s\"\nduration = \"1500ms\"\n",
    );
    let all = ["redis", "etcd", "postgres"];
    let recipes = all.map(|name| format!("{name}:optimistic,{name}:optimistic-then-lock")).join(",");
    place.run(&["run", "w.toml", "-b", &recipes, "--run-id", "one"]).exits(0);
    let report = place.report();
    let results = report["results"].as_array().unwrap();
    assert_eq!(results.len(), 6);
    for result in results {
        let (tries, conflicts) = (number(&result["grants"]), number(&result["safety"]["lost_leases"]));
        assert!(conflicts > 0 && number(&result["confirmed"]) > 0, "{result}");
        assert!(number(&result["confirmed"]) + conflicts <= tries, "{result}");
        assert_eq!(
            (&result["safety"]["verdict"], number(&result["safety"]["double_grants_certain"])),
            (&"not-exercised".into(), 0)
        );
    }
    place.run(&["verify", "one"]).exits(0).tells(&["agrees on all"]);
    place.run(&["show", "one", "--full"]).exits(0).tells(&["A lock or none", "conflicts"]);
}
