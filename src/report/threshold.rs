//! Thresholds: bounds on figures that a run must keep.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a breached threshold means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ThresholdLevel {
    /// It is told.
    Warn,
    /// The run does not pass.
    #[default]
    Fail,
}

/// How a threshold came out for one backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ThresholdOutcome {
    /// Kept.
    Kept,
    /// Breached.
    Breached,
    /// The figure does not exist: nothing can be said, and nothing passes silently.
    NotMeasured,
}

/// A threshold judged for one backend.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ThresholdResult {
    /// As it was given, for example `acquire_service.p99 < 20ms`.
    pub text: String,
    /// Name of the figure.
    pub figure: String,
    /// The backend.
    pub backend: String,
    /// What a breach means.
    pub level: ThresholdLevel,
    /// The bound, in the figure's base unit.
    pub bound: f64,
    /// The figure as measured, in its base unit.
    pub value: Option<f64>,
    /// How it came out.
    pub outcome: ThresholdOutcome,
    /// In words, with the measured figure.
    pub because: String,
}
