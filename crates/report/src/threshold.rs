//! Thresholds: bounds on figures that a run must keep, as text such as
//! `acquire_service.p99 < 20ms` or `warn: timeouts{redis, etcd} <= 0.1%`.
//!
//! The text is read and its unit checked before anything runs (`parse`); after the
//! run it is held against the merged figure of each system (`judge`). How bounds
//! are written is in `value`.

mod judge;
mod parse;
mod value;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use judge::judge;
pub use parse::{Operator, Threshold, listed};

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
    /// As it was given without its level, for example `acquire_service.p99 < 20ms`.
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

/// The alerts that the source documents propose, as bounds to keep: acquire p99 above
/// 50 ms, contention above 20 %, timeouts above 0.1 %. Offered, never imposed: a hot
/// key is contended by intention.
pub const DEFAULT_ALERTS: [&str; 3] = ["acquire_service.p99 <= 50ms", "contention <= 20%", "timeouts <= 0.1%"];
