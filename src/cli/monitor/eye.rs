//! Looks at a round while it runs: counts into the windows, notices that the system fell
//! silent, and ends the round then.

use std::cell::{Cell, RefCell};
use std::ops::ControlFlow;
use std::sync::Mutex;

use super::post::lock;
use super::sight::{Sight, Turned};
use crate::cli::measure::Beside;
use crate::clock::Clock;
use crate::record::figures::Schedule;
use crate::record::history::Alarm;
use crate::record::{Event, What};
use crate::report::monitor::{Certain, Rolling, Seen, Tap};
use crate::units::SECOND;

/// Nobody was answered for so long: the round ends, and the system is down.
const SILENCE_NS: u64 = 5 * SECOND;

/// No bound needs to name this: it is a violation like a double grant.
const BACKWARDS: &str = "a fencing token went back: whoever checks tokens takes an earlier holder for the present one; \
                         did the server lose its data?";

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
    /// The last answer.
    answered: Cell<Option<u64>>,
    silent: Cell<bool>,
    /// Attempts that no client could take: those that count as dropped already, and those
    /// since the last answer, which may yet turn out to be part of an outage.
    dropped: Cell<u64>,
    undecided: Cell<u64>,
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
            answered: Cell::new(None),
            silent: Cell::new(false),
            dropped: Cell::new(0),
            undecided: Cell::new(0),
        }
    }

    /// Attempts that no client could take and that are in the windows as dropped. What the
    /// round's result has beyond them came after the last answer.
    pub fn dropped(&self) -> u64 {
        self.dropped.get()
    }

    /// The system answers: whoever could not be served was late for want of a client.
    fn decide(&self, t: u64, rolling: &mut Rolling) {
        let dropped = self.undecided.take();
        if dropped > 0 {
            self.dropped.set(self.dropped.get() + dropped);
            rolling.count(t, |tally| tally.dropped += dropped);
        }
    }

    /// Until when the system answered, as far as the round shows: until the first attempt
    /// without an answer, or the last answer; `None` if nobody asked.
    pub fn answered_until(&self) -> Option<u64> {
        self.asked.get().or(self.answered.get())
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
            self.answered.set(Some(event.t));
            self.served.set(self.served.get() + 1);
            sight.answers(event.t);
            self.decide(event.t, &mut sight.rolling);
        }
    }

    fn ticks(&self, violations: Alarm, dropped: u64) -> ControlFlow<()> {
        self.undecided.set(dropped.saturating_sub(self.dropped.get()));
        if self.asked.get().is_none() {
            self.decide(self.clock.now(), &mut lock(self.sight).rolling);
        }
        let mut sight = lock(self.sight);
        if violations.regressions > 0 && sight.violations().token_regressions == 0 {
            sight.turn(Turned::Violated(BACKWARDS.to_owned()));
        }
        let doubles = if self.counts_all { violations.count - violations.regressions } else { 0 };
        sight.fresh =
            Certain { double_grants: doubles, token_regressions: violations.regressions, ..Certain::default() };
        drop(sight);
        let waited = self.asked.get().map_or(0, |since| self.clock.now().saturating_sub(since));
        // Whoever waits for a holder does not wait for the system.
        if waited < SILENCE_NS || self.tap.borrow().held() {
            return ControlFlow::Continue(());
        }
        self.silent.set(true);
        ControlFlow::Break(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Beside, Eye, Sight, Turned, lock};
    use crate::clock::Clock;
    use crate::record::history::Alarm;
    use crate::record::{Event, What};
    use crate::report::monitor::Certain;

    #[test]
    fn a_token_that_went_back_is_no_double_grant_and_is_told_once() {
        let clock = Clock::monotonic();
        let sight = Sight::shared("redis", clock.now());
        let eye = Eye::new(&sight, clock, 1, true, (2, 1));
        for (count, regressions) in [(1, 1), (3, 2)] {
            assert!(eye.ticks(Alarm { count, regressions, at: 0 }, 0).is_continue());
        }
        let seen = Certain { double_grants: 1, token_regressions: 2, ..Certain::default() };
        assert_eq!(lock(&sight).violations(), seen);
        assert!(matches!(lock(&sight).take_turns()[..], [Turned::Violated(_)]));
    }

    #[test]
    fn what_was_answered_is_part_of_no_outage() {
        let clock = Clock::monotonic();
        let sight = Sight::shared("redis", clock.now());
        let eye = Eye::new(&sight, clock, 1, true, (2, 1));
        let saw = |t, what| eye.sees(&Event { t, client: 0, key: 0, what });
        assert_eq!(eye.answered_until(), None);
        saw(10, What::Invoke { due: 10 });
        saw(20, What::Acquired { token: None, validity: 0, requests: 1, waited: None });
        assert_eq!(eye.answered_until(), Some(20));
        saw(30, What::Invoke { due: 30 });
        assert_eq!((eye.answered_until(), eye.silent_since()), (Some(30), None));
    }

    #[test]
    fn what_nobody_could_take_is_told_at_once_but_for_what_may_be_an_outage() {
        let clock = Clock::monotonic();
        let sight = Sight::shared("redis", clock.now());
        let eye = Eye::new(&sight, clock, 1, true, (2, 1));
        let dropped = || lock(&sight).rolling.total().dropped;
        let saw = |what| eye.sees(&Event { t: clock.now(), client: 0, key: 0, what });
        assert!(eye.ticks(Alarm::default(), 3).is_continue());
        assert_eq!(dropped(), 3);
        saw(What::Invoke { due: clock.now() });
        assert!(eye.ticks(Alarm::default(), 5).is_continue() && eye.ticks(Alarm::default(), 6).is_continue());
        assert_eq!(dropped(), 3, "nobody was answered since");
        saw(What::Acquired { token: None, validity: 0, requests: 1, waited: None });
        assert_eq!((dropped(), eye.dropped()), (6, 6));
        saw(What::Invoke { due: clock.now() });
        assert!(eye.ticks(Alarm::default(), 10).is_continue());
        assert_eq!((dropped(), eye.dropped()), (6, 6), "the last four are left to the end of the round");
    }
}
