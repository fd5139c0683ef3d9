//! Thresholds and lints as gates, one exit code after another, by running the binary:
//! what is kept, breached, not measured, mistyped, denied; and what wins.

use std::time::Duration;

use crate::support::cli::{Place, Ran, Running};
use lockbench::report::lint::LINTS;
use lockbench::stack::Search;
use rustix::process::Signal;
use serde_json::Value;

/// A load that ends within a second, with few grants.
const SMALL: &str = "clients = 2\nhold = \"5ms\"\nwarmup = \"50ms\"\nduration = \"300ms\"\n";

/// Runs [`SMALL`] and more lines of a plan with flags.
fn run(place: &Place, lines: &str, flags: &[&str]) -> Ran {
    place.file("w.toml", &format!("{SMALL}{lines}"));
    let mut arguments = vec!["run", "w.toml", "--ui", "none"];
    if !flags.contains(&"-b") {
        arguments.extend(["-b", "memory"]);
    }
    arguments.extend(flags);
    place.run(&arguments)
}

/// Runs where no server can be found.
fn run_without_servers(place: &Place, arguments: &[&str]) -> Ran {
    let mut command = place.command(arguments);
    for variable in Search::variables() {
        command.env(variable, "/nonexistent");
    }
    Running::start(&mut command).finish(Duration::from_secs(60))
}

fn lint_of(report: &Value, name: &str) -> Option<Value> {
    report["lints"].as_array().unwrap().iter().find(|lint| lint["name"] == name).cloned()
}

#[test]
fn kept_thresholds_pass_and_are_in_the_report() {
    let place = Place::new();
    let flags = ["--threshold", "throughput{memory} > 1/s", "--threshold", "timeouts<=0.1%;requests_per_grant < 5"];
    run(&place, "thresholds = [\"double_grants == 0\"]\n", &flags).exits(0).tells(&["verdict: pass, exit 0"]);
    let report = place.report();
    let thresholds = report["thresholds"].as_array().unwrap();
    assert_eq!(thresholds.len(), 4, "{thresholds:?}");
    for threshold in thresholds {
        assert_eq!((&threshold["outcome"], &threshold["backend"]), (&"kept".into(), &"memory".into()), "{threshold}");
        assert!(threshold["value"].is_number() && threshold["level"] == "fail", "{threshold}");
    }
    assert_eq!(thresholds[2]["bound"], 0.001);
    // What was run can be run again: the plan that is stored keeps its thresholds.
    let plan = std::fs::read_to_string(place.only_run().join("plan.toml")).unwrap();
    assert!(plan.contains("thresholds = [\"double_grants == 0\"]"), "{plan}");
}

#[test]
fn a_breached_threshold_is_99_wherever_it_was_given() {
    let breached = "throughput >= 900000000/s";
    let told = ["verdict: exit 99", "threshold \"throughput >= 900000000/s\" is breached: throughput of memory is "];
    let place = Place::new();
    run(&place, "", &["--threshold", breached]).exits(99).tells(&told);
    let place = Place::new();
    run(&place, &format!("thresholds = [\"{breached}\"]\n"), &[]).exits(99).tells(&told);
    let place = Place::new();
    run(&place, &format!("thresholds = [{{ text = \"{breached}\" }}]\n"), &[]).exits(99).tells(&told);
    let place = Place::new();
    let mut command = place.command(&["run", "w.toml", "--ui", "none", "-b", "memory"]);
    place.file("w.toml", SMALL);
    command.env("LOCKBENCH_THRESHOLD", format!("jain > 0;{breached}"));
    Running::start(&mut command).finish(Duration::from_secs(60)).exits(99).tells(&told);
}

#[test]
fn a_breached_warning_is_told_and_passes() {
    for (lines, flags) in [
        ("", &["--threshold", "warn: throughput >= 900000000/s"] as &[&str]),
        ("thresholds = [\"warn: throughput >= 900000000/s\"]\n", &[]),
        ("thresholds = [{ text = \"throughput >= 900000000/s\", level = \"warn\" }]\n", &[]),
    ] {
        let place = Place::new();
        run(&place, lines, flags).exits(0);
        let threshold = &place.report()["thresholds"][0];
        assert_eq!((&threshold["outcome"], &threshold["level"]), (&"breached".into(), &"warn".into()), "{threshold}");
        assert_eq!(threshold["text"], "throughput >= 900000000/s");
    }
}

#[test]
fn mistakes_in_thresholds_are_2_before_anything_runs() {
    for (text, parts) in [
        ("acquire.p99 < 20ms", ["did you mean acquire_service.p99 or acquire_response.p99?", "acquire.p99 < 20ms"]),
        ("thruput > 1/s", ["there is no figure \"thruput\"", "did you mean throughput?"]),
        ("acquire_service.p99 < 20", ["acquire_service.p99 is a duration", "\"20\" has no unit"]),
        ("throughput > 20ms", ["throughput is a rate", "such as 1000/s"]),
        ("timeouts < 5", ["timeouts is a share", "a percentage such as 0.1%"]),
        ("double_grants == 1%", ["double_grants is a count", "a whole number"]),
        ("jain{reddis} > 0.5", ["unknown backend \"reddis\"", "did you mean \"redis\"?"]),
        ("jain{etcd} > 0.5", ["etcd takes no part in this run of memory", "-b"]),
        ("wran: jain > 0.5", ["\"wran\" is no level", "`warn:`"]),
    ] {
        let place = Place::new();
        let told = format!("--threshold: threshold \"{text}\": ");
        run(&place, "", &["--threshold", text]).exits(2).in_one_message().complains(&[&told]).complains(&parts);
        assert!(place.entries().is_empty() && place.server_files().is_empty(), "{:?}", place.entries());
        // In a plan the line is named, and `check` says the same.
        let lines = format!("thresholds = [\n  \"double_grants == 0\",\n  \"{text}\",\n]\n");
        run(&place, &lines, &[]).exits(2).in_one_message().complains(&["w.toml:7: threshold \""]).complains(&parts);
        assert!(place.entries().is_empty(), "{:?}", place.entries());
        let checked = place.run(&["check", "w.toml", "-b", "memory"]).exits(2);
        checked.in_one_message().complains(&["w.toml:7: threshold \""]).complains(&parts);
    }
}

#[test]
fn mistakes_in_lints_are_2_before_anything_runs() {
    for flag in ["-A", "-W", "--deny"] {
        let place = Place::new();
        let ran = run(&place, "", &[flag, "loopbak"]).exits(2).in_one_message();
        ran.complains(&["unknown lint \"loopbak\"", "did you mean \"loopback\"?", "lockbench lints"]);
        assert!(place.entries().is_empty(), "{:?}", place.entries());
    }
    let place = Place::new();
    let ran = run(&place, "[lints]\nloopback = \"warn\"\nloopbak = \"deny\"\n", &[]).exits(2).in_one_message();
    ran.complains(&["w.toml:7: unknown lint \"loopbak\""]);
    let ran = run(&place, "lints = { loopback = \"deni\" }\n", &[]).exits(2).in_one_message();
    ran.complains(&["w.toml:5: lints.loopback = \"deni\"", "did you mean \"deny\"?"]);
    let ran = run(&place, "", &["-A", "loopback", "-D", "self-stall,loopback"]).exits(2).in_one_message();
    ran.complains(&["\"loopback\" is given to --allow and to --deny"]);
    assert!(place.entries().is_empty(), "{:?}", place.entries());
}

#[test]
fn a_gated_figure_that_does_not_exist_is_inconclusive() {
    let place = Place::new();
    let ran = run(&place, "", &["--threshold", "renew.p99 < 1s"]).exits(97);
    ran.tells(&["threshold \"renew.p99 < 1s\" cannot be judged", "no renewal was made"]);
    assert_eq!(place.report()["thresholds"][0]["outcome"], "not-measured");
    // A percentile of too few is none, however low.
    let place = Place::new();
    let ran = run(&place, "", &["--threshold", "acquire_service.p999 < 1h"]).exits(97);
    ran.tells(&["cannot be judged", "samples, needs 10000"]);
    // A warning is told only.
    let place = Place::new();
    run(&place, "", &["--threshold", "warn: renew.p99 < 1s"]).exits(0);
    assert_eq!(place.report()["thresholds"][0]["outcome"], "not-measured");
}

#[test]
fn a_gate_on_a_default_system_that_was_skipped_is_inconclusive() {
    let quick = |threshold: &str| {
        let sets = ["--set", "duration=300ms", "--set", "warmup=50ms", "--set", "clients=2"];
        let mut arguments = vec!["quick", "--ui", "none", "--threshold", threshold];
        arguments.extend(sets);
        run_without_servers(&Place::new(), &arguments)
    };
    let ran = quick("double_grants{redis} == 0").exits(97);
    ran.tells(&["threshold \"double_grants{redis} == 0\" cannot be judged", "it did not run: ", "was not found"]);
    // Without names it is for every system, skipped ones too.
    quick("double_grants == 0").exits(97).tells(&["double_grants of etcd does not exist"]);
    quick("double_grants{memory, sqlite} == 0").exits(0);
}

#[test]
fn a_system_asked_for_by_name_that_is_missing_is_3_whatever_is_gated() {
    let place = Place::new();
    place.file("w.toml", SMALL);
    let arguments = ["run", "w.toml", "--ui", "none", "-b", "memory,redis", "--threshold", "double_grants{redis} == 0"];
    let ran = run_without_servers(&place, &arguments).exits(3);
    ran.tells(&["verdict: exit 3", "was not found", "cannot be judged: double_grants of redis does not exist"]);
}

#[test]
fn a_denied_lint_is_99_and_an_allowed_one_is_not_kept() {
    // A dozen grants are too few for any high percentile.
    let lint = "too-few-samples";
    let place = Place::new();
    run(&place, "", &[]).exits(0).tells(&["too-few-samples", "a p99 needs 1 000", "lengthen duration"]);
    let found = lint_of(&place.report(), lint).unwrap();
    assert_eq!((&found["level"], &found["backend"]), (&"warn".into(), &"memory".into()), "{found}");
    let place = Place::new();
    let told = ["verdict: exit 99", "denied lint too-few-samples: memory: ", "a p99 needs 1 000"];
    run(&place, "", &["-D", lint]).exits(99).tells(&told);
    assert_eq!(lint_of(&place.report(), lint).unwrap()["level"], "deny");
    let place = Place::new();
    run(&place, "", &["-A", lint]).exits(0);
    assert_eq!(lint_of(&place.report(), lint), None);
    let denied = "lints = { too-few-samples = \"deny\" }\n";
    run(&Place::new(), denied, &[]).exits(99).tells(&told);
    // Flags win over the plan.
    run(&Place::new(), denied, &["--warn", lint]).exits(0).tells(&[lint]);
}

#[test]
fn a_denied_lint_that_cannot_be_judged_is_inconclusive() {
    let ran = run(&Place::new(), "", &["-D", "warm-up-not-steady"]).exits(97);
    ran.tells(&["denied lint warm-up-not-steady cannot be judged: memory: ", "telling needs 5"]);
}

#[test]
fn the_most_severe_gate_decides_and_all_are_told() {
    let flags = ["--threshold", "renew.p99 < 1s;throughput > 900000000/s", "-D", "too-few-samples"];
    let ran = run(&Place::new(), "", &flags).exits(99);
    ran.tells(&["is breached", "denied lint too-few-samples", "threshold \"renew.p99 < 1s\" cannot be judged"]);
    let flags = ["-b", "control:no-lock", "--threshold", "double_grants == 0"];
    let ran = run(&Place::new(), "", &flags).exits(100);
    ran.tells(&["verdict: exit 100", "threshold \"double_grants == 0\" is breached: double_grants of control:no-lock"]);
}

#[test]
fn an_interrupted_run_is_judged_and_stays_interrupted() {
    let place = Place::new();
    place.file("w.toml", SMALL);
    let flags = ["--set", "duration=30s", "--threshold", "throughput > 900000000/s"];
    let mut arguments = vec!["run", "w.toml", "-b", "memory", "--ui", "plain"];
    arguments.extend(flags);
    let mut running = Running::start(&mut place.command(&arguments));
    running.until("[1/1] ");
    std::thread::sleep(Duration::from_millis(500));
    running.signal(Signal::INT);
    running.finish(Duration::from_secs(20)).exits(130).tells(&["interrupted (SIGINT)", "is breached"]);
    assert_eq!(place.report()["thresholds"][0]["outcome"], "breached");
}

#[test]
fn check_shows_thresholds_as_understood_and_offers_some_to_paste() {
    let place = Place::new();
    let bounds = "thresholds = [\"acquire_service.p99{postgres} < 0.02s\", \"warn: timeouts<=0.1 %\"]\n";
    place.file("w.toml", &format!("{SMALL}{bounds}lints = {{ loopback = \"deny\" }}\n"));
    place.run(&["check", "w.toml", "-b", "postgres,memory"]).exits(0).tells(&[
        "acquire_service.p99 < 20ms (from the call to the grant: service time) on postgres:advisory; breached: exit 99",
        "timeouts <= 0.1% (share of attempts that timed out) on every system; breached: a warning",
        "lints: loopback = deny",
    ]);
    place.file("w.toml", SMALL);
    let offered = place.run(&["check", "w.toml", "-b", "memory"]).exits(0).out;
    let (_, paste) = offered.split_once("thresholds = [").unwrap();
    let paste = format!("thresholds = [{}]\n", paste.split_once(']').unwrap().0);
    place.file("w.toml", &format!("{SMALL}{paste}"));
    place.run(&["check", "w.toml", "-b", "memory"]).exits(0).tells(&[
        "acquire_service.p99 <= 50ms",
        "contention <= 20%",
        "timeouts <= 0.1%",
    ]);
}

#[test]
fn lints_lists_every_lint_with_level_and_advice() {
    let ran = Place::new().run(&["lints"]).exits(0);
    for lint in LINTS {
        let row = ran
            .out
            .lines()
            .find(|line| line.trim_start().starts_with(lint.name) && line.ends_with(lint.default.name()));
        assert!(row.is_some(), "{} is not in\n{}", lint.name, ran.out);
        assert!(ran.out.contains(&format!("{}: {}.\n  help: {}\n", lint.name, lint.looks_for, lint.advice)));
    }
}
