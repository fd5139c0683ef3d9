//! Loads that were recorded or made up elsewhere, and what follows the work: traces, sagas, leases as long as the holds.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::path::Path;

use flate2::read::MultiGzDecoder;
use lockbench::record::history::{Line, Parser};
use lockbench::record::{Event, What};
use lockbench::workload::Trace;
use serde_json::Value;

use crate::support::cli::Place;

fn events(run: &Path) -> Vec<Event> {
    let file = std::fs::File::open(run.join("history.jsonl.gz")).unwrap();
    let mut parser = Parser::default();
    let lines = BufReader::new(MultiGzDecoder::new(file)).lines();
    let parsed = lines.map(|line| parser.parse(&line.unwrap()).unwrap());
    parsed.filter_map(|line| if let Line::Event(event) = line { Some(event) } else { None }).collect()
}

/// How many attempts were due that no client could begin.
fn dropped(events: &[Event]) -> u64 {
    let of = |event: &Event| if let What::Dropped { count, .. } = event.what { u64::from(count) } else { 0 };
    events.iter().map(of).sum()
}

/// What was begun, due when, for which first key: relative to the first that was due.
fn begun(events: &[Event]) -> BTreeSet<(u64, u32)> {
    let first = |event: &Event| match event.what {
        What::Invoke { due } | What::InvokeAs { due, first: 0, .. } => Some((due, event.key)),
        _ => None,
    };
    let all: Vec<(u64, u32)> = events.iter().filter_map(first).collect();
    let dropped =
        events.iter().filter_map(|event| if let What::Dropped { due, .. } = event.what { Some(due) } else { None });
    let begin = all.iter().map(|(due, _)| *due).chain(dropped).min().unwrap_or(0);
    all.into_iter().map(|(due, key)| (due - begin, key)).collect()
}

const TRACED: &str = "clients = 16\nkeys = { kind = \"uniform\", count = 5244 }\nlocks = { kind = \"shuffled\", count = 8, deadlock = \
    \"abort-youngest\" }\narrival = { kind = \"trace\", file = \"shop.csv\" }\nwarmup = \"0s\"\nduration = \"2s\"\n\
    acquire = { mode = \"wait\", timeout = \"2s\" }\n";

#[test]
fn a_trace_is_followed_attempt_by_attempt_also_by_several_processes_and_from_the_stored_plan() {
    let place = Place::new();
    let made = place.run(&["trace", "tpcc", "--rate", "60", "--for", "1900ms"]).exits(0);
    place.file("shop.csv", &made.out);
    let trace = Trace::parse(&made.out).unwrap();
    assert!((70..160).contains(&trace.rows().len()), "{}", trace.rows().len());
    place.file("w.toml", TRACED);
    place.run(&["check", "w.toml", "-b", "memory"]).exits(0).tells(&["attempts are due while it measures", "rows ="]);
    let begin = trace.rows()[0].due_ns;
    let wanted: BTreeSet<(u64, u32)> = trace.rows().iter().map(|row| (row.due_ns - begin, row.keys()[0])).collect();
    // A machine that is busy with other tests may be late, which is then said; what was due is not the less: begun, or told
    // as dropped where the run ended before.
    let run = |arguments: &[&str], id: &str| {
        let ran = place.run(&[&["run"], arguments, &["-b", "memory", "--run-id", id]].concat());
        assert!([0, 97].contains(&ran.code), "{}{}", ran.out, ran.err);
        let events = events(&place.results().join(id));
        let begun = begun(&events);
        assert!(begun.len() > wanted.len() / 2, "{id}: {} of {}", begun.len(), wanted.len());
        assert!(begun.is_subset(&wanted), "{id}: {:?}", begun.difference(&wanted));
        assert_eq!(begun.len() as u64 + dropped(&events), wanted.len() as u64, "{id}: {begun:?}");
    };
    run(&["w.toml"], "threads");
    run(&["w.toml", "--set", "processes=2"], "processes");
    let stored = place.results().join("threads/plan.toml");
    run(&[stored.to_str().unwrap()], "again");
    place.run(&["verify", "threads"]).exits(0).tells(&["agrees on all"]);
    place.run(&["show", "threads", "--full"]).exits(0).tells(&["Transactions of several locks"]);
}

#[test]
fn a_trace_that_does_not_fit_is_refused_with_what_to_write() {
    let place = Place::new();
    place.file("w.toml", TRACED);
    let refused = |sets: &[&str], told: &[&str]| {
        let sets: Vec<&str> = sets.iter().flat_map(|set| ["--set", set]).collect();
        place.run(&[&["check", "w.toml", "-b", "memory"], &sets[..]].concat()).exits(2).complains(told);
    };
    refused(&[], &["arrival.file", "shop.csv", "cannot be read"]);
    place.file("shop.csv", "due,key\n0s,3 9\n1s,1\n");
    refused(&["keys.count=8"], &["wants key 9", "the keys are 0 to 7", "count = 10"]);
    refused(&["locks=\"one\""], &["takes 2 locks", "kind = \"shuffled\", count = 2"]);
    place.file("shop.csv", "due,key\n1s,3\n0s,1\n");
    refused(&[], &["w.toml:4: arrival.file is no trace: line 3: it is due before the line above"]);
    place.run(&["trace", "tpcc", "--rate", "1e6"]).exits(2).complains(&["no more than 90 000 transactions"]);
    place.run(&["trace", "tpcc", "--for", "10"]).exits(2).complains(&["--for: ", "has no unit"]);
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or(0)
}

#[test]
fn a_saga_gives_each_lock_back_before_the_next_and_undoes_what_it_cannot_finish() {
    let place = Place::new();
    place.file(
        "w.toml",
        "clients = 8\nkeys = { kind = \"uniform\", count = 6 }\nlocks = { kind = \"saga\", count = 3 }\nhold = \"2ms\"\nwarmup = \
         \"0s\"\nduration = \"1s\"\nacquire = { mode = \"wait\", timeout = \"10s\" }\n",
    );
    let of = |id: &str, more: &[&str]| -> Value {
        place.run(&[&["run", "w.toml", "-b", "memory", "--run-id", id], more].concat()).exits(0);
        let text = std::fs::read_to_string(place.results().join(id).join("report.json")).unwrap();
        serde_json::from_str::<Value>(&text).unwrap()["results"][0].clone()
    };
    let whole = of("whole", &[]);
    let sagas = &whole["sagas"];
    assert!(number(&sagas["completed"]) > 20 && number(&sagas["seen_between"]) > 0, "{sagas}");
    assert_eq!((number(&sagas["undone"]), number(&sagas["half_done"]), number(&whole["deadlocks"])), (0, 0, 0));
    assert!(whole["transactions"].is_null(), "no locks are held together");
    let undone = of("undone", &["--set", "hold=20ms", "--set", "acquire.timeout=30ms"]);
    assert!(number(&undone["sagas"]["undone"]) + number(&undone["sagas"]["half_done"]) > 0, "{}", undone["sagas"]);
    place.run(&["show", "whole", "--full"]).exits(0).tells(&["Sagas", "steps between", "What a grant costs"]);
    place.run(&["verify", "undone"]).exits(0).tells(&["agrees on all"]);
    place.run(&["check", "w.toml", "-b", "memory"]).exits(0).tells(&["a saga of 3 steps", "no deadlock is possible"]);
}

#[test]
fn a_lease_follows_the_holds_where_each_grant_has_one_of_its_own() {
    let place = Place::new();
    place.file(
        "w.toml",
        "clients = 2\nkeys = \"single\"\nhold = \"10ms\"\nwarmup = \"1s\"\nduration = \"1s\"\nttl = { kind = \"dynamic\", start = \
         \"30s\", factor = 50.0, min = \"1s\" }\n",
    );
    place.run(&["run", "w.toml", "-b", "memory", "--run-id", "one"]).exits(0);
    let leases = &place.report()["results"][0]["leases"];
    // Fifty times a hold of 10 ms is below the shortest that is allowed.
    let seconds = |field: &str| leases[field].as_f64().unwrap() / 1e9;
    assert!(seconds("max_ns") < 29.0 && seconds("min_ns") > 0.4, "{leases}");
    place
        .run(&["show", "one", "--full"])
        .exits(0)
        .tells(&["Leases that follow the holds", "Holds, asked and achieved"]);
    let etcd = place.run(&["check", "w.toml", "-b", "etcd"]).exits(2);
    etcd.complains(&["etcd keeps one lease per session", "ttl = \"30s\""]);
}

#[test]
fn wake_ups_are_figures_that_thresholds_may_bound() {
    let place = Place::new();
    place.file("w.toml", "clients = 6\nkeys = \"single\"\nhold = \"2ms\"\nwarmup = \"0s\"\nduration = \"1s\"\n");
    let bound = ["--threshold", "wakeups_per_grant > 0.5; wasted_wakeups_per_grant < 5"];
    place.run(&[&["run", "w.toml", "-b", "memory"], &bound[..]].concat()).exits(0);
    let result = &place.report()["results"][0];
    assert!(result["wakeups_per_grant"].as_f64().unwrap() >= result["wasted_wakeups_per_grant"].as_f64().unwrap());
    assert!(result["not_available"]["resources.sent_bytes"].is_string(), "there is no server");
    let longer = result["holds"]["longer"]["p50_ns"].as_u64().unwrap();
    assert_eq!(result["holds"]["asked"]["p50_ns"].as_u64().map(|ns| ns / 100_000), Some(20), "{}", result["holds"]);
    assert!(longer < 2_000_000_000);
}
