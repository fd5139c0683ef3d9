//! What one trial of a scenario showed.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::judge::double_grants;
use crate::reached::missed_conditions;
use crate::{Policies, Report, SafetyVerdict, TrialResult, Violation};
use lockbench_core::units::human_duration;

/// What one trial of a scenario showed, as far as a verdict on the scenario needs it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Seen {
    /// Grants of the measure phase.
    pub grants: u64,
    /// Double grants.
    pub double_grants: u64,
    /// Of these, by their kind: `inside`, `withdrawn`, `outside`.
    pub kinds: BTreeMap<String, u64>,
    /// How many there are of them by what a client believes: to the end (`naive`), while it is promised the lock and not
    /// told otherwise (`deadline`), by what the server confirmed (`evidence`).
    #[serde(default)]
    pub policies: BTreeMap<String, u64>,
    /// Of the `outside` ones: while lockbench itself was stalled, which is not the system's doing.
    pub stalled: u64,
    /// Of these, by their cause.
    pub causes: BTreeMap<String, u64>,
    /// Fencing tokens that went back; `null`: the system has none.
    pub token_regressions: Option<u64>,
    /// Writes lost on the resource without fencing.
    pub lost_updates: u64,
    /// Writes that the resource with fencing refused; `null`: the system has no token.
    pub refused_writes: Option<u64>,
    /// The longest time that a key was stuck: a client asked for it, and no living client held it; `null`: none.
    #[serde(alias = "ungranted_ns")]
    pub stuck_ns: Option<u64>,
    /// Why the trial shows nothing; empty if it does.
    pub doubts: Vec<String>,
    /// Why it failed, and whether that is a bug of lockbench.
    pub failure: Option<String>,
    /// Whether the failure is a bug of lockbench.
    pub internal: bool,
    /// The story of the double grant that tells most, in plain words.
    pub story: Option<String>,
}

/// What the trials of a report showed, in their order.
#[must_use]
pub fn seen(report: &Report) -> Vec<Seen> {
    report.results.iter().map(|result| of_trial(report, result)).collect()
}

fn of_trial(report: &Report, result: &TrialResult) -> Seen {
    let safety = &result.safety;
    let kinds = [("inside", safety.inside), ("withdrawn", safety.withdrawn), ("outside", safety.outside)];
    let own = |fault: &&crate::InjectedFault| (&fault.backend, fault.trial) == (&result.backend, result.trial);
    let mut doubts: Vec<String> = report.faults.iter().filter(own).filter_map(crate::InjectedFault::doubt).collect();
    doubts.extend(missed_conditions(result));
    let planned = report.plan["faults"].as_array().map_or(0, Vec::len);
    let injected = |place: usize| report.faults.iter().filter(own).any(|fault| fault.fault as usize == place);
    let missed = (1..=planned).filter(|place| !injected(*place));
    doubts.extend(missed.map(|place| format!("fault {place} of the plan hit nothing")));
    if safety.verdict == SafetyVerdict::Unknown && result.error.is_none() {
        doubts.push(format!("the safety verdict is unknown: {}", safety.because));
    }
    if result.grants == 0 && result.error.is_none() {
        doubts.push("zero grants".to_owned());
    }
    Seen {
        grants: result.grants,
        double_grants: safety.double_grants_certain,
        kinds: kinds.into_iter().filter(|(_, count)| *count > 0).map(|(kind, n)| (kind.to_owned(), n)).collect(),
        policies: policies(&safety.policies),
        stalled: safety.outside_self_stall,
        causes: safety.causes.clone(),
        token_regressions: safety.token_regressions,
        lost_updates: safety.harm.lost_updates,
        refused_writes: safety.stale_writes_refused,
        stuck_ns: result
            .recovery
            .as_ref()
            .and_then(|recovery| recovery.stuck)
            .map(|stuck| (stuck.stuck_s * 1e9) as u64),
        doubts,
        failure: result.error.clone(),
        internal: safety.internal_error,
        story: safety.violations.first().map(Violation::told),
    }
}

fn policies(policies: &Policies) -> BTreeMap<String, u64> {
    let Policies { naive, deadline, evidence } = *policies;
    let all = [("naive", naive), ("deadline", deadline), ("evidence", evidence)];
    all.into_iter().map(|(policy, count)| (policy.to_owned(), count)).collect()
}

impl Seen {
    /// How many were of a kind.
    #[must_use]
    pub fn of_kind(&self, kind: &str) -> u64 {
        self.kinds.get(kind).copied().unwrap_or(0)
    }

    /// What was seen in a few words.
    #[must_use]
    pub fn words(&self) -> String {
        let mut parts: Vec<String> = Vec::new();
        for (kind, count) in &self.kinds {
            parts.push(format!("{} {kind}", double_grants(*count)));
        }
        if !self.kinds.is_empty() && !self.policies.is_empty() {
            let all: Vec<String> = self.policies.iter().map(|(policy, count)| format!("{policy} {count}")).collect();
            parts.push(format!("by policy: {}", all.join(", ")));
        }
        let causes: Vec<&str> = self.causes.keys().map(String::as_str).collect();
        if !causes.is_empty() {
            parts.push(format!("cause {}", causes.join(", ")));
        }
        match self.token_regressions {
            Some(1) => parts.push("1 token went back".to_owned()),
            Some(count) if count > 1 => parts.push(format!("{count} tokens went back")),
            _ => {}
        }
        if self.lost_updates > 0 || self.refused_writes.unwrap_or(0) > 0 {
            let refused = self.refused_writes.map_or("-".to_owned(), |count| count.to_string());
            parts.push(format!("unfenced {} lost, fenced {refused} refused", self.lost_updates));
        }
        if parts.is_empty() {
            parts.push("no violation".to_owned());
        }
        if let Some(ns) = self.stuck_ns.filter(|ns| *ns >= 100_000_000) {
            parts.push(format!("no grant for {}", human_duration(ns)));
        }
        parts.join(", ")
    }
}
