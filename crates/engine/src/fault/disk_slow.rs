//! `disk-slow`: each fsync on the disk of a node takes longer. It has bitten when one did. What is under way when it
//! is healed ends at once.

use std::cell::Cell;

use super::{Fault, FaultError, Site, since};
use lockbench_core::record::DiskFacts;
use lockbench_systems::stack::DiskTold;

pub(super) struct DiskSlow {
    by_ns: u64,
    before: Cell<DiskTold>,
}

impl DiskSlow {
    pub(super) fn new(by_ns: u64) -> Self {
        Self { by_ns, before: Cell::default() }
    }
}

impl Fault for DiskSlow {
    fn inject(&self, site: &Site<'_>) -> Result<(), FaultError> {
        self.before.set(site.node.disk().unwrap_or_default());
        Ok(site.node.slow_disk(self.by_ns)?)
    }

    fn bites(&self, site: &Site<'_>) -> bool {
        self.disk(site).is_some_and(|disk| disk.fsyncs_delayed > 0)
    }

    fn heal(&self, site: &Site<'_>) -> Result<(), FaultError> {
        Ok(site.node.slow_disk(0)?)
    }

    fn disk(&self, site: &Site<'_>) -> Option<DiskFacts> {
        since(site, self.before.get())
    }
}
