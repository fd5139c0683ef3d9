//! The load engine: turns a plan into attempts, and attempts into events.
//!
//! Each worker thread runs one current-thread runtime with its share of the
//! clients and one shard of the recorder; nothing is shared between workers but
//! the witness. The calling thread is the reader: it merges the shards and feeds
//! the observers while the load runs, so no observer needs to be thread-safe. Between
//! two looks it conducts: phases, ticks, a stop, and what a person asks by [`Steering`].
//!
//! Around the load: [`Servers`] are taken or started, a [`Bench`] takes one system through one
//! trial, from clean keys to its entry in the report, and a [`Watcher`] sees how it goes. Nothing
//! here reads arguments, prints, or knows an exit code.

mod bench;
mod client;
mod conductor;
mod grid;
mod helm;
mod meter;
pub mod narrate;
mod need;
mod overhead;
mod publish;
mod server_poll;
mod servers;
mod stalls;
mod steering;
mod trial;
mod wall;
mod watchdog;
mod watcher;
mod witness;
mod worker;

pub use bench::{Bench, Beside, Candidate, Done, contended};
pub use grid::{Grid, Untaken};
pub use meter::own_cpu_s;
pub use need::files_needed;
pub use overhead::{Overhead, calibrate};
pub use server_poll::ServerPoll;
pub use servers::{Endpoints, ServerOptions, ServerSource, Servers, neither_program_nor_container};
pub use steering::Steering;
pub use trial::{Armed, LoadError, Spec, Tick, run_virtual};
pub use wall::WallClock;
pub use watcher::{Topic, TrialSubject, TrialWatcher, Unwatched, Watcher};
