//! `redis:sentinel`: the recipe of `redis` on a primary with replicas, which Sentinels watch and replace. Clients ask
//! the Sentinels who the primary is. With `WAIT` a grant counts only if so many replicas have it; else it is given
//! back.
//!
//! Replication is asynchronous, and the Sentinels promote a replica without asking what it has: the manual calls
//! writes that were acknowledged and are lost a part of the design
//! (<https://redis.io/docs/latest/operate/oss_and_stack/management/sentinel/>, "Fundamental things to know").

mod config;
mod directory;
mod look;
mod options;
mod session;
mod start;
mod system;
mod truth;

use std::sync::Arc;

use super::levers::{Leads, Lever, Levers};
use super::{Entry, Nodes, ServerKind, Servers, System, Target, redis};
use lockbench_core::lock::{Endpoint, Guarantees, LockSystem, SystemError};

/// Name of its servers, and the scheme of a Sentinel's URL.
const NAME: &str = "sentinel";

/// The system.
pub static SYSTEM: System = System { name: "redis", recipes: &[&ENTRY], servers: Some(KIND) };

/// The key of its servers.
pub const KIND: ServerKind = ServerKind::of(&SERVERS);

static SERVERS: Servers = Servers {
    name: NAME,
    summary: "A Redis primary with replicas, and the Sentinels that watch them",
    schemes: &[NAME, "redis", "rediss"],
    aliases: &[("redis-sentinel", NAME)],
    nodes: Nodes::Ensemble,
    hosts_are_one_address: false,
    no_host: "",
    waits_are_certain: false,
    swept_one_by_one: false,
    inspect: |name, target, scope| Ok(Box::new(look::Looker::new(name, target, scope)?)),
    sweep: |name, target| Ok(Box::new(look::Looker::new(name, target, look::ALL)?)),
    levers: Levers {
        leads: Leads::Asked(start::leads),
        end_sessions: Lever::Offered(end_sessions),
        squeeze: Lever::None("use redis: what one server throws away its replicas lose, too"),
        clock: Lever::None("Sentinels do not tell their time"),
        standby: Lever::None("its Sentinels promote a replica themselves: kill or cut off the leader"),
        unsynced: redis::options::forgetful,
    },
    start: &start::RECIPE,
};

static ENTRY: Entry = Entry {
    server: Some(KIND),
    files: |_| 1,
    options: Some(&options::OPTIONS),
    ..Entry::new(
        "redis:sentinel",
        "the recipe of redis on the primary that Sentinels name, with WAIT for so many replicas",
        GUARANTEES,
        connect,
    )
};

/// Those of one Redis: a failover may break them, with `WAIT`, too
/// (<https://redis.io/docs/latest/commands/wait/>, "Consistency and WAIT").
const GUARANTEES: Guarantees = Guarantees {
    source: "https://redis.io/docs/latest/develop/reference/sentinel-clients/ and \
             https://redis.io/docs/latest/develop/clients/patterns/distributed-locks/",
    shared: false,
    permits: false,
    ..redis::GUARANTEES
};

fn connect(target: Target) -> Result<Arc<dyn LockSystem>, SystemError> {
    Ok(Arc::new(system::SentinelSystem::new(target)?))
}

/// A Sentinel has no session of a client that locks.
fn end_sessions(node: &Endpoint) -> Result<u64, String> {
    if config::is_sentinel(node) { Ok(0) } else { redis::levers::end_sessions(node) }
}
