//! When the phases of a trial begin and end. Pauses make them longer while they
//! run, a stop makes them shorter.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Stands for an instant that cannot come while the load is paused.
const HELD: u64 = u64::MAX;

/// The instants of a trial's phases, in clock nanoseconds. Clones share what moves;
/// one phase schedule moves it.
#[derive(Clone, Debug)]
pub struct Schedule {
    /// Start of the warm-up.
    pub start: u64,
    measure: Arc<AtomicU64>,
    end: Arc<AtomicU64>,
}

/// A pause that has begun: how much of the phases it found still to come.
#[derive(Debug, PartialEq, Eq)]
pub struct Pause {
    from: u64,
    /// Until measuring starts; `None`: it had.
    until_measure: Option<u64>,
    until_end: u64,
}

impl Pause {
    /// When it began.
    #[must_use]
    pub fn from(&self) -> u64 {
        self.from
    }

    /// Nanoseconds from its end to the end of measuring.
    #[must_use]
    pub fn left_ns(&self) -> u64 {
        self.until_end
    }
}

impl Schedule {
    /// A schedule that starts at `start`.
    #[must_use]
    pub fn new(start: u64, warmup_ns: u64, duration_ns: u64) -> Self {
        let measure = start.saturating_add(warmup_ns);
        Self::between(start, measure, measure.saturating_add(duration_ns))
    }

    /// A schedule of these instants; it measures nothing if the last is the earlier one.
    #[must_use]
    pub fn between(start: u64, measure: u64, end: u64) -> Self {
        let end = Arc::new(AtomicU64::new(end.max(measure)));
        Self { start, measure: Arc::new(AtomicU64::new(measure)), end }
    }

    /// End of the warm-up: from here on attempts count.
    #[must_use]
    pub fn measure(&self) -> u64 {
        self.measure.load(Ordering::Relaxed)
    }

    /// End of measuring.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.end.load(Ordering::Relaxed)
    }

    /// Takes over the instants of the same schedule in another process.
    pub fn set(&self, measure: u64, end: u64) {
        self.measure.store(measure, Ordering::Relaxed);
        self.end.store(end.max(measure), Ordering::Relaxed);
    }

    /// Moves the end of measuring forward to `instant`, never back. A pause must be
    /// over before.
    pub fn stop_at(&self, instant: u64) {
        self.end.fetch_min(instant.max(self.measure()), Ordering::Relaxed);
    }

    /// Does an attempt invoked at `instant` count?
    #[must_use]
    pub fn measures(&self, instant: u64) -> bool {
        instant >= self.measure() && instant < self.end()
    }

    /// The load is paused from `from` on: until it goes on, no phase ends. So what is
    /// said of an instant meanwhile stays true, however long the pause will be.
    #[must_use]
    pub fn pause(&self, from: u64) -> Pause {
        let (measure, end) = (self.measure(), self.end());
        let until_measure = (from < measure).then(|| measure - from);
        if until_measure.is_some() {
            self.measure.store(HELD, Ordering::Relaxed);
        }
        self.end.store(HELD, Ordering::Relaxed);
        Pause { from, until_measure, until_end: end.saturating_sub(from) }
    }

    /// It goes on at `to`: what was still to come at the begin of the pause is so now.
    pub fn resume(&self, pause: &Pause, to: u64) {
        if let Some(left) = pause.until_measure {
            self.measure.store(to.saturating_add(left), Ordering::Relaxed);
        }
        self.end.fetch_min(to.saturating_add(pause.until_end), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::Schedule;

    /// Warm-up 0..100, measure 100..200, after these pauses.
    fn after(pauses: &[(u64, u64)]) -> (u64, u64) {
        let schedule = Schedule::new(0, 100, 100);
        for (from, to) in pauses {
            let pause = schedule.pause(*from);
            schedule.resume(&pause, *to);
        }
        (schedule.measure(), schedule.end())
    }

    #[test]
    fn a_pause_lengthens_the_phase_that_it_begins_in() {
        for (pauses, phases) in [
            (vec![], (100, 200)),
            (vec![(40, 40)], (100, 200)),
            (vec![(40, 70)], (130, 230)),
            (vec![(40, 500)], (560, 660)),
            (vec![(99, 101)], (102, 202)),
            (vec![(100, 101)], (100, 201)),
            (vec![(150, 1_000)], (100, 1_050)),
            (vec![(199, 300)], (100, 301)),
            (vec![(10, 20), (30, 40), (130, 150), (150, 151)], (120, 241)),
        ] {
            assert_eq!(after(&pauses), phases, "{pauses:?}");
        }
    }

    #[test]
    fn while_paused_no_phase_ends_and_what_is_said_stays_true() {
        for from in [0, 40, 99, 100, 150, 199] {
            for length in [1, 30, 1_000] {
                let schedule = Schedule::new(0, 100, 100);
                let pause = schedule.pause(from);
                let shown: Vec<bool> = (0..=from + length).map(|t| schedule.measures(t)).collect();
                schedule.resume(&pause, from + length);
                let later: Vec<bool> = (0..=from + length).map(|t| schedule.measures(t)).collect();
                assert_eq!(shown, later, "{from} {length}");
                assert!(schedule.measure() <= schedule.end());
            }
        }
    }

    #[test]
    fn a_stop_after_a_pause_leaves_sane_instants() {
        let stopped = |from: u64, to: u64| {
            let schedule = Schedule::new(0, 100, 100);
            let pause = schedule.pause(from);
            schedule.resume(&pause, to);
            schedule.stop_at(to);
            (schedule.measure(), schedule.end())
        };
        assert_eq!(stopped(40, 70), (130, 130));
        assert_eq!(stopped(150, 400), (100, 400));
        assert_eq!(stopped(100, 100), (100, 100));
    }

    #[test]
    fn a_pause_knows_what_is_left() {
        let schedule = Schedule::new(0, 100, 100);
        let pause = schedule.pause(40);
        assert_eq!((pause.from(), pause.left_ns()), (40, 160));
        schedule.resume(&pause, 50);
        assert_eq!(schedule.pause(300).left_ns(), 0);
    }
}
