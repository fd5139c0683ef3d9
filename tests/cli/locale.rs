//! Under a locale that has ASCII alone nothing else is shown: in lines, in tables, at the
//! end of a run, in JSON, in messages, and on the screen of the terminal UI.

use crate::support::pty;
use std::time::Duration;

use crate::support::cli::{Place, Ran, Running};

/// Locales whose signs are ASCII.
const LOCALES: [&str; 2] = ["C", "POSIX"];

fn run(place: &Place, locale: &str, arguments: &[&str]) -> Ran {
    Running::start(place.command(arguments).env("LC_ALL", locale)).finish(Duration::from_secs(60))
}

#[test]
fn all_that_is_printed_is_ascii() {
    for locale in LOCALES {
        let place = Place::new();
        place.file("two.toml", "clients = 4\nhold = \"1ms\"\nwarmup = \"100ms\"\nduration = \"300ms\"\n");
        let begin = ["run", "two.toml", "-b", "memory,control:no-lock", "--set", "ttl=4s", "--run-id", "two"];
        let mut seen = vec![run(&place, locale, &begin).exits(100)];
        for (code, arguments) in [
            (0, &["show", "two", "--full"][..]),
            (0, &["show", "two", "--format", "json"]),
            (0, &["ls"]),
            (0, &["watch", "two"]),
            (0, &["report", "two", "--need", "fencing"]),
            (0, &["explain", "two", "1"]),
            (97, &["compare", "two", "two"]),
            (0, &["backends"]),
            (0, &["lints"]),
            (2, &["run", "f\u{fc}r.toml"]),
            (2, &["run", "--f\u{fc}r"]),
        ] {
            seen.push(run(&place, locale, arguments).exits(code));
        }
        for ran in &seen {
            assert!(ran.out.is_ascii(), "{locale}\n{}", ran.out);
            assert!(ran.err.is_ascii(), "{locale}\n{}", ran.err);
        }
        // JSON says the same as ever.
        let told: serde_json::Value = serde_json::from_str(&seen[2].out).unwrap();
        assert_eq!(told["run_id"], "two");
    }
}

#[test]
fn a_locale_with_more_has_more() {
    let place = Place::new();
    place.file("one.toml", "clients = 2\nwarmup = \"0s\"\nduration = \"300ms\"\nbackends = [\"memory\"]\n");
    let ran = run(&place, "C.UTF-8", &["run", "one.toml", "--run-id", "one"]).exits(0);
    assert!(!ran.out.is_ascii(), "{}", ran.out);
}

#[test]
fn the_dashboard_is_drawn_with_ascii() {
    for locale in LOCALES {
        let place = Place::new();
        place.file("one.toml", "clients = 2\nwarmup = \"100ms\"\nduration = \"1s\"\nbackends = [\"memory\"]\n");
        let mut command = place.command(&["run", "one.toml", "--ui", "tui"]);
        let mut pty = pty::Pty::spawn(command.env("LC_ALL", locale), 80, 24);
        pty.wait_for("Load generator");
        let _ = pty.exit();
        let seen = pty.raw();
        assert!(seen.is_ascii(), "{locale}: {}", seen);
    }
}
