//! What a run says of itself on the metrics board, besides the figures of its trials:
//! nothing, where there is no board. A fold over the same updates as the display.

use std::sync::Mutex;

use super::lock;
use lockbench_output::metrics::{Board, Subject};
use lockbench_report::live::{TrialEnd, Update};
use lockbench_report::threshold::judge;
use lockbench_report::{Aggregate, Environment, Report, SkippedBackend, Threshold, ThresholdOutcome, aggregate};
use lockbench_systems::Entry;

/// The board of a session, and the run that is on it.
#[derive(Default)]
pub struct Scoreboard {
    /// `None`: no metrics were asked for.
    board: Option<Board>,
    run: Mutex<Option<OnBoard>>,
}

/// A run on the board.
struct OnBoard {
    workload: String,
    thresholds: Vec<Threshold>,
    /// Registry names.
    systems: Vec<String>,
    ends: Vec<TrialEnd>,
    skipped: Vec<SkippedBackend>,
}

impl Scoreboard {
    /// Returns a score board that writes to `board`, if there is one.
    pub fn new(board: Option<Board>) -> Self {
        Self { board, run: Mutex::default() }
    }

    /// A run begins.
    pub fn begins(&self, id: &str, workload: &str, thresholds: &[Threshold], systems: &[&'static Entry]) {
        let Some(board) = &self.board else { return };
        board.run(id, workload, "run");
        *lock(&self.run) = Some(OnBoard {
            workload: workload.to_owned(),
            thresholds: thresholds.to_vec(),
            systems: systems.iter().map(|entry| entry.name.to_owned()).collect(),
            ends: Vec::new(),
            skipped: Vec::new(),
        });
    }

    /// The next update of the run.
    pub fn update(&self, update: &Update) {
        if let (Some(board), Some(run)) = (&self.board, &mut *lock(&self.run)) {
            run.update(board, update);
        }
    }

    /// The servers of the run are stopped.
    pub fn over(&self) {
        if let Some(board) = &self.board {
            board.rest();
        }
    }
}

impl OnBoard {
    fn update(&mut self, board: &Board, update: &Update) {
        match update {
            // Its figures begin at zero.
            Update::System(system) => {
                let subject = Subject::new(&system.backend, &self.workload);
                board.up(&subject, true);
                board.expect(&subject, system.fencing);
            }
            Update::Skipped(skipped) => {
                board.up(&Subject::new(&skipped.backend, &self.workload), false);
                self.skipped.push(skipped.clone());
            }
            Update::Ended(end) => {
                if end.result.error.is_some() {
                    board.up(&Subject::new(&end.result.backend, &self.workload), false);
                }
                self.ends.push(TrialEnd::clone(end));
                self.judge(board);
            }
            _ => {}
        }
    }

    /// Judges the thresholds on the trials so far.
    fn judge(&self, board: &Board) {
        if self.thresholds.is_empty() {
            return;
        }
        let report = Report {
            results: self.ends.iter().map(|end| end.result.clone()).collect(),
            aggregates: self.systems.iter().filter_map(|name| self.aggregate(name)).collect(),
            skipped: self.skipped.clone(),
            ..Report::blank(Environment::default())
        };
        let systems: Vec<&str> = self.systems.iter().map(String::as_str).collect();
        for result in judge(&self.thresholds, &report, &systems) {
            let ok = match result.outcome {
                ThresholdOutcome::Kept => Some(true),
                ThresholdOutcome::Breached => Some(false),
                ThresholdOutcome::NotMeasured => None,
            };
            board.threshold(&Subject::new(&result.backend, &self.workload), &result.text, ok);
        }
    }

    /// Merges the trials of a system.
    fn aggregate(&self, name: &str) -> Option<Aggregate> {
        let ends = self.ends.iter().filter(|end| end.result.backend == name);
        let parts: Vec<_> = ends.map(|end| (&end.result, end.measured.as_ref())).collect();
        (!parts.is_empty()).then(|| aggregate(name, &parts))
    }
}
