//! The table of the figures that are no latency, in the order in which people read them.

use super::{Better, Counter, Figure, Measure, Merge, Metric, Source, Unit, Weight};

const NO_ATTEMPTS: &str = "no attempts";
const NO_GRANTS: &str = "no grants";
const NO_WAKEUPS: &str = "no grants, or recorded before wake-ups were counted";
/// Why a system has no figure of tokens.
pub const NO_TOKEN: &str = "not offered: the recipe has no fencing token";

/// A count that is better the lower it is, under its own name in the report.
const fn count(counter: Counter, name: &'static str, meaning: &'static str) -> Figure {
    Figure {
        name,
        unit: Unit::Count,
        better: Better::Lower,
        meaning,
        field: name,
        source: Source::Count(counter),
        merge: Merge::Sum,
        absent: "",
        column: "",
        metric: None,
    }
}

/// A count of what surely happened.
const fn certain(counter: Counter, name: &'static str, meaning: &'static str) -> Figure {
    Figure { merge: Merge::Certain, ..count(counter, name, meaning) }
}

/// A share of the attempts that is better the lower it is.
const fn share(source: Source, name: &'static str, meaning: &'static str) -> Figure {
    Figure {
        unit: Unit::Share,
        source,
        merge: Merge::Weighted(Weight::Attempts),
        ..count(Counter::Attempts, name, meaning)
    }
}

const fn measured(measure: Measure, unit: Unit, merge: Merge, name: &'static str, meaning: &'static str) -> Figure {
    Figure { unit, source: Source::Measured(measure), merge, ..count(Counter::Attempts, name, meaning) }
}

/// A count that only the metrics have.
const fn metric_only(counter: Counter, metric: Metric) -> Figure {
    Figure { metric: Some(metric), ..count(counter, "", "") }
}

const fn metric(place: u16, name: &'static str, of: &'static [Counter], help: &'static str) -> Metric {
    Metric { name, help, live: "", of, place }
}

/// Every figure that is no latency. Those without a name are counts that only the metrics have.
pub static FIGURES: &[Figure] = &[
    Figure {
        better: Better::Higher,
        field: "throughput_per_s",
        absent: "stopped before measuring began",
        ..measured(
            Measure::Throughput,
            Unit::PerSecond,
            Merge::Weighted(Weight::Seconds),
            "throughput",
            "grants per second of the measure phase",
        )
    },
    Figure {
        better: Better::Higher,
        field: "goodput_per_s",
        absent: "stopped before measuring began",
        ..measured(
            Measure::Goodput,
            Unit::PerSecond,
            Merge::Weighted(Weight::Seconds),
            "goodput",
            "grants per second whose release the server confirmed: work that counts",
        )
    },
    Figure {
        field: "waited_ratio",
        absent: NO_ATTEMPTS,
        metric: Some(metric(
            60,
            "lockbench_contended_attempts",
            &[Counter::Waited],
            "Attempts that were not granted by their first request",
        )),
        ..share(
            Source::Measured(Measure::Waited),
            "waited",
            "share of attempts that were not granted by their first request",
        )
    },
    Figure {
        field: "found_held_ratio",
        absent: NO_ATTEMPTS,
        metric: Some(metric(
            61,
            "lockbench_found_held_attempts",
            &[Counter::FoundHeld],
            "Attempts at whose call another client held the key",
        )),
        ..share(
            Source::Measured(Measure::FoundHeld),
            "found_held",
            "share of attempts at whose call another client held the key",
        )
    },
    Figure {
        better: Better::Higher,
        absent: NO_ATTEMPTS,
        ..share(
            Source::Measured(Measure::Availability),
            "availability",
            "share of attempts that were served: granted, refused or timed out in order",
        )
    },
    metric_only(
        Counter::Attempts,
        metric(50, "lockbench_attempts", &[Counter::Attempts], "Attempts with an outcome, of the measure phase"),
    ),
    Figure {
        metric: Some(metric(53, "lockbench_timeouts", &[Counter::TimedOut], "Attempts that timed out")),
        ..share(Source::Share(&[Counter::TimedOut]), "timeouts", "share of attempts that timed out")
    },
    Figure {
        metric: Some(metric(
            54,
            "lockbench_failures",
            &[Counter::Unavailable, Counter::Unknown],
            "Attempts that were not served, or whose answer was lost",
        )),
        ..share(
            Source::Share(&[Counter::Unavailable, Counter::Unknown]),
            "failures",
            "share of attempts that were not served or whose answer was lost",
        )
    },
    Figure {
        metric: Some(metric(52, "lockbench_refusals", &[Counter::Refused], "Attempts that were refused")),
        ..share(Source::Share(&[Counter::Refused]), "refusals", "share of attempts that were refused")
    },
    Figure {
        better: Better::Higher,
        metric: Some(metric(51, "lockbench_grants", &[Counter::Grants], "Attempts that were granted")),
        ..count(Counter::Grants, "grants", "grants of the measure phase")
    },
    Figure {
        field: "safety.double_grants_certain",
        metric: Some(metric(
            80,
            "lockbench_double_grants",
            &[Counter::DoubleGrants],
            "Certain double grants, of all phases",
        )),
        ..certain(Counter::DoubleGrants, "double_grants", "certain double grants, all phases")
    },
    certain(Counter::Inside, "double_grants_inside", "double grants while the earlier lease was valid"),
    certain(
        Counter::TakenBack,
        "double_grants_withdrawn",
        "double grants after the service took a lock back early and said so",
    ),
    certain(
        Counter::Admitted,
        "double_grants_admitted",
        "double grants that the server itself admitted (evidence policy)",
    ),
    certain(Counter::Outside, "double_grants_outside", "double grants after a lease had lawfully ended"),
    count(Counter::OverlapsPossible, "overlaps_possible", "grants that overlap an uncertain hold"),
    Figure {
        field: "safety.token_regressions",
        absent: NO_TOKEN,
        column: "token\nregressions",
        metric: Some(Metric {
            live: "Grants whose fencing token did not grow, of all phases; absent where a system has no tokens",
            ..metric(
                90,
                "lockbench_token_regressions",
                &[Counter::TokenRegressions],
                "Grants whose fencing token did not grow, of all phases",
            )
        }),
        ..certain(Counter::TokenRegressions, "token_regressions", "fencing tokens that went back")
    },
    Figure {
        column: "updates lost\nwithout fencing",
        metric: Some(metric(
            92,
            "lockbench_lost_updates",
            &[Counter::LostUpdates],
            "Writes over a change made since the read, without fencing, of all phases",
        )),
        ..count(Counter::LostUpdates, "lost_updates", "writes over a change, without fencing")
    },
    Figure {
        field: "safety.stale_writes_refused",
        absent: NO_TOKEN,
        column: "writes that\nfencing refuses",
        metric: Some(Metric {
            live: "Writes that the fenced register refused for their token, of all phases; absent where a system has no tokens",
            ..metric(
                91,
                "lockbench_fencing_rejections",
                &[Counter::StaleWritesRefused],
                "Writes that the fenced register refused for their token, of all phases",
            )
        }),
        ..count(Counter::StaleWritesRefused, "stale_writes_refused", "writes that fencing refuses")
    },
    Figure {
        column: "lost\nleases",
        metric: Some(metric(
            93,
            "lockbench_lost_leases",
            &[Counter::LostLeases],
            "Grants of which the client learned that they were lost",
        )),
        ..count(Counter::LostLeases, "lost_leases", "grants of which the client learned that they were lost")
    },
    Figure {
        metric: Some(metric(
            56,
            "lockbench_deadlocks",
            &[Counter::Deadlocks],
            "Circles of clients that waited for each other, of all phases",
        )),
        ..count(Counter::Deadlocks, "deadlocks", "circles of clients that waited for each other, all phases")
    },
    metric_only(
        Counter::Deadlocked,
        metric(
            57,
            "lockbench_deadlock_victims",
            &[Counter::Deadlocked],
            "Attempts that were given up to break a deadlock",
        ),
    ),
    Figure {
        absent: "closed loop: an attempt is due only when a client is free",
        metric: Some(Metric {
            live: "Attempts that were due and that no client could take, because all were busy; absent in a closed loop, where there can be none",
            ..metric(
                70,
                "lockbench_dropped_arrivals",
                &[Counter::Dropped],
                "Attempts that were due and that no client could take",
            )
        }),
        ..count(Counter::Dropped, "dropped", "attempts due that no client could take")
    },
    metric_only(
        Counter::Missed,
        metric(
            71,
            "lockbench_missed_arrivals",
            &[Counter::Missed],
            "Attempts that were due while the system did not answer; absent in a closed loop",
        ),
    ),
    metric_only(
        Counter::Stalled,
        metric(
            72,
            "lockbench_stalled_arrivals",
            &[Counter::Stalled],
            "Attempts that were due while lockbench itself did not run: they say nothing of the system; absent in a closed loop",
        ),
    ),
    count(Counter::HarmfulActs, "harmful_acts", "units oversold, orders charged twice, runs too many: without fencing"),
    count(Counter::Overtakes, "overtakes", "grants to a later arrival while an earlier one waited"),
    Figure {
        better: Better::Higher,
        field: "fairness.jain",
        absent: NO_GRANTS,
        ..measured(
            Measure::Jain,
            Unit::Number,
            Merge::Weighted(Weight::Trial),
            "jain",
            "Jain's index of the grants per client: 1 is even; of several trials the mean",
        )
    },
    Figure {
        field: "fairness.longest_wait_ns",
        ..measured(Measure::LongestWait, Unit::Duration, Merge::Max, "longest_wait", "longest wait, granted or not")
    },
    Figure {
        absent: NO_GRANTS,
        ..measured(
            Measure::RequestsPerGrant,
            Unit::Number,
            Merge::Weighted(Weight::Grants),
            "requests_per_grant",
            "requests for acquire, polls and release, per grant",
        )
    },
    Figure {
        absent: NO_WAKEUPS,
        ..measured(
            Measure::WakeupsPerGrant,
            Unit::Number,
            Merge::Weighted(Weight::Grants),
            "wakeups_per_grant",
            "wake-ups of waiting clients, by a change on the server or at the end of a delay, per grant",
        )
    },
    Figure {
        absent: NO_WAKEUPS,
        ..measured(
            Measure::WastedWakeupsPerGrant,
            Unit::Number,
            Merge::Weighted(Weight::Grants),
            "wasted_wakeups_per_grant",
            "wake-ups after which the client went on waiting or gave up, per grant",
        )
    },
    Figure {
        field: "resources.sent_bytes",
        absent: "no connection over TCP to a server",
        ..measured(
            Measure::BytesPerGrant,
            Unit::Number,
            Merge::Weighted(Weight::GrantsInWindow),
            "bytes_per_grant",
            "bytes over TCP to the servers and back, per grant",
        )
    },
    Figure {
        field: "resources.server_cpu_s",
        ..measured(
            Measure::ServerCpuPerGrant,
            Unit::Duration,
            Merge::Weighted(Weight::GrantsInWindow),
            "server_cpu_per_grant",
            "processor time of the servers, per grant",
        )
    },
    Figure {
        field: "resources.client_cpu_s",
        ..measured(
            Measure::ClientCpuPerGrant,
            Unit::Duration,
            Merge::Weighted(Weight::GrantsInWindow),
            "client_cpu_per_grant",
            "processor time of lockbench itself, per grant",
        )
    },
];

/// The figure of that name.
#[must_use]
pub fn figure(name: &str) -> Option<&'static Figure> {
    FIGURES.iter().find(|figure| figure.name == name && !name.is_empty())
}

/// The counts that are metrics, in the order of the endpoint's text.
#[must_use]
pub fn metrics() -> Vec<Metric> {
    let mut metrics: Vec<Metric> = FIGURES.iter().filter_map(|figure| figure.metric).collect();
    metrics.sort_by_key(|metric| metric.place);
    metrics
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::LATENCIES;
    use super::FIGURES;

    #[test]
    fn no_name_and_no_place_is_given_twice() {
        let named: Vec<&str> = FIGURES.iter().map(|figure| figure.name).filter(|name| !name.is_empty()).collect();
        assert_eq!(named.iter().collect::<BTreeSet<_>>().len(), named.len());
        let families: Vec<(&str, u16)> =
            FIGURES.iter().filter_map(|figure| figure.metric).map(|metric| (metric.name, metric.place)).collect();
        let of = LATENCIES.iter().map(|latency| (latency.metric.name, latency.metric.place));
        let all: BTreeSet<(&str, u16)> = families.iter().copied().chain(of).collect();
        assert_eq!(all.len(), families.len() + 5, "both acquires are one family");
        assert_eq!(all.iter().map(|(_, place)| place).collect::<BTreeSet<_>>().len(), all.len());
        assert_eq!(all.iter().map(|(name, _)| name).collect::<BTreeSet<_>>().len(), all.len());
    }
}
