//! PgBouncer before a PostgreSQL server: it stands where the plan asks for it, goes with its server, and shares sessions or
//! keeps them apart as its mode says.

use std::time::Duration;

use serde_json::Value;

use crate::support;
use crate::support::cli::{Place, Running};

/// Runs a scenario on a recipe of PostgreSQL, which must show what it expects; returns the cell and the report.
fn seen(name: &str, recipe: &str) -> (Value, Value) {
    let place = Place::new();
    let ran = place.run(&["scenario", "run", name, "-b", recipe, "--json"]);
    let document: Value = serde_json::from_str(&ran.out).unwrap_or_else(|error| panic!("{error}: {}", ran.err));
    let cell = document["cells"][0].clone();
    assert_eq!(ran.code, 0, "{cell}\n{}", ran.err);
    let report = place.report();
    let remarks = report["notes"].to_string();
    assert!(remarks.contains("not stock: clients reach it through PgBouncer"), "{remarks}");
    (cell, report)
}

#[test]
fn advisory_locks_of_clients_that_share_sessions_are_one_lock_and_lease_rows_are_not() {
    if !support::live("no pooler was started") {
        return;
    }
    let (cell, report) = seen("pooler-transaction", "postgres:advisory");
    assert!(cell["all"][0]["kinds"]["inside"].as_u64().unwrap() > 0, "{cell}");
    // Who serves two connections in turn says it, whatever the plan does.
    assert!(report["results"][0]["caveats"]["pooler"].is_string(), "{}", report["results"][0]);
    seen("pooler-transaction", "postgres:lease");
}

#[test]
fn a_pooler_that_keeps_a_session_per_client_keeps_their_locks_apart() {
    if !support::live("no pooler was started") {
        return;
    }
    let (_, report) = seen("pooler-session", "postgres:advisory");
    assert_eq!(report["results"][0]["caveats"]["pooler"], Value::Null);
}

#[test]
fn a_pooler_goes_with_its_server_and_outlives_its_restart() {
    if !support::live("no pooler was started") {
        return;
    }
    let place = Place::new();
    place.file(
        "w.toml",
        "clients = 2\nhold = \"5ms\"\nttl = \"1s\"\nwarmup = \"0s\"\nduration = \"6s\"\nrequest_timeout = \"1s\"\n\
         acquire = { mode = \"wait\", timeout = \"5s\" }\n[postgres]\npooler = \"transaction\"\npool_size = 2\n[[faults]]\n\
         kind = \"server-kill\"\ntarget = \"all\"\nat = \"1s\"\nfor = \"200ms\"\n",
    );
    let mut running =
        Running::start(&mut place.command(&["run", "w.toml", "-b", "postgres:lease", "--stack", "local"]));
    running.until("trial 1");
    let family = running.family();
    let ran = running.finish(Duration::from_secs(60)).exits(0);
    support::cli::assert_gone(&family);
    let report = place.report();
    assert_eq!(report["faults"][0]["bit"], true, "{}", ran.err);
    // It was served again after the restart, through the same pooler.
    let healed = report["results"][0]["grants"].as_u64().unwrap_or_default();
    assert!(healed > 0, "{}", report["results"][0]);
}

#[test]
fn a_pooler_that_cannot_be_had_is_refused_before_anything_runs() {
    let place = Place::new();
    place.file("w.toml", "clients = 2\nduration = \"1s\"\n[postgres]\npooler = \"session\"\n");
    let asked = ["check", "w.toml", "-b", "postgres:lease"];
    let with = |program: &str| {
        let mut command = place.command(&asked);
        let running = Running::start(command.env("LOCKBENCH_PGBOUNCER", program));
        running.finish(Duration::from_secs(60)).exits(3)
    };
    with("/nowhere/pgbouncer").tells(&["pool_mode = session", "/nowhere/pgbouncer", "apt-get install pgbouncer"]);
    with("/bin/true").tells(&["does not say by --version that it is one"]);
    let given = [&asked[..], &["--endpoint", "postgres=postgres://u@127.0.0.1:1/db"]].concat();
    place.run(&given).exits(3).tells(&["pool_mode = session", "give no --endpoint"]);
}
