//! `memory`: an in-process lease lock with fencing tokens. The floor that every
//! other figure is read against, and the fake that virtual-time tests run on.

mod lock;

use std::sync::Arc;

use super::{Entry, System, Target};
use lockbench_core::lock::{Guarantees, LockSystem, RenewalKind, SystemError, WaitKind, Ways};

pub use lock::{Flaws, MemorySystem};

/// The system.
pub static SYSTEM: System = System { name: "memory", recipes: &[&ENTRY], servers: None };

/// Its recipe.
pub static ENTRY: Entry = Entry {
    quick: true,
    ..Entry::new("memory", "an in-process lease lock with tokens: the floor of every comparison", GUARANTEES, connect)
};

/// Promises of the in-process lock (this file is their source).
pub const GUARANTEES: Guarantees = Guarantees {
    lease: true,
    token: Some("in-process counter"),
    fifo: true,
    waiting: WaitKind::InProcess,
    ways: Ways::Both,
    renewal: RenewalKind::Explicit,
    ttl_floor_ms: 1,
    ttl_step_ms: 0,
    connection_frees: false,
    quorum: false,
    exclusion: true,
    shared: true,
    permits: true,
    source: "src/backend/memory",
};

fn connect(target: Target) -> Result<Arc<dyn LockSystem>, SystemError> {
    Ok(Arc::new(MemorySystem::new("memory", GUARANTEES, target.clock, Flaws::default())))
}
