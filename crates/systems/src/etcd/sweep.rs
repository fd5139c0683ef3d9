//! What runs left on etcd servers: nothing that lasts. Every key of ours has a lease, which is over a ttl after
//! its client was gone; here is shown what is still there.

use std::collections::{BTreeMap, BTreeSet};

use etcd_client::GetOptions;

use super::config::{Config, NAMES, Trouble};
use crate::Target;
use lockbench_core::lock::{Found, Local, Remains, Sweeper, SystemError, mark};

/// Longest wait for an answer.
const LIMIT_NS: u64 = 5_000_000_000;
/// Keys that are looked at.
const MOST: i64 = 10_000;

/// A cluster.
pub struct Cluster {
    config: Config,
}

/// Keys of one run.
#[derive(Default)]
struct Keys {
    count: u64,
    leases: BTreeSet<i64>,
}

impl Cluster {
    /// Reads the addresses. Contacts nobody.
    ///
    /// # Errors
    /// An address that cannot be used.
    pub fn new(target: &Target) -> Result<Self, SystemError> {
        Ok(Self { config: Config::new(target)? })
    }

    async fn ask<T>(&self, asked: impl Future<Output = Result<T, etcd_client::Error>>) -> Result<T, SystemError> {
        self.config.bounded(LIMIT_NS, asked).await.map_err(|trouble| self.failed(&trouble))
    }

    fn failed(&self, trouble: &Trouble) -> SystemError {
        self.config.error(&format!("{}; is etcd running there, and may this user read?", trouble.text))
    }

    async fn found(&self) -> Result<Found, SystemError> {
        let connected = self.config.connect(self.config.urls(), LIMIT_NS).await;
        let mut client = connected.map_err(|trouble| self.failed(&trouble))?;
        let options = GetOptions::new().with_prefix().with_keys_only().with_limit(MOST);
        let answer = self.ask(client.get(NAMES, Some(options))).await?;
        let mut runs: BTreeMap<String, Keys> = BTreeMap::new();
        for found in answer.kvs() {
            let Ok(name) = std::str::from_utf8(found.key()) else { continue };
            let run = name.strip_prefix(NAMES).and_then(|name| name.split_once('/')).map(|(run, _)| run);
            let Some(run) = run.filter(|run| mark(run).is_some()) else { continue };
            let keys = runs.entry(run.to_owned()).or_default();
            keys.count += 1;
            keys.leases.insert(found.lease());
        }
        let mut found = Found::default();
        if answer.more() {
            found.notes.push(format!("only the first {MOST} keys were looked at"));
        }
        for (run, keys) in runs {
            let mut longest = None;
            for lease in keys.leases.iter().filter(|lease| **lease != 0) {
                let left = self.ask(client.lease_time_to_live(*lease, None)).await?.ttl();
                longest = longest.max(u64::try_from(left).ok());
            }
            found.runs.push(Remains {
                what: format!("{} keys below {NAMES}{run}/", keys.count),
                count: keys.count,
                lives: longest
                    .map(|left| format!("its leases run: they end within {left} s unless a client keeps them")),
                run,
            });
        }
        Ok(found)
    }

    async fn removed(&self, run: &str) -> Result<u64, SystemError> {
        let connected = self.config.connect(self.config.urls(), LIMIT_NS).await;
        let mut client = connected.map_err(|trouble| self.failed(&trouble))?;
        let options = etcd_client::DeleteOptions::new().with_prefix();
        let done = self.ask(client.delete(format!("{NAMES}{run}/"), Some(options))).await?;
        Ok(u64::try_from(done.deleted()).unwrap_or(0))
    }
}

impl Sweeper for Cluster {
    fn find(&self) -> Local<'_, Result<Found, SystemError>> {
        Box::pin(self.found())
    }

    fn remove<'a>(&'a self, run: &'a str) -> Local<'a, Result<u64, SystemError>> {
        Box::pin(self.removed(run))
    }
}
