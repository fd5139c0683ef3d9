//! What the run of a probe means for the search.

use super::outcome::Ruling;
use crate::schema::{Report, SafetyVerdict, TrialResult};
use crate::threshold::{Operator, Threshold, ThresholdOutcome, ThresholdResult};
use lockbench_core::units::SECOND;

/// Samples per percentile: so many lie beyond it.
const BEYOND: f64 = 50.0;

/// How many attempts a probe needs for these bounds.
#[must_use]
pub fn attempts_needed(bounds: &[Threshold]) -> f64 {
    let share_beyond = |bound: &Threshold| match bound.figure.name().rsplit('.').next() {
        Some("p999") => 0.001,
        Some("p99") => 0.01,
        Some("p95") => 0.05,
        Some("p90") => 0.1,
        _ => 0.5,
    };
    let least = bounds.iter().map(share_beyond).fold(0.5, f64::min);
    BEYOND / least
}

/// What a probe showed of a system, and the figure of the bound that is closest to its limit.
#[must_use]
pub fn ruled(report: &Report, backend: &str, bounds: &[Threshold]) -> (Ruling, Option<f64>) {
    let results = || report.thresholds.iter().filter(|result| result.backend == backend);
    let Some(trial) = report.results.iter().find(|result| result.backend == backend) else {
        return (Ruling::Generator { because: "it did not run".to_owned() }, None);
    };
    if let Some(error) = &trial.error {
        return (Ruling::Breached { because: error.clone() }, None);
    }
    let closest = results().filter_map(|result| Some((result, room(result, bounds)?)));
    let closest = closest.min_by(|a, b| a.1.total_cmp(&b.1));
    let figure = closest.and_then(|(result, _)| result.value);
    if trial.safety.verdict == SafetyVerdict::Violated {
        return (Ruling::Breached { because: trial.safety.because.clone() }, figure);
    }
    let own = trial.open_loop.as_ref().map(|load| load.own_limits()).unwrap_or_default();
    if let Some(result) = results().find(|result| result.outcome == ThresholdOutcome::Breached) {
        // What lockbench itself was late is a part of the response time, and no doing of the system.
        return match own.first().filter(|_| !beyond_own_lag(trial, result)) {
            Some(because) => (Ruling::Generator { because: because.clone() }, figure),
            None => (Ruling::Breached { because: result.because.clone() }, result.value),
        };
    }
    if let Some(because) = trial.open_loop.as_ref().and_then(|load| load.overrun(clients(report))) {
        return (Ruling::Breached { because }, None);
    }
    if let Some(result) = results().find(|result| result.outcome == ThresholdOutcome::NotMeasured) {
        // Too many waited in vain, or too few were asked.
        let because = result.because.clone();
        return match trial.latency.acquire_response.in_vain {
            0 => (Ruling::Generator { because }, None),
            _ => (Ruling::Breached { because }, None),
        };
    }
    if let Some(grow) = trial.waits_grow.filter(|_| trial.open_loop.is_some()) {
        // A longer probe would have breached it.
        return (Ruling::Breached { because: grow.told() }, figure);
    }
    // Kept although lockbench may have been late, which would only have lengthened the waits.
    (Ruling::Kept { room: closest.map(|(_, room)| room) }, figure)
}

fn clients(report: &Report) -> u32 {
    report.plan["clients"].as_u64().and_then(|clients| u32::try_from(clients).ok()).unwrap_or(1)
}

/// How many times a figure fits into its upper bound.
fn room(result: &ThresholdResult, bounds: &[Threshold]) -> Option<f64> {
    let bound = bounds.iter().find(|bound| bound.text == result.text)?;
    let upper = matches!(bound.operator, Operator::Below | Operator::AtMost);
    let value = result.value.filter(|value| *value > 0.0 && upper && result.bound > 0.0)?;
    Some(result.bound / value)
}

/// Is a breached bound of a wait breached also without the lag of lockbench?
fn beyond_own_lag(trial: &TrialResult, result: &ThresholdResult) -> bool {
    let lag = trial.open_loop.as_ref().and_then(|load| load.lag.p99_ns.or(load.lag.max_ns)).unwrap_or(SECOND);
    match result.value {
        Some(value) if result.figure.starts_with("acquire_response") => value - lag as f64 > result.bound,
        Some(_) => true,
        None => false,
    }
}
