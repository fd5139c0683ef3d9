//! `postgres:lease`: a row a key with owner, fencing token and expiry, changed by
//! single UPDATE statements; waiting is polling. The server's wall clock decides
//! alone when a lease is over, no client's clock matters.
//!
//! Validity is the instant of asking + ttl: the server computes the expiry after
//! it was asked, so it ends no earlier (rates of both clocks taken as equal over
//! one ttl, and a database host whose clock does not jump).
//!
//! A request without an answer closes the connection. Its UPDATE may still run
//! when a paused server goes on, and the lease starts only then, so that no time
//! bound holds by itself: the possible hold is over a ttl after the server
//! confirms that the former session has ended, else never.

use std::collections::HashMap;

use tokio_postgres::error::SqlState;
use tokio_postgres::types::Type;
use tokio_postgres::{Client, Error, Row, Statement};

use super::super::Target;
use super::super::planted::{Flaw, Planted};
use super::super::poll::{Polling, Tried, answered_too_late};
use super::super::truth::{Asker, Question};
use super::capacity::capacity;
use super::connect::{Backend, Connection, Server, text_of};
use super::link::{Failure, Link};
use super::table::{Table, names};
use lockbench_core::clock::Timer;
use lockbench_core::lock::{
    Acquire, Capacity, Facts, Grant, Guarantees, Holder, Key, Local, LockSystem, NEVER, Opening, Patience, Release,
    Renewal, Session, Survey, SystemError, Truth,
};

/// The lock system `postgres:lease`.
pub(super) struct Lease {
    server: Server,
    table: Table,
    planted: Planted,
}

impl Lease {
    /// Configures it. Contacts nobody.
    pub(super) fn new(target: &Target, planted: Planted) -> Result<Self, SystemError> {
        let server = Server::new("postgres:lease", target)?;
        let table = Table::new(&target.namespace).map_err(|problem| server.error(&problem))?;
        Ok(Self { server, table, planted })
    }

    /// Its server.
    pub(super) fn server(&self) -> &Server {
        &self.server
    }

    /// Its table.
    pub(super) fn table(&self) -> Table {
        self.table.clone()
    }

    async fn make(&self, keys: &[Key]) -> Result<(), SystemError> {
        let made = self.server.control(async |client| {
            client.batch_execute(&format!("begin; {DURABLY}; {}", self.table.create())).await?;
            client.execute_typed(&self.table.reset(), &[(&names(keys), Type::TEXT_ARRAY)]).await?;
            client.batch_execute("commit").await
        });
        made.await
    }

    async fn remove(&self, keys: &[Key]) -> Result<(), SystemError> {
        let removed = self.server.control(async |client| {
            match client.execute_typed(&self.table.forget(), &[(&names(keys), Type::TEXT_ARRAY)]).await {
                // Cleaned twice: nothing is there any more.
                Err(error) if error.code() == Some(&SqlState::UNDEFINED_TABLE) => return Ok(()),
                result => result?,
            };
            let others: bool = client.query_typed_one(&self.table.any(), &[]).await?.try_get(0)?;
            if others { Ok(()) } else { client.batch_execute(&self.table.drop()).await }
        });
        removed.await
    }

    async fn ask_all(&self, keys: &[Key]) -> Result<Survey, SystemError> {
        let asked = self.server.control(async |client| {
            let (sql, mut holders) = (self.table.holder(), Vec::with_capacity(keys.len()));
            for key in keys {
                let row = client.query_typed_opt(&sql, &[(&&*key.name, Type::TEXT)]).await?;
                holders.push(row.as_ref().map(holder).transpose()?);
            }
            Ok(Survey { round_trip_ns: Some(self.server.round_trip_ns(client).await?), holders })
        });
        asked.await
    }
}

/// Asks again and again.
struct Holders {
    server: Server,
    sql: String,
}

impl Question for Holders {
    type Line = (Connection, Statement);

    async fn open(&self) -> Result<Self::Line, SystemError> {
        let connection = self.server.to_look().await?;
        let prepared = connection.client.prepare(&self.sql).await;
        let statement = prepared.map_err(|error| self.server.error(&text_of(&error)))?;
        Ok((connection, statement))
    }

    async fn ask(&self, line: &mut Self::Line, keys: &[Key]) -> Result<Vec<Option<Holder>>, SystemError> {
        let (connection, statement) = line;
        let asked = holders(&connection.client, statement, keys).await;
        asked.map_err(|error| self.server.error(&text_of(&error)))
    }
}

async fn holders(client: &Client, statement: &Statement, keys: &[Key]) -> Result<Vec<Option<Holder>>, Error> {
    let mut holders = Vec::with_capacity(keys.len());
    for key in keys {
        let row = client.query_opt(statement, &[&&*key.name]).await?;
        holders.push(row.as_ref().map(holder).transpose()?);
    }
    Ok(holders)
}

fn holder(row: &Row) -> Result<Holder, Error> {
    let (fence, left): (i64, i64) = (row.try_get(1)?, row.try_get(2)?);
    Ok(Holder {
        identity: row.try_get(0)?,
        token: Some(fence.cast_unsigned()),
        ttl_ms: Some(left.max(0).cast_unsigned()),
    })
}

impl LockSystem for Lease {
    fn name(&self) -> &'static str {
        "postgres:lease"
    }

    fn guarantees(&self) -> &Guarantees {
        &super::LEASE_GUARANTEES
    }

    fn addresses(&self) -> Vec<String> {
        vec![self.server.address()]
    }

    fn facts(&self) -> Local<'_, Result<Facts, SystemError>> {
        Box::pin(self.server.facts())
    }

    fn prepare<'a>(&'a self, keys: &'a [Key]) -> Local<'a, Result<(), SystemError>> {
        Box::pin(self.make(keys))
    }

    fn open(&self, opening: Opening) -> Local<'_, Result<Box<dyn Session>, SystemError>> {
        Box::pin(async move {
            let requests = self.table.requests(self.planted);
            let link = Link::open(&self.server, &opening, requests).await?;
            Ok(Box::new(LeaseSession::new(link, &opening, self.planted)) as Box<dyn Session>)
        })
    }

    fn truths(&self) -> Vec<Box<dyn Truth>> {
        vec![Asker::boxed(Holders { server: self.server.clone(), sql: self.table.holder() })]
    }

    fn survey<'a>(&'a self, keys: &'a [Key]) -> Local<'a, Result<Survey, SystemError>> {
        Box::pin(self.ask_all(keys))
    }

    fn capacity(&self) -> Local<'_, Result<Capacity, SystemError>> {
        Box::pin(capacity(&self.server))
    }

    fn clean<'a>(&'a self, keys: &'a [Key]) -> Local<'a, Result<(), SystemError>> {
        Box::pin(self.remove(keys))
    }
}

/// What is prepared is there after a crash, however little the server syncs of what clients commit.
const DURABLY: &str = "set local synchronous_commit = on";

const ACQUIRE: usize = 0;
const RENEW: usize = 1;
const RELEASE: usize = 2;

/// One client. Its lease outlives its connection: losing that loses no grant.
struct LeaseSession {
    requests: Requests,
    polling: Polling,
}

impl LeaseSession {
    fn new(link: Link, opening: &Opening, planted: Planted) -> Self {
        // The column's resolution is a microsecond: ask for no more than is stored.
        let ttl_us = opening.ttl_ns / 1_000;
        let requests = Requests { link, timer: opening.timer.clone(), ttl_us, held: HashMap::new(), planted };
        Self { requests, polling: Polling::new(opening.retry, opening.seed) }
    }
}

/// A lease of ours.
struct Held {
    name: Box<str>,
    /// When it surely is over on the server unless it is renewed.
    ends_ns: u64,
}

/// The three requests and what their answers mean.
struct Requests {
    link: Link,
    timer: Timer,
    ttl_us: u64,
    held: HashMap<u32, Held>,
    planted: Planted,
}

impl Requests {
    fn ttl_ns(&self) -> u64 {
        self.ttl_us * 1_000
    }

    /// A lease that starts by now is over by then.
    fn latest_end(&self) -> u64 {
        self.timer.now().saturating_add(self.ttl_ns())
    }

    async fn try_once(&mut self, key: &Key) -> Tried {
        let asked = self.timer.now();
        let owner = self.link.owner().to_owned();
        match self.link.ask(ACQUIRE, &[&&*key.name, &owner, &(self.ttl_us as f64)]).await {
            Ok(rows) => {
                if rows.is_empty() && self.planted != Some(Flaw::FailureIsAGrant) {
                    return Tried::Held;
                }
                let fence: i64 = rows.first().and_then(|row| row.try_get(0).ok()).unwrap_or_default();
                self.held.insert(key.index, Held { name: (*key.name).into(), ends_ns: self.latest_end() });
                let grant = Grant::new(key.index, Some(fence.cast_unsigned()), asked + self.ttl_ns());
                if self.timer.now() < grant.validity_ns() {
                    return Tried::Granted(grant);
                }
                answered_too_late(self.release(&grant).await)
            }
            // Two updates of one row at once, where the role's default isolation is
            // stricter than READ COMMITTED: the other one won.
            Err(Failure::Refused { code: Some(code), .. }) if code == SqlState::T_R_SERIALIZATION_FAILURE => {
                Tried::Held
            }
            Err(Failure::Refused { reason, .. }) => Tried::Ended(Acquire::Unavailable(reason)),
            Err(Failure::Lost { backend, reason }) => {
                Tried::Ended(Acquire::Unknown { surely_ended_ns: self.surely_ended(backend).await, reason })
            }
        }
    }

    /// When whatever that server process began is surely over.
    async fn surely_ended(&mut self, backend: Backend) -> u64 {
        if self.link.session_ended(backend).await { self.latest_end() } else { NEVER }
    }

    async fn renew(&mut self, grant: &mut Grant) -> Renewal {
        let Some(held) = self.held.get(&grant.key()) else { return Renewal::Refused };
        let (asked, owner) = (self.timer.now(), self.link.owner().to_owned());
        let fence = grant.token().unwrap_or_default().cast_signed();
        match self.link.ask(RENEW, &[&&*held.name, &owner, &fence, &(self.ttl_us as f64)]).await {
            Ok(rows) if rows.is_empty() => Renewal::Refused,
            Ok(_) => {
                grant.extend(asked + self.ttl_ns());
                self.set_end(grant.key(), self.latest_end());
                Renewal::Confirmed
            }
            Err(Failure::Refused { reason, .. }) => Renewal::Unavailable(reason),
            Err(Failure::Lost { backend, reason }) => {
                let ends_ns = self.surely_ended(backend).await;
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
        let fence = grant.token().unwrap_or_default().cast_signed();
        let owner = self.link.owner().to_owned();
        // An unanswered release can only end the lease sooner.
        match self.link.ask(RELEASE, &[&&*name, &owner, &fence]).await {
            Ok(rows) if rows.is_empty() => Release::NotOwner,
            Ok(_) => Release::Confirmed,
            Err(Failure::Refused { reason, .. }) => Release::Unavailable { surely_ended_ns: ends_ns, reason },
            Err(Failure::Lost { reason, .. }) => Release::Unknown { surely_ended_ns: ends_ns, reason },
        }
    }
}

impl Session for LeaseSession {
    fn acquire<'a>(&'a mut self, key: &'a Key, patience: &'a Patience) -> Local<'a, Acquire> {
        let Self { requests, polling } = self;
        Box::pin(polling.acquire(patience, async || requests.try_once(key).await))
    }

    fn renew<'a>(&'a mut self, grant: &'a mut Grant) -> Local<'a, Renewal> {
        Box::pin(self.requests.renew(grant))
    }

    fn release(&mut self, grant: Grant) -> Local<'_, Release> {
        Box::pin(async move { self.requests.release(&grant).await })
    }

    fn close(self: Box<Self>) -> Local<'static, ()> {
        Box::pin(self.requests.link.close())
    }

    fn set_lease(&mut self, ttl_ns: u64) -> bool {
        // As when it is opened.
        self.requests.ttl_us = ttl_ns / 1_000;
        true
    }

    fn effective_ttl_ns(&self) -> Option<u64> {
        Some(self.requests.ttl_ns())
    }

    fn identity(&self) -> Option<String> {
        Some(self.requests.link.owner().to_owned())
    }

    fn lost_at(&self) -> Option<u64> {
        None
    }

    fn requests(&self) -> u64 {
        self.requests.link.requests()
    }
}
