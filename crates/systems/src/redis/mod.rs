//! `redis`: SET NX PX on one server, a fencing token from a counter in the same
//! script, compare-and-delete release, waiting by polling.
//!
//! What it can promise depends on the server's settings, which are read back: a
//! server that loses its memory loses locks and token counters alike.

pub(super) mod admin;
mod answer;
mod bare;
mod client;
pub(super) mod door;
mod flawed;
pub(super) mod inspect;
pub(super) mod levers;
mod link;
mod naming;
pub mod near_miss;
mod optimistic;
pub(super) mod options;
mod pubsub;
pub mod script;
mod server;
mod session;
#[cfg(test)]
mod simulated;
pub(super) mod start;
pub(super) mod sweep;
mod system;
mod wire;

use std::sync::Arc;

use super::levers::{Leads, Lever, Levers};
use super::optimistic::ThenLock;
use super::planted::Flaw;
use super::{Entry, Nodes, ServerKind, Servers, System, Target};
use lockbench_core::lock::{Guarantees, LockSystem, RenewalKind, SystemError, WaitKind, Ways};

// The public handle: what `redlock` builds its nodes from.
pub(super) use answer::{Answer, ask};
pub(super) use client::Client;
pub(super) use flawed::Scripts;
pub(super) use naming::{Identities, Ticket, names};
pub(super) use server::{Limits, Server};

const NAME: &str = "redis";
const NAME_PUBSUB: &str = "redis:pubsub";
const NAME_OPTIMISTIC: &str = "redis:optimistic";
const NAME_THEN_LOCK: &str = "redis:optimistic-then-lock";

/// The system.
pub static SYSTEM: System =
    System { name: NAME, recipes: &[&ENTRY, &PUBSUB, &OPTIMISTIC, &THEN_LOCK], servers: Some(KIND) };

/// The key of its servers.
pub const KIND: ServerKind = ServerKind::of(&SERVERS);

static SERVERS: Servers = Servers {
    name: NAME,
    summary: "One Redis server",
    schemes: &["redis", "rediss", "unix", "redis+unix"],
    aliases: &[],
    nodes: Nodes::One,
    hosts_are_one_address: false,
    no_host: "",
    waits_are_certain: false,
    swept_one_by_one: false,
    inspect: |name, target, scope| Ok(Box::new(inspect::Nodes::new(name, target, scope)?)),
    sweep: |name, target| Ok(Box::new(sweep::Nodes::new(name, target)?)),
    levers: Levers {
        leads: Leads::Only,
        end_sessions: Lever::Offered(levers::end_sessions),
        squeeze: Lever::Offered(levers::squeeze),
        clock: Lever::Offered(levers::CLOCK),
        standby: Lever::None("it is started here without a replica"),
        unsynced: options::forgetful,
    },
    start: &start::RECIPE,
};

static ENTRY: Entry = Entry {
    server: Some(KIND),
    files: |_| 1,
    quick: true,
    options: Some(&options::OPTIONS),
    bare: Some(bare::open),
    flawed: Some(flawed),
    ..Entry::new(
        "redis",
        "one Redis: SET NX PX and a fencing counter in one script, waits by polling",
        GUARANTEES,
        connect,
    )
};

/// A PX of one millisecond is the shortest that SET takes, and expiry is by the
/// server's wall clock (<https://redis.io/docs/latest/commands/set/>,
/// <https://redis.io/docs/latest/commands/expire/#how-redis-expires-keys>).
pub(super) const GUARANTEES: Guarantees = Guarantees {
    lease: true,
    token: Some("INCR in the acquire script"),
    fifo: false,
    waiting: WaitKind::Poll,
    ways: Ways::Both,
    renewal: RenewalKind::Explicit,
    ttl_floor_ms: 1,
    ttl_step_ms: 1,
    connection_frees: false,
    quorum: false,
    exclusion: true,
    shared: true,
    permits: true,
    source: "https://redis.io/docs/latest/develop/clients/patterns/distributed-locks/",
};

static PUBSUB: Entry = Entry {
    server: Some(KIND),
    files: |_| 1,
    options: Some(&options::OPTIONS),
    ..Entry::new(
        NAME_PUBSUB,
        "the lock of redis, whose release is published: who waits sleeps until word comes or the lease would be over",
        GUARANTEES_PUBSUB,
        |target| Ok(Arc::new(system::RedisSystem::new(&PUBSUB, target, None)?.with_messages())),
    )
};

const GUARANTEES_PUBSUB: Guarantees = Guarantees {
    waiting: WaitKind::Message,
    shared: false,
    permits: false,
    source: "https://redis.io/docs/latest/develop/pubsub/#delivery-semantics",
    ..GUARANTEES
};

static OPTIMISTIC: Entry = Entry {
    server: Some(KIND),
    files: |_| 1,
    options: Some(&options::OPTIONS),
    ..Entry::new(
        NAME_OPTIMISTIC,
        "no lock: WATCH, then a write that EXEC refuses if another client has written",
        GUARANTEES_OPTIMISTIC,
        |target| Ok(Arc::new(optimistic::Optimistic::new(target)?)),
    )
};

static THEN_LOCK: Entry = Entry {
    server: Some(KIND),
    files: |_| 2,
    options: Some(&options::OPTIONS),
    ..Entry::new(
        NAME_THEN_LOCK,
        "redis:optimistic, and after three conflicts in a row under the lock of redis",
        GUARANTEES_OPTIMISTIC,
        |target| {
            let (name, guarantees) = (NAME_THEN_LOCK, &GUARANTEES_OPTIMISTIC);
            let optimistic = Arc::new(optimistic::Optimistic::new(target.clone())?);
            Ok(Arc::new(ThenLock { name, guarantees, optimistic, lock: connect(target)? }))
        },
    )
};

const GUARANTEES_OPTIMISTIC: Guarantees = super::optimistic::guarantees(
    "https://redis.io/docs/latest/develop/using-commands/transactions/#optimistic-locking-using-check-and-set",
    false,
);

fn connect(target: Target) -> Result<Arc<dyn LockSystem>, SystemError> {
    Ok(Arc::new(system::RedisSystem::new(&ENTRY, target, None)?))
}

/// With a planted bug.
fn flawed(target: Target, flaw: Flaw) -> Result<Arc<dyn LockSystem>, SystemError> {
    Ok(Arc::new(system::RedisSystem::new(&ENTRY, target, Some(flaw))?))
}
