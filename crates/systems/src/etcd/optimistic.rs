//! `etcd:optimistic`: a key is read with its mod revision, and written in a transaction that compares it
//! (<https://etcd.io/docs/v3.4/learning/api/#transaction>).

use std::sync::Arc;

use etcd_client::{Client, Compare, CompareOp, Txn, TxnOp};

use super::config::{Config, Trouble};
use super::members::Members;
use super::system::{EtcdSystem, Waits};
use super::{GUARANTEES_OPTIMISTIC, NAME_OPTIMISTIC};
use crate::optimistic::{Failed, OptimisticSession, Versions};
use lockbench_core::lock::{
    Capacity, Facts, Guarantees, Key, Local, LockSystem, Nodes, Opening, Session, Survey, SystemError,
};

/// An etcd cluster as a store of versions.
pub(super) struct Optimistic {
    config: Arc<Config>,
    etcd: EtcdSystem,
}

impl Optimistic {
    /// With this configuration. Contacts nobody.
    pub fn new(config: Config, for_the_rest: Config) -> Self {
        Self { config: Arc::new(config), etcd: EtcdSystem::new(&super::OPTIMISTIC, for_the_rest, Waits::Itself) }
    }
}

impl LockSystem for Optimistic {
    fn name(&self) -> &'static str {
        NAME_OPTIMISTIC
    }

    fn guarantees(&self) -> &Guarantees {
        &GUARANTEES_OPTIMISTIC
    }

    fn addresses(&self) -> Vec<String> {
        self.config.addresses()
    }

    fn facts(&self) -> Local<'_, Result<Facts, SystemError>> {
        LockSystem::facts(&self.etcd)
    }

    fn prepare<'a>(&'a self, keys: &'a [Key]) -> Local<'a, Result<(), SystemError>> {
        LockSystem::prepare(&self.etcd, keys)
    }

    fn open(&self, opening: Opening) -> Local<'_, Result<Box<dyn Session>, SystemError>> {
        Box::pin(async move {
            let limit_ns = opening.request_timeout_ns;
            let failed = |trouble: Trouble| self.config.error(&format!("cannot open a session: {}", trouble.text));
            let (client, members) = Members::connect(&self.config, limit_ns).await.map_err(failed)?;
            let versions = Revisions { config: Arc::clone(&self.config), client, _members: members, limit_ns, sent: 0 };
            Ok(Box::new(OptimisticSession::new(versions)) as Box<dyn Session>)
        })
    }

    fn survey<'a>(&'a self, keys: &'a [Key]) -> Local<'a, Result<Survey, SystemError>> {
        LockSystem::survey(&self.etcd, keys)
    }

    fn nodes(&self) -> Local<'_, Option<Nodes>> {
        LockSystem::nodes(&self.etcd)
    }

    fn capacity(&self) -> Local<'_, Result<Capacity, SystemError>> {
        LockSystem::capacity(&self.etcd)
    }

    fn clean<'a>(&'a self, keys: &'a [Key]) -> Local<'a, Result<(), SystemError>> {
        LockSystem::clean(&self.etcd, keys)
    }
}

/// One client.
struct Revisions {
    config: Arc<Config>,
    client: Client,
    /// Keeps members that are away out of `client`.
    _members: Members,
    limit_ns: u64,
    sent: u64,
}

impl Revisions {
    /// Below the prefix of the key, so that it is removed with it.
    fn name(&self, key: &Key) -> String {
        format!("{}version", self.config.prefix(key))
    }
}

fn failed(trouble: Trouble) -> Failed {
    if trouble.certain { Failed::Unserved(trouble.text) } else { Failed::Lost(trouble.text) }
}

impl Versions for Revisions {
    async fn read(&mut self, key: &Key) -> Result<u64, Failed> {
        let name = self.name(key);
        self.sent += 1;
        let answer = self.config.bounded(self.limit_ns, self.client.get(name, None)).await.map_err(failed)?;
        Ok(answer.kvs().first().map_or(0, |kv| kv.mod_revision().cast_unsigned()))
    }

    async fn write(&mut self, key: &Key, version: u64) -> Result<bool, Failed> {
        let name = self.name(key);
        let unchanged = Compare::mod_revision(name.as_str(), CompareOp::Equal, version.cast_signed());
        let txn = Txn::new().when([unchanged]).and_then([TxnOp::put(name.as_str(), "", None)]);
        self.sent += 1;
        let answer = self.config.bounded(self.limit_ns, self.client.txn(txn)).await.map_err(failed)?;
        Ok(answer.succeeded())
    }

    fn requests(&self) -> u64 {
        self.sent
    }

    async fn close(self) {
        drop(self);
    }
}
