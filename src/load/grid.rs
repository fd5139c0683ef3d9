//! Attempts at a fixed rate: due instants on a grid that the clients of a trial share
//! out among themselves. A free client takes the next instant ahead and waits for it;
//! an instant that comes while no client is free was missed and is counted as dropped:
//! nobody hurries after it, so that a slow server is not met by a burst.
//!
//! The last two of every ten attempts are due together, at the instant of the first of
//! them. At a low rate attempts would never meet otherwise, and a lock that nobody
//! challenges proves nothing. The rate is kept: the tenth instant is left out.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::record::figures::Schedule;
use crate::units::SECOND;

/// Attempts from one pair that is due together to the next.
const GROUP: u64 = 10;

/// The due instants of one trial. The first is one interval after the start.
#[derive(Debug)]
pub struct Grid {
    every_ns: u64,
    /// Number of the first instant that nobody has taken.
    next: AtomicU64,
    dropped: AtomicU64,
}

impl Grid {
    /// One attempt every `every_ns` nanoseconds on average, of all clients together.
    #[must_use]
    pub fn new(every_ns: u64) -> Self {
        Self { every_ns: every_ns.max(1), next: AtomicU64::new(0), dropped: AtomicU64::new(0) }
    }

    /// Room for events that a worker may need before they are read: those of a second,
    /// and of every client at once.
    pub(super) fn events_ahead(&self, clients: u32) -> usize {
        /// Most events of one attempt, a renewal or two included.
        const EVENTS: u64 = 8;
        let attempts = (SECOND / self.every_ns).saturating_add(clients.into());
        usize::try_from(attempts * EVENTS).unwrap_or(usize::MAX)
    }

    /// Instants of the measure phase so far that no client could take.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Takes the first instant from `now` on. Earlier ones that nobody took are dropped.
    pub(super) fn take(&self, schedule: &Schedule, now: u64) -> u64 {
        let (from, taken) = self.pass(self.first_from(schedule.start, now), 1);
        self.drop_between(schedule, from, taken);
        self.due(schedule.start, taken)
    }

    /// Instants before `now` that nobody took were in a pause of the load: nobody's fault.
    pub(super) fn forgive(&self, schedule: &Schedule, now: u64) {
        let _ = self.pass(self.first_from(schedule.start, now), 0);
    }

    /// The load is over: what was due before its end and not taken is dropped.
    pub(super) fn close(&self, schedule: &Schedule) {
        let (from, to) = self.pass(self.first_from(schedule.start, schedule.end()), 0);
        self.drop_between(schedule, from, to);
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

    fn drop_between(&self, schedule: &Schedule, from: u64, to: u64) {
        let missed = (from..to).filter(|n| schedule.measures(self.due(schedule.start, *n))).count();
        self.dropped.fetch_add(missed as u64, Ordering::Relaxed);
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

    use super::Grid;
    use crate::record::figures::Schedule;

    #[test]
    fn the_last_two_of_ten_are_due_together_and_the_rate_is_kept() {
        let (grid, schedule) = (Grid::new(10), Schedule::new(1_000, 0, 1_000));
        let due: Vec<u64> = (0..12).map(|_| grid.take(&schedule, 1_000)).collect();
        assert_eq!(due, [1_010, 1_020, 1_030, 1_040, 1_050, 1_060, 1_070, 1_080, 1_090, 1_090, 1_110, 1_120]);
        assert_eq!(grid.dropped(), 0);
    }

    #[test]
    fn what_came_while_nobody_was_free_is_dropped_and_never_made_up_for() {
        let (grid, schedule) = (Grid::new(10), Schedule::new(0, 0, 1_000));
        assert_eq!(grid.take(&schedule, 0), 10);
        assert_eq!((grid.take(&schedule, 55), grid.dropped()), (60, 4));
        grid.forgive(&schedule, 95);
        assert_eq!((grid.take(&schedule, 101), grid.dropped()), (110, 4));
    }

    #[test]
    fn the_warm_up_drops_nothing_that_counts_and_the_end_closes_the_account() {
        let (grid, schedule) = (Grid::new(10), Schedule::new(0, 50, 50));
        assert_eq!((grid.take(&schedule, 71), grid.dropped()), (80, 3));
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
            let (grid, schedule) = (Grid::new(every), Schedule::new(7, 0, end));
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
