//! `postgres:lease`: a row per key with owner, fencing token and expiry, changed by
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

mod listen;
mod session;
#[cfg(test)]
mod simulated;
mod wire;

use std::sync::{Arc, OnceLock};

use tokio_postgres::error::SqlState;
use tokio_postgres::types::Type;
use tokio_postgres::{Client, Error, Row, Statement};

use super::super::Target;
use super::super::planted::Planted;
use super::super::truth::{Asker, Question};
use super::capacity::capacity;
use super::connect::{Connection, Server, text_of};
use super::table::{Table, names};
use crate::Entry;
use crate::notices::Notices;
use lockbench_core::lock::{
    Capacity, Facts, Guarantees, Holder, Key, Local, LockSystem, Opening, Session, Survey, SystemError, Truth,
};
use session::{LeaseSession, Row as LeaseRow, Waiting};
use wire::RowLink;

/// The lock systems `postgres:lease` and `postgres:lease-notify`.
pub(super) struct Lease {
    entry: &'static Entry,
    server: Server,
    table: Table,
    namespace: String,
    planted: Planted,
    /// Those who wait for messages, where clients do.
    notices: Option<OnceLock<Arc<Notices>>>,
}

impl Lease {
    /// Configures it. Contacts nobody.
    pub(super) fn new(entry: &'static Entry, target: &Target, planted: Planted) -> Result<Self, SystemError> {
        let server = Server::new(entry.name, target)?;
        let table = Table::new(&target.namespace).map_err(|problem| server.error(&problem))?;
        Ok(Self { entry, server, table, namespace: target.namespace.clone(), planted, notices: None })
    }

    /// The same for clients that wait for messages.
    #[must_use]
    pub(super) fn with_messages(self) -> Self {
        Self { notices: Some(OnceLock::new()), ..self }
    }

    async fn session(&self, opening: Opening) -> Result<Box<dyn Session>, SystemError> {
        let waiting = match &self.notices {
            None => Waiting::polls(&opening),
            Some(notices) => {
                let made = Notices::shared(notices, || listen::start(self.server.clone()));
                Waiting::listens(made.map_err(|error| self.server.error(&error.to_string()))?, &opening)
            }
        };
        let requests = self.table.requests(self.planted, self.notices.is_some());
        let namespace = self.notices.is_some().then(|| self.namespace.clone());
        let link = RowLink::open(&self.server, &opening, requests, namespace).await?;
        let row = LeaseRow::new(link, &opening, self.planted);
        Ok(Box::new(LeaseSession::new(row, waiting, &self.namespace)))
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
        self.entry.name
    }

    fn guarantees(&self) -> &Guarantees {
        &self.entry.guarantees
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
        Box::pin(self.session(opening))
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
