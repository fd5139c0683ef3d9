//! `postgres:advisory`: one connection a client, one `pg_advisory_lock` a grant
//! (<https://www.postgresql.org/docs/15/functions-admin.html#FUNCTIONS-ADVISORY-LOCKS>).
//!
//! The wait is bounded on the server by `lock_timeout`, set in the same statement
//! and so in the same round trip. Two facts shape the rest:
//! * session locks ignore rollback, so a statement that fails may still have
//!   locked: when the timeout fires while the lock is being handed over, the server
//!   reports 55P03 *and keeps the lock* (seen on 15.18, once in a few dozen tries at
//!   that moment). After every failed try the lock is given back before "no effect"
//!   is said; a plain client of `lock_timeout` leaves a ghost holder there;
//! * without a lease nothing but the session's end frees the lock: an
//!   answer that never came is bounded only by the server's word that the former
//!   session is gone, else by nothing.
//!
//! Not usable through a pooler in transaction mode: lock and release reach
//! different sessions, and the lock of one client is that of all clients which
//! share its session. `[postgres] pooler = "transaction"` shows both
//! (<https://www.pgbouncer.org/features.html>).

mod session;

pub(super) use session::{SHARED, statements};

use std::time::Duration;

use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Error, Row};

use super::super::Target;
use super::super::planted::Planted;
use super::super::truth::{Asker, Question};
use super::advisory_key::{collision, halves, number};
use super::capacity::capacity;
use super::connect::{Connection, Server, text_of};
use super::link::Link;
use lockbench_core::lock::{
    Capacity, Facts, Guarantees, Holder, Key, Local, LockSystem, Opening, Session, Survey, SystemError, Truth,
};

/// How long `prepare` waits for a dying session of an earlier trial.
const LEFTOVER_TRIES: u32 = 50;
/// Pause between two looks.
const LEFTOVER_PAUSE: Duration = Duration::from_millis(20);

/// How often sessions may end under our eyes until a lock is told to be of nobody we know.
const ENDED_TRIES: u32 = 8;

/// Who holds one of these numbers in this database, and whether its session ended between the reads of the two views:
/// they are not of one instant.
const HOLDERS: &str = "select l.pid, coalesce(a.application_name, ''), l.classid, l.objid, a.pid is null \
     from pg_locks l left join pg_stat_activity a on a.pid = l.pid \
     where l.locktype = 'advisory' and l.objsubid = 1 and l.granted \
     and l.database = (select oid from pg_database where datname = current_database()) \
     and (l.classid, l.objid) in (select * from unnest($1::oid[], $2::oid[]))";

/// The lock system `postgres:advisory`.
pub(super) struct Advisory {
    pub(super) server: Server,
    namespace: String,
    planted: Planted,
}

impl Advisory {
    /// Configures it. Contacts nobody.
    pub(super) fn new(name: &'static str, target: &Target, planted: Planted) -> Result<Self, SystemError> {
        let server = Server::new(name, target)?;
        Ok(Self { server, namespace: target.namespace.clone(), planted })
    }

    /// `pid application` of a holder of any of these keys.
    async fn holder(&self, keys: &[Key]) -> Result<Option<String>, SystemError> {
        let (high, low): (Vec<u32>, Vec<u32>) =
            keys.iter().map(|key| halves(number(&self.namespace, &key.name, self.planted))).unzip();
        let of_both = [&high, &low].map(|oids| (oids as &(dyn ToSql + Sync), Type::OID_ARRAY));
        let rows = self.server.control(async |client| client.query_typed(HOLDERS, &of_both).await).await?;
        Ok(rows.first().map(named))
    }

    /// Who holds each of these keys, over this connection.
    async fn holders(&self, client: &Client, keys: &[Key]) -> Result<Vec<Option<Holder>>, Error> {
        let places: Vec<(u32, u32)> =
            keys.iter().map(|key| halves(number(&self.namespace, &key.name, self.planted))).collect();
        let (high, low): (Vec<u32>, Vec<u32>) = places.iter().copied().unzip();
        let of_both = [&high, &low].map(|oids| (oids as &(dyn ToSql + Sync), Type::OID_ARRAY));
        let mut rows = client.query_typed(HOLDERS, &of_both).await?;
        for _ in 0..ENDED_TRIES {
            if !rows.iter().any(|row| row.try_get(4).unwrap_or(false)) {
                break;
            }
            // A session gives its locks back before it leaves the other view, so the next look has them no more.
            rows = client.query_typed(HOLDERS, &of_both).await?;
        }
        let mut held: Vec<((u32, u32), String)> = Vec::with_capacity(rows.len());
        for row in rows {
            // Behind such a pooler a session has the name of the client that uses it now, which need not be the one whose
            // lock it has.
            let pid: i32 = row.try_get(0).unwrap_or_default();
            let shared = || format!("{} (pid {pid})", SHARED);
            let identity = if self.server.shares_sessions { shared() } else { named(&row) };
            held.push(((row.try_get(2)?, row.try_get(3)?), identity));
        }
        let holder = |place: &(u32, u32)| {
            let (_, identity) = held.iter().find(|(held, _)| held == place)?;
            Some(Holder { identity: identity.clone(), token: None, ttl_ms: None })
        };
        Ok(places.iter().map(holder).collect())
    }

    async fn ask_all(&self, keys: &[Key]) -> Result<Survey, SystemError> {
        let asked = self.server.control(async |client| {
            let holders = self.holders(client, keys).await?;
            Ok(Survey { round_trip_ns: Some(self.server.round_trip_ns(client).await?), holders })
        });
        asked.await
    }

    /// Nothing is made: only checks that the numbers are distinct and free.
    async fn check_free(&self, keys: &[Key]) -> Result<(), SystemError> {
        if let Some((a, b)) = collision(&self.namespace, keys, self.planted) {
            let problem = format!("keys {} and {} hash to one advisory lock: run again", a.name, b.name);
            return Err(self.server.error(&problem));
        }
        for _ in 0..LEFTOVER_TRIES {
            if self.holder(keys).await?.is_none() {
                return Ok(());
            }
            tokio::time::sleep(LEFTOVER_PAUSE).await;
        }
        let holder = self.holder(keys).await?.unwrap_or_default();
        Err(self.server.error(&format!("an advisory lock of this trial is held by {holder}: end that session")))
    }
}

/// Asks again and again.
struct Holders(Advisory);

impl Question for Holders {
    type Line = Connection;

    async fn open(&self) -> Result<Self::Line, SystemError> {
        self.0.server.to_look().await
    }

    async fn ask(&self, line: &mut Self::Line, keys: &[Key]) -> Result<Vec<Option<Holder>>, SystemError> {
        self.0.holders(&line.client, keys).await.map_err(|error| self.0.server.error(&text_of(&error)))
    }
}

/// `application pid` of a row of [`HOLDERS`].
fn named(row: &Row) -> String {
    let pid: i32 = row.try_get(0).unwrap_or_default();
    let application: String = row.try_get(1).unwrap_or_default();
    format!("{application} (pid {pid})")
}

impl LockSystem for Advisory {
    fn name(&self) -> &'static str {
        "postgres:advisory"
    }

    fn guarantees(&self) -> &Guarantees {
        &super::ADVISORY_GUARANTEES
    }

    fn addresses(&self) -> Vec<String> {
        vec![self.server.address()]
    }

    fn facts(&self) -> Local<'_, Result<Facts, SystemError>> {
        Box::pin(async {
            let facts = self.server.facts().await?;
            Ok(Facts { durability: facts.durability.in_shared_memory(), ..facts })
        })
    }

    fn prepare<'a>(&'a self, keys: &'a [Key]) -> Local<'a, Result<(), SystemError>> {
        Box::pin(self.check_free(keys))
    }

    fn open(&self, opening: Opening) -> Local<'_, Result<Box<dyn Session>, SystemError>> {
        Box::pin(async move {
            let link = Link::open(&self.server, &opening, statements()).await?;
            let session = session::AdvisorySession::new(link, &opening, self.namespace.clone(), self.planted);
            Ok(Box::new(session) as Box<dyn Session>)
        })
    }

    fn truths(&self) -> Vec<Box<dyn Truth>> {
        let Self { server, namespace, planted } = self;
        vec![Asker::boxed(Holders(Self { server: server.clone(), namespace: namespace.clone(), planted: *planted }))]
    }

    fn survey<'a>(&'a self, keys: &'a [Key]) -> Local<'a, Result<Survey, SystemError>> {
        Box::pin(self.ask_all(keys))
    }

    fn capacity(&self) -> Local<'_, Result<Capacity, SystemError>> {
        Box::pin(capacity(&self.server))
    }

    fn clean<'a>(&'a self, _keys: &'a [Key]) -> Local<'a, Result<(), SystemError>> {
        // The locks went with their sessions; nothing else was made.
        Box::pin(async { Ok(()) })
    }
}
