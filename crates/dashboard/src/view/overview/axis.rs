//! The axis that the bars of all systems share, so that lengths compare.

use crate::text::round;
use crate::view::plot::scale::near;

/// From this ratio of the fastest to the slowest system on the axis is a log one: on a
/// linear one all but the fastest would be a hair.
const FAR_APART: f64 = 40.0;

/// From a rate to its share of the bars' room.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Axis {
    low: f64,
    high: f64,
}

impl Axis {
    /// For these rates; `None`: no system has one.
    pub fn of(rates: impl Iterator<Item = f64>) -> Option<Self> {
        let (mut low, mut high) = (f64::INFINITY, 0.0_f64);
        for rate in rates.filter(|rate| *rate > 0.0) {
            (low, high) = (low.min(rate), high.max(rate));
        }
        if high == 0.0 {
            return None;
        }
        if high / low < FAR_APART {
            return Some(Self { low: 0.0, high: near(high) });
        }
        let decade = |log: f64| 10_f64.powf(log);
        // The slowest one has a bar too.
        Some(Self { low: decade((low * 0.7).log10().floor()), high: decade((high * 0.999).log10().ceil()) })
    }

    /// Returns whether it is a log axis.
    pub fn log(self) -> bool {
        self.low > 0.0
    }

    /// Share of the room, 0 to 1.
    pub fn share(self, rate: f64) -> f64 {
        let share =
            if self.log() { (rate / self.low).log10() / (self.high / self.low).log10() } else { rate / self.high };
        if rate > 0.0 { share.clamp(0.0, 1.0) } else { 0.0 }
    }

    /// Its ends in words.
    pub fn ends(self) -> [String; 2] {
        [round(self.low), round(self.high)]
    }
}

#[cfg(test)]
mod tests {
    use super::Axis;

    #[test]
    fn systems_that_are_far_apart_share_a_log_axis_and_others_a_linear_one() {
        let near = Axis::of([433.0, 0.0, 7_274.0].into_iter()).unwrap();
        assert_eq!((near.log(), near.ends()), (false, ["0".to_owned(), "8k".to_owned()]));
        assert!((near.share(4_000.0) - 0.5).abs() < 1e-9 && near.share(0.0) == 0.0);
        let far = Axis::of([433.0, 310_000.0].into_iter()).unwrap();
        assert_eq!((far.log(), far.ends()), (true, ["100".to_owned(), "1M".to_owned()]));
        assert!((far.share(10_000.0) - 0.5).abs() < 1e-9 && far.share(433.0) > 0.1 && far.share(0.0) == 0.0);
        assert_eq!(Axis::of([0.0].into_iter()), None);
    }
}
