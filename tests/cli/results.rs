//! Where results go: nothing is overwritten, what cannot be written is named, and
//! no half-written run passes for a complete one.

use crate::support::cli;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Command;

use crate::support::cli::{Place, Running};
use rustix::process::Signal;

/// A short run on the in-process lock.
fn quick_run<'a>(workload: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let mut all = vec!["run", workload, "-b", "memory", "--set", "duration=500ms", "--set", "warmup=0s"];
    all.extend(more);
    all
}

#[test]
fn a_run_id_that_exists_is_refused_and_nothing_is_overwritten() {
    let place = Place::new();
    let workload = Place::shipped("hot-key.toml");
    place.run(&quick_run(&workload, &["--run-id", "mine"])).exits(0);
    let contents = || -> Vec<_> {
        let mut files = cli::files_below(&place.results());
        files.sort();
        files.into_iter().map(|file| (fs::read(&file).unwrap(), file)).collect()
    };
    let before = contents();
    let again = place.run(&quick_run(&workload, &["--run-id", "mine"])).exits(2).in_one_message();
    again.complains(&["the run id \"mine\" exists already in results", "--run-id", "results/mine"]);
    assert!(contents() == before, "something was overwritten");
    assert_eq!(place.entries(), ["mine"]);
}

#[test]
fn the_evidence_of_a_killed_run_is_kept_and_not_overwritten() {
    let place = Place::new();
    let workload = Place::shipped("hot-key.toml");
    let arguments = ["run", &workload, "-b", "memory", "--run-id", "mine", "--set", "duration=20s"];
    let mut run = Running::start(&mut place.command(&arguments));
    run.until("[1/1] memory");
    run.signal(Signal::KILL);
    drop(run);
    assert_eq!(place.entries(), [".mine.partial"]);
    let again = place.run(&quick_run(&workload, &["--run-id", "mine"])).exits(2).in_one_message();
    again.complains(&["results/.mine.partial"]);
}

#[test]
fn a_run_id_that_is_no_name_is_refused() {
    for id in ["../x", "a b", ".hidden", ""] {
        let place = Place::new();
        let workload = Place::shipped("hot-key.toml");
        place.run(&quick_run(&workload, &["--run-id", id])).exits(2).in_one_message().complains(&["not usable"]);
        assert!(!place.path().join("x").exists() && place.entries().is_empty());
    }
}

#[test]
fn a_results_directory_that_cannot_be_made_is_named() {
    let place = Place::new();
    let workload = Place::shipped("hot-key.toml");
    place.file("occupied", "not a directory");
    // Root may write anywhere but into a file and into /proc.
    for target in ["occupied", "occupied/below", "/proc/lockbench-results"] {
        let ran = place.run(&quick_run(&workload, &["-o", target])).exits(1).in_one_message();
        ran.complains(&[&format!("cannot write {target}"), "-o"]);
    }
    assert_eq!(fs::read_to_string(place.path().join("occupied")).unwrap(), "not a directory");
}

/// A file system of 64 KiB, unmounted with the value.
struct Tiny<'a>(&'a Path);

impl<'a> Tiny<'a> {
    fn mount(path: &'a Path) -> Option<Self> {
        fs::create_dir(path).unwrap();
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=64k", "none"]).arg(path).output();
        mounted.is_ok_and(|output| output.status.success()).then_some(Self(path))
    }
}

impl Drop for Tiny<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0).status();
    }
}

#[test]
fn a_full_disk_costs_the_files_but_not_the_figures() {
    let place = Place::new();
    let results = place.results();
    let Some(_tiny) = Tiny::mount(&results) else {
        // Not eprintln: the test harness hides that of a test that passes.
        let _ = writeln!(std::io::stderr(), "SKIPPED: a tiny file system cannot be mounted here (needs root)");
        return;
    };
    let workload = Place::shipped("uncontended.toml");
    let sets = ["--set", "duration=500ms", "--set", "warmup=0s"];
    let mut arguments = vec!["run", workload.as_str(), "-b", "memory", "--run-id", "full"];
    arguments.extend(sets);
    let ran = place.run(&arguments).exits(1);
    let ran = ran.complains(&["history.jsonl.gz", "No space left on device", "results/.full.partial"]);
    ran.tells(&["grants/s", "verdict: exit 1"]);
    assert_eq!(place.entries(), [".full.partial"], "a run without its files is not complete");
    agrees(&place.results().join(".full.partial"), 1);
}

#[test]
fn a_file_size_limit_is_like_a_full_disk() {
    limited(8);
    // There the report has room, and the history has not.
    let place = limited(128);
    assert!(place.results().join(".full.partial/report.json").exists());
}

/// A run whose files have so many blocks at most.
fn limited(blocks: u32) -> Place {
    let place = Place::new();
    let workload = Place::shipped("uncontended.toml");
    // With the signal ignored, a write beyond the limit fails: setrlimit(2).
    let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"");
    let binary = env!("CARGO_BIN_EXE_lockbench");
    let output = Command::new("/bin/sh")
        .args(["-c", &script, binary, "run", &workload, "-b", "memory", "--run-id", "full"])
        .args(["--set", "duration=500ms", "--set", "warmup=0s"])
        .current_dir(place.path())
        .output()
        .unwrap();
    let (out, err) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert_eq!(output.status.code(), Some(1), "{err}");
    assert!(err.contains("history.jsonl.gz: File too large") && out.contains("grants/s"), "{err}\n{out}");
    assert_eq!(place.entries(), [".full.partial"]);
    agrees(&place.results().join(".full.partial"), 1);
    place
}

/// What could still be written of a report says how the run ended, or nothing reads it.
fn agrees(directory: &Path, code: i32) {
    let Ok(bytes) = fs::read(directory.join("report.json")) else { return };
    let report: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
    assert_eq!((&report["verdict"]["exit_code"], &report["complete"]), (&code.into(), &false.into()), "{directory:?}");
}

#[test]
fn a_reader_that_goes_away_costs_nothing() {
    let place = Place::new();
    let workload = Place::shipped("hot-key.toml");
    let arguments = quick_run(&workload, &["--run-id", "piped", "--ui", "plain"]);
    // As `lockbench run ... 2>&1 | head -0`: both ends of output are closed at once.
    let mut child = place.command(&arguments).spawn().unwrap();
    drop((child.stdout.take(), child.stderr.take()));
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_eq!(place.entries(), ["piped"]);
}

#[test]
fn a_result_that_cannot_be_shown_is_not_a_success() {
    let full = || fs::File::options().write(true).open("/dev/full").unwrap();
    for (arguments, code) in [(["-b", "memory"], 1), (["-b", "control:no-lock"], 100)] {
        let place = Place::new();
        let workload = Place::shipped("hot-key.toml");
        let mut all = vec!["run", workload.as_str(), "--run-id", "mine", "--format", "json"];
        all.extend(["--set", "duration=500ms", "--set", "warmup=0s"]);
        all.extend(arguments);
        let output = place.command(&all).stdout(full()).output().unwrap();
        let err = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{err}");
        assert!(
            err.contains("cannot write to stdout: No space left on device") && err.contains("results/mine"),
            "{err}"
        );
        assert!(place.results().join("mine/report.json").exists());
    }
    let place = Place::new();
    assert_eq!(place.command(&["backends"]).stdout(full()).output().unwrap().status.code(), Some(1));
}

#[test]
fn a_trial_that_is_long_enough_says_how_far_a_longer_one_may_be_from_it() {
    let place = Place::new();
    let workload = Place::shipped("hot-key.toml");
    let long = ["--set", "duration=3s", "--set", "warmup=0s", "--set", "clients=8", "--run-id", "one"];
    place.run(&[&["run", &workload, "-b", "memory"], &long[..]].concat()).exits(0);
    let result = place.report()["results"][0].clone();
    let (mean, within) = (result["throughput_per_s"].as_f64().unwrap(), &result["throughput_within"]);
    let end = |which: &str| within[which].as_f64().unwrap();
    assert!(end("low") <= mean && mean <= end("high") && end("effective_steps") <= 30.0, "{mean} in {within}");
    assert!(result["fairness"]["jain_held"].as_f64().unwrap() <= 1.0);
    place.run(&["show", "one", "--full"]).tells(&["Within a trial", "Jain of"]);
    // One of half a second has too few steps to tell.
    place.run(&quick_run(&workload, &["--run-id", "two"])).exits(0);
    let short = fs::read_to_string(place.results().join("two/report.json")).unwrap();
    assert!(!short.contains("throughput_within"));
}
