//! `redlock:rslock`: Redlock as the crate rslock has it (<https://docs.rs/rslock>), under the same load and the same oracle. Its
//! code is not ours, and this session adds nothing to it but the delays between tries, which are drawn as for every other
//! system: each try is one of its `lock`, so that its own retries do not come on top.
//!
//! What it does not tell cannot be told here:
//! * it waits for every node that it asks, with no timeout of its own: one that stands still holds up each request for as long
//!   as the redis crate waits for an answer, 500 ms;
//! * a try without a quorum is one error, whether nodes said no or did not answer: after so long it is taken as unknown;
//! * `unlock` answers nothing: it is taken as done, and a lock whose validity is over as another's;
//! * where a grant came too late (`TtlExceeded`) it leaves its keys to their ttl.

use std::time::Duration;

use redis::Client;
use redis::aio::MultiplexedConnection;
use rslock::{Lock, LockError, LockManager};

use super::super::Target;
use super::super::poll::{Polling, Tried};
use super::super::redis::{Limits, Server, names};
use lockbench_core::clock::Timer;
use lockbench_core::lock::{Acquire, Grant, Key, Local, Opening, Patience, Release, Renewal, Session};
use lockbench_core::units::MILLISECOND;

/// How long the redis crate waits for an answer where nobody says otherwise (`DEFAULT_RESPONSE_TIMEOUT`): a try that took so
/// long has a node that may not have answered.
const ANSWER_NS: u64 = 500 * MILLISECOND;

/// A client of N nodes, with connections of its own.
pub(super) struct RslockSession {
    polling: Polling,
    client: Asker,
}

struct Asker {
    manager: LockManager,
    nodes: u64,
    namespace: String,
    opening: Opening,
    ttl_ms: u64,
    held: Vec<(u32, Lock)>,
    requests: u64,
    /// By which the first node lists the run: the crate names no connection.
    _sign: Option<MultiplexedConnection>,
}

impl RslockSession {
    /// Contacts nobody but the first node, which lists the run: the crate connects when it is asked first.
    pub async fn open(servers: &[std::sync::Arc<Server>], target: &Target, opening: Opening) -> Self {
        let clients: Vec<Client> = servers.iter().map(|server| server.client()).collect();
        let nodes = clients.len() as u64;
        let mut manager = LockManager::from_clients(clients);
        manager.set_retry(1, Duration::from_millis(1));
        let _sign = match servers.first() {
            Some(first) => first.connect_to_read(Limits::within(opening.request_timeout_ns)).await.ok(),
            None => None,
        };
        let ttl_ms = (opening.ttl_ns / MILLISECOND).max(1);
        let polling = Polling::new(opening.retry, opening.seed);
        let namespace = target.namespace.clone();
        Self {
            polling,
            client: Asker { manager, nodes, namespace, opening, ttl_ms, held: Vec::new(), requests: 0, _sign },
        }
    }
}

impl Asker {
    fn timer(&self) -> &Timer {
        &self.opening.timer
    }

    fn ttl(&self) -> Duration {
        Duration::from_millis(self.ttl_ms)
    }

    /// When what may have been set is over: it reached its node within a request timeout, and ends with its ttl.
    fn surely_ended(&self) -> u64 {
        self.timer().now().saturating_add(self.opening.request_timeout_ns).saturating_add(self.ttl_ms * MILLISECOND)
    }

    /// The validity that it promises is counted from its return.
    fn valid_until(&self, lock: &Lock) -> u64 {
        self.timer().now().saturating_add(lock.validity_time as u64 * MILLISECOND)
    }

    async fn try_once(&mut self, key: u32, name: &str) -> Tried {
        let asked = self.timer().now();
        let locked = self.manager.lock(name.as_bytes(), self.ttl()).await;
        self.requests += self.nodes;
        let unanswered = self.timer().now().saturating_sub(asked) >= ANSWER_NS;
        match locked {
            Ok(lock) => {
                let grant = Grant::new(key, None, self.valid_until(&lock));
                self.held.push((key, lock));
                Tried::Granted(grant)
            }
            Err(LockError::Unavailable) if !unanswered => {
                // It has unlocked on every node.
                self.requests += self.nodes;
                Tried::Held
            }
            Err(LockError::TtlTooLarge) => Tried::Ended(Acquire::Unavailable("the ttl is too large".to_owned())),
            Err(error) => {
                let reason = format!("rslock: {error}");
                Tried::Ended(Acquire::Unknown { surely_ended_ns: self.surely_ended(), reason })
            }
        }
    }

    async fn renew(&mut self, grant: &mut Grant) -> Renewal {
        let Some(place) = self.held.iter().position(|(key, _)| *key == grant.key()) else { return Renewal::Refused };
        match self.manager.extend(&self.held[place].1, self.ttl()).await {
            Ok(lock) => {
                grant.extend(self.valid_until(&lock));
                self.held[place].1 = lock;
                Renewal::Confirmed
            }
            Err(LockError::Unavailable) => Renewal::Refused,
            Err(error) => Renewal::Unknown(format!("rslock: {error}")),
        }
    }

    async fn release(&mut self, grant: &Grant) -> Release {
        let Some(place) = self.held.iter().position(|(key, _)| *key == grant.key()) else { return Release::NotOwner };
        let (_, lock) = self.held.swap_remove(place);
        let valid = self.timer().now() < grant.validity_ns();
        self.manager.unlock(&lock).await;
        self.requests += self.nodes;
        if valid { Release::Confirmed } else { Release::NotOwner }
    }
}

impl Session for RslockSession {
    fn acquire<'a>(&'a mut self, key: &'a Key, patience: &'a Patience) -> Local<'a, Acquire> {
        let Self { polling, client } = self;
        let name = names(&client.namespace, key).lock;
        Box::pin(async move { polling.acquire(patience, async || client.try_once(key.index, &name).await).await })
    }

    fn renew<'a>(&'a mut self, grant: &'a mut Grant) -> Local<'a, Renewal> {
        Box::pin(self.client.renew(grant))
    }

    fn release(&mut self, grant: Grant) -> Local<'_, Release> {
        Box::pin(async move { self.client.release(&grant).await })
    }

    fn set_lease(&mut self, ttl_ns: u64) -> bool {
        self.client.ttl_ms = (ttl_ns / MILLISECOND).max(1);
        true
    }

    fn effective_ttl_ns(&self) -> Option<u64> {
        Some(self.client.ttl_ms * MILLISECOND)
    }

    /// One per node and operation; what the crate sends to load a script is not told.
    fn requests(&self) -> u64 {
        self.client.requests
    }
}
