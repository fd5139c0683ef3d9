//! What the log says of a run besides what the engine says: how it was asked for, and what the
//! program itself cost.

use tracing::{debug, info};

use super::job::Job;
use super::log::RUN;
use lockbench_output::metrics::State;

/// What runs, and how it was asked for.
pub fn begins(job: &Job<'_>, id: &str) {
    let names = job.selection.names();
    let (plan, ui) = (&job.plan, &job.frontend.ui);
    info!(target: RUN, "run {id}: workload {}, trials per system {}, systems {}", plan.name, plan.trials, names.join(", "));
    if let Some(scraped) = &job.frontend.scraped {
        info!(target: RUN, "{}", scraped.address_line());
    }
    debug!(target: RUN, theme = ?ui.theme, fps = ui.fps, ascii = ui.ascii, mouse = ui.mouse, "how a dashboard looks");
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
