//! `zookeeper`: the lock recipe of ZooKeeper's own documentation, on plain
//! create and delete: an ephemeral sequential child a waiter, the lowest holds
//! the lock, everybody else watches only the child before its own, and the
//! release is a delete that is awaited. (The client crate's lock type releases
//! in the background when dropped, so its release cannot be measured.)
//!
//! A create whose answer is lost may leave a ghost in the queue. Every child's
//! name therefore carries the session and the attempt, as Curator's "protection"
//! does; after a lost answer the child is looked up by that name and adopted, and
//! what an earlier attempt of the same session left behind is removed.
//!
//! The crate sets no `TCP_NODELAY` and offers no hook for it, and does its I/O
//! on a thread of its own: both are part of what is measured here. Needs
//! ZooKeeper 3.5 or later (the create request that answers with the new child's
//! transaction id).
//!
//! Everything of ours lives below `/lockbench-<namespace>`, in the chroot if the
//! endpoint names one.

mod bare;
mod config;
mod door;
mod four_letter;
pub(super) mod inspect;
mod levers;
mod link;
mod near_miss;
mod node;
mod options;
mod session;
mod start;
pub(super) mod sweep;
mod system;

use std::sync::Arc;

use super::levers::{Leads, Lever, Levers};
use super::planted::Flaw;
use super::{Entry, Nodes, ServerKind, Servers, System, Target};
use lockbench_core::lock::{Guarantees, LockSystem, RenewalKind, SystemError, WaitKind, Ways};

/// Registry name.
const NAME: &str = "zookeeper";

/// The system.
pub static SYSTEM: System = System { name: NAME, recipes: &[&ENTRY], servers: Some(KIND) };

/// The key of its servers.
pub const KIND: ServerKind = ServerKind::of(&SERVERS);

static SERVERS: Servers = Servers {
    name: NAME,
    summary: "A ZooKeeper ensemble",
    schemes: &["zookeeper"],
    aliases: &[],
    nodes: Nodes::Ensemble,
    hosts_are_one_address: true,
    no_host: "",
    waits_are_certain: false,
    swept_one_by_one: false,
    inspect: |_, target, scope| Ok(Box::new(inspect::Ensemble::new(target, scope)?)),
    sweep: |_, target| Ok(Box::new(sweep::Ensemble::new(target)?)),
    levers: Levers {
        leads: Leads::Asked(start::leads),
        end_sessions: Lever::None("no command of a stock server ends a session of another client"),
        squeeze: Lever::None("it throws nothing away when memory is short"),
        clock: Lever::Offered(levers::CLOCK),
        standby: Lever::None("its members elect a leader by themselves"),
        unsynced: |_| None,
    },
    start: &start::RECIPE,
};

static ENTRY: Entry = Entry {
    server: Some(KIND),
    files: |_| 1,
    quick: true,
    nagle_on: true,
    options: Some(&options::OPTIONS),
    bare: Some(bare::open),
    flawed: Some(flawed),
    ..Entry::new(NAME, "ephemeral sequential children, each waiter watches only its predecessor", GUARANTEES, connect)
};

/// Promises of ZooKeeper sessions and sequential nodes:
/// * the lock recipe and its order: "ZooKeeper Recipes and Solutions", section "Locks"
///   (<https://zookeeper.apache.org/doc/r3.8.0/recipes.html#sc_recipes_Locks>);
/// * ephemeral nodes end with their session; the session timeout lies between 2 and 20 ticks, 4 to 40 s at the
///   stock tickTime of 2000 ms: "Programmer's Guide", section "ZooKeeper Sessions"
///   (<https://zookeeper.apache.org/doc/r3.8.0/zookeeperProgrammers.html#ch_zkSessions>);
/// * transaction ids are totally ordered, so the czxid of the child is a fencing token (its sequence number is none: a
///   parent that is made anew counts from 0 again): the same guide, section "Time in ZooKeeper".
const GUARANTEES: Guarantees = Guarantees {
    lease: true,
    token: Some("czxid of the waiter's node"),
    fifo: true,
    waiting: WaitKind::Watch,
    ways: Ways::Both,
    renewal: RenewalKind::Heartbeat,
    ttl_floor_ms: 4_000,
    ttl_step_ms: 0,
    connection_frees: false,
    quorum: true,
    exclusion: true,
    shared: true,
    permits: true,
    source: "https://zookeeper.apache.org/doc/r3.8.0/recipes.html#sc_recipes_Locks and zookeeperProgrammers.html",
};

fn connect(target: Target) -> Result<Arc<dyn LockSystem>, SystemError> {
    Ok(Arc::new(system::ZookeeperSystem::new(config::Config::new(&target)?)))
}

/// With a planted bug.
fn flawed(target: Target, flaw: Flaw) -> Result<Arc<dyn LockSystem>, SystemError> {
    let mut config = config::Config::new(&target)?;
    config.planted = Some(flaw);
    Ok(Arc::new(system::ZookeeperSystem::new(config)))
}
