//! What a run does not prove, however well it went.

use super::super::schema::{Report, SafetyVerdict};
use super::row::trials;
use super::{Class, Winner};
use lockbench_core::lock::Copies;

/// One thing that the run does not prove.
#[derive(Clone, Debug, PartialEq)]
pub enum Limit {
    /// Zero double grants are no proof: there may be fewer than so many per million
    /// challenged holds, at 95 %, in the system of which the least was seen.
    Bound {
        /// The largest bound.
        per_million: f64,
        /// Whose it is.
        system: String,
        /// Number of systems with a bound.
        systems: usize,
    },
    /// No other client ever wanted a held lock: nothing is said of their safety.
    NotExercised {
        /// Registry names.
        systems: Vec<String>,
    },
    /// No fault was injected: nothing is said of crashes, pauses and partitions.
    NoFault,
    /// Some systems ran on one node, which no fault took away: none of these survives its loss, nor pays for it.
    OneNode {
        /// Registry names.
        systems: Vec<String>,
    },
    /// Load and servers shared one machine.
    OneMachine {
        /// Did they talk over loopback, without any network?
        loopback: bool,
    },
    /// A difference between two systems may be noise: too few trials.
    FewTrials {
        /// Fewest trials of a system that is ranked beside another.
        trials: usize,
    },
    /// Systems of different promises ran: they are not to be ranked against each other.
    Classes {
        /// Number of classes.
        count: usize,
    },
}

/// The faults that take a node away, for good or for a while.
const LOSSES: [&str; 3] = ["server-kill", "server-power-cut", "server-pause"];

pub(super) fn limits(report: &Report, classes: &[Class]) -> Vec<Limit> {
    let mut limits = Vec::new();
    let rows = || classes.iter().flat_map(|class| &class.rows);
    if rows().next().is_none() {
        return limits;
    }
    let bounds: Vec<(f64, &str)> = rows()
        .filter(|row| row.safety.verdict == SafetyVerdict::Valid)
        .filter_map(|row| Some((row.safety.bound_per_million?, row.system.as_str())))
        .collect();
    if let Some((per_million, system)) = bounds.iter().copied().max_by(|a, b| a.0.total_cmp(&b.0)) {
        limits.push(Limit::Bound { per_million, system: system.to_owned(), systems: bounds.len() });
    }
    let excludes = |system: &str| trials(report, system).all(|trial| trial.guarantees["exclusion"] != false);
    let quiet = rows().filter(|row| row.safety.verdict == SafetyVerdict::NotExercised && excludes(&row.system));
    let quiet: Vec<String> = quiet.map(|row| row.system.clone()).collect();
    if !quiet.is_empty() {
        limits.push(Limit::NotExercised { systems: quiet });
    }
    if report.faults.is_empty() {
        limits.push(Limit::NoFault);
    }
    let lonely = classes.iter().filter(|class| class.durability.copies == Copies::One).flat_map(|class| &class.rows);
    let tried = |system: &str| {
        let mut of_it = report.faults.iter().filter(|fault| fault.backend == system && fault.bit);
        of_it.any(|fault| LOSSES.contains(&fault.kind.as_str()))
    };
    let lonely: Vec<String> = lonely.map(|row| row.system.clone()).filter(|system| !tried(system)).collect();
    if !lonely.is_empty() {
        limits.push(Limit::OneNode { systems: lonely });
    }
    let placement = &report.environment.placement;
    if placement.starts_with("servers on the same machine") || placement == "no servers" {
        limits.push(Limit::OneMachine { loopback: placement.contains("loopback") });
    }
    let few = classes.iter().filter_map(|class| match class.winner {
        Winner::Unproven { trials, .. } => Some(trials),
        Winner::None | Winner::Alone | Winner::Clear { .. } | Winner::Tie { .. } => None,
    });
    if let Some(trials) = few.min() {
        limits.push(Limit::FewTrials { trials });
    }
    if classes.len() > 1 {
        limits.push(Limit::Classes { count: classes.len() });
    }
    limits
}
