//! What the log says of a run at its turning points, under targets that a filter can
//! name. None of it is said while an attempt is under way: the load is silent.

use tracing::{debug, info, warn};

use super::job::Job;
use super::overhead::Overhead;
use lockbench_core::record::Phase;
use lockbench_core::units::{grouped, human_duration, three_digits};
use lockbench_output::metrics::State;
use lockbench_report::{Kinds, TrialResult, Verdict};

/// The run as a whole.
pub const RUN: &str = "lockbench::run";
/// Systems and their servers; `stack` uses it as well.
pub const SERVERS: &str = "lockbench::servers";
/// One trial.
pub const TRIAL: &str = "lockbench::trial";
/// What is written.
pub const FILES: &str = "lockbench::files";

/// What runs, and how it was asked for.
pub fn begins(job: &Job<'_>, id: &str) {
    let names: Vec<&str> = job.selection.entries.iter().map(|entry| entry.name).collect();
    let (plan, ui) = (&job.plan, &job.session.ui);
    info!(target: RUN, "run {id}: workload {}, trials of each {}, systems {}", plan.name, plan.trials, names.join(", "));
    if let Some(scraped) = &job.session.scraped {
        info!(target: RUN, "{}", scraped.told());
    }
    debug!(target: RUN, theme = ?ui.theme, fps = ui.fps, ascii = ui.ascii, mouse = ui.mouse, "how a dashboard looks");
}

/// What lockbench itself costs.
pub fn calibrated(overhead: Option<&Overhead>) {
    match overhead {
        Some(cost) => info!(
            target: RUN,
            "lockbench itself takes {} ns of processor time a cycle, and comes to {} cycles/s at most",
            three_digits(cost.ns_per_cycle),
            grouped(cost.cycles_per_s as u64)
        ),
        None => info!(target: RUN, "what lockbench itself costs could not be measured"),
    }
}

/// A trial enters a phase.
pub fn phase(backend: &str, trial: u32, phase: Phase) {
    let name = match phase {
        Phase::Warmup => "warm-up",
        Phase::Measure => "measuring",
        Phase::Drain => "draining",
    };
    debug!(target: TRIAL, "{backend}: trial {trial}: {name}");
}

/// What became of a trial, in a line; what is wrong with it, in more.
pub fn trial(result: &TrialResult) {
    let head = format!("{}: trial {}", result.backend, result.trial);
    if let Some(error) = &result.error {
        warn!(target: TRIAL, "{head} failed: {error}");
        return;
    }
    let p99 = result.latency.acquire_service.p99_ns.map_or_else(|| "-".to_owned(), human_duration);
    let rate = result.throughput_per_s.map_or_else(|| "-".to_owned(), three_digits);
    let cut_short = if result.complete { "" } else { ", cut short" };
    info!(
        target: TRIAL,
        "{head} ended{cut_short}: {} grants, {rate}/s, acquire service p99 {p99}, timed out {}; {}",
        grouped(result.grants),
        grouped(result.timed_out),
        result.safety.because
    );
    let safety = &result.safety;
    if safety.double_grants_certain > 0 {
        warn!(target: TRIAL, "{head}: {}", Kinds::from(safety).told());
    }
    if result.events_lost > 0 {
        warn!(target: TRIAL, "{head}: events lost {}, so that nothing can be said of its safety", grouped(result.events_lost));
    }
    if !result.history.complete && result.history.attempts > 0 {
        info!(target: TRIAL, "{head}: the history on disk is cut after {} attempts", grouped(result.history.attempts));
    }
}

/// What the dashboard cost: `cost` is the processor nanoseconds of the thread that draws,
/// and its frames; `own_s` the processor seconds of this process.
pub fn drawn(cost: (u64, u64), own_s: f64) {
    let seconds = cost.0 as f64 / 1e9;
    let share = if own_s > 0.0 { 100.0 * seconds / own_s } else { 0.0 };
    info!(target: RUN, "the dashboard took {seconds:.3} s of {own_s:.3} s of processor time ({share:.2} %), {} frames", cost.1);
}

/// What the metrics endpoint cost: writing figures is done beside the merge of events,
/// `cost` are the scrapes and the processor nanoseconds of the thread that answers them.
pub fn served(state: &State, cost: (u64, u64), own_s: f64) {
    let (writing, answering) = (state.writing.as_secs_f64(), cost.1 as f64 / 1e9);
    info!(
        target: RUN,
        "metrics took {writing:.3} s to write in {} times and {answering:.3} s to answer {} scrapes, of {own_s:.3} s of processor time",
        state.writes,
        cost.0
    );
}

/// How the run is judged.
pub fn judged(verdict: &Verdict) {
    let code = verdict.exit_code;
    let reasons = if verdict.reasons.is_empty() { "pass".to_owned() } else { verdict.reasons.join("; ") };
    if code == 0 { info!(target: RUN, "exit {code}: {reasons}") } else { warn!(target: RUN, "exit {code}: {reasons}") }
}
