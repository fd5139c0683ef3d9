//! Scenarios on real servers: the verdict that a file expects is the one that is seen.

use serde_json::Value;

use crate::support;
use crate::support::cli::Place;

fn cell(name: &str, system: &str) -> Option<(i32, Value)> {
    support::live("scenarios run on real servers").then(|| {
        let place = Place::new();
        let ran = place.run(&["scenario", "run", name, "-b", system, "--json"]);
        let document: Value = serde_json::from_str(&ran.out).unwrap_or_else(|error| panic!("{error}: {}", ran.err));
        (ran.code, document["cells"][0].clone())
    })
}

#[test]
fn a_redis_that_restarts_empty_grants_a_held_lock_again_with_a_token_that_was_given_before() {
    let Some((exit, cell)) = cell("restart-empty", "redis") else { return };
    assert_eq!(exit, 0, "{cell}");
    let seen = &cell["all"][0];
    assert!(seen["kinds"]["inside"].as_u64().unwrap() > 0, "{cell}");
    assert!(seen["token_regressions"].as_u64().unwrap() > 0, "{cell}");
    // The run itself says what it saw, whatever the scenario expects.
    assert_eq!(cell["verdict"], 100, "{cell}");
}

#[test]
fn a_scenario_runs_on_the_servers_that_are_given_and_says_their_version() {
    if !support::live("no server was given") {
        return;
    }
    let place = Place::new();
    let given = ["scenario", "run", "normal", "-b", "redis", "--server", "redis=redis-server"];
    let ran = place.run(&[&given[..], &["--json"]].concat()).exits(0);
    let cell = serde_json::from_str::<Value>(&ran.out).unwrap()["cells"][0].clone();
    let report = place.report();
    assert_eq!(cell["version"], report["results"][0]["server_version"], "{cell}");
    assert!(ran.err.contains(&format!("normal on redis {}", cell["version"].as_str().unwrap())), "{}", ran.err);
    // Twice the same one stands beside itself for nothing.
    let twice = [&given[..], &["--server", "redis=redis-server"]].concat();
    place.run(&twice).exits(2).complains(&["two of the given servers are redis"]);
}

#[test]
fn a_connection_that_is_open_at_the_server_only_keeps_an_advisory_lock_for_nobody() {
    let Some((exit, cell)) = cell("half-open", "postgres:advisory") else { return };
    assert_eq!(exit, 0, "{cell}");
    assert_eq!(cell["tone"], "stuck", "{cell}");
}

#[test]
fn a_server_that_probes_its_connections_frees_the_lock_of_a_client_that_is_gone() {
    let Some((exit, cell)) = cell("half-open-keepalive", "postgres:advisory") else { return };
    assert_eq!(exit, 0, "{cell}");
}

#[test]
fn a_lock_that_no_replica_heard_of_is_granted_again_by_the_replica_that_sentinels_promote() {
    let Some((exit, cell)) = cell("failover-wait0", "redis:sentinel") else { return };
    assert_eq!(exit, 0, "{cell}");
    assert!(cell["all"][0]["kinds"]["inside"].as_u64().unwrap() > 0, "{cell}");
}

#[test]
fn a_lock_that_the_promoted_replica_has_stays_its_holders() {
    let Some((exit, cell)) = cell("failover-wait1", "redis:sentinel") else { return };
    assert_eq!(exit, 0, "{cell}");
    assert_eq!(cell["tone"], "safe", "{cell}");
}
