//! Holds as the workload asked for them beside what they were: what the load generator adds of its own to every hold.

use crate::record::histogram::Latency;

/// The holds that ran to their end, of attempts whose call lies in the measure phase.
#[derive(Clone, Debug, Default)]
pub struct Holds {
    asked: Latency,
    longer: Latency,
}

impl Holds {
    pub(super) fn record(&mut self, asked_ns: u64, held_ns: u64) {
        self.asked.record(asked_ns);
        self.longer.record(held_ns.saturating_sub(asked_ns));
    }

    /// As asked for.
    #[must_use]
    pub fn asked(&self) -> &Latency {
        &self.asked
    }

    /// How much longer they were.
    #[must_use]
    pub fn longer(&self) -> &Latency {
        &self.longer
    }
}
