//! Which locks are held on Redis servers, whoever took them: keys are found by SCAN,
//! their types by TYPE, what they hold by GETRANGE, HSCAN, LRANGE and PTTL. Nothing else
//! is sent but INFO, which a role may be denied; KEYS never is.
//!
//! Two forms are known. A string is a lock by its name (`SET key value NX PX ttl`,
//! <https://redis.io/docs/latest/develop/clients/patterns/distributed-locks/>). A hash is
//! one if its fields are `<uuid>:<thread>`, as Redisson's `RLock` writes them, the value
//! being how often that thread holds it; its fair lock queues in
//! `redisson_lock_queue:{name}` (Redisson's RedissonLock.java, RedissonFairLock.java).
//! Such a hash is found whatever its name is. A string under another name cannot be told
//! from any other data that lapse: those are counted, and `--prefix` lists them.

mod elect;
mod key;
mod name;
mod redisson;
mod scan;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use redis::aio::MultiplexedConnection;
use redis::cmd;

use super::super::Target;
use super::server::{Limits, Server};
use crate::clock::Clock;
use crate::lock::inspection::{Inspector, Look, Scope, ServerSeen};
use crate::lock::{Local, SystemError};
use elect::elect;
use key::{Form, Held, read};
use scan::{Matching, Scanned, scan};

/// Long enough for a server that is busy, short enough for whoever waits for the picture.
const PATIENCE: Limits = Limits { connect: Duration::from_secs(3), answer: Some(Duration::from_secs(3)) };

/// Why some fields are null.
const UNTOLD: [(&str, &str); 3] = [
    ("since_ms", "Redis does not tell when a key was set (OBJECT IDLETIME counts from its last use)"),
    ("ttl_ms", "Redis tells what is left of a lease, not how long it was"),
    ("waiting", "Redis keeps no queue: its clients poll (but for Redisson's fair lock)"),
];

/// Looks at one server, or at several as Redlock's nodes.
pub struct Nodes {
    system: &'static str,
    servers: Vec<Arc<Server>>,
    scope: Scope,
    clock: Clock,
}

/// What one node told.
struct Told {
    seen: ServerSeen,
    connection: Option<MultiplexedConnection>,
    /// Keys of its database that have a TTL, if it tells.
    expiring: Option<u64>,
    scanned: Scanned,
    /// By name, what it holds.
    held: BTreeMap<Vec<u8>, Held>,
}

impl Nodes {
    /// Reads the target. Contacts nobody.
    ///
    /// # Errors
    /// No address, or one that cannot be used.
    pub fn new(system: &'static str, target: &Target, scope: Scope) -> Result<Self, SystemError> {
        let server = |endpoint| Server::new(system, endpoint).map(Arc::new);
        let servers = target.endpoints.iter().map(server).collect::<Result<_, _>>()?;
        Ok(Self { system, servers, scope, clock: target.clock })
    }

    async fn ask(&self) -> Result<Look, SystemError> {
        let matching = Matching::new(self.scope.prefix.as_deref());
        let mut told =
            join_all(self.servers.iter().map(|server| first(server, &matching, self.scope.limit, self.clock))).await;
        if told.iter().all(|node| node.connection.is_none()) {
            let problems: Vec<String> = told
                .iter()
                .map(|node| match told.len() {
                    1 => node.seen.problem.clone().unwrap_or_default(),
                    _ => format!("{}: {}", node.seen.address, node.seen.problem.clone().unwrap_or_default()),
                })
                .collect();
            let address = told.iter().map(|node| node.seen.address.clone()).collect::<Vec<_>>().join(",");
            return Err(SystemError { system: self.system, address, problem: problems.join("; ") });
        }
        // Every node is asked for the locks that any of them has: a second time, and all at
        // once, so that the picture is of one moment as nearly as it can be.
        let mut names: BTreeMap<Vec<u8>, Form> = BTreeMap::new();
        for node in &told {
            names.extend(node.scanned.names.iter().map(|(name, form)| (name.clone(), *form)));
        }
        let more = names.len() > self.scope.limit;
        let names: Vec<(Vec<u8>, Form)> = names.into_iter().take(self.scope.limit).collect();
        join_all(self.servers.iter().zip(&mut told).map(|(server, node)| second(server, node, &names))).await;
        Ok(self.pictured(&matching, told, &names, more))
    }

    fn pictured(&self, matching: &Matching, told: Vec<Told>, names: &[(Vec<u8>, Form)], more: bool) -> Look {
        let several = told.len() > 1;
        let mut notes: Vec<String> = Vec::new();
        for node in &told {
            let at = if several { format!("{}: ", node.seen.address) } else { String::new() };
            notes.extend(node.scanned.notes.iter().map(|note| format!("{at}{note}")));
            if matching.by_rule() && node.connection.is_some() && node.scanned.cut.is_none() && !more {
                notes.extend(node.unnamed().map(|note| format!("{at}{note}")));
            }
        }
        let cut = told.iter().find_map(|node| node.scanned.cut.clone());
        let limit = || format!("stopped at --limit {}", self.scope.limit);
        let mut look = Look {
            scope: matching.words().to_owned(),
            truncated: cut.or_else(|| more.then(limit)),
            untold: UNTOLD.iter().map(|(field, reason)| ((*field).to_owned(), (*reason).to_owned())).collect(),
            notes,
            ..Look::default()
        };
        let answers: Vec<Option<&BTreeMap<Vec<u8>, Held>>> =
            told.iter().map(|node| node.connection.is_some().then_some(&node.held)).collect();
        look.locks = names.iter().filter_map(|(name, form)| elect(name, *form, &answers)).collect();
        look.servers = told.into_iter().map(|node| node.seen).collect();
        look
    }
}

/// Connects to a node, asks what it is, and finds the names of its locks.
async fn first(server: &Arc<Server>, matching: &Matching, limit: usize, clock: Clock) -> Told {
    let mut told = Told {
        seen: ServerSeen { address: server.address(), ..ServerSeen::default() },
        connection: None,
        expiring: None,
        scanned: Scanned::default(),
        held: BTreeMap::new(),
    };
    match server.connect_to_read(PATIENCE).await {
        Ok(mut connection) => {
            let info: Option<String> = cmd("INFO").query_async(&mut connection).await.ok();
            told.seen.said = info.as_deref().and_then(said);
            told.expiring = info.as_deref().map(|info| expiring(info, server.database()));
            let scanned = scan(&mut connection, matching, limit, clock).await;
            told.kept(server, connection, scanned.map(|scanned| (scanned, BTreeMap::new())));
        }
        Err(problem) => told.seen.problem = Some(problem),
    }
    told
}

/// Reads what a node holds under these names.
async fn second(server: &Arc<Server>, told: &mut Told, names: &[(Vec<u8>, Form)]) {
    let Some(mut connection) = told.connection.take() else { return };
    let held = read(&mut connection, names).await;
    let scanned = std::mem::take(&mut told.scanned);
    told.kept(server, connection, held.map(|held| (scanned, held)));
}

impl Told {
    /// A note on the keys that may be locks, but do not say so.
    fn unnamed(&self) -> Option<String> {
        let leased = |held: &&Held| held.holders.iter().any(|holder| holder.ttl_left_ms.is_some());
        let listed = self.held.values().filter(leased).count() as u64;
        let others = self.expiring?.saturating_sub(listed);
        (others > 0).then(|| {
            let keys = if others == 1 { "key has" } else { "keys have" };
            format!(
                "{others} more {keys} a TTL and no name of a lock; if there are locks among them, --prefix lists them"
            )
        })
    }

    fn kept(
        &mut self,
        server: &Server,
        connection: MultiplexedConnection,
        answer: Result<(Scanned, BTreeMap<Vec<u8>, Held>), redis::RedisError>,
    ) {
        match answer {
            Ok((scanned, held)) => {
                (self.scanned, self.held) = (scanned, held);
                self.connection = Some(connection);
            }
            Err(error) => {
                let text = server.explain(&error);
                let denied = error.code() == Some("NOPERM");
                let advice = if denied { "; this needs the rights +@read +scan (ACL SETUSER)" } else { "" };
                self.seen.problem = Some(format!("{text}{advice}"));
            }
        }
    }
}

/// Version and role, by the answer to INFO.
fn said(info: &str) -> Option<String> {
    let of = |name: &str| info.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    let replica = if of("role:") == Some("slave") { " (a replica: it may be behind its master)" } else { "" };
    Some(format!("Redis {}, {}{replica}", of("redis_version:")?, of("role:")?))
}

/// Keys with a TTL, by the same: `db0:keys=7,expires=3,avg_ttl=59988`. An empty database has no line.
fn expiring(info: &str, database: i64) -> u64 {
    let line = info.lines().find_map(|line| line.strip_prefix(&format!("db{database}:")));
    let expires = line.and_then(|line| line.split(',').find_map(|part| part.strip_prefix("expires=")));
    expires.and_then(|count| count.trim().parse().ok()).unwrap_or(0)
}

impl Inspector for Nodes {
    fn look(&mut self) -> Local<'_, Result<Look, SystemError>> {
        Box::pin(self.ask())
    }

    fn close(self: Box<Self>) -> Local<'static, ()> {
        Box::pin(async move { drop(self) })
    }
}

#[cfg(test)]
mod tests {
    use super::{expiring, said};

    #[test]
    fn what_a_server_says_of_itself_is_read() {
        let info = "redis_version:7.0.15\r\nrole:master\r\n# Keyspace\r\ndb0:keys=7,expires=3,avg_ttl=5\r\ndb12:keys=1,expires=1\r\n";
        assert_eq!(said(info).as_deref(), Some("Redis 7.0.15, master"));
        assert_eq!((expiring(info, 0), expiring(info, 12), expiring(info, 1)), (3, 1, 0));
    }
}
