//! `server-squeeze`: a node runs out of memory and throws keys away, ours among them: a lock is taken away
//! without any crash. It has bitten when the server said that it evicted a key of a client.

use std::cell::RefCell;

use super::{Fault, FaultError, Site};
use lockbench_systems::levers::{Lever, Pressure};

#[derive(Default)]
pub(super) struct ServerSqueeze {
    pressure: RefCell<Option<Box<dyn Pressure>>>,
}

impl ServerSqueeze {
    fn failed(action: &'static str, site: &Site<'_>) -> impl FnOnce(String) -> FaultError {
        let node = site.name();
        move |problem| FaultError::Refused { action, node, problem }
    }
}

impl Fault for ServerSqueeze {
    fn inject(&self, site: &Site<'_>) -> Result<(), FaultError> {
        let Lever::Offered(squeeze) = site.kind.servers().levers.squeeze else { return Ok(()) };
        let pressure = squeeze(site.node.endpoint()).map_err(Self::failed("fill the memory of", site))?;
        self.pressure.replace(Some(pressure));
        Ok(())
    }

    fn bites(&self, _site: &Site<'_>) -> bool {
        self.pressure.borrow().as_ref().is_some_and(|pressure| pressure.taken() > 0)
    }

    fn heal(&self, site: &Site<'_>) -> Result<(), FaultError> {
        match self.pressure.take() {
            Some(pressure) => pressure.end().map_err(Self::failed("restore", site)),
            None => Ok(()),
        }
    }
}
