//! The gates of a run: everything that could have kept it from passing, and how each
//! came out. What CI shows as test cases.
//!
//! The first gate is the verdict itself, so that no run looks green here that exits
//! with another code than 0, whatever the reason.

use lockbench_report::compare::{Change, ChangeVerdict, Comparison, ComparisonOutcome};
use lockbench_report::{
    Exit, LintFinding, LintLevel, Report, SafetyVerdict, SkippedBackend, ThresholdLevel, ThresholdOutcome,
    ThresholdResult, TrialResult,
};

/// How a gate came out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GateOutcome {
    /// It holds.
    Passed,
    /// It was judged, and does not hold.
    Failed(String),
    /// It could not be judged, or something broke: the run does not pass either.
    Error(String),
    /// It was not judged, and no option asked for it.
    Skipped(String),
}

/// One gate.
#[derive(Clone, Debug, PartialEq)]
pub struct Gate {
    /// What it belongs to: `run`, `safety`, `thresholds`, `lints`, `baseline` or `backends`.
    pub group: &'static str,
    /// Its name within the group.
    pub name: String,
    /// Seconds that were measured for it.
    pub seconds: f64,
    /// How it came out.
    pub outcome: GateOutcome,
    /// What to know of it besides.
    pub detail: String,
}

impl Gate {
    fn new(group: &'static str, name: impl Into<String>, outcome: GateOutcome) -> Self {
        Self { group, name: name.into(), seconds: 0.0, outcome, detail: String::new() }
    }
}

/// Every gate, group by group.
#[must_use]
pub fn gates(report: &Report) -> Vec<Gate> {
    let mut gates = vec![verdict(report), complete(report)];
    gates.extend(report.results.iter().map(|result| safety(report, result)));
    gates.extend(report.thresholds.iter().map(threshold));
    gates.extend(report.lints.iter().filter(|lint| lint.level == LintLevel::Deny).map(lint));
    gates.extend(report.comparison.iter().flat_map(comparison));
    gates.extend(report.skipped.iter().map(skipped));
    gates
}

/// The comparison as a whole, then each figure that decides.
fn comparison(comparison: &Comparison) -> Vec<Gate> {
    let reasons = comparison.reasons.join("\n");
    let outcome = match comparison.outcome {
        ComparisonOutcome::NoRegression => GateOutcome::Passed,
        ComparisonOutcome::Regression => GateOutcome::Failed(reasons),
        ComparisonOutcome::Inconclusive => GateOutcome::Error(reasons),
    };
    let whole = Gate::new("baseline", format!("against {}", comparison.baseline), outcome);
    let gated = comparison.changes.iter().filter(|change| change.gated);
    std::iter::once(whole).chain(gated.map(|change| compared(comparison, change))).collect()
}

fn verdict(report: &Report) -> Gate {
    let reasons = report.verdict.reasons.join("\n");
    let judged_bad = [Exit::Violation, Exit::Threshold, Exit::Regression].map(Exit::code);
    let outcome = match report.verdict.exit_code {
        0 => GateOutcome::Passed,
        code if judged_bad.contains(&code) => GateOutcome::Failed(format!("exit {code}: {reasons}")),
        code => GateOutcome::Error(format!("exit {code}: {reasons}")),
    };
    Gate::new("run", "verdict", outcome)
}

fn complete(report: &Report) -> Gate {
    let outcome = if report.complete {
        GateOutcome::Passed
    } else {
        let cut = report.results.iter().filter(|result| !result.complete).count();
        GateOutcome::Error(format!(
            "the run did not run to its planned end; trials that were cut short or failed: {cut}"
        ))
    };
    Gate::new("run", "complete", outcome)
}

/// A trial passes exactly if the verdict has nothing against it: what the plan
/// expects, and what our own stalls excuse, is decided in one place.
fn safety(report: &Report, result: &TrialResult) -> Gate {
    let prefix = format!("{} trial {}: ", result.backend, result.trial);
    let against: Vec<&str> =
        report.verdict.reasons.iter().filter_map(|reason| reason.strip_prefix(prefix.as_str())).collect();
    let safety = &result.safety;
    let outcome = if !against.is_empty() {
        let reasons = against.join("\n");
        let caught = safety.verdict == SafetyVerdict::Violated && result.error.is_none() && !safety.internal_error;
        if caught { GateOutcome::Failed(reasons) } else { GateOutcome::Error(reasons) }
    } else if safety.verdict == SafetyVerdict::NotExercised {
        GateOutcome::Skipped(format!("no holder was ever challenged: {}", safety.because))
    } else if safety.verdict == SafetyVerdict::Unknown {
        GateOutcome::Error(format!("the safety verdict is unknown: {}", safety.because))
    } else {
        GateOutcome::Passed
    };
    let bound = match safety.upper_bound_95_per_million {
        Some(bound) => format!("95 % upper bound {bound:.1} per million exercised holds"),
        None => "no upper bound".to_owned(),
    };
    let detail = format!(
        "double grants {} (inside {}, withdrawn {}, outside {}, admitted by the server {}), possible overlaps {}, grants of all \
         phases {}, exercised holds {}; {bound}",
        safety.double_grants_certain,
        safety.inside,
        safety.withdrawn,
        safety.outside,
        safety.policies.evidence,
        safety.overlaps_possible,
        safety.grants_all_phases,
        safety.exercised_holds,
    );
    let name = format!("{} trial {}", result.backend, result.trial);
    Gate { seconds: result.measured_s, detail, ..Gate::new("safety", name, outcome) }
}

fn threshold(threshold: &ThresholdResult) -> Gate {
    let because = threshold.because.clone();
    let name = format!("{}: {}", threshold.text, threshold.backend);
    let outcome = match (threshold.outcome, threshold.level) {
        (ThresholdOutcome::Kept, _) => {
            return Gate { detail: because, ..Gate::new("thresholds", name, GateOutcome::Passed) };
        }
        (_, ThresholdLevel::Warn) => GateOutcome::Skipped(format!("a warning only: {because}")),
        (ThresholdOutcome::Breached, ThresholdLevel::Fail) => GateOutcome::Failed(because),
        (ThresholdOutcome::NotMeasured, ThresholdLevel::Fail) => GateOutcome::Error(because),
    };
    Gate::new("thresholds", name, outcome)
}

fn lint(lint: &LintFinding) -> Gate {
    let name = lint.backend.as_ref().map_or_else(|| lint.name.clone(), |backend| format!("{}: {backend}", lint.name));
    Gate::new("lints", name, GateOutcome::Failed(format!("{}\nhelp: {}", lint.message, lint.advice)))
}

/// A gate of the comparison with a baseline. What could not be judged keeps the run
/// from passing only where the comparison counts it as a reason.
fn compared(comparison: &Comparison, change: &Change) -> Gate {
    let because = change.because.clone();
    let name = format!("{}: {}", change.figure, change.backend);
    let outcome = match change.verdict {
        ChangeVerdict::Improvement | ChangeVerdict::WithinNoise => {
            return Gate { detail: because, ..Gate::new("baseline", name, GateOutcome::Passed) };
        }
        ChangeVerdict::Regression => GateOutcome::Failed(because),
        ChangeVerdict::NoEvidence | ChangeVerdict::NotComparable => {
            let reason = format!("{} {}: {because}", change.backend, change.figure);
            if comparison.reasons.contains(&reason) {
                GateOutcome::Error(because)
            } else {
                GateOutcome::Skipped(because)
            }
        }
    };
    Gate::new("baseline", name, outcome)
}

fn skipped(skipped: &SkippedBackend) -> Gate {
    let reason = skipped.reason.clone();
    let outcome = if skipped.asked_for { GateOutcome::Error(reason) } else { GateOutcome::Skipped(reason) };
    Gate::new("backends", skipped.backend.clone(), outcome)
}

#[cfg(test)]
mod tests {
    use super::{GateOutcome, gates};
    use crate::sample::{crowd, empty, gated, report, timeouts};
    use lockbench_report::{Report, SafetyVerdict};

    fn green(report: &Report) -> bool {
        gates(report).iter().all(|gate| matches!(gate.outcome, GateOutcome::Passed | GateOutcome::Skipped(_)))
    }

    #[test]
    fn the_gates_are_green_exactly_if_the_run_passes() {
        for (report, pass) in [
            (crowd(10).report, true),
            (report(), false),
            (gated().report, false),
            (timeouts().report, false),
            (empty().report, false),
        ] {
            assert_eq!(green(&report), pass, "{:?}", report.verdict);
            assert_eq!(report.verdict.exit_code == 0, pass);
        }
    }

    #[test]
    fn what_the_plan_expects_is_no_failure() {
        let mut run = crowd(1);
        run.report.results[0].safety.verdict = SafetyVerdict::Violated;
        run.report.results[0].safety.double_grants_certain = 4;
        run.report.results[0].safety.outside = 4;
        assert!(green(&run.report));
        run.report.verdict.exit_code = 100;
        run.report.verdict.reasons = vec!["redis trial 1: 4 double grants".to_owned()];
        let failed: Vec<String> = gates(&run.report)
            .into_iter()
            .filter(|gate| matches!(gate.outcome, GateOutcome::Failed(_)))
            .map(|gate| format!("{}/{}", gate.group, gate.name))
            .collect();
        assert_eq!(failed, ["run/verdict", "safety/redis trial 1"]);
    }

    #[test]
    fn an_unknown_verdict_never_passes_silently() {
        let mut run = crowd(1);
        run.report.results[0].safety.verdict = SafetyVerdict::Unknown;
        assert!(!green(&run.report));
    }

    #[test]
    fn each_gate_of_a_comparison_is_a_gate_and_what_is_only_told_is_none() {
        let change = |figure: &str, gated: bool, verdict: &str| {
            serde_json::json!({
                "backend": "redis", "figure": figure, "gated": gated, "baseline": 1.0, "baseline_trials": 5,
                "candidate": 1.0, "candidate_trials": 5, "change": 0.3, "low": 0.2, "high": 0.4, "noise": 0.15,
                "verdict": verdict, "because": "so it is",
            })
        };
        let comparison = serde_json::json!({
            "baseline": "main", "baseline_runs": [], "candidate": "x", "candidate_runs": [], "unlike": [],
            "remarks": [], "gates": [], "outcome": "regression", "reasons": ["redis jain: so it is"],
            "changes": [
                change("throughput", true, "regression"), change("jain", true, "no-evidence"),
                change("contention", true, "not-comparable"), change("timeouts", true, "within-noise"),
                change("hold.p50", false, "regression"),
            ],
        });
        let mut report = crowd(1).report;
        report.comparison = serde_json::from_value(comparison).ok();
        assert!(report.comparison.is_some());
        let found: Vec<_> = gates(&report)
            .into_iter()
            .filter(|gate| gate.group == "baseline")
            .map(|gate| (gate.name, gate.outcome))
            .collect();
        let because = || "so it is".to_owned();
        let expected = [
            ("against main", GateOutcome::Failed("redis jain: so it is".to_owned())),
            ("throughput: redis", GateOutcome::Failed(because())),
            ("jain: redis", GateOutcome::Error(because())),
            ("contention: redis", GateOutcome::Skipped(because())),
            ("timeouts: redis", GateOutcome::Passed),
        ];
        assert_eq!(found, expected.map(|(name, outcome)| (name.to_owned(), outcome)));
    }
}
