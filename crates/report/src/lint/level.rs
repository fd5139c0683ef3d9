//! Which level each lint has in a run.

use std::collections::BTreeMap;

use super::{LINTS, LintLevel};

/// The levels that differ from the defaults.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LintLevels(BTreeMap<&'static str, LintLevel>);

impl LintLevels {
    /// Gives a lint another level; the last one counts.
    ///
    /// # Errors
    /// There is no such lint; names the nearest.
    pub fn set(&mut self, name: &str, level: LintLevel) -> Result<(), String> {
        let Some(lint) = LINTS.iter().find(|lint| lint.name == name) else {
            let near = LINTS
                .iter()
                .map(|lint| (strsim::damerau_levenshtein(name, lint.name), lint.name))
                .filter(|(distance, candidate)| *distance <= (candidate.len() / 3).max(1))
                .min()
                .map(|(_, candidate)| format!(": did you mean \"{candidate}\"?"));
            return Err(format!("unknown lint \"{name}\"{}; `lockbench lints` lists all", near.unwrap_or_default()));
        };
        self.0.insert(lint.name, level);
        Ok(())
    }

    /// The level of a lint.
    #[must_use]
    pub fn of(&self, name: &str) -> LintLevel {
        let default = || LINTS.iter().find(|lint| lint.name == name).map(|lint| lint.default);
        self.0.get(name).copied().or_else(default).unwrap_or_default()
    }

    /// What was set, by name.
    pub fn changed(&self) -> impl Iterator<Item = (&'static str, LintLevel)> {
        self.0.iter().map(|(name, level)| (*name, *level))
    }
}
