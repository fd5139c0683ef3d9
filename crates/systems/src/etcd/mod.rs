//! `etcd`: the recipe of etcd's own Go client (`clientv3/concurrency`, `Mutex`):
//! one lease a client, one key a waiter below the lock's prefix, the lowest
//! create revision holds the lock, everybody else watches only the key before
//! its own. One thing more than the official client of 3.4: after waiting, the
//! waiter's own key is read back before a grant is believed, because a waiter
//! whose lease ended has no key any more (etcd#9921, etcd#11456).
//!
//! On a contended key etcd 3.4 hands over on a tick of about 100 ms: the watch
//! starts at a revision that is often past by then, and past watchers are served
//! from a loop with that period (etcd#16839). That is this recipe's behaviour on
//! the real server, and is not worked around here.
//!
//! Everything of ours lives below `lockbench-<namespace>/`.

mod bare;
mod config;
mod gateway;
pub(super) mod inspect;
mod lease;
mod lock_rpc;
mod members;
mod near_miss;
mod optimistic;
mod options;
mod queue;
mod session;
mod shared;
mod start;
pub(super) mod sweep;
mod system;
mod tenant;

use std::sync::{Arc, OnceLock};

use super::levers::{Leads, Lever, Levers};
use super::optimistic::ThenLock;
use super::planted::Flaw;
use super::{Entry, Nodes, ServerKind, Servers, System, Target};
use lockbench_core::lock::{Guarantees, LockSystem, RenewalKind, SystemError, WaitKind, Ways};
use system::{EtcdSystem, Waits};

/// Registry name.
const NAME: &str = "etcd";
const NAME_OPTIMISTIC: &str = "etcd:optimistic";
const NAME_THEN_LOCK: &str = "etcd:optimistic-then-lock";

/// The system.
pub static SYSTEM: System =
    System { name: NAME, recipes: &[&ENTRY, &SHARED_WATCH, &LOCK_RPC, &OPTIMISTIC, &THEN_LOCK], servers: Some(KIND) };

/// The key of its servers.
pub const KIND: ServerKind = ServerKind::of(&SERVERS);

static SERVERS: Servers = Servers {
    name: NAME,
    summary: "An etcd cluster",
    schemes: &["etcd", "etcds"],
    aliases: &[("http", "etcd"), ("https", "etcds")],
    nodes: Nodes::Ensemble,
    hosts_are_one_address: false,
    no_host: "",
    waits_are_certain: false,
    swept_one_by_one: false,
    inspect: |_, target, scope| Ok(Box::new(inspect::Cluster::new(target, scope)?)),
    sweep: |_, target| Ok(Box::new(sweep::Cluster::new(target)?)),
    levers: Levers {
        leads: Leads::Asked(gateway::leads),
        end_sessions: Lever::None("its leases outlive connections, and no command ends them all"),
        squeeze: Lever::None("it throws nothing away when memory is short"),
        clock: Lever::None(
            "it is written in Go, which asks the kernel for the time and not the C library that libfaketime stands for; \
             take it out with -b",
        ),
        standby: Lever::None("its members elect a leader by themselves"),
        unsynced: |_| None,
    },
    start: &start::RECIPE,
};

static SHARED_WATCH: Entry = Entry {
    server: Some(KIND),
    files: |servers| servers,
    options: Some(&options::OPTIONS),
    ..Entry::new(
        "etcd:shared-watch",
        "the queue of etcd, and one watch for all clients of a process in place of one per waiter",
        SHARED_WATCH_GUARANTEES,
        |target| {
            let config = config::Config::new(&target)?;
            Ok(Arc::new(EtcdSystem::new(&SHARED_WATCH, config, Waits::Sharing(OnceLock::new()))))
        },
    )
};

static LOCK_RPC: Entry = Entry {
    server: Some(KIND),
    files: |servers| servers,
    options: Some(&options::OPTIONS),
    ..Entry::new(
        "etcd:lock-rpc",
        "the lock service of the server (v3lock): one request locks and waits there, and cannot be withdrawn",
        LOCK_RPC_GUARANTEES,
        |target| Ok(Arc::new(EtcdSystem::new(&LOCK_RPC, config::Config::new(&target)?, Waits::AtTheServer))),
    )
};

const SHARED_WATCH_GUARANTEES: Guarantees = Guarantees { permits: false, ..GUARANTEES };

const LOCK_RPC_GUARANTEES: Guarantees = Guarantees {
    token: Some("create revision of the key that the service made"),
    waiting: WaitKind::ServerQueue,
    ways: Ways::Waiting,
    shared: false,
    permits: false,
    source: "https://etcd.io/docs/v3.4/dev-guide/api_concurrency_reference_v3/ and etcd's etcdserver/api/v3lock/lock.go",
    ..GUARANTEES
};

static OPTIMISTIC: Entry = Entry {
    server: Some(KIND),
    files: |servers| servers,
    options: Some(&options::OPTIONS),
    ..Entry::new(
        NAME_OPTIMISTIC,
        "no lock: a read, then a transaction that is refused if another client has written",
        GUARANTEES_OPTIMISTIC,
        |target| {
            Ok(Arc::new(optimistic::Optimistic::new(config::Config::new(&target)?, config::Config::new(&target)?)))
        },
    )
};

static THEN_LOCK: Entry = Entry {
    server: Some(KIND),
    files: |servers| 2 * servers,
    options: Some(&options::OPTIONS),
    ..Entry::new(
        NAME_THEN_LOCK,
        "etcd:optimistic, and after three conflicts in a row under the lock of etcd",
        GUARANTEES_OPTIMISTIC,
        |target| {
            let (name, guarantees) = (NAME_THEN_LOCK, &GUARANTEES_OPTIMISTIC);
            let optimistic = (OPTIMISTIC.connect)(target.clone())?;
            Ok(Arc::new(ThenLock { name, guarantees, optimistic, lock: connect(target)? }))
        },
    )
};

const GUARANTEES_OPTIMISTIC: Guarantees =
    super::optimistic::guarantees("https://etcd.io/docs/v3.4/learning/api/#transaction", true);

static ENTRY: Entry = Entry {
    server: Some(KIND),
    files: |servers| servers,
    quick: true,
    options: Some(&options::OPTIONS),
    bare: Some(bare::open),
    flawed: Some(flawed),
    ..Entry::new(
        NAME,
        "lease and lowest create revision, each waiter watches only its predecessor",
        GUARANTEES,
        connect,
    )
};

/// Promises of etcd leases and revisions:
/// * a lease lives at least its ttl after a keep-alive: "etcd API", section "Lease API"
///   (<https://etcd.io/docs/v3.4/learning/api/#lease-api>);
/// * revisions grow over the whole store and make the fencing token: the same page, section "Revisions";
/// * waiters are served by create revision: `clientv3/concurrency/mutex.go`;
/// * whole seconds, and at least `minTTL = (3 * electionTicks) / 2 * heartbeat` rounded up, which is 2 s with the
///   stock 100 ms heartbeat and 1000 ms election timeout: `etcdserver/server.go`, `lease/lessor.go`.
const GUARANTEES: Guarantees = Guarantees {
    lease: true,
    token: Some("create revision of the waiter's key"),
    fifo: true,
    waiting: WaitKind::Watch,
    ways: Ways::Both,
    renewal: RenewalKind::Heartbeat,
    ttl_floor_ms: 2_000,
    ttl_step_ms: 1_000,
    connection_frees: false,
    quorum: true,
    exclusion: true,
    shared: true,
    permits: true,
    source: "https://etcd.io/docs/v3.4/learning/api/#lease-api and etcd's clientv3/concurrency/mutex.go",
};

fn connect(target: Target) -> Result<Arc<dyn LockSystem>, SystemError> {
    Ok(Arc::new(EtcdSystem::new(&ENTRY, config::Config::new(&target)?, Waits::Itself)))
}

/// With a planted bug.
fn flawed(target: Target, flaw: Flaw) -> Result<Arc<dyn LockSystem>, SystemError> {
    let mut config = config::Config::new(&target)?;
    config.planted = Some(flaw);
    Ok(Arc::new(EtcdSystem::new(&ENTRY, config, Waits::Itself)))
}
