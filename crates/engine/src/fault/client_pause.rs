//! `client-pause`: the process of a client is stopped, and continued: the real long garbage collection. All clients
//! of that process stand still with it.

use super::{ClientFault, FaultError};
use crate::crew::Hands;
use lockbench_core::clock::Clock;

pub(super) struct ClientPause;

impl ClientFault for ClientPause {
    fn inject(&self, hands: &Hands, client: u32, _clock: Clock) -> Result<(), FaultError> {
        let processes = hands.processes.as_ref().ok_or(FaultError::NoProcess(client))?;
        Ok(processes.stop(processes.of(client))?)
    }

    fn bites(&self, hands: &Hands, client: u32) -> bool {
        hands.processes.as_ref().is_some_and(|processes| processes.stands(processes.of(client)))
    }

    fn heal(&self, hands: &Hands, client: u32) -> Result<(), FaultError> {
        let processes = hands.processes.as_ref().ok_or(FaultError::NoProcess(client))?;
        Ok(processes.go_on(processes.of(client))?)
    }
}
