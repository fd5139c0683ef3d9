//! `wire-cut`, `wire-delay` and `wire-narrow`: a rule of the proxy, in force for a while. It has
//! bitten when it held back a byte.

use super::wire::{Rule, Wire};
use super::{Fault, FaultError, Site};
use lockbench_core::workload::Direction;
use std::cell::Cell;

pub(super) struct WireRule {
    direction: Direction,
    rule: Rule,
    /// The rule's number while it is in force, and the bytes held back before it was.
    begun: Cell<Option<(u64, u64)>>,
}

impl WireRule {
    pub(super) fn new(direction: Direction, rule: Rule) -> Self {
        Self { direction, rule, begun: Cell::new(None) }
    }
}

impl Fault for WireRule {
    fn inject(&self, site: &Site<'_>) -> Result<(), FaultError> {
        let wire = site.wire()?;
        let held = wire.effect().0;
        self.begun.set(Some((wire.begin(self.direction, self.rule), held)));
        Ok(())
    }

    fn bites(&self, site: &Site<'_>) -> bool {
        let held = site.wire().map_or(0, |wire: &Wire| wire.effect().0);
        self.begun.get().is_some_and(|(_, before)| held > before)
    }

    fn heal(&self, site: &Site<'_>) -> Result<(), FaultError> {
        if let Some((number, _)) = self.begun.take() {
            site.wire()?.end(number);
        }
        Ok(())
    }
}
