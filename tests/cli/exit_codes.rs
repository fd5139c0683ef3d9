//! Each documented exit code, proved by running the binary: one line of [`CASES`] a
//! case. More of each kind is in `cli_bad_input`, `cli_stored_bad_input`,
//! `cli_faults`, `cli_verdicts`, `cli_controls` and `cli_signals`.

use std::fs;
use std::time::Duration;

use crate::support::cli::{Place, Running};
use lockbench::report::Exit;
use rustix::process::Signal;

/// A command line and how it ends.
struct Case {
    exit: Exit,
    /// What it is a case of.
    what: &'static str,
    arguments: &'static [&'static str],
    /// What is said, on either stream.
    says: &'static str,
}

const fn case(exit: Exit, what: &'static str, arguments: &'static [&'static str], says: &'static str) -> Case {
    Case { exit, what, arguments, says }
}

/// Words of a run: `w.toml` is a short one on one key, `idle.toml` grants nothing.
static CASES: &[Case] = &[
    case(Exit::Pass, "a correct lock", &["run", "w.toml", "-b", "memory"], "verdict: pass, exit 0"),
    case(Exit::Pass, "a valid workload", &["check", "w.toml"], "valid"),
    case(Exit::Pass, "showing a violated run is not judging it", &["show", "violated"], "verdict: exit 100"),
    case(Exit::Pass, "an empty results directory", &["ls", "-o", "empty"], "no runs in empty"),
    case(Exit::Internal, "an unwritable place", &["run", "w.toml", "-b", "memory", "-o", "w.toml"], "cannot write"),
    case(Exit::Internal, "a report elsewhere", &["report", "violated", "--to", "w.toml"], "cannot write"),
    case(Exit::Internal, "a damaged run", &["show", "damaged"], "is damaged"),
    case(Exit::Usage, "an unknown flag", &["run", "w.toml", "--nonsense"], "--nonsense"),
    case(Exit::Usage, "a wrong plan", &["run", "w.toml", "--set", "clients=0"], "clients"),
    case(Exit::Usage, "an unknown system", &["run", "w.toml", "-b", "reddis"], "did you mean \"redis\"?"),
    case(Exit::Usage, "a missing run", &["show", "nix"], "there is no run nix"),
    case(Exit::Usage, "an unknown format", &["export", "violated", "--to", "pdf"], "unknown format"),
    case(
        Exit::Usage,
        "an unknown figure in a threshold",
        &["run", "w.toml", "-b", "memory", "--threshold", "acquire.p99 < 1s"],
        "acquire_service.p99",
    ),
    case(
        Exit::Threshold,
        "a threshold that no lock can keep",
        &["run", "w.toml", "-b", "memory", "--threshold", "throughput > 1000000000000/s"],
        "throughput",
    ),
    case(Exit::Regression, "a run that is slower than its baseline", &["compare", "usual", "slow"], "REGRESSION"),
    case(Exit::Pass, "a run as fast as its baseline", &["compare", "usual", "same"], "no regression"),
    case(
        Exit::Inconclusive,
        "a gated figure that does not exist",
        &["run", "w.toml", "-b", "memory", "--threshold", "renew.p99 < 1s"],
        "renew.p99",
    ),
    case(Exit::Backend, "an unreachable system", UNREACHABLE, "verdict: exit 3"),
    case(Exit::Backend, "a system that no server was given for", NOT_GIVEN, "no --endpoint redis=URL"),
    case(Exit::Inconclusive, "zero grants", &["run", "idle.toml", "-b", "memory"], "zero grants"),
    case(
        Exit::Inconclusive,
        "a control that cannot be exposed",
        &["run", "w.toml", "-b", "control:no-renew"],
        "not caught",
    ),
    case(Exit::Violation, "a lock that locks nothing", &["run", "w.toml", "-b", "control:no-lock"], "double grant"),
];

const UNREACHABLE: &[&str] = &["run", "w.toml", "-b", "redis,memory", "--endpoint", "redis=redis://127.0.0.1:1"];
const NOT_GIVEN: &[&str] = &["run", "w.toml", "-b", "redis", "--stack", "external"];

/// Codes that only a running load can end with.
const BY_SIGNAL: [(Exit, Signal); 2] = [(Exit::Interrupted, Signal::INT), (Exit::Terminated, Signal::TERM)];

fn place() -> Place {
    let place = Place::new();
    place.file("w.toml", "clients = 4\nttl = \"4s\"\nwarmup = \"0s\"\nduration = \"500ms\"\n");
    // Nobody's attempt begins within the measured time: the first hold fills it.
    let idle = "clients = 2\nhold = \"1500ms\"\nttl = \"20s\"\nwarmup = \"200ms\"\nduration = \"500ms\"\n\
                acquire = { mode = \"wait\", timeout = \"300ms\" }\n";
    place.file("idle.toml", idle);
    place.run(&["run", "w.toml", "-b", "control:no-lock", "--run-id", "violated"]).exits(100);
    place.run(&["run", "w.toml", "-b", "memory", "--run-id", "usual", "--trials", "5"]).exits(0);
    for (id, rate) in [("usual", 800.0), ("same", 800.0), ("slow", 500.0)] {
        paced(&place, id, rate);
    }
    fs::create_dir(place.path().join("empty")).unwrap();
    fs::create_dir(place.results().join("damaged")).unwrap();
    fs::write(place.results().join("damaged/report.json"), "{").unwrap();
    place
}

/// The run `usual` at another pace, as `id`: a loaded machine must not decide.
fn paced(place: &Place, id: &str, rate: f64) {
    let usual = fs::read(place.results().join("usual/report.json")).unwrap();
    let mut report: serde_json::Value = serde_json::from_slice(&usual).unwrap();
    report["run_id"] = id.into();
    for result in report["results"].as_array_mut().unwrap() {
        result["throughput_per_s"] = rate.into();
        result["latency"]["acquire_service"]["p99_ns"] = serde_json::Value::Null;
    }
    fs::create_dir_all(place.results().join(id)).unwrap();
    fs::write(place.results().join(id).join("report.json"), report.to_string()).unwrap();
}

#[test]
fn every_case_ends_with_its_code() {
    let place = place();
    for case in CASES {
        let ran = place.run(case.arguments);
        let said = format!("{}{}", ran.out, ran.err);
        assert_eq!(ran.code, i32::from(case.exit.code()), "{}: {said}", case.what);
        assert!(said.contains(case.says), "{}: \"{}\" is not in {said}", case.what, case.says);
    }
}

#[test]
fn a_signal_has_its_code() {
    let place = place();
    for (exit, signal) in BY_SIGNAL {
        let arguments = ["run", "w.toml", "-b", "memory", "--set", "duration=30s"];
        let mut run = Running::start(&mut place.command(&arguments));
        run.until("[1/1] ");
        run.signal(signal);
        run.finish(Duration::from_secs(10)).exits(exit.code().into());
    }
}

#[test]
fn every_documented_code_has_a_case() {
    for exit in Exit::ALL {
        let signal = BY_SIGNAL.iter().any(|(by, _)| *by == exit);
        assert!(signal || CASES.iter().any(|case| case.exit == exit), "{exit:?} ({}) is not proved", exit.code());
    }
}

#[test]
fn the_report_says_the_code_that_the_process_ended_with() {
    let place = place();
    for (backend, code) in [("memory", 0), ("control:no-renew", 97), ("control:no-lock", 100)] {
        let id = format!("of-{code}");
        let ran = place.run(&["run", "w.toml", "-b", backend, "--run-id", &id, "--format", "json"]).exits(code);
        let report: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
        assert_eq!(report["verdict"]["exit_code"], code);
        assert_eq!(report["verdict"]["reasons"].as_array().unwrap().is_empty(), code == 0);
        place.run(&["ls"]).exits(0).tells(&[&format!("({code})")]);
    }
}
