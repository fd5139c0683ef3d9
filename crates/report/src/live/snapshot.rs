//! How a trial stands at one moment. Counts are of the whole trial so far; what is a
//! list of happenings (seconds, holds, double grants) has what is new since the
//! snapshot before it.

use serde::{Deserialize, Serialize};

use super::bins::Bins;
use super::lanes::KeyHold;
use super::slices::Slice;
use crate::LatencySet;
use lockbench_core::oracle::DoubleGrant;
use lockbench_core::record::Phase;
use lockbench_core::record::figures::{Counts, Mark, Window};
use lockbench_core::record::history::Judged;

/// A moment of a trial.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Snapshot {
    /// Registry name.
    pub backend: String,
    /// Trial number, from 1.
    pub trial: u32,
    /// Phase.
    pub phase: Phase,
    /// Is the load paused?
    pub paused: bool,
    /// Start of the warm-up, clock nanoseconds: the zero of every time axis.
    pub origin_ns: u64,
    /// Nanoseconds since the start of the warm-up.
    pub elapsed_ns: u64,
    /// Length of the warm-up, pauses included: one that goes on as if it ended now.
    pub warmup_ns: u64,
    /// How long it has measured so far, without pauses: what rates are over.
    pub loaded_ns: u64,
    /// Nanoseconds to the planned end of the measure phase.
    pub left_ns: u64,
    /// Outcomes of the measure phase so far.
    pub counts: Counts,
    /// Latencies of the measure phase so far; figures that too few samples support are `None`.
    pub latency: LatencySet,
    /// Service times of the measure phase.
    pub service: Bins,
    /// Response times of the measure phase.
    pub response: Bins,
    /// What the oracle has counted, all phases.
    pub judged: Judged,
    /// Beside a zero of double grants: its upper bound at 95 %, a million holds.
    pub upper_bound_per_million: Option<f64>,
    /// Seconds that are over since the last snapshot, and the one under way.
    pub seconds: Vec<Second>,
    /// Slices that are over since the last snapshot.
    pub slices: Vec<Slice>,
    /// The busiest keys, in order of key.
    pub keys: Vec<KeyLive>,
    /// Keys that are not among them.
    pub more_keys: u32,
    /// Clients that wait for a grant now.
    pub waiting: u32,
    /// Clients that are inside now.
    pub inside: u32,
    /// Grants of each client in the measure phase.
    pub grants_of: Vec<u64>,
    /// Longest wait of each client in the measure phase, granted or not.
    pub longest_wait_of: Vec<u64>,
    /// Holds that ended since the last snapshot, as far as they are remembered, and the open ones.
    pub holds: Vec<KeyHold>,
    /// Double grants found since the last snapshot; of a trial the first hundred.
    pub double_grants: Vec<DoubleGrant>,
    /// Pauses and faults that are over, and markers, of the trial so far.
    pub marks: Vec<Mark>,
    /// Numbers of the planned faults that are in force, from 1.
    #[serde(default)]
    pub faults_in_force: Vec<u32>,
    /// The load generator itself.
    pub own: Own,
    /// Of a stored or followed run whose history tells no more: up to here, in nanoseconds
    /// since the start of the warm-up, everything is told. What came later is only known
    /// by the second (phase, seconds, grants and double grants of `judged`), and the rest
    /// stands still. `None`: all is told.
    #[serde(default)]
    pub detail_until_ns: Option<u64>,
}

/// How the load generator does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Own {
    /// How late attempts began, against their due instants.
    pub lag: Lag,
    /// Processors that this process keeps busy; `None` in a replay.
    pub cpu: Option<f64>,
}

/// How late attempts began since the last snapshot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lag {
    /// Attempts that began.
    pub attempts: u64,
    /// The latest one, in nanoseconds after its due instant.
    pub longest_ns: u64,
}

/// One second of a trial, since the start of the warm-up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Second {
    /// Its number.
    pub second: u64,
    /// Grants.
    pub grants: u64,
    /// Attempts that timed out.
    pub timed_out: u64,
    /// Attempts that were not served, or whose answer was lost.
    pub failed: u64,
    /// Attempts under way in it that were not served in the end, as far as known.
    #[serde(default)]
    pub unserved: u64,
    /// Median wait of the attempts that ended in it (service time).
    pub p50_ns: Option<u64>,
    /// 99th percentile of these waits, however few.
    pub p99_ns: Option<u64>,
    /// Longest of these waits; a lower bound where attempts ended in vain.
    pub max_ns: Option<u64>,
    /// Double grants that began in it, as far as found.
    pub double_grants: u64,
}

impl From<&Window> for Second {
    fn from(window: &Window) -> Self {
        Self {
            second: window.second,
            grants: window.grants,
            timed_out: window.timed_out,
            failed: window.failed,
            unserved: window.unserved,
            p50_ns: window.p50_ns,
            p99_ns: window.p99_ns,
            max_ns: window.max_ns,
            double_grants: 0,
        }
    }
}

/// One key now, with counts of all phases so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyLive {
    /// Key index.
    pub key: u32,
    /// Attempts so far.
    pub attempts: u64,
    /// Of these: found the key held by another client.
    pub contended: u64,
    /// Grants so far.
    pub grants: u64,
    /// Clients that wait for it now.
    pub waiting: u32,
}
