//! What is told of a stored run before its first trial, from its report.

use std::path::Path;

use super::Listener;
use super::log::stored_log;
use crate::live::{Origin, RunFacts, SystemFacts, Update};
use crate::{Report, TrialResult};
use lockbench_core::lock::Facts;
use lockbench_core::workload::{Plan, parse_stored};

/// Tells everything that is known before the load begins.
pub fn open(report: &Report, directory: &Path, origin: Origin, to: &mut dyn Listener) {
    let plan = plan_of(report);
    to.tell(Update::Run(Box::new(run_facts(report, plan.as_ref(), origin))));
    for line in stored_log(directory) {
        to.tell(Update::Log(line));
    }
    systems(report, plan.as_ref(), to);
    for note in &report.notes {
        to.tell(Update::Note(note.clone()));
    }
}

/// Tells of each system what it is, or why it did not take part.
pub fn systems(report: &Report, plan: Option<&Plan>, to: &mut dyn Listener) {
    for skipped in &report.skipped {
        to.tell(Update::Skipped(skipped.clone()));
    }
    for name in names(report) {
        let of = |result: &&TrialResult| result.backend == name;
        // A trial that failed before it began read nothing back.
        let best = report.results.iter().filter(of).max_by_key(|result| !result.server_version.is_empty());
        if let Some(result) = best {
            to.tell(Update::System(Box::new(system_facts(result, plan))));
        }
    }
}

/// The plan of a report; `None` if another version wrote it in a way that this one
/// cannot read.
pub fn plan_of(report: &Report) -> Option<Plan> {
    let text = toml::to_string(&report.plan).ok()?;
    parse_stored("plan.toml", &text).ok()
}

/// The systems that ran, in the order of tables, each once.
fn names(report: &Report) -> Vec<String> {
    let all = report.aggregates.iter().map(|aggregate| &aggregate.backend);
    let mut names: Vec<String> = Vec::new();
    for name in all.chain(report.results.iter().map(|result| &result.backend)) {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    names
}

fn run_facts(report: &Report, plan: Option<&Plan>, origin: Origin) -> RunFacts {
    let mut backends = names(report);
    backends.extend(report.skipped.iter().map(|skipped| skipped.backend.clone()));
    let facts = match plan {
        Some(plan) => RunFacts::of(origin, &report.run_id, plan, backends),
        None => RunFacts {
            origin,
            run_id: report.run_id.clone(),
            workload: report.plan["name"].as_str().unwrap_or_default().to_owned(),
            question: String::new(),
            backends,
            trials: report.results.iter().map(|result| result.trial).max().unwrap_or(0),
            clients: 0,
            keys: 0,
            warmup_ns: 0,
            duration_ns: 0,
            acquire_timeout_ns: None,
            load: "its plan is of another version of lockbench".to_owned(),
            faults: Vec::new(),
            due_at_start: false,
            order: Vec::new(),
            cores: 0,
            ceiling_cycles_per_s: None,
            lints: None,
        },
    };
    let order = report.results.iter().map(|result| (result.backend.clone(), result.trial)).collect();
    RunFacts { order, cores: report.environment.cores, ceiling_cycles_per_s: report.tool.ceiling_cycles_per_s, ..facts }
}

fn system_facts(result: &TrialResult, plan: Option<&Plan>) -> SystemFacts {
    let guarantees = &result.guarantees;
    let waiting = guarantees["waiting"].as_str().unwrap_or_default();
    let effective = result.effective_ttl_ms.map(|ms| (ms * 1e6) as u64);
    SystemFacts {
        backend: result.backend.clone(),
        facts: Facts {
            version: result.server_version.clone(),
            durability: result.durability.clone(),
            quorum: result.quorum.clone(),
            role: result.server_role.clone(),
            caveats: result.caveats.clone(),
        },
        // The report keeps no addresses.
        addresses: Vec::new(),
        started_here: result.resources.server_cpu_s.is_some(),
        waiting: if waiting == "in-process" { "in this process".to_owned() } else { waiting.replace('-', " ") },
        fencing: guarantees["token"].is_string(),
        fifo: guarantees["fifo"] == true,
        ttl_ns: if guarantees["lease"] == true { effective.or(plan.map(|plan| plan.ttl_ns)) } else { None },
    }
}
