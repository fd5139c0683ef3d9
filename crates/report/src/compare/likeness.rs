//! Are two sides like enough to compare? What changes the load, the promise or the
//! machine forbids it; what may change a figure a little is told.

use serde_json::Value;

use super::{NOISE, QUORUM_NOISE, Side};
use crate::{Environment, Report, TrialResult};
use lockbench_core::lock::Copies;

/// Keys of a plan that change neither the load nor what a figure means.
const NO_LOAD: [&str; 11] =
    ["name", "question", "seed", "trials", "backends", "history", "expect", "thresholds", "lints", "prices", "needs"];

/// What figures of runs stored before meant.
const OTHER_FIGURES: &str = "one side was stored before schema version 3: what it calls contention is found_held here, \
                             waited is not compared, and its latencies leave out what was waited for in vain";

/// The sides differ in what must be the same.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the sides are unlike, and their figures do not compare:\n  {}\n--force compares them all the same, and marks it", differences.join("\n  "))]
pub struct Unlike {
    /// Each difference, in words.
    pub differences: Vec<String>,
}

/// What differs between two sides.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Likeness {
    /// What forbids a comparison.
    pub unlike: Vec<String>,
    /// What is only told.
    pub remarks: Vec<String>,
}

/// What differs within and between the sides: every run against the baseline's first.
pub fn between(a: Side<'_>, b: Side<'_>) -> Likeness {
    let mut likeness = Likeness::default();
    let Some((first, more)) = a.runs.split_first() else { return likeness };
    for run in more.iter().chain(b.runs) {
        likeness.plan(&first.plan, &run.plan);
        likeness.machine(&first.environment, &run.environment);
        likeness.systems(first, run);
        let versions = (first.tool.version.as_str(), run.tool.version.as_str());
        likeness.remark("version of lockbench", versions.0, versions.1);
        if (first.schema_version < 3) != (run.schema_version < 3) {
            likeness.remarks.push(OTHER_FIGURES.to_owned());
        }
    }
    for run in a.runs.iter().chain(b.runs).filter(|run| !run.complete) {
        likeness.remarks.push(format!("{} is incomplete: only its whole trials count", run.run_id));
    }
    once_each(&mut likeness.unlike);
    once_each(&mut likeness.remarks);
    likeness
}

/// Differences of the load between two plans, known before anything runs.
#[must_use]
pub fn plan_differences(a: &Value, b: &Value) -> Vec<String> {
    let mut likeness = Likeness::default();
    likeness.plan(a, b);
    likeness.unlike
}

/// What is known of the machine before anything runs; where the servers will run is not.
#[must_use]
pub fn machine_differences(a: &Environment, b: &Environment) -> Vec<String> {
    let mut likeness = Likeness::default();
    likeness.machine(a, &Environment { placement: a.placement.clone(), ..b.clone() });
    likeness.unlike
}

/// The noise threshold of a system as it ran.
pub fn noise_of(trial: &TrialResult) -> f64 {
    match trial.quorum.copies() {
        Copies::Quorum(_) | Copies::Standby => QUORUM_NOISE,
        Copies::One | Copies::Process | Copies::Unknown => NOISE,
    }
}

impl Likeness {
    fn plan(&mut self, a: &Value, b: &Value) {
        let empty = serde_json::Map::new();
        let (a, b) = (a.as_object().unwrap_or(&empty), b.as_object().unwrap_or(&empty));
        let mut keys: Vec<&String> = a.keys().chain(b.keys()).filter(|key| !NO_LOAD.contains(&key.as_str())).collect();
        keys.sort();
        keys.dedup();
        for key in keys {
            self.differ(&format!("plan, {key}"), &value(a.get(key)), &value(b.get(key)));
        }
    }

    fn machine(&mut self, a: &Environment, b: &Environment) {
        self.differ("machine, processor", &a.cpu, &b.cpu);
        self.differ("machine, processors in use", &a.cores.to_string(), &b.cores.to_string());
        let none = "no servers";
        if a.placement != none && b.placement != none {
            self.differ("where the servers run", &a.placement, &b.placement);
        }
        let gib = |bytes: u64| format!("{:.0} GiB", bytes as f64 / f64::from(1 << 30));
        let or_none = |text: &Option<String>| text.clone().unwrap_or_else(|| "unknown".to_owned());
        self.remark("memory of the machine", &gib(a.memory_bytes), &gib(b.memory_bytes));
        self.remark("operating system", &a.os, &b.os);
        self.remark("kernel", &a.kernel, &b.kernel);
        self.remark("frequency governor", &or_none(&a.governor), &or_none(&b.governor));
        self.remark("clock", &a.clock, &b.clock);
    }

    /// Promise and version of every system that ran in both.
    fn systems(&mut self, a: &Report, b: &Report) {
        let mut seen: Vec<&str> = Vec::new();
        for before in ran(a) {
            let Some(now) = ran(b).find(|now| now.backend == before.backend) else { continue };
            let name = before.backend.as_str();
            if seen.contains(&name) {
                continue;
            }
            seen.push(name);
            self.differ(&format!("{name}, durability"), before.durability.as_str(), now.durability.as_str());
            self.differ(&format!("{name}, quorum"), &before.quorum.to_string(), &now.quorum.to_string());
            let ttl = |trial: &TrialResult| {
                trial.effective_ttl_ms.map_or_else(|| "no lease".to_owned(), |ttl| format!("{ttl} ms"))
            };
            self.differ(&format!("{name}, ttl in force"), &ttl(before), &ttl(now));
            self.remark(&format!("{name}, version"), &before.server_version, &now.server_version);
        }
    }

    fn differ(&mut self, what: &str, a: &str, b: &str) {
        if a != b {
            self.unlike.push(format!("{what}: {a} / {b}"));
        }
    }

    fn remark(&mut self, what: &str, a: &str, b: &str) {
        if a != b {
            self.remarks.push(format!("{what}: {a} / {b}"));
        }
    }
}

/// Trials that know what they ran against.
fn ran(report: &Report) -> impl Iterator<Item = &TrialResult> {
    report.results.iter().filter(|result| result.error.is_none())
}

/// A value of a plan as a person reads it.
fn value(value: Option<&Value>) -> String {
    match value {
        None => "not set".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

/// Keeps the first of equal texts.
fn once_each(texts: &mut Vec<String>) {
    let mut seen = std::collections::BTreeSet::new();
    texts.retain(|text| seen.insert(text.clone()));
}
