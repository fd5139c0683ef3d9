//! A comparison on a terminal: the gates of every system, what else changed beyond
//! noise, and the outcome last.

use std::fmt::Write as _;

use super::grid::grid;
use lockbench_core::units::{human_duration, three_digits};
use lockbench_report::compare::{Change, ChangeVerdict, Comparison, ComparisonOutcome, decides_always, percent};
use lockbench_report::figure::{Unit, find};

/// The comparison as text.
#[must_use]
pub fn comparison(comparison: &Comparison) -> String {
    let mut out = String::new();
    let side = |name: &str, runs: &[String]| match runs {
        [run] if run == name => name.to_owned(),
        runs => format!("{name} ({})", runs.join(", ")),
    };
    let _ = writeln!(out, "Compared with the baseline {}", side(&comparison.baseline, &comparison.baseline_runs));
    let _ = writeln!(out, "               this is {}", side(&comparison.candidate, &comparison.candidate_runs));
    if !comparison.unlike.is_empty() {
        let _ = writeln!(out, "UNLIKE SIDES, compared by force; the changes below may come from these differences:");
        lines(&mut out, "  ", &comparison.unlike);
    }
    let shown: Vec<&Change> = comparison.changes.iter().filter(|change| is_shown(comparison, change)).collect();
    if !shown.is_empty() {
        let head = ["system", "figure", "baseline", "now", "change", "95 % interval", "trials", "verdict"];
        let grid = grid(head, shown.iter().map(|change| row(change)), 2..7);
        let _ = writeln!(out, "{}", grid.trim_fmt());
        if !shown.iter().any(|change| decides_always(&change.figure)) {
            let _ = writeln!(out, "safety: no double grant and no token regression on either side.");
        }
        let gates = comparison.gates.join(", ");
        let _ = writeln!(out, "means of the trials, counts per million grants. Only {gates} and safety decide;");
        let _ = writeln!(
            out,
            "other figures are shown where they changed beyond noise. report.json and --format json have all."
        );
    }
    lines(&mut out, "note: ", &comparison.remarks);
    lines(&mut out, "note: ", &silent(comparison));
    let outcome = match comparison.outcome {
        ComparisonOutcome::NoRegression => "no regression",
        ComparisonOutcome::Regression => "REGRESSION",
        ComparisonOutcome::Inconclusive => "inconclusive",
    };
    let forced = if comparison.unlike.is_empty() { "" } else { " (unlike sides, forced)" };
    let _ = writeln!(out, "comparison: {outcome}{forced}");
    lines(&mut out, "  ", &reasons(comparison));
    out
}

fn lines(out: &mut String, before: &str, texts: &[String]) {
    for text in texts {
        let _ = writeln!(out, "{before}{text}");
    }
}

/// Returns whether a reader wants to see it.
pub fn is_shown(comparison: &Comparison, change: &Change) -> bool {
    shown(change) && !echoes(comparison, change)
}

/// In a closed loop response and service time are the same: one of them is enough.
fn echoes(comparison: &Comparison, change: &Change) -> bool {
    let Some(stat) = change.figure.strip_prefix("acquire_response.") else { return false };
    let service = format!("acquire_service.{stat}");
    let mut others = comparison.changes.iter().filter(|other| other.backend == change.backend);
    !change.gated && others.any(|other| other.figure == service && other.change == change.change)
}

/// Gates always; the others, and safety, only where something happened. Extremes are
/// single attempts, and say little.
fn shown(change: &Change) -> bool {
    let never = change.baseline == Some(0.0) && change.candidate == Some(0.0);
    let extreme = change.figure.ends_with(".min") || change.figure.ends_with(".max");
    (change.gated && !(never && decides_always(&change.figure)))
        || (!extreme && matches!(change.verdict, ChangeVerdict::Regression | ChangeVerdict::Improvement))
}

fn row(change: &Change) -> Vec<String> {
    let interval = match (change.low, change.high) {
        (Some(low), Some(high)) => format!("{} to {}", percent(low), percent(high)),
        _ => "-".to_owned(),
    };
    let trials = match (change.baseline_trials, change.candidate_trials) {
        (a, b) if a == b => a.to_string(),
        (a, b) => format!("{a} / {b}"),
    };
    vec![
        change.backend.clone(),
        change.figure.clone(),
        human_value(change, change.baseline),
        human_value(change, change.candidate),
        change.change.map_or_else(|| "-".to_owned(), percent),
        interval,
        trials,
        verdict(change),
    ]
}

/// The verdict; that of a figure that does not decide in small letters.
fn verdict(change: &Change) -> String {
    let word = match (change.verdict, change.gated) {
        (ChangeVerdict::Regression, true) => "REGRESSION",
        (ChangeVerdict::Regression, false) => "worse (no gate)",
        (ChangeVerdict::Improvement, true) => "improvement",
        (ChangeVerdict::Improvement, false) => "better (no gate)",
        (ChangeVerdict::WithinNoise, _) => "within noise",
        (ChangeVerdict::NoEvidence, _) => "no evidence",
        (ChangeVerdict::NotComparable, _) => "not comparable",
    };
    word.to_owned()
}

/// Why gates that do not decide say nothing.
pub fn silent(comparison: &Comparison) -> Vec<String> {
    let gated = comparison.changes.iter().filter(|change| change.gated && !change.verdict.concluded());
    gathered(&gated.filter(|change| !comparison.reasons.contains(&reason_of(change))).collect::<Vec<_>>())
}

/// The reasons of the outcome: what several systems share is said once.
pub fn reasons(comparison: &Comparison) -> Vec<String> {
    let of = |reason: &String| comparison.changes.iter().find(|change| change.gated && reason_of(change) == *reason);
    let changes: Vec<&Change> = comparison.reasons.iter().filter_map(of).collect();
    let others = comparison.reasons.iter().filter(|reason| of(reason).is_none()).cloned();
    gathered(&changes).into_iter().chain(others).collect()
}

fn reason_of(change: &Change) -> String {
    format!("{} {}: {}", change.backend, change.figure, change.because)
}

/// Figures of a system that have one reason, and systems whose figures have it, in one line.
fn gathered(changes: &[&Change]) -> Vec<String> {
    let mut per_system: Vec<(&str, Vec<&str>, &str)> = Vec::new();
    for change in changes {
        let same = |(because, _, system): &&mut (&str, Vec<&str>, &str)| {
            *because == change.because && *system == change.backend
        };
        match per_system.iter_mut().find(same) {
            Some((_, figures, _)) => figures.push(&change.figure),
            None => per_system.push((&change.because, vec![&change.figure], &change.backend)),
        }
    }
    let mut lines: Vec<(&str, Vec<&str>, Vec<&str>)> = Vec::new();
    for (because, figures, system) in per_system {
        match lines.iter_mut().find(|(other, of, _)| *other == because && *of == figures) {
            Some((_, _, systems)) => systems.push(system),
            None => lines.push((because, figures, vec![system])),
        }
    }
    let line =
        |(because, figures, systems): (&str, Vec<&str>, Vec<&str>)| match (figures.as_slice(), systems.as_slice()) {
            ([figure], [system]) => format!("{system} {figure}: {because}"),
            (figures, systems) => format!("{} of {}: {because}", figures.join(", "), systems.join(", ")),
        };
    lines.into_iter().map(line).collect()
}

/// A value of one side in the unit of the figure.
pub fn human_value(change: &Change, value: Option<f64>) -> String {
    let unit = find(&change.figure).map_or(Unit::Number, |figure| figure.unit());
    value.map_or_else(|| "-".to_owned(), |value| human(unit, value))
}

/// A figure in its unit.
fn human(unit: Unit, value: f64) -> String {
    match unit {
        Unit::Duration => human_duration(value.round() as u64),
        Unit::PerSecond => format!("{}/s", three_digits(value)),
        Unit::Share => format!("{:.2} %", value * 100.0),
        Unit::Count | Unit::Number => three_digits(value),
    }
}

#[cfg(test)]
pub(crate) mod tests;
