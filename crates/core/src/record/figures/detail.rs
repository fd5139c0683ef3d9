//! Histograms that no report has: how late attempts began, and how long those took that
//! got no grant. Kept only where somebody asks for them, and each allocated with its
//! first sample.

use crate::record::event::Denial;
use crate::record::histogram::Latency;

/// Lengths of the attempts with one outcome.
#[derive(Clone, Debug, Default)]
pub struct Lengths {
    /// From `acquire_invoke`.
    pub service: Latency,
    /// From the due instant.
    pub response: Latency,
}

/// All of them, of attempts whose `acquire_invoke` lies in the measure phase.
#[derive(Clone, Debug, Default)]
pub struct Detail {
    lag: Latency,
    /// By denial; of those withdrawn there is none.
    denied: [Option<Box<Lengths>>; Denial::ALL.len()],
}

impl Detail {
    /// From the due instant to `acquire_invoke`.
    #[must_use]
    pub fn lag(&self) -> &Latency {
        &self.lag
    }

    /// Lengths of the attempts that ended so; `None`: there were none.
    #[must_use]
    pub fn denied(&self, denial: Denial) -> Option<&Lengths> {
        self.denied[denial as usize].as_deref()
    }

    pub(super) fn began(&mut self, lag_ns: u64) {
        self.lag.record(lag_ns);
    }

    pub(super) fn ended(&mut self, denial: Denial, service_ns: u64, response_ns: u64) {
        // No outcome of the system.
        if denial == Denial::Withdrawn {
            return;
        }
        let lengths = self.denied[denial as usize].get_or_insert_default();
        lengths.service.record(service_ns);
        lengths.response.record(response_ns);
    }
}
