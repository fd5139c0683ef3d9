//! Why a chart has nothing to draw: an empty picture must not look like a good one.

use lockbench_core::units::grouped;
use lockbench_report::{Measurements, RecordedRun};

/// Why there is nothing of this system.
#[must_use]
pub fn of_backend(run: &RecordedRun, backend: &str) -> String {
    let trials: Vec<&Measurements> = run.of(backend).collect();
    if let Some(sentence) = of_trials(&trials) {
        return sentence;
    }
    let error = run.report.results.iter().filter(|result| result.backend == backend).find_map(|one| one.error.as_ref());
    error.map_or_else(|| "this run was stored without its histograms".to_owned(), |error| format!("it failed: {error}"))
}

/// Why there is nothing of the whole run.
#[must_use]
pub fn of_run(run: &RecordedRun) -> String {
    let Some(first) = run.report.results.first() else {
        return "no backend ran".to_owned();
    };
    let trials: Vec<&Measurements> = run.measured.iter().collect();
    of_trials(&trials).unwrap_or_else(|| of_backend(run, &first.backend))
}

/// What became of the attempts of these trials; `None` if there are no trials.
fn of_trials(trials: &[&Measurements]) -> Option<String> {
    if trials.is_empty() {
        return None;
    }
    let sum = |count: fn(&Measurements) -> u64| trials.iter().map(|trial| count(trial)).sum::<u64>();
    let attempts = sum(|trial| trial.counts.attempts);
    if attempts == 0 {
        return Some("no attempt ended in the measure phase".to_owned());
    }
    let timed_out = sum(|trial| trial.counts.timed_out);
    let what = if timed_out > 0 { "timed out" } else { "ended without a grant" };
    let count = if timed_out > 0 { timed_out } else { attempts };
    Some(format!("nothing was granted, {} of {} attempts {what}", grouped(count), grouped(attempts)))
}

/// A sentence on the attempts that the waits say nothing of; empty if there are none.
#[must_use]
pub fn left_out(trials: &[&Measurements]) -> String {
    let attempts: u64 = trials.iter().map(|trial| trial.counts.attempts).sum();
    let granted: u64 = trials.iter().map(|trial| trial.counts.grants).sum();
    let rest = attempts.saturating_sub(granted);
    if rest == 0 {
        return String::new();
    }
    format!(
        " {} of {} attempts got no grant: they waited too, and are not in the picture.",
        grouped(rest),
        grouped(attempts)
    )
}
