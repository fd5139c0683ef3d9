//! From a value to its height, and round values to write beside the axis.

use crate::text::Units;
use lockbench_core::units::{MICROSECOND, MILLISECOND, SECOND, grouped};

/// A vertical axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scale {
    /// Each decade as high as the next one.
    Log {
        /// Value at the bottom, above 0.
        low: f64,
        /// Value at the top.
        high: f64,
    },
    /// From 0 on.
    Linear {
        /// Value at the top.
        high: f64,
    },
}

impl Scale {
    /// A log scale with round ends around these values; at least a decade.
    #[must_use]
    pub fn log(values: impl Iterator<Item = f64>) -> Self {
        let (mut low, mut high) = (f64::INFINITY, 0.0_f64);
        for value in values.filter(|value| *value > 0.0) {
            (low, high) = (low.min(value), high.max(value));
        }
        if high == 0.0 {
            return Self::Log { low: 1e3, high: 1e10 };
        }
        let (mut low, mut high) = (floor(low), ceil(high));
        while high / low < 9.99 {
            high = ceil(high * 1.01);
            if high / low < 9.99 {
                low = floor(low * 0.99);
            }
        }
        Self::Log { low, high }
    }

    /// A scale from 0 to a round value that none of these exceeds.
    #[must_use]
    pub fn linear(values: impl Iterator<Item = f64>) -> Self {
        Self::Linear { high: near(values.fold(1.0, f64::max)) }
    }

    /// Height of a value: 0 at the bottom, 1 at the top.
    #[must_use]
    pub fn height(self, value: f64) -> f64 {
        match self {
            Self::Log { low, high } => (value.max(low) / low).log10() / (high / low).log10(),
            Self::Linear { high } => value / high,
        }
        .clamp(0.0, 1.0)
    }

    /// Round values for so many rows, from the bottom up.
    #[must_use]
    pub fn ticks(self, rows: u16) -> Vec<f64> {
        match self {
            Self::Log { low, high } => {
                let room = f64::from(rows) / (high / low).log10();
                let steps: &[f64] = match room {
                    7.0.. => &[1.0, 2.0, 5.0],
                    4.5.. => &[1.0, 3.0],
                    _ => &[1.0],
                };
                let decades = low.log10().floor() as i32..=high.log10().ceil() as i32;
                let all = decades.flat_map(|decade| steps.iter().map(move |step| step * 10_f64.powi(decade)));
                all.filter(|tick| *tick >= low * 0.999 && *tick <= high * 1.001).collect()
            }
            Self::Linear { high } => {
                let step = ceil(high * 3.0 / f64::from(rows.max(3))).max(1.0);
                let count = (high / step + 1e-9) as u32;
                (0..=count).map(|i| f64::from(i) * step).collect()
            }
        }
    }
}

/// A round number that is not below, and not far above.
#[must_use]
pub fn near(value: f64) -> f64 {
    round_up(value, &[1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0])
}

fn round_up(value: f64, steps: &[f64]) -> f64 {
    let decade = 10_f64.powf(value.log10().floor());
    steps.iter().find(|step| *step * decade >= value * 0.999_999).unwrap_or(&10.0) * decade
}

/// The next of 1, 2, 5, 10, 20 ... that is not below.
#[must_use]
pub fn ceil(value: f64) -> f64 {
    round_up(value, &[1.0, 2.0, 5.0])
}

/// The last of 1, 2, 5, 10, 20 ... that is not above.
fn floor(value: f64) -> f64 {
    let decade = 10_f64.powf(value.log10().floor());
    let step = [5.0, 2.0].into_iter().find(|step| step * decade <= value * 1.000_001);
    step.unwrap_or(1.0) * decade
}

/// A round length of time beside an axis: without the digits that it does not need.
#[must_use]
pub fn duration_tick(units: Units, ns: f64) -> String {
    let (scale, unit) = match units {
        Units::Micro => (MICROSECOND, "us"),
        Units::Milli => (MILLISECOND, "ms"),
        Units::Auto if ns < 999.0 => (1, "ns"),
        Units::Auto if ns < 999.0 * MICROSECOND as f64 => (MICROSECOND, "us"),
        Units::Auto if ns < 999.0 * MILLISECOND as f64 => (MILLISECOND, "ms"),
        Units::Auto => (SECOND, "s"),
    };
    let value = ns / scale as f64;
    if value >= 0.999 {
        return format!("{} {unit}", grouped(value.round() as u64));
    }
    let digits = (-value.log10()).ceil() as usize;
    format!("{value:.digits$} {unit}")
}

#[cfg(test)]
mod tests {
    use super::{Scale, duration_tick};
    use crate::text::Units;

    #[test]
    fn a_log_scale_encloses_its_values_with_round_ends() {
        let scale = Scale::log([330e3, 12.5e6].into_iter());
        assert_eq!(scale, Scale::Log { low: 200e3, high: 20e6 });
        assert_eq!((scale.height(200e3), scale.height(20e6), scale.height(1.0)), (0.0, 1.0, 0.0));
        assert!((scale.height(2e6) - 0.5).abs() < 1e-9);
        let narrow = Scale::log([1_000.0, 1_000.0].into_iter());
        assert!(matches!(narrow, Scale::Log { low, high } if low <= 1e3 && high >= 1e3 && high / low >= 9.9));
        assert_eq!(Scale::log(std::iter::empty()), Scale::Log { low: 1e3, high: 1e10 });
    }

    #[test]
    fn ticks_are_round_and_read_well() {
        let text = |ns| [Units::Auto, Units::Micro, Units::Milli].map(|units| duration_tick(units, ns));
        assert_eq!(text(100.0), ["100 ns", "0.1 us", "0.0001 ms"]);
        assert_eq!(text(2e5), ["200 us", "200 us", "0.2 ms"]);
        assert_eq!(text(1e10), ["10 s", "10 000 000 us", "10 000 ms"]);
        let ticks = |rows| Scale::Log { low: 2e5, high: 2e7 }.ticks(rows).len();
        assert_eq!((ticks(6), ticks(10), ticks(20)), (2, 4, 7));
        assert_eq!(Scale::linear([14.0].into_iter()).ticks(12), [0.0, 5.0, 10.0, 15.0]);
    }
}
