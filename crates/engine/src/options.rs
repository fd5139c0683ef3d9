//! What a run is asked to do, and why one could not be begun.

use std::io;
use std::path::PathBuf;
use std::time::SystemTime;

use super::gates::{Gate, Gates};
use super::process::Program;
use super::servers::ServerOptions;
use super::steering::Steering;
use lockbench_core::stop::Stop;
use lockbench_core::workload::{Plan, client_seed};
use lockbench_report::{OwnCost, RecordedRun, RunDirectory, StoreError, cores};

/// What a run is asked to do.
pub struct Options<'a> {
    /// The load.
    pub plan: Plan,
    /// Identity of the run.
    pub id: String,
    /// When it began.
    pub started: SystemTime,
    /// Whether the systems were asked for by name: then one that cannot run is a failure.
    pub by_name: bool,
    /// How the run comes to its servers.
    pub servers: ServerOptions,
    /// Thresholds and lints.
    pub gates: Gates,
    /// Another gate of the caller, such as a baseline.
    pub gate: Option<&'a dyn Gate>,
    /// What is said before the load begins, besides what is odd about the plan.
    pub advice: Vec<String>,
    /// Notes of the report, besides what is odd about the plan; said before the load begins.
    pub notes: Vec<String>,
    /// What lockbench was seen to cost on this machine.
    pub own_costs: Vec<OwnCost>,
    /// The command that asked for the run, without secrets.
    pub command: Vec<String>,
    /// Ends the load.
    pub stop: Stop,
    /// Pauses the load and drops markers.
    pub steering: Steering,
    /// The program of worker processes; `None`: a plan that wants some cannot run.
    pub worker: Option<Program>,
    /// The program that serves disks which forget, as [`lockbench_systems::stack::DiskProgram`] wants it; `None`: a plan
    /// with a fault of the disk cannot run.
    pub disk: Option<Program>,
    /// Where the run is stored; `None`: nowhere, and there is no history of it.
    pub store: Option<Store<'a>>,
}

impl Options<'_> {
    /// A run of a plan that is stored nowhere, has no gates, and takes servers as they come.
    #[must_use]
    pub fn new(plan: Plan) -> Self {
        let (started, stop) = (SystemTime::now(), Stop::new());
        let mut servers = ServerOptions::default();
        servers.docker.stop = stop.clone();
        Self {
            id: run_id(&plan.name, started),
            plan,
            started,
            by_name: true,
            servers,
            gates: Gates::default(),
            gate: None,
            advice: Vec::new(),
            notes: Vec::new(),
            own_costs: Vec::new(),
            command: Vec::new(),
            stop,
            steering: Steering::default(),
            worker: None,
            disk: None,
            store: None,
        }
    }
}

/// Takes a file of a run: its path below the run directory, and its bytes or why there are none.
pub type Write<'a> = dyn FnMut(&str, Result<Vec<u8>, String>) + 'a;

/// A run directory, and what the caller adds to it.
pub struct Store<'a> {
    /// The directory.
    pub directory: RunDirectory,
    /// Draws the files that are made from what is stored.
    pub draw: &'a dyn Fn(&RecordedRun, &mut Write<'_>),
    /// Completes what the caller itself writes there, such as a log; says what could not be
    /// written.
    pub sync: &'a dyn Fn() -> Result<(), String>,
}

/// Why a run could not be begun.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The plan asks for a lease that a system does not offer.
    #[error("{0}")]
    Ttl(String),
    /// The run directory refused the plan.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No runtime could be had.
    #[error("{0}")]
    Runtime(io::Error),
    /// The directory of embedded systems could not be made.
    #[error("{}: {cause}", path.display())]
    Scratch {
        /// The directory.
        path: PathBuf,
        /// The cause.
        cause: io::Error,
    },
    /// The history could not be created.
    #[error("cannot write {}: {cause}", path.display())]
    History {
        /// The file.
        path: PathBuf,
        /// The cause.
        cause: io::Error,
    },
    /// The report could not be written as JSON.
    #[error("{0}")]
    Json(serde_json::Error),
}

/// `20261120T073501Z-hot-key-1a2b`: sorts by time, unique enough for one directory.
#[must_use]
pub fn run_id(workload: &str, started: SystemTime) -> String {
    let stamp: String = humantime::format_rfc3339_seconds(started).to_string().replace(['-', ':'], "");
    let name: String = workload
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' })
        .take(40)
        .collect();
    let nanos = started.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.subsec_nanos());
    let tail = client_seed(u64::from(nanos), std::process::id(), 0) & 0xffff;
    format!("{stamp}-{name}-{tail:04x}")
}

/// What the run's keys, schema or path are named by on a server: the start of the
/// run id, which may be too long for a schema, and a number of this process: two
/// machines may give one server the same run id, and must not meet there.
#[must_use]
pub fn namespace(id: &str, started: SystemTime) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    let nanos = started.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_nanos() as u64);
    let tail = client_seed(nanos, std::process::id(), 1) & 0xffff_ffff;
    format!("{}-{tail:08x}", id.chars().take(32).map(plain).collect::<String>())
}

/// Worker threads for a plan: one per processor, at most eight, never more than
/// clients. Local servers share the processors with them.
#[must_use]
pub fn workers(plan: &Plan) -> u32 {
    cores().min(8).min(plan.clients)
}
