//! The trial under way as an observer that publishes how it stands, at the pace that the watcher
//! asks for.

use super::meter::own_cpu_s;
use super::steering::Steering;
use super::watcher::{TrialWatcher, Watcher};
use lockbench_core::clock::Clock;
use lockbench_core::record::{Event, Observer};
use lockbench_report::live::{LiveTrial, Update};

/// A trial and its watchers.
pub struct Published<'a> {
    trial: LiveTrial<'a>,
    watcher: &'a dyn Watcher,
    steering: &'a Steering,
    clock: Clock,
    /// Sees its figures.
    own: Box<dyn TrialWatcher + 'a>,
    /// Time between snapshots; `None`: none are wanted.
    pace_ns: Option<u64>,
    next: u64,
    /// Instant and processor seconds of the last snapshot.
    last: (u64, f64),
}

impl<'a> Published<'a> {
    /// Publishes a trial.
    pub fn new(
        trial: LiveTrial<'a>,
        watcher: &'a dyn Watcher,
        steering: &'a Steering,
        clock: Clock,
        own: Box<dyn TrialWatcher + 'a>,
    ) -> Self {
        let pace_ns = watcher.pace_ns();
        Self { trial, watcher, steering, clock, own, pace_ns, next: 0, last: (clock.now(), own_cpu_s()) }
    }

    /// How it stands now, whatever the pace.
    pub fn publish(&mut self) {
        let now = self.clock.now();
        if self.pace_ns.is_none() || !self.watcher.wants_snapshot() {
            return;
        }
        let (before, cpu_before) = self.last;
        let cpu = own_cpu_s();
        let elapsed = now.saturating_sub(before) as f64 / 1e9;
        let share = (elapsed > 0.0).then(|| (cpu - cpu_before) / elapsed);
        self.last = (now, cpu);
        let snapshot = self.trial.snapshot(now, self.steering.held(), share);
        self.watcher.update(Update::Live(Box::new(snapshot)));
    }

    /// The trial, and the watcher that awaits its result.
    pub fn into_parts(self) -> (LiveTrial<'a>, Box<dyn TrialWatcher + 'a>) {
        (self.trial, self.own)
    }
}

impl Observer for Published<'_> {
    fn observe(&mut self, event: &Event) {
        self.trial.observe(event);
    }

    fn pause(&mut self) {
        self.trial.pause();
        self.own.pause(&self.trial);
        let Some(pace) = self.pace_ns else { return };
        let now = self.clock.now();
        if now >= self.next {
            self.next = now + pace;
            self.publish();
        }
    }
}
