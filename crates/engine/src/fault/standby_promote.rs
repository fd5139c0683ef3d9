//! `standby-promote`: the node that leads is killed, and its standby is promoted: what the standby had not received is
//! lost, whatever was answered. The killed node comes back as a standby, with a copy of what the other has: with its own
//! data it would lead beside it. It has bitten when the standby says that it leads.

use std::cell::RefCell;

use super::{Fault, FaultError, Site};
use lockbench_systems::levers::{Leads, Lever, Standby};
use lockbench_systems::stack::Node;

#[derive(Default)]
pub(super) struct StandbyPromote {
    /// Which standbys commits waited for before.
    waited_for: RefCell<String>,
}

/// What a node that leads has beside it.
fn beside<'a>(site: &'a Site<'_>) -> Option<(Standby, &'a dyn Node)> {
    let Lever::Offered(standby) = site.kind.servers().levers.standby else { return None };
    let mut others = (0..).zip(site.handle.servers.nodes()).filter(|(place, _)| *place != site.handle.place);
    others.next().map(|(_, node)| (standby, node))
}

fn leads(site: &Site<'_>, node: &dyn Node) -> Result<bool, String> {
    match site.kind.servers().levers.leads {
        Leads::Asked(leads) => leads(node.endpoint()),
        Leads::Only | Leads::None(_) => Ok(false),
    }
}

impl Fault for StandbyPromote {
    fn inject(&self, site: &Site<'_>) -> Result<(), FaultError> {
        let failed = |problem| FaultError::Refused { action: "replace", node: site.name(), problem };
        let (standby, node) = beside(site).ok_or_else(|| failed("it has no standby".to_owned()))?;
        if !leads(site, site.node).map_err(failed)? {
            return Err(failed("it does not lead".to_owned()));
        }
        site.node.kill()?;
        let promoted = |problem| FaultError::Refused { action: "promote", node: node.name().to_owned(), problem };
        self.waited_for.replace((standby.promote)(node.endpoint()).map_err(promoted)?);
        Ok(())
    }

    fn bites(&self, site: &Site<'_>) -> bool {
        site.node.pids().is_empty() && beside(site).is_some_and(|(_, node)| leads(site, node) == Ok(true))
    }

    fn heal(&self, site: &Site<'_>) -> Result<(), FaultError> {
        site.node.restart_empty()?;
        let waited_for = self.waited_for.take();
        let Some((standby, node)) = beside(site).filter(|_| !waited_for.is_empty()) else { return Ok(()) };
        let failed = |problem| FaultError::Refused { action: "set", node: node.name().to_owned(), problem };
        (standby.wait_for)(node.endpoint(), &waited_for).map_err(failed)
    }
}
