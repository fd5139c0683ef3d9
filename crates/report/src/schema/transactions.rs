//! What became of transactions, which take several locks each, and the deadlocks among them.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use lockbench_core::oracle::{Deadlock, Deadlocks, Ending};
use lockbench_core::record::{LatencyFigures, figures};

/// Transactions whose first call lies in the measure phase, and the deadlocks of all phases.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Transactions {
    /// Those that got all of their locks.
    pub completed: u64,
    /// The same per second that was measured.
    pub completed_per_s: f64,
    /// Those that did not get one of them, and gave the others back.
    pub given_up: u64,
    /// Of these: to break a deadlock, by the workload's policy or by the server.
    pub deadlocked: u64,
    /// From the due instant to the grant of the last lock, of those that got all.
    pub acquire: LatencyFigures,
    /// From the grant of the first lock to the giving back, of those that did not get all: so long other clients were kept
    /// out for nothing.
    pub held_in_vain: LatencyFigures,
    /// What broke how many deadlocks.
    pub endings: BTreeMap<Ending, u64>,
    /// The longest that a deadlock stood, in nanoseconds.
    pub longest_deadlock_ns: u64,
    /// Most clients in one.
    pub widest_deadlock: u32,
    /// The first deadlocks in full; instants are those of the clock.
    pub deadlocks: Vec<Deadlock>,
}

impl Transactions {
    /// Of what was folded in `measured_s` seconds.
    #[must_use]
    pub fn of(folded: &figures::Transactions, found: &Deadlocks, measured_s: f64) -> Self {
        let completed = folded.completed();
        Self {
            completed,
            completed_per_s: if measured_s > 0.0 { completed as f64 / measured_s } else { 0.0 },
            given_up: folded.given_up(),
            deadlocked: folded.deadlocked(),
            acquire: folded.acquire().figures(),
            held_in_vain: folded.held_in_vain().figures(),
            endings: found.endings.clone(),
            longest_deadlock_ns: found.longest_ns,
            widest_deadlock: found.widest,
            deadlocks: found.first.clone(),
        }
    }
}
