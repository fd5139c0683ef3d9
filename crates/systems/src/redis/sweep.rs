//! What runs left on Redis servers: lock keys, which their ttl removes, and fence counters, which nothing does.
//! A run lives while the server lists a connection by its name (`CLIENT SETNAME`).

use std::collections::{BTreeMap, BTreeSet};

use redis::aio::MultiplexedConnection;
use redis::{RedisError, cmd};

use super::admin;
use super::naming::{PREFIX, namespace_of, old_namespace_of, sign};
use super::server::Server;
use crate::Target;
use lockbench_core::lock::{Found, Local, Remains, Sweeper, SystemError, mark};

/// Keys that one step of a scan looks at, and that one request removes.
const STEP: usize = 1_000;

/// Names of before [`PREFIX`].
const OLD: &str = "{*-t*-k*}:*";

/// One server, or several: a run on Redlock lives while any of its nodes has a connection of it.
pub struct Nodes {
    servers: Vec<Server>,
}

/// Keys of one run.
#[derive(Default)]
struct Keys {
    locks: u64,
    fences: u64,
    servers: BTreeSet<String>,
}

impl Nodes {
    /// Reads the addresses. Contacts nobody.
    ///
    /// # Errors
    /// A URL that cannot be used.
    pub fn new(system: &'static str, target: &Target) -> Result<Self, SystemError> {
        let servers = target.endpoints.iter().map(|endpoint| Server::new(system, endpoint));
        Ok(Self { servers: servers.collect::<Result<_, _>>()? })
    }

    async fn found(&self) -> Result<Found, SystemError> {
        let mut runs: BTreeMap<String, Keys> = BTreeMap::new();
        let (mut living, mut untold) = (BTreeSet::new(), None);
        let mut old: BTreeMap<String, u64> = BTreeMap::new();
        for server in &self.servers {
            let mut connection = admin::connect(server).await?;
            match connected(&mut connection).await {
                Ok(names) => living.extend(names),
                Err(error) => {
                    let problem = server.explain(&error);
                    untold =
                        Some(format!("whether it lives cannot be told: {}: CLIENT LIST: {problem}", server.address()));
                }
            }
            for name in scanned(server, &mut connection, &format!("{PREFIX}{{*")).await? {
                let Some(run) = namespace_of(&name).filter(|run| mark(run).is_some()) else { continue };
                let keys = runs.entry(run.to_owned()).or_default();
                if name.ends_with(b"}:fence") {
                    keys.fences += 1
                } else {
                    keys.locks += 1
                }
                keys.servers.insert(server.address());
            }
            for name in scanned(server, &mut connection, OLD).await? {
                if let Some(run) = old_namespace_of(&name) {
                    *old.entry(run.to_owned()).or_default() += 1;
                }
            }
        }
        let remains = |(run, keys): (String, Keys)| Remains {
            lives: if living.contains(&sign(&run)) {
                Some("connections of its clients are open".to_owned())
            } else {
                untold.clone()
            },
            what: keys.in_words(),
            count: keys.locks + keys.fences,
            run,
        };
        let notes = old.into_iter().map(|(run, count)| left_by_older(&run, count)).collect();
        Ok(Found { runs: runs.into_iter().map(remains).collect(), notes })
    }

    async fn removed(&self, run: &str) -> Result<u64, SystemError> {
        let mut removed = 0;
        for server in &self.servers {
            let mut connection = admin::connect(server).await?;
            let names = scanned(server, &mut connection, &format!("{PREFIX}{{{run}:*")).await?;
            let names: Vec<Vec<u8>> = names.into_iter().filter(|name| namespace_of(name) == Some(run)).collect();
            for some in names.chunks(STEP) {
                // One by one: on a cluster the keys of one request must share a slot.
                let mut pipeline = redis::pipe();
                for name in some {
                    pipeline.cmd("DEL").arg(name);
                }
                let done: Result<Vec<u64>, RedisError> = pipeline.query_async(&mut connection).await;
                removed += done.map_err(|error| server.error(server.explain(&error)))?.iter().sum::<u64>();
            }
        }
        Ok(removed)
    }
}

/// Runs of then put no name on their connections: whether one lives cannot be told, so that a
/// person must decide.
fn left_by_older(run: &str, count: u64) -> String {
    let keys = if count == 1 { "key" } else { "keys" };
    format!(
        "left alone: {count} {keys} of run {run}, made by a lockbench whose names did not begin with {PREFIX}; \
         whether it lives cannot be told. If it is over: redis-cli --scan --pattern '{{{run}:*' | xargs redis-cli del"
    )
}

impl Keys {
    fn in_words(&self) -> String {
        let servers: Vec<&str> = self.servers.iter().map(String::as_str).collect();
        let mut kinds = Vec::new();
        if self.fences > 0 {
            kinds.push(format!("{} fence counters without a ttl", self.fences));
        }
        if self.locks > 0 {
            kinds.push(format!("{} lock keys", self.locks));
        }
        format!("{} at {}", kinds.join(", "), servers.join(", "))
    }
}

/// Names of the connections that the server has now
/// (<https://redis.io/docs/latest/commands/client-list/>).
async fn connected(connection: &mut MultiplexedConnection) -> Result<BTreeSet<String>, RedisError> {
    let list: String = cmd("CLIENT").arg("LIST").query_async(connection).await?;
    let names = list.lines().filter_map(|line| line.split(' ').find_map(|field| field.strip_prefix("name=")));
    Ok(names.filter(|name| name.starts_with(PREFIX)).map(str::to_owned).collect())
}

/// Every key that matches.
async fn scanned(
    server: &Server,
    connection: &mut MultiplexedConnection,
    pattern: &str,
) -> Result<BTreeSet<Vec<u8>>, SystemError> {
    let mut names = BTreeSet::new();
    let mut cursor = 0_u64;
    loop {
        let step: Result<(u64, Vec<Vec<u8>>), RedisError> =
            cmd("SCAN").arg(cursor).arg("MATCH").arg(pattern).arg("COUNT").arg(STEP).query_async(connection).await;
        let (next, some) = step.map_err(|error| server.error(format!("SCAN: {}", server.explain(&error))))?;
        names.extend(some);
        cursor = next;
        if cursor == 0 {
            return Ok(names);
        }
    }
}

impl Sweeper for Nodes {
    fn find(&self) -> Local<'_, Result<Found, SystemError>> {
        Box::pin(self.found())
    }

    fn remove<'a>(&'a self, run: &'a str) -> Local<'a, Result<u64, SystemError>> {
        Box::pin(self.removed(run))
    }
}
