//! Which locks are held on Redis servers, whoever took them: keys are found by SCAN,
//! their types by TYPE, what they hold by GETRANGE, PTTL, HSCAN, HLEN, HGET, LRANGE and LLEN.
//! Nothing else is sent but INFO, and CLUSTER NODES to a node of a cluster, which a role may
//! be denied; KEYS never is. A key that the role may not read hides only itself.
//!
//! Several servers are Redlock's nodes, unless they are the nodes of a Redis Cluster: there
//! each lock is on one of them.
//!
//! Two forms are known. A string is a lock by its name (`SET key value NX PX ttl`,
//! <https://redis.io/docs/latest/develop/clients/patterns/distributed-locks/>). A hash is
//! one if its fields are `<uuid>:<thread>`, as Redisson's `RLock` writes them, the value
//! being how often that thread holds it; its fair lock queues in
//! `redisson_lock_queue:{name}` (Redisson's RedissonLock.java, RedissonFairLock.java).
//! Such a hash is found whatever its name is. A string under another name cannot be told
//! from any other data that lapse: those are counted, and `--prefix` lists them.

mod cluster;
mod elect;
mod key;
mod redisson;
mod scan;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use redis::aio::MultiplexedConnection;
use redis::cmd;

use super::super::Target;
use super::near_miss;
use super::server::{Limits, Server};
use cluster::{Info, coverage, masters};
use elect::elect;
use key::{Form, Held, Reading, read};
use lockbench_core::clock::Clock;
use lockbench_core::lock::inspection::{Inspector, LockSeen, Observation, Scope, ServerSeen, notes_once};
use lockbench_core::lock::{Local, SystemError};
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
    /// What it says of itself, if this user may ask.
    info: Option<Info>,
    /// Masters of its cluster, if it is a node of one and tells.
    masters: Option<usize>,
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

    async fn ask(&self) -> Result<Observation, SystemError> {
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
            return Err(SystemError::new(self.system, address, problems.join("; ")).hinted(near_miss::hint));
        }
        // Every node is asked for the locks that any of them has: a second time, and all at
        // once, so that the picture is of one moment as nearly as it can be.
        let mut names: BTreeMap<Vec<u8>, Form> = BTreeMap::new();
        for node in &told {
            names.extend(node.scanned.names.iter().map(|(name, form)| (name.clone(), *form)));
        }
        let more = names.len() > self.scope.limit;
        let names: Vec<(Vec<u8>, Form)> = names.into_iter().take(self.scope.limit).collect();
        let (cluster, servers) = (told.iter().any(Told::clustered), &self.servers);
        join_all(servers.iter().zip(&mut told).map(|(server, node)| second(server, node, &names, cluster))).await;
        Ok(self.pictured(&matching, told, &names, more))
    }

    fn pictured(&self, matching: &Matching, told: Vec<Told>, names: &[(Vec<u8>, Form)], more: bool) -> Observation {
        let cluster = told.iter().any(Told::clustered);
        let whole = |node: &Told| matching.by_rule() && node.scanned.cut.is_none() && !more;
        let of_nodes: Vec<(String, Vec<String>)> = told
            .iter()
            .filter(|node| node.connection.is_some())
            .map(|node| (node.seen.address.clone(), node.notes(whole(node))))
            .collect();
        let mut notes = notes_once(&of_nodes);
        match cluster {
            true => notes.insert(0, coverage(masters_of(&told), told.iter().find_map(|node| node.masters))),
            false => notes.extend(twice(&told)),
        }
        let cut = told.iter().find_map(|node| node.scanned.cut.clone());
        let limit = || format!("stopped at --limit {}", self.scope.limit);
        Observation {
            scope: matching.words().to_owned(),
            truncated: cut.or_else(|| more.then(limit)),
            untold: UNTOLD.iter().map(|(field, reason)| ((*field).to_owned(), (*reason).to_owned())).collect(),
            notes,
            locks: names.iter().filter_map(|(name, form)| lock(name, *form, &told, cluster)).collect(),
            kind: cluster.then_some(super::KIND.name()),
            servers: told.into_iter().map(|node| node.seen).collect(),
        }
    }
}

fn lock(name: &[u8], form: Form, told: &[Told], cluster: bool) -> Option<LockSeen> {
    let answers = told.iter().map(|node| node.connection.is_some().then_some(&node.held));
    match cluster {
        // Its slot is on one of them.
        true => answers
            .filter(|held| held.is_some_and(|held| held.contains_key(name)))
            .find_map(|one| elect(name, form, &[one])),
        false => elect(name, form, &answers.collect::<Vec<_>>()),
    }
}

/// Masters of a cluster that were asked, each once.
fn masters_of(told: &[Told]) -> usize {
    let masters = told.iter().filter_map(|node| node.info.as_ref()).filter(|info| !info.replica());
    masters.map(|info| info.run_id.clone()).collect::<std::collections::BTreeSet<_>>().len()
}

/// A note on servers that are one under several addresses.
fn twice(told: &[Told]) -> Option<String> {
    let mut known: BTreeMap<&str, &str> = BTreeMap::new();
    told.iter().find_map(|node| {
        let run_id = node.info.as_ref()?.run_id.as_deref()?;
        let first = known.insert(run_id, &node.seen.address)?;
        Some(format!("{first} and {} are one server: its vote counts twice here", node.seen.address))
    })
}

/// Connects to a node, asks what it is, and finds the names of its locks.
async fn first(server: &Arc<Server>, matching: &Matching, limit: usize, clock: Clock) -> Told {
    let mut told = Told {
        seen: ServerSeen { address: server.address(), ..ServerSeen::default() },
        connection: None,
        info: None,
        masters: None,
        scanned: Scanned::default(),
        held: BTreeMap::new(),
    };
    match server.connect_to_read(PATIENCE).await {
        Ok(mut connection) => {
            let info: Option<String> = cmd("INFO").query_async(&mut connection).await.ok();
            told.info = info.map(|text| Info::read(&text, server.database()));
            told.seen.said = told.info.as_ref().and_then(|info| info.said(server.database()));
            let scanned = match &told.info {
                // Its master has the same keys, and would be asked for them.
                Some(info) if info.cluster && info.replica() => Ok(Scanned::default()),
                _ => scan(&mut connection, matching, limit, clock).await,
            };
            if told.clustered() {
                told.masters = masters(&mut connection).await;
            }
            told.kept(server, connection, scanned.map(|scanned| (scanned, Reading::default())));
        }
        Err(problem) => told.seen.problem = Some(problem),
    }
    told
}

/// Reads what a node holds under these names; of a cluster's node under those that it has.
async fn second(server: &Arc<Server>, told: &mut Told, names: &[(Vec<u8>, Form)], cluster: bool) {
    let Some(mut connection) = told.connection.take() else { return };
    let own: Vec<(Vec<u8>, Form)>;
    let names = match cluster {
        true => {
            own = names.iter().filter(|(name, _)| told.scanned.names.contains_key(name)).cloned().collect();
            &own
        }
        false => names,
    };
    let reading = read(&mut connection, names).await;
    let scanned = std::mem::take(&mut told.scanned);
    told.kept(server, connection, reading.map(|reading| (scanned, reading)));
}

impl Told {
    fn clustered(&self) -> bool {
        self.info.as_ref().is_some_and(|info| info.cluster)
    }

    /// What a reader must know of this node's answer. `whole`: were all its keys looked at?
    fn notes(&self, whole: bool) -> Vec<String> {
        let mut notes = self.scanned.notes.clone();
        notes.extend(self.scanned.unreadable());
        match &self.info {
            None => notes.push("this user may not use INFO: role, version and number of keys are unknown".to_owned()),
            Some(info) if whole => notes.extend(self.unnamed(info)),
            Some(_) => {}
        }
        notes
    }

    /// A note on the keys that may be locks, but do not say so. One without a TTL stays stuck
    /// if its holder dies.
    fn unnamed(&self, info: &Info) -> Option<String> {
        let leased = |held: &&Held| held.holders.iter().any(|holder| holder.ttl_left_ms.is_some());
        let listed = self.held.values().filter(leased).count() as u64;
        let (keys, expiring) = info.keys;
        let with = expiring.saturating_sub(listed);
        let without = (keys - expiring.min(keys)).saturating_sub(self.held.len() as u64 - listed);
        let counted = |count: u64, rest: &str| match count {
            1 => format!("1 more key has {rest}"),
            _ => format!("{count} more keys have {rest}"),
        };
        let told = match (with, without) {
            (0, 0) => return None,
            (_, 0) => counted(with, "a TTL and no name of a lock"),
            (0, _) => counted(without, "neither a TTL nor a name of a lock"),
            _ => format!("{}, and {}", counted(with, "a TTL and no name of a lock"), counted(without, "neither")),
        };
        let stuck = if without > 0 { "; a lock without a TTL stays until somebody deletes it" } else { "" };
        Some(format!("{told}{stuck}; if there are locks among them, --prefix lists them"))
    }

    fn kept(
        &mut self,
        server: &Server,
        connection: MultiplexedConnection,
        answer: Result<(Scanned, Reading), redis::RedisError>,
    ) {
        match answer {
            Ok((scanned, reading)) => {
                (self.scanned, self.held) = (scanned, reading.held);
                self.scanned.denied.extend(reading.denied);
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

impl Inspector for Nodes {
    fn observe(&mut self) -> Local<'_, Result<Observation, SystemError>> {
        Box::pin(self.ask())
    }

    fn close(self: Box<Self>) -> Local<'static, ()> {
        Box::pin(async move { drop(self) })
    }
}
