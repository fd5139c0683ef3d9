//! Chart 7: the trade-off. Throughput against the 99th percentile of the acquire
//! wait, one point a system with its range over the trials; the mark says what a
//! crash leaves of its locks and what the oracle saw.

use crate::report::figure::{Figure, find};
use crate::report::{Durability, RecordedRun, SafetyVerdict};

/// One system's place.
struct Place<'a> {
    backend: &'a str,
    trials: usize,
    /// Grants a second, and p99 of the acquire wait in nanoseconds: all trials merged.
    rate: f64,
    wait_ns: f64,
    /// Lowest and highest of the trials; `None` with fewer than two.
    rates: Option<(f64, f64)>,
    waits_ns: Option<(f64, f64)>,
    durability: Durability,
    verdict: SafetyVerdict,
}

/// A system without a place, and why.
struct Unplaced<'a> {
    backend: &'a str,
    reason: String,
}

/// Lowest and highest of a figure over the trials of a system that have it.
pub(super) fn range(run: &RecordedRun, figure: &Figure, backend: &str) -> Option<(f64, f64)> {
    let trials = run.report.results.iter().filter(|result| result.backend == backend);
    let values: Vec<f64> = trials.filter_map(|result| figure.of_trial(result).ok()).collect();
    let ends = values.iter().fold((f64::MAX, f64::MIN), |(low, high), value| (low.min(*value), high.max(*value)));
    (values.len() > 1).then_some(ends)
}

fn place<'a>(run: &'a RecordedRun, backend: &'a str) -> Result<Place<'a>, String> {
    let (throughput, p99) = (find("throughput")?, find("acquire_service.p99")?);
    let trials: Vec<_> = run.report.results.iter().filter(|result| result.backend == backend).collect();
    let ran = trials.iter().find(|result| result.error.is_none()).or(trials.first());
    // A logarithmic axis has no zero.
    let rate = throughput.of_backend(&run.report, backend)?;
    if rate <= 0.0 {
        return Err("no grant".to_owned());
    }
    let wait_ns = p99.of_backend(&run.report, backend).map_err(|reason| format!("no p99: {reason}"))?.max(1.0);
    let aggregate = run.report.aggregates.iter().find(|aggregate| aggregate.backend == backend);
    Ok(Place {
        backend,
        trials: trials.len(),
        rate,
        wait_ns,
        rates: range(run, &throughput, backend),
        waits_ns: range(run, &p99, backend),
        durability: ran.map_or(Durability::read("", ""), |result| Durability::of(result)),
        verdict: aggregate.map_or(SafetyVerdict::Unknown, |aggregate| aggregate.verdict),
    })
}
