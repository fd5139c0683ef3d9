//! What comes in from a file that others may have written: every number is one that a run
//! can have, so that no sum of a few of them is too large, and every id is one that the
//! command line would take.

use std::collections::BTreeSet;

use serde::de::{Deserializer, SeqAccess, Visitor};
use serde_json::Value;

use super::measured::Measurements;
use super::store::usable_id;
use lockbench_core::record::figures::{Counts, Window};
use lockbench_core::record::history::named;

/// Largest number of a report: as instants go, 73 years in nanoseconds.
const MOST: u64 = 1 << 61;
/// Largest number of a report that is not whole.
const MOST_F64: f64 = 1e18;
/// More of anything than a second can have.
const MOST_A_SECOND: u64 = 1 << 40;
/// More of anything than a trial can have.
const MOST_A_TRIAL: u64 = 1 << 48;
/// Trials of one file: each has its histograms.
const MOST_TRIALS: usize = 2_000;
/// Different systems of one run: every chart draws each of them.
const MOST_SYSTEMS: usize = 64;
/// Windows of a trial: two months.
const MOST_WINDOWS: usize = 5_400_000;
/// More clients than any plan can have.
const MOST_CLIENTS: usize = 100_000;
/// Fields that may hold any whole number.
const ANY: [&str; 2] = ["token", "seed"];

/// Are all numbers of a report, a status or a sweep such as a run can have, and its ids
/// usable?
///
/// # Errors
/// Says which is not, by its path.
pub fn sane(value: &Value) -> Result<(), String> {
    numbers(value, &mut Vec::new())?;
    match &value["run_id"] {
        Value::String(id) if !usable_id(id) => Err(format!("run_id: {id:?} is no id of a run")),
        _ => Ok(()),
    }?;
    for list in ["results", "aggregates", "skipped", "systems"] {
        let entries = || value[list].as_array().into_iter().flatten();
        if entries().count() > MOST_TRIALS {
            return Err(format!("{list}: more than {MOST_TRIALS} entries, more than a run can have"));
        }
        let systems: BTreeSet<&str> = entries().filter_map(|entry| entry["backend"].as_str()).collect();
        if systems.len() > MOST_SYSTEMS {
            return Err(format!("{list}: {} systems, more than a run can have", systems.len()));
        }
        for (at, entry) in value[list].as_array().into_iter().flatten().enumerate() {
            let name = entry["backend"].as_str().unwrap_or("absent");
            named(name).map_err(|problem| format!("{list}[{at}].backend: {problem}"))?;
        }
    }
    Ok(())
}

/// Walks through a value; `path` leads to it.
fn numbers<'a>(value: &'a Value, path: &mut Vec<Step<'a>>) -> Result<(), String> {
    match value {
        Value::Null | Value::Bool(_) | Value::String(_) => Ok(()),
        Value::Number(number) => {
            let any = matches!(path.last(), Some(Step::Field(name)) if ANY.contains(name));
            let fits = match (number.as_u64(), number.as_f64()) {
                (Some(whole), _) => any || whole <= MOST,
                (None, real) => real.is_some_and(|real| real.abs() <= MOST_F64),
            };
            if fits { Ok(()) } else { Err(format!("{}: {number} is no figure of a run", shown(path))) }
        }
        Value::Array(list) => list.iter().enumerate().try_for_each(|(at, value)| {
            path.push(Step::Place(at));
            numbers(value, path)?;
            path.pop();
            Ok(())
        }),
        Value::Object(fields) => fields.iter().try_for_each(|(name, value)| {
            path.push(Step::Field(name));
            numbers(value, path)?;
            path.pop();
            Ok(())
        }),
    }
}

enum Step<'a> {
    Field(&'a str),
    Place(usize),
}

fn shown(path: &[Step<'_>]) -> String {
    let mut text = String::new();
    for step in path {
        match step {
            Step::Field(name) if text.is_empty() => text += name,
            Step::Field(name) => text += &format!(".{name}"),
            Step::Place(at) => text += &format!("[{at}]"),
        }
    }
    text
}

/// The trials of a file, as soon as there are too many no more of them.
pub struct Trials(pub Vec<Measurements>);

impl<'de> serde::Deserialize<'de> for Trials {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Few;
        impl<'de> Visitor<'de> for Few {
            type Value = Trials;

            fn expecting(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(to, "at most {MOST_TRIALS} trials")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<Trials, A::Error> {
                let mut trials = Vec::new();
                while let Some(trial) = entries.next_element::<Measurements>()? {
                    if trials.len() == MOST_TRIALS {
                        return Err(serde::de::Error::custom(format!("more than {MOST_TRIALS} trials")));
                    }
                    trials.push(trial);
                }
                Ok(Trials(trials))
            }
        }
        deserializer.deserialize_seq(Few)
    }
}

/// Is all that was measured in a trial such as a run can measure?
///
/// # Errors
/// Says what is not, and of which trial.
pub fn sane_trial(trial: &Measurements) -> Result<(), String> {
    named(&trial.backend)?;
    let wrong = |what: &str| Err(format!("{} trial {}: {what}", trial.backend, trial.trial));
    let sizes = trial.clients as usize <= MOST_CLIENTS
        && trial.grants_of.len() <= MOST_CLIENTS
        && trial.longest_wait_of.len() <= MOST_CLIENTS
        && trial.windows.len() <= MOST_WINDOWS
        && trial.double_grants.len() <= MOST_WINDOWS;
    if !sizes {
        return wrong("it has more clients or seconds than a run can have");
    }
    if [trial.start_ns, trial.warmup_ns, trial.measured_ns].iter().any(|ns| *ns > MOST / 4) {
        return wrong("its phases are impossible");
    }
    if trial.marks.iter().any(|mark| mark.from_ns > mark.to_ns || mark.to_ns > MOST) {
        return wrong("a pause or marker is at an impossible instant");
    }
    let waits = trial.longest_wait_of.iter().all(|ns| *ns <= MOST);
    if !waits || trial.grants_of.iter().any(|grants| *grants > MOST_A_TRIAL) || !sane_counts(&trial.counts) {
        return wrong("a count or wait is larger than a run can have");
    }
    if trial.double_grants.iter().any(|doubles| *doubles > MOST_A_SECOND) {
        return wrong("more double grants in a second than there can be");
    }
    match (0..).zip(&trial.windows).find(|(second, window)| window.second != *second || !sane_window(window)) {
        Some((second, _)) => wrong(&format!("its second {second} is not in its place, or impossible")),
        None => Ok(()),
    }
}

fn sane_window(window: &Window) -> bool {
    [window.grants, window.timed_out, window.failed].iter().all(|count| *count <= MOST_A_SECOND)
        && [window.p50_ns, window.p99_ns, window.max_ns].into_iter().flatten().all(|ns| ns <= MOST)
}

/// By its stored form: a count that comes to them later is looked at as well.
fn sane_counts(counts: &Counts) -> bool {
    let fields = serde_json::to_value(counts).unwrap_or_default();
    let most = |name: &str| if name.ends_with("_ns") { MOST } else { MOST_A_TRIAL };
    let fits = |(name, value): (&String, &Value)| value.as_u64().is_none_or(|count| count <= most(name));
    fields.as_object().is_some_and(|fields| fields.iter().all(fits))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{sane, sane_trial};
    use crate::Measurements;
    use lockbench_core::record::figures::Window;

    #[test]
    fn a_report_names_the_field_that_no_run_can_have() {
        let whole = json!({
            "run_id": "20261120T073501Z-hot-key-1a2b",
            "plan": { "seed": u64::MAX },
            "results": [{ "backend": "postgres:advisory", "grants": 3, "safety": { "token": u64::MAX, "x": 1.5 } }],
        });
        assert_eq!(sane(&whole), Ok(()));
        for (pointer, value, told) in [
            ("/results/0/grants", json!(u64::MAX), "results[0].grants: 18446744073709551615"),
            ("/results/0/safety/x", json!(1e300), "results[0].safety.x: "),
            ("/results/0/backend", json!("../../evil"), "results[0].backend: \"../../evil\" is no name"),
            ("/results/0/backend", json!("red\u{1b}is"), "results[0].backend: "),
            ("/run_id", json!("../../evil"), "run_id: \"../../evil\" is no id"),
            ("/run_id", json!("a\u{202e}b"), "run_id: "),
        ] {
            let mut one = whole.clone();
            *one.pointer_mut(pointer).unwrap() = value;
            let problem = sane(&one).unwrap_err();
            assert!(problem.starts_with(told), "{problem}");
        }
    }

    #[test]
    fn a_report_has_no_more_trials_and_systems_than_a_run_can_have() {
        let report = |names: Vec<String>| json!({ "results": names.iter().map(|name| json!({ "backend": name })).collect::<Vec<_>>() });
        assert_eq!(sane(&report(vec!["redis".to_owned(); 2_000])), Ok(()));
        assert!(sane(&report(vec!["redis".to_owned(); 2_001])).unwrap_err().contains("more than 2000 entries"));
        let many = |count: u32| (0..count).map(|number| format!("s{number}")).collect();
        assert_eq!(sane(&report(many(64))), Ok(()));
        assert!(sane(&report(many(65))).unwrap_err().contains("65 systems"));
    }

    #[test]
    fn a_trial_is_one_that_a_run_can_measure() {
        let trial = || Measurements { backend: "redis".to_owned(), trial: 1, ..Measurements::default() };
        assert_eq!(sane_trial(&trial()), Ok(()));
        let window = |second, grants| Window { second, grants, ..Window::default() };
        for wrong in [
            Measurements { backend: "../x".to_owned(), ..trial() },
            Measurements { clients: u32::MAX, ..trial() },
            Measurements { warmup_ns: u64::MAX, ..trial() },
            Measurements { windows: vec![window(7, 1)], ..trial() },
            Measurements { windows: vec![window(0, u64::MAX)], ..trial() },
            Measurements { grants_of: vec![u64::MAX], ..trial() },
            Measurements { double_grants: vec![u64::MAX], ..trial() },
        ] {
            assert!(sane_trial(&wrong).is_err(), "{wrong:?}");
        }
    }
}
