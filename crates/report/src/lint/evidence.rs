//! What lints look at, and what they say.

use super::super::measured::Measurements;
use super::super::schema::{Report, TrialResult};
use lockbench_core::workload::Plan;

/// A run as lints see it.
#[derive(Clone, Copy)]
pub struct Evidence<'a> {
    /// The report; its verdict, thresholds and lints are not filled yet.
    pub report: &'a Report,
    /// What was measured, one entry a trial that ran.
    pub measured: &'a [Measurements],
    /// The plan.
    pub plan: &'a Plan,
    /// Systems that run inside lockbench: no server, no network.
    pub embedded: &'a [&'a str],
    /// Systems whose client library leaves Nagle's algorithm on.
    pub nagle: &'a [&'a str],
}

/// What a lint saw of one system or of the run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sighting {
    /// The system; `None`: the run.
    pub backend: Option<String>,
    /// What was seen, with the figure; or why nothing can be said.
    pub detail: String,
    /// Found; else it cannot be judged.
    pub certain: bool,
}

impl Sighting {
    /// It is so.
    pub(super) fn found(backend: &str, detail: String) -> Self {
        Self { backend: Some(backend.to_owned()), detail, certain: true }
    }

    /// Nothing can be said.
    pub(super) fn unsure(backend: &str, detail: String) -> Self {
        Self { backend: Some(backend.to_owned()), detail, certain: false }
    }

    /// Of the run as a whole.
    pub(super) fn of_run(detail: String, certain: bool) -> Self {
        Self { backend: None, detail, certain }
    }
}

impl<'a> Evidence<'a> {
    /// Each system with its trials that ran, in the order in which they first did.
    pub(super) fn systems(&self) -> Vec<(&'a str, Vec<&'a TrialResult>)> {
        let mut systems: Vec<(&str, Vec<&TrialResult>)> = Vec::new();
        for result in self.report.results.iter().filter(|result| result.error.is_none()) {
            match systems.iter_mut().find(|(name, _)| *name == result.backend) {
                Some((_, trials)) => trials.push(result),
                None => systems.push((&result.backend, vec![result])),
            }
        }
        systems
    }

    /// Those with a server of their own: of the others lockbench itself is the server.
    pub(super) fn served(&self) -> Vec<(&'a str, Vec<&'a TrialResult>)> {
        let mut systems = self.systems();
        systems.retain(|(name, _)| !self.embedded.contains(name));
        systems
    }

    /// What was measured of a system.
    pub(super) fn measured_of(&self, backend: &str) -> impl Iterator<Item = &'a Measurements> {
        self.measured.iter().filter(move |measured| measured.backend == backend)
    }
}
