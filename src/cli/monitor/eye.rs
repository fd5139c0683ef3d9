//! Looks at a round while it runs: counts into the windows, notices that the system fell
//! silent, and ends the round then.

use std::cell::{Cell, RefCell};
use std::ops::ControlFlow;
use std::sync::Mutex;

use super::post::lock;
use super::sight::Sight;
use crate::cli::measure::Beside;
use crate::clock::Clock;
use crate::record::figures::Schedule;
use crate::record::{Event, What};
use crate::report::monitor::{Seen, Tap};
use crate::units::SECOND;

/// Nobody was answered for so long: the round ends, and the system is down.
const SILENCE_NS: u64 = 5 * SECOND;

/// One round.
pub struct Eye<'a> {
    sight: &'a Mutex<Sight>,
    clock: Clock,
    every_ns: u64,
    /// Do violations after the end of a lease count?
    counts_all: bool,
    tap: RefCell<Tap>,
    /// First attempt since the last answer.
    asked: Cell<Option<u64>>,
    served: Cell<u64>,
    silent: Cell<bool>,
}

impl<'a> Eye<'a> {
    /// For a round of so many clients and keys.
    pub fn new(sight: &'a Mutex<Sight>, clock: Clock, every_ns: u64, counts_all: bool, size: (u32, u32)) -> Self {
        Self {
            sight,
            clock,
            every_ns,
            counts_all,
            tap: RefCell::new(Tap::new(size.0, size.1)),
            asked: Cell::new(None),
            served: Cell::new(0),
            silent: Cell::new(false),
        }
    }

    /// Since when nobody was answered, if the round shows that the system is down.
    pub fn silent_since(&self) -> Option<u64> {
        let nobody = self.served.get() == 0;
        self.asked.get().filter(|_| self.silent.get() || nobody)
    }
}

impl Beside for Eye<'_> {
    fn begins(&self, schedule: &Schedule) {
        lock(self.sight).account(schedule.start, self.every_ns);
    }

    fn sees(&self, event: &Event) {
        let mut sight = lock(self.sight);
        if matches!(event.what, What::Invoke { .. }) && self.asked.get().is_none() {
            self.asked.set(Some(event.t));
        }
        if self.tap.borrow_mut().observe(event, &mut sight.rolling) == Seen::Served {
            self.asked.set(None);
            self.served.set(self.served.get() + 1);
            sight.answers(event.t);
        }
    }

    fn ticks(&self, violations: u64) -> ControlFlow<()> {
        if self.counts_all {
            lock(self.sight).fresh = violations;
        }
        let waited = self.asked.get().map_or(0, |since| self.clock.now().saturating_sub(since));
        // Whoever waits for a holder does not wait for the system.
        if waited < SILENCE_NS || self.tap.borrow().held() {
            return ControlFlow::Continue(());
        }
        self.silent.set(true);
        ControlFlow::Break(())
    }
}
