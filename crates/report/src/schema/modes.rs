//! Grants of locks that have modes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use lockbench_core::record::{LatencyFigures, figures};
use lockbench_core::workload::plan::Access;

/// Attempts whose call lies in the measure phase, apart by what they asked for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Modes {
    /// Of locks that readers share; `null`: semaphores.
    pub reads: Option<ModeFigures>,
    /// Of the writers, who have the lock alone; `null`: semaphores.
    pub writes: Option<ModeFigures>,
    /// Of the permits of semaphores; `null`: locks.
    pub permits: Option<ModeFigures>,
    /// Most clients that held one key at once.
    pub most_at_once: u32,
}

/// Grants of one mode.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ModeFigures {
    /// Grants.
    pub grants: u64,
    /// The same per second that was measured.
    pub grants_per_s: f64,
    /// From the call to the grant.
    pub acquire: LatencyFigures,
}

impl ModeFigures {
    fn of(folded: &figures::OfMode, measured_s: f64) -> Self {
        let grants = folded.grants();
        let grants_per_s = if measured_s > 0.0 { grants as f64 / measured_s } else { 0.0 };
        Self { grants, grants_per_s, acquire: folded.acquire().figures() }
    }
}

impl Modes {
    /// Of what was folded in `measured_s` seconds of attempts that asked for this.
    #[must_use]
    pub fn of(folded: &figures::Modes, access: Access, measured_s: f64) -> Self {
        let semaphores = matches!(access, Access::Permits { .. });
        let of = |wanted: bool, of: &figures::OfMode| wanted.then(|| ModeFigures::of(of, measured_s));
        Self {
            reads: of(!semaphores, folded.reads()),
            writes: of(!semaphores, folded.others()),
            permits: of(semaphores, folded.others()),
            most_at_once: folded.most_at_once(),
        }
    }
}
