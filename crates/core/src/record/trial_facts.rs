//! What a trial has to say beside its events: where it stands, and what the engine itself
//! has to report of it.

use serde::{Deserialize, Serialize};

use super::{Disturbance, ReaderCounts, Reasons};

/// Where a trial stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Phase {
    /// Load without counting.
    #[default]
    Warmup,
    /// The attempts that count.
    Measure,
    /// No new attempts; the open ones end.
    Drain,
}

/// What the engine itself has to report of a trial.
#[derive(Debug, Default)]
pub struct TrialReport {
    /// Events read and lost.
    pub reader: ReaderCounts,
    /// Failures in words.
    pub reasons: Reasons,
    /// How often clients were held back between attempts because the recorder was behind.
    pub throttled: u64,
    /// Lease length in force as the session knows it.
    pub effective_ttl_ns: Option<u64>,
    /// Clients that panicked.
    pub panicked: u64,
    /// Worker processes that died although no fault had killed them.
    pub lost_processes: u32,
    /// Attempts of the measure phase that were due and that no client could take; `None`:
    /// an attempt was due only when a client was free.
    pub dropped: Option<u64>,
    /// Was it cut short, by a stop or by the caller?
    pub cut_short: bool,
    /// The faults that were injected, in order of time.
    pub faults: Vec<FaultRecord>,
}

/// What became of a planned fault at one node. Instants in clock nanoseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultRecord {
    /// Which fault, and of which node.
    pub of: Disturbance,
    /// Name of the node.
    pub name: String,
    /// When it was injected.
    pub from: u64,
    /// When the node was whole again; `None`: it did not come back.
    pub healed: Option<u64>,
    /// Whether it was seen to have done what it is for.
    pub bit: bool,
    /// Why it could not be injected or healed.
    pub problem: Option<String>,
    /// Who led afterwards, of a fault that hit the leader; `None`: it was aimed at others.
    pub leader: Option<LeaderAfter>,
    /// What the node said of its clock, of a fault that moves it.
    pub clock: Option<ClockSeen>,
    /// What the disk of the node did, of a fault of the disk.
    pub disk: Option<DiskFacts>,
}

/// How far the wall clock of a node was from ours, by what the node itself told, in nanoseconds; below zero where it was
/// behind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClockSeen {
    /// Before the injection.
    pub before_ns: i64,
    /// When last asked while the fault was in force.
    pub during_ns: Option<i64>,
    /// When it was put right.
    pub after_ns: Option<i64>,
}

/// What a disk that knows what was synced did while a fault was in force.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DiskFacts {
    /// Bytes that were written and not synced, and were forgotten.
    pub forgotten_bytes: u64,
    /// Files that they were of.
    pub forgotten_files: u64,
    /// Names that were made, renamed or removed, and were forgotten.
    pub forgotten_names: u64,
    /// Calls of fsync that took longer.
    pub fsyncs_delayed: u64,
}

/// Who leads after a fault of the leader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LeaderAfter {
    /// The same node.
    Same,
    /// Another was elected.
    Changed {
        /// Its name.
        name: String,
        /// It was first seen to lead so many nanoseconds after the injection.
        after_ns: u64,
    },
    /// No node was seen to lead.
    Nobody,
}
