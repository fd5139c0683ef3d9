//! `wire-cut`, `wire-delay`, `wire-narrow`, `wire-slice` and `wire-slow-close`: a rule of the proxy, in force
//! for a while. It has bitten when it held back a byte, or the end of a connection.

use super::wire::{Rule, Wire};
use super::{Fault, FaultError, Site};
use lockbench_core::workload::Direction;
use std::cell::Cell;

pub(super) struct WireRule {
    direction: Direction,
    rule: Rule,
    /// The rule's number while it is in force, and what was held back before it was.
    begun: Cell<Option<(u64, u64)>>,
}

impl WireRule {
    pub(super) fn new(direction: Direction, rule: Rule) -> Self {
        Self { direction, rule, begun: Cell::new(None) }
    }
}

/// Bytes and ends of connections.
fn held_back(wire: &Wire) -> u64 {
    wire.effect().0 + wire.closed_late()
}

impl Fault for WireRule {
    fn inject(&self, site: &Site<'_>) -> Result<(), FaultError> {
        let wire = site.wire()?;
        let held = held_back(wire);
        self.begun.set(Some((wire.begin(self.direction, self.rule), held)));
        Ok(())
    }

    fn bites(&self, site: &Site<'_>) -> bool {
        let held = site.wire().map_or(0, held_back);
        self.begun.get().is_some_and(|(_, before)| held > before)
    }

    fn heal(&self, site: &Site<'_>) -> Result<(), FaultError> {
        if let Some((number, _)) = self.begun.take() {
            site.wire()?.end(number);
        }
        Ok(())
    }
}
