//! The whole program on a real (pseudo) terminal: what a person at it sees and presses,
//! and what is left of the terminal afterwards, whatever ended the run.

use crate::support;
use crate::support::cli;
use std::process::Command;

use crate::support::cli::Place;
use crate::support::pty::Pty;
use rustix::process::Signal;

/// What each screen shows, whatever the load does: the tab that is open, and its own words.
const SCREENS: [(&str, &str, &str); 7] = [
    ("2", "[2 Latency]", "p99"),
    ("3", "[3 Contention]", "attempts per second that found it held"),
    ("4", "[4 Safety]", "naive policy"),
    ("5", "[5 Faults]", "The plan injects no faults"),
    ("6", "[6 Servers]", "round trip"),
    ("7", "[7 Log and lints]", "trial 1 begins"),
    ("1", "[1 Overview]", "grants/s"),
];

fn on_terminal(place: &Place, arguments: &[&str]) -> Pty {
    // Empty is as good as not set.
    Pty::spawn(dashboard(place, arguments).env("CI", ""), 120, 40)
}

fn dashboard(place: &Place, arguments: &[&str]) -> Command {
    place.command(arguments)
}

/// What the overview says of a system under load.
const MEASURES: &str = "▶ measure";

/// Long enough to be visited; ended by the test.
const LONG: [&str; 4] = ["--set", "duration=60s", "--set", "warmup=500ms"];

#[test]
fn a_visitor_of_every_screen_freezes_pauses_and_quits() {
    let place = Place::new();
    let backends = if support::live("only the in-process lock is visited") { "memory,redis" } else { "memory" };
    let mut arguments = vec!["quick", "-b", backends];
    arguments.extend(LONG);
    let mut pty = on_terminal(&place, &arguments);
    pty.wait_for(MEASURES);
    for (key, tab, words) in SCREENS {
        pty.keys(key);
        pty.wait_until(&format!("{tab} with {words}"), |pty| {
            let screen = pty.screen();
            screen.contains(tab) && screen.contains(words)
        });
    }
    pty.keys("?");
    pty.wait_for("freeze the display");
    pty.keys("\x1b");
    pty.wait_for_no("freeze the display");
    pty.keys("f");
    pty.wait_for("FROZEN");
    pty.keys("p");
    pty.wait_for("PAUSED");
    assert!(pty.screen().contains("FROZEN"), "two different things:\n{}", pty.screen());
    pty.keys("f");
    pty.wait_for_no("FROZEN");
    pty.keys("p");
    pty.wait_for_no("PAUSED");
    pty.keys("m");
    pty.wait_for("marker dropped");
    pty.keys("w");
    pty.wait_for("written: ");
    pty.resize(80, 24);
    // Tabs are cut short where there is little room.
    pty.wait_for("[1 Over] 2 Lat ");
    pty.keys("q");
    assert_eq!(pty.exit().code(), Some(130));
    pty.assert_sane();
    // The final table stays in the scrollback.
    let seen = pty.history();
    assert!(seen.contains("verdict: exit 130") && seen.contains("files: "), "{seen}");
    let report = place.report();
    assert_eq!(report["complete"], false);
    let notes = report["notes"].to_string();
    assert!(notes.contains("paused by hand") && notes.contains("marker 1 at "), "{notes}");
    let screens = std::fs::read_dir(place.only_run().join("screens")).unwrap();
    assert_eq!(screens.count(), 2, "a text and a picture");
    assert!(place.server_files().is_empty(), "{:?}", place.server_files());
}

#[test]
fn a_run_that_ends_by_itself_leaves_its_table() {
    let place = Place::new();
    let mut arguments = vec!["quick", "-b", "memory"];
    arguments.extend(cli::SHORT);
    let mut pty = on_terminal(&place, &arguments);
    assert_eq!(pty.exit().code(), Some(0));
    pty.assert_sane();
    assert!(pty.raw().contains("\x1b[?1049h"), "there was a dashboard");
    assert!(pty.history().contains("verdict: pass"), "{}", pty.history());
}

#[test]
fn a_dashboard_that_stays_waits_for_its_user() {
    let place = Place::new();
    let mut arguments = vec!["quick", "-b", "memory", "--stay"];
    arguments.extend(cli::SHORT);
    let mut pty = on_terminal(&place, &arguments);
    pty.wait_for("the run is over");
    pty.keys("q");
    assert_eq!(pty.exit().code(), Some(0));
    pty.assert_sane();
}

#[test]
fn a_run_that_cannot_begin_says_why_and_keeps_nobody_waiting() {
    let place = Place::new();
    let mut arguments = vec!["quick", "-b", "memory", "--stay", "--run-id", "taken"];
    arguments.extend(cli::SHORT);
    std::fs::create_dir_all(place.results().join("taken")).unwrap();
    let mut pty = on_terminal(&place, &arguments);
    assert_eq!(pty.exit().code(), Some(2));
    pty.assert_sane();
    assert!(pty.history().contains("taken"), "{}", pty.history());
}

#[test]
fn a_run_in_the_background_leaves_the_terminal_to_the_shell() {
    let place = Place::new();
    let plain = place.command(&[]);
    let mut shell = Command::new("bash");
    for (name, value) in plain.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    shell.args(["--noediting", "--norc", "--noprofile", "-i"]).env("PS1", "ready> ").current_dir(place.path());
    let mut pty = Pty::spawn(&shell, 120, 40);
    pty.wait_for("ready>");
    let program = plain.get_program().to_string_lossy().into_owned();
    pty.keys(&format!("{program} quick -b memory {} & wait $!; echo code $?\n", cli::SHORT.join(" ")));
    pty.wait_for("code 0");
    assert!(!pty.raw().contains("\x1b[?1049h") && !pty.history().contains("Stopped"), "{}", pty.history());
    pty.assert_sane();
    pty.keys("exit\n");
    pty.exit();
}

#[test]
fn lines_of_the_log_are_not_written_over_the_screen() {
    let place = Place::new();
    let mut arguments = vec!["quick", "-b", "memory", "--log", "info"];
    arguments.extend(cli::SHORT);
    let mut pty = on_terminal(&place, &arguments);
    assert_eq!(pty.exit().code(), Some(0));
    let raw = pty.raw();
    let (taken, left) = (raw.find("\x1b[?1049h").unwrap(), raw.rfind("\x1b[?1049l").unwrap());
    assert!(!raw[taken..left].contains("lockbench::trial"), "{}", &raw[taken..left]);
    let log = std::fs::read_to_string(place.only_run().join("run.log")).unwrap();
    assert!(log.contains("lockbench::trial: memory: trial 1 ended"), "{log}");
}

#[test]
fn ctrl_c_is_a_key_and_ends_the_run() {
    let place = Place::new();
    let mut arguments = vec!["quick", "-b", "memory"];
    arguments.extend(LONG);
    let mut pty = on_terminal(&place, &arguments);
    pty.wait_for(MEASURES);
    pty.keys("\x03");
    assert_eq!(pty.exit().code(), Some(130));
    pty.assert_sane();
}

#[test]
fn a_sigterm_leaves_a_sane_terminal_and_a_report() {
    let place = Place::new();
    let mut arguments = vec!["quick", "-b", "memory", "--stay"];
    arguments.extend(LONG);
    let mut pty = on_terminal(&place, &arguments);
    pty.wait_for(MEASURES);
    pty.keys("f");
    pty.wait_for("FROZEN");
    pty.signal(Signal::TERM);
    assert_eq!(pty.exit().code(), Some(143));
    pty.assert_sane();
    let seen = pty.history();
    assert!(seen.contains("verdict: exit 143"), "{seen}");
    // Said while the screen was up, and to be read afterwards.
    assert!(seen.contains("stopping: releasing locks"), "{seen}");
}

#[test]
fn an_interruption_from_outside_leaves_a_screen_that_would_stay() {
    let place = Place::new();
    let mut arguments = vec!["quick", "-b", "memory", "--stay"];
    arguments.extend(LONG);
    let mut pty = on_terminal(&place, &arguments);
    pty.wait_for(MEASURES);
    pty.keys("f");
    pty.wait_for("FROZEN");
    pty.signal(Signal::INT);
    assert_eq!(pty.exit().code(), Some(130));
    pty.assert_sane();
}

#[test]
fn a_terminal_that_goes_away_ends_the_run_in_order() {
    let place = Place::new();
    let backends = if support::live("no server must be stopped") { "memory,redis" } else { "memory" };
    let mut arguments = vec!["quick", "-b", backends];
    arguments.extend(LONG);
    let mut pty = on_terminal(&place, &arguments);
    pty.wait_for(MEASURES);
    pty.hang_up();
    assert_eq!(pty.exit().code(), Some(143));
    let report = place.report();
    assert_eq!((&report["complete"], &report["verdict"]["exit_code"]), (&false.into(), &143.into()));
    assert!(place.server_files().is_empty(), "{:?}", place.server_files());
}

#[test]
fn a_line_that_hangs_for_a_while_is_drawn_on_again() {
    let place = Place::new();
    let mut arguments = vec!["quick", "-b", "memory", "--fps", "30"];
    arguments.extend(LONG);
    let mut pty = on_terminal(&place, &arguments);
    pty.wait_for(MEASURES);
    pty.hang(true);
    // Longer than a frame may take once the line is full.
    std::thread::sleep(std::time::Duration::from_secs(10));
    pty.hang(false);
    pty.keys("5");
    pty.wait_for("The plan injects no faults");
    pty.keys("q");
    assert_eq!(pty.exit().code(), Some(130));
    pty.assert_sane();
}

#[test]
fn a_replay_that_is_told_to_end_leaves_a_sane_terminal() {
    let place = Place::new();
    place.run(&["quick", "-b", "memory", "--run-id", "r", "--set", "duration=5s", "--set", "warmup=0s"]).exits(0);
    for (signal, code) in [(Signal::TERM, 143), (Signal::INT, 130)] {
        let mut pty = on_terminal(&place, &["watch", "r"]);
        pty.wait_for("REPLAY");
        pty.signal(signal);
        assert_eq!(pty.exit().code(), Some(code));
        pty.assert_sane();
    }
}

#[test]
fn a_dashboard_that_panics_gives_the_terminal_back_and_the_run_goes_on() {
    let place = Place::new();
    let mut arguments = vec!["quick", "-b", "memory"];
    arguments.extend(cli::SHORT);
    let mut command = dashboard(&place, &arguments);
    command.env("LOCKBENCH_TEST_PANIC_AT_FRAME", "3");
    let mut pty = Pty::spawn(&command, 120, 40);
    assert_eq!(pty.exit().code(), Some(0));
    pty.assert_sane();
    let seen = pty.history();
    assert!(seen.contains("panicked at"), "the message can be read: {seen}");
    assert!(seen.contains("verdict: pass"), "a display that fails costs no measurement: {seen}");
}

#[test]
fn without_a_terminal_there_are_lines_and_no_error() {
    let place = Place::new();
    let mut arguments = vec!["quick", "-b", "memory", "--ui", "tui"];
    arguments.extend(cli::SHORT);
    let ran = place.run(&arguments).exits(0).complains(&["no dashboard, plain lines instead"]);
    drop(ran);
    for (name, value) in [("CI", "true"), ("TERM", "dumb")] {
        let place = Place::new();
        let mut command = dashboard(&place, &arguments);
        command.env(name, value);
        let mut pty = Pty::spawn(&command, 120, 40);
        assert_eq!(pty.exit().code(), Some(0));
        assert!(!pty.raw().contains("\x1b[?1049h"), "{name}={value}: a dashboard");
        assert!(pty.history().contains("no dashboard"), "{}", pty.history());
        // A bar that cannot be drawn must not swallow what is said.
        assert!(pty.history().contains("starting servers"), "{name}={value}: {}", pty.history());
    }
}
