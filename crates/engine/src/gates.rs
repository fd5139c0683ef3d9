//! What a run must keep beyond a safe lock: thresholds, denied lints, and gates of the caller.

use super::overhead::Overhead;
use lockbench_core::workload::Plan;
use lockbench_report::lint::{Evidence, Ground, lint};
use lockbench_report::threshold::judge;
use lockbench_report::{
    Environment, Exit, LintLevel, LintLevels, Measurements, Report, Threshold, ThresholdLevel, ThresholdOutcome,
};
use lockbench_systems::Entry;

/// A gate of the caller.
pub trait Gate {
    /// Judges a report, to which it may add what it found; returns what keeps the run from passing.
    fn judge(&self, report: &mut Report) -> Vec<(Exit, String)>;
}

/// The gates of a run.
#[derive(Default)]
pub struct Gates {
    /// Bounds, their systems in full names.
    pub thresholds: Vec<Threshold>,
    /// Levels of lints.
    pub levels: LintLevels,
}

/// Names of the systems whose client library sets no `TCP_NODELAY`.
fn nagle(systems: &[&'static Entry]) -> Vec<&'static str> {
    systems.iter().filter(|entry| entry.nagle_on).map(|entry| entry.name).collect()
}

/// Names of the systems without a server.
fn embedded(systems: &[&'static Entry]) -> Vec<&'static str> {
    systems.iter().filter(|entry| entry.server.is_none()).map(|entry| entry.name).collect()
}

impl Gates {
    /// What lints need besides the trials.
    pub(crate) fn ground(
        &self,
        plan: &Plan,
        systems: &[&'static Entry],
        environment: Environment,
        overhead: Option<&Overhead>,
    ) -> Ground {
        Ground {
            plan: plan.clone(),
            levels: self.levels.clone(),
            embedded: embedded(systems),
            nagle: nagle(systems),
            environment,
            ceiling_cycles_per_s: overhead.map(|overhead| overhead.cycles_per_s),
            ceiling_others_share: overhead.and_then(|overhead| overhead.others_share),
        }
    }

    /// Fills thresholds and lints of a report, and says what keeps the run from passing.
    pub(crate) fn judge(
        &self,
        report: &mut Report,
        measured: &[Measurements],
        plan: &Plan,
        systems: &[&'static Entry],
    ) -> Vec<(Exit, String)> {
        let names: Vec<&str> = systems.iter().map(|entry| entry.name).collect();
        let mut kept_from = Vec::new();
        report.thresholds = judge(&self.thresholds, report, &names);
        for result in report.thresholds.iter().filter(|result| result.level == ThresholdLevel::Fail) {
            let (exit, is) = match result.outcome {
                ThresholdOutcome::Kept => continue,
                ThresholdOutcome::Breached => (Exit::Threshold, "is breached"),
                ThresholdOutcome::NotMeasured => (Exit::Inconclusive, "cannot be judged"),
            };
            kept_from.push((exit, format!("threshold \"{}\" {is}: {}", result.text, result.because)));
        }
        let (embedded, nagle) = (embedded(systems), nagle(systems));
        let evidence = Evidence { report, measured, plan, embedded: &embedded, nagle: &nagle };
        let linted = lint(&evidence, &self.levels);
        for finding in linted.findings.iter().filter(|finding| finding.level == LintLevel::Deny) {
            kept_from.push((Exit::Threshold, format!("denied lint {}: {}", finding.name, finding.message)));
        }
        for (name, why) in linted.undecided {
            kept_from.push((Exit::Inconclusive, format!("denied lint {name} cannot be judged: {why}")));
        }
        report.lints = linted.findings;
        kept_from
    }
}
