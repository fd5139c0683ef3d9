//! Chart 6: who got how much. The grants of each client, sorted, as multiples of an
//! even share, so that fast and slow systems compare; beside them each client's
//! longest wait, sorted.

use crate::report::{Measurements, RecordedRun};

/// The clients of one system's first measured trial.
struct Clients<'a> {
    of: &'a Measurements,
    /// Jain's index of the trial.
    jain: Option<f64>,
    /// Grants of each client by the mean of all, most first; empty without a grant.
    shares: Vec<f64>,
    /// Longest wait of each client in nanoseconds, longest first; 0 is none.
    waits: Vec<u64>,
}

fn clients(run: &RecordedRun) -> Vec<Clients<'_>> {
    let mut all: Vec<Clients<'_>> = Vec::new();
    for of in &run.measured {
        if all.iter().any(|one| one.of.backend == of.backend) {
            continue;
        }
        let result = run.report.results.iter().find(|one| one.backend == of.backend && one.trial == of.trial);
        let sum: u64 = of.grants_of.iter().sum();
        let mut grants = of.grants_of.clone();
        grants.sort_unstable_by(|a, b| b.cmp(a));
        let mean = sum as f64 / grants.len() as f64;
        let shares = if sum == 0 { Vec::new() } else { grants.iter().map(|grants| *grants as f64 / mean).collect() };
        let mut waits = of.longest_wait_of.clone();
        waits.sort_unstable_by(|a, b| b.cmp(a));
        all.push(Clients { of, jain: result.and_then(|result| result.fairness.jain), shares, waits });
    }
    all
}
