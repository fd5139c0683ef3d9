//! Optimistic until a client has lost so many times in a row, and then under the lock of the same system: the lock only
//! keeps those apart that have lost, so that one of them gets its turn; the write stays guarded by the version.

use std::collections::HashMap;
use std::sync::Arc;

use lockbench_core::lock::{
    Acquire, Capacity, Facts, Grant, Guarantees, Key, Local, LockSystem, Nodes, Opening, Patience, Release, Session,
    Survey, SystemError,
};

/// Conflicts in a row after which a client takes the lock.
const CONFLICTS: u32 = 3;

/// An optimistic recipe and the lock to fall back to.
pub(crate) struct ThenLock {
    pub(crate) name: &'static str,
    pub(crate) guarantees: &'static Guarantees,
    pub(crate) optimistic: Arc<dyn LockSystem>,
    pub(crate) lock: Arc<dyn LockSystem>,
}

/// The key of the lock beside the version of a key.
fn beside(key: &Key) -> Key {
    Key { index: key.index, name: format!("{}-lock", key.name).into() }
}

impl LockSystem for ThenLock {
    fn name(&self) -> &'static str {
        self.name
    }

    fn guarantees(&self) -> &Guarantees {
        self.guarantees
    }

    fn addresses(&self) -> Vec<String> {
        self.lock.addresses()
    }

    fn facts(&self) -> Local<'_, Result<Facts, SystemError>> {
        self.optimistic.facts()
    }

    fn prepare<'a>(&'a self, keys: &'a [Key]) -> Local<'a, Result<(), SystemError>> {
        Box::pin(async move {
            let locks: Vec<Key> = keys.iter().map(beside).collect();
            self.lock.prepare(&locks).await?;
            self.optimistic.prepare(keys).await
        })
    }

    fn open(&self, opening: Opening) -> Local<'_, Result<Box<dyn Session>, SystemError>> {
        Box::pin(async move {
            let lock = self.lock.open(opening.clone()).await?;
            let optimistic = self.optimistic.open(opening).await?;
            let session = ThenLockSession { optimistic, lock, lost: 0, held: HashMap::new() };
            Ok(Box::new(session) as Box<dyn Session>)
        })
    }

    fn survey<'a>(&'a self, keys: &'a [Key]) -> Local<'a, Result<Survey, SystemError>> {
        self.optimistic.survey(keys)
    }

    fn nodes(&self) -> Local<'_, Option<Nodes>> {
        self.lock.nodes()
    }

    fn capacity(&self) -> Local<'_, Result<Capacity, SystemError>> {
        self.lock.capacity()
    }

    fn clean<'a>(&'a self, keys: &'a [Key]) -> Local<'a, Result<(), SystemError>> {
        Box::pin(async move {
            let locks: Vec<Key> = keys.iter().map(beside).collect();
            self.lock.clean(&locks).await?;
            self.optimistic.clean(keys).await
        })
    }
}

struct ThenLockSession {
    optimistic: Box<dyn Session>,
    lock: Box<dyn Session>,
    /// Conflicts in a row.
    lost: u32,
    /// Locks that it holds beside what it has read.
    held: HashMap<u32, Grant>,
}

impl ThenLockSession {
    async fn give_back(&mut self, key: u32) {
        if let Some(grant) = self.held.remove(&key) {
            // A lock that is not given back ends with its lease or connection: the version guards the write.
            let _ = self.lock.release(grant).await;
        }
    }
}

impl Session for ThenLockSession {
    fn acquire<'a>(&'a mut self, key: &'a Key, patience: &'a Patience) -> Local<'a, Acquire> {
        Box::pin(async move {
            if self.lost >= CONFLICTS {
                match self.lock.acquire(&beside(key), patience).await {
                    Acquire::Acquired(grant) => self.held.insert(key.index, grant),
                    denied => return denied,
                };
            }
            let waited = self.held.contains_key(&key.index);
            match self.optimistic.acquire(key, patience).await {
                Acquire::Acquired(grant) => Acquire::Acquired(grant.after_waiting(waited)),
                denied => {
                    self.give_back(key.index).await;
                    denied
                }
            }
        })
    }

    fn release(&mut self, grant: Grant) -> Local<'_, Release> {
        Box::pin(async move {
            let key = grant.key();
            let released = self.optimistic.release(grant).await;
            self.give_back(key).await;
            self.lost = if released == Release::NotOwner { self.lost.saturating_add(1) } else { 0 };
            released
        })
    }

    fn close(self: Box<Self>) -> Local<'static, ()> {
        Box::pin(async move {
            self.optimistic.close().await;
            self.lock.close().await;
        })
    }

    fn requests(&self) -> u64 {
        self.optimistic.requests() + self.lock.requests()
    }
}
