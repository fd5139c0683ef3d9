//! `server-pause`: every process of a node is stopped, and continued. Connections stay open and the
//! kernel takes what is sent to them, but no answer comes: as a long garbage collection, or a host
//! that swaps.

use super::{Fault, FaultError, Site};

pub(super) struct ServerPause;

impl Fault for ServerPause {
    fn inject(&self, site: &Site<'_>) -> Result<(), FaultError> {
        Ok(site.node.pause()?)
    }

    fn bites(&self, site: &Site<'_>) -> bool {
        site.node.is_paused()
    }

    fn heal(&self, site: &Site<'_>) -> Result<(), FaultError> {
        Ok(site.node.resume()?)
    }
}
