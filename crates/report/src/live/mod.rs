//! What whoever watches a run is told: an ordered stream of [`Update`]s. The same
//! stream comes from a run under way and from a stored one that is played again, and
//! both the headless printer and the terminal UI are folds over it. So no screen
//! shows what the files of the run cannot.
//!
//! [`LiveTrial`] folds the events of one trial and takes [`Snapshot`]s of it; [`feed`]
//! carries updates from the thread that measures to the one that draws, and never
//! makes the first wait for the second. [`Player`] plays a stored run, [`Follower`]
//! follows one that another process is writing.

mod bins;
mod facts;
mod feed;
mod follow;
mod lanes;
mod player;
mod slices;
mod snapshot;
mod trial;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use bins::Bins;
pub use facts::groups_in_words;
pub use feed::{Closed, Publisher, Subscriber, feed};
pub use follow::{Followed, Follower, follow};
pub use lanes::KeyHold;
pub(crate) use player::plan_of;
pub use player::{Listener, Moment, Player, Tempo, Wall, play, replay};
pub use slices::{SLICE_NS, Slice};
pub use snapshot::{KeyLive, Lag, Own, Second, Snapshot};
pub use trial::LiveTrial;

#[cfg(any(test, feature = "testing"))]
pub use player::by_hand;

use super::lint::Ground;
use super::measured::Measurements;
use super::schema::{Report, SkippedBackend, TrialResult};
use lockbench_core::lock::Facts;
use lockbench_core::record::LogLine;

/// One thing that happened, in order.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Update {
    /// A run begins; once more for each point of a sweep.
    Run(Box<RunFacts>),
    /// Something worth knowing, in words.
    Note(String),
    /// A line of the log.
    Log(LogLine),
    /// A system answered and takes part.
    System(Box<SystemFacts>),
    /// A system does not take part.
    Skipped(SkippedBackend),
    /// A trial is about to begin.
    Trial(TrialStart),
    /// How the trial stands.
    Live(Box<Snapshot>),
    /// The trial is over.
    Ended(Box<TrialEnd>),
    /// What the servers of a system say of themselves, seen from outside of the load.
    Servers(Box<ServerLook>),
    /// A stored run is played from its start again: what was told of it is to be forgotten.
    Rewound,
    /// The run is over: the report, lints and verdict included.
    Over(Box<Report>),
}

/// Where the updates come from.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Origin {
    /// This process drives the load.
    Live,
    /// Another process drives the load; its history is followed.
    Followed,
    /// A stored run, so many times as fast as it was.
    Replayed {
        /// 1.0: as it was.
        speed: f64,
    },
}

/// A run, before its first trial.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RunFacts {
    /// Where the updates come from.
    pub origin: Origin,
    /// Identity of the run.
    pub run_id: String,
    /// Name of the workload.
    pub workload: String,
    /// The workload's question in words; may be empty.
    pub question: String,
    /// Registry names, in the order of tables.
    pub backends: Vec<String>,
    /// Trials of each.
    pub trials: u32,
    /// Number of clients.
    pub clients: u32,
    /// Number of keys.
    pub keys: u32,
    /// Planned length of the warm-up.
    pub warmup_ns: u64,
    /// Planned length of the measure phase.
    pub duration_ns: u64,
    /// How long an attempt waits at most; `None`: it tries once.
    pub acquire_timeout_ns: Option<u64>,
    /// The load in one line: arrival, keys, hold, retry.
    pub load: String,
    /// The faults of the plan, each in a line.
    #[serde(default)]
    pub faults: Vec<String>,
    /// Is an attempt due just when its client begins it (a closed loop without think
    /// time)? Then response time is service time.
    #[serde(default)]
    pub due_at_start: bool,
    /// The trials in the order in which they take turns: registry name, number from 1;
    /// empty as long as it is not known.
    #[serde(default)]
    pub order: Vec<(String, u32)>,
    /// Processors of the machine that drives the load.
    pub cores: u32,
    /// Cycles a second that lockbench itself can make here, if it was measured.
    pub ceiling_cycles_per_s: Option<f64>,
    /// What lints need besides the trials, so that they can be told before the run is
    /// over; `None`: only the report tells them.
    #[serde(skip)]
    pub lints: Option<Arc<Ground>>,
}

/// A system that takes part.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SystemFacts {
    /// Registry name.
    pub backend: String,
    /// Version, durability, quorum, as read back from the server.
    pub facts: Facts,
    /// Addresses of its servers, without credentials.
    pub addresses: Vec<String>,
    /// Did this run start the servers?
    pub started_here: bool,
    /// How its clients wait: poll, server queue, watch, in this process.
    pub waiting: String,
    /// Does it have fencing tokens?
    pub fencing: bool,
    /// Are waiters served in order of arrival?
    pub fifo: bool,
    /// Lease length asked for in nanoseconds; `None`: no lease.
    pub ttl_ns: Option<u64>,
}

/// A trial that is about to begin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrialStart {
    /// Registry name.
    pub backend: String,
    /// Trial number, from 1.
    pub trial: u32,
    /// Its place in the order of the run, from 1.
    pub place: u32,
    /// Trials of all systems together.
    pub places: u32,
}

/// A trial that is over.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TrialEnd {
    /// Its entry in the report.
    pub result: TrialResult,
    /// What was folded; `None` for a trial that failed.
    pub measured: Option<Measurements>,
}

/// A look at the servers of a system while it runs.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct ServerLook {
    /// Registry name.
    pub backend: String,
    /// When it was, clock nanoseconds; 0 where nobody wrote it down.
    #[serde(default)]
    pub at_ns: u64,
    /// One small request and its answer over an open connection, beside the load; `None`:
    /// not answered, or no server to ask.
    pub round_trip_ns: Option<u64>,
    /// Processor seconds of the servers so far, if we started them.
    pub cpu_s: Option<f64>,
    /// Their memory in bytes, if we started them.
    pub rss_bytes: Option<u64>,
    /// Who holds the first keys now, as the server sees it.
    pub keys: Vec<KeyLook>,
    /// Number of keys that were not asked about.
    pub more_keys: u32,
    /// Why the server did not answer.
    pub problem: Option<String>,
}

/// Who holds a key, as the server sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyLook {
    /// Key index.
    pub key: u32,
    /// Its name on the server.
    pub name: String,
    /// The holder; `None`: nobody.
    pub holder: Option<lockbench_core::lock::Holder>,
}
