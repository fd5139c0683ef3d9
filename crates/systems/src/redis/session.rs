//! One client of the single-node lock: a connection of its own, one request an
//! acquire, polls in between.

use super::super::poll::Polling;
use super::client::Client;
use super::link::Link;
use super::wire::Wire;
use lockbench_core::lock::{Acquire, Grant, Key, Local, Mode, Patience, Release, Renewal, Session};

/// A client of one server.
pub(super) struct RedisSession<W = Link> {
    pub polling: Polling,
    pub client: Client<W>,
}

impl<W: Wire + 'static> Session for RedisSession<W> {
    fn acquire<'a>(&'a mut self, key: &'a Key, patience: &'a Patience) -> Local<'a, Acquire> {
        let Self { polling, client } = self;
        client.address(key);
        Box::pin(polling.acquire(patience, async || client.try_once().await))
    }

    fn acquire_as<'a>(&'a mut self, key: &'a Key, mode: Mode, patience: &'a Patience) -> Local<'a, Acquire> {
        let Self { polling, client } = self;
        client.address_as(key, mode);
        Box::pin(polling.acquire(patience, async || client.try_once().await))
    }

    fn renew<'a>(&'a mut self, grant: &'a mut Grant) -> Local<'a, Renewal> {
        Box::pin(self.client.renew(grant))
    }

    fn release(&mut self, grant: Grant) -> Local<'_, Release> {
        Box::pin(async move { self.client.release(&grant).await })
    }

    /// Nothing on the server belongs to the session: locks end by release or lease.
    fn close(self: Box<Self>) -> Local<'static, ()> {
        Box::pin(async move { drop(self) })
    }

    fn set_lease(&mut self, ttl_ns: u64) -> bool {
        self.client.set_ttl(ttl_ns);
        true
    }

    fn effective_ttl_ns(&self) -> Option<u64> {
        Some(self.client.ttl_ns())
    }

    fn identity(&self) -> Option<String> {
        Some(self.client.identity().to_owned())
    }

    /// Never: a lock outlives its connection, and the server does not tell when a lease ends.
    fn lost_at(&self) -> Option<u64> {
        None
    }

    fn requests(&self) -> u64 {
        self.client.requests()
    }
}
