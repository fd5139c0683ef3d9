//! The histograms of a backend, its trials merged, under the names that they have
//! everywhere.

use lockbench_core::record::Latency;
use lockbench_core::record::figures::Latencies;
use lockbench_report::RecordedRun;

/// One kind of latency.
pub struct LatencyKind {
    /// Its name in `report.json` and in figures.
    pub name: &'static str,
    /// What it measures, a phrase.
    pub meaning: &'static str,
    /// The histogram.
    pub of: fn(&Latencies) -> &Latency,
}

/// Every kind, in the order in which people read them.
pub static LATENCY_KINDS: &[LatencyKind] = &[
    LatencyKind { name: "acquire_service", meaning: "from the call to the grant", of: |all| &all.acquire_service },
    LatencyKind {
        name: "acquire_response",
        meaning: "from the due instant to the grant",
        of: |all| &all.acquire_response,
    },
    LatencyKind { name: "hold", meaning: "from the grant to the release", of: |all| &all.hold },
    LatencyKind { name: "handoff", meaning: "from a release to the grant of a waiting client", of: |all| &all.handoff },
    LatencyKind { name: "release", meaning: "from asking for a release to its answer", of: |all| &all.release },
    LatencyKind { name: "renew", meaning: "from asking for a renewal to its confirmation", of: |all| &all.renew },
];

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
