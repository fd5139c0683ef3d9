//! What a PostgreSQL server says of itself, and what shows that a pooler stands before it.

use std::time::Duration;

use tokio::time::timeout;
use tokio_postgres::{Client, SimpleQueryMessage};

use super::connect::{Connection, Server};
use lockbench_core::lock::{Agreement, Caveats, Facts, Persistence, SystemError};

/// Longest wait for each step of a look for a pooler.
const PROBE_LIMIT: Duration = Duration::from_secs(2);

impl Server {
    /// Reads version, durability and role back.
    pub(super) async fn facts(&self) -> Result<Facts, SystemError> {
        // First: through a pooler the statements below may already fail for its sake.
        let pooler = self.pooler().await;
        let facts = self.facts_of().await;
        let mut facts = facts.map_err(|mut error| {
            if let Some(pooler) = &pooler {
                error.problem = format!("{} ({pooler})", error.problem);
            }
            error
        })?;
        facts.caveats.pooler = pooler;
        Ok(facts)
    }

    /// What shows that statements of one connection reach different sessions of the server:
    /// two connections are asked in turn which process serves them. A pooler in transaction
    /// mode hands the same idle session to both, or one connection's next statement to
    /// another session (<https://www.pgbouncer.org/features.html>). `None` where nothing
    /// shows it, as with a pooler in session mode, which keeps a session for a connection.
    async fn pooler(&self) -> Option<String> {
        let first = self.probe().await?;
        let second = self.probe().await;
        let mut seen = [Vec::new(), Vec::new()];
        if let Some(second) = &second {
            for _ in 0..2 {
                seen[0].push(pid(&first.client).await?);
                seen[1].push(pid(&second.client).await?);
            }
        }
        first.close().await;
        if let Some(second) = second {
            second.close().await;
        }
        pooled(&seen)
    }

    /// A connection of which nothing is asked yet; `None` if there is none in time.
    async fn probe(&self) -> Option<Connection> {
        let mut config = self.config.clone();
        config.application_name("lockbench control");
        self.connect_when_free(&config, PROBE_LIMIT).await.ok()
    }

    async fn facts_of(&self) -> Result<Facts, SystemError> {
        let row = self.control(async |client| client.query_typed_one(FACTS, &[]).await).await?;
        let setting = |index: usize| -> String { row.try_get(index).unwrap_or_default() };
        let standbys = setting(4);
        Ok(Facts {
            version: setting(0),
            durability: Persistence::settings(
                &[("fsync", &setting(1)), ("synchronous_commit", &setting(2)), ("full_page_writes", &setting(3))],
                false,
            ),
            quorum: if standbys.is_empty() { Agreement::ONE } else { Agreement::Standbys(standbys) },
            role: match row.try_get(5) {
                Ok(false) => "primary (not in recovery)".to_owned(),
                Ok(true) => "standby (in recovery)".to_owned(),
                Err(_) => "unknown".to_owned(),
            },
            caveats: Caveats { standby: row.try_get(5).unwrap_or(false), ..Caveats::default() },
        })
    }
}

/// The process that serves the next statement of this connection, asked without a prepared
/// statement: those live in one session.
async fn pid(client: &Client) -> Option<String> {
    let answer = timeout(PROBE_LIMIT, client.simple_query("select pg_backend_pid()")).await.ok()?.ok()?;
    answer.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
        _ => None,
    })
}

/// What the processes that served two connections in turn show.
fn pooled(seen: &[Vec<String>; 2]) -> Option<String> {
    let moved = seen.iter().find_map(|pids| pids.iter().find(|pid| **pid != pids[0]).map(|other| (&pids[0], other)));
    if let Some((one, other)) = moved {
        return Some(format!("statements of one connection were served by the server processes {one} and {other}"));
    }
    let (first, second) = (seen[0].first()?, seen[1].first()?);
    (first == second).then(|| format!("two connections were served by one server process, {first}"))
}

/// Settings by name (<https://www.postgresql.org/docs/15/runtime-config-wal.html>), and
/// whether the server replays another one's log
/// (<https://www.postgresql.org/docs/15/functions-admin.html#FUNCTIONS-RECOVERY-CONTROL>).
const FACTS: &str = "select current_setting('server_version'), current_setting('fsync'), \
     current_setting('synchronous_commit'), current_setting('full_page_writes'), \
     current_setting('synchronous_standby_names'), pg_is_in_recovery()";

#[cfg(test)]
mod tests {
    use super::pooled;

    #[test]
    fn a_pooler_shows_in_who_serves_two_connections_in_turn() {
        let seen = |first: [&str; 2], second: [&str; 2]| {
            [first.map(str::to_owned).to_vec(), second.map(str::to_owned).to_vec()]
        };
        assert_eq!(pooled(&seen(["7", "7"], ["8", "8"])), None);
        assert_eq!(
            pooled(&seen(["7", "7"], ["7", "7"])).as_deref(),
            Some("two connections were served by one server process, 7")
        );
        assert_eq!(
            pooled(&seen(["7", "7"], ["8", "9"])).as_deref(),
            Some("statements of one connection were served by the server processes 8 and 9")
        );
        assert_eq!(pooled(&[Vec::new(), Vec::new()]), None);
    }
}
