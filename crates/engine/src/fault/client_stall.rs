//! `client-stall`: a client renews nothing while its critical section goes on, as where the thread that renews is
//! starved. It bites when a renewal was left out.

use std::sync::atomic::{AtomicU64, Ordering};

use super::{ClientFault, FaultError};
use crate::crew::Hands;
use lockbench_core::clock::Clock;

#[derive(Default)]
pub(super) struct ClientStall {
    /// Renewals that the client had left out before.
    before: AtomicU64,
}

impl ClientFault for ClientStall {
    fn inject(&self, hands: &Hands, client: u32, _clock: Clock) -> Result<(), FaultError> {
        let tripwires = hands.common.tripwires.as_ref().ok_or(FaultError::NoProcess(client))?;
        self.before.store(tripwires.left_out(client), Ordering::Relaxed);
        tripwires.stall(client, true);
        Ok(())
    }

    fn bites(&self, hands: &Hands, client: u32) -> bool {
        let left_out = hands.common.tripwires.as_ref().map_or(0, |tripwires| tripwires.left_out(client));
        left_out > self.before.load(Ordering::Relaxed)
    }

    fn heal(&self, hands: &Hands, client: u32) -> Result<(), FaultError> {
        if let Some(tripwires) = &hands.common.tripwires {
            tripwires.stall(client, false);
        }
        Ok(())
    }
}
