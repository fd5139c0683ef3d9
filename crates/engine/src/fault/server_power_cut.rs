//! `server-power-cut`: a node is killed, its disk forgets what was not synced, and it is started again on what is
//! left. It has bitten when the process was gone and the disk had gone back to what was synced; how much that was is
//! in the facts, and may be nothing where a server syncs before it answers.

use std::cell::Cell;

use super::{Fault, FaultError, Site, since};
use lockbench_core::record::DiskFacts;
use lockbench_systems::stack::DiskTold;

#[derive(Default)]
pub(super) struct ServerPowerCut {
    before: Cell<DiskTold>,
    forgotten: Cell<Option<DiskFacts>>,
}

impl Fault for ServerPowerCut {
    fn inject(&self, site: &Site<'_>) -> Result<(), FaultError> {
        self.before.set(site.node.disk().unwrap_or_default());
        site.node.cut_power()?;
        self.forgotten.set(since(site, self.before.get()));
        Ok(())
    }

    fn bites(&self, site: &Site<'_>) -> bool {
        self.forgotten.get().is_some() && site.node.pids().is_empty()
    }

    fn heal(&self, site: &Site<'_>) -> Result<(), FaultError> {
        Ok(site.node.restart()?)
    }

    fn disk(&self, _site: &Site<'_>) -> Option<DiskFacts> {
        self.forgotten.get()
    }
}
