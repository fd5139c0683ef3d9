//! A trial in slices of one length, counted by the events' own time: whoever looks how
//! often, or plays a stored run how fast, is told the same slices.

use serde::{Deserialize, Serialize};

use lockbench_core::units::{MILLISECOND, SECOND};

/// Length of a slice.
pub const SLICE_NS: u64 = 200 * MILLISECOND;
/// Without an event a slice is over so long after its end: by then every event of it has
/// come through the queues.
const SURELY_NS: u64 = SECOND;

/// A stretch of a trial that is over.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slice {
    /// Its end, nanoseconds since the start of the warm-up.
    pub at_ns: u64,
    /// Its length.
    pub length_ns: u64,
    /// Grants in it, any phase.
    pub grants: u64,
    /// Clients that waited at its end.
    pub waiting: u32,
    /// Clients inside at its end.
    pub inside: u32,
    /// Of the busiest keys, in order of key: attempts until its end that found it held.
    pub contended: Vec<(u32, u64)>,
    /// Keys that are not among them.
    pub more_keys: u32,
}

/// What is known at the end of a slice, beside its grants.
pub struct AtEnd {
    /// Clients that wait.
    pub waiting: u32,
    /// Clients inside.
    pub inside: u32,
    /// See [`Slice::contended`].
    pub contended: Vec<(u32, u64)>,
    /// Keys that are not among them.
    pub more_keys: u32,
}

/// A fold over the events.
pub struct Slices {
    start: u64,
    /// Slices that are over.
    over: u64,
    /// Grants of the one under way.
    grants: u64,
    /// Those over that were not taken.
    ended: Vec<Slice>,
}

impl Slices {
    /// Of a trial that starts then.
    pub fn new(start: u64) -> Self {
        Self { start, over: 0, grants: 0, ended: Vec::new() }
    }

    /// An event at `t` follows; `state` is asked only where a slice is over.
    pub fn reach(&mut self, t: u64, state: impl FnOnce() -> AtEnd) {
        let number = t.saturating_sub(self.start) / SLICE_NS;
        if number > self.over {
            self.end(number, state());
        }
    }

    /// Nothing came until `now`.
    pub fn wait(&mut self, now: u64, state: impl FnOnce() -> AtEnd) {
        self.reach(now.saturating_sub(SURELY_NS), state);
    }

    fn end(&mut self, number: u64, state: AtEnd) {
        while self.over < number {
            self.over += 1;
            self.ended.push(Slice {
                at_ns: self.over * SLICE_NS,
                length_ns: SLICE_NS,
                grants: std::mem::take(&mut self.grants),
                waiting: state.waiting,
                inside: state.inside,
                contended: state.contended.clone(),
                more_keys: state.more_keys,
            });
        }
    }

    /// A grant, in the slice under way.
    pub fn granted(&mut self) {
        self.grants += 1;
    }

    /// Those that are over since this was asked last.
    pub fn take(&mut self) -> Vec<Slice> {
        std::mem::take(&mut self.ended)
    }
}

#[cfg(test)]
mod tests {
    use super::{AtEnd, SLICE_NS, Slices};
    use lockbench_core::units::SECOND;

    fn state() -> AtEnd {
        AtEnd { waiting: 2, inside: 1, contended: vec![(0, 7)], more_keys: 0 }
    }

    #[test]
    fn the_slices_are_the_same_however_often_they_are_taken() {
        let told = |every: usize| {
            let (mut slices, mut told) = (Slices::new(5), Vec::new());
            for (i, ms) in [10, 150, 210, 950, 960, 1_300].into_iter().enumerate() {
                slices.reach(5 + ms * 1_000_000, state);
                slices.granted();
                if i % every == 0 {
                    told.extend(slices.take());
                }
            }
            told.extend(slices.take());
            told
        };
        let grants: Vec<u64> = told(1).iter().map(|slice| slice.grants).collect();
        assert_eq!(grants, [2, 1, 0, 0, 2, 0]);
        assert_eq!((told(1), told(1)[5].at_ns), (told(100), 6 * SLICE_NS));
    }

    #[test]
    fn without_events_time_goes_on_once_none_can_come_any_more() {
        let mut slices = Slices::new(0);
        slices.granted();
        slices.wait(SECOND + SLICE_NS / 2, state);
        assert_eq!(slices.take(), []);
        slices.wait(SECOND + 2 * SLICE_NS, state);
        assert_eq!(slices.take().iter().map(|slice| slice.grants).collect::<Vec<_>>(), [1, 0]);
    }
}
