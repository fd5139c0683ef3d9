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
fn a_connection_that_is_open_at_the_server_only_keeps_an_advisory_lock_for_nobody() {
    let Some((exit, cell)) = cell("half-open", "postgres:advisory") else { return };
    assert_eq!(exit, 0, "{cell}");
    assert_eq!(cell["tone"], "stuck", "{cell}");
}
