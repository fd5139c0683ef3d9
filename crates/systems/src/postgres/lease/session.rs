//! One client of the lease row. Its lease outlives its connection: losing that loses no grant.

use std::collections::HashMap;
use std::sync::Arc;

use super::wire::{Reply, RowLink, Verb, Wire, channel};
use crate::listening::Listening;
use crate::notices::Notices;
use crate::planted::{Flaw, Planted};
use crate::poll::{Polling, Tried, answered_too_late};
use lockbench_core::clock::Timer;
use lockbench_core::lock::{Acquire, Grant, Key, Local, NEVER, Opening, Patience, Release, Renewal, Session};

/// How a client waits for a lease that another has.
pub(super) enum Waiting {
    Polls(Polling),
    Listens(Listening),
}

impl Waiting {
    /// It asks again and again.
    pub fn polls(opening: &Opening) -> Self {
        Self::Polls(Polling::new(opening.retry, opening.seed))
    }

    /// It sleeps until word comes.
    pub fn listens(notices: Arc<Notices>, opening: &Opening) -> Self {
        Self::Listens(Listening::new(notices, opening))
    }
}

/// One client.
pub(super) struct LeaseSession<W = RowLink> {
    row: Row<W>,
    waiting: Waiting,
    namespace: String,
}

impl<W: Wire> LeaseSession<W> {
    pub fn new(row: Row<W>, waiting: Waiting, namespace: &str) -> Self {
        Self { row, waiting, namespace: namespace.to_owned() }
    }
}

/// A lease of ours.
struct Held {
    name: Box<str>,
    /// When it surely is over on the server unless it is renewed.
    ends_ns: u64,
}

/// The three statements and what their answers mean.
pub(super) struct Row<W> {
    wire: W,
    timer: Timer,
    ttl_us: u64,
    held: HashMap<u32, Held>,
    /// For how many microseconds the lease of the holder ran when it was asked last.
    left_us: u64,
    planted: Planted,
}

impl<W: Wire> Row<W> {
    /// Of a client that asks over that wire. The column's resolution is a microsecond: no more is asked for than is stored.
    pub fn new(wire: W, opening: &Opening, planted: Planted) -> Self {
        let ttl_us = opening.ttl_ns / 1_000;
        Self { wire, timer: opening.timer.clone(), ttl_us, held: HashMap::new(), left_us: 0, planted }
    }

    fn ttl_ns(&self) -> u64 {
        self.ttl_us * 1_000
    }

    /// A lease that starts by now is over by then.
    fn latest_end(&self) -> u64 {
        self.timer.now().saturating_add(self.ttl_ns())
    }

    async fn try_once(&mut self, key: &Key) -> Tried {
        let asked = self.timer.now();
        match self.wire.ask(Verb::Acquire { ttl_us: self.ttl_us }, &key.name).await {
            Reply::Done { fence } => self.granted(key, fence, asked).await,
            Reply::Not { .. } if self.planted == Some(Flaw::FailureIsAGrant) => self.granted(key, 0, asked).await,
            Reply::Not { left_us } => {
                self.left_us = left_us;
                Tried::Held
            }
            Reply::Refused(reason) => Tried::Ended(Acquire::Unavailable(reason)),
            Reply::Unknown(reason) => {
                Tried::Ended(Acquire::Unknown { surely_ended_ns: self.surely_ended().await, reason })
            }
        }
    }

    async fn granted(&mut self, key: &Key, fence: u64, asked: u64) -> Tried {
        self.held.insert(key.index, Held { name: (*key.name).into(), ends_ns: self.latest_end() });
        let grant = Grant::new(key.index, Some(fence), asked + self.ttl_ns());
        if self.timer.now() < grant.validity_ns() {
            return Tried::Granted(grant);
        }
        answered_too_late(self.release(&grant).await)
    }

    /// When whatever the last statement of unknown effect began is surely over.
    async fn surely_ended(&mut self) -> u64 {
        if self.wire.is_over().await { self.latest_end() } else { NEVER }
    }

    async fn renew(&mut self, grant: &mut Grant) -> Renewal {
        let Some(held) = self.held.get(&grant.key()) else { return Renewal::Refused };
        let (asked, fence) = (self.timer.now(), grant.token().unwrap_or_default());
        match self.wire.ask(Verb::Renew { fence, ttl_us: self.ttl_us }, &held.name).await {
            Reply::Not { .. } => Renewal::Refused,
            Reply::Done { .. } => {
                grant.extend(asked + self.ttl_ns());
                self.set_end(grant.key(), self.latest_end());
                Renewal::Confirmed
            }
            Reply::Refused(reason) => Renewal::Unavailable(reason),
            Reply::Unknown(reason) => {
                let ends_ns = self.surely_ended().await;
                self.set_end(grant.key(), ends_ns);
                Renewal::Unknown(reason)
            }
        }
    }

    fn set_end(&mut self, key: u32, ends_ns: u64) {
        if let Some(held) = self.held.get_mut(&key) {
            held.ends_ns = ends_ns;
        }
    }

    async fn release(&mut self, grant: &Grant) -> Release {
        let Some(Held { name, ends_ns }) = self.held.remove(&grant.key()) else { return Release::NotOwner };
        let fence = grant.token().unwrap_or_default();
        // An unanswered release can only end the lease sooner.
        match self.wire.ask(Verb::Release { fence }, &name).await {
            Reply::Not { .. } => Release::NotOwner,
            Reply::Done { .. } => Release::Confirmed,
            Reply::Refused(reason) => Release::Unavailable { surely_ended_ns: ends_ns, reason },
            Reply::Unknown(reason) => Release::Unknown { surely_ended_ns: ends_ns, reason },
        }
    }
}

impl<W: Wire + 'static> Session for LeaseSession<W> {
    fn acquire<'a>(&'a mut self, key: &'a Key, patience: &'a Patience) -> Local<'a, Acquire> {
        let Self { row, waiting, namespace } = self;
        match waiting {
            Waiting::Polls(polling) => Box::pin(polling.acquire(patience, async || row.try_once(key).await)),
            Waiting::Listens(listening) => Box::pin(async move {
                let channel = channel(namespace, &key.name);
                let lease_ns = row.ttl_ns();
                let try_once = async || (row.try_once(key).await, row.left_us.max(LEAST_US) * 1_000);
                listening.acquire((&channel, lease_ns), patience, try_once).await
            }),
        }
    }

    fn renew<'a>(&'a mut self, grant: &'a mut Grant) -> Local<'a, Renewal> {
        Box::pin(self.row.renew(grant))
    }

    fn release(&mut self, grant: Grant) -> Local<'_, Release> {
        Box::pin(async move { self.row.release(&grant).await })
    }

    fn close(self: Box<Self>) -> Local<'static, ()> {
        Box::pin(self.row.wire.close())
    }

    fn set_lease(&mut self, ttl_ns: u64) -> bool {
        // As when it is opened.
        self.row.ttl_us = ttl_ns / 1_000;
        true
    }

    fn effective_ttl_ns(&self) -> Option<u64> {
        Some(self.row.ttl_ns())
    }

    fn identity(&self) -> Option<String> {
        Some(self.row.wire.owner().to_owned())
    }

    fn requests(&self) -> u64 {
        self.row.wire.requests()
    }
}

/// Shortest sleep between two tries of a client that waits for messages, in microseconds: the lease of a holder that was
/// just replaced is over in the row as the statement saw it.
const LEAST_US: u64 = 1_000;
