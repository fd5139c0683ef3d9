//! The histograms that reports have.

use serde::{Deserialize, Serialize};

use crate::record::histogram::Latency;

/// All histograms, of attempts whose `acquire_invoke` lies in the measure phase.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Latencies {
    /// `acquire_invoke` to `acquire_ok`.
    pub acquire_service: Latency,
    /// Due instant to `acquire_ok`.
    pub acquire_response: Latency,
    /// `acquire_ok` to `release_invoke`, as achieved.
    pub hold: Latency,
    /// Previous `release_invoke` to the next `acquire_ok`, where the next holder
    /// was already waiting.
    pub handoff: Latency,
    /// `release_invoke` to the answer.
    pub release: Latency,
    /// Asking for a renewal to its confirmation.
    pub renew: Latency,
}

impl Latencies {
    /// No histogram at all, and no memory for any: what is recorded is forgotten.
    #[must_use]
    pub fn absent() -> Self {
        let absent = Latency::absent;
        Self {
            acquire_service: absent(),
            acquire_response: absent(),
            hold: absent(),
            handoff: absent(),
            release: absent(),
            renew: absent(),
        }
    }

    /// Every histogram.
    pub fn each_mut(&mut self) -> [&mut Latency; 6] {
        let Self { acquire_service, acquire_response, hold, handoff, release, renew } = self;
        [acquire_service, acquire_response, hold, handoff, release, renew]
    }

    /// Adds all samples of another set.
    pub fn merge(&mut self, other: &Self) {
        self.acquire_service.merge(&other.acquire_service);
        self.acquire_response.merge(&other.acquire_response);
        self.hold.merge(&other.hold);
        self.handoff.merge(&other.handoff);
        self.release.merge(&other.release);
        self.renew.merge(&other.renew);
    }
}
