//! Safety in a comparison: a system that granted twice where the baseline never did
//! has regressed, however few the trials and however fast it is.

use super::change::per_million;
use super::{Change, ChangeVerdict};
use crate::report::{SafetyVerdict, TrialResult};
use crate::units::grouped;

/// A count of one trial.
type Count = fn(&TrialResult) -> Option<u64>;

/// The counts that decide, with their names among the figures.
const DECISIVE: [(&str, &str, Count); 2] = [
    ("double_grants", "double grants", |trial| Some(trial.safety.double_grants_certain)),
    ("token_regressions", "token regressions", |trial| trial.safety.token_regressions),
];

/// Does the figure decide without being a gate? It is judged here.
#[must_use]
pub fn tells(figure: &str) -> bool {
    DECISIVE.iter().any(|(name, ..)| *name == figure)
}

/// The changes of a backend's safety.
pub fn changes(backend: &str, a: &[&TrialResult], b: &[&TrialResult]) -> Vec<Change> {
    let change = |(name, words, count): (&str, &str, Count)| {
        let total = |side: &[&TrialResult]| side.iter().filter_map(|trial| count(trial)).reduce(|x, y| x + y);
        // Without tokens there is nothing to tell of them.
        let (before, now) = (total(a)?, total(b)?);
        let (verdict, because) = judge(words, (before, a), (now, b));
        Some(Change {
            backend: backend.to_owned(),
            figure: name.to_owned(),
            gated: true,
            baseline: per_million(before as f64, grants(a)),
            baseline_trials: a.len() as u32,
            candidate: per_million(now as f64, grants(b)),
            candidate_trials: b.len() as u32,
            change: None,
            low: None,
            high: None,
            noise: 0.0,
            verdict,
            because,
        })
    };
    DECISIVE.into_iter().filter_map(change).collect()
}

/// Grants that the oracle watched.
fn grants(trials: &[&TrialResult]) -> u64 {
    trials.iter().map(|trial| trial.safety.grants_all_phases).sum()
}

fn judge(
    words: &str,
    (before, a): (u64, &[&TrialResult]),
    (now, b): (u64, &[&TrialResult]),
) -> (ChangeVerdict, String) {
    let of = |count: u64, side: &[&TrialResult]| format!("{} in {} grants", grouped(count), grouped(grants(side)));
    let unknown = b.iter().find(|trial| trial.safety.verdict == SafetyVerdict::Unknown);
    match (before, now) {
        // With holes in what was seen, nothing is certain in either direction.
        _ if unknown.is_some() => {
            let because = unknown.map_or("", |trial| trial.safety.because.as_str());
            (ChangeVerdict::NoEvidence, format!("the safety verdict is unknown: {because}"))
        }
        (0, 0) => (ChangeVerdict::WithinNoise, format!("no {words} on either side")),
        (0, _) => {
            let text = format!("{}, none in {} of the baseline", of(now, b), grouped(grants(a)));
            (ChangeVerdict::Regression, text)
        }
        (_, 0) => (ChangeVerdict::Improvement, format!("{} of the baseline, none now", of(before, a))),
        (_, _) => {
            let text = format!("{} of the baseline, {} now; told, not judged", of(before, a), of(now, b));
            (ChangeVerdict::WithinNoise, text)
        }
    }
}
