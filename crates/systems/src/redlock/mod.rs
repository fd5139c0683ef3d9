//! `redlock`: the Redlock algorithm over N independent Redis nodes. A client
//! holds the lock while a majority of nodes hold its value.
//!
//! Source: "The Redlock Algorithm" in
//! <https://redis.io/docs/latest/develop/clients/patterns/distributed-locks/>.
//! It assumes clocks of about the same rate, and it gives no fencing token: see
//! M. Kleppmann, "How to do distributed locking" (2016). Nodes on one host share
//! one clock and one disk; the facts say so where it is the case.

mod electorate;
mod node;
mod options;
mod request;
mod rslock;
mod session;
#[cfg(test)]
mod simulated;
mod start;
mod system;
mod votes;
mod wire;

use std::sync::Arc;

use super::levers::{Leads, Lever, Levers};
use super::planted::Flaw;
use super::{Entry, Nodes, ServerKind, Servers, System, Target, redis};
use lockbench_core::lock::{Guarantees, LockSystem, RenewalKind, SystemError, WaitKind, Ways};

/// The system.
pub static SYSTEM: System = System { name: "redlock", recipes: &[&ENTRY, &RSLOCK], servers: Some(KIND) };

/// The key of its servers.
pub const KIND: ServerKind = ServerKind::of(&SERVERS);

static SERVERS: Servers = Servers {
    name: "redlock",
    summary: "Independent Redis servers, of which a majority decides",
    schemes: &["redis", "rediss", "unix", "redis+unix"],
    aliases: &[],
    nodes: Nodes::Independent { of: redis::KIND, fewest: 3 },
    hosts_are_one_address: false,
    no_host: "",
    waits_are_certain: false,
    swept_one_by_one: false,
    inspect: |name, target, scope| Ok(Box::new(redis::inspect::Nodes::new(name, target, scope)?)),
    sweep: |name, target| Ok(Box::new(redis::sweep::Nodes::new(name, target)?)),
    levers: Levers {
        leads: Leads::None("its nodes are independent, and none leads"),
        end_sessions: Lever::Offered(redis::levers::end_sessions),
        squeeze: Lever::Offered(redis::levers::squeeze),
        clock: Lever::Offered(redis::levers::CLOCK),
        standby: Lever::None("its nodes are independent, and none follows another"),
        unsynced: redis::options::forgetful,
    },
    start: &start::RECIPE,
};

static ENTRY: Entry = Entry {
    server: Some(KIND),
    files: |servers| servers,
    quick: true,
    options: Some(&options::OPTIONS),
    flawed: Some(flawed),
    ..Entry::new(
        "redlock",
        "Redlock: SET NX PX on a majority of N independent Redis nodes, waits by polling",
        GUARANTEES,
        connect,
    )
};

static RSLOCK: Entry = Entry {
    server: Some(KIND),
    files: |servers| servers,
    ..Entry::new(
        "redlock:rslock",
        "Redlock as the crate rslock has it: waits for every node, and has no timeout of its own",
        RSLOCK_GUARANTEES,
        |target| Ok(Arc::new(system::RedlockSystem::new(&RSLOCK, target, None)?)),
    )
};

const RSLOCK_GUARANTEES: Guarantees = Guarantees { source: "https://docs.rs/rslock/0.10.0/rslock/", ..GUARANTEES };

/// With a ttl below the drift allowance (2 ms + 1 % by default) and a round trip
/// there is no validity left; the floor leaves room for that.
const GUARANTEES: Guarantees = Guarantees {
    lease: true,
    token: None,
    fifo: false,
    waiting: WaitKind::Poll,
    ways: Ways::Both,
    renewal: RenewalKind::Explicit,
    ttl_floor_ms: 10,
    ttl_step_ms: 1,
    connection_frees: false,
    quorum: true,
    exclusion: true,
    shared: false,
    permits: false,
    source: "https://redis.io/docs/latest/develop/clients/patterns/distributed-locks/#the-redlock-algorithm",
};

fn connect(target: Target) -> Result<Arc<dyn LockSystem>, SystemError> {
    Ok(Arc::new(system::RedlockSystem::new(&ENTRY, target, None)?))
}

/// With a planted bug.
fn flawed(target: Target, flaw: Flaw) -> Result<Arc<dyn LockSystem>, SystemError> {
    Ok(Arc::new(system::RedlockSystem::new(&ENTRY, target, Some(flaw))?))
}
