//! The load engine: turns a plan into attempts, and attempts into events.
//!
//! Each worker thread runs one current-thread runtime with its share of the
//! clients and one shard of the recorder; nothing is shared between workers but
//! the witness. A plan may have worker processes in place of threads ([`serve`]): then shards and witness are in
//! memory that they map. The calling thread is the reader: it merges the shards and feeds
//! the observers while the load runs, so no observer needs to be thread-safe. Between
//! two looks it conducts: phases, ticks, a stop, and what a person asks by [`Steering`].
//!
//! Around the load: [`run()`] takes or starts [`Servers`], takes each system through its trials
//! (a [`Bench`]: from clean keys to an entry in the report), judges what was measured and stores
//! it, while a [`Watcher`] sees how it goes. Nothing here reads arguments, prints, or ends the
//! process.

mod bare;
mod bench;
mod client;
mod crew;
mod deadlock_observer;
mod due_instants;
mod fault;
mod gates;
mod grids;
mod late_write;
mod lease_length;
mod meter;
mod narrate;
mod need;
mod options;
mod outcome;
mod overhead;
mod pause_control;
mod phase_schedule;
mod process;
mod publish;
mod run;
mod server_poll;
mod servers;
mod stalls;
mod steering;
mod store;
mod traffic;
mod trial;
mod tripwires;
mod truth;
mod wall;
mod watchdog;
mod watcher;
mod witness;
mod worker;

pub use bare::{BareError, BareLoad, bare_pace};
pub use bench::{Bench, Candidate, Done, TrialObserver, contended};
pub use crew::Launch;
pub use due_instants::{DueInstants, Untaken};
pub use fault::{Faults, Peers, Wires, refusal as fault_refusal};
pub use gates::{Gate, Gates};
pub use grids::Grids;
pub use meter::own_cpu_s;
pub use need::files_needed;
pub use options::{Options, RunError, Store, Write, namespace, run_id, workers};
pub use outcome::Outcome;
pub use overhead::Overhead;
pub use process::{Processes, Program, serve};
pub use run::run;
pub use server_poll::ServerPoll;
pub use servers::{
    Clusters, Endpoints, NoServers, ServerOptions, ServerSource, Servers, neither_program_nor_container,
};
pub use steering::Steering;
pub use store::Stored;
pub use trial::{Armed, LoadError, Spec, Tick, run_virtual};
pub use truth::TruthPlan;
pub use watcher::{Topic, TrialSubject, TrialWatcher, Unwatched, Watcher};
