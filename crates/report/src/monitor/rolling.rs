//! The rolling windows: three rings of slots, by the second for five minutes, by the
//! minute for an hour, by ten minutes for a day, and one tally of everything.
//!
//! All memory is taken at the start, [`Rolling::BYTES`] per system, under 4 MB. It depends
//! on nothing that is seen: not on keys, grants or the length of the watch.

use super::waits::Waits;
use super::window_counts::WindowCounts;
use lockbench_core::units::SECOND;

/// The windows that are shown, with their lengths in nanoseconds.
pub const WINDOWS: [(&str, u64); 4] =
    [("1m", 60 * SECOND), ("5m", 300 * SECOND), ("1h", 3_600 * SECOND), ("24h", 86_400 * SECOND)];

/// Width and number of the slots of each ring.
const RINGS: [(u64, usize); 3] = [(SECOND, 300), (60 * SECOND, 60), (600 * SECOND, 144)];

/// What was seen of one system.
pub struct Rolling {
    origin: u64,
    rings: [Ring; 3],
    total: WindowCounts,
}

struct Ring {
    width_ns: u64,
    slots: Vec<Slot>,
}

#[derive(Clone, Default)]
struct Slot {
    /// Slots since the origin, from 1; 0: never used.
    number: u64,
    tally: WindowCounts,
}

impl Rolling {
    /// Bytes of one.
    pub const BYTES: usize =
        size_of::<Self>() + (size_of::<Slot>() + 3 * Waits::BYTES) * (RINGS[0].1 + RINGS[1].1 + RINGS[2].1);

    /// The longest window.
    pub const LONGEST_NS: u64 = RINGS[2].0 * RINGS[2].1 as u64;

    /// Windows that begin at `origin`.
    #[must_use]
    pub fn new(origin: u64) -> Self {
        let ring = |(width_ns, slots)| Ring { width_ns, slots: vec![Slot::default(); slots] };
        Self { origin, rings: RINGS.map(ring), total: WindowCounts::default() }
    }

    /// Counts something at `t`.
    pub fn count(&mut self, t: u64, count: impl Fn(&mut WindowCounts)) {
        let since = t.saturating_sub(self.origin);
        for ring in &mut self.rings {
            if let Some(tally) = ring.slot(since) {
                count(tally);
            }
        }
        count(&mut self.total);
    }

    /// Everything since the origin.
    #[must_use]
    pub fn total(&self) -> &WindowCounts {
        &self.total
    }

    /// The last `length_ns` before `now`, with the slot that is under way, from the
    /// finest ring that reaches so far.
    #[must_use]
    pub fn window(&self, now: u64, length_ns: u64) -> WindowCounts {
        let (ring, first, last) = self.reach(now, length_ns);
        let mut sum = WindowCounts::default();
        for slot in ring.slots.iter().filter(|slot| slot.number > 0 && (first..=last).contains(&slot.number)) {
            sum.merge(&slot.tally);
        }
        sum
    }

    /// How long the time is that [`Self::window`] sums up: less than `length_ns` while the
    /// watch is young, and by what is still to come of the slot under way.
    #[must_use]
    pub fn seen_ns(&self, now: u64, length_ns: u64) -> u64 {
        let (ring, first, _) = self.reach(now, length_ns);
        now.saturating_sub(self.origin).saturating_sub(first.saturating_sub(1) * ring.width_ns)
    }

    /// The finest ring that reaches so far, with the first and the last of its slots.
    fn reach(&self, now: u64, length_ns: u64) -> (&Ring, u64, u64) {
        let fits = |ring: &&Ring| ring.width_ns * ring.slots.len() as u64 >= length_ns;
        let ring = self.rings.iter().find(fits).unwrap_or(&self.rings[2]);
        let last = ring.number(now.saturating_sub(self.origin));
        (ring, (last + 1).saturating_sub(length_ns.div_ceil(ring.width_ns).max(1)), last)
    }

    /// The 99th percentile of the service time of each of the last 60 minutes, the one
    /// under way last, however few grants it had; `None` without a grant.
    #[must_use]
    pub fn p99_by_minute(&self, now: u64) -> Vec<Option<u64>> {
        self.by_minute(now, |tally| tally.service.raw_percentile(0.99))
    }

    /// That of the response time, with what was late at least so much.
    #[must_use]
    pub fn response_p99_by_minute(&self, now: u64) -> Vec<Option<u64>> {
        self.by_minute(now, |tally| {
            let mut all = tally.response.clone();
            all.merge(&tally.late);
            all.raw_percentile(0.99)
        })
    }

    /// Something of each of the last 60 minutes, the one under way last.
    fn by_minute(&self, now: u64, something: impl Fn(&WindowCounts) -> Option<u64>) -> Vec<Option<u64>> {
        let minutes = &self.rings[1];
        let last = minutes.number(now.saturating_sub(self.origin));
        let of = |number: u64| {
            let slot = minutes.slots.iter().find(|slot| slot.number > 0 && slot.number == number)?;
            something(&slot.tally)
        };
        (0..60).rev().map(|back| last.checked_sub(back).and_then(of)).collect()
    }
}

impl Ring {
    fn number(&self, since: u64) -> u64 {
        since / self.width_ns + 1
    }

    /// The slot of an instant; `None` for one so old that its slot is another's by now.
    fn slot(&mut self, since: u64) -> Option<&mut WindowCounts> {
        let number = self.number(since);
        let place = number as usize % self.slots.len();
        let slot = &mut self.slots[place];
        if slot.number > number {
            return None;
        }
        if slot.number < number {
            *slot = Slot { number, tally: WindowCounts::default() };
        }
        Some(&mut slot.tally)
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::{prop_assert_eq, proptest};

    use super::{Rolling, WINDOWS};
    use lockbench_core::figure::Counter;
    use lockbench_core::units::SECOND;

    #[test]
    fn its_memory_is_fixed_and_small() {
        const { assert!(Rolling::BYTES < 4_000_000) };
        let mut rolling = Rolling::new(0);
        let capacities = |rolling: &Rolling| rolling.rings.each_ref().map(|ring| ring.slots.capacity());
        let before = capacities(&rolling);
        for second in 0..100_000_u64 {
            rolling.count(second * 30 * SECOND, |tally| tally.count(Counter::Grants));
        }
        assert_eq!((capacities(&rolling), rolling.total().of(Counter::Grants)), (before, 100_000));
    }

    #[test]
    fn what_is_older_than_a_window_is_not_in_it() {
        let mut rolling = Rolling::new(7 * SECOND);
        for second in 7..7 + 7_200_u64 {
            rolling.count(second * SECOND, |tally| {
                tally.count(Counter::Grants);
                tally.service.record(second);
            });
        }
        let now = (7 + 7_199) * SECOND;
        let grants = WINDOWS.map(|(_, length)| rolling.window(now, length).of(Counter::Grants));
        assert_eq!(grants, [60, 300, 3_600, 7_200]);
        // Nothing came since: the windows run empty.
        let later = now + 400 * SECOND;
        assert_eq!(rolling.window(later, 300 * SECOND).of(Counter::Grants), 0);
        assert_eq!(rolling.p99_by_minute(later).iter().flatten().count(), 53);
    }

    #[test]
    fn a_window_knows_how_much_time_it_has_seen() {
        let rolling = Rolling::new(100 * SECOND);
        let seen = |since: u64, length: u64| rolling.seen_ns((100 + since) * SECOND, length * SECOND) / SECOND;
        assert_eq!([seen(0, 300), seen(40, 300), seen(5_000, 300)], [0, 40, 299]);
        // By the minute: nine that are over and the one under way.
        assert_eq!([seen(30, 600), seen(1_200, 600), seen(1_259, 600)], [30, 540, 599]);
    }

    #[test]
    fn what_comes_too_late_for_a_slot_is_in_the_total_all_the_same() {
        let mut rolling = Rolling::new(0);
        rolling.count(301 * SECOND, |tally| tally.count(Counter::Grants));
        rolling.count(SECOND, |tally| tally.count(Counter::Grants));
        assert_eq!(rolling.window(301 * SECOND, 300 * SECOND).of(Counter::Grants), 1);
        assert_eq!(
            (rolling.window(301 * SECOND, 3_600 * SECOND).of(Counter::Grants), rolling.total().of(Counter::Grants)),
            (2, 2)
        );
    }

    proptest! {
        #[test]
        fn a_window_is_the_sum_of_its_seconds(
            steps in vec(0_u64..40, 1..200),
            window in 1_u64..300,
        ) {
            let (mut rolling, mut now, mut seen) = (Rolling::new(0), 0, Vec::new());
            for step in steps {
                now += step * SECOND / 2;
                rolling.count(now, |tally| tally.count(Counter::TimedOut));
                seen.push(now / SECOND);
            }
            let last = now / SECOND;
            let expected = seen.iter().filter(|second| **second + window > last).count() as u64;
            prop_assert_eq!(rolling.window(now, window * SECOND).of(Counter::TimedOut), expected);
        }
    }
}
