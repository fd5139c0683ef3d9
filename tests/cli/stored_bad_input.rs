//! Stored runs that are none, are damaged, or are too new; places that cannot be
//! written: one message, the documented exit code, and nothing left behind.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::cli::{Place, files_below};

/// What a person can do with a stored run; `bad` is the run, `out` a place to write to.
const READERS: [(&str, &[&str]); 6] = [
    ("show", &["show", "bad"]),
    ("report", &["report", "bad", "--to", "out"]),
    ("export", &["export", "bad", "--to", "all", "--into", "out"]),
    ("verify", &["verify", "bad"]),
    ("explain", &["explain", "bad", "1", "--svg", "out"]),
    ("compare", &["compare", "good", "bad"]),
];

/// A place with the run `good`, which has double grants, in `results`.
fn place() -> Place {
    let place = Place::new();
    let text = "clients = 4\nhold = \"1ms\"\nttl = \"4s\"\nwarmup = \"0s\"\nduration = \"500ms\"\n\
                backends = [\"control:no-lock\"]\n";
    place.file("w.toml", text);
    place.run(&["run", "w.toml", "--run-id", "good"]).exits(100);
    place
}

/// A copy of the good run, to be spoilt.
fn bad(place: &Place) -> PathBuf {
    let (good, bad) = (place.results().join("good"), place.results().join("bad"));
    for file in files_below(&good) {
        let to = bad.join(file.strip_prefix(&good).unwrap());
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(file, to).unwrap();
    }
    bad
}

fn contents(directory: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files = files_below(directory);
    files.sort();
    let read = |path: PathBuf| (path.clone(), fs::read(&path).unwrap());
    files.into_iter().map(read).collect()
}

/// Every reader ends with this code and one message that says all of this.
fn refused(place: &Place, code: i32, parts: &[&str]) {
    for (name, _) in READERS {
        refused_by(place, name, code, parts);
    }
}

fn refused_by(place: &Place, reader: &str, code: i32, parts: &[&str]) {
    let (_, arguments) = READERS.iter().find(|(name, _)| *name == reader).unwrap();
    let before = contents(&place.results());
    place.run(arguments).exits(code).in_one_message().complains(parts);
    assert!(contents(&place.results()) == before, "{reader} changed something");
    assert!(!place.path().join("out").exists(), "{reader} began to write");
}

/// Cuts a file to half of its length.
fn halve(path: &Path) {
    let bytes = fs::read(path).unwrap();
    fs::write(path, &bytes[..bytes.len() / 2]).unwrap();
}

#[test]
fn a_missing_run_is_named_with_where_it_was_looked_for() {
    refused(&place(), 2, &["there is no run ", "bad", "nor results/bad", "lockbench ls"]);
}

#[test]
fn a_foreign_directory_is_no_run() {
    let place = place();
    fs::create_dir(place.results().join("bad")).unwrap();
    refused(&place, 2, &["results/bad is not from a run of lockbench", "it has no report.json"]);
    fs::write(place.results().join("bad/report.json"), "{ \"schema_version\": 1, \"tests\": [] }").unwrap();
    refused(&place, 2, &["results/bad/report.json is not from a run of lockbench", "another program wrote it"]);
    fs::write(place.results().join("bad/report.json"), "[]").unwrap();
    refused(&place, 2, &["another program wrote it"]);
}

#[test]
fn a_file_is_no_run() {
    let place = place();
    fs::write(place.results().join("bad"), "x").unwrap();
    refused(&place, 2, &["results/bad is not from a run of lockbench", "it is a file"]);
}

#[test]
fn a_run_that_broke_off_before_it_kept_anything_has_nothing_to_tell() {
    let place = place();
    let partial = place.results().join(".bad.partial");
    fs::create_dir(&partial).unwrap();
    fs::copy(place.results().join("good/plan.toml"), partial.join("plan.toml")).unwrap();
    refused(&place, 2, &["results/.bad.partial has no report.json", "broke off", "no history either"]);
}

#[test]
fn a_newer_schema_is_not_guessed_at() {
    let place = place();
    let path = bad(&place).join("report.json");
    let text = fs::read_to_string(&path).unwrap().replacen("\"schema_version\": 3", "\"schema_version\": 99", 1);
    fs::write(&path, text).unwrap();
    refused(&place, 2, &["results/bad/report.json has schema version 99", "this lockbench reads up to 3", "newer one"]);
}

#[test]
fn a_truncated_report_is_damaged() {
    let place = place();
    halve(&bad(&place).join("report.json"));
    refused(&place, 1, &["results/bad/report.json is damaged", "copy the run again"]);
    fs::write(place.results().join("bad/report.json"), "").unwrap();
    refused(&place, 1, &["results/bad/report.json is damaged"]);
}

#[test]
fn a_report_that_lacks_a_field_is_damaged() {
    let place = place();
    let path = bad(&place).join("report.json");
    let text = fs::read_to_string(&path).unwrap().replacen("\"run_id\"", "\"runn_id\"", 1);
    fs::write(&path, text).unwrap();
    refused(&place, 1, &["results/bad/report.json is damaged", "run_id"]);
}

#[test]
fn truncated_measurements_are_damaged_and_the_report_can_still_be_shown() {
    let place = place();
    let path = bad(&place).join("measured.json.gz");
    halve(&path);
    for reader in ["report", "export"] {
        refused_by(&place, reader, 1, &["results/bad/measured.json.gz is damaged", "copy the run again"]);
    }
    fs::remove_file(&path).unwrap();
    for reader in ["report", "export"] {
        refused_by(&place, reader, 1, &["results/bad/measured.json.gz is damaged", "it is missing"]);
    }
    place.run(&["show", "bad"]).exits(0).tells(&["VIOLATED"]);
    place.run(&["export", "bad", "--to", "json", "--into", "out"]).exits(0);
}

#[test]
fn a_truncated_history_does_not_quietly_draw_other_pictures() {
    let place = place();
    let path = bad(&place).join("history.jsonl.gz");
    halve(&path);
    for reader in ["report", "export"] {
        refused_by(&place, reader, 1, &["results/bad/history.jsonl.gz is damaged", "breaks off"]);
    }
    for format in ["edn", "elle", "porcupine"] {
        let ran = place.run(&["export", "bad", "--to", format, "--into", "out"]).exits(1).in_one_message();
        ran.complains(&["results/bad/history.jsonl.gz is damaged", "breaks off"]);
        assert!(!place.path().join("out").exists());
    }
    fs::write(&path, "no history at all").unwrap();
    for reader in ["report", "export"] {
        refused_by(&place, reader, 1, &["results/bad/history.jsonl.gz"]);
    }
    place.run(&["show", "bad"]).exits(0);
}

#[test]
fn a_run_without_a_history_has_none_to_export() {
    let place = place();
    fs::remove_file(bad(&place).join("history.jsonl.gz")).unwrap();
    let ran = place.run(&["export", "bad", "--to", "csv,edn", "--into", "out"]).exits(2).in_one_message();
    ran.complains(&["results/bad has no history.jsonl.gz", "edn, elle, porcupine", "history=full"]);
    assert!(!place.path().join("out").exists());
    let ran = place.run(&["export", "bad", "--to", "all", "--into", "out"]).exits(0).tells(&["out/timeseries.csv"]);
    ran.complains(&["note: results/bad has no history.jsonl.gz: nothing is made of it"]);
}

#[test]
fn an_unknown_format_is_answered_with_the_known_ones() {
    let place = place();
    for unknown in ["pdf", "csv,pdf", "CSV"] {
        let ran = place.run(&["export", "good", "--to", unknown, "--into", "out"]).exits(2).in_one_message();
        ran.complains(&["unknown format \"", "--to takes json, ", ", all;", "--to help"]);
    }
    place.run(&["export", "good"]).exits(2).complains(&["--to"]);
    place.run(&["export", "--to", "csv"]).exits(2).in_one_message().complains(&["no run is given", "lockbench ls"]);
    assert!(!place.path().join("out").exists());
}

#[test]
fn a_place_that_cannot_be_written_is_named() {
    let place = place();
    place.file("occupied", "not a directory");
    let before = contents(&place.results());
    // Root may write anywhere but into a file and into /proc.
    for target in ["occupied", "occupied/below", "/proc/lockbench-out"] {
        let cannot = format!("cannot write {target}");
        let ran = place.run(&["report", "good", "--to", target]).exits(1).in_one_message();
        ran.complains(&[&cannot, "is the directory writable", "--to DIR gives another one"]);
        let ran = place.run(&["export", "good", "--to", "csv", "--into", target]).exits(1).in_one_message();
        ran.complains(&[&cannot, "--into DIR gives another one"]);
    }
    assert!(contents(&place.results()) == before);
    assert_eq!(fs::read_to_string(place.path().join("occupied")).unwrap(), "not a directory");
}

#[test]
fn a_file_that_cannot_be_replaced_leaves_no_half_of_it() {
    let place = place();
    let run = bad(&place);
    fs::remove_file(run.join("summary.md")).unwrap();
    fs::create_dir_all(run.join("summary.md/in-the-way")).unwrap();
    place.run(&["report", "bad"]).exits(1).in_one_message().complains(&["cannot write results/bad/summary.md"]);
    let left: Vec<PathBuf> = files_below(&run).into_iter().filter(|path| path.ends_with(".summary.md.tmp")).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_run_of_schema_version_1_is_shown_but_not_drawn_anew() {
    let place = place();
    let run = place.results().join("bad");
    fs::create_dir(&run).unwrap();
    fs::write(run.join("report.json"), VERSION_1).unwrap();
    place.run(&["show", "bad"]).exits(0).tells(&["verdict: pass, exit 0"]);
    place.run(&["show", "bad", "--full"]).exits(0).tells(&["verdict: pass, exit 0", "note: a sentence of version 1"]);
    for reader in ["report", "export"] {
        refused_by(&place, reader, 2, &["schema version 1", "kept no histograms", "lockbench show results/bad"]);
    }
    place.run(&["export", "bad", "--to", "json", "--into", "out"]).exits(0);
    assert_eq!(fs::read_to_string(place.path().join("out/report.json")).unwrap(), VERSION_1, "it stays of version 1");
}

/// As the first version wrote it, without results.
const VERSION_1: &str = r#"{
  "schema_version": 1, "run_id": "old", "complete": true,
  "tool": { "name": "lockbench", "version": "0.1.0", "command": ["lockbench", "quick"], "workers": 2,
            "overhead_ns_per_cycle": null, "ceiling_cycles_per_s": null },
  "environment": { "started_at": "2026-01-01T00:00:00Z", "os": "Linux", "kernel": "6.1", "cpu": "any", "cores": 2,
                   "memory_bytes": 1, "governor": null, "clock": "CLOCK_MONOTONIC", "placement": "here" },
  "plan": { "name": "old" }, "results": [], "aggregates": [], "skipped": [], "faults": [], "thresholds": [],
  "lints": ["a sentence of version 1"], "verdict": { "exit_code": 0, "reasons": [] }
}
"#;
