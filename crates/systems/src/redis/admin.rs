//! Requests outside of any measurement: what the server says of itself, who
//! holds a key, and the removal of our keys. Each on a connection of its own,
//! because a connection belongs to the runtime that made it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{RedisError, cmd};

use super::naming::{in_words, names};
use super::server::{Limits, Server};
use crate::truth::Question;
use lockbench_core::clock::Clock;
use lockbench_core::lock::{Holder, Key, Persistence, Survey, SystemError};

/// Long enough for a server that loads a data set or a page from disk.
const PATIENCE: Limits = Limits { connect: Duration::from_secs(5), answer: Some(Duration::from_secs(5)) };

/// A fact that the server refuses to tell this user.
const NOT_TOLD: &str = "unknown (INFO is refused to this user)";

/// Keys removed in one round trip.
const BATCH: usize = 1_000;

/// Save points of an unchanged redis.conf since 7.0 (`initServerConfig` and
/// `standardConfig` in Redis's src/config.c).
const STOCK_SAVE: &str = "3600 1 300 100 60 10000";

/// Stands for what a server does not tell.
const UNTOLD: &str = "unknown";

/// A connection for such requests.
///
/// # Errors
/// The server cannot be reached or refuses us.
pub async fn connect(server: &Server) -> Result<MultiplexedConnection, SystemError> {
    server.connect(PATIENCE).await.map_err(|problem| server.error(problem))
}

/// What a server says of itself.
pub struct Said {
    /// Its version.
    pub version: String,
    /// What survives a crash.
    pub durability: Persistence,
    /// `master` or `slave`, in its own words.
    pub role: String,
    /// What tells this server process from every other; `None`: the server hides it.
    pub run_id: Option<String>,
}

impl Said {
    /// Returns whether it is the copy of another server: a lock granted there excludes no
    /// client of the master. A replica refuses to be written unless it is told otherwise
    /// (`replica-read-only`, <https://redis.io/docs/latest/operate/oss_and_stack/management/replication/>).
    pub fn copies(&self) -> bool {
        self.role == "slave"
    }
}

/// Version, durability and role as the server reports them.
///
/// # Errors
/// The server cannot be reached, or does not answer `INFO`.
pub async fn said(server: &Server) -> Result<Said, SystemError> {
    let mut connection = connect(server).await?;
    let version = info(server, &mut connection, "server", "redis_version:").await?;
    let run_id = info(server, &mut connection, "server", "run_id:").await?;
    let role = info(server, &mut connection, "replication", "role:").await?;
    let durability = match settings(&mut connection).await {
        Ok(settings) => durability(&settings),
        // Managed services hide CONFIG.
        Err(_) => Persistence::unknown("not readable (CONFIG refused)"),
    };
    let run_id = Some(run_id).filter(|id| id != UNTOLD && id != NOT_TOLD);
    Ok(Said { version, durability, role, run_id })
}

/// One line of a section of `INFO` (<https://redis.io/docs/latest/commands/info/>). It is for the report only:
/// a user who may not ask it may use locks.
async fn info(
    server: &Server,
    connection: &mut MultiplexedConnection,
    section: &str,
    line: &str,
) -> Result<String, SystemError> {
    let answer: Result<String, RedisError> = cmd("INFO").arg(section).query_async(connection).await;
    let text = match answer {
        Ok(text) => text,
        Err(error) if error.code() == Some("NOPERM") => return Ok(NOT_TOLD.to_owned()),
        Err(error) => return Err(server.error(format!("INFO {section}: {}", server.explain(&error)))),
    };
    Ok(text.lines().find_map(|said| said.strip_prefix(line)).unwrap_or(UNTOLD).trim().to_owned())
}

async fn settings(connection: &mut MultiplexedConnection) -> Result<HashMap<String, String>, RedisError> {
    let mut settings = HashMap::new();
    // One at a time: several patterns in one CONFIG GET need Redis 7.
    for name in ["appendonly", "appendfsync", "save"] {
        let found: HashMap<String, String> = cmd("CONFIG").arg("GET").arg(name).query_async(connection).await?;
        settings.extend(found);
    }
    Ok(settings)
}

fn durability(settings: &HashMap<String, String>) -> Persistence {
    let of = |name: &str| settings.get(name).map_or("unknown", String::as_str);
    let mut read = vec![("appendonly", of("appendonly"))];
    if of("appendonly") == "yes" {
        read.push(("appendfsync", of("appendfsync")));
    }
    read.push(("save", if of("save").is_empty() { "\"\"" } else { of("save") }));
    Persistence::settings(&read, of("appendonly") == "no" && of("save") == STOCK_SAVE)
}

/// Who holds each key on this server, and how long a `PING` takes.
///
/// # Errors
/// The server cannot be reached or refuses us.
pub async fn survey(server: &Server, namespace: &str, keys: &[Key], clock: Clock) -> Result<Survey, SystemError> {
    let mut connection = connect(server).await?;
    let asked = clock.now();
    let pong: Result<(), RedisError> = cmd("PING").query_async(&mut connection).await;
    let round_trip_ns = clock.now().saturating_sub(asked);
    match pong {
        // A refusal is an answer too.
        Err(error) if error.code().is_none() => return Err(server.error(server.explain(&error))),
        _ => {}
    }
    let holders = holders(server, &mut connection, namespace, keys).await?;
    Ok(Survey { round_trip_ns: Some(round_trip_ns), holders })
}

async fn holder(
    server: &Server,
    connection: &mut MultiplexedConnection,
    namespace: &str,
    key: &Key,
) -> Result<Option<Holder>, SystemError> {
    let ticket = names(namespace, key);
    // Not MULTI, which a server that is out of memory refuses. Redis executes what it has read of one
    // connection before it turns to the next.
    let (identity, ttl_ms, token): (Option<Vec<u8>>, i64, Option<u64>) = redis::pipe()
        .cmd("GET")
        .arg(&ticket.lock)
        .cmd("PTTL")
        .arg(&ticket.lock)
        .cmd("GET")
        .arg(&ticket.fence)
        .query_async(connection)
        .await
        .map_err(|error| server.error(server.explain(&error)))?;
    // PTTL is -1 without a lease and -2 without a key.
    let told = identity.map(|identity| in_words(text(identity), namespace));
    Ok(told.map(|identity| Holder { identity, token, ttl_ms: u64::try_from(ttl_ms).ok() }))
}

/// A value as text; one that is none, as the random values of some libraries, in hexadecimal digits.
fn text(value: Vec<u8>) -> String {
    String::from_utf8(value)
        .unwrap_or_else(|error| error.into_bytes().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Asks one server again and again, over a connection of its own, who holds keys.
pub struct Holders {
    server: Arc<Server>,
    namespace: String,
}

impl Holders {
    /// On this server.
    pub fn of(server: &Arc<Server>, namespace: &str) -> Self {
        Self { server: Arc::clone(server), namespace: namespace.to_owned() }
    }
}

impl Question for Holders {
    type Line = MultiplexedConnection;

    async fn open(&self) -> Result<Self::Line, SystemError> {
        self.server.connect_to_read(PATIENCE).await.map_err(|problem| self.server.error(problem))
    }

    async fn ask(&self, line: &mut Self::Line, keys: &[Key]) -> Result<Vec<Option<Holder>>, SystemError> {
        holders(&self.server, line, &self.namespace, keys).await
    }
}

/// Who holds each of these keys, asked over an open connection.
///
/// # Errors
/// The server does not answer.
pub async fn holders(
    server: &Server,
    line: &mut MultiplexedConnection,
    namespace: &str,
    keys: &[Key],
) -> Result<Vec<Option<Holder>>, SystemError> {
    let mut holders = Vec::with_capacity(keys.len());
    for key in keys {
        holders.push(holder(server, line, namespace, key).await?);
    }
    Ok(holders)
}

/// Deletes exactly the names that we use for these keys.
///
/// # Errors
/// The server cannot be reached or refuses us.
pub async fn remove(server: &Server, namespace: &str, keys: &[Key]) -> Result<(), SystemError> {
    let mut connection = connect(server).await?;
    for batch in keys.chunks(BATCH) {
        let mut pipeline = redis::pipe();
        for key in batch {
            let ticket = names(namespace, key);
            pipeline.cmd("DEL").arg(&ticket.lock).arg(&ticket.fence).arg(&ticket.inside).ignore();
        }
        let removed: Result<(), RedisError> = pipeline.query_async(&mut connection).await;
        removed.map_err(|error| server.error(server.explain(&error)))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::{STOCK_SAVE, durability};

    fn of(appendonly: &str, save: &str) -> String {
        let pairs = [("appendonly", appendonly), ("appendfsync", "everysec"), ("save", save)];
        durability(&pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect::<HashMap<_, _>>()).into()
    }

    #[test]
    fn durability_names_what_matters_and_whether_it_is_stock() {
        assert_eq!(of("no", STOCK_SAVE), "appendonly no, save 3600 1 300 100 60 10000 (stock)");
        assert_eq!(of("no", ""), "appendonly no, save \"\"");
        assert_eq!(of("yes", STOCK_SAVE), "appendonly yes, appendfsync everysec, save 3600 1 300 100 60 10000");
    }
}
