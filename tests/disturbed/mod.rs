//! Load for tests that disturb its servers, and what its clients saw of that.
#![allow(dead_code, clippy::unwrap_used)]

use crate::cli::Place;

/// A run that outlives what is done to its servers.
pub const DISTURBED: &str = "clients = 8\nkeys = \"single\"\nhold = \"2ms\"\nttl = \"5s\"\nrequest_timeout = \"1s\"\n\
    acquire = { mode = \"wait\", timeout = \"2s\" }\nwarmup = \"0s\"\n";

/// What clients saw in one second of a run.
#[derive(Debug)]
pub struct Second {
    pub grants: u64,
    /// Timed out, unavailable or unknown.
    pub failed: u64,
}

pub fn seconds(place: &Place) -> Vec<Second> {
    let text = std::fs::read_to_string(place.only_run().join("timeseries.csv")).unwrap();
    let names: Vec<&str> = text.lines().next().unwrap().split(',').collect();
    let column = |name: &str| names.iter().position(|column| *column == name).unwrap();
    let (grants, timed_out, failed) = (column("grants"), column("timed_out"), column("failed"));
    let rows = text.lines().skip(1).map(|line| line.split(',').collect::<Vec<_>>());
    rows.map(|row| Second {
        grants: row[grants].parse().unwrap(),
        failed: row[timed_out].parse::<u64>().unwrap() + row[failed].parse::<u64>().unwrap(),
    })
    .collect()
}

/// Grants, then trouble without any, then grants again; and never two holders.
pub fn troubled_and_recovered(place: &Place, what: &str) {
    let seconds = seconds(place);
    let silent = seconds.iter().skip(1).position(|second| second.grants == 0).map(|at| at + 1);
    let silent = silent.unwrap_or_else(|| panic!("{what}: clients saw nothing: {seconds:?}"));
    assert!(seconds[..silent].iter().any(|second| second.grants > 0), "{what}: {seconds:?}");
    assert!(seconds[silent..].iter().any(|second| second.failed > 0), "{what}: no attempt failed: {seconds:?}");
    assert!(seconds[silent..].iter().any(|second| second.grants > 0), "{what}: never recovered: {seconds:?}");
    let safety = &place.report()["results"][0]["safety"];
    assert_eq!(safety["double_grants_certain"], 0, "{what}: {safety}");
}
