//! How an open loop went: what was due, how late it began, and whose doing that was. Kept only where attempts are due by
//! the clock.

use std::ops::Range;

use super::Schedule;
use crate::record::attempt::Attempt;
use crate::record::histogram::Latency;

/// The account of an open loop, of what was due or began in the measure phase.
#[derive(Clone, Debug, Default)]
pub struct OpenLoop {
    /// When each client ended its last attempt.
    free_since: Vec<u64>,
    /// The clients that are asked by the clock; none: all.
    clients: Vec<Range<u32>>,
    begun: u64,
    dropped: u64,
    dropped_by_us: u64,
    lag: Latency,
    queued: Latency,
}

impl OpenLoop {
    pub(super) fn new(all: u32, clients: Vec<Range<u32>>, start: u64) -> Self {
        Self { free_since: vec![start; all as usize], clients, ..Self::default() }
    }

    /// Attempts that were due in the measure phase and began.
    #[must_use]
    pub fn begun(&self) -> u64 {
        self.begun
    }

    /// Attempts that were due in it and that no client took, because all were busy.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Attempts that were due in it and dropped while a client was free and came late, or while this process did not run.
    #[must_use]
    pub fn dropped_by_us(&self) -> u64 {
        self.dropped_by_us
    }

    /// All that were due in the measure phase.
    #[must_use]
    pub fn due(&self) -> u64 {
        self.begun + self.dropped + self.dropped_by_us
    }

    /// How late attempts began though a client was free: from the due instant, or from the end of that client's last
    /// attempt if it is later, to the call.
    #[must_use]
    pub fn lag(&self) -> &Latency {
        &self.lag
    }

    /// How long attempts waited for a client: from the due instant to the end of the last attempt of the client that took
    /// it.
    #[must_use]
    pub fn queued(&self) -> &Latency {
        &self.queued
    }

    pub(super) fn began(&mut self, attempt: &Attempt, schedule: &Schedule) {
        let Attempt { client, due, invoke, .. } = *attempt;
        if !self.clients.is_empty() && !self.clients.iter().any(|clients| clients.contains(&client)) {
            return;
        }
        self.begun += u64::from(schedule.measures(due));
        if schedule.measures(invoke) {
            let free = self.free_since.get(client as usize).map_or(due, |free| (*free).min(invoke));
            self.queued.record(free.saturating_sub(due));
            self.lag.record(invoke.saturating_sub(due.max(free)));
        }
    }

    pub(super) fn ended(&mut self, client: u32, t: u64) {
        if let Some(free) = self.free_since.get_mut(client as usize) {
            *free = t;
        }
    }

    pub(super) fn dropped_so(&mut self, count: u32, own: bool) {
        let to = if own { &mut self.dropped_by_us } else { &mut self.dropped };
        *to += u64::from(count);
    }
}
