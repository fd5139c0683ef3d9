//! What a comparison found, as it is stored in `report.json` and printed.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Exit;

/// How two sides compare.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Comparison {
    /// What the baseline was called.
    pub baseline: String,
    /// Its runs.
    pub baseline_runs: Vec<String>,
    /// What was compared to it.
    pub candidate: String,
    /// Its runs.
    pub candidate_runs: Vec<String>,
    /// What makes the sides unlike, compared all the same (`--force`); empty: like with like.
    pub unlike: Vec<String>,
    /// What else differs, and what took part on one side only.
    pub remarks: Vec<String>,
    /// Names of the figures that decide; safety always does.
    pub gates: Vec<String>,
    /// One entry a backend and figure.
    pub changes: Vec<Change>,
    /// What the gates say.
    pub outcome: ComparisonOutcome,
    /// Why, a sentence a gate: regressions first, then what could not be judged.
    pub reasons: Vec<String>,
}

/// What the gates of a comparison say together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ComparisonOutcome {
    /// No gated figure regressed.
    NoRegression,
    /// At least one did.
    Regression,
    /// Not every gate could be judged, and no other regressed.
    Inconclusive,
}

/// How one figure of one backend changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Change {
    /// The backend.
    pub backend: String,
    /// Name of the figure.
    pub figure: String,
    /// Does it decide?
    pub gated: bool,
    /// Mean of the baseline's trials in the figure's base unit; counts: a million grants.
    pub baseline: Option<f64>,
    /// Trials that it is of.
    pub baseline_trials: u32,
    /// As `baseline`, of the other side.
    pub candidate: Option<f64>,
    /// Trials that it is of.
    pub candidate_trials: u32,
    /// Relative change: 0.3 is 30 % more.
    pub change: Option<f64>,
    /// Lower end of its 95 % interval.
    pub low: Option<f64>,
    /// Upper end of its 95 % interval.
    pub high: Option<f64>,
    /// Smallest relative change that counts here.
    pub noise: f64,
    /// What to make of it.
    pub verdict: ChangeVerdict,
    /// Why, in words.
    pub because: String,
}

/// What to make of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ChangeVerdict {
    /// Worse beyond noise.
    Regression,
    /// Better beyond noise.
    Improvement,
    /// No difference that counts.
    WithinNoise,
    /// Too few trials to say.
    NoEvidence,
    /// The figure does not exist on both sides, or is a count, which is only told.
    NotComparable,
}

impl ChangeVerdict {
    /// Was anything concluded?
    #[must_use]
    pub fn concluded(self) -> bool {
        matches!(self, Self::Regression | Self::Improvement | Self::WithinNoise)
    }
}

impl Comparison {
    /// What a run that was compared has to answer for.
    #[must_use]
    pub fn exits(&self) -> Vec<(Exit, String)> {
        let exit = match self.outcome {
            ComparisonOutcome::NoRegression => return Vec::new(),
            ComparisonOutcome::Regression => Exit::Regression,
            ComparisonOutcome::Inconclusive => Exit::Inconclusive,
        };
        let told = |reason: &String| (exit, format!("compared with the baseline {}: {reason}", self.baseline));
        self.reasons.iter().map(told).collect()
    }
}
