//! Attempts at a fixed rate: due instants on a grid that the clients of a trial share
//! out among themselves. A free client takes the next instant ahead and waits for it;
//! an instant that comes while no client is free was missed and is counted as dropped:
//! nobody hurries after it, so that a slow server is not met by a burst. What came while
//! this process itself did not run is counted apart: no server is to blame for it.
//!
//! The last two of every ten attempts are due together, at the instant of the first of
//! them. At a low rate attempts would never meet otherwise, and a lock that nobody
//! challenges proves nothing. The rate is kept: the tenth instant is left out.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::stalls::Stalls;
use lockbench_core::record::figures::Schedule;
use lockbench_core::units::SECOND;

/// Attempts from one pair that is due together to the next.
const GROUP: u64 = 10;

/// A client that begins its turn later than this is late by our own doing: that is far
/// more than a timer needs.
const LATE_NS: u64 = 10_000_000;

/// The due instants of one trial. The first is one interval after the start.
#[derive(Debug)]
pub struct DueInstants {
    every_ns: u64,
    /// Number of the first instant that nobody has taken.
    next: AtomicU64,
    dropped: AtomicU64,
    stalled: AtomicU64,
    opened: AtomicU64,
    account: Mutex<Account>,
}

/// An instant of the measure phase that no client took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Untaken {
    /// When an attempt was due.
    pub due: u64,
    /// When a client was free again: the attempt would have begun then at the earliest.
    pub free_at: u64,
    /// Did this process not run at that instant? Then nobody can tell whether the system
    /// would have served it.
    pub own: bool,
}

/// Instants that nobody took. Touched only where there are any.
#[derive(Debug, Default)]
struct Account {
    /// Numbers from, up to, and when a client was free again: not judged yet.
    passed: Vec<(u64, u64, u64)>,
    /// Judged, and not fetched yet.
    settled: Vec<Untaken>,
    stalls: Stalls,
}

impl DueInstants {
    /// One attempt every `every_ns` nanoseconds on average, of all clients together.
    #[must_use]
    pub fn new(every_ns: u64) -> Self {
        let zero = AtomicU64::default;
        Self {
            every_ns: every_ns.max(1),
            next: zero(),
            dropped: zero(),
            stalled: zero(),
            opened: zero(),
            account: Mutex::default(),
        }
    }

    /// Room for events that a worker may need before they are read: those of a second,
    /// and of every client at once.
    pub(super) fn events_ahead(&self, clients: u32) -> usize {
        /// Most events of one attempt, a renewal or two included.
        const EVENTS: u64 = 8;
        let attempts = (SECOND / self.every_ns).saturating_add(clients.into());
        usize::try_from(attempts * EVENTS).unwrap_or(usize::MAX)
    }

    /// Instants of the measure phase so far that no client could take, because all were
    /// busy. An instant is counted when it was settled.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Instants of the measure phase so far that no client took because this process did
    /// not run.
    #[must_use]
    pub fn stalled(&self) -> u64 {
        self.stalled.load(Ordering::Relaxed)
    }

    /// What was settled since this was last asked, in order.
    #[must_use]
    pub fn fetch(&self) -> Vec<Untaken> {
        std::mem::take(&mut self.account().settled)
    }

    /// When the last session so far was opened, 0 if none was: the system answers while its
    /// clients are made ready.
    #[must_use]
    pub fn opened(&self) -> u64 {
        self.opened.load(Ordering::Relaxed)
    }

    /// Notes that a session was opened at the clock instant `now`.
    pub fn opens(&self, now: u64) {
        self.opened.fetch_max(now, Ordering::Relaxed);
    }

    /// A client that had taken the instant `due` begins its turn `now`. Returns when its attempt
    /// is due: it waited ready for the instant, and whatever made it late is no server's doing.
    pub(super) fn begins(&self, due: u64, now: u64) -> u64 {
        if now.saturating_sub(due) <= LATE_NS {
            return due;
        }
        self.stall(due, now);
        now
    }

    /// This process, or the part of it that takes turns, did not run from `from` to `to`.
    pub(super) fn stall(&self, from: u64, to: u64) {
        self.account().stalls.add(from, to);
    }

    /// Judges what was passed over before `before`: by then every client that was late
    /// has said so.
    pub(super) fn settle(&self, schedule: &Schedule, before: u64) {
        let mut account = self.account();
        let account = &mut *account;
        account.passed.retain(|(from, to, free_at)| {
            if *free_at >= before {
                return true;
            }
            for due in (*from..*to).map(|n| self.due(schedule.start, n)).filter(|due| schedule.measures(*due)) {
                let own = account.stalls.covers(due);
                let count = if own { &self.stalled } else { &self.dropped };
                count.fetch_add(1, Ordering::Relaxed);
                account.settled.push(Untaken { due, free_at: (*free_at).max(due), own });
            }
            false
        });
        // No instant from here on can have been in an earlier stall.
        let first = account.passed.iter().map(|(from, ..)| *from).chain([self.next.load(Ordering::Relaxed)]).min();
        // One that is about to be told may be earlier than what others have taken meanwhile.
        account.stalls.forget(self.due(schedule.start, first.unwrap_or_default()).min(before));
    }

    fn account(&self) -> MutexGuard<'_, Account> {
        self.account.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the first instant from `now` on. Earlier ones that nobody took are dropped.
    pub(super) fn take(&self, schedule: &Schedule, now: u64) -> u64 {
        let (from, taken) = self.pass(self.first_from(schedule.start, now), 1);
        self.pass_over(from, taken, now);
        self.due(schedule.start, taken)
    }

    /// Instants before `now` that nobody took were in a pause of the load: nobody's fault.
    pub(super) fn forgive(&self, schedule: &Schedule, now: u64) {
        let _ = self.pass(self.first_from(schedule.start, now), 0);
    }

    /// The load is over: what was due before its end and not taken is passed over, and
    /// everything is settled.
    pub(super) fn close(&self, schedule: &Schedule) {
        let (from, to) = self.pass(self.first_from(schedule.start, schedule.end()), 0);
        self.pass_over(from, to, schedule.end());
        self.settle(schedule, u64::MAX);
    }

    /// Moves on to number `to`, or beyond where others are, and takes `take` from there.
    /// Returns the first that nobody had taken before, and the first that is taken now.
    fn pass(&self, to: u64, take: u64) -> (u64, u64) {
        let mut from = self.next.load(Ordering::Relaxed);
        loop {
            let first = to.max(from);
            match self.next.compare_exchange_weak(from, first + take, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return (from, first),
                Err(other) => from = other,
            }
        }
    }

    fn pass_over(&self, from: u64, to: u64, free_at: u64) {
        if from < to {
            self.account().passed.push((from, to, free_at));
        }
    }

    fn due(&self, start: u64, n: u64) -> u64 {
        let place = n / GROUP * GROUP + (n % GROUP).min(GROUP - 2);
        start.saturating_add(self.every_ns.saturating_mul(place + 1))
    }

    /// Number of the first instant at or after `now`.
    fn first_from(&self, start: u64, now: u64) -> u64 {
        let place = now.saturating_sub(start).div_ceil(self.every_ns).saturating_sub(1);
        // Nothing is due at the last place of a group.
        if place % GROUP == GROUP - 1 { place + 1 } else { place }
    }
}

#[cfg(test)]
mod tests {
    use proptest::{prop_assert, prop_assert_eq, proptest};

    use super::{DueInstants, LATE_NS, Untaken};
    use lockbench_core::record::figures::Schedule;
    use lockbench_core::units::MILLISECOND;

    fn dropped(grid: &DueInstants, schedule: &Schedule) -> u64 {
        grid.settle(schedule, u64::MAX);
        grid.dropped()
    }

    #[test]
    fn the_last_two_of_ten_are_due_together_and_the_rate_is_kept() {
        let (grid, schedule) = (DueInstants::new(10), Schedule::new(1_000, 0, 1_000));
        let due: Vec<u64> = (0..12).map(|_| grid.take(&schedule, 1_000)).collect();
        assert_eq!(due, [1_010, 1_020, 1_030, 1_040, 1_050, 1_060, 1_070, 1_080, 1_090, 1_090, 1_110, 1_120]);
        assert_eq!(dropped(&grid, &schedule), 0);
    }

    #[test]
    fn what_came_while_nobody_was_free_is_dropped_and_never_made_up_for() {
        let (grid, schedule) = (DueInstants::new(10), Schedule::new(0, 0, 1_000));
        assert_eq!(grid.take(&schedule, 0), 10);
        assert_eq!((grid.take(&schedule, 55), dropped(&grid, &schedule)), (60, 4));
        let untaken = |due| Untaken { due, free_at: 55, own: false };
        assert_eq!(grid.fetch(), [20, 30, 40, 50].map(untaken), "as late as they were at least");
        assert!(grid.fetch().is_empty());
        grid.forgive(&schedule, 95);
        assert_eq!((grid.take(&schedule, 101), dropped(&grid, &schedule)), (110, 4));
    }

    #[test]
    fn what_came_while_this_process_did_not_run_is_counted_apart() {
        let ms = |n: u64| n * MILLISECOND;
        // Two clients; one waits for its turn at 20 ms and oversleeps to 205 ms.
        let (grid, schedule) = (DueInstants::new(ms(10)), Schedule::new(0, 0, ms(1_000)));
        assert_eq!([0, 0].map(|now| grid.take(&schedule, now)), [ms(10), ms(20)]);
        assert_eq!(grid.begins(ms(10), ms(10)), ms(10));
        // The other one is free again before the first has said that it was late.
        assert_eq!(grid.take(&schedule, ms(205)), ms(210));
        grid.settle(&schedule, ms(205));
        assert_eq!((grid.dropped(), grid.stalled()), (0, 0), "not judged yet");
        assert_eq!(grid.begins(ms(20), ms(205)), ms(205), "no wait for the system");
        grid.settle(&schedule, ms(206));
        // 30 to 200 ms but for the tenth places: 18 instants.
        assert_eq!((grid.dropped(), grid.stalled()), (0, 18));
        assert!(grid.fetch().iter().all(|untaken| untaken.own));
        // All busy: nobody was late, so that it is the server.
        assert_eq!(grid.begins(ms(210), ms(210) + LATE_NS), ms(210));
        assert_eq!(grid.take(&schedule, ms(255)), ms(260));
        // The watchdog did not run either in a part of it.
        grid.stall(ms(240), ms(252));
        grid.settle(&schedule, ms(400));
        assert_eq!((grid.dropped(), grid.stalled()), (2, 20));
        grid.close(&schedule);
        assert_eq!(grid.stalled(), 20);
    }

    #[test]
    fn the_warm_up_drops_nothing_that_counts_and_the_end_closes_the_account() {
        let (grid, schedule) = (DueInstants::new(10), Schedule::new(0, 50, 50));
        assert_eq!((grid.take(&schedule, 71), dropped(&grid, &schedule)), (80, 3));
        grid.close(&schedule);
        assert_eq!(grid.dropped(), 5, "two of them at 90");
        grid.close(&schedule);
        assert_eq!(grid.dropped(), 5);
    }

    proptest! {
        #[test]
        fn every_instant_is_taken_or_dropped(
            every in 1_u64..50,
            steps in proptest::collection::vec(0_u64..300, 1..60),
        ) {
            let end = steps.iter().sum::<u64>() + 1;
            let (grid, schedule) = (DueInstants::new(every), Schedule::new(7, 0, end));
            let (mut now, mut taken) = (7, 0);
            for step in steps {
                now += step;
                let due = grid.take(&schedule, now);
                prop_assert!(due >= now);
                taken += u64::from(schedule.measures(due));
            }
            grid.close(&schedule);
            let all = (0..).map(|n| grid.due(7, n)).take_while(|due| *due < schedule.end()).count() as u64;
            prop_assert_eq!(taken + grid.dropped(), all);
        }
    }
}
