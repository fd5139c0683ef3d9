//! How each system locks and where its servers come from: one folder per lock system, and
//! the [`Registry`] that names them. Adding a lock system is one folder and one line in
//! `registry.rs`. The features of this crate, one per client library, leave out the systems of
//! the others.
//!
//! A recipe is a state machine: answers and timers go in, requests, timers, grants and losses come out. It is written as an
//! `async fn` over a wire, a trait with one function per request, and awaits nothing else but its timer: the compiler makes the
//! machine, and the text stays the algorithm. A link takes the requests to a real server; the tests of this crate take them to
//! a model of one, in virtual time, with a network that a seed decides (`simulated`). So are `redis`, `redlock` and the lease
//! row of `postgres` cut; the queues of etcd and ZooKeeper are not yet.

// What only the systems that were left out use is then unused.
#![cfg_attr(
    not(all(feature = "redis", feature = "zookeeper", feature = "etcd", feature = "postgres", feature = "sqlite")),
    allow(dead_code, unused_imports)
)]

mod bare;
pub mod conformance;
mod control;
#[cfg(feature = "etcd")]
pub mod etcd;
mod flock;
#[cfg(test)]
mod hints;
pub mod levers;
#[cfg(any(feature = "redis", feature = "postgres"))]
mod listener;
#[cfg(any(feature = "redis", feature = "postgres"))]
mod listening;
mod memory;
#[cfg(any(feature = "redis", feature = "postgres"))]
mod notices;
#[cfg(any(feature = "redis", feature = "etcd", feature = "postgres"))]
mod optimistic;
mod planted;
mod poll;
#[cfg(feature = "postgres")]
pub mod postgres;
#[cfg(feature = "redis")]
pub mod redis;
#[cfg(feature = "redis")]
pub mod redlock;
mod registry;
#[cfg(feature = "redis")]
pub mod sentinel;
mod servers;
#[cfg(test)]
mod simulated;
#[cfg(feature = "sqlite")]
mod sqlite;
pub mod stack;
mod truth;
#[cfg(feature = "zookeeper")]
pub mod zookeeper;

pub use bare::{Bare, OpenBare};
pub use memory::ENTRY as MEMORY;
pub use planted::{Flaw, planted};
pub use registry::{Registry, System, UnknownBackend};
pub use servers::{Nodes, ServerKind, Servers};

use std::path::PathBuf;
use std::sync::Arc;

use lockbench_core::clock::Clock;
use lockbench_core::lock::{Endpoint, Guarantees, LockSystem, SystemError};
use lockbench_core::workload::{OptionTable, Plan, SystemOptions};

/// Where an entry's servers are and what of ours is whose.
#[derive(Clone, Debug)]
pub struct Target {
    /// Server addresses; empty for entries that need none.
    pub endpoints: Vec<Endpoint>,
    /// Prefix of everything that we create on a server: contains the run id
    /// (`[a-z0-9-]` only). On servers that we did not start we touch nothing
    /// outside of it.
    pub namespace: String,
    /// Did we start the servers? Then settings that need a superuser may be read
    /// and our own schema need not be hidden.
    pub ours: bool,
    /// A directory for embedded systems (sqlite), removed by its owner.
    pub scratch: PathBuf,
    /// The run's clock.
    pub clock: Clock,
    /// What single lock systems declare for themselves, as planned.
    pub options: SystemOptions,
}

impl Target {
    /// Servers that others started, at the defaults of everything else.
    #[must_use]
    pub fn new(endpoints: Vec<Endpoint>, namespace: &str) -> Self {
        Self {
            endpoints,
            namespace: namespace.to_owned(),
            ours: false,
            scratch: std::env::temp_dir(),
            clock: Clock::monotonic(),
            options: SystemOptions::default(),
        }
    }
}

/// One recipe: a way to lock on a system.
#[derive(Clone, Copy)]
pub struct Entry {
    /// Full name, `system` or `system:recipe`.
    pub name: &'static str,
    /// One sentence for `lockbench backends`.
    pub summary: &'static str,
    /// The servers that it needs.
    pub server: Option<ServerKind>,
    /// Open files and sockets that one client needs, with so many servers.
    pub files: fn(u64) -> u64,
    /// Whether its locks are files, which other processes of this host can lock as well; it then needs no server.
    pub on_files: bool,
    /// Whether it is one of the default entries of `quick`.
    pub quick: bool,
    /// It claims no exclusion, because it is broken on purpose or known to be: never in `quick`.
    pub unsafe_by_design: bool,
    /// Its client library sets no `TCP_NODELAY` and offers no way to.
    pub nagle_on: bool,
    /// The table of a workload that it declares for itself.
    pub options: Option<&'static OptionTable>,
    /// What it promises.
    pub guarantees: Guarantees,
    /// Configures it for given servers. Contacts nobody yet.
    pub connect: Connect,
    /// A bare loop over its client library, where there is one: what lockbench costs is told beside it.
    pub bare: Option<OpenBare>,
    /// The same with a bug that tests plant; where the recipe has a place for one.
    #[doc(hidden)]
    pub flawed: Option<ConnectFlawed>,
}

/// Configures a recipe for given servers.
pub type Connect = fn(Target) -> Result<Arc<dyn LockSystem>, SystemError>;
/// The same with a planted bug.
pub type ConnectFlawed = fn(Target, Flaw) -> Result<Arc<dyn LockSystem>, SystemError>;

impl Entry {
    /// A recipe that needs no server and is not in `quick`: what a system of the caller's own starts from.
    #[must_use]
    pub const fn new(name: &'static str, summary: &'static str, guarantees: Guarantees, connect: Connect) -> Self {
        Self {
            name,
            summary,
            server: None,
            files: |_| 0,
            on_files: false,
            quick: false,
            unsafe_by_design: false,
            nagle_on: false,
            options: None,
            guarantees,
            connect,
            bare: None,
            flawed: None,
        }
    }

    /// Whether its locks are in the memory of the process that made it, and in no other.
    #[must_use]
    pub fn in_this_process(&self) -> bool {
        self.server.is_none() && !self.on_files
    }

    /// Whether it claims exclusion: not where it is broken on purpose, nor where it is a baseline without a lock.
    #[must_use]
    pub fn excludes(&self) -> bool {
        !self.unsafe_by_design && self.guarantees.exclusion
    }

    /// What a plan with this recipe's own options may not mean as it is written.
    #[must_use]
    pub fn warning(&self, plan: &Plan) -> Option<String> {
        self.options.and_then(|table| (table.warning)(plan))
    }
}
