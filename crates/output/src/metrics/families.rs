//! Every metric family by name: the endpoint encodes these and no others, and a test
//! holds the dashboards and alert rules in `docker/` to them. Those that are figures come from the
//! table of figures.

use std::sync::LazyLock;

use super::buckets::Buckets;
use super::contribution::Durations;
use lockbench_core::figure::{Counter, LATENCIES, LatencyId, metrics};

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

impl Kind {
    /// Its name in the texts.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Info => "info",
            Self::Histogram => "histogram",
        }
    }
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
    /// The sum of these counts of each system.
    Count(&'static [Counter]),
    /// A histogram of each system.
    Duration(fn(&Durations) -> &Buckets),
    /// A count of each system whose attempts are due at fixed instants.
    Arrivals(Counter),
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

const fn family(name: &'static str, kind: Kind, source: Source, help: &'static str) -> Family {
    Family { name, kind, labels: SYSTEM, help, source }
}

/// Families that are no figure of the table, each with its place in the text.
static OTHERS: [(u16, Family); 7] = [
    (
        0,
        Family {
            labels: &["run_id", "version", "workload", "mode"],
            ..family("lockbench_run", Kind::Info, Source::Run, "What is measured now; mode is run or monitor")
        },
    ),
    (
        1,
        Family {
            labels: &["backend", "workload", "outcome", "kind"],
            ..family(
                "lockbench_acquire_duration_seconds",
                Kind::Histogram,
                Source::Acquire,
                "Length of attempts by outcome (granted, refused, timed_out, unavailable, unknown), as service time from the call and response time from the due instant; of what was due and not attempted (dropped, missed), the response time that it had at least",
            )
        },
    ),
    (
        45,
        family(
            "lockbench_schedule_lag_seconds",
            Kind::Histogram,
            Source::Duration(|all| &all.lag),
            "How late attempts began, against their due instants",
        ),
    ),
    (
        85,
        Family {
            labels: &["backend", "workload", "kind"],
            ..family(
                "lockbench_double_grants_by_kind",
                Kind::Counter,
                Source::Kinds,
                "Certain double grants by what had become of the earlier holder's promise: inside (it ran), withdrawn (the service took it back early and said so), outside (it had ended)",
            )
        },
    ),
    (100, family("lockbench_up", Kind::Gauge, Source::Up, "1 while the lock system answers, 0 while it does not")),
    (
        101,
        Family {
            labels: &["backend", "workload", "fault"],
            ..family("lockbench_fault_active", Kind::Gauge, Source::Fault, "1 while lockbench injects this fault")
        },
    ),
    (
        102,
        Family {
            labels: &["backend", "workload", "threshold"],
            ..family(
                "lockbench_threshold_ok",
                Kind::Gauge,
                Source::Threshold,
                "1 while the bound is kept, 0 while it is broken; absent while it cannot be judged",
            )
        },
    ),
];

/// All of them. Labels are few: never a client, a key, a trial or an address.
pub static FAMILIES: LazyLock<Vec<Family>> = LazyLock::new(|| {
    let mut all = OTHERS.to_vec();
    all.extend(LATENCIES.iter().filter_map(|latency| {
        let of: fn(&Durations) -> &Buckets = match latency.id {
            // By outcome: a family of its own.
            LatencyId::AcquireService | LatencyId::AcquireResponse => return None,
            LatencyId::Hold => |all| &all.hold,
            LatencyId::Handoff => |all| &all.handoff,
            LatencyId::Release => |all| &all.release,
            LatencyId::Renew => |all| &all.renew,
        };
        let metric = latency.metric;
        Some((metric.place, family(metric.name, Kind::Histogram, Source::Duration(of), metric.help)))
    }));
    all.extend(metrics().into_iter().map(|metric| {
        let source = match metric.of {
            [counter @ (Counter::Dropped | Counter::Missed | Counter::Stalled)] => Source::Arrivals(*counter),
            of => Source::Count(of),
        };
        let help = if metric.live.is_empty() { metric.help } else { metric.live };
        (metric.place, family(metric.name, Kind::Counter, source, help))
    }));
    all.sort_by_key(|(place, _)| *place);
    all.into_iter().map(|(_, family)| family).collect()
});

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
        for family in FAMILIES.iter() {
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
