//! `etcd:lock-rpc`: the server's own lock service (`v3lock`), which runs the recipe of etcd's Go client for whoever asks it: one
//! request locks, one unlocks (<https://etcd.io/docs/v3.4/dev-guide/api_concurrency_reference_v3/>).
//!
//! * There is no one try, and no way out of the queue: a request that is aborted leaves the lock of that name stuck on 3.4
//!   (seen; etcd#13336 reads alike), so that a client whose patience is over stays until its turn, gives back, and only then
//!   says that it timed out;
//! * the service does not look whether a waiter's lease lives (etcd#9921, etcd#11456): on 3.4 it tells a waiter whose key is
//!   gone that it has the lock. The key is read back before a grant is believed;
//! * Unlock deletes a key by its name and says nothing of whether it was there.

use std::collections::HashMap;
use std::sync::Arc;

use etcd_client::{GetOptions, LockOptions};

use super::config::{Config, Trouble};
use super::tenant::Tenant;
use lockbench_core::lock::{
    Acquire, Deadline, Grant, Key, Local, Opening, Patience, Release, Renewal, Session, SystemError,
};

/// A client of the lock service.
pub(super) struct LockRpcSession {
    tenant: Tenant,
    held: HashMap<u32, Held>,
}

struct Held {
    key: Vec<u8>,
    lease: i64,
}

/// How a wait in the queue of the service ended.
enum Waited {
    /// It is our turn, as the service says; and whether our patience was over before.
    Turn { key: Vec<u8>, late: bool },
    /// The lease was lost meanwhile.
    LeaseLost,
    /// The service did not serve us.
    Trouble(Trouble),
}

impl LockRpcSession {
    /// Connects and asks for a lease.
    pub async fn open(config: Arc<Config>, opening: Opening) -> Result<Self, SystemError> {
        Ok(Self { tenant: Tenant::open(config, opening).await?, held: HashMap::new() })
    }

    async fn acquire_now(&mut self, key: &Key, patience: &Patience) -> Acquire {
        let deadline = match patience {
            Patience::Try => return Acquire::Unavailable("the lock service cannot be asked once".to_owned()),
            Patience::Until(deadline) if deadline.passed() => return Acquire::TimedOut,
            Patience::Until(deadline) => deadline,
        };
        let lease = match self.tenant.ready().await {
            Ok(lease) => lease,
            Err(trouble) => return Acquire::Unavailable(trouble.text),
        };
        match self.wait(key, lease, deadline).await {
            Waited::Turn { key, late: true } => self.give_back(key, Acquire::TimedOut).await,
            Waited::Turn { key: place, late: false } => self.believe(key, place, lease).await,
            Waited::LeaseLost => {
                let outcome = Acquire::Unavailable("the lease was lost while waiting".to_owned());
                self.tenant.give_up(outcome, "the lease was lost while waiting, and the request is not answered").await
            }
            Waited::Trouble(trouble) if trouble.certain => Acquire::Unavailable(trouble.text),
            Waited::Trouble(trouble) => {
                self.tenant.give_up(Acquire::Unavailable(trouble.text.clone()), &trouble.text).await
            }
        }
    }

    /// Asks, and stays until it is our turn, however late.
    async fn wait(&mut self, key: &Key, lease: i64, deadline: &Deadline) -> Waited {
        let config = Arc::clone(&self.tenant.config);
        let prefix = config.prefix(key);
        let options = LockOptions::new().with_lease(lease);
        self.tenant.requests += 1;
        let Some(lost) = self.tenant.lease.as_ref().map(super::lease::Lease::lost) else { return Waited::LeaseLost };
        // The service puts the slash behind the name.
        let locking = self.tenant.client.lock(prefix.trim_end_matches('/'), Some(options));
        tokio::select! {
            biased;
            // As long as the lease is kept alive the server is there, and whoever is before us may take its time.
            answer = config.bounded(u64::MAX, locking) => match answer {
                Ok(answer) => Waited::Turn { key: answer.key().to_vec(), late: deadline.passed() },
                Err(trouble) => Waited::Trouble(trouble),
            },
            () = lost => Waited::LeaseLost,
        }
    }

    /// Our turn, says the service: a grant if our key is there and its lease is valid by our own clock.
    async fn believe(&mut self, key: &Key, place: Vec<u8>, lease: i64) -> Acquire {
        let revision = match self.revision(&place, lease).await {
            Ok(revision) => revision,
            Err(trouble) => {
                return self.tenant.give_up(Acquire::Unavailable(trouble.text.clone()), &trouble.text).await;
            }
        };
        let Some(revision) = revision else {
            return Acquire::Unavailable("the service granted a lock whose key is gone with its lease".to_owned());
        };
        let Some((validity_ns, lease)) = self.tenant.validity().await else {
            let outcome = Acquire::Unavailable("the lease was not kept alive in time".to_owned());
            return self.give_back(place, outcome).await;
        };
        self.held.insert(key.index, Held { key: place, lease });
        Acquire::Acquired(Grant::new(key.index, u64::try_from(revision).ok(), validity_ns))
    }

    /// The create revision of our key, if it is there and ours.
    async fn revision(&mut self, place: &[u8], lease: i64) -> Result<Option<i64>, Trouble> {
        self.tenant.requests += 1;
        let (config, limit_ns) = (Arc::clone(&self.tenant.config), self.tenant.limit_ns());
        let options = GetOptions::new().with_keys_only();
        let answer = config.bounded(limit_ns, self.tenant.client.get(place, Some(options))).await?;
        Ok(answer.kvs().first().filter(|kv| kv.lease() == lease).map(etcd_client::KeyValue::create_revision))
    }

    async fn unlock(&mut self, key: Vec<u8>) -> Result<(), Trouble> {
        self.tenant.requests += 1;
        let (config, limit_ns) = (Arc::clone(&self.tenant.config), self.tenant.limit_ns());
        config.bounded(limit_ns, self.tenant.client.unlock(key)).await.map(drop)
    }

    async fn give_back(&mut self, key: Vec<u8>, outcome: Acquire) -> Acquire {
        match self.unlock(key).await {
            Ok(()) => outcome,
            Err(trouble) => self.tenant.give_up(outcome, &trouble.text).await,
        }
    }

    /// Unlocks once: a second request could free what this client has locked again meanwhile under the same name
    /// (etcd#22082). Where the first is not answered it looks for the key, and if that is there still the lease goes.
    async fn release_now(&mut self, grant: &Grant) -> Release {
        let Some(Held { key, lease }) = self.held.remove(&grant.key()) else { return Release::NotOwner };
        if self.tenant.lease.as_ref().is_none_or(|current| current.id != lease) {
            return Release::NotOwner;
        }
        let trouble = match self.unlock(key.clone()).await {
            Ok(()) => return Release::Confirmed,
            Err(trouble) => trouble,
        };
        // A key that is gone while its lease lives was deleted by our request.
        if matches!(self.revision(&key, lease).await, Ok(None)) && self.tenant.lives(lease).await {
            return Release::Confirmed;
        }
        if self.tenant.abandon().await {
            return Release::Unknown { surely_ended_ns: self.tenant.now(), reason: trouble.text };
        }
        let surely_ended_ns = self.tenant.surely_ended();
        if trouble.certain {
            Release::Unavailable { surely_ended_ns, reason: trouble.text }
        } else {
            Release::Unknown { surely_ended_ns, reason: trouble.text }
        }
    }
}

impl Session for LockRpcSession {
    fn acquire<'a>(&'a mut self, key: &'a Key, patience: &'a Patience) -> Local<'a, Acquire> {
        Box::pin(self.acquire_now(key, patience))
    }

    fn renew<'a>(&'a mut self, grant: &'a mut Grant) -> Local<'a, Renewal> {
        let held_by = self.held.get(&grant.key()).map(|held| held.lease);
        Box::pin(self.tenant.renew(grant, held_by))
    }

    fn release(&mut self, grant: Grant) -> Local<'_, Release> {
        Box::pin(async move { self.release_now(&grant).await })
    }

    fn close(self: Box<Self>) -> Local<'static, ()> {
        Box::pin(self.tenant.close())
    }

    fn effective_ttl_ns(&self) -> Option<u64> {
        Some(self.tenant.ttl_ns)
    }

    fn identity(&self) -> Option<String> {
        self.tenant.identity()
    }

    fn lost_at(&self) -> Option<u64> {
        self.tenant.lost_at()
    }

    fn requests(&self) -> u64 {
        self.tenant.requests
    }
}
