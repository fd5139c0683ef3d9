//! A trial that is over, in one line: what a log of CI shows while the run goes on.

use super::table::duration;
use lockbench_core::units::{grouped, three_digits};
use lockbench_report::{SafetyVerdict, TrialResult};

/// Its main figures and its safety, or why it failed.
#[must_use]
pub fn trial_line(result: &TrialResult) -> String {
    if let Some(error) = &result.error {
        return format!("failed: {error}");
    }
    let wait = &result.latency.acquire_service;
    let rate = result.throughput_per_s.map_or_else(|| "-".to_owned(), three_digits);
    format!(
        "{rate} grants/s, wait p50 {} p95 {} p99 {} max {}{} (service time), {} timeouts, {}",
        duration(wait.p50_ns),
        duration(wait.p95_ns),
        duration(wait.p99_ns),
        wait.sign_of_max(),
        duration(wait.max_ns),
        grouped(result.timed_out),
        safety(result)
    )
}

fn safety(result: &TrialResult) -> String {
    let safety = &result.safety;
    match (safety.double_grants_certain, safety.verdict) {
        (1.., _) => format!("VIOLATED: {} double grants", grouped(safety.double_grants_certain)),
        (0, SafetyVerdict::Violated) => "VIOLATED: token regressions".to_owned(),
        (0, SafetyVerdict::Unknown) => format!("safety unknown: {}", safety.because),
        (0, SafetyVerdict::NotExercised) => "safety not exercised".to_owned(),
        (0, SafetyVerdict::Valid) => {
            format!("no double grant in {} challenged holds", grouped(safety.exercised_holds))
        }
    }
}
