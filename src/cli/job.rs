//! What a run is asked to do: a plan, systems, servers, gates, and what interrupts it.

use std::time::SystemTime;

use super::Failure;
use super::args::LoadArgs;
use super::endpoints::Endpoints;
use super::gates::Gates;
use super::select::Selection;
use super::session::Session;
use lockbench_core::workload::{EffectiveTtl, Plan, Source, client_seed, resolve_ttl, warnings};
use lockbench_report::cores;
use lockbench_systems::Entry;

/// What to do.
pub struct Job<'a> {
    pub plan: Plan,
    pub source: Source,
    pub selection: Selection,
    pub endpoints: Endpoints,
    pub gates: Gates,
    pub args: &'a LoadArgs,
    /// Name of the run, where the command line's is not meant: one point of a sweep.
    pub run_id: Option<String>,
    pub session: &'a Session,
}

impl Job<'_> {
    /// The lease length of each system; a floor that the plan refuses is exit 2.
    pub fn ttls(&self) -> Result<Vec<EffectiveTtl>, Failure> {
        let one = |entry: &&Entry| {
            resolve_ttl(&self.plan, entry.name, &entry.guarantees)
                .map_err(|problem| Failure::usage(format!("{}: {problem}", self.source.place_of("ttl"))))
        };
        self.selection.entries.iter().map(one).collect()
    }

    /// What is odd about the plan for these systems, and about its log.
    pub fn warnings(&self) -> Vec<String> {
        let systems: Vec<_> = self.selection.entries.iter().map(|entry| (entry.name, &entry.guarantees)).collect();
        let mut odd = warnings(&self.plan, &systems);
        odd.extend(self.session.log.warning().map(str::to_owned));
        odd
    }

    /// Identity of the run: given, or made of its start and its plan.
    pub fn id(&self, started: SystemTime) -> String {
        let given = self.run_id.clone().or_else(|| self.args.run_id.clone());
        given.unwrap_or_else(|| run_id(&self.plan.name, started))
    }
}

/// `20261120T073501Z-hot-key-1a2b`: sorts by time, unique enough for one directory.
pub fn run_id(workload: &str, started: SystemTime) -> String {
    let stamp: String = humantime::format_rfc3339_seconds(started).to_string().replace(['-', ':'], "");
    let name: String = workload
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' })
        .take(40)
        .collect();
    let nanos = started.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.subsec_nanos());
    let tail = client_seed(u64::from(nanos), std::process::id(), 0) & 0xffff;
    format!("{stamp}-{name}-{tail:04x}")
}

/// Worker threads for a plan: one a processor, at most eight, never more than
/// clients. Local servers share the processors with them.
pub fn workers(plan: &Plan) -> u32 {
    cores().min(8).min(plan.clients)
}
