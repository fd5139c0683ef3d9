//! `server-pause`: every process of a node is stopped, and continued. Connections stay open and the
//! kernel takes what is sent to them, but no answer comes: as a long garbage collection, or a host
//! that swaps.

use super::Fault;
use lockbench_systems::stack::{Node, NodeError};

pub(super) struct ServerPause;

impl Fault for ServerPause {
    fn inject(&self, node: &dyn Node) -> Result<(), NodeError> {
        node.pause()
    }

    fn bites(&self, node: &dyn Node) -> bool {
        node.is_paused()
    }

    fn heal(&self, node: &dyn Node) -> Result<(), NodeError> {
        node.resume()
    }
}
