//! What `report.json` says of the safety of a trial.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::counts::places;
use lockbench_core::oracle::{Attribution, DoubleGrant};

/// What the oracle says of a trial. Covers warm-up, measure and drain.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Safety {
    /// The verdict.
    pub verdict: SafetyVerdict,
    /// Why, in one sentence.
    pub because: String,
    /// Is lockbench itself at fault? Then nothing else here can be trusted.
    pub internal_error: bool,
    /// Double grants under the naive policy.
    pub double_grants_certain: u64,
    /// Of these: the earlier holder's promise was still running, and the service said nothing.
    pub inside: u64,
    /// Of these: the promise was still running, and the service took the lock back early and
    /// said so.
    #[serde(default)]
    pub withdrawn: u64,
    /// Of these: the earlier holder's lease was lawfully over.
    pub outside: u64,
    /// Of the withdrawn ones: the server itself admitted both holds.
    #[serde(default)]
    pub withdrawn_admitted: u64,
    /// Of the outside ones: the server itself admitted both holds.
    #[serde(default)]
    pub outside_admitted: u64,
    /// Of the outside ones that the server did not admit: this process itself was stalled
    /// meanwhile.
    pub outside_self_stall: u64,
    /// Grants that overlap an uncertain hold.
    pub overlaps_possible: u64,
    /// Grants of all phases.
    pub grants_all_phases: u64,
    /// Holds during which a request of another client for the key was in flight or queued at
    /// the server: the N of the bound. A poller that is asleep between two polls challenges
    /// nobody; before version 3 it did.
    pub exercised_holds: u64,
    /// Beside a zero: upper bound of double grants a million exercised holds, at 95 %.
    pub upper_bound_95_per_million: Option<f64>,
    /// Double grants by policy.
    pub policies: Policies,
    /// Double grants by cause: those that there are, by name. Empty in runs that were stored before causes were
    /// told.
    #[serde(default)]
    pub causes: BTreeMap<String, u64>,
    /// Writes with a token below the highest written; `null` without tokens.
    pub stale_writes_seen: Option<u64>,
    /// Writes that fencing refuses; `null` without tokens.
    pub stale_writes_refused: Option<u64>,
    /// Harm without fencing.
    pub harm: Harm,
    /// Certain token regressions; `null` without tokens.
    pub token_regressions: Option<u64>,
    /// Inversions between grants under way at once: no violation.
    pub token_inversions: Option<u64>,
    /// Grants of the measure phase of which the client learned that they were lost.
    pub lost_leases: u64,
    /// The first 100 double grants.
    pub violations: Vec<Violation>,
    /// Under which conditions this holds.
    pub conditions: String,
}

/// Three-valued, and "not exercised" for a lock that nobody ever waited for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SafetyVerdict {
    /// No violation, and contention there was.
    Valid,
    /// At least one certain violation.
    Violated,
    /// No violation, but the checkers did not see everything.
    #[default]
    Unknown,
    /// No violation, but no holder was ever challenged either.
    NotExercised,
}

/// Double grants under the three policies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Policies {
    /// A hold lasts until its release.
    pub naive: u64,
    /// Cut at the local validity.
    pub deadline: u64,
    /// Only what the server confirmed: it admitted both holds itself. No expectation of a
    /// plan excuses these.
    pub evidence: u64,
}

/// Harm done to the unfenced resource.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Harm {
    /// Writes over a change made since the read.
    pub lost_updates: u64,
    /// Units oversold (needs an inventory workload).
    pub oversold: Option<u64>,
    /// Critical sections that acted on what they had read: sold a unit, ran a job. Left out if none did.
    #[serde(default, skip_serializing_if = "super::zero")]
    pub acts: u64,
    /// Of these: another client had done the same since.
    #[serde(default, skip_serializing_if = "super::zero")]
    pub harmful_acts: u64,
    /// The same in the world where the resource refuses stale tokens.
    #[serde(default, skip_serializing_if = "super::zero")]
    pub harmful_acts_fenced: u64,
}

/// One double grant with its story.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Violation {
    /// The two holds.
    #[serde(flatten)]
    pub double_grant: DoubleGrant,
    /// What caused it, and by what one knows.
    #[serde(flatten)]
    pub attribution: Attribution,
    /// What happened, in plain words; instants since the start of the warm-up.
    pub story: String,
    /// Its cause in one sentence; empty in runs that were stored before causes were told.
    #[serde(default)]
    pub why: String,
}

impl Violation {
    /// What happened, and why.
    #[must_use]
    pub fn told(&self) -> String {
        if self.why.is_empty() { self.story.clone() } else { format!("{} {}", self.story, self.why) }
    }
}

places!(Safety {
    LostLeases: lost_leases,
    DoubleGrants: double_grants_certain,
    Inside: inside,
    TakenBack: withdrawn,
    Outside: outside,
    Admitted: policies.evidence,
    Deadline: policies.deadline,
    GrantsAll: grants_all_phases,
    OverlapsPossible: overlaps_possible,
    TokenRegressions: token_regressions,
    TokenInversions: token_inversions,
    StaleWritesSeen: stale_writes_seen,
    StaleWritesRefused: stale_writes_refused,
    LostUpdates: harm.lost_updates,
    Acts: harm.acts,
    HarmfulActs: harm.harmful_acts,
    HarmfulActsFenced: harm.harmful_acts_fenced,
});
