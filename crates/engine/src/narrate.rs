//! What the log says of a run at its turning points. None of it is said while an attempt is
//! under way: the load is silent.

use super::overhead::Overhead;
use super::watcher::{Topic, Watcher};
use lockbench_core::record::LogLevel;
use lockbench_core::record::Phase;
use lockbench_core::units::{grouped, human_duration, three_digits};
use lockbench_report::{Kinds, TrialResult, Verdict};

/// What lockbench itself costs.
pub fn calibrated(watcher: &dyn Watcher, overhead: Option<&Overhead>) {
    let text = match overhead {
        Some(cost) => format!(
            "lockbench itself takes {} ns of processor time a cycle, and comes to {} cycles/s at most",
            three_digits(cost.ns_per_cycle),
            grouped(cost.cycles_per_s as u64)
        ),
        None => "what lockbench itself costs could not be measured".to_owned(),
    };
    watcher.log(Topic::Run, LogLevel::Info, &text);
}

/// A trial enters a phase.
pub fn phase(watcher: &dyn Watcher, backend: &str, trial: u32, phase: Phase) {
    let name = match phase {
        Phase::Warmup => "warm-up",
        Phase::Measure => "measuring",
        Phase::Drain => "draining",
    };
    watcher.log(Topic::Trial, LogLevel::Debug, &format!("{backend}: trial {trial}: {name}"));
}

/// What became of a trial, in a line; what is wrong with it, in more.
pub fn trial(watcher: &dyn Watcher, result: &TrialResult) {
    let info = |text: String| watcher.log(Topic::Trial, LogLevel::Info, &text);
    let warn = |text: String| watcher.log(Topic::Trial, LogLevel::Warn, &text);
    let head = format!("{}: trial {}", result.backend, result.trial);
    if let Some(error) = &result.error {
        warn(format!("{head} failed: {error}"));
        return;
    }
    let p99 = result.latency.acquire_service.p99_ns.map_or_else(|| "-".to_owned(), human_duration);
    let rate = result.throughput_per_s.map_or_else(|| "-".to_owned(), three_digits);
    let cut_short = if result.complete { "" } else { ", cut short" };
    info(format!(
        "{head} ended{cut_short}: {} grants, {rate}/s, acquire service p99 {p99}, timed out {}; {}",
        grouped(result.grants),
        grouped(result.timed_out),
        result.safety.because
    ));
    let safety = &result.safety;
    if safety.double_grants_certain > 0 {
        warn(format!("{head}: {}", Kinds::from(safety).told()));
    }
    if result.events_lost > 0 {
        warn(format!("{head}: events lost {}, so that nothing can be said of its safety", grouped(result.events_lost)));
    }
    if !result.history.complete && result.history.attempts > 0 {
        info(format!("{head}: the history on disk is cut after {} attempts", grouped(result.history.attempts)));
    }
}

/// How the run is judged.
pub fn judged(watcher: &dyn Watcher, verdict: &Verdict) {
    let code = verdict.exit_code;
    let reasons = if verdict.reasons.is_empty() { "pass".to_owned() } else { verdict.reasons.join("; ") };
    let level = if code == 0 { LogLevel::Info } else { LogLevel::Warn };
    watcher.log(Topic::Run, level, &format!("exit {code}: {reasons}"));
}
