//! The sweep over intervals of one key: is the start of this interval inside an
//! earlier one? Intervals come in order of start, so that it is enough to
//! remember the one that reaches furthest.
//!
//! Two intervals overlap iff `a.start < b.end && b.start < a.end`. So an interval
//! of no length overlaps one that contains its instant in its inside, but not one
//! that starts or ends there; two of no length never overlap.

/// The furthest reach so far, with a tag of the interval it belongs to.
#[derive(Clone, Copy, Debug)]
struct Reach<T> {
    end: u64,
    tag: T,
}

/// The running maximum.
#[derive(Clone, Debug)]
pub struct Cover<T> {
    /// Among intervals that started before `start`.
    before: Option<Reach<T>>,
    /// Among those that started exactly at `start`.
    tied: Option<Reach<T>>,
    start: u64,
}

impl<T> Default for Cover<T> {
    fn default() -> Self {
        Self { before: None, tied: None, start: 0 }
    }
}

impl<T: Copy> Cover<T> {
    /// The earlier interval, if any, that `[start, end]` starts inside of. Starts
    /// must not decrease from call to call, of this and of [`Cover::add`].
    pub fn test(&mut self, start: u64, end: u64) -> Option<T> {
        self.advance(start);
        let before = self.before.as_ref().filter(|reach| reach.end > start);
        let tied = self.tied.as_ref().filter(|reach| reach.end > start && end > start);
        before.or(tied).map(|reach| reach.tag)
    }

    /// Adds an interval.
    pub fn add(&mut self, start: u64, end: u64, tag: T) {
        self.advance(start);
        extend(&mut self.tied, Reach { end, tag });
    }

    fn advance(&mut self, start: u64) {
        if start > self.start {
            if let Some(tied) = self.tied.take() {
                extend(&mut self.before, tied);
            }
            self.start = start;
        }
    }
}

/// Keeps the one that reaches further, of equal ones the first.
fn extend<T>(furthest: &mut Option<Reach<T>>, next: Reach<T>) {
    if furthest.as_ref().is_none_or(|reach| next.end > reach.end) {
        *furthest = Some(next);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{Strategy, prop_assert_eq, proptest};

    use super::Cover;

    fn overlap(a: (u64, u64), b: (u64, u64)) -> bool {
        a.0 < b.1 && b.0 < a.1
    }

    fn intervals() -> impl Strategy<Value = Vec<(u64, u64)>> {
        // Few instants, so that ties and empty intervals are common.
        proptest::collection::vec((0_u64..12, 0_u64..5), 0..12).prop_map(|pairs| {
            let mut intervals: Vec<(u64, u64)> =
                pairs.into_iter().map(|(start, length)| (start, start + length)).collect();
            intervals.sort_by_key(|interval| interval.0);
            intervals
        })
    }

    proptest! {
        #[test]
        fn the_sweep_agrees_with_comparing_all_pairs(intervals in intervals()) {
            let mut cover = Cover::default();
            for (i, (start, end)) in intervals.iter().copied().enumerate() {
                let brute = intervals[..i].iter().any(|earlier| overlap(*earlier, (start, end)));
                prop_assert_eq!(cover.test(start, end).is_some(), brute, "{} of {:?}", i, &intervals);
                cover.add(start, end, i);
            }
        }
    }
}
