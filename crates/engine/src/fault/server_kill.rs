//! `server-kill`: a node is killed, and started again on its address with or without its data.
//! SIGKILL loses what the process had not written; what it had written and not synced is in the
//! page cache of the host and stays. Only a power cut takes that.

use super::Fault;
use lockbench_core::workload::DataAfter;
use lockbench_systems::stack::{Node, NodeError};

pub(super) struct ServerKill {
    pub(super) data: DataAfter,
}

impl Fault for ServerKill {
    fn inject(&self, node: &dyn Node) -> Result<(), NodeError> {
        node.kill()
    }

    fn bites(&self, node: &dyn Node) -> bool {
        node.pids().is_empty()
    }

    fn heal(&self, node: &dyn Node) -> Result<(), NodeError> {
        match self.data {
            DataAfter::Kept => node.restart(),
            DataAfter::Lost => node.restart_empty(),
        }
    }
}
