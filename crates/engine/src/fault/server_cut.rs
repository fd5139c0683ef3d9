//! `server-cut`: a member of a cluster is cut off from its peers, both ways; clients still reach it. It
//! has bitten when bytes between the members were held back.

use std::cell::{Cell, RefCell};

use super::peers::Cut;
use super::{Fault, FaultError, Site};

#[derive(Default)]
pub(super) struct ServerCut {
    cut: RefCell<Option<Cut>>,
    /// Bytes held back before.
    before: Cell<u64>,
}

impl Fault for ServerCut {
    fn inject(&self, site: &Site<'_>) -> Result<(), FaultError> {
        let (peers, kind, member) = site.peers()?;
        self.before.set(peers.held(kind));
        self.cut.replace(Some(peers.cut(kind, member)));
        Ok(())
    }

    fn bites(&self, site: &Site<'_>) -> bool {
        site.peers().is_ok_and(|(peers, kind, _)| peers.held(kind) > self.before.get())
    }

    fn heal(&self, site: &Site<'_>) -> Result<(), FaultError> {
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
