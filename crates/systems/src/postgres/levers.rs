//! What a fault does to a PostgreSQL server through its own protocol.

use std::time::Duration;

use tokio::runtime::Builder;
use tokio::time::timeout;
use tokio_postgres::{Client, Config, Error, NoTls};

use super::connect::text_of;
use crate::levers::{Asking, TimeTold, WallClock};
use lockbench_core::lock::Endpoint;

/// Longest wait for all of it.
const LIMIT: Duration = Duration::from_secs(5);

/// Those of our clients, by the name that each gives its connection; not those that only look. The function
/// returns whether the signal was sent
/// (<https://www.postgresql.org/docs/15/functions-admin.html#FUNCTIONS-ADMIN-SIGNAL>).
const END: &str = "select count(*) from (select pg_terminate_backend(pid) as ended from pg_stat_activity \
                   where application_name like 'lockbench client %' and pid <> pg_backend_pid()) as them where ended";

/// Each of its processes has one thread; the handlers of its timers read it, too, and must not wait for one another.
pub(super) const CLOCK: WallClock = WallClock { read: time, threaded: false };

/// The time of the server, whatever the transaction's is.
const TIME: &str = "select (extract(epoch from clock_timestamp()) * 1000000)::bigint";

fn time(node: &Endpoint) -> Result<TimeTold, String> {
    number(node, TIME).map(|(micros, asking)| asking.told(micros * 1_000))
}

/// Ends the server processes of our clients; returns how many.
pub(super) fn end_sessions(node: &Endpoint) -> Result<u64, String> {
    number(node, END).map(|(count, _)| u64::try_from(count).unwrap_or(0))
}

/// What a statement of one row and one number says, and since when it was asked.
fn number(node: &Endpoint, statement: &str) -> Result<(i64, Asking), String> {
    asked(node, async |client| {
        // The first statement of a session reads catalogues.
        let prepared = client.prepare(statement).await?;
        let asking = Asking::begin();
        let number = client.query_one(&prepared, &[]).await?.try_get::<_, i64>(0)?;
        Ok((number, asking))
    })
}

/// Does something on a connection of its own.
pub(super) fn asked<T>(node: &Endpoint, work: impl AsyncFnOnce(&Client) -> Result<T, Error>) -> Result<T, String> {
    let runtime = Builder::new_current_thread().enable_all().build().map_err(|error| error.to_string())?;
    let asking = async {
        let mut config = node.secret_url().parse::<Config>().map_err(|error| node.redact(&text_of(&error)))?;
        config.application_name("lockbench fault");
        let (client, driver) = config.connect(NoTls).await.map_err(|error| node.redact(&text_of(&error)))?;
        let driver = tokio::spawn(driver);
        let worked = work(&client).await;
        driver.abort();
        worked.map_err(|error| node.redact(&text_of(&error)))
    };
    let worked = runtime.block_on(async { timeout(LIMIT, asking).await });
    worked.unwrap_or_else(|_| Err(format!("no answer within {} s", LIMIT.as_secs())))
}
