//! The histograms of a backend, its trials merged.

use lockbench_core::record::figures::Latencies;
use lockbench_report::RecordedRun;

/// The backends that were measured, in the order in which they ran.
#[must_use]
pub fn backends(run: &RecordedRun) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    for measured in &run.measured {
        if !names.contains(&measured.backend.as_str()) {
            names.push(&measured.backend);
        }
    }
    names
}

/// The trials of a backend merged.
#[must_use]
pub fn merged(run: &RecordedRun, backend: &str) -> Latencies {
    let mut all = Latencies::default();
    run.of(backend).for_each(|measured| all.merge(&measured.latencies));
    all
}
