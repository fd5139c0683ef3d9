//! What a run says of itself on the metrics board, besides the figures of its trials:
//! nothing, where there is no board.

use super::conclude::aggregates;
use super::job::Job;
use lockbench_engine::Done;
use lockbench_output::metrics::Subject;
use lockbench_report::threshold::judge;
use lockbench_report::{Environment, Report, SkippedBackend, ThresholdOutcome};
use lockbench_systems::Entry;

/// The run begins.
pub fn begins(job: &Job<'_>, id: &str) {
    if let Some(board) = &job.session.board {
        board.run(id, &job.plan.name, "run");
    }
}

/// A system answers: its figures begin at zero.
pub fn answers(job: &Job<'_>, entry: &Entry) {
    if let Some(board) = &job.session.board {
        let subject = Subject::new(entry.name, &job.plan.name);
        board.up(&subject, true);
        board.expect(&subject, entry.guarantees.token.is_some());
    }
}

/// A system does not answer, or no more.
pub fn is_down(job: &Job<'_>, backend: &str) {
    if let Some(board) = &job.session.board {
        board.up(&Subject::new(backend, &job.plan.name), false);
    }
}

/// A trial ended: how the thresholds stand on the trials so far.
pub fn trial_ended(job: &Job<'_>, dones: &[Done], skipped: &[SkippedBackend]) {
    let Some(board) = &job.session.board else { return };
    if let Some(failed) = dones.last().filter(|done| done.result.error.is_some()) {
        is_down(job, &failed.result.backend);
    }
    if job.gates.thresholds.is_empty() {
        return;
    }
    let report = Report {
        results: dones.iter().map(|done| done.result.clone()).collect(),
        aggregates: aggregates(job, dones),
        skipped: skipped.to_vec(),
        ..Report::blank(Environment::default())
    };
    let systems: Vec<&str> = job.selection.entries.iter().map(|entry| entry.name).collect();
    for result in judge(&job.gates.thresholds, &report, &systems) {
        let ok = match result.outcome {
            ThresholdOutcome::Kept => Some(true),
            ThresholdOutcome::Breached => Some(false),
            ThresholdOutcome::NotMeasured => None,
        };
        board.threshold(&Subject::new(&result.backend, &job.plan.name), &result.text, ok);
    }
}

/// The run is over, its servers are stopped.
pub fn over(job: &Job<'_>) {
    if let Some(board) = &job.session.board {
        board.rest();
    }
}
