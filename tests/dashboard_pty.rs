//! The whole program on a real (pseudo) terminal: what a person at it sees and presses,
//! and what is left of the terminal afterwards, whatever ended the run.
#![allow(clippy::unwrap_used)] // clippy allows it in test functions only, not in their helpers

mod cli;
mod pty;
mod support;

use std::process::Command;

use cli::Place;
use pty::Pty;
use rustix::process::Signal;

/// What each screen shows, whatever the load does.
const SCREENS: [(&str, &str); 7] = [
    ("2", "service time"),
    ("3", "Jain"),
    ("4", "double grants"),
    ("5", "No faults are injected"),
    ("6", "round trip"),
    ("7", "log"),
    ("1", "grants/s"),
];

fn on_terminal(place: &Place, arguments: &[&str]) -> Pty {
    Pty::spawn(&dashboard(place, arguments), 120, 40)
}

fn dashboard(place: &Place, arguments: &[&str]) -> Command {
    place.command(arguments)
}

/// Long enough to be visited; ended by the test.
const LONG: [&str; 4] = ["--set", "duration=60s", "--set", "warmup=500ms"];

#[test]
fn a_visitor_of_every_screen_freezes_pauses_and_quits() {
    let place = Place::new();
    let backends = if support::live("only the in-process lock is visited") { "memory,redis" } else { "memory" };
    let mut arguments = vec!["quick", "-b", backends];
    arguments.extend(LONG);
    let mut pty = on_terminal(&place, &arguments);
    pty.wait_for("measur");
    for (key, shown) in SCREENS {
        pty.keys(key);
        pty.wait_until(&format!("{shown} on screen {key}"), |pty| {
            pty.screen().to_lowercase().contains(&shown.to_lowercase())
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
    pty.wait_for("marker");
    pty.keys("w");
    pty.wait_for("screens");
    pty.resize(80, 24);
    pty.wait_until("the compact layout", |pty| !pty.screen().is_empty());
    pty.keys("q");
    assert_eq!(pty.exit().code(), Some(130));
    pty.assert_sane();
    // The final table stays in the scrollback.
    let seen = pty.history();
    assert!(seen.contains("verdict: exit 130") && seen.contains("files: "), "{seen}");
    let report = place.report();
    assert_eq!(report["complete"], false);
    assert!(report["notes"].to_string().contains("paused by hand"), "{}", report["notes"]);
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
fn ctrl_c_is_a_key_and_ends_the_run() {
    let place = Place::new();
    let mut arguments = vec!["quick", "-b", "memory"];
    arguments.extend(LONG);
    let mut pty = on_terminal(&place, &arguments);
    pty.wait_for("measur");
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
    pty.wait_for("measur");
    pty.keys("f");
    pty.wait_for("FROZEN");
    pty.signal(Signal::TERM);
    assert_eq!(pty.exit().code(), Some(143));
    pty.assert_sane();
    assert!(pty.history().contains("verdict: exit 143"), "{}", pty.history());
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
    }
}
