//! Commands on finished runs: the list, the same files again to the byte, other
//! formats elsewhere.

use crate::support::cli;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::support::cli::{Place, drawn};
use lockbench::output::OUTPUTS;
use lockbench::output::history::HISTORY_EXPORTS;
use lockbench::report::RAW_FILES;
use serde_json::Value;

/// A valid run and one with violations in one directory: charts, stories, scenes.
fn two_runs() -> Place {
    let place = Place::new();
    let text = "clients = 4\nhold = \"1ms\"\nttl = \"4s\"\ntrials = 2\nwarmup = \"100ms\"\nduration = \"300ms\"\n\
                backends = [\"memory\", \"control:no-lock\"]\n";
    place.file("both.toml", text);
    place.run(&["run", "both.toml", "--run-id", "both"]).exits(100);
    place.file("one.toml", &text.replace(", \"control:no-lock\"", ""));
    place.run(&["run", "one.toml", "--run-id", "one"]).exits(0);
    place
}

/// Every file below a directory with its bytes.
fn contents(directory: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let files = cli::files_below(directory).into_iter();
    files.map(|path| (path.strip_prefix(directory).unwrap().to_owned(), fs::read(&path).unwrap())).collect()
}

/// A copy of a run with nothing but its raw data.
fn raw_copy(run: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for (name, _) in RAW_FILES {
        fs::copy(run.join(name), to.join(name)).unwrap();
    }
}

#[test]
fn report_draws_every_file_again_to_the_byte() {
    let place = two_runs();
    for id in ["both", "one"] {
        let run = place.results().join(id);
        let before = contents(&run);
        assert!(before.len() > RAW_FILES.len(), "{:?}", before.keys());
        let copy = place.results().join(format!("{id}-again"));
        raw_copy(&run, &copy);
        for _ in 0..2 {
            let ran = place.run(&["report", &format!("{id}-again")]).exits(0);
            ran.tells(&["files written to", &format!("results/{id}-again")]);
            let again = contents(&copy);
            assert_eq!(again.keys().collect::<Vec<_>>(), before.keys().collect::<Vec<_>>());
            let other: Vec<_> = before.iter().filter(|(path, bytes)| again[*path] != **bytes).map(|(p, _)| p).collect();
            assert!(other.is_empty(), "not the same: {other:?}");
        }
    }
}

#[test]
fn charts_of_an_older_version_that_one_of_all_systems_replaces_are_removed() {
    let place = two_runs();
    let charts = place.results().join("both/charts");
    let before = contents(&charts);
    let system = "memory";
    for name in [format!("histogram-{system}.svg"), format!("heatmap-{system}.png"), "histogram-mine.svg".to_owned()] {
        fs::write(charts.join(name), "old").unwrap();
    }
    place.run(&["report", "both"]).exits(0).tells(&["2 of an older lockbench removed"]);
    let mut after = contents(&charts);
    assert!(after.remove(Path::new("histogram-mine.svg")).is_some(), "what lockbench never wrote stays");
    assert_eq!(after, before);
    let own = place.path().join("docs/charts");
    fs::create_dir_all(&own).unwrap();
    fs::write(own.join("heatmap-memory.png"), "mine").unwrap();
    place.run(&["report", "both", "--to", "docs"]).exits(0);
    assert_eq!(fs::read(own.join("heatmap-memory.png")).unwrap(), b"mine");
}

#[test]
fn report_writes_elsewhere_and_leaves_the_run_as_it_was() {
    let place = two_runs();
    let run = place.results().join("both");
    let before = contents(&run);
    place.run(&["report", "both", "--to", "elsewhere/deep"]).exits(0).tells(&["elsewhere/deep"]);
    assert_eq!(contents(&run), before);
    for (path, bytes) in contents(&place.path().join("elsewhere/deep")) {
        assert_eq!(before[&path], bytes, "{}", path.display());
    }
}

#[test]
fn a_run_is_found_by_path_and_by_id() {
    let place = two_runs();
    for run in ["one", "results/one", "results/one/"] {
        place.run(&["show", run]).exits(0).tells(&[
            "1 of 1 system ran",
            "verdict: pass",
            "files: results/one/report.html",
        ]);
        place.run(&["show", run, "--full"]).exits(0).tells(&["Speed", "verdict: pass", "files: results/one"]);
    }
    // A directory of the same name that is no run does not hide it.
    fs::create_dir(place.path().join("one")).unwrap();
    place.run(&["show", "one"]).exits(0).tells(&["files: results/one"]);
    place.run(&["show", "one", "-o", "elsewhere"]).exits(2);
    let json = place.run(&["show", "both", "--format", "json"]).exits(0).out;
    assert_eq!(json, fs::read_to_string(place.results().join("both/report.json")).unwrap());
}

#[test]
fn export_makes_any_format_later_and_says_where() {
    let place = two_runs();
    let run = place.results().join("both");
    for output in OUTPUTS {
        let into = format!("out-{}", output.name);
        let ran = place.run(&["export", "both", "--to", output.name, "--into", &into]).exits(0);
        let written = contents(&place.path().join(&into));
        assert!(!written.is_empty(), "{} wrote nothing", output.name);
        for (path, bytes) in &written {
            assert!(ran.out.lines().any(|line| Path::new(line) == Path::new(&into).join(path)), "{}", ran.out);
            assert_eq!(&fs::read(run.join(path)).unwrap(), bytes, "{}", path.display());
        }
        assert_eq!(ran.out.lines().count(), written.len());
    }
}

#[test]
fn export_takes_several_formats_and_all_of_them() {
    let place = two_runs();
    place.run(&["export", "one", "--to", "csv,markdown", "--into", "some"]).exits(0);
    let names: Vec<PathBuf> = contents(&place.path().join("some")).into_keys().collect();
    assert_eq!(names, [PathBuf::from("summary.md"), PathBuf::from("timeseries.csv")]);
    place.run(&["export", "one", "--to", "all", "--into", "all"]).exits(0);
    let all = contents(&place.path().join("all"));
    assert_eq!(all[Path::new("report.json")], fs::read(place.results().join("one/report.json")).unwrap());
    for (path, bytes) in drawn(&place.results().join("one")) {
        assert_eq!(all[Path::new(&path)], bytes, "{path}");
    }
}

#[test]
fn export_gives_histories_to_judges_outside() {
    let place = two_runs();
    for export in HISTORY_EXPORTS {
        let into = format!("out-{}", export.name);
        let ran = place.run(&["export", "both", "--to", export.name, "--into", &into]).exits(0);
        let written = contents(&place.path().join(&into));
        for trial in ["memory-t1", "memory-t2", "control-no-lock-t1", "control-no-lock-t2"] {
            let path = |path: &&PathBuf| path.to_string_lossy().starts_with(&format!("histories/{trial}"));
            let path = written.keys().find(path).unwrap_or_else(|| panic!("{trial} is not in {:?}", written.keys()));
            assert!(!written[path].is_empty() && ran.out.contains(path.to_str().unwrap()), "{}", ran.out);
        }
    }
    // A run that was killed has no report, and a history all the same.
    let killed = place.results().join(".killed.partial");
    raw_copy(&place.results().join("one"), &killed);
    fs::remove_file(killed.join("report.json")).unwrap();
    place.run(&["export", "killed", "--to", "porcupine", "--into", "out"]).exits(0).tells(&["out/histories/memory-t1"]);
    // A report made of it must not pass for the one that the run would have written.
    place.run(&["export", "killed", "--to", "json"]).exits(2).in_one_message().complains(&["broke off", "--into DIR"]);
    assert!(!killed.join("report.json").exists());
    place.run(&["export", "killed", "--to", "json", "--into", "out"]).exits(0).tells(&["out/report.json"]);
}

#[test]
fn a_bounded_history_is_exported_up_to_its_cut_and_says_so() {
    let place = Place::new();
    let workload = Place::shipped("controls/no-lock.toml");
    let cut = "history={ kind = \"window\", attempts = 10 }";
    place.run(&["run", &workload, "--run-id", "cut", "--set", "duration=300ms", "--set", cut]).exits(100);
    let ran = place.run(&["export", "cut", "--to", "edn"]).exits(0);
    ran.complains(&["note: control:no-lock trial 1: the history on disk was bounded", "--set history=full"]);
}

#[test]
fn export_never_writes_over_the_raw_data() {
    let place = two_runs();
    let run = place.results().join("one");
    let raw = || RAW_FILES.iter().map(|(name, _)| fs::metadata(run.join(name)).unwrap().modified().unwrap());
    let before: Vec<_> = raw().collect();
    place.run(&["export", "one", "--to", "all"]).exits(0).tells(&["results/one/report.json"]);
    place.run(&["report", "one"]).exits(0);
    assert_eq!(raw().collect::<Vec<_>>(), before);
}

#[test]
fn no_format_has_the_name_of_raw_data_or_of_another_one() {
    let place = two_runs();
    let mut paths: Vec<String> = drawn(&place.results().join("both")).into_iter().map(|(path, _)| path).collect();
    paths.extend(RAW_FILES.iter().map(|(name, _)| (*name).to_owned()));
    let all = paths.len();
    paths.sort();
    paths.dedup();
    assert_eq!(paths.len(), all, "two formats write the same file: {paths:?}");
}

#[test]
fn export_lists_its_formats() {
    let place = Place::new();
    for arguments in [["export", "any", "--to", "help"].as_slice(), &["export", "--to", "help"]] {
        let ran = place.run(arguments).exits(0).tells(&["json", "all"]);
        for output in OUTPUTS {
            assert!(ran.out.contains(output.name) && ran.out.contains(output.meaning), "{}", ran.out);
        }
        for export in HISTORY_EXPORTS {
            assert!(ran.out.contains(export.name) && ran.out.contains(export.meaning), "{}", ran.out);
        }
    }
}

#[test]
fn ls_lists_the_runs_newest_last_whatever_else_is_there() {
    let place = two_runs();
    let results = place.results();
    fs::create_dir(results.join("foreign")).unwrap();
    fs::write(results.join("notes.txt"), "not a directory").unwrap();
    fs::create_dir(results.join(".git")).unwrap();
    fs::create_dir(results.join(".killed.partial")).unwrap();
    fs::copy(results.join("one/plan.toml"), results.join(".killed.partial/plan.toml")).unwrap();
    let text = fs::read_to_string(results.join("one/report.json")).unwrap();
    for (id, text) in [
        ("newer", text.replace("\"schema_version\": 3", "\"schema_version\": 99")),
        ("half", text[..text.len() / 2].to_owned()),
        ("old", text.replace("\"started_at\": \"20", "\"started_at\": \"19")),
    ] {
        fs::create_dir(results.join(id)).unwrap();
        fs::write(results.join(id).join("report.json"), text).unwrap();
    }
    let ran = place.run(&["ls"]).exits(0);
    assert_eq!(ran.err, "");
    let line = |id: &str| ran.out.lines().find(|line| line.split_whitespace().next() == Some(id)).unwrap();
    for (id, parts) in [
        ("both", ["both", "memory,control:no-lock", "violated (100)"]),
        ("one", ["one", "memory", "pass (0)"]),
        ("foreign", ["-", "not a run", "no report.json"]),
        ("killed", ["one", "no report", "partial"]),
        ("newer", ["-", "newer lockbench", "99"]),
        ("half", ["-", "damaged", "EOF"]),
    ] {
        assert!(parts.iter().all(|part| line(id).contains(part)), "{id}: {}", ran.out);
    }
    assert!(!ran.out.contains("notes.txt") && !ran.out.contains(".git"), "{}", ran.out);
    let rows: Vec<Value> = serde_json::from_str(&place.run(&["ls", "--format", "json"]).exits(0).out).unwrap();
    assert_eq!(rows.len(), 7);
    assert_eq!(rows[0]["id"], "old", "the oldest comes first");
    let at = |id: &str| rows.iter().position(|row| row["id"] == id).unwrap();
    assert!(at("both") <= at("one"), "{rows:?}");
    assert_eq!(rows[at("both")]["trials"], 2);
    assert_eq!(rows[at("both")]["exit_code"], 100);
    assert_eq!(rows[at("killed")]["partial"], true);
    let bytes: usize = contents(&results.join("one")).values().map(Vec::len).sum();
    assert_eq!(rows[at("one")]["bytes"], bytes);
}

#[test]
fn ls_knows_sweeps_and_leaves_saved_baselines_out() {
    let place = two_runs();
    let sweep = "{ \"workload\": \"w\", \"key\": \"clients\", \"points\": [{ \"backends\": { \"redis\": {} } }, {}] }";
    fs::create_dir_all(place.results().join("s")).unwrap();
    fs::write(place.results().join("s/sweep.json"), sweep).unwrap();
    fs::create_dir_all(place.results().join("baselines/main")).unwrap();
    let ran = place.run(&["ls"]).exits(0).tells(&["sweep of clients, 2 runs", "redis"]);
    assert!(!ran.out.contains("baselines"), "{}", ran.out);
    place.run(&["show", "s"]).exits(2).in_one_message().complains(&["it is a sweep; sweep.json names its runs"]);
}

#[test]
fn a_need_is_answered_from_the_stored_run() {
    let place = two_runs();
    let ran = place.run(&["report", "one", "--need", "p90<20s,fencing"]).exits(0);
    ran.tells(&["memory", "p90<20s", "fencing", "fits: memory"]);
    place.run(&["report", "one", "--need", "p50<1ns"]).exits(99).tells(&["fits: none", "does not fit: memory"]);
    place.run(&["report", "one", "--need", "cost<9"]).exits(97).tells(&["fits: none", "not known"]);
    place.run(&["report", "one", "--need", "help"]).exits(0).tells(&["survive=node", "p99<20ms"]);
    place.run(&["report", "one", "--need", "p99<20"]).exits(2).in_one_message().complains(&["--need", "unit"]);
    place.run(&["report", "one", "both", "--need", "fencing"]).exits(2).in_one_message().complains(&["one RUN"]);
}

#[test]
fn one_grammar_serves_needs_and_thresholds() {
    let place = Place::new();
    place.file("w.toml", "clients = 2\nwarmup = \"0s\"\nduration = \"300ms\"\nbackends = [\"memory\"]\n");
    let bounds = "p50 < 20 s, rate>1/s; double_grants == 0";
    place.run(&["run", "w.toml", "--run-id", "kept", "--threshold", bounds]).exits(0);
    place.run(&["report", "kept", "--need", bounds]).exits(0).tells(&["fits: memory"]);
    let broken = "rate > 999999999/s";
    place.run(&["run", "w.toml", "--threshold", broken]).exits(99).tells(&["rate > 999999999/s"]);
    place.run(&["report", "kept", "--need", broken]).exits(99).tells(&["fits: none"]);
}

#[test]
fn the_next_command_names_the_program_that_prints_it() {
    let place = Place::new();
    let text = "clients = 2\nwarmup = \"0s\"\nduration = \"500ms\"\nbackends = [\"memory\", \"sqlite\"]\n";
    place.file("w.toml", text);
    place.run(&["run", "w.toml", "--run-id", "one", "--json"]).exits(0).tells(&["\"run_id\": \"one\""]);
    for (variable, json) in [("1", true), ("on", true), ("0", false), ("false", false)] {
        let mut listed = place.command(&["ls"]);
        let out = listed.env("LOCKBENCH_JSON", variable).output().unwrap().stdout;
        assert_eq!(out.starts_with(b"["), json, "LOCKBENCH_JSON={variable}");
    }
    let file = place.results().join("one/report.json");
    let mut report: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    let program = report["tool"]["command"][0].as_str().unwrap().to_owned();
    report["tool"]["command"][0] = "/elsewhere/bin/lockbench".into();
    fs::write(&file, serde_json::to_vec(&report).unwrap()).unwrap();
    let ran = place.run(&["show", "one"]).exits(0);
    assert!(!ran.out.contains("/elsewhere") && ran.out.contains(&format!("next: {program} ")), "{}", ran.out);
    // Files travel, and the path says nothing to their readers.
    place.run(&["report", "one"]).exits(0);
    for name in ["summary.md", "report.html"] {
        let text = fs::read_to_string(place.results().join("one").join(name)).unwrap();
        assert!(!text.contains("/elsewhere") && text.contains("lockbench run w.toml --json"), "{name}");
    }
}

#[test]
fn ls_of_nothing_says_so_and_ls_of_nowhere_is_a_mistake() {
    let place = Place::new();
    place.run(&["ls"]).exits(2).in_one_message().complains(&["cannot list results", "-o DIR"]);
    fs::create_dir(place.results()).unwrap();
    place.run(&["ls"]).exits(0).tells(&["no runs in results"]);
    assert_eq!(place.run(&["ls", "--format", "json"]).exits(0).out, "[]\n");
    fs::write(place.results().join("report.json"), "{}").unwrap();
    place.run(&["ls"]).exits(2).in_one_message().complains(&["results is a run itself"]);
}

#[test]
fn completions_and_the_manual_know_every_command() {
    let place = Place::new();
    for shell in ["bash", "zsh", "fish"] {
        place.run(&["completions", shell]).exits(0).tells(&["quick", "report", "save-baseline"]);
    }
    place.run(&["completions", "tcsh"]).exits(2).complains(&["tcsh", "bash"]);
    place.run(&["man"]).exits(0).tells(&[".TH lockbench 1", ".SS report", ".SH \"EXIT STATUS\""]);
}
