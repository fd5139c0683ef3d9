//! Baselines without a lock, on the same critical sections: a client reads a version, works, and writes if the version has
//! not changed ("optimistic concurrency control": Kung and Robinson, "On Optimistic Methods for Concurrency Control", 1981).
//! Nobody is excluded and nobody waits; who was not first has worked for nothing, and tries again. They answer whether a
//! lock is needed at all.
//!
//! A "grant" is the read and a "release" the write: confirmed, or not the owner any more, which here is a conflict. Each
//! system has its own [`Versions`]; what they share is here, and `then_lock` gives up optimism after some conflicts.

mod then_lock;

use std::collections::HashMap;

use lockbench_core::lock::{
    Acquire, Grant, Guarantees, Key, Local, NO_LEASE, Patience, Release, RenewalKind, Session, WaitKind, Ways,
};

pub(crate) use then_lock::ThenLock;

/// What an optimistic recipe promises.
pub(crate) const fn guarantees(source: &'static str, quorum: bool) -> Guarantees {
    Guarantees {
        lease: false,
        token: None,
        fifo: false,
        waiting: WaitKind::Poll,
        ways: Ways::Both,
        renewal: RenewalKind::None,
        ttl_floor_ms: 0,
        ttl_step_ms: 0,
        connection_frees: false,
        quorum,
        exclusion: false,
        shared: false,
        permits: false,
        source,
    }
}

/// Why a version could not be read or written.
pub(crate) enum Failed {
    /// Nothing was done.
    Unserved(String),
    /// The answer is lost.
    Lost(String),
}

/// The versions of keys on one system, as one client sees them.
pub(crate) trait Versions {
    /// The version of a key.
    async fn read(&mut self, key: &Key) -> Result<u64, Failed>;
    /// Writes the next version, if this is still the one; returns whether it was.
    async fn write(&mut self, key: &Key, version: u64) -> Result<bool, Failed>;
    /// Requests sent so far.
    fn requests(&self) -> u64;
    /// Ends the connection.
    async fn close(self);
}

/// One client.
pub(crate) struct OptimisticSession<V> {
    versions: V,
    /// What it has read, by key.
    read: HashMap<u32, (Key, u64)>,
}

impl<V: Versions> OptimisticSession<V> {
    pub(crate) fn new(versions: V) -> Self {
        Self { versions, read: HashMap::new() }
    }
}

impl<V: Versions + 'static> Session for OptimisticSession<V> {
    fn acquire<'a>(&'a mut self, key: &'a Key, _patience: &'a Patience) -> Local<'a, Acquire> {
        Box::pin(async move {
            match self.versions.read(key).await {
                Ok(version) => {
                    self.read.insert(key.index, (key.clone(), version));
                    Acquire::Acquired(Grant::new(key.index, None, NO_LEASE).after_waiting(false))
                }
                // A read has no effect.
                Err(Failed::Unserved(reason) | Failed::Lost(reason)) => Acquire::Unavailable(reason),
            }
        })
    }

    fn release(&mut self, grant: Grant) -> Local<'_, Release> {
        Box::pin(async move {
            let Some((key, version)) = self.read.remove(&grant.key()) else { return Release::NotOwner };
            match self.versions.write(&key, version).await {
                Ok(true) => Release::Confirmed,
                Ok(false) => Release::NotOwner,
                Err(Failed::Unserved(reason)) => Release::Unavailable { surely_ended_ns: 0, reason },
                Err(Failed::Lost(reason)) => Release::Unknown { surely_ended_ns: 0, reason },
            }
        })
    }

    fn close(self: Box<Self>) -> Local<'static, ()> {
        Box::pin(self.versions.close())
    }

    fn requests(&self) -> u64 {
        self.versions.requests()
    }
}
