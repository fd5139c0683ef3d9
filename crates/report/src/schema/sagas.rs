//! What became of sagas.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use lockbench_core::record::{LatencyFigures, figures};

/// Sagas whose first call lies in the measure phase: several locks one after another, each given back before the next.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Sagas {
    /// All of their steps were done.
    pub completed: u64,
    /// The same per second that was measured.
    pub completed_per_s: f64,
    /// They did not get a lock on the way, and undid what was done.
    pub undone: u64,
    /// They could not undo all of it, or their client died.
    pub half_done: u64,
    /// They did not get their first lock.
    pub not_begun: u64,
    /// Steps that found another saga between its own.
    pub seen_between: u64,
    /// From the due instant to the end of the last step, of those that were completed.
    pub whole: LatencyFigures,
}

impl Sagas {
    /// Of what was folded in `measured_s` seconds.
    #[must_use]
    pub fn of(folded: &figures::Sagas, measured_s: f64) -> Self {
        let completed = folded.completed();
        Self {
            completed,
            completed_per_s: if measured_s > 0.0 { completed as f64 / measured_s } else { 0.0 },
            undone: folded.undone(),
            half_done: folded.half_done(),
            not_begun: folded.not_begun(),
            seen_between: folded.seen_between(),
            whole: folded.whole().figures(),
        }
    }
}
