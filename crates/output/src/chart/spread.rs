//! A figure of a system with how much its trials differ: no figure travels bare.

use lockbench_report::RecordedRun;
use lockbench_report::figure::{Figure, Value};

/// One figure of one system.
#[derive(Clone, Debug, PartialEq)]
pub struct Spread {
    /// All trials merged, or why there is none.
    pub value: Value,
    /// Lowest and highest of the trials that have it, where these are two or more.
    pub range: Option<(f64, f64)>,
    /// How many trials have it.
    pub trials: usize,
}

impl Spread {
    /// The value, or why there is none, and the range, as cells of a table.
    pub fn cells(&self, words: impl Fn(f64) -> String) -> [String; 2] {
        let value = self.value.as_ref().map_or_else(|why| format!("- ({why})"), |value| words(*value));
        let range = self.range.map(|(low, high)| format!("{} to {}", words(low), words(high)));
        [value, range.unwrap_or_else(|| "-".to_owned())]
    }
}

/// The figure of a system.
#[must_use]
pub fn spread(run: &RecordedRun, figure: &Figure, backend: &str) -> Spread {
    let trials = run.report.results.iter().filter(|result| result.backend == backend);
    let values: Vec<f64> = trials.filter_map(|result| figure.of_trial(result).ok()).collect();
    let ends = values.iter().fold((f64::MAX, f64::MIN), |(low, high), value| (low.min(*value), high.max(*value)));
    Spread {
        value: figure.of_backend(&run.report, backend),
        range: (values.len() > 1).then_some(ends),
        trials: values.len(),
    }
}

#[cfg(test)]
mod tests {
    use super::spread;
    use crate::sample;
    use lockbench_report::figure::find;

    #[test]
    fn one_trial_has_no_range_and_three_have_their_ends() {
        let throughput = find("throughput").ok().unwrap();
        let one = spread(&sample::recorded(), &throughput, "redis");
        assert_eq!((one.value, one.range, one.trials), (Ok(400.0), None, 1));
        let three = spread(&sample::crowd(1), &throughput, "redis");
        let (low, high) = three.range.unwrap();
        assert!((low - 420.0).abs() < 1e-6 && (high - 460.0).abs() < 1e-6 && three.trials == 3);
        assert!(spread(&sample::empty(), &throughput, "redis").value.is_err());
    }
}
