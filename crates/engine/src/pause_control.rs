//! Does what a person asks of a running load, and stamps the events that tell of it:
//! the one place where the schedule is moved by a pause.

use std::collections::VecDeque;
use std::sync::Arc;

use super::steering::Steering;
use super::trial::Spec;
use lockbench_core::record::figures::{Pause, Schedule};
use lockbench_core::record::{Event, Shard, What};

/// At work from the begin of a load until it is dropped.
pub struct PauseControl {
    spec: Arc<Spec>,
    schedule: Schedule,
    shard: Shard,
    pause: Option<Pause>,
    markers: u32,
}

impl PauseControl {
    /// Takes markers from here on. Its events go into a shard of its own.
    pub fn new(spec: &Arc<Spec>, schedule: &Schedule, shard: Shard) -> Self {
        spec.steering.open();
        Self { spec: Arc::clone(spec), schedule: schedule.clone(), shard, pause: None, markers: 0 }
    }

    fn steering(&self) -> &Steering {
        &self.spec.steering
    }

    /// Is the load paused? Then how much of the phases is still to come.
    pub fn pause(&self) -> Option<&Pause> {
        self.pause.as_ref()
    }

    /// Looks what is asked for. A load that is stopped or at its end cannot be paused;
    /// one that is stopped while paused goes on, to its end.
    pub fn look(&mut self) {
        let stopped = self.spec.stop.draining();
        let wanted = self.steering().paused() && !stopped;
        match (self.pause.is_some(), wanted) {
            (false, true) if self.spec.clock.now() < self.schedule.end() => self.begin(),
            (true, false) => self.go_on(),
            _ => {}
        }
        let asked = self.steering().take_markers();
        self.stamp_markers(asked);
    }

    fn begin(&mut self) {
        let from = self.shard.stamp(Event::NOBODY, 0, What::PauseBegins);
        self.pause = Some(self.schedule.pause(from));
        self.steering().hold();
    }

    /// Ends the pause, if there is one: its event, then the phases, then the clients.
    pub fn go_on(&mut self) {
        if let Some(pause) = self.pause.take() {
            let to = self.shard.stamp(Event::NOBODY, 0, What::Paused { from: pause.from() });
            self.schedule.resume(&pause, to);
            self.steering().release();
        }
    }

    fn stamp_markers(&mut self, asked: VecDeque<u64>) {
        for asked in asked {
            self.markers += 1;
            let number = self.markers;
            self.shard.stamp_with(Event::NOBODY, 0, |t| What::Marker { number, at: asked.min(t) });
        }
    }
}

impl Drop for PauseControl {
    /// Whatever the load ends by, no client of the next one is held, and every pause
    /// has its end in the history.
    fn drop(&mut self) {
        self.go_on();
        let asked = self.steering().close();
        self.stamp_markers(asked);
    }
}
