//! `client-late-write`: what a client writes to the resource at the end of its critical section reaches it when the fault
//! is healed. The client is honest and nothing stops it: it takes the write for written, and releases; which no lock can
//! know. It bites where the key had been entered again when the write arrived.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::{ClientFault, FaultError};
use crate::crew::Hands;
use lockbench_core::clock::Clock;

/// How long a write may take from when it may arrive: its client may be stopped by another fault.
const ARRIVES_WITHIN: Duration = Duration::from_secs(1);
const LOOK: Duration = Duration::from_micros(200);

pub(super) struct ClientLateWrite {
    /// Place of the fault in the plan.
    fault: u16,
    /// Writes of the client that had come late before.
    before: AtomicU64,
}

impl ClientLateWrite {
    pub(super) fn new(fault: u16) -> Self {
        Self { fault, before: AtomicU64::new(0) }
    }
}

impl ClientFault for ClientLateWrite {
    fn inject(&self, hands: &Hands, client: u32, _clock: Clock) -> Result<(), FaultError> {
        let tripwires = hands.common.tripwires.as_ref().ok_or(FaultError::NoProcess(client))?;
        self.before.store(tripwires.arrivals(client).1, Ordering::Relaxed);
        tripwires.hold_back(self.fault, client);
        Ok(())
    }

    fn bites(&self, hands: &Hands, client: u32) -> bool {
        let late = hands.common.tripwires.as_ref().map_or(0, |tripwires| tripwires.arrivals(client).1);
        late > self.before.load(Ordering::Relaxed)
    }

    fn heal(&self, hands: &Hands, client: u32) -> Result<(), FaultError> {
        let Some(tripwires) = &hands.common.tripwires else { return Ok(()) };
        let (before, _) = tripwires.arrivals(client);
        if tripwires.deliver(client) {
            let limit = Instant::now() + ARRIVES_WITHIN;
            while tripwires.arrivals(client).0 == before && Instant::now() < limit {
                thread::sleep(LOOK);
            }
        }
        Ok(())
    }
}
