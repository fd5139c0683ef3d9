//! The violations that a monitor has seen.

use crate::TrialResult;
use crate::counts::places;
use lockbench_core::figure::{Counter, Totals};

/// Violations so far. They are certain, so they are never over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct Certain {
    /// Double grants.
    pub double_grants: u64,
    /// Of these: while the earlier lease was valid.
    pub inside: u64,
    /// Of these: the service took it back early and said so.
    pub withdrawn: u64,
    /// Of these: after it had lawfully ended.
    pub outside: u64,
    /// Of all: the server itself admitted both holds.
    pub admitted: u64,
    /// Fencing tokens that went back.
    pub token_regressions: u64,
}

places!(Certain {
    DoubleGrants: double_grants,
    Inside: inside,
    TakenBack: withdrawn,
    Outside: outside,
    Admitted: admitted,
    TokenRegressions: token_regressions,
});

impl Certain {
    /// Adds the violations of a trial.
    pub fn add(&mut self, trial: &TrialResult) {
        let mut all = Totals::default();
        for &counter in Counter::ALL {
            all.set(counter, self.count(counter).map(|count| count + trial.count(counter).unwrap_or(0)));
        }
        self.take(&all);
    }
}
