//! Lints: named findings on a run that limit how far its figures can be trusted.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What becomes of a finding.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LintLevel {
    /// Not shown.
    Allow,
    /// Shown.
    #[default]
    Warn,
    /// Shown, and the run does not pass.
    Deny,
}

/// One finding of a lint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LintFinding {
    /// Name of the lint (`lockbench lints` lists them).
    pub name: String,
    /// Its level in this run.
    pub level: LintLevel,
    /// The backend that it is about; `null`: the run.
    pub backend: Option<String>,
    /// What was found, with the figure.
    pub message: String,
    /// What to do about it, one line.
    pub advice: String,
}
