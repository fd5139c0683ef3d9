//! The load engine: turns a plan into attempts, and attempts into events.
//!
//! Each worker thread runs one current-thread runtime with its share of the
//! clients and one shard of the recorder; nothing is shared between workers but
//! the witness. The calling thread is the reader: it merges the shards and feeds
//! the observers while the load runs, so no observer needs to be thread-safe. Between
//! two looks it conducts: phases, ticks, a stop, and what a person asks by [`Steering`].

mod client;
mod conductor;
mod grid;
mod helm;
mod stalls;
mod steering;
mod trial;
mod watchdog;
mod witness;
mod worker;

pub use grid::{Grid, Untaken};
pub use steering::Steering;
pub use trial::{Armed, LoadError, Spec, Tick, run_virtual};
