//! What a run leaves on disk, checked by name and by meaning: every documented
//! field, a plan that reads back, a series with its columns, a history that
//! replays to the same verdict.

use crate::support::cli;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use crate::support::cli::Place;
use flate2::read::MultiGzDecoder;
use lockbench::oracle::{Findings, Oracle};
use lockbench::record::Observer;
use lockbench::record::history::{Header, Line, Parser};
use serde_json::Value;

/// Fields of `report.json`, of one of its results, and of the parts of both.
const REPORT: &str = "schema_version run_id complete tool environment plan results aggregates faults thresholds lints \
                      verdict.exit_code verdict.reasons";
const RESULT: &str = "backend workload trial attempts grants refused timed_out unavailable unknown dropped \
                      throughput_per_s waited_ratio found_held_ratio availability requests_per_grant effective_ttl_ms guarantees durability \
                      quorum server_version not_available history.complete history.attempts resources.client_cpu_s \
                      resources.server_cpu_s resources.server_rss_bytes";
const LATENCIES: &str = "acquire_service acquire_response hold handoff release renew";
const LATENCY: &str = "count in_vain min_ns p50_ns p90_ns p95_ns p99_ns p999_ns max_ns max_is_lower_bound mean_ns";
const SAFETY: &str = "verdict double_grants_certain inside withdrawn outside overlaps_possible upper_bound_95_per_million \
                      policies.naive policies.deadline policies.evidence stale_writes_seen stale_writes_refused \
                      harm.lost_updates harm.oversold token_regressions lost_leases violations";
const FAIRNESS: &str = "jain max_grants min_grants overtakes longest_wait_ns";

/// The value at a dotted path, which must exist, if only as `null`.
fn at<'a>(value: &'a Value, path: &str) -> &'a Value {
    path.split('.').fold(value, |value, name| {
        value.as_object().and_then(|object| object.get(name)).unwrap_or_else(|| panic!("{path}: no {name} in {value}"))
    })
}

fn has(value: &Value, paths: &str) {
    paths.split_ascii_whitespace().for_each(|path| {
        at(value, path);
    });
}

/// Two systems, two trials, a control among them: a report with everything in it.
fn rich(place: &Place) -> cli::Ran {
    let text = "question = \"?\"\nclients = 4\nhold = \"1ms\"\nttl = \"4s\"\nhistory = \"full\"\ntrials = 2\n\
                retry = { kind = \"jitter\", base = \"1ms\", max = \"5ms\" }\n\
                backends = [\"memory\", \"control:no-lock\"]\nwarmup = \"100ms\"\nduration = \"400ms\"\n";
    place.file("rich.toml", text);
    place.run(&["run", "rich.toml", "--format", "json"]).exits(100)
}

#[test]
fn every_documented_field_is_there() {
    let place = Place::new();
    rich(&place);
    let report = place.report();
    has(&report, REPORT);
    let results = report["results"].as_array().unwrap();
    assert_eq!(results.len(), 4, "two systems, two trials");
    for result in results {
        has(result, RESULT);
        for latency in LATENCIES.split(' ') {
            has(at(&result["latency"], latency), LATENCY);
        }
        has(&result["safety"], SAFETY);
        has(&result["fairness"], FAIRNESS);
    }
    for (aggregate, backend) in report["aggregates"].as_array().unwrap().iter().zip(["memory", "control:no-lock"]) {
        assert_eq!(aggregate["backend"], backend);
        assert_eq!(aggregate["trials"], 2);
        let sum: u64 =
            results.iter().filter(|result| result["backend"] == backend).map(|r| r["grants"].as_u64().unwrap()).sum();
        assert_eq!(aggregate["grants"], sum, "{backend}");
    }
}

/// Paths of every `null` below a value.
fn nulls(value: &Value, path: &str, found: &mut Vec<String>) {
    match value {
        Value::Null => found.push(path.to_owned()),
        Value::Object(fields) => {
            for (name, value) in fields {
                nulls(value, &if path.is_empty() { name.clone() } else { format!("{path}.{name}") }, found);
            }
        }
        _ => {}
    }
}

#[test]
fn every_null_has_its_reason() {
    let place = Place::new();
    rich(&place);
    for result in place.report()["results"].as_array().unwrap() {
        let mut found = Vec::new();
        let reasons = result["not_available"].as_object().unwrap();
        for (name, value) in result.as_object().unwrap() {
            // No error is good news, and promises are what they are.
            if !["error", "guarantees"].contains(&name.as_str()) {
                nulls(value, name, &mut found);
            }
        }
        for path in found {
            let said = |name: &str| path == name || path.starts_with(&format!("{name}."));
            assert!(
                reasons.keys().any(|name| said(name)),
                "{} without a reason: {path}: {reasons:?}",
                result["backend"]
            );
        }
        assert!(reasons.values().all(|reason| !reason.as_str().unwrap().is_empty()));
    }
}

#[test]
fn json_on_stdout_is_the_report_and_nothing_else() {
    let place = Place::new();
    let ran = rich(&place);
    assert_eq!(ran.out, fs::read_to_string(place.only_run().join("report.json")).unwrap());
    assert!(ran.err.contains("[1/4] "), "progress goes to stderr: {}", ran.err);
}

#[test]
fn no_ui_is_silent() {
    let place = Place::new();
    let workload = Place::shipped("hot-key.toml");
    let ran =
        place.run(&["run", &workload, "-b", "memory", "--ui", "none", "--set", "duration=500ms", "--set", "warmup=0s"]);
    assert_eq!(ran.exits(0).err, "");
}

#[test]
fn the_run_directory_has_every_file_and_no_leftover() {
    let place = Place::new();
    rich(&place);
    let run = place.only_run();
    let mut names: Vec<PathBuf> =
        cli::files_below(&run).iter().map(|path| path.strip_prefix(&run).unwrap().to_owned()).collect();
    names.sort();
    let raw = lockbench::report::RAW_FILES.iter().map(|(name, _)| PathBuf::from(name));
    let mut expected: Vec<PathBuf> = raw.chain(cli::drawn(&run).into_iter().map(|(path, _)| path.into())).collect();
    expected.sort();
    assert_eq!(names, expected);
    let summary = fs::read_to_string(place.only_run().join("summary.md")).unwrap();
    for part in ["memory", "control:no-lock", "exit 100", "|"] {
        assert!(summary.contains(part), "\"{part}\" is not in {summary}");
    }
}

#[test]
fn the_stored_plan_is_the_plan_and_can_be_run_again() {
    let place = Place::new();
    rich(&place);
    let plan = place.only_run().join("plan.toml");
    let checked = place.run(&["check", plan.to_str().unwrap()]).exits(0);
    let resolved = |text: &str| text.split_once("resolved plan:\n").unwrap().1.to_owned();
    assert_eq!(resolved(&checked.out), fs::read_to_string(&plan).unwrap());
    assert_eq!(resolved(&place.run(&["check", "rich.toml"]).exits(0).out), resolved(&checked.out));
    assert_eq!(at(&place.report(), "plan.clients"), 4);
}

#[test]
fn the_series_has_a_row_a_second_and_sums_to_the_grants() {
    let place = Place::new();
    place.file("w.toml", "clients = 4\nttl = \"4s\"\nwarmup = \"1s\"\nduration = \"2s\"\n");
    place.run(&["run", "w.toml", "-b", "memory"]).exits(0);
    let text = fs::read_to_string(place.only_run().join("timeseries.csv")).unwrap();
    let mut lines = text.lines();
    let header = "backend,trial,second,phase,grants,acquire_service_p50_ns,acquire_service_p99_ns,\
                  acquire_service_max_ns,timed_out,failed,double_grants,marks,acquire_service_p95_ns,\
                  acquire_service_max_is_lower_bound,unserved";
    assert_eq!(lines.next(), Some(header));
    let rows: Vec<Vec<&str>> = lines.map(|line| line.split(',').collect()).collect();
    assert!(rows.iter().all(|row| row.len() == 15 && row[0] == "memory" && row[1] == "1"), "{text}");
    let phases: Vec<&str> = rows.iter().take(3).map(|row| row[3]).collect();
    assert_eq!(phases, ["warmup", "measure", "measure"], "{text}");
    let measured: u64 = rows.iter().filter(|row| row[3] == "measure").map(|row| row[4].parse::<u64>().unwrap()).sum();
    let grants = place.report()["results"][0]["grants"].as_u64().unwrap();
    // A grant belongs to the second of its acquire_ok here and of its acquire_invoke there.
    assert!(measured.abs_diff(grants) <= 8, "{measured} in the series, {grants} in the report");
}

/// Feeds a stored history to fresh oracles, one a result.
fn replay(path: &Path) -> Vec<(Header, Findings)> {
    let mut done = Vec::new();
    let mut current: Option<(Header, Oracle)> = None;
    let (mut last, mut parser) = (0, Parser::default());
    for line in BufReader::new(MultiGzDecoder::new(fs::File::open(path).unwrap())).lines() {
        let line = line.unwrap();
        match parser.parse(&line).unwrap_or_else(|error| panic!("{error}: {line}")) {
            Line::Result(header) => {
                done.extend(current.take().map(|(header, oracle)| (header, oracle.finish())));
                last = 0;
                let oracle = Oracle::new(header.clients, header.keys, header.start);
                current = Some((header, oracle));
            }
            Line::Unjudged(one) => panic!("not judged: {one:?}"),
            Line::Cut(cut) => assert!(cut.t >= last, "out of order: {line}"),
            Line::Event(event) => {
                assert!(event.t >= last, "out of order: {line}");
                last = event.t;
                current.as_mut().unwrap().1.observe(&event);
            }
        }
    }
    done.extend(current.map(|(header, oracle)| (header, oracle.finish())));
    done
}

#[test]
fn the_stored_history_replays_to_the_same_verdict() {
    let place = Place::new();
    rich(&place);
    let replayed = replay(&place.only_run().join("history.jsonl.gz"));
    let report = place.report();
    let results = report["results"].as_array().unwrap();
    assert_eq!(replayed.len(), results.len());
    let mut doubles = 0;
    for ((header, findings), result) in replayed.iter().zip(results) {
        assert_eq!(
            (&result["backend"], &result["trial"]),
            (&Value::from(header.backend.as_str()), &header.trial.into())
        );
        let safety = &result["safety"];
        assert_eq!(safety["double_grants_certain"], findings.judged.double_grants);
        assert_eq!(safety["inside"], findings.judged.inside);
        assert_eq!(safety["withdrawn"], findings.judged.withdrawn);
        assert_eq!(safety["outside"], findings.judged.outside);
        assert_eq!(safety["policies"]["deadline"], findings.judged.deadline);
        assert_eq!(safety["policies"]["evidence"], findings.judged.evidence);
        assert_eq!(safety["harm"]["lost_updates"], findings.judged.lost_updates);
        assert_eq!(result["history"]["complete"], true);
        doubles += findings.judged.double_grants;
    }
    assert!(doubles > 0, "the control is in there");
}

#[test]
fn a_bounded_history_says_so_and_keeps_what_surrounds_violations() {
    let place = Place::new();
    let workload = Place::shipped("controls/no-lock.toml");
    let sets = ["--set", "duration=300ms", "--set", "history={ kind = \"window\", attempts = 10 }"];
    let mut arguments = vec!["run", workload.as_str()];
    arguments.extend(sets);
    place.run(&arguments).exits(100);
    let result = place.report()["results"][0].clone();
    assert_eq!(result["history"]["complete"], false);
    assert_eq!(result["history"]["attempts"], 10);
    assert_eq!(result["events_lost"], 0, "a bounded history is no lost event");
    let replayed = replay(&place.only_run().join("history.jsonl.gz"));
    assert!(replayed[0].1.judged.double_grants > 10, "{:?}", replayed[0].1.judged);
}

#[test]
fn no_history_leaves_no_file() {
    let place = Place::new();
    let workload = Place::shipped("controls/no-lock.toml");
    place.run(&["run", &workload, "--set", "duration=300ms", "--set", "history=off"]).exits(100);
    assert!(!place.only_run().join("history.jsonl.gz").exists());
    assert_eq!(place.report()["results"][0]["history"]["complete"], false);
}

#[test]
fn the_same_seed_gives_the_same_order_and_plan() {
    let orders: Vec<(Value, Value)> = (0..2)
        .map(|_| {
            let place = Place::new();
            let text = "clients = 2\nttl = \"4s\"\nwarmup = \"0s\"\nduration = \"50ms\"\ntrials = 4\nseed = 11\n";
            place.file("w.toml", text);
            place.run(&["run", "w.toml", "-b", "memory,sqlite,control:no-renew"]);
            let report = place.report();
            let order = report["results"].as_array().unwrap().iter().map(|result| result["backend"].clone()).collect();
            (order, report["plan"].clone())
        })
        .collect();
    assert_eq!(orders[0], orders[1]);
    assert_eq!(orders[0].0.as_array().unwrap().len(), 12);
}
