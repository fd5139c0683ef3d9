//! A system as one sees it, and what is known of it: during a trial from its snapshot,
//! after it from its entry in the report.

use crate::controls::Paused;
use crate::state::SystemState;
use crate::view::View;
use lockbench_core::record::Phase;
use lockbench_report::LatencySet;
use lockbench_report::live::{Origin, Snapshot};

/// A system as one sees it.
pub struct Row<'a> {
    /// The look.
    pub view: &'a View<'a>,
    /// The system.
    pub system: &'a SystemState,
}

/// What was counted in the measure phase.
#[derive(Clone, Copy)]
pub struct RowCounts {
    /// With an outcome.
    pub attempts: u64,
    /// Granted.
    pub grants: u64,
    /// Without a grant before their deadline.
    pub timed_out: u64,
    /// Lost while they were held.
    pub lost_leases: u64,
}

impl<'a> Row<'a> {
    pub(super) fn name(&self) -> &'a str {
        &self.system.name
    }

    /// The trial under way, as far as it is known.
    pub(super) fn snapshot(&self) -> Option<&'a Snapshot> {
        self.system.snapshot.as_ref()
    }

    /// Returns whether its load is paused, or about to be. Of a stored or followed run the user holds the
    /// picture only; and what drains cannot be paused.
    pub(super) fn paused(&self, snapshot: &Snapshot) -> bool {
        let asked = self.view.paused == Paused::InForce && self.view.state.origin() == Origin::Live;
        snapshot.paused || asked && snapshot.phase != Phase::Drain
    }

    pub(super) fn set(&self) -> Option<&'a LatencySet> {
        let ended = self.system.result.as_ref().map(|result| &result.latency);
        ended.or(self.snapshot().map(|snapshot| &snapshot.latency))
    }

    /// Returns whether its trial has come to its measure phase.
    pub(super) fn measuring(&self) -> bool {
        self.system.result.is_some() || self.snapshot().is_some_and(|snapshot| snapshot.phase != Phase::Warmup)
    }

    pub(super) fn tally(&self) -> Option<RowCounts> {
        if let Some(result) = &self.system.result {
            let (attempts, grants) = (result.attempts, result.grants);
            let lost_leases = result.safety.lost_leases;
            return Some(RowCounts { attempts, grants, timed_out: result.timed_out, lost_leases });
        }
        let counts = self.snapshot().filter(|_| self.measuring())?.counts;
        let (attempts, grants) = (counts.attempts, counts.grants);
        Some(RowCounts { attempts, grants, timed_out: counts.timed_out, lost_leases: counts.lost_leases })
    }

    /// Grants of the measure phase, and its length so far.
    pub(super) fn measured(&self) -> Option<(u64, u64)> {
        let snapshot = self.snapshot().filter(|_| self.measuring())?;
        let ns = snapshot.loaded_ns;
        (ns > 0).then_some((snapshot.counts.grants_in_window, ns))
    }

    /// Grants per second of the measure phase.
    pub fn grants_per_s(&self) -> Option<f64> {
        match &self.system.result {
            Some(result) => result.throughput_per_s,
            None => self.measured().map(|(grants, ns)| grants as f64 * 1e9 / ns as f64),
        }
    }

    /// 99th percentile of the wait.
    pub fn p99_ns(&self) -> Option<u64> {
        self.set().and_then(|set| set.acquire_service.p99_ns)
    }

    /// `so far`, while the trial is under way.
    pub(super) fn when(&self) -> String {
        match &self.system.result {
            Some(result) => format!("in the measure phase of trial {}", result.trial),
            None => format!("in the measure phase{}", self.system.so_far()),
        }
    }
}

/// A phase in a word.
pub fn phase(phase: Phase) -> &'static str {
    match phase {
        Phase::Warmup => "warm-up",
        Phase::Measure => "measure",
        Phase::Drain => "drain",
    }
}

/// A share as per cent, that of a few among many never as 0.
pub fn share(part: u64, whole: u64) -> String {
    let percent = 100.0 * part as f64 / whole.max(1) as f64;
    match percent {
        0.0 => "0 %".to_owned(),
        ..0.1 => "<0.1 %".to_owned(),
        ..9.95 => format!("{percent:.1} %"),
        _ if part < whole => format!("{:.0} %", percent.min(99.0)),
        _ => "100 %".to_owned(),
    }
}
