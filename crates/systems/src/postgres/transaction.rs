//! Locks that a transaction has: `postgres:xact` locks a number (`pg_advisory_xact_lock`), `postgres:row` a row of a table of
//! ours (`SELECT ... FOR UPDATE`), and `postgres:skip-locked` takes such a row if nobody has it (`SKIP LOCKED`), as queues of
//! jobs do: a claim, and no wait. A grant is a transaction that is left open; COMMIT gives it back.
//!
//! * a transaction ends as a whole, so that each lock has one of its own, on a connection of its own: a client that holds
//!   two locks at once has two;
//! * behind a pooler that shares sessions it works all the same, as a transaction keeps its session to itself
//!   (<https://www.pgbouncer.org/features.html>), where a session's advisory lock does not;
//! * no fencing token: a number that the transaction itself counts up is taken back with it if it fails, and given again;
//! * to lock a row writes: into the row, and into the log, whose end COMMIT waits for although nothing durable came of it
//!   (<https://www.postgresql.org/docs/15/explicit-locking.html#LOCKING-ROWS>).

mod session;

use tokio_postgres::types::Type;
use tokio_postgres::{Client, Error};

use super::super::Target;
use super::super::truth::{Asker, Question};
use super::advisory::{Advisory, SHARED};
use super::connect::{Connection, Server, text_of};
use super::lease::Lease;
use super::link::Request;
use super::table::Table;
use crate::Entry;
use lockbench_core::lock::{
    Capacity, Facts, Guarantees, Holder, Key, Local, LockSystem, Opening, Session, Survey, SystemError, Truth,
};
use session::TransactionSession;

/// What a transaction locks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// A number.
    Number,
    /// A row.
    Row,
    /// A row that nobody has.
    FreeRow,
}

impl What {
    /// The statements of a session, by the numbers in `session`.
    fn statements(self, table: &Table) -> Vec<Request> {
        let (wait, once) = match self {
            Self::Number => {
                let wait = "select set_config('lock_timeout', $1, true), pg_advisory_xact_lock($2)";
                let wait = Request::new(wait, &[Type::TEXT, Type::INT8]);
                (wait, Request::new("select pg_try_advisory_xact_lock($1)", &[Type::INT8]))
            }
            Self::Row | Self::FreeRow => {
                let how = if self == Self::Row { "nowait" } else { "skip locked" };
                let wait = Request::new(table.row_waited_for(), &[Type::TEXT, Type::TEXT]);
                (wait, Request::new(table.row_now(how), &[Type::TEXT]))
            }
        };
        let ends = ["commit", "rollback"].map(|text| Request::new(text, &[]));
        [Request::new("begin", &[]), wait, once].into_iter().chain(ends).collect()
    }
}

/// The lock systems of transactions.
pub(super) struct Transactions {
    entry: &'static Entry,
    what: What,
    namespace: String,
    /// The numbers of the keys, and who has them.
    numbers: Advisory,
    /// The rows of the keys: the table of the lease recipe, of which only the rows are used.
    rows: Lease,
}

impl Transactions {
    /// Configures it. Contacts nobody.
    ///
    /// # Errors
    /// As those of the lease recipe.
    pub(super) fn new(entry: &'static Entry, what: What, target: &Target) -> Result<Self, SystemError> {
        Ok(Self {
            entry,
            what,
            namespace: target.namespace.clone(),
            numbers: Advisory::new(entry.name, target, None)?,
            rows: Lease::new(entry, target, None)?,
        })
    }

    fn of_numbers(&self) -> bool {
        self.what == What::Number
    }

    fn holders(&self) -> RowHolders {
        let server = self.rows.server().clone();
        RowHolders { server, sql: self.rows.table().row_holder() }
    }

    async fn ask_all(&self, keys: &[Key]) -> Result<Survey, SystemError> {
        let (server, holders) = (self.rows.server(), self.holders());
        let asked = server.control(async |client| {
            let holders = holders.of(client, keys).await?;
            Ok(Survey { round_trip_ns: Some(server.round_trip_ns(client).await?), holders })
        });
        asked.await
    }
}

/// Asks who has rows.
struct RowHolders {
    server: Server,
    sql: String,
}

impl RowHolders {
    async fn of(&self, client: &Client, keys: &[Key]) -> Result<Vec<Option<Holder>>, Error> {
        let mut holders = Vec::with_capacity(keys.len());
        for key in keys {
            let row = client.query_typed_opt(&self.sql, &[(&&*key.name, Type::TEXT)]).await?;
            let holder = row.map(|row| {
                let (pid, name): (i32, String) = (row.try_get(0)?, row.try_get(1)?);
                let name = if self.server.shares_sessions { SHARED } else { &name };
                Ok::<_, Error>(Holder { identity: format!("{name} (pid {pid})"), token: None, ttl_ms: None })
            });
            holders.push(holder.transpose()?);
        }
        Ok(holders)
    }
}

impl Question for RowHolders {
    type Line = Connection;

    async fn open(&self) -> Result<Self::Line, SystemError> {
        self.server.to_look().await
    }

    async fn ask(&self, line: &mut Self::Line, keys: &[Key]) -> Result<Vec<Option<Holder>>, SystemError> {
        self.of(&line.client, keys).await.map_err(|error| self.server.error(&text_of(&error)))
    }
}

impl LockSystem for Transactions {
    fn name(&self) -> &'static str {
        self.entry.name
    }

    fn guarantees(&self) -> &Guarantees {
        &self.entry.guarantees
    }

    fn addresses(&self) -> Vec<String> {
        self.rows.addresses()
    }

    /// No lock of a transaction outlives the server's process.
    fn facts(&self) -> Local<'_, Result<Facts, SystemError>> {
        self.numbers.facts()
    }

    fn prepare<'a>(&'a self, keys: &'a [Key]) -> Local<'a, Result<(), SystemError>> {
        if self.of_numbers() { self.numbers.prepare(keys) } else { self.rows.prepare(keys) }
    }

    fn open(&self, opening: Opening) -> Local<'_, Result<Box<dyn Session>, SystemError>> {
        Box::pin(async move {
            let requests = self.what.statements(&self.rows.table());
            let namespace = self.namespace.clone();
            let session = TransactionSession::open(self.rows.server(), opening, self.what, namespace, requests).await?;
            Ok(Box::new(session) as Box<dyn Session>)
        })
    }

    fn truths(&self) -> Vec<Box<dyn Truth>> {
        if self.of_numbers() { self.numbers.truths() } else { vec![Asker::boxed(self.holders())] }
    }

    fn survey<'a>(&'a self, keys: &'a [Key]) -> Local<'a, Result<Survey, SystemError>> {
        if self.of_numbers() { self.numbers.survey(keys) } else { Box::pin(self.ask_all(keys)) }
    }

    fn capacity(&self) -> Local<'_, Result<Capacity, SystemError>> {
        self.rows.capacity()
    }

    fn clean<'a>(&'a self, keys: &'a [Key]) -> Local<'a, Result<(), SystemError>> {
        if self.of_numbers() { self.numbers.clean(keys) } else { self.rows.clean(keys) }
    }
}
