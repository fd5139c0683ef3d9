//! `redis:pubsub`: the lock of `redis`, waited for by messages. A release publishes on a channel of the lock; whoever waits
//! sleeps until word comes, or until the lease of the holder would be over, as the refusal told it: a holder that dies
//! publishes nothing, and a message is sent once to whoever listens then
//! (<https://redis.io/docs/latest/develop/pubsub/#delivery-semantics>). Redisson's `RLock` waits so.
//!
//! One connection of the process listens for all of its clients.

use std::sync::Arc;

use futures_util::StreamExt;
use redis::aio::PubSub;

use super::client::Client;
use super::link::Link;
use super::server::{Limits, Server};
use super::wire::Wire;
use crate::listener::{Line, Source, spawn};
use crate::listening::Listening;
use crate::notices::Notices;
use lockbench_core::lock::{Acquire, Grant, Key, Local, Patience, Release, Renewal, Session};

/// A client that waits for messages.
pub(super) struct PubSubSession<W = Link> {
    pub client: Client<W>,
    pub listening: Listening,
}

impl<W: Wire + 'static> Session for PubSubSession<W> {
    fn acquire<'a>(&'a mut self, key: &'a Key, patience: &'a Patience) -> Local<'a, Acquire> {
        let Self { client, listening } = self;
        client.address(key);
        let channel: Box<str> = client.lock_name().into();
        Box::pin(async move {
            let lease_ns = client.ttl_ns();
            let try_once = async || (client.try_once().await, client.left_ns());
            listening.acquire((&channel, lease_ns), patience, try_once).await
        })
    }

    fn renew<'a>(&'a mut self, grant: &'a mut Grant) -> Local<'a, Renewal> {
        Box::pin(self.client.renew(grant))
    }

    fn release(&mut self, grant: Grant) -> Local<'_, Release> {
        Box::pin(async move { self.client.release(&grant).await })
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

    /// Without subscriptions, one per process and lock.
    fn requests(&self) -> u64 {
        self.client.requests()
    }
}

/// Longest wait for a connection, in nanoseconds.
const LIMIT_NS: u64 = 5_000_000_000;

/// Subscribes for all clients of this process.
///
/// # Errors
/// The system has no thread for it.
pub(super) fn listen(server: Arc<Server>) -> std::io::Result<Arc<Notices>> {
    spawn("redis:pubsub", Published(server))
}

struct Published(Arc<Server>);

impl Source for Published {
    type Line = PubSub;

    async fn connect(&self) -> Option<PubSub> {
        self.0.subscriber(Limits::within(LIMIT_NS)).await.ok()
    }
}

impl Line for PubSub {
    async fn subscribe(&mut self, channel: &str) -> bool {
        PubSub::subscribe(self, channel).await.is_ok()
    }

    async fn message(&mut self) -> Option<String> {
        Some(self.on_message().next().await?.get_channel_name().to_owned())
    }
}
