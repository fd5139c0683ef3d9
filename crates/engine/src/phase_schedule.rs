//! Walks a load through its phases: tells the caller how it goes, ends the load when
//! it is stopped, when the caller breaks off, and where somebody does not end in time.

use std::ops::ControlFlow;
use std::sync::Arc;

use super::pause_control::PauseControl;
use super::trial::{Spec, Tick};
use lockbench_core::record::figures::{Pause, Schedule};
use lockbench_core::record::{Phase, Shard};

/// Longest drain after a stop (Ctrl-C).
const STOPPED_DRAIN_NS: u64 = 5_000_000_000;
/// How often the caller is told how it goes.
const TICK_NS: u64 = 100_000_000;

pub struct PhaseSchedule {
    spec: Arc<Spec>,
    schedule: Schedule,
    pause_control: PauseControl,
    own: Shard,
    phase: Phase,
    paused: bool,
    next_tick: u64,
    /// The last tick.
    ticked: u64,
    /// How long after the end of measuring what began in time may take.
    own_end_ns: u64,
    /// When a load that was stopped is given up.
    give_up_at: u64,
    stopped: bool,
    cut_short: bool,
}

impl PhaseSchedule {
    /// `own` takes what is due and no client took.
    pub fn new(spec: &Arc<Spec>, schedule: &Schedule, pause_control: PauseControl, own: Shard) -> Self {
        let patience = spec.plan.patience_ns();
        // Whatever began in time may end by its own deadline and hold.
        let own_end_ns = patience.saturating_add(spec.plan.longest_hold_ns()).saturating_add(STOPPED_DRAIN_NS);
        Self {
            spec: Arc::clone(spec),
            schedule: schedule.clone(),
            pause_control,
            own,
            phase: Phase::Warmup,
            paused: false,
            next_tick: 0,
            ticked: 0,
            own_end_ns,
            give_up_at: u64::MAX,
            stopped: false,
            cut_short: false,
        }
    }

    /// Looks at the clock and at what was asked for.
    pub fn step(&mut self, tick: &mut dyn FnMut(Tick) -> ControlFlow<()>) {
        // First: a stop ends a pause, and the phases are moved before they are looked at.
        self.pause_control.look();
        let now = self.spec.clock.now();
        if self.spec.stop.draining() && !self.stopped {
            self.stopped = true;
            self.cut_short |= now < self.schedule.end();
            self.schedule.stop_at(now);
            self.give_up_at = now.saturating_add(STOPPED_DRAIN_NS);
        }
        if now > self.schedule.end().saturating_add(self.own_end_ns).min(self.give_up_at) {
            // Somebody did not end in time: what is dropped now is incomplete.
            self.cut_short = true;
            self.spec.stop.abort();
        }
        let told = self.tick(now);
        let changed = told.entered || told.paused != self.paused;
        (self.phase, self.paused) = (told.phase, told.paused);
        if changed || now >= self.next_tick {
            self.next_tick = now + TICK_NS;
            let before = std::mem::replace(&mut self.ticked, now);
            self.spec.grids.settle(&self.schedule, before, &self.own);
            if tick(told).is_break() {
                self.cut_short = true;
                self.pause_control.go_on();
                self.schedule.stop_at(self.spec.clock.now());
                self.spec.stop.abort();
            }
        }
    }

    fn tick(&self, now: u64) -> Tick {
        // While the load is paused neither instant can be reached.
        let phase = if self.stopped || now >= self.schedule.end() {
            Phase::Drain
        } else if now >= self.schedule.measure() {
            Phase::Measure
        } else {
            Phase::Warmup
        };
        let pause = self.pause_control.pause();
        Tick {
            phase,
            entered: phase != self.phase || self.next_tick == 0,
            elapsed_ns: now.saturating_sub(self.schedule.start),
            left_ns: pause.map_or_else(|| self.schedule.end().saturating_sub(now), Pause::left_ns),
            paused: pause.is_some(),
        }
    }

    /// Everything has ended. Was the load cut short?
    pub fn end(self) -> bool {
        self.cut_short
    }
}
