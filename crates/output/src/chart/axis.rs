//! Axes: where a value stands between both ends, and which values have a name.

use lockbench_core::units::{grouped, human_duration, three_digits};

/// One axis.
#[derive(Clone, Debug)]
pub struct Axis {
    label: String,
    low: f64,
    high: f64,
    logarithmic: bool,
    ticks: Vec<(f64, String)>,
    grid: bool,
    banded: bool,
}

impl Axis {
    /// A linear axis from `low` to at least `high`; `name` writes the values.
    #[must_use]
    pub fn linear(label: &str, low: f64, high: f64, name: impl Fn(f64) -> String) -> Self {
        let high = if high > low { high } else { low + 1.0 };
        let step = nice((high - low) / 6.0);
        let first = (low / step).ceil() as i64;
        let ticks = (first..).map(|i| i as f64 * step).take_while(|value| *value <= high + step * 1e-6);
        let ticks = ticks.map(|value| (value, name(value))).collect();
        Self { label: label.to_owned(), low, high, logarithmic: false, ticks, grid: true, banded: false }
    }

    /// A linear axis from 0 to a little above `high`, for counts and rates.
    #[must_use]
    pub fn upto(label: &str, high: f64) -> Self {
        let step = nice(high.max(1e-9) / 6.0);
        let digits = (-step.log10().floor()).max(0.0) as usize;
        let name = |value: f64| if value >= 1_000.0 { grouped(value as u64) } else { format!("{value:.digits$}") };
        Self::linear(label, 0.0, high.max(1e-9) * 1.05, name)
    }

    /// A logarithmic axis of durations in nanoseconds, widened to whole decades
    /// where they are near, with names such as `10 us`.
    #[must_use]
    pub fn log_ns(label: &str, low: u64, high: u64) -> Self {
        let (low, high) = (low.max(1) as f64, high.max(1) as f64);
        // At least a decade, else one value alone would look like a spread.
        let (low, high) = if high < low * 10.0 { (low / 3.0, high * 3.0) } else { (low * 0.8, high * 1.25) };
        let mut axis = Self::log(label, low.max(0.5), high, |ns| tick_ns(ns as u64));
        axis.ticks.retain(|(value, _)| *value >= 1.0);
        axis
    }

    /// A logarithmic axis; below three decades also 2 and 5 have a name.
    #[must_use]
    pub fn log(label: &str, low: f64, high: f64, name: impl Fn(f64) -> String) -> Self {
        let low = if low > 0.0 { low } else { 1e-9 };
        let high = if high > low { high } else { low * 10.0 };
        let steps: &[f64] = if high / low < 1_000.0 { &[1.0, 2.0, 5.0] } else { &[1.0] };
        let mut ticks = Vec::new();
        for decade in low.log10().floor() as i32..=high.log10().ceil() as i32 {
            let values = steps.iter().map(|step| step * 10_f64.powi(decade));
            ticks.extend(values.filter(|value| (low..=high).contains(value)).map(|value| (value, name(value))));
        }
        if ticks.len() < 2 {
            // Not even from 1 to 2: even steps, as on a linear axis.
            ticks = Self::linear(label, low, high, name).ticks;
        }
        Self { label: label.to_owned(), low, high, logarithmic: true, ticks, grid: true, banded: false }
    }

    /// HdrHistogram's axis of percentiles: `1/(1-p)`, logarithmic, so that each
    /// further nine takes the same room. `most` is the last `1/(1-p)`.
    #[must_use]
    pub fn percentiles(label: &str, most: f64) -> Self {
        let most = most.max(10.0);
        let mut ticks = vec![(1.0, "0 %".to_owned()), (2.0, "50 %".to_owned())];
        let nines = (1..=9).map(|nines| (10_f64.powi(nines), nines_of(nines)));
        ticks.extend(nines.filter(|(value, _)| *value <= most * 1.001));
        Self { label: label.to_owned(), low: 1.0, high: most, logarithmic: true, ticks, grid: true, banded: false }
    }

    /// One band per name; band `i` goes from `i` to `i + 1`.
    #[must_use]
    pub fn bands(label: &str, names: &[String]) -> Self {
        let ticks = names.iter().enumerate().map(|(i, name)| (i as f64 + 0.5, name.clone())).collect();
        let high = names.len().max(1) as f64;
        Self { label: label.to_owned(), low: 0.0, high, logarithmic: false, ticks, grid: false, banded: true }
    }

    /// With ticks of the caller's choice.
    #[must_use]
    pub fn with_ticks(self, at: &[f64], name: impl Fn(f64) -> String) -> Self {
        Self { ticks: at.iter().map(|value| (*value, name(*value))).collect(), ..self }
    }

    /// The same, without lines across the plot.
    #[must_use]
    pub fn without_grid(self) -> Self {
        Self { grid: false, ..self }
    }

    /// The same, turned round: the lowest value where the highest would be.
    #[must_use]
    pub fn reversed(self) -> Self {
        Self { low: self.high, high: self.low, ..self }
    }

    /// Its label with the unit.
    #[must_use]
    pub fn label(&self) -> &str {
        &self.label
    }

    /// Values with a name.
    #[must_use]
    pub fn ticks(&self) -> &[(f64, String)] {
        &self.ticks
    }

    /// Returns whether lines cross the plot at the ticks.
    #[must_use]
    pub fn grid(&self) -> bool {
        self.grid
    }

    /// Returns whether each name has a band.
    #[must_use]
    pub fn banded(&self) -> bool {
        self.banded
    }

    /// First and last value.
    #[must_use]
    pub fn range(&self) -> (f64, f64) {
        (self.low, self.high)
    }

    /// Where a value stands: 0 at the low end, 1 at the high end, held to these.
    #[must_use]
    pub fn share(&self, value: f64) -> f64 {
        let share = if self.logarithmic {
            (value.max(1e-12) / self.low).ln() / (self.high / self.low).ln()
        } else {
            (value - self.low) / (self.high - self.low)
        };
        if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.0 }
    }
}

/// The next of 1, 2, 5, 10, 20, 50 ...
fn nice(step: f64) -> f64 {
    let power = 10_f64.powf(step.log10().floor());
    let times = [1.0, 2.0, 5.0].into_iter().find(|times| times * power >= step * (1.0 - 1e-9));
    times.unwrap_or(10.0) * power
}

/// A duration as short as a tick needs it: `10 us`, `1 s`.
#[must_use]
pub fn tick_ns(ns: u64) -> String {
    let text = human_duration(ns);
    match text.split_once(' ') {
        Some((number, unit)) if number.contains('.') => {
            format!("{} {unit}", number.trim_end_matches('0').trim_end_matches('.'))
        }
        _ => text,
    }
}

/// A number as short as a tick needs it: `0.5`, `20`, `1 200`.
#[must_use]
pub fn tick_number(value: f64) -> String {
    let text = three_digits(value.abs());
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    format!("{}{text}", if value < 0.0 { "-" } else { "" })
}

/// The percentile of so many nines: `90 %`, `99 %`, `99.9 %`.
fn nines_of(nines: i32) -> String {
    match nines {
        1 => "90 %".to_owned(),
        2 => "99 %".to_owned(),
        more => format!("99.{} %", "9".repeat((more - 2).max(0) as usize)),
    }
}

#[cfg(test)]
mod tests {
    use super::{Axis, nice, tick_ns, tick_number};

    fn names(axis: &Axis) -> Vec<&str> {
        axis.ticks().iter().map(|(_, name)| name.as_str()).collect()
    }

    #[test]
    fn a_logarithmic_axis_has_names_however_short_it_is() {
        let axis = Axis::log("grants/s", 700.0, 1_300.0, |value| format!("{value}"));
        assert!(axis.ticks().len() >= 3, "{:?}", axis.ticks());
    }

    #[test]
    fn durations_are_named_by_decade() {
        assert_eq!(names(&Axis::log_ns("wait", 900, 20_000_000)), ["1 us", "10 us", "100 us", "1 ms", "10 ms"]);
        assert_eq!(names(&Axis::log_ns("wait", 1_000_000, 1_000_000)), ["500 us", "1 ms", "2 ms"]);
        assert_eq!(names(&Axis::log_ns("wait", 0, 0)), ["1 ns", "2 ns"]);
        assert_eq!((tick_ns(100_000_000), tick_ns(100)), ("100 ms".to_owned(), "100 ns".to_owned()));
    }

    #[test]
    fn each_nine_takes_the_same_room() {
        let axis = Axis::percentiles("percentile", 20_000.0);
        assert_eq!(names(&axis), ["0 %", "50 %", "90 %", "99 %", "99.9 %", "99.99 %"]);
        let room = |a: f64, b: f64| axis.share(b) - axis.share(a);
        assert!((room(10.0, 100.0) - room(1_000.0, 10_000.0)).abs() < 1e-9);
    }

    #[test]
    fn linear_ticks_are_round_and_shares_stay_inside() {
        let axis = Axis::upto("grants per second", 437.0);
        assert_eq!(names(&axis), ["0", "100", "200", "300", "400"]);
        assert_eq!((axis.share(-3.0), axis.share(1e9), axis.share(f64::NAN)), (0.0, 1.0, 0.0));
        assert!((nice(0.3) - 0.5).abs() < 1e-12 && (nice(70.0) - 100.0).abs() < 1e-9);
        assert_eq!(names(&Axis::upto("share", 0.0)).first(), Some(&"0.0000000000"));
        assert_eq!(
            (tick_number(0.5), tick_number(1_200.0), tick_number(20.0)),
            ("0.5".into(), "1 200".into(), "20".into())
        );
    }

    #[test]
    fn a_reversed_axis_runs_the_other_way() {
        let axis = Axis::linear("x", 0.0, 10.0, |value| value.to_string()).reversed();
        assert!((axis.share(10.0) - 0.0).abs() < 1e-12 && (axis.share(2.0) - 0.8).abs() < 1e-12);
    }
}
