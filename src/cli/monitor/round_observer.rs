//! Looks at a round while it runs: counts into the windows, notices that the system fell
//! silent, and ends the round then.
//!
//! Silence is judged by the time in which this process ran: one that was stopped itself
//! heard nobody, and blames no server for it.

use std::cell::{Cell, RefCell};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::Mutex;

use super::monitor_context::lock;
use super::turned::Turned;
use super::watched_system::WatchedSystem;
use lockbench_core::clock::Clock;
use lockbench_core::record::Event;
use lockbench_core::record::figures::Schedule;
use lockbench_core::record::history::Alarm;
use lockbench_core::units::MILLISECOND;
use lockbench_engine::TrialObserver;
use lockbench_engine::{DueInstants, Untaken};
use lockbench_report::monitor::{Certain, ServiceSign, Tap};

/// Nobody was answered for so long: the round ends, and the system is down. With the ticks of
/// a round and the looks of the alerting thread it is told within two seconds.
pub const SILENCE_NS: u64 = 1_250 * MILLISECOND;
/// Ticks come ten times a second. A longer gap is our own: nobody could be heard in it.
const LONGEST_TICK_NS: u64 = 250 * MILLISECOND;

/// No bound needs to name this: it is a violation like a double grant.
const BACKWARDS: &str = "a fencing token went back: whoever checks tokens takes an earlier holder for the present one; \
                         did the server lose its data?";

/// One round.
pub struct RoundObserver<'a> {
    watched: &'a Mutex<WatchedSystem>,
    clock: Clock,
    every_ns: u64,
    /// Do violations after the end of a lease count?
    counts_all: bool,
    tap: RefCell<Tap>,
    schedule: RefCell<Option<Schedule>>,
    /// First attempt since the last answer, and how many there were since.
    asked: Cell<Option<u64>>,
    tries: Cell<u64>,
    served: Cell<u64>,
    /// The last answer.
    answered: Cell<Option<u64>>,
    silent: Cell<bool>,
    /// The last tick, and how long nobody was answered while this process ran.
    ticked: Cell<u64>,
    unheard_ns: Cell<u64>,
    /// Instants since the last answer that no client took: they may yet turn out to be part
    /// of an outage.
    undecided: RefCell<Vec<Untaken>>,
}

impl<'a> RoundObserver<'a> {
    /// For a round of so many clients and keys.
    pub fn new(
        watched: &'a Mutex<WatchedSystem>,
        clock: Clock,
        every_ns: u64,
        counts_all: bool,
        size: (u32, u32),
    ) -> Self {
        Self {
            watched,
            clock,
            every_ns,
            counts_all,
            tap: RefCell::new(Tap::new(size.0, size.1)),
            schedule: RefCell::new(None),
            asked: Cell::new(None),
            tries: Cell::new(0),
            served: Cell::new(0),
            answered: Cell::new(None),
            silent: Cell::new(false),
            ticked: Cell::new(clock.now()),
            unheard_ns: Cell::new(0),
            undecided: RefCell::new(Vec::new()),
        }
    }

    /// Until when the round tells of everything that was due; `None`: it never began.
    pub fn told_until(&self) -> Option<u64> {
        self.schedule.borrow().as_ref().map(Schedule::end)
    }

    /// Counts instants that no client took: before `silent` they were dropped for want of a
    /// client, from then on they are part of an outage.
    fn count(untaken: impl IntoIterator<Item = Untaken>, silent: u64, watched: &mut WatchedSystem) {
        for Untaken { due, free_at, own } in untaken {
            if own {
                watched.sleeps(due);
            } else if due < silent {
                watched.drops(due, free_at.saturating_sub(due));
            } else {
                watched.misses(due, due, 1);
            }
        }
    }

    /// Counts what no outage can have caused any more: what was due before the first attempt
    /// that still waits for an answer.
    fn decide(&self, watched: &mut WatchedSystem) {
        let asked = self.asked.get().unwrap_or(u64::MAX);
        let mut undecided = self.undecided.borrow_mut();
        let past = |untaken: &Untaken| untaken.own || untaken.due < asked;
        let (decided, rest): (Vec<_>, Vec<_>) = undecided.drain(..).partition(past);
        *undecided = rest;
        Self::count(decided, u64::MAX, watched);
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

    /// How long nobody has been answered, times left out in which this process did not run.
    fn unheard(&self, now: u64) -> u64 {
        let gap = now.saturating_sub(self.ticked.replace(now)).min(LONGEST_TICK_NS);
        let waited = self.asked.get().map_or(0, |since| now.saturating_sub(since));
        self.unheard_ns.set((self.unheard_ns.get() + gap).min(waited));
        self.unheard_ns.get()
    }
}

impl TrialObserver for RoundObserver<'_> {
    fn arms(&self, grid: &Arc<DueInstants>) {
        lock(self.watched).round_armed(self.clock.now(), Arc::clone(grid));
    }

    fn begins(&self, schedule: &Schedule) {
        *self.schedule.borrow_mut() = Some(schedule.clone());
        self.ticked.set(self.clock.now());
        lock(self.watched).round_begins(schedule.start, self.every_ns);
    }

    fn sees(&self, event: &Event) {
        let mut watched = lock(self.watched);
        match self.tap.borrow_mut().observe(event, &mut watched.rolling) {
            ServiceSign::Asked => {
                self.tries.set(self.tries.get() + 1);
                self.asked.set(self.asked.get().or(Some(event.t)));
            }
            ServiceSign::Served => {
                self.asked.set(None);
                self.tries.set(0);
                self.unheard_ns.set(0);
                self.answered.set(Some(event.t));
                self.served.set(self.served.get() + 1);
                watched.answers(event.t);
            }
            ServiceSign::Unserved | ServiceSign::Nothing => {}
        }
    }

    fn ticks(&self, violations: Alarm, untaken: Vec<Untaken>) -> ControlFlow<()> {
        self.undecided.borrow_mut().extend(untaken);
        let now = self.clock.now();
        let mut watched = lock(self.watched);
        self.decide(&mut watched);
        if violations.regressions > 0 && watched.violations().token_regressions == 0 {
            watched.turn(Turned::Violated(BACKWARDS.to_owned()));
        }
        let doubles = if self.counts_all { violations.count - violations.regressions } else { 0 };
        watched.fresh =
            Certain { double_grants: doubles, token_regressions: violations.regressions, ..Certain::default() };
        let unheard = self.unheard(now);
        // Whoever waits for a holder does not wait for the system.
        let Some(since) = self.asked.get().filter(|_| unheard >= SILENCE_NS && !self.tap.borrow().held()) else {
            return ControlFlow::Continue(());
        };
        self.silent.set(true);
        // The end of the round tells the reason; where the server hangs, it is long in coming.
        watched.doubt(now, since, format!("{} without an answer", attempts(self.tries.get())));
        ControlFlow::Break(())
    }

    fn ends(&self, untaken: Vec<Untaken>) {
        let silent = self.silent_since().unwrap_or(u64::MAX);
        let undecided = self.undecided.take();
        Self::count(undecided.into_iter().chain(untaken), silent, &mut lock(self.watched));
    }
}

/// `1 attempt`, `25 attempts`.
fn attempts(count: u64) -> String {
    if count == 1 { "1 attempt".to_owned() } else { format!("{count} attempts") }
}

#[cfg(test)]
mod tests {
    use super::{LONGEST_TICK_NS, RoundObserver, SILENCE_NS, TrialObserver, Turned, Untaken, WatchedSystem, lock};
    use lockbench_core::clock::Clock;
    use lockbench_core::figure::Counter;
    use lockbench_core::record::history::Alarm;
    use lockbench_core::record::{Event, What};
    use lockbench_core::units::MILLISECOND;
    use lockbench_report::monitor::Certain;

    #[test]
    fn a_token_that_went_back_is_no_double_grant_and_is_told_once() {
        let clock = Clock::monotonic();
        let watched = WatchedSystem::shared("redis", clock.now());
        let observer = RoundObserver::new(&watched, clock, 1, true, (2, 1));
        for (count, regressions) in [(1, 1), (3, 2)] {
            assert!(observer.ticks(Alarm { count, regressions, at: 0 }, Vec::new()).is_continue());
        }
        let seen = Certain { double_grants: 1, token_regressions: 2, ..Certain::default() };
        assert_eq!(lock(&watched).violations(), seen);
        assert!(matches!(lock(&watched).take_turns()[..], [Turned::Violated(_)]));
    }

    #[test]
    fn what_was_answered_is_part_of_no_outage() {
        let clock = Clock::monotonic();
        let watched = WatchedSystem::shared("redis", clock.now());
        let observer = RoundObserver::new(&watched, clock, 1, true, (2, 1));
        let saw = |t, what| observer.sees(&Event { t, client: 0, attempt: 0, key: 0, what });
        assert_eq!(observer.answered_until(), None);
        saw(10, What::Invoke { due: 10 });
        saw(20, What::Acquired { token: None, validity: 0, requests: 1, waited: None, wakeups: 0 });
        assert_eq!(observer.answered_until(), Some(20));
        saw(30, What::Invoke { due: 30 });
        assert_eq!((observer.answered_until(), observer.silent_since()), (Some(30), None));
    }

    fn untaken(due: u64, own: bool) -> Untaken {
        Untaken { due, free_at: due + 7, own }
    }

    #[test]
    fn what_nobody_could_take_is_told_at_once_but_for_what_may_be_an_outage() {
        let clock = Clock::monotonic();
        let begin = clock.now();
        let watched = WatchedSystem::shared("redis", begin);
        let observer = RoundObserver::new(&watched, clock, 1, true, (2, 1));
        let counted = || {
            let total = lock(&watched).rolling.total().clone();
            [Counter::Dropped, Counter::Missed, Counter::Stalled].map(|counter| total.of(counter))
        };
        let saw = |t, what| observer.sees(&Event { t, client: 0, attempt: 0, key: 0, what });
        let granted = What::Acquired { token: None, validity: 0, requests: 1, waited: None, wakeups: 0 };
        let told = |dues: &[u64]| {
            let all = dues.iter().map(|due| untaken(begin + due, false)).collect();
            assert!(observer.ticks(Alarm::default(), all).is_continue());
        };
        told(&[1, 2, 3]);
        assert_eq!(counted(), [3, 0, 0]);
        saw(begin + 10, What::Invoke { due: begin + 10 });
        told(&[9, 11, 12]);
        assert_eq!(counted(), [4, 0, 0], "nobody was answered since the attempt at 10");
        saw(begin + 13, granted);
        told(&[]);
        assert_eq!(counted(), [6, 0, 0]);
        saw(begin + 20, What::Invoke { due: begin + 20 });
        told(&[21, 22, 23]);
        assert_eq!(counted(), [6, 0, 0]);
        // This process slept: that is nobody's outage.
        assert!(observer.ticks(Alarm::default(), vec![untaken(begin + 24, true)]).is_continue());
        assert_eq!(counted(), [6, 0, 1]);
        observer.silent.set(true);
        observer.ends(vec![untaken(begin + 25, false)]);
        assert_eq!(counted(), [6, 4, 1], "the last ones are part of an outage");
        assert_eq!(lock(&watched).rolling.total().late.max_ns(), Some(7), "as late as they were");
    }

    #[test]
    fn silence_is_told_by_the_time_in_which_we_listened() {
        let clock = Clock::monotonic();
        let watched = WatchedSystem::shared("redis", clock.now());
        let observer = RoundObserver::new(&watched, clock, 1, true, (2, 1));
        let (second, tick) = (1_000 * MILLISECOND, 100 * MILLISECOND);
        observer.ticked.set(second);
        observer.asked.set(Some(second));
        // This process is stopped for a minute, and runs again.
        assert!(observer.unheard(61 * second) <= LONGEST_TICK_NS);
        let ticks = (1..).find(|n| observer.unheard(61 * second + n * tick) >= SILENCE_NS);
        assert_eq!(ticks, Some(10));
        // Without such a gap: at the first tick after it, and twenty instants a second are 26.
        observer.unheard_ns.set(0);
        observer.ticked.set(second);
        let ticks = (1..).find(|n| observer.unheard(second + n * tick) >= SILENCE_NS);
        assert_eq!(ticks, Some(13));
        assert!(SILENCE_NS + tick <= 1_500 * MILLISECOND, "the alerting thread has half a second to tell it");
    }

    #[test]
    fn a_silent_system_is_doubted_with_what_is_known_of_it() {
        let clock = Clock::monotonic();
        let watched = WatchedSystem::shared("redis", clock.now());
        let observer = RoundObserver::new(&watched, clock, 1, true, (2, 1));
        let t = clock.now();
        lock(&watched).answers(t);
        lock(&watched).take_turns();
        (0..2)
            .for_each(|client| observer.sees(&Event { t, client, attempt: 0, key: 0, what: What::Invoke { due: t } }));
        observer.unheard_ns.set(SILENCE_NS);
        observer.asked.set(Some(t.saturating_sub(2 * SILENCE_NS)));
        assert!(observer.ticks(Alarm::default(), Vec::new()).is_break());
        let mut watched = lock(&watched);
        watched.settle_doubt(u64::MAX);
        let turns = watched.take_turns();
        assert!(matches!(&turns[..], [Turned::Down { problem, .. }] if problem == "2 attempts without an answer"));
    }
}
