//! What changes how to read the figures, most severe first.

use super::super::lint::LintLevel;
use super::super::schema::Report;
use super::super::threshold::{ThresholdLevel, ThresholdOutcome};

/// Findings of an answer.
pub const MOST_FINDINGS: usize = 5;

/// How much a finding changes; the first is the most severe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// A lock was granted twice, or a token went back.
    Violation,
    /// A denied lint: the run does not pass.
    Breach,
    /// Figures of a system are not what they seem: it failed, was not served, or is
    /// another system than its name says.
    System,
    /// lockbench or its machine was the limit, not the system.
    Tool,
    /// Figures are of too little, were cut, or are beyond a bound that only warns.
    Sample,
    /// How servers and plan are set up.
    Setting,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How severe it is.
    pub severity: Severity,
    /// Name of the lint; `None` for what no lint looks for.
    pub lint: Option<String>,
    /// Was its lint denied, so that the run does not pass?
    pub denied: bool,
    /// The system that it is about; `None`: several, or the run.
    pub system: Option<String>,
    /// What was found.
    pub message: String,
    /// What to do about it.
    pub advice: Option<String>,
}

/// Lints by severity; within one in this order. A lint that is not here is about the
/// figures of its system.
const RANKED: &[(Severity, &[&str])] = &[
    (Severity::System, &["same-server-twice", "standby", "unserved-attempts", "nodes-lost", "pooled-connection"]),
    (
        Severity::Tool,
        &[
            "history-lost-events",
            "generator-saturated",
            "tool-costs",
            "client-cpu-bound",
            "self-stall",
            "clock-step",
            "ceiling-on-busy-machine",
        ],
    ),
    (
        Severity::Sample,
        &[
            "window-below-one-turn",
            "clients-without-a-turn",
            "percentiles-censored",
            "too-few-samples",
            "warm-up-not-steady",
            "load-paused",
        ],
    ),
    (Severity::Setting, &["ttl-below-hold", "fsync-off", "nagle-on", "single-node", "loopback"]),
];

/// Place of what no lint looks for within its severity.
const BEHIND_KNOWN_LINTS: usize = 100;

/// Severity of a lint, and its place within.
fn rank(lint: &str) -> (Severity, usize) {
    let place = |names: &[&str]| names.iter().position(|name| *name == lint);
    let found = RANKED.iter().find_map(|(severity, names)| Some((*severity, place(names)?)));
    found.unwrap_or((Severity::System, usize::MAX))
}

/// The findings, and how many were left out.
pub(super) fn findings(report: &Report) -> (Vec<Finding>, usize) {
    let mut found = violations(report);
    found.extend(warnings(report));
    found.extend(failures(report));
    found.extend(lints(report));
    found.sort_by_key(|finding| {
        let place = finding.lint.as_deref().map_or(BEHIND_KNOWN_LINTS, |lint| rank(lint).1);
        (finding.severity, !finding.denied, place)
    });
    let more = found.len().saturating_sub(MOST_FINDINGS);
    found.truncate(MOST_FINDINGS);
    (found, more)
}

fn plain(severity: Severity, system: Option<&str>, message: String) -> Finding {
    Finding { severity, lint: None, denied: false, system: system.map(str::to_owned), message, advice: None }
}

/// The first double grant of each system, told where the verdict does not tell it.
fn violations(report: &Report) -> Vec<Finding> {
    let mut seen: Vec<&str> = Vec::new();
    let mut found = Vec::new();
    for result in &report.results {
        let Some(first) = result.safety.violations.first() else { continue };
        let known = report.verdict.reasons.iter().any(|reason| reason.contains(&first.story));
        if !known && !seen.contains(&result.backend.as_str()) {
            seen.push(&result.backend);
            found.push(plain(Severity::Violation, Some(&result.backend), first.told()));
        }
    }
    found
}

/// Bounds that only warn: the verdict has the others.
fn warnings(report: &Report) -> Vec<Finding> {
    let broken = report.thresholds.iter().filter(|threshold| threshold.outcome != ThresholdOutcome::Kept);
    let warned = broken.filter(|threshold| threshold.level == ThresholdLevel::Warn);
    warned
        .map(|threshold| {
            let message = format!("\"{}\": {}", threshold.text, threshold.because);
            plain(Severity::Sample, Some(&threshold.backend), message)
        })
        .collect()
}

/// The most frequent failure of each system, in the words of its client or server.
fn failures(report: &Report) -> Vec<Finding> {
    let mut worst: Vec<(&str, &str, u64)> = Vec::new();
    for result in report.results.iter().filter(|result| result.error.is_none()) {
        for (reason, count) in &result.failures {
            match worst.iter_mut().find(|(system, ..)| *system == result.backend) {
                Some(known) if known.2 < *count => (known.1, known.2) = (reason, *count),
                Some(_) => {}
                None => worst.push((&result.backend, reason, *count)),
            }
        }
    }
    let told = |(system, reason, count): (&str, &str, u64)| {
        plain(Severity::System, Some(system), format!("{count} x {reason}"))
    };
    worst.into_iter().map(told).collect()
}

fn lints(report: &Report) -> Vec<Finding> {
    let shown = report.lints.iter().filter(|lint| lint.level != LintLevel::Allow);
    shown
        .map(|lint| {
            let denied = lint.level == LintLevel::Deny;
            Finding {
                severity: if denied { Severity::Breach } else { rank(&lint.name).0 },
                lint: Some(lint.name.clone()),
                denied,
                system: lint.backend.clone(),
                message: lint.message.clone(),
                advice: Some(lint.advice.clone()),
            }
        })
        .collect()
}
