//! `wire-reset` and `wire-half-open`: connections are broken. They have bitten when there was one.
//!
//! A half-open connection keeps for the server what it had at that moment: a lock that its client held, or was
//! given without hearing of it, is stuck until the fault is healed. A request that the proxy had not passed on is
//! lost, and a lock that was free at the server is free for whoever asks next.

use std::cell::Cell;

use super::{Fault, FaultError, Site};

pub(super) enum Break {
    /// Both sides learn of it.
    Reset,
    /// The client alone does.
    HalfOpen,
}

pub(super) struct WireBreak {
    how: Break,
    /// Connections broken before.
    before: Cell<u64>,
}

impl WireBreak {
    pub(super) fn new(how: Break) -> Self {
        Self { how, before: Cell::new(0) }
    }
}

impl Fault for WireBreak {
    fn inject(&self, site: &Site<'_>) -> Result<(), FaultError> {
        let wire = site.wire()?;
        self.before.set(wire.effect().1);
        match self.how {
            Break::Reset => wire.reset(),
            Break::HalfOpen => wire.abandon(),
        }
        Ok(())
    }

    fn bites(&self, site: &Site<'_>) -> bool {
        site.wire().is_ok_and(|wire| wire.effect().1 > self.before.get())
    }

    fn heal(&self, site: &Site<'_>) -> Result<(), FaultError> {
        match self.how {
            Break::Reset => Ok(()),
            Break::HalfOpen => {
                let wire = site.wire()?;
                wire.let_go();
                match wire.answering() {
                    0 => Ok(()),
                    some => Err(FaultError::Answers(some)),
                }
            }
        }
    }
}
