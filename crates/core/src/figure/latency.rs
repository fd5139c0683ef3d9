//! The latencies: each is a histogram, with the same statistics.

use super::Metric;
use crate::record::Latency as Histogram;
use crate::record::figures::Latencies;

/// Which latency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LatencyId {
    /// Service time of the grants.
    AcquireService,
    /// Response time of the grants.
    AcquireResponse,
    /// Of the holds.
    Hold,
    /// Between holders.
    Handoff,
    /// Of the releases.
    Release,
    /// Of the renewals.
    Renew,
}

/// A latency.
#[derive(Clone, Copy, Debug)]
pub struct Latency {
    /// Which.
    pub id: LatencyId,
    /// Its name in `report.json` and before the statistic in the names of figures.
    pub name: &'static str,
    /// What it measures, a phrase.
    pub phrase: &'static str,
    /// The same with what people call it.
    pub meaning: &'static str,
    /// Why there is none, where nothing of the kind happened.
    pub absent: &'static str,
    /// Its histogram.
    pub of: fn(&Latencies) -> &Histogram,
    /// As a metric; both acquires are one family.
    pub metric: Metric,
}

const fn metric(place: u16, name: &'static str, help: &'static str) -> Metric {
    Metric { name, help, live: "", of: &[], place }
}

/// What reports say of the waits; the endpoint tells those of other outcomes too.
const ACQUIRE: Metric = metric(
    0,
    "lockbench_acquire_duration_seconds",
    "Wait of granted attempts: service from the call, response from the due instant. Attempts without a grant are not in it",
);

/// All of them, in the order in which people read them.
pub static LATENCIES: [Latency; 6] = [
    Latency {
        id: LatencyId::AcquireService,
        name: "acquire_service",
        phrase: "from the call to the grant",
        meaning: "from the call to the grant: service time",
        absent: "no grants",
        of: |all| &all.acquire_service,
        metric: ACQUIRE,
    },
    Latency {
        id: LatencyId::AcquireResponse,
        name: "acquire_response",
        phrase: "from the due instant to the grant",
        meaning: "from the due instant to the grant: response time",
        absent: "no grants",
        of: |all| &all.acquire_response,
        metric: ACQUIRE,
    },
    Latency {
        id: LatencyId::Hold,
        name: "hold",
        phrase: "from the grant to the release",
        meaning: "from the grant to the release, as achieved",
        absent: "no hold ended",
        of: |all| &all.hold,
        metric: metric(10, "lockbench_hold_duration_seconds", "From the grant to the release, as achieved"),
    },
    Latency {
        id: LatencyId::Handoff,
        name: "handoff",
        phrase: "from a release to the grant of a waiting client",
        meaning: "from a release to the grant of a waiting client",
        absent: "no grant went to a client that was already waiting at the release",
        of: |all| &all.handoff,
        metric: metric(
            30,
            "lockbench_handoff_duration_seconds",
            "From a release to the grant of a client that was already waiting",
        ),
    },
    Latency {
        id: LatencyId::Release,
        name: "release",
        phrase: "from asking for a release to its answer",
        meaning: "from asking for a release to its answer",
        absent: "no release was answered",
        of: |all| &all.release,
        metric: metric(20, "lockbench_release_duration_seconds", "From asking for a release to its answer"),
    },
    Latency {
        id: LatencyId::Renew,
        name: "renew",
        phrase: "from asking for a renewal to its confirmation",
        meaning: "from asking for a renewal to its confirmation",
        absent: "no renewal was made",
        of: |all| &all.renew,
        metric: metric(40, "lockbench_renew_duration_seconds", "From asking for a renewal to its confirmation"),
    },
];
