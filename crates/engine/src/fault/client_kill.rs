//! `client-kill`: the process of a client is killed, and all of its clients with it. The kernel closes its
//! connections; leases run out.
//!
//! It is stopped first and taken out of the witness while it stands still: its server may grant its locks to others
//! in the moment in which it dies.

use super::{ClientFault, FaultError};
use crate::crew::Hands;
use lockbench_core::clock::Clock;

pub(super) struct ClientKill;

impl ClientFault for ClientKill {
    fn inject(&self, hands: &Hands, client: u32, clock: Clock) -> Result<(), FaultError> {
        let processes = hands.processes.as_ref().ok_or(FaultError::NoProcess(client))?;
        let process = processes.of(client);
        if processes.ended(process) {
            // With another client of that process.
            return Ok(());
        }
        processes.stop(process)?;
        hands.common.witness.bury(process);
        Ok(processes.kill(process, clock.now())?)
    }

    fn bites(&self, hands: &Hands, client: u32) -> bool {
        hands.processes.as_ref().is_some_and(|processes| processes.ended(processes.of(client)))
    }

    fn heal(&self, _hands: &Hands, _client: u32) -> Result<(), FaultError> {
        Ok(())
    }

    fn ends(&self) -> bool {
        false
    }
}
