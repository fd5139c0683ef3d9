//! What a fault does to a PostgreSQL server through its own protocol.

use std::time::Duration;

use tokio::runtime::Builder;
use tokio::time::timeout;
use tokio_postgres::{Config, NoTls};

use super::connect::text_of;
use lockbench_core::lock::Endpoint;

/// Longest wait for all of it.
const LIMIT: Duration = Duration::from_secs(5);

/// Those of our clients, by the name that each gives its connection; not those that only look. The function
/// returns whether the signal was sent
/// (<https://www.postgresql.org/docs/15/functions-admin.html#FUNCTIONS-ADMIN-SIGNAL>).
const END: &str = "select count(*) from (select pg_terminate_backend(pid) as ended from pg_stat_activity \
                   where application_name like 'lockbench client %' and pid <> pg_backend_pid()) as them where ended";

/// Ends the server processes of our clients; returns how many.
pub(super) fn end_sessions(node: &Endpoint) -> Result<u64, String> {
    let runtime = Builder::new_current_thread().enable_all().build().map_err(|error| error.to_string())?;
    let ending = async {
        let mut config = node.secret_url().parse::<Config>().map_err(|error| node.redact(&text_of(&error)))?;
        config.application_name("lockbench fault");
        let (client, driver) = config.connect(NoTls).await.map_err(|error| node.redact(&text_of(&error)))?;
        let driver = tokio::spawn(driver);
        let ended = client.query_one(END, &[]).await.and_then(|row| row.try_get::<_, i64>(0));
        driver.abort();
        ended.map(|count| u64::try_from(count).unwrap_or(0)).map_err(|error| node.redact(&text_of(&error)))
    };
    let ended = runtime.block_on(async { timeout(LIMIT, ending).await });
    ended.unwrap_or_else(|_| Err(format!("no answer within {} s", LIMIT.as_secs())))
}
