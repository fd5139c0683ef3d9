//! The vocabulary of distributed locks: what a lock system promises, what its
//! clients can do and what may come of it. Pure types and two traits; how each
//! system does it is in `backend`, who drives them in `load`.
//!
//! Two rules that every recipe keeps, because a benchmark that breaks them
//! measures itself:
//! * one client is one identity (its own lease, connection or value): a shared
//!   one fakes double grants;
//! * callers never drop an acquire half-way: a dropped call may leave a ghost
//!   holder. To end one early the engine brings its [`Deadline`] forward; the
//!   recipe withdraws, confirms, and says so.

mod asking;
mod capacity;
mod deadline;
mod endpoint;
mod facts;
mod guarantee;
pub mod inspection;
mod mode;
mod near_miss;
mod nodes;
mod outcome;
mod redaction;
mod remains;
mod retry;
mod truth;
mod victims;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

pub use asking::{Asking, Asks, Moment};
pub use capacity::{Capacity, Limit};
pub use deadline::{Deadline, Patience};
pub use endpoint::{Endpoint, Host, Unclear};
pub use facts::{Agreement, Copies, Facts, Persistence, Storage};
pub use guarantee::{Guarantees, RenewalKind, WaitKind, Ways};
pub use mode::Mode;
pub use near_miss::{Hint, NearMiss};
pub use nodes::{Away, Caveats, Nodes, NodesOfTrial};
pub use outcome::{Acquire, Grant, NEVER, NO_LEASE, Release, Renewal};
pub use redaction::{HIDDEN, without_secrets};
pub use remains::{Found, Remains, Sweeper, mark};
pub use retry::Retry;
pub use truth::{Owner, Truth, digest};
pub use victims::{Chance, Victims};

use crate::clock::Timer;

/// A future of one worker thread.
pub type Local<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// A named lock. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    /// Dense number of the key within a trial, from 0: histories and tables use it.
    pub index: u32,
    /// Its name on the server, unique to run, trial and system; the recipe adds
    /// its own prefix or path.
    pub name: Arc<str>,
}

/// Why a lock system could not be used at all (not: why a lock was not granted).
#[derive(Debug, thiserror::Error)]
#[error("{system} at {}", self.told())]
pub struct SystemError {
    /// Registry name.
    pub system: &'static str,
    /// Server address, without credentials.
    pub address: String,
    /// What went wrong and, where we know it, what to do.
    pub problem: String,
    hint: Hint,
}

impl SystemError {
    /// This problem at this address, both without credentials.
    #[must_use]
    pub fn new(system: &'static str, address: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { system, address: address.into(), problem: problem.into(), hint: |_| None }
    }

    /// With what the system knows of such failures.
    #[must_use]
    pub fn hinted(self, hint: Hint) -> Self {
        Self { hint, ..self }
    }

    /// Address and problem, for a message that names the system already.
    #[must_use]
    pub fn told(&self) -> String {
        let hint = near_miss::hint(self.hint, &self.address, &self.problem);
        let hint = hint.map_or_else(String::new, |hint| format!("; {hint}"));
        format!("{}: {}{hint}", self.address, self.problem)
    }
}

/// A look at a system while it is under load.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Survey {
    /// Nanoseconds of one small request and its answer over an open connection; `None`:
    /// there is no server.
    pub round_trip_ns: Option<u64>,
    /// Who holds each of the keys, in their order.
    pub holders: Vec<Option<Holder>>,
}

/// What one client needs to open a session.
#[derive(Clone)]
pub struct Opening {
    /// Client number, from 0, unique in a trial: the identity.
    pub client: u32,
    /// Lease length asked for, in nanoseconds.
    pub ttl_ns: u64,
    /// Clock and sleeps of the worker thread.
    pub timer: Timer,
    /// Delays between tries, for recipes that wait by polling.
    pub retry: Retry,
    /// Seed for this client's retry jitter.
    pub seed: u64,
    /// Longest wait for the answer to one request, in nanoseconds, the same for
    /// every system (client libraries have defaults from 500 ms to never).
    pub request_timeout_ns: u64,
}

/// Who holds a key according to the server.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Holder {
    /// The identity as stored on the server.
    pub identity: String,
    /// Fencing token if the system has one.
    pub token: Option<u64>,
    /// Remaining lease in milliseconds, if the server tells it.
    pub ttl_ms: Option<u64>,
}

/// One lock recipe on one system: an entry of the registry, configured for
/// given servers. Shared by all worker threads. The defaults are those of a lock in this process.
pub trait LockSystem: Send + Sync {
    /// Full registry name, `system` or `system:recipe`.
    fn name(&self) -> &'static str;
    /// What it promises.
    fn guarantees(&self) -> &Guarantees;
    /// Addresses of its servers without credentials; empty if it needs none.
    fn addresses(&self) -> Vec<String> {
        Vec::new()
    }
    /// Reaches as many servers as the recipe needs, and reads back version and durability.
    fn facts(&self) -> Local<'_, Result<Facts, SystemError>> {
        Box::pin(async { Ok(Facts::in_this_process()) })
    }
    /// Makes a clean state for these keys (tables, parents; not held, no token yet).
    fn prepare<'a>(&'a self, _keys: &'a [Key]) -> Local<'a, Result<(), SystemError>> {
        Box::pin(async { Ok(()) })
    }
    /// Opens a session for one client.
    fn open(&self, opening: Opening) -> Local<'_, Result<Box<dyn Session>, SystemError>>;
    /// Asks the server who holds this key now. Not part of any measurement.
    fn peek<'a>(&'a self, key: &'a Key) -> Local<'a, Result<Option<Holder>, SystemError>> {
        Box::pin(async move { Ok(self.survey(std::slice::from_ref(key)).await?.holders.pop().flatten()) })
    }
    /// Asks the server who holds these keys now, all over one connection, and how long one
    /// small request takes. Not part of any measurement. The default knows of no holder.
    fn survey<'a>(&'a self, keys: &'a [Key]) -> Local<'a, Result<Survey, SystemError>> {
        Box::pin(async { Ok(Survey { round_trip_ns: None, holders: vec![None; keys.len()] }) })
    }
    /// Asks every server whether it serves. Not part of any measurement. `None`: there are no
    /// servers. The default is for systems of one server.
    fn nodes(&self) -> Local<'_, Option<Nodes>> {
        Box::pin(async move {
            let address = self.addresses().into_iter().next()?;
            let asked = self.survey(&[]).await.map(drop);
            let asked = asked.map_err(|error| Away { address, problem: error.problem });
            Some(Nodes::of([asked], 1, 1))
        })
    }
    /// What asks each server, or the service as a whole, who holds keys, beside a load. A service of servers that
    /// lock for themselves, of which a majority decides, has one for each; others have one. Contacts nobody yet.
    /// The default is for systems that are not asked.
    fn truths(&self) -> Vec<Box<dyn Truth>> {
        Vec::new()
    }
    /// Asks the servers how many clients they take. Not part of any measurement.
    fn capacity(&self) -> Local<'_, Result<Capacity, SystemError>> {
        Box::pin(async { Ok(Capacity::default()) })
    }
    /// Removes everything that we made for these keys, and nothing else; from as many servers
    /// as the recipe needs, where others are away.
    fn clean<'a>(&'a self, _keys: &'a [Key]) -> Local<'a, Result<(), SystemError>> {
        Box::pin(async { Ok(()) })
    }
}

/// One client's use of a lock system. Holds at most one grant per key. The defaults are those of a
/// lock without a lease.
pub trait Session {
    /// Tries to get the lock, as patiently as told.
    fn acquire<'a>(&'a mut self, key: &'a Key, patience: &'a Patience) -> Local<'a, Acquire>;
    /// The same for a lock of a kind that has modes, where the guarantees offer them: one that readers share and writers have
    /// alone, or a semaphore. An exclusive lock of this kind excludes those who share it, too; nobody takes a plain lock
    /// of the same key.
    fn acquire_as<'a>(&'a mut self, key: &'a Key, mode: Mode, patience: &'a Patience) -> Local<'a, Acquire> {
        match mode {
            Mode::Exclusive | Mode::Optimistic => self.acquire(key, patience),
            Mode::Shared | Mode::Permits { .. } => {
                Box::pin(
                    async move { Acquire::Unavailable(format!("no lock of mode {} is offered here", mode.name())) },
                )
            }
        }
    }
    /// Extends the lease, or for heartbeat systems confirms that the session is
    /// alive by a request of its own; updates the grant's validity when confirmed.
    fn renew<'a>(&'a mut self, _grant: &'a mut Grant) -> Local<'a, Renewal> {
        Box::pin(async { Renewal::Unavailable("there is no lease to renew".to_owned()) })
    }
    /// Asks for leases of this length from the next acquire on, in nanoseconds. Returns whether it does so: where the lease is
    /// one of the session, its length stays as it was when the session was opened.
    fn set_lease(&mut self, _ttl_ns: u64) -> bool {
        false
    }
    /// Gives the lock back and awaits the server's answer.
    fn release(&mut self, grant: Grant) -> Local<'_, Release>;
    /// Ends the session and awaits what must be awaited (leases revoked,
    /// connections closed).
    fn close(self: Box<Self>) -> Local<'static, ()> {
        drop(self);
        Box::pin(async {})
    }
    /// The lease length in force, in nanoseconds, read back where the server
    /// decides it; `None` where there is no lease.
    fn effective_ttl_ns(&self) -> Option<u64> {
        None
    }
    /// What its client is to the servers now: no other client may be the same. `None`: the recipe does not tell.
    fn identity(&self) -> Option<String> {
        None
    }
    /// When the session learned that it lost its grants (connection closed,
    /// session expired); `None` while it believes to be well.
    fn lost_at(&self) -> Option<u64> {
        None
    }
    /// Requests sent so far for acquire, polls and release (renewals and
    /// heartbeats not counted). Only grows; always 0 where there is no server.
    fn requests(&self) -> u64 {
        0
    }
}
