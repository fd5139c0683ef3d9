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
mod request;
mod session;
mod system;
mod tally;

use std::sync::Arc;

use super::planted::Flaw;
use super::{Entry, Target};
use lockbench_core::lock::{Guarantees, LockSystem, RenewalKind, ServerKind, SystemError, WaitKind};

/// Registry line.
pub(super) static ENTRY: Entry = Entry {
    name: "redlock",
    summary: "Redlock: SET NX PX on a majority of N independent Redis nodes, waits by polling",
    server: Some(ServerKind::Redlock),
    files: |servers| servers,
    quick: true,
    control: false,
    guarantees: GUARANTEES,
    connect,
};

/// With a ttl below the drift allowance (2 ms + 1 % by default) and a round trip
/// there is no validity left; the floor leaves room for that.
const GUARANTEES: Guarantees = Guarantees {
    lease: true,
    token: None,
    fifo: false,
    waiting: WaitKind::Poll,
    renewal: RenewalKind::Explicit,
    ttl_floor_ms: 10,
    ttl_step_ms: 1,
    connection_frees: false,
    quorum: true,
    source: "https://redis.io/docs/latest/develop/clients/patterns/distributed-locks/#the-redlock-algorithm",
};

fn connect(target: Target) -> Result<Arc<dyn LockSystem>, SystemError> {
    Ok(Arc::new(system::RedlockSystem::new(target, None)?))
}

/// With a planted bug.
pub(super) fn flawed(target: Target, flaw: Flaw) -> Result<Arc<dyn LockSystem>, SystemError> {
    Ok(Arc::new(system::RedlockSystem::new(target, Some(flaw))?))
}
