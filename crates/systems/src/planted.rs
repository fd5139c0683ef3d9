//! Bugs that tests plant in the recipes, to see that the shipped workloads show them.
//! No command line, file or variable reaches them: only [`planted`], called from code,
//! makes a system with one.

use std::sync::Arc;

use super::{Registry, Target};
use lockbench_core::lock::{LockSystem, SystemError};

/// A bug of a lock recipe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// Takes the lock whether it is held or not (`SET` without `NX`).
    TakesWhatIsHeld,
    /// Frees the lock without a look at whose it is.
    FreesWhatIsNotItsOwn,
    /// Prolongs the lock without a look at whose it is.
    RenewsWhatIsNotItsOwn,
    /// Is content with half of the nodes, where a majority is needed.
    HalfIsAQuorum,
    /// Believes in a grant without end.
    IgnoresValidity,
    /// Watches the first of the queue, where the one before it is to be watched.
    WatchesTheFirst,
    /// Takes the end of the watched waiter for its turn, without another look.
    DoesNotLookAgain,
    /// Keeps its lease alive in its own belief only.
    KeepsNoLeaseAlive,
    /// Has one lease for all clients, and is let in again where that has the lock.
    SharesTheLease,
    /// Keeps four bits of a key's hash.
    CutsTheHash,
    /// Gives tokens that fall.
    TokensFall,
    /// Takes a lock that readers share without a look at whether any has it.
    OverlooksReaders,
    /// Gives one permit of a semaphore more than there are.
    OneTooMany,
    /// Takes for a grant what ended a try without one.
    FailureIsAGrant,
}

/// The flaw of a system; none but in tests.
pub(super) type Planted = Option<Flaw>;

impl Flaw {
    /// So many permits a recipe with this flaw takes a semaphore to have.
    pub(super) fn permits(planted: Planted, of: u32) -> u32 {
        of + u32::from(planted == Some(Self::OneTooMany))
    }

    /// The token that a recipe with this flaw tells for a rising one.
    pub(super) fn token(planted: Planted, rising: u64) -> u64 {
        if planted == Some(Self::TokensFall) { u64::MAX / 2 - rising } else { rising }
    }
}

/// The lock system of that registry name with a flaw.
///
/// # Errors
/// As [`super::Entry::connect`]; or the recipe has no such place to go wrong.
#[doc(hidden)]
pub fn planted(name: &'static str, target: Target, flaw: Flaw) -> Result<Arc<dyn LockSystem>, SystemError> {
    match Registry::builtin().find(name).ok().and_then(|entry| entry.flawed) {
        Some(flawed) => flawed(target, flaw),
        None => {
            let problem = "no flaw is offered here".to_owned();
            Err(SystemError::new(name, "", problem))
        }
    }
}
