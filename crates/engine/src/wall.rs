//! The wall clock beside the monotonic one: how far they moved apart during a run.
//! Both are slewed alike, so whatever is between them is a clock that was set, or a
//! machine that slept (`CLOCK_MONOTONIC` stands still then).

use rustix::time::{ClockId, Timespec, clock_gettime};

/// Readings of which the quickest counts: between the two clocks of one reading this
/// process may have to wait for a processor.
const READINGS: usize = 9;

/// The difference between both clocks at an instant.
pub struct WallClock {
    apart_ns: i128,
}

impl WallClock {
    /// Reads both.
    pub fn read() -> Self {
        let reading = || {
            let before = nanoseconds(clock_gettime(ClockId::Monotonic));
            let wall = nanoseconds(clock_gettime(ClockId::Realtime));
            let after = nanoseconds(clock_gettime(ClockId::Monotonic));
            (after - before, wall - (before + after) / 2)
        };
        let quickest = (0..READINGS).map(|_| reading()).min_by_key(|(took, _)| *took);
        Self { apart_ns: quickest.map_or(0, |(_, apart)| apart) }
    }

    /// Nanoseconds by which the wall clock has moved against the monotonic one since.
    pub fn step_ns(&self) -> i64 {
        let step = Self::read().apart_ns - self.apart_ns;
        i64::try_from(step).unwrap_or(if step < 0 { i64::MIN } else { i64::MAX })
    }
}

fn nanoseconds(t: Timespec) -> i128 {
    i128::from(t.tv_sec) * 1_000_000_000 + i128::from(t.tv_nsec)
}

#[cfg(test)]
mod tests {
    use super::WallClock;

    #[test]
    fn a_step_is_told_with_its_direction() {
        let second = 1_000_000_000;
        let now = WallClock::read().apart_ns;
        // Half a second is room for a test machine that is set meanwhile.
        let near = |found: i64, expected: i64| (found - expected).abs() < second / 2;
        assert!(near(WallClock { apart_ns: now }.step_ns(), 0));
        assert!(near(WallClock { apart_ns: now - i128::from(second) }.step_ns(), second));
        assert!(near(WallClock { apart_ns: now + i128::from(second) }.step_ns(), -second));
    }
}
