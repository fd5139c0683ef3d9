//! The log of a run as a person meets it: `run.log`, `--log`, and what is in neither.

use crate::support;
use crate::support::cli;
use std::path::Path;

use crate::support::cli::{Place, Ran, SHORT};

fn log_of(run: &Path) -> String {
    std::fs::read_to_string(run.join("run.log")).unwrap()
}

fn run(place: &Place, more: &[&str]) -> Ran {
    let workload = Place::shipped("hot-key.toml");
    let mut arguments = vec!["run", workload.as_str(), "--ui", "none"];
    arguments.extend(["--set", "duration=500ms", "--set", "warmup=0s"]);
    arguments.extend(more);
    place.run(&arguments)
}

#[test]
fn a_run_leaves_a_log_of_its_turning_points_and_says_nothing() {
    let place = Place::new();
    let ran = run(&place, &["-b", "memory,control:no-lock", "--run-id", "mine"]).exits(100);
    assert_eq!(ran.err, "", "nobody asked for lines");
    let log = log_of(&place.only_run());
    for part in [
        "lockbench::run: run mine: workload hot-key, trials per system 1, systems memory, control:no-lock\n",
        "memory answers: version",
        "lockbench itself takes",
        "memory: trial 1 begins",
        "memory: trial 1 ended: ",
        "WARN lockbench::trial: control:no-lock: trial 1: ",
        " double grants (",
        " WARN lockbench::run: exit 100: ",
    ] {
        assert!(log.contains(part), "\"{part}\" is not in\n{log}");
    }
    assert!(!log.contains("DEBUG") && log.is_ascii() && log.ends_with('\n'), "{log}");
    // RFC 3339 times, in order.
    let times: Vec<&str> = log.lines().map(|line| line.split_once("Z ").unwrap().0).collect();
    assert!(times.is_sorted() && times.iter().all(|time| time.len() == "2026-01-01T00:00:00.000".len()), "{log}");
}

#[test]
fn whoever_asks_for_lines_sees_them_too() {
    let place = Place::new();
    let ran = run(&place, &["-b", "memory", "--log", "lockbench=debug"]).exits(0);
    let log = log_of(&place.only_run());
    assert!(log.contains("DEBUG lockbench::trial: memory: trial 1: draining\n"), "{log}");
    assert!(log.contains("written: report.html"), "{log}");
    // The end of the run is told when its file is closed.
    assert!(ran.err.starts_with(&log), "not the same:\n{log}\n{}", ran.err);
}

#[test]
fn a_filter_that_lets_nothing_through_leaves_an_empty_file() {
    let place = Place::new();
    let ran = run(&place, &["-b", "memory", "--log", "off"]).exits(0);
    assert_eq!((ran.err.as_str(), log_of(&place.only_run()).as_str()), ("", ""));
}

#[test]
fn a_bad_filter_is_refused_before_anything_runs() {
    let place = Place::new();
    let ran = run(&place, &["-b", "memory", "--log", "inof"]).exits(2).in_one_message();
    ran.complains(&["--log inof: did you mean \"info\"", "as in info,redis=debug"]);
    assert!(place.entries().is_empty());
}

#[test]
fn each_run_of_a_sweep_has_its_own_log() {
    let place = Place::new();
    run(&place, &["-b", "memory", "--sweep", "clients=1,2", "--run-id", "s"]).exits(0);
    for point in ["s-clients-1", "s-clients-2"] {
        let log = log_of(&place.results().join(point));
        assert_eq!(log.matches(&format!(": run {point}: ")).count(), 1, "{log}");
        assert_eq!(log.matches(": run s-").count(), 1, "{log}");
    }
}

#[test]
fn a_line_is_in_the_file_soon_after_it_was_said() {
    let place = Place::new();
    let workload = Place::shipped("hot-key.toml");
    let arguments = ["run", &workload, "-b", "memory", "--run-id", "mine", "--set", "duration=30s"];
    let mut running = cli::Running::start(&mut place.command(&arguments));
    running.until("[1/1] memory");
    let file = place.results().join(".mine.partial/run.log");
    let begin = std::time::Instant::now();
    while !std::fs::read_to_string(&file).unwrap_or_default().contains("memory: trial 1 begins") {
        assert!(begin.elapsed().as_secs() < 30, "never written");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

#[test]
fn servers_are_in_the_log_with_address_and_pid() {
    if !support::live("no server was started") {
        return;
    }
    let place = Place::new();
    let workload = Place::shipped("hot-key.toml");
    let mut arguments = vec!["run", workload.as_str(), "-b", "redis,postgres:advisory", "--log", "trace"];
    arguments.extend(SHORT);
    place.run(&arguments).exits(0).tells(&["--log has all libraries speak at debug or trace"]);
    let log = log_of(&place.only_run());
    for part in ["redis 7", "answers at redis://127.0.0.1:", " pid ", "redis is stopped", "postgres is stopped"] {
        assert!(log.contains(part), "\"{part}\" is not in\n{log}");
    }
    // At trace the libraries speak as well, also those that use the older `log`.
    assert!(log.contains(" tokio_postgres"), "no library speaks:\n{log}");
}

#[test]
fn a_configuration_file_is_checked_and_found_where_it_should_be() {
    let place = Place::new();
    std::fs::create_dir_all(place.path().join("config/lockbench")).unwrap();
    place.file("config/lockbench/config.toml", "[ui]\ntheme = \"mono\"\nfsp = 3\n");
    let ran = run(&place, &["-b", "memory"]).exits(2).in_one_message();
    ran.complains(&["config/lockbench/config.toml:3: ui.fsp is not a known key: did you mean \"fps\"?"]);
    place.file("config/lockbench/config.toml", "[ui]\ntheme = \"mono\"\nfps = 3\n");
    run(&place, &["-b", "memory", "--log", "debug", "--ascii"])
        .exits(0)
        .complains(&["how a dashboard looks theme=Mono fps=3 ascii=true mouse=true"]);
}

#[test]
fn a_dashboard_without_a_terminal_becomes_plain_lines_and_says_why() {
    let place = Place::new();
    let workload = Place::shipped("hot-key.toml");
    let arguments = ["run", &workload, "-b", "memory", "--ui", "tui", "--set", "duration=500ms", "--set", "warmup=0s"];
    let mut command = place.command(&arguments);
    command.env_remove("CI");
    let ran = cli::Running::start(&mut command).finish(std::time::Duration::from_secs(30)).exits(0);
    let ran = ran.complains(&["no dashboard, plain lines instead: stderr, which it is drawn on, is not a terminal"]);
    ran.complains(&["[1/1] memory"]);
}
