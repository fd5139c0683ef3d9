//! Counts by their [`Counter`], which add up whatever they are.

use super::counter::Counter;
use crate::record::figures::Counts;
use crate::record::history::Judged;

/// A value per counter; `None` where the count does not exist for a system, or was not taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals([Option<u64>; Counter::COUNT]);

impl Totals {
    /// Of a trial whose fold and oracle counted this. `tokens`: does the system have fencing tokens?
    #[must_use]
    pub fn of(counts: &Counts, judged: &Judged, tokens: bool) -> Self {
        let mut totals = Self::default();
        for &counter in Counter::ALL {
            let exists = tokens || !counter.is_of_tokens();
            totals.set(counter, counter.counted(counts, judged).filter(|_| exists));
        }
        totals
    }

    /// A count.
    #[must_use]
    pub fn get(&self, counter: Counter) -> Option<u64> {
        self.0[counter as usize]
    }

    /// The sum of some counts; `None` where one of them does not exist.
    #[must_use]
    pub fn sum(&self, counters: &[Counter]) -> Option<u64> {
        counters.iter().map(|counter| self.get(*counter)).sum()
    }

    /// Replaces a count.
    pub fn set(&mut self, counter: Counter, count: Option<u64>) {
        self.0[counter as usize] = count;
    }

    /// Adds so many to a count.
    pub fn plus(&mut self, counter: Counter, more: u64) {
        self.set(counter, Some(self.get(counter).unwrap_or(0) + more));
    }

    /// The same with another count.
    #[must_use]
    pub fn with(mut self, counter: Counter, count: u64) -> Self {
        self.set(counter, Some(count));
        self
    }

    /// Adds those of another trial: a count exists if it exists for either.
    pub fn add(&mut self, other: &Self) {
        for (mine, theirs) in self.0.iter_mut().zip(other.0) {
            *mine = match (*mine, theirs) {
                (Some(mine), Some(theirs)) => Some(mine + theirs),
                (mine, theirs) => mine.or(theirs),
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Counter, Totals};

    #[test]
    fn a_count_exists_where_either_trial_has_it() {
        let mut all = Totals::default().with(Counter::Grants, 3);
        all.add(&Totals::default().with(Counter::Grants, 4).with(Counter::LostLeases, 1));
        assert_eq!((all.get(Counter::Grants), all.get(Counter::LostLeases)), (Some(7), Some(1)));
        assert_eq!((all.get(Counter::Dropped), all.sum(&[Counter::Grants, Counter::Dropped])), (None, None));
        assert_eq!(all.sum(&[Counter::Grants, Counter::LostLeases]), Some(8));
    }
}
