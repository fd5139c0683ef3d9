//! A run over time in a line of characters.

use lockbench_core::record::Latency;
use lockbench_core::record::figures::{Mark, MarkKind, Window};
use lockbench_report::Measurements;

/// Heights from a little to the most.
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Nothing, or nothing to measure.
const NOTHING: char = '·';

/// Most characters of a line.
const MOST: usize = 60;

/// A bar per value, from 0 to the largest.
#[must_use]
pub fn sparkline(values: &[Option<f64>]) -> String {
    let most = values.iter().flatten().copied().fold(0.0, f64::max);
    let bar = |value: &Option<f64>| match value {
        Some(value) if *value > 0.0 => BARS[((value / most * 8.0).ceil() as usize).clamp(1, 8) - 1],
        Some(_) | None => NOTHING,
    };
    values.iter().map(bar).collect()
}

/// A trial over time. Each point is `seconds` long.
#[derive(Default)]
pub struct Course {
    /// Seconds per point.
    pub seconds: usize,
    /// Grants per second.
    pub rates: Vec<Option<f64>>,
    /// 99th percentile of the waits of a point's grants, however few; `None` without a grant.
    pub p99_ns: Vec<Option<f64>>,
    /// Double grants.
    pub doubles: Vec<u64>,
    /// What a person did: `P` for a pause of the load, a marker's number, `*` from 10 on.
    pub by_hand: Vec<char>,
    /// Whether an attempt was under way that was not served in the end.
    pub unserved: Vec<bool>,
}

impl Course {
    /// The whole trial, warm-up and drain included. A long trial has several seconds
    /// per point: their histograms are added, for percentiles cannot be averaged.
    ///
    /// # Errors
    /// If a stored histogram cannot be read.
    pub fn of(measured: &Measurements) -> Result<Self, String> {
        let seconds = measured.windows.len().div_ceil(MOST).max(1);
        let mut course = Self { seconds, ..Self::default() };
        for (point, windows) in measured.windows.chunks(seconds).enumerate() {
            let mut waits = Latency::default();
            for window in windows {
                waits.merge(&window.all_waits()?);
            }
            let grants: u64 = windows.iter().map(|window| window.grants).sum();
            course.rates.push(Some(grants as f64 / windows.len() as f64));
            course.p99_ns.push(waits.raw_percentile(0.99).map(|ns| ns as f64));
            let doubles = measured.double_grants.iter().skip(point * seconds).take(windows.len());
            course.doubles.push(doubles.sum());
            let from = (point * seconds) as f64;
            course.unserved.push(windows.iter().any(Window::had_unserved));
            course.by_hand.push(by_hand(measured, from, from + windows.len() as f64));
        }
        Ok(course)
    }
}

/// What a person did between two seconds, in one character: a marker goes before a pause.
fn by_hand(measured: &Measurements, from: f64, to: f64) -> char {
    let within = |mark: &&Mark| {
        let (begin, end) = measured.seconds_of(mark);
        begin < to && (end > from || begin >= from)
    };
    let shown = |kind: MarkKind| measured.marks.iter().filter(within).find(|mark| mark.kind == kind);
    match (shown(MarkKind::Marker), shown(MarkKind::Pause)) {
        (Some(marker), _) => char::from_digit(marker.number, 10).unwrap_or('*'),
        (None, Some(_)) => 'P',
        (None, None) => NOTHING,
    }
}

#[cfg(test)]
mod tests {
    use super::{Course, sparkline};
    use crate::sample::{crowd, steered};

    #[test]
    fn bars_run_from_zero_to_the_most() {
        assert_eq!(sparkline(&[Some(0.0), Some(1.0), Some(4.0), None, Some(8.0)]), "·▁▄·█");
        assert_eq!(sparkline(&[Some(0.0), None]), "··");
        assert_eq!(sparkline(&[]), "");
    }

    #[test]
    fn pauses_and_markers_have_a_character_each() {
        let course = Course::of(&steered().measured[0]).unwrap();
        assert_eq!(course.by_hand.iter().collect::<String>(), "··1PP2·");
    }

    #[test]
    fn a_long_trial_is_told_in_sixty_points_and_loses_no_grant() {
        let mut measured = crowd(1).measured.remove(0);
        let some = measured.windows.clone();
        measured.windows = some.iter().cycle().take(150).cloned().collect();
        measured.double_grants = vec![1; 140];
        let course = Course::of(&measured).unwrap();
        assert_eq!((course.seconds, course.rates.len(), course.p99_ns.len()), (3, 50, 50));
        let grants: u64 = measured.windows.iter().map(|window| window.grants).sum();
        assert!((course.rates.iter().flatten().sum::<f64>() * 3.0 - grants as f64).abs() < 1e-6);
        assert_eq!(course.doubles.iter().sum::<u64>(), 140);
    }
}
