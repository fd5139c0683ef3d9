//! Grants in steps of equal length, from the begin of the measure phase, and how long they were waited for: what the spread
//! within a trial is told from, and whether its waits had settled.

use crate::stats::still_growing;

/// Length of a step at first.
const STEP_NS: u64 = 100_000_000;
/// With so many steps each two become one.
const MOST: usize = 2_048;

/// The steps.
#[derive(Clone, Debug)]
pub struct Steps {
    step_ns: u64,
    /// Grants, and their response times in nanoseconds, added up.
    sums: Vec<(u64, u64)>,
}

impl Default for Steps {
    fn default() -> Self {
        Self { step_ns: STEP_NS, sums: Vec::new() }
    }
}

impl Steps {
    /// One more, so long after the begin, and how long it was waited for.
    pub(super) fn add(&mut self, after_ns: u64, waited_ns: u64) {
        while after_ns / self.step_ns >= MOST as u64 {
            let both = |two: &[(u64, u64)]| two.iter().fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
            self.sums = self.sums.chunks(2).map(both).collect();
            self.step_ns *= 2;
        }
        let place = (after_ns / self.step_ns) as usize;
        if self.sums.len() <= place {
            self.sums.resize(place + 1, (0, 0));
        }
        let (count, waited) = &mut self.sums[place];
        (*count, *waited) = (*count + 1, waited.saturating_add(waited_ns));
    }

    /// Grants per second in each step that lies within so long a phase.
    #[must_use]
    pub fn per_s(&self, phase_ns: u64) -> Vec<f64> {
        let whole = (phase_ns / self.step_ns) as usize;
        let seconds = self.step_ns as f64 / 1e9;
        (0..whole).map(|step| self.sums.get(step).map_or(0, |sums| sums.0) as f64 / seconds).collect()
    }
}

impl Steps {
    /// Where the waits within so long a phase were still growing at its end: from when on, in nanoseconds after the begin, and
    /// the mean wait before that and after it.
    #[must_use]
    pub fn growing(&self, phase_ns: u64) -> Option<(u64, f64, f64)> {
        let whole = (phase_ns / self.step_ns) as usize;
        let with = self.sums.iter().take(whole).enumerate().filter(|(_, (count, _))| *count > 0);
        let means: Vec<(u64, f64)> =
            with.map(|(step, (count, waited))| (step as u64 * self.step_ns, *waited as f64 / *count as f64)).collect();
        let values: Vec<f64> = means.iter().map(|(_, mean)| *mean).collect();
        still_growing(&values).map(|found| (means[found.cut].0, found.before, found.after))
    }
}

#[cfg(test)]
mod tests {
    use super::{MOST, STEP_NS, Steps};

    #[test]
    fn steps_become_longer_where_there_would_be_too_many_and_lose_nothing() {
        let mut steps = Steps::default();
        for step in 0..3 * MOST as u64 {
            steps.add(step * STEP_NS, 7);
        }
        let phase = 3 * MOST as u64 * STEP_NS;
        let per_s = steps.per_s(phase);
        assert_eq!((steps.step_ns, per_s.len()), (4 * STEP_NS, 3 * MOST / 4));
        assert!(per_s.iter().all(|rate| (rate - 10.0).abs() < 1e-9), "one in 100 ms");
        // A step that the phase does not reach to its end is none, one without a grant is.
        assert_eq!(Steps::default().per_s(350_000_000), [0.0; 3]);
    }
}
