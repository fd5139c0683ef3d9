//! What runs left on a PostgreSQL server: the schema of the lease recipe. Advisory locks go with their session.
//! A run lives while a session has its mark in the application's name.

use super::capacity::NOT_SHOWN;
use super::connect::{Server, application_of};
use super::table::Table;
use crate::Target;
use lockbench_core::lock::{Found, Local, Remains, Sweeper, SystemError, mark};

/// What the names of our schemas begin with.
const SCHEMAS: &str = "lockbench_";

/// Our schemas, and what the table in each of them takes.
const LEFT: &str = "select n.nspname::text, coalesce(pg_size_pretty(pg_total_relation_size(c.oid)), 'no table') \
     from pg_namespace n left join pg_class c on c.relnamespace = n.oid and c.relname = 'leases' \
     where n.nspname like 'lockbench\\_%' order by 1";

/// Names of the sessions in this database; null where this role may not see them
/// (<https://www.postgresql.org/docs/15/monitoring-stats.html#MONITORING-STATS-VIEWS>).
const SESSIONS: &str = "select case when query = '<insufficient privilege>' then null else application_name end \
     from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()";

/// A database.
pub struct Database {
    server: Server,
}

impl Database {
    /// Reads the address. Contacts nobody.
    ///
    /// # Errors
    /// An address that cannot be used.
    pub fn new(target: &Target) -> Result<Self, SystemError> {
        Ok(Self { server: Server::new("postgres", target)? })
    }

    async fn found(&self) -> Result<Found, SystemError> {
        let asked = self.server.control(async |client| {
            let left = client.query(LEFT, &[]).await?;
            let left = left.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?)));
            let left: Vec<(String, String)> = left.collect::<Result<_, tokio_postgres::Error>>()?;
            let sessions = client.query(SESSIONS, &[]).await?;
            let sessions: Vec<Option<String>> =
                sessions.iter().map(|row| row.try_get(0)).collect::<Result<_, tokio_postgres::Error>>()?;
            Ok((left, sessions))
        });
        let (left, sessions) = asked.await?;
        let remains = |(schema, size): (String, String)| {
            let run = schema.strip_prefix(SCHEMAS)?;
            let mark = mark(run)?;
            Some(Remains {
                run: run.to_owned(),
                what: format!("schema \"{schema}\" with its table, {size}"),
                count: 1,
                lives: lives(&sessions, mark),
            })
        };
        Ok(Found { runs: left.into_iter().filter_map(remains).collect(), notes: Vec::new() })
    }
}

/// Why the run of that mark is not taken for dead.
fn lives(sessions: &[Option<String>], mark: &str) -> Option<String> {
    let named = |name: &String| application_of(name) == Some(Some(mark));
    // Clients of versions that put no mark on their sessions.
    let unmarked = |name: &String| application_of(name) == Some(None);
    if sessions.iter().flatten().any(named) {
        Some("sessions of its clients are open".to_owned())
    } else if sessions.iter().flatten().any(unmarked) {
        Some("a client of an earlier version is connected, which does not tell its run".to_owned())
    } else if sessions.iter().any(Option::is_none) {
        Some(format!("whether it lives cannot be told: sessions of other roles are hidden; {NOT_SHOWN}"))
    } else {
        None
    }
}

impl Sweeper for Database {
    fn find(&self) -> Local<'_, Result<Found, SystemError>> {
        Box::pin(self.found())
    }

    fn remove<'a>(&'a self, run: &'a str) -> Local<'a, Result<u64, SystemError>> {
        Box::pin(async move {
            let table = Table::new(run).map_err(|problem| self.server.error(&problem))?;
            self.server.control(async |client| client.batch_execute(&table.drop_all()).await).await?;
            Ok(1)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::lives;

    #[test]
    fn a_run_is_dead_only_if_every_session_is_seen_and_none_is_its_own() {
        let some = |name: &str| Some(name.to_owned());
        assert_eq!(lives(&[some("psql"), some("lockbench client 3 of 11111111")], "0a1b2c3d"), None);
        assert!(lives(&[some("lockbench client 3 of 0a1b2c3d")], "0a1b2c3d").unwrap().contains("open"));
        assert!(lives(&[some("lockbench client 3")], "0a1b2c3d").unwrap().contains("earlier version"));
        assert!(lives(&[some("psql"), None], "0a1b2c3d").unwrap().contains("cannot be told"));
    }
}
