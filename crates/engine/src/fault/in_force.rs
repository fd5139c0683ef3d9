//! A fault in force at one node or client.

use super::{ClientFault, Fault, FaultError, Site};
use crate::crew::Hands;
use lockbench_core::clock::Clock;
use lockbench_core::record::{ClockSeen, DiskFacts, FaultRecord};

/// Whom a fault hits, with the value that does it.
pub(super) enum Victim<'a> {
    Node(Box<dyn Fault>, Site<'a>),
    Client(Box<dyn ClientFault>, u32),
}

/// A node or client with a fault in force, until it is healed.
pub(super) struct InForce<'a> {
    pub victim: Victim<'a>,
    pub hands: &'a Hands,
    pub record: FaultRecord,
    pub healed: bool,
}

impl InForce<'_> {
    pub fn inject(&self, clock: Clock) -> Result<(), FaultError> {
        match &self.victim {
            Victim::Node(fault, site) => fault.inject(site),
            Victim::Client(fault, client) => fault.inject(self.hands, *client, clock),
        }
    }

    pub fn bites(&self) -> bool {
        match &self.victim {
            Victim::Node(fault, site) => fault.bites(site),
            Victim::Client(fault, client) => fault.bites(self.hands, *client),
        }
    }

    pub fn heal(&mut self) -> Result<(), FaultError> {
        self.healed = true;
        match &self.victim {
            Victim::Node(fault, site) => fault.heal(site),
            Victim::Client(fault, client) => fault.heal(self.hands, *client),
        }
    }

    pub fn clock(&self) -> Option<ClockSeen> {
        match &self.victim {
            Victim::Node(fault, _) => fault.clock(),
            Victim::Client(fault, _) => fault.clock(),
        }
    }

    pub fn disk(&self) -> Option<DiskFacts> {
        match &self.victim {
            Victim::Node(fault, site) => fault.disk(site),
            Victim::Client(..) => None,
        }
    }

    pub fn ends(&self) -> bool {
        match &self.victim {
            Victim::Node(..) => true,
            Victim::Client(fault, _) => fault.ends(),
        }
    }
}

impl Drop for InForce<'_> {
    fn drop(&mut self) {
        if !self.healed {
            // Only a panic comes here.
            let _ = self.heal();
        }
    }
}
