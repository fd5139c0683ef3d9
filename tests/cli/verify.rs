//! `verify` as a person runs it: on sound runs, on cut ones, on changed ones, and on
//! runs that were killed.

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::support::cli::{Place, Ran, Running};
use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;

const PLAN: &str = "clients = 4\nhold = \"1ms\"\nttl = \"4s\"\nwarmup = \"100ms\"\nduration = \"400ms\"\n";

/// A run of this plan with more keys, on these systems.
fn ran(id: &str, more: &str, backends: &str, code: i32) -> (Place, PathBuf) {
    let place = Place::new();
    place.file("plan.toml", &format!("{PLAN}backends = [{backends}]\n{more}\n"));
    place.run(&["run", "plan.toml", "--run-id", id]).exits(code);
    let run = place.results().join(id);
    (place, run)
}

fn history(run: &Path) -> Vec<String> {
    let mut text = String::new();
    MultiGzDecoder::new(fs::File::open(run.join("history.jsonl.gz")).unwrap()).read_to_string(&mut text).unwrap();
    text.lines().map(str::to_owned).collect()
}

fn store_history(run: &Path, lines: &[String]) {
    let mut out = GzEncoder::new(Vec::new(), Compression::fast());
    out.write_all((lines.join("\n") + "\n").as_bytes()).unwrap();
    fs::write(run.join("history.jsonl.gz"), out.finish().unwrap()).unwrap();
}

/// The last line with this text, somewhere in the middle.
fn somewhere(lines: &[String], text: &str) -> usize {
    lines[..lines.len() / 2].iter().rposition(|line| line.contains(text)).unwrap()
}

fn verify(place: &Place) -> Ran {
    place.run(&["verify", "r"])
}

#[test]
fn a_sound_run_agrees_on_every_figure_and_exits_as_it_did() {
    let (place, _) = ran("r", "trials = 2", "\"memory\", \"sqlite\"", 0);
    let ran = verify(&place).exits(0).tells(&["verify: exit 0: as the run did"]);
    for name in ["memory trial 1", "sqlite trial 1", "memory trial 2", "sqlite trial 2"] {
        assert!(ran.out.contains(&format!("{name}: agrees on all ")), "{}", ran.out);
    }
    let (place, _) = ran2();
    verify(&place).exits(100).tells(&["control:no-lock trial 1: agrees on all", "VIOLATED", "verify: exit 100: as"]);
}

fn ran2() -> (Place, PathBuf) {
    ran("r", "", "\"control:no-lock\"", 100)
}

#[test]
fn a_run_that_was_stopped_early_agrees_too() {
    let place = Place::new();
    place.file("plan.toml", &format!("{PLAN}backends = [\"memory\"]\n").replace("400ms", "30s"));
    let arguments = ["run", "plan.toml", "--run-id", "r", "--ui", "plain"];
    let mut running = Running::start(&mut place.command(&arguments));
    running.until("memory");
    std::thread::sleep(Duration::from_millis(600));
    running.signal(rustix::process::Signal::INT);
    running.finish(Duration::from_secs(30)).exits(130);
    verify(&place).exits(130).tells(&["memory trial 1: agrees on all "]);
}

#[test]
fn a_cut_history_is_compared_where_it_was_cut() {
    let window = "history = { kind = \"window\", attempts = 50 }";
    let (place, run) = ran("r", window, "\"control:no-lock\"", 100);
    let ran = verify(&place).exits(100).tells(&["agrees on ", " of ", "up to where the history was cut"]);
    // Violations lie on both sides of the cut.
    let lines = history(&run);
    let cut = lines.iter().position(|line| line.starts_with("{\"cut\"")).unwrap();
    let judged: serde_json::Value = serde_json::from_str(&lines[cut]).unwrap();
    let before = judged["cut"]["judged"]["double_grants"].as_u64().unwrap();
    let total = place.report()["results"][0]["safety"]["double_grants_certain"].as_u64().unwrap();
    assert!(before > 0 && total > before, "{before} of {total}: {}", ran.out);

    // Whoever changes what lies before the cut is found out.
    let mut fewer = lines.clone();
    fewer[cut] = lines[cut].replace(&format!("\"double_grants\":{before}"), "\"double_grants\":0");
    store_history(&run, &fewer);
    verify(&place).exits(1).tells(&["DISAGREES: double_grants at the cut: the run says 0, the replay "]);
    let mut gap = lines.clone();
    let released = lines[..cut].iter().position(|line| line.contains("\"released\"")).unwrap();
    gap.remove(released);
    store_history(&run, &gap);
    verify(&place).exits(1).complains(&["history.jsonl.gz", "line ", "a line is missing"]).in_one_message();
    let mut unmarked = lines.clone();
    unmarked.remove(cut);
    store_history(&run, &unmarked);
    verify(&place).exits(1);
}

#[test]
fn without_a_history_there_is_nothing_to_verify() {
    let (place, _) = ran("r", "history = \"off\"", "\"memory\"", 0);
    verify(&place).exits(97).tells(&["memory trial 1: nothing to verify", "verify: exit 97: 1 of 1 results"]);
    let (place, run) = ran("r", "", "\"memory\"", 0);
    fs::remove_file(run.join("history.jsonl.gz")).unwrap();
    verify(&place).exits(97).tells(&["nothing to verify"]);
}

#[test]
fn a_changed_history_is_found_out() {
    let (place, run) = ran("r", "", "\"memory\"", 0);
    let lines = history(&run);
    let with = |at: usize, line: &str| {
        let mut changed = lines.clone();
        changed[at] = line.to_owned();
        store_history(&run, &changed);
        verify(&place)
    };
    // A line taken out, whichever of an attempt it is.
    for kind in ["\"invoke\"", "\"acquired\"", "\"release_invoke\"", "\"released\""] {
        let mut changed = lines.clone();
        changed.remove(somewhere(&lines, kind));
        store_history(&run, &changed);
        verify(&place).exits(1).complains(&["history.jsonl.gz", "line "]).in_one_message();
    }
    // The last one, after which nothing can be out of order.
    store_history(&run, &lines[..lines.len() - 1]);
    // One release fewer is told first; what else it changes may be more than is listed.
    verify(&place).exits(1).tells(&["DISAGREES", "confirmed: the run says "]);
    // A figure changed.
    let at = somewhere(&lines, "\"released\"");
    with(at, &lines[at].replace("\"released\"", "\"release_not_owner\"")).exits(1).tells(&["DISAGREES", "lost_leases"]);
    let at = somewhere(&lines, "\"acquired\"");
    let token = lines[at].split("\"token\":").nth(1).unwrap().split(',').next().unwrap().to_owned();
    with(at, &lines[at].replace(&format!("\"token\":{token}"), "\"token\":1"))
        .exits(1)
        .tells(&["safety.token_regressions: the run says 0, the replay 1"]);
    // No sense at all, and the end torn off.
    with(7, "{\"t\":12,").exits(1).complains(&["history.jsonl.gz", "line 8"]).in_one_message();
    store_history(&run, &lines);
    let bytes = fs::read(run.join("history.jsonl.gz")).unwrap();
    fs::write(run.join("history.jsonl.gz"), &bytes[..bytes.len() / 2]).unwrap();
    verify(&place).exits(1).tells(&["DISAGREES: the history breaks off"]);
    store_history(&run, &lines);
    verify(&place).exits(0);
}

#[test]
fn what_this_version_does_not_know_is_kept_and_said_to_be_unjudged() {
    let (place, run) = ran("r", "", "\"memory\"", 0);
    let mut lines = history(&run);
    let at = somewhere(&lines, "\"released\"");
    let event: serde_json::Value = serde_json::from_str(&lines[at]).unwrap();
    let fault = |kind: &str| format!("{{\"t\":{},\"e\":\"{kind}\",\"fault\":\"pause\"}}", event["t"]);
    lines.splice(at..at, [fault("clock_jump"), fault("node_down"), fault("clock_jump")]);
    store_history(&run, &lines);
    verify(&place).exits(0).tells(&["agrees on all ", "not judged", ": 2 clock_jump, 1 node_down"]);
    for arguments in [&["report", "r"][..], &["watch", "r", "--speed", "1000x"], &["export", "r", "--to", "all"]] {
        assert!(!place.run(arguments).err.contains("history.jsonl.gz"), "{arguments:?}");
    }
    lines[at] = lines[at].replace(&event["t"].to_string(), "1");
    store_history(&run, &lines);
    verify(&place).exits(1).complains(&["history.jsonl.gz", "line "]);
}

#[test]
fn a_changed_report_is_found_out() {
    let (place, run) = ran2();
    let path = run.join("report.json");
    let text = fs::read_to_string(&path).unwrap();
    let with = |change: &dyn Fn(&mut serde_json::Value)| {
        let mut report: serde_json::Value = serde_json::from_str(&text).unwrap();
        change(&mut report);
        fs::write(&path, serde_json::to_vec(&report).unwrap()).unwrap();
        verify(&place)
    };
    with(&|report| report["results"][0]["safety"]["double_grants_certain"] = 0.into())
        .exits(1)
        .tells(&["safety.double_grants_certain: the run says 0, the replay "]);
    with(&|report| report["results"][0]["latency"]["hold"]["p50_ns"] = 1.into())
        .exits(1)
        .tells(&["latency.hold.p50_ns: the run says 1, the replay "]);
    with(&|report| report["verdict"] = serde_json::json!({ "exit_code": 0, "reasons": [] }))
        .exits(1)
        .tells(&["the results mean exit 100, but the report says 0"]);
    with(&|report| report["aggregates"][0]["latency"]["acquire_service"]["p50_ns"] = 1.into())
        .exits(1)
        .tells(&["trials merged: DISAGREES: aggregates.latency.acquire_service.p50_ns: the run says 1, "]);
    with(&|report| report["results"][0]["measured_s"] = 0.2.into())
        .exits(1)
        .tells(&["measured_s: the run says 0.2, the replay 0.4"]);
    with(&|report| report["results"] = serde_json::json!([])).exits(1).tells(&["it is in the history, and not in"]);
    with(&|_| {}).exits(100);
}

/// Starts a long run, and kills it once a second or two of history are on disk.
fn killed(backend: &str) -> Place {
    let place = Place::new();
    place.file("plan.toml", &format!("{PLAN}backends = [\"{backend}\"]\n").replace("400ms", "60s"));
    let running = Running::start(&mut place.command(&["run", "plan.toml", "--run-id", "r", "--ui", "none"]));
    let history = place.results().join(".r.partial/history.jsonl.gz");
    let begin = Instant::now();
    let flushed =
        |since: Duration| since > Duration::from_secs(1) && fs::metadata(&history).is_ok_and(|m| m.len() > 4_000);
    while !flushed(begin.elapsed()) {
        assert!(begin.elapsed() < Duration::from_secs(60), "no history: {}", running.said());
        std::thread::sleep(Duration::from_millis(20));
    }
    drop(running); // SIGKILL
    assert_eq!(place.entries(), [".r.partial"]);
    place
}

#[test]
fn a_run_that_was_killed_is_judged_from_its_history_and_stays_inconclusive() {
    let place = killed("memory");
    verify(&place).exits(97).tells(&["memory trial 1: ", " holds, 0 double grants", "the run broke off"]);
    place.run(&["show", "r", "--full"]).exits(0).tells(&[
        "memory",
        "exit 97 (incomplete)",
        "unknown (the run broke off)",
    ]);
    place.run(&["report", "r"]).exits(0);
    assert!(place.results().join(".r.partial/summary.md").exists());
    place.run(&["explain", "r", "1"]).exits(2).complains(&["this run has none"]).in_one_message();
    let shown = place.run(&["show", "r", "--format", "json"]).exits(0).out;
    let report: serde_json::Value = serde_json::from_str(&shown).unwrap();
    let result = &report["results"][0];
    assert_eq!((report["complete"].as_bool(), result["complete"].as_bool()), (Some(false), Some(false)));
    let count = |name: &str| result[name].as_u64().unwrap();
    assert!(count("grants") > 0);
    // Who was still waiting has no outcome.
    assert_eq!(count("attempts"), count("grants") + count("timed_out") + count("refused") + count("unknown"));
    assert!(result["measured_s"].as_f64().unwrap() < 59.0);
}

#[test]
fn a_poller_asleep_between_two_polls_challenges_no_hold_live_and_in_replay() {
    // Polls of the three that wait come every 200 ms; the fourth takes the key again and again.
    let (place, run) = ran("r", "retry = { kind = \"fixed\", delay = \"200ms\" }\n", "\"flock\"", 0);
    let holds = |report: &serde_json::Value| {
        let safety = &report["results"][0]["safety"];
        let count = |name: &str| safety[name].as_u64().unwrap();
        (count("exercised_holds"), count("grants_all_phases"), safety["conditions"].as_str().unwrap().to_owned())
    };
    let (challenged, all, conditions) = holds(&place.report());
    assert!(0 < challenged && challenged * 4 < all, "{challenged} of {all}");
    assert!(!conditions.contains("sleeping"), "{conditions}");
    verify(&place).exits(0).tells(&["flock trial 1: agrees on all "]);
    // A history of an older version does not tell: counted by the old rule, which is said.
    let strip = |line: String| line.replace(",\"challenged\":true", "").replace(",\"challenged\":false", "");
    store_history(&run, &history(&run).into_iter().map(strip).collect::<Vec<_>>());
    fs::remove_file(run.join("report.json")).unwrap();
    let told = place.run(&["show", "r", "--format", "json"]).exits(0).out;
    let (challenged, all, conditions) = holds(&serde_json::from_str(&told).unwrap());
    assert!(challenged * 2 > all, "{challenged} of {all}");
    assert!(conditions.contains("sleeping poller"), "{conditions}");
}

#[test]
fn a_run_that_was_killed_is_judged_the_same_under_another_name() {
    let place = killed("control:no-lock");
    let partial = verify(&place).exits(100).out.clone();
    let results = place.results();
    fs::rename(results.join(".r.partial"), results.join("evidence")).unwrap();
    let moved = place.run(&["verify", "evidence"]).exits(100).out.clone();
    assert_eq!(moved, partial);
    place.run(&["show", "evidence"]).exits(0).tells(&["VIOLATED", "exit 100 (incomplete)"]);
    place.run(&["explain", "evidence", "1"]).exits(0).tells(&["double grant 1 of "]);
    place.run(&["export", "evidence", "--to", "edn", "--into", "out"]).exits(0);
}

#[test]
fn a_violation_survives_the_death_of_its_run() {
    let place = killed("control:no-lock");
    verify(&place).exits(100).tells(&["control:no-lock trial 1: ", "the run broke off"]);
    place.run(&["show", "r"]).exits(0).tells(&["VIOLATED", "exit 100 (incomplete)"]);
    place.run(&["explain", "r", "1"]).exits(0).tells(&["double grant 1 of "]);
}
