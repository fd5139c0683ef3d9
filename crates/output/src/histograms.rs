//! The histograms of a backend, its trials merged.

use lockbench_core::record::figures::Latencies;
use lockbench_report::RecordedRun;

/// The backends that were measured, in the order in which they ran.
#[must_use]
pub fn backends(run: &RecordedRun) -> Vec<&str> {
    distinct(run.measured.iter().map(|measured| measured.backend.as_str()))
}

/// Each of these once, in the order of its first appearance.
pub fn distinct<T: PartialEq>(all: impl Iterator<Item = T>) -> Vec<T> {
    let mut found = Vec::new();
    for one in all {
        if !found.contains(&one) {
            found.push(one);
        }
    }
    found
}

/// The trials of a backend merged.
#[must_use]
pub fn merged(run: &RecordedRun, backend: &str) -> Latencies {
    let mut all = Latencies::default();
    run.of(backend).for_each(|measured| all.merge(&measured.latencies));
    all
}
