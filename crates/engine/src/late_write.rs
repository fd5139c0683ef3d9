//! The end of a critical section, where a client writes to the resource; and that write where a fault keeps it on its
//! way.

use std::sync::Arc;

use tokio::task::JoinHandle;

use super::tripwires::Tripwires;
use super::witness::{Visit, Witness};
use lockbench_core::clock::Timer;
use lockbench_core::record::{Event, Shard, What, WitnessReading};
use lockbench_core::stop::Stop;

/// What a client writes to the resource.
pub struct Writes {
    pub client: u32,
    pub shard: Shard,
    pub timer: Timer,
    pub stop: Stop,
    pub tripwires: Option<Tripwires>,
    /// Those on their way.
    pub late: Vec<JoinHandle<()>>,
}

impl Writes {
    /// Leaves a critical section by its last write. That is done when this returns, or it is on its way.
    pub fn leave(&mut self, (witness, visit): (Arc<Witness>, Visit), key: u32) -> WitnessReading {
        let held = self.tripwires.as_ref().and_then(|tripwires| Some((tripwires, tripwires.holds_back(self.client)?)));
        let Some((tripwires, fault)) = held else { return witness.leave(&visit) };
        let seen = witness.leave_before_write(&visit);
        let (tripwires, of, from) = (tripwires.clone(), self.client, self.timer.now());
        let (shard, timer, stop) = (self.shard.clone(), self.timer.clone(), self.stop.clone());
        self.late.push(tokio::task::spawn_local(async move {
            tripwires.on_its_way(of, &timer, &stop).await;
            let seen = witness.arrive(&visit);
            shard.stamp(Event::NOBODY, key, What::LateWrite { of, fault, from, seen });
            tripwires.arrived(of, seen.lost_update || seen.refused_write || seen.occupancy > 0);
        }));
        seen
    }

    /// Waits until all have arrived: they do when the load is over.
    pub async fn arrive(&mut self) {
        for write in self.late.drain(..) {
            // A panic of it has been printed.
            let _ = write.await;
        }
    }
}
