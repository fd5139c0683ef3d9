//! Every metric family by name: the endpoint encodes these and no others, and a test
//! holds the dashboards and alert rules in `docker/` to them.

use super::buckets::Buckets;
use super::contribution::{Arrivals, Counters, Durations};

/// What a family is, in OpenMetrics' words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only grows; its samples end in `_total`.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Facts as labels; its sample ends in `_info`.
    Info,
    /// Classic buckets (`_bucket`, `_count`, `_sum`) and a native histogram.
    Histogram,
}

/// One family.
#[derive(Clone, Copy, Debug)]
pub struct Family {
    /// Name, with its unit and without the suffix of a sample.
    pub name: &'static str,
    /// What it is.
    pub kind: Kind,
    /// Labels of its samples, `le` left out.
    pub labels: &'static [&'static str],
    /// One sentence without the final stop.
    pub help: &'static str,
    pub(super) source: Source,
}

/// Where its samples come from: there is no family without a source.
#[derive(Clone, Copy, Debug)]
pub(super) enum Source {
    /// What is measured now.
    Run,
    /// A count of each system.
    Count(fn(&Counters) -> Option<u64>),
    /// A histogram of each system.
    Duration(fn(&Durations) -> &Buckets),
    /// A count of each system whose attempts are due at fixed instants.
    Arrivals(fn(&Arrivals) -> u64),
    /// Double grants by kind.
    Kinds,
    /// Histograms of attempts, by outcome and kind.
    Acquire,
    /// Which systems answer.
    Up,
    /// Which faults are active.
    Fault,
    /// Which bounds are kept.
    Threshold,
}

const SYSTEM: &[&str] = &["backend", "workload"];

const fn counter(name: &'static str, of: fn(&Counters) -> Option<u64>, help: &'static str) -> Family {
    Family { name, kind: Kind::Counter, labels: SYSTEM, help, source: Source::Count(of) }
}

const fn arrivals(name: &'static str, of: fn(&Arrivals) -> u64, help: &'static str) -> Family {
    Family { name, kind: Kind::Counter, labels: SYSTEM, help, source: Source::Arrivals(of) }
}

const fn histogram(name: &'static str, of: fn(&Durations) -> &Buckets, help: &'static str) -> Family {
    Family { name, kind: Kind::Histogram, labels: SYSTEM, help, source: Source::Duration(of) }
}

const fn gauge(name: &'static str, labels: &'static [&'static str], source: Source, help: &'static str) -> Family {
    Family { name, kind: Kind::Gauge, labels, help, source }
}

/// All of them. Labels are few: never a client, a key, a trial or an address.
pub static FAMILIES: &[Family] = &[
    Family {
        name: "lockbench_run",
        kind: Kind::Info,
        labels: &["run_id", "version", "workload", "mode"],
        help: "What is measured now; mode is run or monitor",
        source: Source::Run,
    },
    Family {
        name: "lockbench_acquire_duration_seconds",
        kind: Kind::Histogram,
        labels: &["backend", "workload", "outcome", "kind"],
        help: "Length of attempts by outcome (granted, refused, timed_out, unavailable, unknown), as service time from the call and response time from the due instant; of what was due and not attempted (dropped, missed), the response time that it had at least",
        source: Source::Acquire,
    },
    histogram("lockbench_hold_duration_seconds", |all| &all.hold, "From the grant to the release, as achieved"),
    histogram("lockbench_release_duration_seconds", |all| &all.release, "From asking for a release to its answer"),
    histogram(
        "lockbench_handoff_duration_seconds",
        |all| &all.handoff,
        "From a release to the grant of a client that was already waiting",
    ),
    histogram("lockbench_renew_duration_seconds", |all| &all.renew, "From asking for a renewal to its confirmation"),
    histogram("lockbench_schedule_lag_seconds", |all| &all.lag, "How late attempts began, against their due instants"),
    counter("lockbench_attempts", |all| Some(all.attempts), "Attempts with an outcome, of the measure phase"),
    counter("lockbench_grants", |all| Some(all.grants), "Attempts that were granted"),
    counter("lockbench_refusals", |all| Some(all.refusals), "Attempts that were refused"),
    counter("lockbench_timeouts", |all| Some(all.timeouts), "Attempts that timed out"),
    counter("lockbench_failures", |all| Some(all.failures), "Attempts that were not served, or whose answer was lost"),
    counter(
        "lockbench_contended_attempts",
        |all| Some(all.waited),
        "Attempts that were not granted by their first request",
    ),
    counter(
        "lockbench_found_held_attempts",
        |all| Some(all.found_held),
        "Attempts at whose call another client held the key",
    ),
    arrivals(
        "lockbench_dropped_arrivals",
        |all| all.dropped,
        "Attempts that were due and that no client could take, because all were busy; absent in a closed loop, where there can be none",
    ),
    arrivals(
        "lockbench_missed_arrivals",
        |all| all.missed,
        "Attempts that were due while the system did not answer; absent in a closed loop",
    ),
    arrivals(
        "lockbench_stalled_arrivals",
        |all| all.stalled,
        "Attempts that were due while lockbench itself did not run: they say nothing of the system; absent in a closed loop",
    ),
    counter("lockbench_double_grants", |all| Some(all.double_grants), "Certain double grants, of all phases"),
    Family {
        name: "lockbench_double_grants_by_kind",
        kind: Kind::Counter,
        labels: &["backend", "workload", "kind"],
        help: "Certain double grants by what had become of the earlier holder's promise: inside (it ran), withdrawn (the service took it back early and said so), outside (it had ended)",
        source: Source::Kinds,
    },
    counter(
        "lockbench_token_regressions",
        |all| all.token_regressions,
        "Grants whose fencing token did not grow, of all phases; absent where a system has no tokens",
    ),
    counter(
        "lockbench_fencing_rejections",
        |all| all.fencing_rejections,
        "Writes that the fenced register refused for their token, of all phases; absent where a system has no tokens",
    ),
    counter(
        "lockbench_lost_updates",
        |all| Some(all.lost_updates),
        "Writes over a change made since the read, without fencing, of all phases",
    ),
    counter(
        "lockbench_lost_leases",
        |all| Some(all.lost_leases),
        "Grants of which the client learned that they were lost",
    ),
    gauge("lockbench_up", SYSTEM, Source::Up, "1 while the lock system answers, 0 while it does not"),
    gauge(
        "lockbench_fault_active",
        &["backend", "workload", "fault"],
        Source::Fault,
        "1 while lockbench injects this fault",
    ),
    gauge(
        "lockbench_threshold_ok",
        &["backend", "workload", "threshold"],
        Source::Threshold,
        "1 while the bound is kept, 0 while it is broken; absent while it cannot be judged",
    ),
];

/// The family of a sample's name as Prometheus stores it: `lockbench_grants_total`,
/// `lockbench_hold_duration_seconds_bucket`.
#[must_use]
pub fn of_sample(sample: &str) -> Option<&'static Family> {
    FAMILIES.iter().find(|family| {
        let suffixes: &[&str] = match family.kind {
            Kind::Counter => &["_total"],
            Kind::Gauge => &[""],
            Kind::Info => &["_info"],
            // Native histograms are queried by the bare name.
            Kind::Histogram => &["", "_bucket", "_count", "_sum"],
        };
        suffixes.iter().any(|suffix| sample.strip_suffix(suffix) == Some(family.name))
    })
}

#[cfg(test)]
mod tests {
    use super::{FAMILIES, Kind, of_sample};

    #[test]
    fn names_have_prefix_unit_and_no_suffix_of_samples() {
        for family in FAMILIES {
            assert!(family.name.starts_with("lockbench_"), "{}", family.name);
            assert_eq!(family.kind == Kind::Histogram, family.name.ends_with("_seconds"), "{}", family.name);
            assert!(!family.name.ends_with("_total") && !family.name.ends_with("_info"), "{}", family.name);
            assert!(!family.help.ends_with('.') && !family.labels.contains(&"le"), "{}", family.name);
        }
    }

    #[test]
    fn a_sample_finds_its_family() {
        let name = |sample| of_sample(sample).map(|family| family.name);
        assert_eq!(name("lockbench_grants_total"), Some("lockbench_grants"));
        assert_eq!(name("lockbench_hold_duration_seconds_bucket"), Some("lockbench_hold_duration_seconds"));
        assert_eq!(name("lockbench_run_info"), Some("lockbench_run"));
        assert_eq!(name("lockbench_grants"), None);
        assert_eq!(name("lockbench_up_total"), None);
    }
}
