//! `session-kill`: the server ends the sessions of our clients on a node, as an administrator does, or a
//! server that runs out of memory. The clients go on and learn of it from their connection. It has bitten
//! when the server ended one.

use std::cell::Cell;

use super::{Fault, FaultError, Site};
use lockbench_systems::levers::Lever;

#[derive(Default)]
pub(super) struct SessionKill {
    ended: Cell<u64>,
}

impl Fault for SessionKill {
    fn inject(&self, site: &Site<'_>) -> Result<(), FaultError> {
        let Lever::Offered(end) = site.kind.servers().levers.end_sessions else { return Ok(()) };
        let failed = |problem| FaultError::Refused { action: "end the sessions of", node: site.name(), problem };
        self.ended.set(end(site.node.endpoint()).map_err(failed)?);
        Ok(())
    }

    fn bites(&self, _site: &Site<'_>) -> bool {
        self.ended.get() > 0
    }

    fn heal(&self, _site: &Site<'_>) -> Result<(), FaultError> {
        Ok(())
    }
}
