//! Safety in a comparison: a system that granted twice where the baseline never did
//! has regressed, however few the trials and however fast it is.

use super::change::per_million;
use super::{Change, ChangeVerdict};
use crate::{SafetyVerdict, TrialResult};
use lockbench_core::units::grouped;

/// A count of one trial.
type Count = fn(&TrialResult) -> Option<u64>;

/// What the first of the counts below is called.
const DOUBLE: &str = "double grants";

/// The counts that decide, with their names among the figures.
const DECISIVE: [(&str, &str, Count); 2] = [
    ("double_grants", DOUBLE, |trial| Some(trial.safety.double_grants_certain)),
    ("token_regressions", "token regressions", |trial| trial.safety.token_regressions),
];

/// Does the figure decide without being a gate? It is judged here.
#[must_use]
pub fn tells(figure: &str) -> bool {
    DECISIVE.iter().any(|(name, ..)| *name == figure)
}

/// Did the trial run to its end?
pub fn whole(trial: &TrialResult) -> bool {
    trial.complete && trial.error.is_none()
}

/// The changes of a backend's safety, over every trial that was watched.
pub fn changes(backend: &str, a: &[&TrialResult], b: &[&TrialResult]) -> Vec<Change> {
    if a.is_empty() || b.is_empty() {
        return Vec::new();
    }
    let change = |(name, words, count): (&str, &str, Count)| {
        // Without tokens there is nothing to tell of them.
        let (before, now) = (Watched::of(a, count)?, Watched::of(b, count)?);
        let (verdict, because) = judge(words, &before, &now);
        Some(Change {
            backend: backend.to_owned(),
            figure: name.to_owned(),
            gated: true,
            baseline: per_million(before.count as f64, before.grants),
            baseline_trials: a.len() as u32,
            candidate: per_million(now.count as f64, now.grants),
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

/// What is certain of one side, and whether there are holes besides.
struct Watched {
    count: u64,
    /// Of these double grants: inside a lease.
    inside: u64,
    /// Of these: the server itself admitted both holds.
    admitted: u64,
    grants: u64,
    /// Why a whole trial is unknown.
    unknown: Option<String>,
}

impl Watched {
    /// `None`: no trial has the count at all.
    fn of(trials: &[&TrialResult], count: Count) -> Option<Self> {
        trials.iter().find_map(|trial| count(trial))?;
        let is_unknown = |trial: &TrialResult| trial.safety.verdict == SafetyVerdict::Unknown;
        let known = || trials.iter().filter(|trial| !is_unknown(trial));
        let unknown = trials.iter().find(|trial| whole(trial) && is_unknown(trial));
        Some(Self {
            count: known().filter_map(|trial| count(trial)).sum(),
            inside: known().map(|trial| trial.safety.inside).sum(),
            admitted: known().map(|trial| trial.safety.policies.evidence).sum(),
            grants: known().map(|trial| trial.safety.grants_all_phases).sum(),
            unknown: unknown.map(|trial| trial.safety.because.clone()),
        })
    }

    fn told(&self) -> String {
        format!("{} in {} grants", grouped(self.count), grouped(self.grants))
    }
}

fn judge(words: &str, before: &Watched, now: &Watched) -> (ChangeVerdict, String) {
    let no_evidence = |side: &Watched| {
        let why = side.unknown.as_deref().unwrap_or_default();
        (ChangeVerdict::NoEvidence, format!("the safety verdict is unknown: {why}"))
    };
    match (before.count, now.count) {
        // A hole in the baseline may hide as many.
        (0, 1..) if before.unknown.is_some() => no_evidence(before),
        // What one trial surely did, a hole in another does not undo.
        (0, 1..) => {
            let text = format!("{}, none in {} of the baseline", now.told(), grouped(before.grants));
            (ChangeVerdict::Regression, text)
        }
        (1.., 1..) if words == DOUBLE && before.inside == 0 && now.inside > 0 => {
            let inside = grouped(now.inside);
            let text = format!("{}, {inside} of them inside a lease, none so in the baseline", now.told());
            (ChangeVerdict::Regression, text)
        }
        (1.., 1..) if words == DOUBLE && before.admitted == 0 && now.admitted > 0 => {
            let admitted = grouped(now.admitted);
            let text = format!("{}, {admitted} of them admitted by the server, none so in the baseline", now.told());
            (ChangeVerdict::Regression, text)
        }
        _ if now.unknown.is_some() => no_evidence(now),
        (0, 0) => (ChangeVerdict::WithinNoise, format!("no {words} on either side")),
        (_, 0) => (ChangeVerdict::Improvement, format!("{} of the baseline, none now", before.told())),
        (_, _) => {
            let text = format!("{} of the baseline, {} now; told, not judged", before.told(), now.told());
            (ChangeVerdict::WithinNoise, text)
        }
    }
}
