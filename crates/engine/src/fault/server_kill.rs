//! `server-kill`: a node is killed, and started again on its address with or without its data.
//! SIGKILL loses what the process had not written; what it had written and not synced is in the
//! page cache of the host and stays. Only a power cut takes that.

use super::{Fault, FaultError, Site};
use lockbench_core::workload::DataAfter;

pub(super) struct ServerKill {
    pub(super) data: DataAfter,
}

impl Fault for ServerKill {
    fn inject(&self, site: &Site<'_>) -> Result<(), FaultError> {
        Ok(site.node.kill()?)
    }

    fn bites(&self, site: &Site<'_>) -> bool {
        site.node.pids().is_empty()
    }

    fn heal(&self, site: &Site<'_>) -> Result<(), FaultError> {
        match self.data {
            DataAfter::Kept => site.node.restart()?,
            DataAfter::Lost => site.node.restart_empty()?,
        }
        Ok(())
    }
}
