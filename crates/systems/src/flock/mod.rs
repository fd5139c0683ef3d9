//! Locks on files, for processes of one host. No server; the kernel is the arbiter.
//!
//! `flock` is flock(2): the lock belongs to the open file description, so each client opens
//! the file for itself, and the end of the holder's process frees it. A blocked call could not
//! be withdrawn, so clients wait by asking again without blocking.
//!
//! `flock:lockfile` is the older habit: the holder is who creates a file with `O_EXCL`, and a
//! file that is older than the ttl is stale and removed. Between the look at its age and the
//! removal another client may have removed it and made its own: then two hold the lock. The
//! recipe is here to show that, and claims no exclusion.
//!
//! * `directory`: the files of a run;
//! * `advisory`, `lockfile`: the recipes.

mod advisory;
mod directory;
mod lockfile;

use std::sync::Arc;

use super::{Entry, System};
use lockbench_core::lock::{Guarantees, RenewalKind, WaitKind, Ways};

/// The system.
pub static SYSTEM: System = System { name: "flock", recipes: &[&FLOCK, &LOCKFILE], servers: None };

static FLOCK: Entry = Entry {
    files: |_| 1,
    on_files: true,
    ..Entry::new("flock", "flock(2) on an open file of each client, for processes of one host", ADVISORY, |target| {
        Ok(Arc::new(advisory::Flock::new(&target)))
    })
};

static LOCKFILE: Entry = Entry {
    files: |_| 1,
    on_files: true,
    unsafe_by_design: true,
    ..Entry::new(
        "flock:lockfile",
        "a lock file (O_EXCL) that is removed when it is older than the ttl: two clients that find it stale may both \
         get it",
        STALE_RULE,
        |target| Ok(Arc::new(lockfile::LockFile::new(&target))),
    )
};

/// Promises of flock(2): "associated with an open file description" and "released either by an
/// explicit LOCK_UN operation on any of these duplicate file descriptors, or when all such file
/// descriptors have been closed" (the `source`). No lease, no token; in which order waiters are
/// served nothing says, and here each asks again.
const ADVISORY: Guarantees = Guarantees {
    lease: false,
    token: None,
    fifo: false,
    waiting: WaitKind::Poll,
    ways: Ways::Both,
    renewal: RenewalKind::None,
    ttl_floor_ms: 0,
    ttl_step_ms: 0,
    connection_frees: true,
    quorum: false,
    exclusion: true,
    shared: false,
    permits: false,
    source: "https://man7.org/linux/man-pages/man2/flock.2.html",
};

/// What a lock file with a stale rule is believed to promise. open(2) says that `O_EXCL` makes
/// creation exclusive; nothing makes the look at the age and the removal one step. Ages are
/// counted in nanoseconds of the host's monotonic clock; the floor of 1 ms is ours.
const STALE_RULE: Guarantees = Guarantees {
    lease: true,
    token: None,
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
    source: "https://man7.org/linux/man-pages/man2/open.2.html (O_EXCL)",
};
