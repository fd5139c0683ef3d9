//! A standby that is promoted when its primary is killed: what it had not received is lost.

use serde_json::Value;

use crate::support;
use crate::support::cli::Place;

/// Runs a scenario on the lease rows of PostgreSQL, which must show what it expects; returns its report.
fn seen(name: &str) -> Value {
    let place = Place::new();
    let ran = place.run(&["scenario", "run", name, "-b", "postgres:lease", "--json"]);
    assert_eq!(ran.code, 0, "{}\n{}", ran.out, ran.err);
    assert!(place.server_files().is_empty());
    let report = place.report();
    for fault in report["faults"].as_array().unwrap() {
        assert_eq!((&fault["bit"], &fault["problem"]), (&true.into(), &Value::Null), "{fault}");
    }
    report
}

#[test]
fn a_lease_row_that_a_standby_had_not_received_is_lost_when_that_is_promoted() {
    if !support::live("no standby was promoted") {
        return;
    }
    let safety = &seen("standby-promoted")["results"][0]["safety"];
    assert!(safety["inside"].as_u64().unwrap() > 0 && safety["token_regressions"].as_u64().unwrap() > 0, "{safety}");
}

#[test]
fn a_lease_row_that_its_commit_waited_for_is_there_when_a_standby_is_promoted() {
    if !support::live("no standby was promoted") {
        return;
    }
    seen("standby-promoted-synchronous");
}

#[test]
fn a_standby_that_is_not_there_cannot_be_promoted_or_cut_off() {
    let place = Place::new();
    let fault = |kind: &str, target: &str, options: &str| {
        let text = format!(
            "clients = 2\nduration = \"2s\"\n{options}[[faults]]\nkind = \"{kind}\"\ntarget = \"{target}\"\nat = \
             \"1s\"\nfor = \"500ms\"\n"
        );
        place.file("w.toml", &text);
        place.run(&["check", "w.toml", "-b", "postgres:lease"]).exits(3)
    };
    let standby = "[postgres]\nstandby = \"asynchronous\"\n";
    fault("standby-promote", "leader", "").tells(&["postgres.standby=asynchronous"]);
    fault("standby-promote", "one", standby).tells(&["write target = \"leader\""]);
    fault("server-cut", "leader", standby).tells(&["write target = \"follower\""]);
    fault("server-kill\"\ndata = \"lose", "leader", standby)
        .tells(&["of a server and its standby none can come back empty"]);
}
