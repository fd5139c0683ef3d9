//! What a recipe asks of its servers for a key that nobody else wants, as a bare loop over the client library: no
//! waiting, no withdrawal, no fault is provided for, nothing is recorded. What the same library does without lockbench is
//! the yardstick of what lockbench adds.

use super::Target;
use lockbench_core::lock::{Key, Local, SystemError};

/// One client of a bare loop.
pub trait Bare {
    /// Acquires and releases its key. Returns the instant of the grant on the clock of its target. An error ends the
    /// loop.
    fn cycle(&mut self) -> Local<'_, Result<u64, String>>;
}

/// Opens a client of a bare loop that has this number and this key for itself; whoever prepares the keys of the recipe
/// prepares this one.
pub type OpenBare = fn(Target, Key, u32) -> Local<'static, Result<Box<dyn Bare>, SystemError>>;

/// A request that takes longer ends the loop: on a machine that is this slow nothing is measured.
pub(crate) const LIMIT_NS: u64 = 30_000_000_000;
/// Where the recipe has a lease: so long that it does not end within a loop.
pub(crate) const LEASE_NS: u64 = 60_000_000_000;
