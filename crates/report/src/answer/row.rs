//! One system of the answer: its figures, each with the reason where it has none, and
//! what keeps it from being ranked.

use super::super::figure::{Value, find};
use super::super::outage::too_many_unserved;
use super::super::schema::{Aggregate, Report, SafetyVerdict, TrialResult};
use lockbench_core::lock::Nodes;
use lockbench_core::stats::{Interval, mean};

/// One system.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Registry name.
    pub system: String,
    /// Trials that did not fail.
    pub trials: usize,
    /// Grants per second, all trials.
    pub rate: Value,
    /// The same over the trials, with its 95 % interval; `None` with fewer than three.
    pub rate_interval: Option<Interval>,
    /// Acquire response time, nanoseconds: half of the grants waited no longer.
    pub wait_p50: Value,
    /// Acquire response time, nanoseconds: 99 of 100 grants waited no longer.
    pub wait_p99: Value,
    /// Hand-off, nanoseconds.
    pub handoff_p50: Value,
    /// Jain's index of the grants per client: 1 is even.
    pub jain: Value,
    /// Share of the time, or of what was due, in which the system served; `None` where
    /// this version has no such figure.
    pub availability: Option<Value>,
    /// How its clients wait, as the recipe says (`poll`, `watch`, `server-queue`).
    pub waiting: Option<String>,
    /// How many nodes must agree of how many, as read back.
    pub quorum: String,
    /// Its nodes at the end of its last trial, where some were away.
    pub nodes_left: Option<Nodes>,
    /// What the oracle saw.
    pub safety: Evidence,
    /// Why it is not ranked, most severe first; empty for a system that is.
    pub disqualified: Vec<Disqualified>,
}

/// What the oracle saw of a system, over all its trials.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Evidence {
    /// Worst verdict of the trials.
    pub verdict: SafetyVerdict,
    /// Certain double grants.
    pub double_grants: u64,
    /// Certain token regressions; `None` for a recipe without tokens.
    pub token_regressions: Option<u64>,
    /// Holds that another client challenged.
    pub challenged_holds: u64,
    /// Beside a zero: at most so many double grants per million challenged holds, at 95 %.
    pub bound_per_million: Option<f64>,
}

/// Why a system is not ranked.
#[derive(Clone, Debug, PartialEq)]
pub enum Disqualified {
    /// It granted a lock twice, or a token went back.
    Violated,
    /// The oracle did not see everything: it may have granted twice.
    SafetyUnknown {
        /// Why, in the oracle's words.
        because: String,
    },
    /// Some of its trials failed.
    Failed {
        /// Trials that failed.
        trials: usize,
        /// Of so many.
        of: usize,
        /// Why the first of them did.
        error: String,
    },
    /// It was stopped before its planned end.
    Incomplete {
        /// Trials that came to their end.
        trials: usize,
        /// Of so many that began.
        of: usize,
    },
    /// Too many attempts had no answer.
    Unserved {
        /// Their share.
        share: f64,
    },
    /// It granted nothing.
    NoGrants,
}

impl Row {
    /// Does it take part in the ranking of its class?
    #[must_use]
    pub fn ranked(&self) -> bool {
        self.disqualified.is_empty()
    }
}

/// The trials of a system.
pub(super) fn trials<'a>(report: &'a Report, system: &'a str) -> impl Iterator<Item = &'a TrialResult> {
    report.results.iter().filter(move |result| result.backend == system)
}

/// Grants per second of each trial that ran.
pub(super) fn rates(report: &Report, system: &str) -> Vec<f64> {
    trials(report, system).filter(|trial| trial.error.is_none()).filter_map(|trial| trial.throughput_per_s).collect()
}

/// Seed of the intervals: the same report always says the same.
pub(super) fn seed(report: &Report) -> u64 {
    report.plan["seed"].as_u64().unwrap_or(1)
}

pub(super) fn row(report: &Report, system: &str) -> Row {
    let figure = |name: &str| find(name).and_then(|figure| figure.of_backend(report, system));
    let ran: Vec<&TrialResult> = trials(report, system).filter(|trial| trial.error.is_none()).collect();
    let merged = report.aggregates.iter().find(|merged| merged.backend == system);
    // Of a system that failed in every trial the figures until then are kept.
    let until = |name: &str, of: fn(&Aggregate) -> Option<f64>| {
        let cut_short = merged.filter(|_| ran.is_empty()).and_then(of);
        cut_short.map_or_else(|| figure(name), Ok)
    };
    let first = ran.first().copied().or_else(|| trials(report, system).next());
    let left = trials(report, system).last().and_then(|trial| trial.nodes.end.clone());
    let safety = evidence(report, system, merged);
    let mut row = Row {
        system: system.to_owned(),
        trials: ran.len(),
        rate: until("throughput", |merged| merged.throughput_per_s),
        rate_interval: mean(&rates(report, system), seed(report)),
        wait_p50: until("acquire_response.p50", |merged| Some(merged.latency.acquire_response.p50_ns? as f64)),
        wait_p99: until("acquire_response.p99", |merged| Some(merged.latency.acquire_response.p99_ns? as f64)),
        handoff_p50: until("handoff.p50", |merged| Some(merged.latency.handoff.p50_ns? as f64)),
        jain: figure("jain"),
        availability: find("availability").ok().map(|figure| figure.of_backend(report, system)),
        waiting: first.and_then(|trial| trial.guarantees["waiting"].as_str()).map(str::to_owned),
        quorum: first.map_or_else(String::new, |trial| trial.quorum.to_string()),
        nodes_left: left.filter(|nodes| !nodes.away.is_empty()),
        safety,
        disqualified: Vec::new(),
    };
    row.disqualified = disqualified(report, &row);
    row
}

fn evidence(report: &Report, system: &str, merged: Option<&Aggregate>) -> Evidence {
    let regressions = trials(report, system).filter_map(|trial| trial.safety.token_regressions);
    Evidence {
        verdict: merged.map_or(SafetyVerdict::Unknown, |merged| merged.verdict),
        double_grants: merged.map_or(0, |merged| merged.double_grants_certain),
        token_regressions: regressions.reduce(|a, b| a + b),
        challenged_holds: merged.map_or(0, |merged| merged.exercised_holds),
        bound_per_million: merged.and_then(|merged| merged.upper_bound_95_per_million),
    }
}

fn disqualified(report: &Report, row: &Row) -> Vec<Disqualified> {
    let mut found = Vec::new();
    let all: Vec<&TrialResult> = trials(report, &row.system).collect();
    if row.safety.verdict == SafetyVerdict::Violated {
        found.push(Disqualified::Violated);
    }
    let failed: Vec<&String> = all.iter().filter_map(|trial| trial.error.as_ref()).collect();
    if let Some(error) = failed.first() {
        found.push(Disqualified::Failed { trials: failed.len(), of: all.len(), error: (*error).clone() });
    } else if row.safety.verdict == SafetyVerdict::Unknown {
        let unknown = all.iter().find(|trial| trial.safety.verdict == SafetyVerdict::Unknown);
        let because = unknown.map_or_else(String::new, |trial| trial.safety.because.clone());
        found.push(Disqualified::SafetyUnknown { because });
    }
    let ended = all.iter().filter(|trial| trial.complete).count();
    if failed.is_empty() && ended < all.len() {
        found.push(Disqualified::Incomplete { trials: ended, of: all.len() });
    }
    if !row.rate.as_ref().is_ok_and(|rate| *rate > 0.0) {
        found.push(Disqualified::NoGrants);
    }
    match find("failures").and_then(|figure| figure.of_backend(report, &row.system)) {
        Ok(share) if too_many_unserved(share) => found.push(Disqualified::Unserved { share }),
        _ => {}
    }
    found
}
