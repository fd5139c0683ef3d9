//! How each system locks: one folder an entry, and the registry that names them.
//! Adding a backend is one folder and one line in [`ENTRIES`].

pub mod conformance;
mod control;
mod etcd;
mod inspect;
mod memory;
mod planted;
mod poll;
mod postgres;
pub mod redis;
mod redlock;
mod sqlite;
pub mod stack;
mod sweep;
mod zookeeper;

pub use inspect::inspector;
pub use planted::{Flaw, planted};
pub use sweep::sweeper;

use std::path::PathBuf;
use std::sync::Arc;

use lockbench_core::clock::Clock;
use lockbench_core::lock::{Endpoint, Guarantees, LockSystem, ServerKind, SystemError};

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
    /// Parameters of the redlock recipe.
    pub redlock: RedlockParameters,
}

/// Parameters of the Redlock algorithm.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct RedlockParameters {
    /// Clock drift allowance as a share of the ttl. Default 0.01
    /// (<https://redis.io/docs/latest/develop/clients/patterns/distributed-locks/>).
    pub drift_ratio: f64,
    /// Constant part of the allowance in nanoseconds. Default 2 ms.
    pub drift_fixed_ns: u64,
    /// Longest wait for one node in nanoseconds: "small compared to the ttl".
    pub node_timeout_ns: u64,
}

impl Default for RedlockParameters {
    fn default() -> Self {
        Self { drift_ratio: 0.01, drift_fixed_ns: 2_000_000, node_timeout_ns: 50_000_000 }
    }
}

/// One line of the registry.
pub struct Entry {
    /// Full name, `system` or `system:recipe`.
    pub name: &'static str,
    /// One sentence for `lockbench backends`.
    pub summary: &'static str,
    /// The servers that it needs.
    pub server: Option<ServerKind>,
    /// Open files and sockets that one client needs, with so many servers.
    pub files: fn(u64) -> u64,
    /// One of the default entries of `quick`?
    pub quick: bool,
    /// A negative control: broken on purpose, never in `quick`.
    pub control: bool,
    /// What it promises.
    pub guarantees: Guarantees,
    /// Configures it for given servers. Contacts nobody yet.
    pub connect: fn(Target) -> Result<Arc<dyn LockSystem>, SystemError>,
}

/// Every lock recipe, in the order of tables.
pub static ENTRIES: &[&Entry] = &[
    &memory::ENTRY,
    &sqlite::ENTRY,
    &redis::ENTRY,
    &redlock::ENTRY,
    &zookeeper::ENTRY,
    &etcd::ENTRY,
    &postgres::ADVISORY,
    &postgres::LEASE,
    &control::NO_LOCK,
    &control::NO_RENEW,
    &control::WRONG_RELEASE,
    &control::SWALLOW_ERROR,
];

/// Systems whose client library sets no `TCP_NODELAY` and offers no way to: see
/// `zookeeper`. All others set it.
pub const NAGLE_ON: &[&str] = &["zookeeper"];

/// Bare names that mean a recipe.
const DEFAULT_RECIPES: &[(&str, &str)] = &[("postgres", "postgres:advisory")];

/// Finds an entry by its full name or by a bare system name.
///
/// # Errors
/// Names the nearest entry, if one is near.
pub fn find(name: &str) -> Result<&'static Entry, UnknownBackend> {
    let full = DEFAULT_RECIPES.iter().find(|(bare, _)| *bare == name).map_or(name, |(_, full)| *full);
    ENTRIES.iter().copied().find(|entry| entry.name == full).ok_or_else(|| {
        let nearest = ENTRIES
            .iter()
            .map(|entry| (strsim::damerau_levenshtein(name, entry.name), entry.name))
            .chain(DEFAULT_RECIPES.iter().map(|(bare, _)| (strsim::damerau_levenshtein(name, bare), *bare)))
            .min()
            .filter(|(distance, candidate)| *distance <= 3.max(candidate.len() / 3))
            .map(|(_, candidate)| candidate);
        UnknownBackend { name: name.to_owned(), nearest }
    })
}

/// No entry has this name.
#[derive(Debug, thiserror::Error)]
#[error("unknown backend \"{name}\"{}; `lockbench backends` lists all", nearest.map(|n| format!(": did you mean \"{n}\"?")).unwrap_or_default())]
pub struct UnknownBackend {
    /// As given.
    pub name: String,
    /// Nearest registry name.
    pub nearest: Option<&'static str>,
}
