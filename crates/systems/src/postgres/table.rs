//! The table of the lease recipe: its name, its statements, its making and
//! removal. One schema a namespace, so that on a foreign server everything of
//! ours has one name and nothing else is touched.

use tokio_postgres::types::Type;

use super::super::planted::{Flaw, Planted};
use super::link::Request;
use lockbench_core::lock::Key;

/// Longest identifier; PostgreSQL cuts longer ones silently
/// (<https://www.postgresql.org/docs/15/sql-syntax-lexical.html#SQL-SYNTAX-IDENTIFIERS>).
const LONGEST_NAME: usize = 63;

/// Quoted names of our schema and table.
#[derive(Clone)]
pub(super) struct Table {
    schema: String,
}

impl Table {
    /// The table of a namespace.
    ///
    /// # Errors
    /// A namespace too long for a name on the server.
    pub(super) fn new(namespace: &str) -> Result<Self, String> {
        let name = format!("lockbench_{namespace}");
        if name.len() > LONGEST_NAME {
            return Err(format!("the namespace {namespace} is too long for a schema name of {LONGEST_NAME} bytes"));
        }
        Ok(Self { schema: format!("\"{}\"", name.replace('"', "\"\"")) })
    }

    /// The table in a schema that was found on a server; `None` if it is none of ours.
    pub(super) fn of_schema(schema: &str) -> Option<Self> {
        Self::new(schema.strip_prefix("lockbench_")?).ok()
    }

    /// Makes schema and table, if they are not there. The free space in each page
    /// lets PostgreSQL update rows in place (heap-only tuples), without touching the index
    /// (<https://www.postgresql.org/docs/15/storage-hot.html>).
    pub(super) fn create(&self) -> String {
        let schema = &self.schema;
        format!(
            "create schema if not exists {schema};
             create table if not exists {schema}.leases (
                 key text primary key,
                 owner text,
                 fence bigint not null,
                 expires timestamptz not null
             ) with (fillfactor = 50);"
        )
    }

    /// $1 keys: each free, with no token given yet.
    pub(super) fn reset(&self) -> String {
        format!(
            "insert into {}.leases (key, owner, fence, expires)
             select distinct key, null::text, 0, '-infinity'::timestamptz from unnest($1::text[]) as key
             on conflict (key) do update set owner = null, fence = 0, expires = '-infinity'",
            self.schema
        )
    }

    /// The statements of a session: acquire, renew, release. A planted bug leaves out what
    /// guards one of them.
    pub(super) fn requests(&self, planted: Planted, tells: bool) -> Vec<Request> {
        if tells {
            return self.telling();
        }
        const FREE: &str = "and (owner is null or expires <= clock_timestamp())";
        const OURS: &str = "owner = $2 and fence = $3 and expires > clock_timestamp()";
        // Its parameters keep their types.
        const ANYONES: &str = "$2::text is not null and $3::bigint is not null";
        let without = |flaw, (guard, instead), sql: String| {
            if planted == Some(flaw) { sql.replace(guard, instead) } else { sql }
        };
        vec![
            Request::new(
                without(Flaw::TakesWhatIsHeld, (FREE, ""), self.acquire()),
                &[Type::TEXT, Type::TEXT, Type::FLOAT8],
            ),
            Request::new(
                without(Flaw::RenewsWhatIsNotItsOwn, (OURS, ANYONES), self.renew()),
                &[Type::TEXT, Type::TEXT, Type::INT8, Type::FLOAT8],
            ),
            Request::new(
                without(Flaw::FreesWhatIsNotItsOwn, (OURS, ANYONES), self.release()),
                &[Type::TEXT, Type::TEXT, Type::INT8],
            ),
        ]
    }

    /// Those whose release tells whoever waits, and whose acquire says how long the lease of a holder runs. The second half
    /// of that reads the row as it was when the statement began.
    fn telling(&self) -> Vec<Request> {
        let (acquire, release) = (self.acquire(), self.release());
        let acquire = format!(
            "with taken as ({acquire}) select fence, null::bigint from taken
             union all
             select null::bigint, (extract(epoch from case when expires > clock_timestamp()
                 then expires - clock_timestamp() else interval '0' end) * 1000000)::bigint
             from {}.leases where key = $1 and not exists (select 1 from taken)",
            self.schema
        );
        let release = format!("with freed as ({release}) select fence, pg_notify($4::text, '') from freed");
        vec![
            Request::new(acquire, &[Type::TEXT, Type::TEXT, Type::FLOAT8]),
            Request::new(self.renew(), &[Type::TEXT, Type::TEXT, Type::INT8, Type::FLOAT8]),
            Request::new(release, &[Type::TEXT, Type::TEXT, Type::INT8, Type::TEXT]),
        ]
    }

    /// The row of $2, for as long as the transaction runs, waited for at most $1 milliseconds: what bounds the wait is set
    /// before the row is asked for, as its value is joined to it.
    pub(super) fn row_waited_for(&self) -> String {
        format!(
            "with bound as materialized (select set_config('lock_timeout', $1, true))
             select true from bound, {}.leases as row where row.key = $2 for update of row",
            self.schema
        )
    }

    /// The row of $1, for as long as the transaction runs, if nobody has it: `how` to go on without it.
    pub(super) fn row_now(&self, how: &str) -> String {
        format!("select true from {}.leases where key = $1 for update {how}", self.schema)
    }

    /// $1 key: process and name of the session whose transaction has locked its row. A row says by its `xmax` which
    /// transaction locked it last, and a transaction that runs has a lock on its own number.
    pub(super) fn row_holder(&self) -> String {
        format!(
            "select l.pid, coalesce(a.application_name, '')
             from {}.leases r join pg_locks l on l.locktype = 'transactionid' and l.granted and l.transactionid = r.xmax
             left join pg_stat_activity a on a.pid = l.pid where r.key = $1",
            self.schema
        )
    }

    /// The statements of a session without a lock: read the version of $1; raise it if it still is $2.
    pub(super) fn versions(&self) -> Vec<Request> {
        let read = format!("select fence from {}.leases where key = $1", self.schema);
        let write = format!(
            "update {}.leases set fence = fence + 1 where key = $1 and fence = $2 returning fence",
            self.schema
        );
        vec![Request::new(read, &[Type::TEXT]), Request::new(write, &[Type::TEXT, Type::INT8])]
    }

    /// $1 key, $2 owner, $3 ttl in microseconds.
    fn acquire(&self) -> String {
        format!(
            "update {}.leases set owner = $2, fence = fence + 1,
                    expires = clock_timestamp() + $3::float8 * interval '1 microsecond'
             where key = $1 and (owner is null or expires <= clock_timestamp()) returning fence",
            self.schema
        )
    }

    /// $1 key, $2 owner, $3 fence, $4 ttl in microseconds.
    fn renew(&self) -> String {
        format!(
            "update {}.leases set expires = clock_timestamp() + $4::float8 * interval '1 microsecond'
             where key = $1 and owner = $2 and fence = $3 and expires > clock_timestamp() returning fence",
            self.schema
        )
    }

    /// $1 key, $2 owner, $3 fence.
    fn release(&self) -> String {
        format!(
            "update {}.leases set owner = null, expires = '-infinity'
             where key = $1 and owner = $2 and fence = $3 and expires > clock_timestamp() returning fence",
            self.schema
        )
    }

    /// $1 key: owner, fence and milliseconds left, if it is held.
    pub(super) fn holder(&self) -> String {
        format!(
            "select owner, fence, (extract(epoch from expires - clock_timestamp()) * 1000)::bigint
             from {}.leases where key = $1 and owner is not null and expires > clock_timestamp()",
            self.schema
        )
    }

    /// $1 how many at most: key, owner, fence and milliseconds left of each that is held.
    pub(super) fn held(&self) -> String {
        format!(
            "select textsend(key), textsend(owner), fence, (extract(epoch from expires - clock_timestamp()) * 1000)::bigint
             from {}.leases where owner is not null and expires > clock_timestamp() order by key limit $1",
            self.schema
        )
    }

    /// $1 keys: forgets them.
    pub(super) fn forget(&self) -> String {
        format!("delete from {}.leases where key = any($1)", self.schema)
    }

    /// Does any row remain?
    pub(super) fn any(&self) -> String {
        format!("select exists (select 1 from {}.leases)", self.schema)
    }

    /// Removes the table with its rows and its schema, whatever of them is there. No CASCADE, as below.
    pub(super) fn drop_all(&self) -> String {
        format!("drop table if exists {0}.leases; drop schema if exists {0}", self.schema)
    }

    /// Removes the empty table and its schema. No CASCADE: what somebody else put
    /// into our schema stops it.
    pub(super) fn drop(&self) -> String {
        format!("drop table {0}.leases; drop schema {0}", self.schema)
    }
}

/// Names of the keys, for an array parameter.
pub(super) fn names(keys: &[Key]) -> Vec<&str> {
    keys.iter().map(|key| &*key.name).collect()
}

#[cfg(test)]
mod tests {
    use super::Table;
    use crate::Flaw;

    #[test]
    fn a_planted_bug_changes_its_own_statement_only() {
        let table = Table::new("run").unwrap();
        let sound = table.requests(None, false);
        let flaws = [Flaw::TakesWhatIsHeld, Flaw::RenewsWhatIsNotItsOwn, Flaw::FreesWhatIsNotItsOwn];
        for (place, flaw) in flaws.into_iter().enumerate() {
            let flawed = table.requests(Some(flaw), false);
            let changed: Vec<usize> = (0..3).filter(|at| sound[*at] != flawed[*at]).collect();
            assert_eq!(changed, [place], "{flaw:?}");
        }
    }

    #[test]
    fn names_are_quoted_and_never_cut() {
        let table = Table::new("run-2\"; drop").unwrap();
        assert!(table.drop().contains("\"lockbench_run-2\"\"; drop\".leases"), "{}", table.drop());
        assert!(Table::new(&"x".repeat(53)).is_ok());
        assert!(Table::new(&"x".repeat(54)).is_err());
    }
}
