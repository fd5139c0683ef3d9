//! What `export` writes for judges outside, judged by one: a checker of linearizability
//! written here from nothing but the rules of the formats. Of a sound lock every
//! history is that of a mutex; of one that locks nothing none is.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use crate::support::cli::{Place, files_below};
use serde_json::Value;

/// A row of any format: process, is it a release, and what it says.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Row {
    process: u64,
    release: bool,
    says: String,
}

fn row(process: u64, operation: &str, says: &str) -> Row {
    Row { process, release: operation == "release", says: says.to_owned() }
}

/// Reads EDN: one map of keywords a line.
fn edn(text: &str) -> Vec<Row> {
    let field = |line: &str, name: &str| {
        let (_, rest) = line.split_once(&format!(":{name} ")).unwrap();
        rest.split([',', '}']).next().unwrap().trim().trim_start_matches(':').to_owned()
    };
    let read = |line: &str| row(field(line, "process").parse().unwrap(), &field(line, "f"), &field(line, "type"));
    text.lines().map(read).collect()
}

/// Reads elle-cli's JSON array.
fn elle(text: &str) -> Vec<Row> {
    let rows: Vec<Value> = serde_json::from_str(text).unwrap();
    let text = |row: &Value, name: &str| row[name].as_str().unwrap().to_owned();
    rows.iter().map(|r| row(r["process"].as_u64().unwrap(), &text(r, "f"), &text(r, "type"))).collect()
}

/// Reads Porcupine's lines: whole intervals, closed, so that calls come before returns
/// of the same instant. The server's word is taken.
fn porcupine(text: &str) -> Vec<Row> {
    let mut ends = Vec::new();
    for (process, line) in (0..).zip(text.lines()) {
        let line: Value = serde_json::from_str(line).unwrap();
        let operation = line["kind"].as_str().unwrap();
        let says = match line["outcome"].as_str().unwrap() {
            "ok" => "ok",
            "unknown" | "died" | "lost" | "open" => "info",
            "unavailable" if operation == "release" => "info",
            _ => "fail",
        };
        ends.push(((line["call"].as_u64().unwrap(), 0), row(process, operation, "invoke")));
        ends.push(((line["return"].as_u64().unwrap(), 1), row(process, operation, says)));
    }
    ends.sort_by_key(|(at, _)| *at);
    ends.into_iter().map(|(_, row)| row).collect()
}

/// Can the operations be put in an order, each between its invocation and its
/// completion, in which a mutex is acquired only when free and released only when held?
/// Knows after each row every state that is possible: whether the mutex is held, and
/// which of the open operations have taken effect. They take effect only when one of
/// them is needed (lazily), which loses none.
fn is_mutex(rows: &[Row]) -> bool {
    let mut failed = vec![false; rows.len()];
    let mut open: BTreeMap<u64, usize> = BTreeMap::new();
    for (i, row) in rows.iter().enumerate() {
        if row.says == "invoke" {
            assert!(open.insert(row.process, i).is_none(), "two operations of one process open at once");
        } else {
            let invoked = open.remove(&row.process).unwrap();
            failed[invoked] = row.says == "fail";
        }
    }
    let mut pending: BTreeMap<u64, bool> = BTreeMap::new();
    let mut states = BTreeSet::from([(false, BTreeSet::new())]);
    for (i, row) in rows.iter().enumerate() {
        if row.says == "invoke" && !failed[i] {
            pending.insert(row.process, row.release);
        } else if row.says == "ok" {
            states = after(states, &pending, row.process);
            pending.remove(&row.process);
            if states.is_empty() {
                return false;
            }
        }
    }
    true
}

type State = (bool, BTreeSet<u64>);

/// The states in which this process's operation has taken effect.
fn after(states: BTreeSet<State>, pending: &BTreeMap<u64, bool>, process: u64) -> BTreeSet<State> {
    let (mut seen, mut work): (BTreeSet<State>, Vec<State>) = (states.clone(), states.into_iter().collect());
    let mut done = BTreeSet::new();
    while let Some((held, mut taken)) = work.pop() {
        if taken.remove(&process) {
            done.insert((held, taken));
            continue;
        }
        for (other, release) in pending.iter().filter(|(other, release)| !taken.contains(other) && **release == held) {
            let mut more = taken.clone();
            more.insert(*other);
            if seen.insert((!release, more.clone())) {
                work.push((!release, more));
            }
        }
    }
    done
}

#[test]
fn the_judge_knows_a_mutex_from_two_holders() {
    let rows = |told: &[(u64, &str, &str)]| -> Vec<Row> { told.iter().map(|(p, f, t)| row(*p, f, t)).collect() };
    let (acquire, release) = ("acquire", "release");
    let handed_over = [
        (0, acquire, "invoke"),
        (1, acquire, "invoke"),
        (1, acquire, "ok"),
        (1, release, "invoke"),
        (0, acquire, "ok"),
        (1, release, "ok"),
    ];
    assert!(is_mutex(&rows(&handed_over)));
    let mut twice = handed_over;
    twice.swap(3, 4);
    assert!(!is_mutex(&rows(&twice)));
    // A release that failed frees nothing; one of which nobody knows may.
    let last = |says| [(0, acquire, "invoke"), (0, acquire, "ok"), (0, release, "invoke"), (0, release, says)];
    let next = [(1, acquire, "invoke"), (1, acquire, "ok")];
    for (says, fine) in [("ok", true), ("fail", false), ("info", true)] {
        assert_eq!(is_mutex(&rows(&[&last(says)[..], &next].concat())), fine, "{says}");
    }
    assert!(!is_mutex(&rows(&[(0, release, "invoke"), (0, release, "ok")])));
}

/// Runs a plan on one system, exports its history, and returns the files of each
/// format with what the judge says.
fn judged(backend: &str, more: &str, code: i32) -> Vec<(PathBuf, bool)> {
    let place = Place::new();
    let text = "clients = 5\nhold = \"1ms\"\nttl = \"4s\"\nwarmup = \"0s\"\nduration = \"2s\"\n";
    place.file("plan.toml", &format!("{text}backends = [\"{backend}\"]\n{more}\n"));
    place.run(&["run", "plan.toml", "--run-id", "r"]).exits(code);
    place.run(&["export", "r", "--to", "edn,elle,porcupine"]).exits(0);
    let mut all = Vec::new();
    for path in files_below(&place.results().join("r/histories")) {
        let text = fs::read_to_string(&path).unwrap();
        let rows = match path.extension().unwrap().to_str().unwrap() {
            "edn" => edn(&text),
            "json" => elle(&text),
            _ => porcupine(&text),
        };
        assert!(rows.len() > 20, "{}: {} rows", path.display(), rows.len());
        all.push((path, is_mutex(&rows)));
    }
    all
}

#[test]
fn every_format_of_a_sound_lock_is_the_history_of_a_mutex() {
    for backend in ["memory", "sqlite"] {
        let files = judged(backend, "", 0);
        assert_eq!(files.len(), 5);
        assert!(files.iter().all(|(_, mutex)| *mutex), "{files:?}");
    }
}

#[test]
fn every_format_of_a_lock_that_locks_nothing_is_refused() {
    let files = judged("control:no-lock", "", 100);
    assert_eq!(files.len(), 5);
    assert!(files.iter().all(|(_, mutex)| !mutex), "{files:?}");
}

#[test]
fn a_key_is_judged_alone() {
    let files = judged("memory", "keys = { kind = \"uniform\", count = 3 }", 0);
    let keys: Vec<_> = files.iter().filter(|(path, _)| path.extension().unwrap() != "jsonl").collect();
    assert_eq!(keys.len(), 12);
    assert!(keys.iter().all(|(_, mutex)| *mutex), "{files:?}");
}

#[test]
fn a_cut_history_is_judged_up_to_its_cut() {
    let window = "history = { kind = \"window\", attempts = 40 }";
    assert!(judged("memory", window, 0).iter().all(|(_, mutex)| *mutex));
    assert!(judged("control:no-lock", window, 100).iter().all(|(_, mutex)| !mutex));
}

#[test]
fn where_a_late_release_found_its_lease_gone_both_sides_have_a_file() {
    // Nobody else comes until the release is over: to the client all was well.
    let lapsed = "renewal = \"off\"\nclients = 1\nhold = \"60ms\"\n";
    let place = Place::new();
    let text = "ttl = \"50ms\"\nwarmup = \"0s\"\nduration = \"1s\"\nbackends = [\"memory\"]\n";
    place.file("plan.toml", &format!("{lapsed}{text}"));
    let ran = place.run(&["run", "plan.toml", "--run-id", "r"]);
    assert!([0, 97].contains(&ran.code), "{}{}", ran.out, ran.err);
    place.run(&["export", "r", "--to", "edn"]).exits(0);
    let read = |variant: &str| {
        edn(&fs::read_to_string(place.results().join(format!("r/histories/memory-t1-k0.{variant}.edn"))).unwrap())
    };
    assert!(read("strict").iter().any(|row| row.release && row.says == "fail"));
    assert!(!is_mutex(&read("strict")));
    assert!(is_mutex(&read("belief")));
}
