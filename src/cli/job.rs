//! What a run does: a plan, systems, servers, gates, and the frontend that shows it.

use std::time::SystemTime;

use super::args::LoadArgs;
use super::endpoints::Endpoints;
use super::frontend::Frontend;
use super::select::Selection;
use lockbench_core::workload::{Plan, Source};
use lockbench_engine::{Gates, run_id};

/// One run to do.
pub struct Job<'a> {
    pub plan: Plan,
    pub source: Source,
    pub selection: Selection,
    pub endpoints: Endpoints,
    pub gates: Gates,
    pub args: &'a LoadArgs,
    /// Name of the run, where the command line's is not meant: one point of a sweep.
    pub run_id: Option<String>,
    pub frontend: &'a Frontend,
}

impl Job<'_> {
    /// Returns the identity of the run: given, or made of its start and its plan.
    pub fn id(&self, started: SystemTime) -> String {
        let given = self.run_id.clone().or_else(|| self.args.run_id.clone());
        given.unwrap_or_else(|| run_id(&self.plan.name, started))
    }
}
