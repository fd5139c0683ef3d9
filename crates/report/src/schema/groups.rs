//! What came of each group of clients.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use lockbench_core::record::{LatencyFigures, figures};

/// Attempts of one group whose call lies in the measure phase.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GroupResult {
    /// Its name; `others` are the clients that are in none.
    pub name: String,
    /// Number of its clients.
    pub clients: u32,
    /// Attempts that have an outcome.
    pub attempts: u64,
    /// Of these: granted.
    pub grants: u64,
    /// The same per second that was measured.
    pub grants_per_s: f64,
    /// Of the attempts: ended by their deadline, or refused.
    pub denied: u64,
    /// Of the attempts: not served.
    pub unserved: u64,
    /// From the due instant to the grant.
    pub acquire_response: LatencyFigures,
    /// From the call to the grant.
    pub acquire_service: LatencyFigures,
}

impl GroupResult {
    /// Of what was folded in `measured_s` seconds.
    #[must_use]
    pub fn of(folded: &figures::OfGroup, measured_s: f64) -> Self {
        Self {
            name: folded.name.clone(),
            clients: folded.clients.end - folded.clients.start,
            attempts: folded.attempts,
            grants: folded.grants,
            grants_per_s: if measured_s > 0.0 { folded.grants as f64 / measured_s } else { 0.0 },
            denied: folded.denied,
            unserved: folded.unserved,
            acquire_response: folded.response.figures(),
            acquire_service: folded.service.figures(),
        }
    }
}
