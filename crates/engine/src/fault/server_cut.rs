//! `server-cut`: a member of a cluster is cut off from its peers, both ways; clients still reach it. It
//! has bitten when bytes between the members were held back. A standby, which has no say, is told to receive nothing more,
//! and has bitten when it says that it does not.

use std::cell::{Cell, RefCell};

use super::peers::Cut;
use super::{Fault, FaultError, Site};
use lockbench_systems::levers::{Lever, Standby};

#[derive(Default)]
pub(super) struct ServerCut {
    cut: RefCell<Option<Cut>>,
    /// Bytes held back before.
    before: Cell<u64>,
    /// What a standby needs to receive again.
    followed: RefCell<Option<String>>,
}

/// What the node can be told, if it may be a standby.
fn standby(site: &Site<'_>) -> Option<Standby> {
    match site.kind.servers().levers.standby {
        Lever::Offered(standby) => Some(standby),
        Lever::None(_) => None,
    }
}

impl Fault for ServerCut {
    fn inject(&self, site: &Site<'_>) -> Result<(), FaultError> {
        if let Some(standby) = standby(site) {
            let failed = |problem| FaultError::Refused { action: "cut off", node: site.name(), problem };
            self.followed.replace(Some((standby.cut)(site.node.endpoint()).map_err(failed)?));
            return Ok(());
        }
        let (peers, kind, member) = site.peers()?;
        self.before.set(peers.held(kind));
        self.cut.replace(Some(peers.cut(kind, member)));
        Ok(())
    }

    fn bites(&self, site: &Site<'_>) -> bool {
        if let Some(standby) = standby(site) {
            return (standby.receives)(site.node.endpoint()) == Ok(false);
        }
        site.peers().is_ok_and(|(peers, kind, _)| peers.held(kind) > self.before.get())
    }

    fn heal(&self, site: &Site<'_>) -> Result<(), FaultError> {
        if let Some(standby) = standby(site) {
            let Some(followed) = self.followed.take() else { return Ok(()) };
            let failed = |problem| FaultError::Refused { action: "join", node: site.name(), problem };
            return (standby.join)(site.node.endpoint(), &followed).map_err(failed);
        }
        let (peers, kind, _) = site.peers()?;
        if let Some(cut) = self.cut.take() {
            peers.join(cut);
        }
        match peers.strangers(kind) {
            0 => Ok(()),
            some => Err(FaultError::Strangers(some)),
        }
    }
}
