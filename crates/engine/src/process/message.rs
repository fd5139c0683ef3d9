//! What the conductor and a worker process tell one another, one line of JSON each: orders on the worker's standard
//! input, answers on its standard output. Events do not come this way: they are in the shard that both map.

use serde::{Deserialize, Serialize};

use crate::tripwires::TripwiresName;
use crate::witness::WitnessName;
use crate::worker::WorkerReport;
use lockbench_core::record::ShardName;
use lockbench_core::shared::BlockName;

/// To the worker. The end of its input means that the conductor is gone.
#[derive(Debug, Serialize, Deserialize)]
pub enum Order {
    /// Open the sessions.
    Open(Box<Assignment>),
    /// The load begins.
    Start(Phases),
    /// No client begins another attempt.
    Hold,
    /// They go on.
    GoOn(Phases),
    /// The load ends in order.
    Drain,
    /// It ends at once.
    Abort,
    /// Tell the time by the wall clock.
    TellTime,
}

/// The instants of the schedule, in clock nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Phases {
    pub start: u64,
    pub measure: u64,
    pub end: u64,
}

/// Which load on which system, and where what it shares is.
#[derive(Debug, Serialize, Deserialize)]
pub struct Assignment {
    /// The plan, as a workload file.
    pub plan: String,
    /// Registry name of the system.
    pub backend: String,
    /// Its servers, with what is needed to reach them.
    pub endpoints: Vec<String>,
    pub namespace: String,
    pub ours: bool,
    pub scratch: std::path::PathBuf,
    /// Where the conductor serves the lock, if it is one of its own memory.
    pub served_at: Option<String>,
    pub ttl_ns: u64,
    pub trial: u32,
    /// Names of the keys, by index.
    pub keys: Vec<String>,
    /// The number of this process.
    pub process: u32,
    pub shard: ShardName,
    pub witness: WitnessName,
    /// Is it told what each client is to the servers?
    pub identifies: bool,
    pub tripwires: Option<TripwiresName>,
    /// Which attempts are to give up.
    pub victims: Option<BlockName>,
}

/// From the worker.
#[derive(Debug, Serialize, Deserialize)]
pub enum Answer {
    /// All sessions are open.
    Opened,
    /// They are not, or the load could not run.
    Failed {
        /// Why.
        problem: String,
        /// It was stopped before.
        stopped: bool,
    },
    /// What its wall clock says, in nanoseconds since 1970.
    Time(i64),
    /// All clients are done.
    Done(WorkerReport),
}
