//! One figure on both sides, and what to make of the difference.

use super::{Change, ChangeVerdict, FEWEST_TRIALS};
use crate::TrialResult;
use crate::figure::{Better, Figure, Unit};
use lockbench_core::stats::relative_change;

/// Seed of every interval: a comparison of the same runs always says the same.
const SEED: u64 = 0x6c6f_636b;

/// Most that an unlikely outcome may have of probability to count as evidence, a side:
/// the same as beyond an end of the 95 % interval.
const TAIL: f64 = 0.025;

/// A figure of the trials of one side.
pub struct Sample {
    /// One value a trial that has it.
    pub values: Vec<f64>,
    /// Trials that ran.
    trials: usize,
    /// Why a trial has none, of the first such.
    missing: Option<String>,
}

impl Sample {
    /// The figure in each trial; counts a million grants.
    pub fn of(figure: &Figure, trials: &[&TrialResult]) -> Self {
        let mut sample = Self { values: Vec::new(), trials: trials.len(), missing: None };
        for trial in trials {
            match figure.of_trial(trial) {
                Ok(value) if is_count(figure) => sample.values.extend(per_million(value, trial.grants)),
                Ok(value) => sample.values.push(value),
                Err(reason) => {
                    sample.missing.get_or_insert(reason);
                }
            }
        }
        sample
    }

    fn mean(&self) -> Option<f64> {
        (!self.values.is_empty()).then(|| self.values.iter().sum::<f64>() / self.values.len() as f64)
    }

    /// Is it missing in a larger share of the trials than on the other side? Then those
    /// that have it are a choice of the better ones: a p99 is missing where timeouts cut it.
    fn thinned(&self, other: &Self) -> bool {
        self.values.len() * other.trials < other.values.len() * self.trials
    }

    /// How many trials are lacking to conclude anything, in words.
    fn lacking(&self, name: &str) -> Option<String> {
        let (has, ran) = (self.values.len(), self.trials);
        if has >= FEWEST_TRIALS {
            None
        } else if has == ran {
            let trials = if has == 1 { "trial" } else { "trials" };
            Some(format!("{name} has {has} {trials}, {FEWEST_TRIALS} are needed"))
        } else {
            let why = self.missing.as_deref().unwrap_or("no grants");
            Some(format!("{has} of {ran} trials of {name} have it ({why}), {FEWEST_TRIALS} are needed"))
        }
    }
}

/// Counts are told as rates, not judged: most are zero in most trials.
pub fn is_count(figure: &Figure) -> bool {
    figure.unit() == Unit::Count
}

/// A count in so many grants, a million grants.
pub fn per_million(count: f64, grants: u64) -> Option<f64> {
    (grants > 0).then(|| count / grants as f64 * 1e6)
}

/// The change of a figure of a backend.
pub fn change(backend: &str, figure: &Figure, gated: bool, a: &Sample, b: &Sample, noise: f64) -> Change {
    let mut change = Change {
        backend: backend.to_owned(),
        figure: figure.name(),
        gated,
        baseline: a.mean(),
        baseline_trials: a.values.len() as u32,
        candidate: b.mean(),
        candidate_trials: b.values.len() as u32,
        change: None,
        low: None,
        high: None,
        noise,
        verdict: ChangeVerdict::NotComparable,
        because: String::new(),
    };
    let interval = relative_change(&a.values, &b.values, SEED);
    if let Some(interval) = interval.filter(|_| !is_count(figure)) {
        (change.change, change.low, change.high) = (Some(interval.estimate), Some(interval.low), Some(interval.high));
    }
    (change.verdict, change.because) = judge(figure, a, b, &change);
    // Worse even so is worse; anything else would pass on what is left.
    if b.thinned(a) && change.verdict.concluded() && change.verdict != ChangeVerdict::Regression && !is_count(figure) {
        let why = b.missing.as_deref().unwrap_or("not measured");
        let (has, ran) = (b.values.len(), b.trials);
        change.verdict = ChangeVerdict::NoEvidence;
        change.because = format!("only {has} of {ran} trials of the new side have it ({why}): {}", change.because);
    }
    change
}

fn judge(figure: &Figure, a: &Sample, b: &Sample, change: &Change) -> (ChangeVerdict, String) {
    if is_count(figure) {
        return (ChangeVerdict::NotComparable, "a count, told a million grants".to_owned());
    }
    let (Some(before), Some(now)) = (change.baseline, change.candidate) else {
        let (who, side) = match (change.baseline, change.candidate) {
            (None, None) => ("neither side has it", a),
            (None, Some(_)) => ("the baseline does not have it", a),
            (Some(_), _) => ("the new side does not have it", b),
        };
        let why = side.missing.as_deref().unwrap_or("not measured");
        return (ChangeVerdict::NotComparable, format!("{who}: {why}"));
    };
    if let Some(lacking) = a.lacking("the baseline").or_else(|| b.lacking("the new side")) {
        return (ChangeVerdict::NoEvidence, lacking);
    }
    if before == 0.0 && now == 0.0 {
        return (ChangeVerdict::WithinNoise, "zero on both sides".to_owned());
    }
    if before == 0.0 || now == 0.0 {
        return beside_zero(figure, &a.values, &b.values);
    }
    let (Some(estimate), Some(low), Some(high)) = (change.change, change.low, change.high) else {
        return (ChangeVerdict::NoEvidence, "the trials spread too widely for an interval".to_owned());
    };
    let told = format!("{} (95 % interval {} to {})", percent(estimate), percent(low), percent(high));
    let noise = format!("{:.0} % noise", change.noise * 100.0);
    if estimate.abs() <= change.noise {
        return (ChangeVerdict::WithinNoise, format!("{told}, not beyond {noise}"));
    }
    if low <= 0.0 && high >= 0.0 {
        return (ChangeVerdict::WithinNoise, format!("{told}, the interval includes no change"));
    }
    (direction(figure, estimate), format!("{told}, beyond {noise}"))
}

fn direction(figure: &Figure, change: f64) -> ChangeVerdict {
    match (figure.better(), change > 0.0) {
        (Better::Lower, true) | (Better::Higher, false) => ChangeVerdict::Regression,
        (Better::Lower, false) | (Better::Higher, true) => ChangeVerdict::Improvement,
    }
}

/// One side is zero in every trial: there is no relative change. Were the sides alike,
/// the trials that are not zero would lie on either side by chance (Fisher's exact test).
fn beside_zero(figure: &Figure, a: &[f64], b: &[f64]) -> (ChangeVerdict, String) {
    let appeared = a.iter().all(|value| *value == 0.0);
    let (zero, some) = if appeared { (a, b) } else { (b, a) };
    let count = some.iter().filter(|value| **value != 0.0).count();
    let probability: f64 = (0..count).map(|i| (some.len() - i) as f64 / (some.len() + zero.len() - i) as f64).product();
    let told = if appeared {
        format!("zero in the baseline, not zero in {count} of {} trials", some.len())
    } else {
        format!("not zero in {count} of {} trials of the baseline, zero now", some.len())
    };
    if probability > TAIL {
        return (ChangeVerdict::WithinNoise, format!("{told}: may be chance"));
    }
    (direction(figure, if appeared { 1.0 } else { -1.0 }), told)
}

/// `+31 %`, `-8.4 %`, `x 12` from tenfold on.
pub fn percent(change: f64) -> String {
    if change >= 9.0 {
        format!("x {:.0}", change + 1.0)
    } else if change.abs() < 0.0995 {
        format!("{:+.1} %", change * 100.0)
    } else {
        format!("{:+.0} %", change * 100.0)
    }
}
