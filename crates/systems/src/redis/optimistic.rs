//! `redis:optimistic`: WATCH and GET, then MULTI, INCR and EXEC, which does nothing if the key has changed since
//! (<https://redis.io/docs/latest/develop/using-commands/transactions/#optimistic-locking-using-check-and-set>). What is
//! watched belongs to the connection, so that a write is never sent over another one than the read.

use std::sync::Arc;

use redis::RedisError;
use redis::aio::MultiplexedConnection;

use super::naming::Ticket;
use super::server::{Limits, Server};
use super::system::RedisSystem;
use super::{GUARANTEES_OPTIMISTIC, NAME_OPTIMISTIC};
use crate::Target;
use crate::optimistic::{Failed, OptimisticSession, Versions};
use lockbench_core::lock::{
    Capacity, Facts, Guarantees, Key, Local, LockSystem, Opening, Session, Survey, SystemError,
};

/// One Redis server as a store of versions.
pub(super) struct Optimistic {
    redis: RedisSystem,
    namespace: String,
}

impl Optimistic {
    /// Reads the target. Contacts nobody.
    ///
    /// # Errors
    /// As those of the lock.
    pub fn new(target: Target) -> Result<Self, SystemError> {
        let namespace = target.namespace.clone();
        Ok(Self { redis: RedisSystem::new(&super::OPTIMISTIC, target, None)?, namespace })
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
        self.redis.addresses()
    }

    fn facts(&self) -> Local<'_, Result<Facts, SystemError>> {
        self.redis.facts()
    }

    fn prepare<'a>(&'a self, keys: &'a [Key]) -> Local<'a, Result<(), SystemError>> {
        self.redis.prepare(keys)
    }

    fn open(&self, opening: Opening) -> Local<'_, Result<Box<dyn Session>, SystemError>> {
        Box::pin(async move {
            let (server, limits) = (self.redis.server(), Limits::within(opening.request_timeout_ns));
            let connection = server.connect_to_read(limits).await.map_err(|problem| server.error(problem))?;
            let (namespace, ticket) = (self.namespace.clone(), Ticket::default());
            let versions = Watched { server, limits, connection: Some(connection), namespace, ticket, sent: 0 };
            Ok(Box::new(OptimisticSession::new(versions)) as Box<dyn Session>)
        })
    }

    fn survey<'a>(&'a self, keys: &'a [Key]) -> Local<'a, Result<Survey, SystemError>> {
        self.redis.survey(keys)
    }

    fn capacity(&self) -> Local<'_, Result<Capacity, SystemError>> {
        self.redis.capacity()
    }

    fn clean<'a>(&'a self, keys: &'a [Key]) -> Local<'a, Result<(), SystemError>> {
        self.redis.clean(keys)
    }
}

/// One client.
struct Watched {
    server: Arc<Server>,
    limits: Limits,
    /// `None`: it was lost, and the next read makes a new one.
    connection: Option<MultiplexedConnection>,
    namespace: String,
    ticket: Ticket,
    sent: u64,
}

impl Watched {
    fn lost(&mut self, error: &RedisError) -> Failed {
        self.connection = None;
        Failed::Lost(self.server.explain(error))
    }
}

impl Versions for Watched {
    async fn read(&mut self, key: &Key) -> Result<u64, Failed> {
        if self.connection.is_none() {
            self.connection = Some(self.server.connect_to_read(self.limits).await.map_err(Failed::Unserved)?);
        }
        self.ticket.address(&self.namespace, key);
        let Some(connection) = &mut self.connection else { return Err(Failed::Unserved("no connection".to_owned())) };
        let mut asked = redis::pipe();
        asked.cmd("WATCH").arg(&self.ticket.fence).ignore().cmd("GET").arg(&self.ticket.fence);
        self.sent += 1;
        match asked.query_async::<(Option<u64>,)>(connection).await {
            Ok((version,)) => Ok(version.unwrap_or(0)),
            Err(error) => Err(self.lost(&error)),
        }
    }

    async fn write(&mut self, key: &Key, _version: u64) -> Result<bool, Failed> {
        self.ticket.address(&self.namespace, key);
        let Some(connection) = &mut self.connection else {
            return Err(Failed::Unserved("the connection that had read the version is gone".to_owned()));
        };
        let mut write = redis::pipe();
        write.atomic().cmd("INCR").arg(&self.ticket.fence);
        self.sent += 1;
        match write.query_async::<Option<(u64,)>>(connection).await {
            Ok(written) => Ok(written.is_some()),
            Err(error) => Err(self.lost(&error)),
        }
    }

    fn requests(&self) -> u64 {
        self.sent
    }

    async fn close(self) {
        drop(self);
    }
}
