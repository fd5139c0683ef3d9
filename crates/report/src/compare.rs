//! Two sides compared: is B slower or less safe than A, beyond noise? Pure: reports
//! in, a [`Comparison`] out; the same reports always give the same one.
//!
//! A side is one run or several of the same plan, whose trials are pooled. A figure
//! regressed only where its change is in the worse direction, exceeds the noise
//! threshold, and its 95 % interval excludes "no change" (`change`). Only gated
//! figures decide, and safety always does.
//!
//! # Which figures are gates
//!
//! `throughput` says how much the system does, `acquire_service.p99` what its slowest
//! users see: a polling system may grant more often by starving most of its clients.
//! `acquire_service.p50` is none: where clients poll for one key, half of the grants go to
//! the client that just released, so that the median lies between two humps, and differed
//! thirtyfold between runs of one plan whose throughput differed by 19 %. The mean follows
//! from throughput in a closed loop (clients / throughput, less hold and release). The
//! other figures are causes of these two: all are compared and told, and `--gate` makes
//! any of them decide. A default gate that the baseline lacks (a percentile of too few
//! samples) is told and left to the other; one that only the new side lacks, or that was
//! asked for by name, is inconclusive.
//!
//! # False alarms
//!
//! With 8 systems and 2 gates 16 intervals are looked at, and were the intervals all that
//! is asked, one comparison in three would have one that wrongly excludes zero on the
//! worse side. The noise threshold is what guards against that. Of 8 000 simulated
//! comparisons of one gate, by how much its trials spread around their mean:
//!
//! | spread | trials a side | false alarms | a slow-down of 30 % is seen |
//! |---|---|---|---|
//! | 5 % | 5 | 0.0 % | 100 % |
//! | 10 % | 5 | 1.0 % | 94 % |
//! | 10 % | 10 | 0.2 % | 100 % |
//! | 20 % | 5 | 2.8 % | 43 % |
//! | 20 % | 10 | 2.4 % | 79 % |
//!
//! So a gate that spreads by 5 % needs no more than five trials, and one that spreads by
//! 20 % needs more trials or longer ones. We do not widen the intervals for the number of
//! gates: with five trials that would hide the very changes that are looked for.
//! The interval knows nothing of what differs from run to run but not from trial to trial
//! (a neighbour on the machine, where a server's files lie): joining several runs a side
//! brings that in.

mod change;
mod comparison;
mod likeness;
mod safety;
#[cfg(test)]
mod tests;

use super::figure::{Figure, figures, find};
use super::schema::{Report, TrialResult};
use change::Sample;
pub use change::percent;
pub use comparison::{Change, ChangeVerdict, Comparison, ComparisonOutcome};
pub use likeness::{Unlike, machine_differences, plan_differences};
pub use safety::tells as decides_always;

/// Fewest trials a side from which anything is concluded.
pub const FEWEST_TRIALS: usize = 5;

/// Smallest change that counts, as a share.
pub const NOISE: f64 = 0.15;

/// As [`NOISE`], for systems of which several nodes must agree.
pub const QUORUM_NOISE: f64 = 0.30;

/// Names of the gates where none are asked for.
pub const DEFAULT_GATES: [&str; 2] = ["throughput", "acquire_service.p99"];

/// How to compare.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// Names of the figures that decide, checked; empty: [`DEFAULT_GATES`].
    pub gates: Vec<String>,
    /// Smallest change that counts, as a share; `None`: [`NOISE`] or [`QUORUM_NOISE`].
    pub noise: Option<f64>,
    /// Compare unlike sides all the same.
    pub force: bool,
}

/// One side: what it is called, and its runs.
#[derive(Clone, Copy, Debug)]
pub struct Side<'a> {
    /// As it was given.
    pub name: &'a str,
    /// At least one.
    pub runs: &'a [&'a Report],
}

/// Compares `candidate` with `baseline`.
///
/// # Errors
/// What makes the sides unlike, if that is not overridden.
pub fn compare(baseline: Side<'_>, candidate: Side<'_>, rules: &Rules) -> Result<Comparison, Unlike> {
    let likeness = likeness::between(baseline, candidate);
    if !likeness.unlike.is_empty() && !rules.force {
        return Err(Unlike { differences: likeness.unlike });
    }
    let names = |side: Side<'_>| side.runs.iter().map(|run| run.run_id.clone()).collect();
    let gates: Vec<String> = if rules.gates.is_empty() {
        DEFAULT_GATES.iter().map(|gate| (*gate).to_owned()).collect()
    } else {
        rules.gates.clone()
    };
    let mut comparison = Comparison {
        baseline: baseline.name.to_owned(),
        baseline_runs: names(baseline),
        candidate: candidate.name.to_owned(),
        candidate_runs: names(candidate),
        unlike: likeness.unlike,
        remarks: likeness.remarks,
        gates,
        changes: Vec::new(),
        outcome: ComparisonOutcome::NoRegression,
        reasons: Vec::new(),
    };
    let mut missing = Vec::new();
    for backend in backends(baseline, candidate) {
        let (a, b) = (trials(baseline, backend), trials(candidate, backend));
        comparison.changes.extend(safety::changes(backend, &watched(baseline, backend), &watched(candidate, backend)));
        if a.is_empty() || b.is_empty() {
            let absent = if a.is_empty() { baseline } else { candidate };
            let told = format!("{backend} is not compared: {} has no whole trial of it", absent.name);
            match why_absent(absent, backend) {
                // Asked for and not delivered: nothing passes silently.
                Some(why) if b.is_empty() => missing.push(format!("{told}: {why}")),
                Some(why) => comparison.remarks.push(format!("{told}: {why}")),
                None => comparison.remarks.push(told),
            }
            continue;
        }
        let noise = rules.noise.unwrap_or_else(|| likeness::noise_of(a[0]).max(likeness::noise_of(b[0])));
        comparison.changes.extend(of_backend(backend, &a, &b, noise, &comparison.gates));
    }
    conclude(&mut comparison, missing, !rules.gates.is_empty());
    Ok(comparison)
}

/// Every change of a backend but its safety, in the order of the figures.
fn of_backend(backend: &str, a: &[&TrialResult], b: &[&TrialResult], noise: f64, gates: &[String]) -> Vec<Change> {
    let mut changes = Vec::new();
    for figure in figures().filter(|figure| !safety::tells(&figure.name())) {
        let gated = gates.contains(&figure.name());
        let (baseline, candidate) = (Sample::of(&figure, a), Sample::of(&figure, b));
        if gated || !baseline.values.is_empty() || !candidate.values.is_empty() {
            changes.push(change::change(backend, &figure, gated, &baseline, &candidate, noise));
        }
    }
    changes
}

/// Folds the gated changes into an outcome. `strict`: the gates were asked for by
/// name, and each must be judged.
fn conclude(comparison: &mut Comparison, missing: Vec<String>, strict: bool) {
    let told = |change: &Change| format!("{} {}: {}", change.backend, change.figure, change.because);
    let gated = || comparison.changes.iter().filter(|change| change.gated);
    let regressed: Vec<String> =
        gated().filter(|change| change.verdict == ChangeVerdict::Regression).map(told).collect();
    let judged = |backend: &str| {
        gated().any(|change| change.backend == backend && !safety::tells(&change.figure) && change.verdict.concluded())
    };
    let mut reasons: Vec<String> = regressed.clone();
    // What the baseline had must not vanish: a slow-down may be why it did.
    let vanished = |change: &Change| change.baseline_trials as usize >= FEWEST_TRIALS;
    let spared = |change: &Change| {
        let optional = !strict && !safety::tells(&change.figure);
        optional && !vanished(change) && judged(&change.backend)
    };
    let open = gated().filter(|change| !change.verdict.concluded() && !spared(change)).map(told);
    reasons.extend(open);
    reasons.extend(missing);
    if comparison.changes.iter().all(|change| safety::tells(&change.figure)) {
        reasons.push("no system has whole trials on both sides".to_owned());
    }
    comparison.outcome = match (regressed.is_empty(), reasons.is_empty()) {
        (false, _) => ComparisonOutcome::Regression,
        (true, false) => ComparisonOutcome::Inconclusive,
        (true, true) => ComparisonOutcome::NoRegression,
    };
    comparison.reasons = reasons;
}

/// Backends of which either side has trials, in their order.
fn backends<'a>(a: Side<'a>, b: Side<'a>) -> Vec<&'a str> {
    let mut names = Vec::new();
    for aggregate in a.runs.iter().chain(b.runs).flat_map(|run| &run.aggregates) {
        if !names.contains(&aggregate.backend.as_str()) {
            names.push(aggregate.backend.as_str());
        }
    }
    names
}

/// The trials of a backend that ran to their end.
fn trials<'a>(side: Side<'a>, backend: &str) -> Vec<&'a TrialResult> {
    let all = side.runs.iter().flat_map(|run| &run.results);
    all.filter(|result| result.backend == backend && safety::whole(result)).collect()
}

/// Those, and what the oracle saw of the others: a double grant is one also where its
/// server died later, or somebody stopped the run.
fn watched<'a>(side: Side<'a>, backend: &str) -> Vec<&'a TrialResult> {
    let all = side.runs.iter().flat_map(|run| &run.results).filter(|result| result.backend == backend);
    all.filter(|result| safety::whole(result) || result.safety.grants_all_phases > 0).collect()
}

/// Why a side has no trial of a backend that it should have; `None`: it was left out.
fn why_absent(side: Side<'_>, backend: &str) -> Option<String> {
    let skipped = side.runs.iter().flat_map(|run| &run.skipped).find(|skipped| skipped.backend == backend);
    let failed = side.runs.iter().flat_map(|run| &run.results).find(|result| result.backend == backend);
    let failed = failed.map(|failed| failed.error.clone().unwrap_or_else(|| "it was cut short".to_owned()));
    skipped.map(|skipped| format!("it did not run: {}", skipped.reason)).or(failed)
}

/// Checks the names of gates.
///
/// # Errors
/// The first name that is no figure, or a count, which is told and cannot be a gate.
pub fn check_gates(names: &[String]) -> Result<Vec<Figure>, String> {
    let check = |name: &String| {
        let figure = find(name.trim())?;
        if safety::tells(&figure.name()) {
            return Err(format!("{} decides always, without being a gate", figure.name()));
        }
        if change::is_count(&figure) {
            return Err(format!(
                "{} is a count: it is told as a rate and cannot be a gate; --threshold bounds it",
                figure.name()
            ));
        }
        Ok(figure)
    };
    names.iter().map(check).collect()
}
