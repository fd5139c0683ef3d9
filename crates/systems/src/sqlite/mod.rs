//! `sqlite`: a lease table with fencing tokens in a plain file, for processes of
//! one host. No server; the file system and SQLite's write lock are the arbiter.
//!
//! * `store`: the file, its table and its statements (blocking);
//! * `worker`: one thread a connection, so that no runtime thread ever blocks;
//! * `lock`: the recipe.

mod lock;
mod store;
mod worker;

use std::sync::Arc;

use super::{Entry, System};
use lockbench_core::lock::{Guarantees, RenewalKind, WaitKind, Ways};

/// The system.
pub static SYSTEM: System = System { name: "sqlite", recipes: &[&ENTRY], servers: None };

static ENTRY: Entry = Entry {
    on_files: true,
    files: |_| 3, // database, write-ahead log, shared memory
    quick: true,
    flawed: Some(|target, flaw| Ok(Arc::new(lock::Sqlite::new(&target, Some(flaw))))),
    ..Entry::new("sqlite", "an embedded lease table with tokens, for processes of one host", GUARANTEES, |target| {
        Ok(Arc::new(lock::Sqlite::new(&target, None)))
    })
};

/// Promises of the lease table. `BEGIN IMMEDIATE` takes the file's only write
/// lock before the row is looked at, so that read and change are one step (the
/// `source`). Isolation between processes holds on local file systems only
/// (<https://www.sqlite.org/wal.html>: all processes must be on the same host).
/// Leases are counted in nanoseconds of the host's monotonic clock; the floor of
/// 1 ms is ours.
const GUARANTEES: Guarantees = Guarantees {
    lease: true,
    token: Some("fence column of the lease row"),
    fifo: false,
    waiting: WaitKind::Poll,
    ways: Ways::Both,
    renewal: RenewalKind::Explicit,
    ttl_floor_ms: 1,
    ttl_step_ms: 0,
    connection_frees: false,
    quorum: false,
    exclusion: true,
    shared: false,
    permits: false,
    source: "https://www.sqlite.org/lang_transaction.html",
};
