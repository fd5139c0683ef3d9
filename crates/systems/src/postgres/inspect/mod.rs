//! Which locks are held on a PostgreSQL server: advisory locks, whoever took them; locks
//! on tables, rows and transactions that somebody waits for; and the rows of our own
//! `postgres:lease`. All of it is read in one transaction that may only read, with
//! `pg_blocking_pids` for the clients that wait and for nobody else, because it stops the
//! lock manager for a moment
//! (<https://www.postgresql.org/docs/15/functions-info.html#FUNCTIONS-INFO-SESSION>).

mod gather;
mod row;

use std::collections::BTreeMap;

use tokio_postgres::types::Type;
use tokio_postgres::{Client, Error};

use super::super::Target;
use super::connect::Server;
use super::table::Table;
use gather::gather;
use lockbench_core::lock::inspection::{ClientSeen, Inspector, LockSeen, Observation, Scope, ServerSeen, readable};
use lockbench_core::lock::{Local, SystemError};
use row::{LOCKS, Row, encoded};

/// For the transaction alone, so that a pooler's next client has nothing of it.
///
/// With client_encoding SQL_ASCII the server sends the bytes that it has: an application may
/// have named itself in any encoding, and one name that cannot be converted would hide all
/// locks (<https://www.postgresql.org/docs/15/multibyte.html>, "No conversion").
const BEGIN: &str = "begin transaction isolation level read committed read only; \
                     set local client_encoding = 'SQL_ASCII'; \
                     set local statement_timeout = '5s'; set local lock_timeout = '1s'; \
                     set local idle_in_transaction_session_timeout = '30s'";

/// Whom we ask, and who we are there.
const SERVER: &str = "select current_setting('server_version'), pg_is_in_recovery(), \
                      textsend(current_database()::text), textsend(current_user::text), \
                      pg_has_role(current_user, 'pg_read_all_stats', 'usage'), current_setting('server_encoding')";

/// Tables of `postgres:lease`, and whether we may read them.
const LEASE_TABLES: &str = "select textsend(n.nspname::text), \
         has_schema_privilege(n.oid, 'usage') and has_table_privilege(c.oid, 'select') \
     from pg_class c join pg_namespace n on n.oid = c.relnamespace \
     where c.relname = 'leases' and c.relkind = 'r' and n.nspname like 'lockbench\\_%' order by 1 limit 100";

/// Looks at one server.
pub struct Database {
    server: Server,
    scope: Scope,
}

/// What one transaction read.
struct Read {
    said: String,
    user: String,
    sees_all: bool,
    rows: Vec<Row>,
    leases: Vec<LockSeen>,
    unreadable: usize,
}

impl Database {
    /// Reads the target. Contacts nobody.
    ///
    /// # Errors
    /// No address, or one that cannot be used.
    pub fn new(target: &Target, scope: Scope) -> Result<Self, SystemError> {
        Ok(Self { server: Server::new("postgres", target)?, scope })
    }

    async fn ask(&self) -> Result<Observation, SystemError> {
        let limit = i64::try_from(self.scope.limit).unwrap_or(i64::MAX);
        let read = self.server.control(async |client| {
            client.batch_execute(BEGIN).await?;
            let read = read(client, limit).await;
            client.batch_execute("rollback").await?;
            read
        });
        Ok(self.pictured(read.await?))
    }

    fn pictured(&self, read: Read) -> Observation {
        let hidden = read
            .rows
            .iter()
            .filter(|row| row.hidden)
            .filter_map(|row| row.pid)
            .collect::<std::collections::BTreeSet<_>>();
        let mut locks = gather(read.rows);
        locks.extend(read.leases);
        if let Some(prefix) = &self.scope.prefix {
            locks.retain(|lock| lock.name.starts_with(prefix.as_str()));
        }
        locks.sort_by(|a, b| a.name.cmp(&b.name));
        let truncated = (locks.len() > self.scope.limit).then(|| format!("stopped at --limit {}", self.scope.limit));
        locks.truncate(self.scope.limit);
        let mut notes = Vec::new();
        if !hidden.is_empty() && !read.sees_all {
            notes.push(format!(
                "{} sessions are shown without application, address and query: they are hidden from {}; grant \
                 pg_read_all_stats to it to see them",
                hidden.len(),
                read.user
            ));
        }
        if read.unreadable > 0 {
            notes.push(format!("{} tables of postgres:lease may not be read by {}", read.unreadable, read.user));
        }
        let untold = [
            (
                "since_ms",
                "PostgreSQL keeps no time of a grant, and none of a lease; of a wait it does since version 14",
            ),
            ("ttl_left_ms", "only a lease row lapses; an advisory lock lives as long as its session or transaction"),
            ("token", "only a lease row has one"),
            ("waiting", "clients of a lease row poll: the server does not know them"),
        ];
        let scope = "advisory locks, locks that somebody waits for, rows of postgres:lease";
        Observation {
            servers: vec![ServerSeen { address: self.server.address(), said: Some(read.said), problem: None }],
            scope: match &self.scope.prefix {
                Some(prefix) => format!("{scope}; names that start with {prefix}"),
                None => scope.to_owned(),
            },
            locks,
            truncated,
            untold: untold.map(|(field, reason)| (field.to_owned(), reason.to_owned())).into(),
            notes,
            ..Observation::default()
        }
    }
}

async fn read(client: &Client, limit: i64) -> Result<Read, Error> {
    // Each as a statement without a name: behind a pooler the names of others are taken.
    let server = client.query_typed_one(SERVER, &[]).await?;
    let (version, standby): (String, bool) = (server.try_get(0)?, server.try_get(1)?);
    let encoding: String = server.try_get(5)?;
    let (database, user) = (encoded(server.try_get(2)?, &encoding), encoded(server.try_get(3)?, &encoding));
    let rows = client.query_typed(LOCKS, &[]).await?;
    let rows = rows.iter().map(|row| Row::read(row, &database, &encoding)).collect::<Result<Vec<_>, _>>()?;
    let (mut leases, mut unreadable) = (Vec::new(), 0);
    for table in client.query_typed(LEASE_TABLES, &[]).await? {
        let (schema, allowed): (String, bool) = (encoded(table.try_get(0)?, &encoding), table.try_get(1)?);
        match Table::of_schema(&schema).filter(|_| allowed) {
            Some(table) => leases.extend(leased(client, (&schema, &table), limit, &encoding).await?),
            None => unreadable += 1,
        }
    }
    let role = if standby { "a standby" } else { "primary" };
    // Behind it comes the package's.
    let version = version.split(' ').next().unwrap_or_default();
    let said = format!("PostgreSQL {version}, {role}, database {database}");
    Ok(Read { said, user, sees_all: server.try_get(4)?, rows, leases, unreadable })
}

/// The rows of a lease table that are held.
async fn leased(
    client: &Client,
    (schema, table): (&str, &Table),
    limit: i64,
    encoding: &str,
) -> Result<Vec<LockSeen>, Error> {
    let mut locks = Vec::new();
    for row in client.query_typed(&table.held(), &[(&limit.saturating_add(1), Type::INT8)]).await? {
        let (fence, left): (i64, i64) = (row.try_get(2)?, row.try_get(3)?);
        let (key, owner) = (encoded(row.try_get(0)?, encoding), encoded(row.try_get(1)?, encoding));
        let holder = ClientSeen {
            client: readable(owner.as_bytes()),
            token: u64::try_from(fence).ok(),
            ttl_left_ms: u64::try_from(left).ok(),
            details: BTreeMap::from([("table".to_owned(), format!("{schema}.leases"))]),
            ..ClientSeen::default()
        };
        let name = format!("lease {}", readable(key.as_bytes()));
        locks.push(LockSeen { name, kind: "lease row".to_owned(), holders: vec![holder], ..LockSeen::default() });
    }
    Ok(locks)
}

impl Inspector for Database {
    fn observe(&mut self) -> Local<'_, Result<Observation, SystemError>> {
        Box::pin(self.ask())
    }

    fn close(self: Box<Self>) -> Local<'static, ()> {
        Box::pin(async move { drop(self) })
    }
}
