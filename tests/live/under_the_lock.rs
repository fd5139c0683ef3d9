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

#[test]
fn readers_share_and_pools_are_used_up_on_every_system_that_offers_it() {
    if !support::live("no server was started") {
        return;
    }
    let systems = "redis,etcd,zookeeper,postgres:advisory";
    // Permits are held for longer than a slow machine takes to grant all of them.
    let pool = ("resource-pool.toml", "hold=1s", 8, 8);
    for (workload, hold, at_least, at_most) in [("read-mostly.toml", "seed=1", 2, 32), pool] {
        let place = Place::new();
        let workload = Place::shipped(workload);
        let short = ["--set", "warmup=0s", "--set", "duration=2s", "--set", hold, "--run-id", "one"];
        place.run(&[&["run", &workload, "-b", systems], &short[..]].concat()).exits(0);
        let report = place.report();
        for result in report["results"].as_array().unwrap() {
            let most = result["modes"]["most_at_once"].as_u64().unwrap();
            assert!((at_least..=at_most).contains(&most), "{result}");
            assert_eq!(result["safety"]["double_grants_certain"], 0, "{result}");
        }
        place.run(&["verify", "one"]).exits(0).tells(&["agrees on all"]);
    }
}

/// Who polls is woken by its own delay, who watches by the server, and whom the server answers only when it grants by nothing;
/// what goes over the wire the kernel counts.
#[test]
fn what_a_grant_costs_depends_on_how_a_system_lets_its_clients_wait() {
    if !support::live("no server was started") {
        return;
    }
    let place = Place::new();
    place.file("w.toml", "clients = 6\nkeys = \"single\"\nhold = \"2ms\"\nwarmup = \"500ms\"\nduration = \"1500ms\"\n");
    let systems = "redis,redlock,etcd,zookeeper,postgres:advisory,postgres:lease";
    place.run(&["run", "w.toml", "-b", systems, "--run-id", "one"]).exits(0);
    let report = place.report();
    for result in report["results"].as_array().unwrap() {
        let figure = |name: &str| result[name].as_f64().unwrap_or_else(|| panic!("{name}: {result}"));
        let (woken, wasted) = (figure("wakeups_per_grant"), figure("wasted_wakeups_per_grant"));
        match result["guarantees"]["waiting"].as_str().unwrap() {
            // Its connection may have more to say than its answers.
            "server-queue" => assert_eq!((woken, wasted), (0.0, 0.0), "{result}"),
            // A queue wakes the next one only, unless one before it leaves.
            "watch" => assert!(woken > 0.3 && wasted < 0.2 * woken, "{result}"),
            _ => assert!(woken > 0.0 && wasted < woken, "{result}"),
        }
        let bytes = |name: &str| number(&result["resources"][name]);
        let grants = number(&result["grants"]);
        assert!(bytes("sent_bytes") > 20 * grants && bytes("received_bytes") > 2 * grants, "{grants}: {result}");
    }
    place.run(&["show", "one", "--full"]).exits(0).tells(&["What a grant costs", "bytes to"]);
    place.run(&["verify", "one"]).exits(0).tells(&["agrees on all"]);
}

/// Redis and the lease row grant each lock with a lease of its own.
#[test]
fn a_lease_that_follows_the_holds_is_as_long_as_they_ask_for() {
    if !support::live("no server was started") {
        return;
    }
    let place = Place::new();
    place.file(
        "w.toml",
        "clients = 4\nkeys = { kind = \"uniform\", count = 8 }\nhold = \"5ms\"\nwarmup = \"1s\"\nduration = \"1s\"\nttl = { kind = \
         \"dynamic\", start = \"30s\", factor = 100.0, min = \"2s\", max = \"20s\" }\n",
    );
    place.run(&["run", "w.toml", "-b", "redis,redlock,postgres:lease", "--run-id", "one"]).exits(0);
    for result in place.report()["results"].as_array().unwrap() {
        let longest = result["leases"]["max_ns"].as_f64().unwrap() / 1e9;
        assert!((1.0..20.1).contains(&longest), "{result}");
        assert_eq!(result["safety"]["double_grants_certain"], 0, "{result}");
    }
}
