//! Outages in a run: attempts that the service did not serve, or whose answer was lost. One
//! bound decides what is ranked and what is a finding, and the same seconds are shaded in
//! every chart over time.

use super::measured::Measurements;

/// Share of the attempts without service or without an answer from which on the waits of a
/// system are those of the luckier attempts only: it is not ranked, and a lint says so.
const UNSERVED: f64 = 0.01;

/// Returns whether that share of the attempts is too much to pass over.
#[must_use]
pub fn too_many_unserved(share: f64) -> bool {
    share >= UNSERVED
}

/// Seconds since the start of the warm-up in which an attempt was under way that was not
/// served in the end, as stretches from the first of them to behind the last.
#[must_use]
pub fn unserved_stretches(trial: &Measurements) -> Vec<(u64, u64)> {
    let mut stretches: Vec<(u64, u64)> = Vec::new();
    for window in trial.windows.iter().filter(|window| window.had_unserved()) {
        match stretches.last_mut().filter(|last| last.1 == window.second) {
            Some(last) => last.1 += 1,
            None => stretches.push((window.second, window.second + 1)),
        }
    }
    stretches
}

/// Whole seconds of the measure phase in which an attempt went unserved and none was granted.
#[must_use]
pub fn dark_seconds(trial: &Measurements) -> u64 {
    let (from, to) = (trial.warmup_ns, trial.warmup_ns.saturating_add(trial.measured_ns));
    let at = |second: u64| second.saturating_mul(lockbench_core::units::SECOND);
    // In a pause nothing is to be granted.
    let inside = |second: u64| at(second) >= from && at(second + 1) <= to && !trial.paused_within(second, second + 1);
    let dark = trial.windows.iter().filter(|window| window.had_unserved() && window.grants == 0);
    dark.filter(|window| inside(window.second)).count() as u64
}

#[cfg(test)]
mod tests {
    use super::super::fixture::measured;
    use super::{dark_seconds, too_many_unserved, unserved_stretches};

    #[test]
    fn seconds_that_follow_each_other_are_one_stretch() {
        let mut trial = measured("redis", 1, &[5, 0, 0, 5, 5, 0]);
        assert!(unserved_stretches(&trial).is_empty() && dark_seconds(&trial) == 0);
        for second in [1, 2, 3, 4, 7] {
            trial.windows[second].unserved = 1;
        }
        assert_eq!(unserved_stretches(&trial), [(1, 5), (7, 8)]);
        // Second 1 is warm-up, and second 2 granted.
        assert_eq!(dark_seconds(&trial), 3);
        assert!(too_many_unserved(0.01) && !too_many_unserved(0.009_9));
    }
}
