//! The figures of a report by name: what thresholds, comparisons, exports and
//! decision tables ask for. One list, so that a name means the same everywhere.

use std::fmt;

use super::assemble::in_vain;
use super::schema::{LatencySet, Report, TrialResult};
use lockbench_core::record::LatencyFigures;
use lockbench_core::units::human_duration;

/// What a figure is measured in: its base unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Nanoseconds; texts write `20ms`.
    Duration,
    /// Events a second.
    PerSecond,
    /// Share of 1; texts may write `20%`.
    Share,
    /// A count.
    Count,
    /// A number without a unit.
    Number,
}

/// Which way is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Better {
    /// The lower, the better.
    Lower,
    /// The higher, the better.
    Higher,
}

/// A figure, or why it does not exist.
pub type Value = Result<f64, String>;

/// One figure of a report.
#[derive(Clone, Copy)]
pub struct Figure {
    kind: Kind,
}

#[derive(Clone, Copy)]
enum Kind {
    Latency(&'static Latency, &'static Stat),
    Scalar(&'static Scalar),
}

struct Latency {
    name: &'static str,
    of: fn(&LatencySet) -> &LatencyFigures,
    meaning: &'static str,
}

struct Stat {
    name: &'static str,
    field: &'static str,
    of: fn(&LatencyFigures) -> Option<f64>,
}

struct Scalar {
    name: &'static str,
    unit: Unit,
    better: Better,
    meaning: &'static str,
    /// Key in `not_available`.
    field: &'static str,
    of: fn(&TrialResult) -> Option<f64>,
    merge: Merge,
}

/// How a scalar of several trials becomes one of the backend.
#[derive(Clone, Copy)]
enum Merge {
    Sum,
    /// As `Sum`, also over what was seen of a trial that failed: what surely happened,
    /// happened. Nothing else of such a trial counts.
    Certain,
    Max,
    /// Weighted by what the ratio is a share of.
    Weighted(fn(&TrialResult) -> f64),
}

static LATENCIES: &[Latency] = &[
    Latency {
        name: "acquire_service",
        of: |set| &set.acquire_service,
        meaning: "from the call to the grant: service time",
    },
    Latency {
        name: "acquire_response",
        of: |set| &set.acquire_response,
        meaning: "from the due instant to the grant: response time",
    },
    Latency { name: "hold", of: |set| &set.hold, meaning: "from the grant to the release, as achieved" },
    Latency { name: "handoff", of: |set| &set.handoff, meaning: "from a release to the grant of a waiting client" },
    Latency { name: "release", of: |set| &set.release, meaning: "from asking for a release to its answer" },
    Latency { name: "renew", of: |set| &set.renew, meaning: "from asking for a renewal to its confirmation" },
];

static STATS: &[Stat] = &[
    Stat { name: "min", field: "min_ns", of: |f| f.min_ns.map(|ns| ns as f64) },
    Stat { name: "p50", field: "p50_ns", of: |f| f.p50_ns.map(|ns| ns as f64) },
    Stat { name: "p90", field: "p90_ns", of: |f| f.p90_ns.map(|ns| ns as f64) },
    Stat { name: "p95", field: "p95_ns", of: |f| f.p95_ns.map(|ns| ns as f64) },
    Stat { name: "p99", field: "p99_ns", of: |f| f.p99_ns.map(|ns| ns as f64) },
    Stat { name: "p999", field: "p999_ns", of: |f| f.p999_ns.map(|ns| ns as f64) },
    Stat { name: "max", field: "max_ns", of: |f| f.exact_max_ns().map(|ns| ns as f64) },
    Stat { name: "mean", field: "mean_ns", of: |f| f.mean_ns },
];

const fn count(name: &'static str, meaning: &'static str, of: fn(&TrialResult) -> Option<f64>) -> Scalar {
    Scalar { name, unit: Unit::Count, better: Better::Lower, meaning, field: name, of, merge: Merge::Sum }
}

const fn share(name: &'static str, meaning: &'static str, of: fn(&TrialResult) -> Option<f64>) -> Scalar {
    let merge = Merge::Weighted(|result| result.attempts as f64);
    Scalar { name, unit: Unit::Share, better: Better::Lower, meaning, field: name, of, merge }
}

const fn certain(name: &'static str, meaning: &'static str, of: fn(&TrialResult) -> Option<f64>) -> Scalar {
    Scalar { merge: Merge::Certain, ..count(name, meaning, of) }
}

/// A count of certain violations, of failed trials too. Where events were lost, a zero
/// is none.
fn proven(scalar: &Scalar, trials: &[&TrialResult]) -> Value {
    let count: f64 = trials.iter().filter_map(|result| (scalar.of)(result)).sum();
    let lost: u64 = trials.iter().map(|result| result.events_lost).sum();
    if count == 0.0 && lost > 0 { Err(format!("{lost} events were lost: zero is not certain")) } else { Ok(count) }
}

fn of_attempts(result: &TrialResult, part: u64) -> Option<f64> {
    (result.attempts > 0).then(|| part as f64 / result.attempts as f64)
}

/// The contention of a run.
const WAITED: Scalar = Scalar {
    field: "waited_ratio",
    ..share("waited", "share of attempts that were not granted by their first request", |result| result.waited_ratio)
};

/// Other names, of which lists say nothing.
static ALSO: &[Scalar] = &[Scalar { name: "contention", ..WAITED }];

static SCALARS: &[Scalar] = &[
    Scalar {
        name: "throughput",
        unit: Unit::PerSecond,
        better: Better::Higher,
        meaning: "grants per second of the measure phase",
        field: "throughput_per_s",
        of: |result| result.throughput_per_s,
        merge: Merge::Weighted(|result| result.measured_s),
    },
    WAITED,
    Scalar {
        field: "found_held_ratio",
        ..share("found_held", "share of attempts at whose call another client held the key", |result| {
            result.found_held_ratio
        })
    },
    Scalar {
        better: Better::Higher,
        ..share(
            "availability",
            "share of attempts that were served: granted, refused or timed out in order",
            |result| result.availability,
        )
    },
    share("timeouts", "share of attempts that timed out", |result| of_attempts(result, result.timed_out)),
    share("failures", "share of attempts that were not served or whose answer was lost", |result| {
        of_attempts(result, result.unavailable + result.unknown)
    }),
    share("refusals", "share of attempts that were refused", |result| of_attempts(result, result.refused)),
    Scalar { better: Better::Higher, ..count("grants", "grants of the measure phase", |r| Some(r.grants as f64)) },
    Scalar {
        field: "safety.double_grants_certain",
        ..certain("double_grants", "certain double grants, all phases", |result| {
            Some(result.safety.double_grants_certain as f64)
        })
    },
    certain("double_grants_inside", "double grants while the earlier lease was valid", |r| {
        Some(r.safety.inside as f64)
    }),
    certain("double_grants_withdrawn", "double grants after the service took a lock back early and said so", |r| {
        Some(r.safety.withdrawn as f64)
    }),
    certain("double_grants_admitted", "double grants that the server itself admitted (evidence policy)", |r| {
        Some(r.safety.policies.evidence as f64)
    }),
    certain("double_grants_outside", "double grants after a lease had lawfully ended", |r| {
        Some(r.safety.outside as f64)
    }),
    count("overlaps_possible", "grants that overlap an uncertain hold", |r| Some(r.safety.overlaps_possible as f64)),
    Scalar {
        field: "safety.token_regressions",
        ..certain("token_regressions", "fencing tokens that went back", |r| {
            r.safety.token_regressions.map(|count| count as f64)
        })
    },
    count("lost_updates", "writes over a change, without fencing", |r| Some(r.safety.harm.lost_updates as f64)),
    Scalar {
        field: "safety.stale_writes_refused",
        ..count("stale_writes_refused", "writes that fencing refuses", |r| {
            r.safety.stale_writes_refused.map(|count| count as f64)
        })
    },
    count("lost_leases", "grants of which the client learned that they were lost", |r| {
        Some(r.safety.lost_leases as f64)
    }),
    count("dropped", "attempts due that no client could take", |r| r.dropped.map(|count| count as f64)),
    count("overtakes", "grants to a later arrival while an earlier one waited", |r| Some(r.fairness.overtakes as f64)),
    Scalar {
        name: "jain",
        unit: Unit::Number,
        better: Better::Higher,
        meaning: "Jain's index of the grants per client: 1 is even; of several trials the mean",
        field: "fairness.jain",
        of: |result| result.fairness.jain,
        merge: Merge::Weighted(|_| 1.0),
    },
    Scalar {
        name: "longest_wait",
        unit: Unit::Duration,
        better: Better::Lower,
        meaning: "longest wait, granted or not",
        field: "fairness.longest_wait_ns",
        of: |result| Some(result.fairness.longest_wait_ns as f64),
        merge: Merge::Max,
    },
    Scalar {
        name: "requests_per_grant",
        unit: Unit::Number,
        better: Better::Lower,
        meaning: "requests for acquire, polls and release, per grant",
        field: "requests_per_grant",
        of: |result| result.requests_per_grant,
        merge: Merge::Weighted(|result| result.grants as f64),
    },
    Scalar {
        name: "server_cpu_per_grant",
        unit: Unit::Duration,
        better: Better::Lower,
        meaning: "processor time of the servers, per grant",
        field: "resources.server_cpu_s",
        of: |result| Some(result.resources.server_cpu_s? * 1e9 / grants_in_window(result)?),
        merge: Merge::Weighted(|result| grants_in_window(result).unwrap_or(0.0)),
    },
    Scalar {
        name: "client_cpu_per_grant",
        unit: Unit::Duration,
        better: Better::Lower,
        meaning: "processor time of lockbench itself, per grant",
        field: "resources.client_cpu_s",
        of: |result| Some(result.resources.client_cpu_s? * 1e9 / grants_in_window(result)?),
        merge: Merge::Weighted(|result| grants_in_window(result).unwrap_or(0.0)),
    },
];

/// Grants that fell into the measure phase: what its processor time was spent on.
fn grants_in_window(result: &TrialResult) -> Option<f64> {
    result.throughput_per_s.map(|rate| rate * result.measured_s).filter(|grants| *grants > 0.0)
}

/// Every figure, in the order in which people read them.
pub fn figures() -> impl Iterator<Item = Figure> {
    let latencies = LATENCIES
        .iter()
        .flat_map(|latency| STATS.iter().map(move |stat| Figure { kind: Kind::Latency(latency, stat) }));
    SCALARS.iter().map(|scalar| Figure { kind: Kind::Scalar(scalar) }).chain(latencies)
}

/// Figures that people ask for by a short name, wherever a figure is named: the wait as a
/// caller feels it, and grants a second.
pub static SHORT: [(&str, &str); 6] = [
    ("p50", "acquire_response.p50"),
    ("p90", "acquire_response.p90"),
    ("p95", "acquire_response.p95"),
    ("p99", "acquire_response.p99"),
    ("p999", "acquire_response.p999"),
    ("rate", "throughput"),
];

/// The figure of that name.
///
/// # Errors
/// Names that come near, or both acquires for a bare `acquire.…`.
pub fn find(name: &str) -> Result<Figure, String> {
    let name = SHORT.iter().find(|(short, _)| *short == name).map_or(name, |(_, whole)| *whole);
    let also = ALSO.iter().map(|scalar| Figure { kind: Kind::Scalar(scalar) });
    if let Some(figure) = figures().chain(also).find(|figure| figure.name() == name) {
        return Ok(figure);
    }
    let near: Vec<String> = if let Some(stat) = name.strip_prefix("acquire.") {
        let both = ["acquire_service", "acquire_response"].map(|latency| format!("{latency}.{stat}"));
        both.into_iter().filter(|name| figures().any(|figure| figure.name() == *name)).collect()
    } else {
        let mut near: Vec<(usize, String)> = figures()
            .map(|figure| (strsim::damerau_levenshtein(name, &figure.name()), figure.name()))
            .filter(|(distance, candidate)| *distance <= (candidate.len() / 3).max(1))
            .collect();
        near.sort();
        near.into_iter().take(2).map(|(_, name)| name).collect()
    };
    Err(if near.is_empty() {
        format!(
            "there is no figure \"{name}\"; there are {} and acquire_service, acquire_response, hold, handoff, release, \
             renew with .min .p50 .p90 .p95 .p99 .p999 .max .mean",
            SCALARS.iter().map(|scalar| scalar.name).collect::<Vec<_>>().join(", ")
        )
    } else {
        format!("there is no figure \"{name}\"; did you mean {}?", near.join(" or "))
    })
}

impl fmt::Debug for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())
    }
}

impl Figure {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> String {
        match self.kind {
            Kind::Latency(latency, stat) => format!("{}.{}", latency.name, stat.name),
            Kind::Scalar(scalar) => scalar.name.to_owned(),
        }
    }

    /// Its unit.
    #[must_use]
    pub fn unit(&self) -> Unit {
        match self.kind {
            Kind::Latency(..) => Unit::Duration,
            Kind::Scalar(scalar) => scalar.unit,
        }
    }

    /// Which way is better.
    #[must_use]
    pub fn better(&self) -> Better {
        match self.kind {
            Kind::Latency(..) => Better::Lower,
            Kind::Scalar(scalar) => scalar.better,
        }
    }

    /// What it means, a phrase.
    #[must_use]
    pub fn meaning(&self) -> &'static str {
        match self.kind {
            Kind::Latency(latency, _) => latency.meaning,
            Kind::Scalar(scalar) => scalar.meaning,
        }
    }

    /// Of one trial.
    ///
    /// # Errors
    /// Why it does not exist.
    pub fn of_trial(&self, result: &TrialResult) -> Value {
        if let Some(error) = &result.error {
            return Err(format!("the trial failed: {error}"));
        }
        let value = match self.kind {
            Kind::Latency(latency, stat) => (stat.of)((latency.of)(&result.latency)),
            Kind::Scalar(scalar) if matches!(scalar.merge, Merge::Certain) => return proven(scalar, &[result]),
            Kind::Scalar(scalar) => (scalar.of)(result),
        };
        value.ok_or_else(|| self.missing(&[result]))
    }

    /// Of all trials of a backend: histograms added, counts summed.
    ///
    /// # Errors
    /// Why it does not exist.
    pub fn of_backend(&self, report: &Report, backend: &str) -> Value {
        let trials: Vec<&TrialResult> = report.results.iter().filter(|result| result.backend == backend).collect();
        let Some(first) = trials.first() else {
            let skipped = report.skipped.iter().find(|skipped| skipped.backend == backend);
            return Err(
                skipped.map_or_else(|| "it took no part".to_owned(), |s| format!("it did not run: {}", s.reason))
            );
        };
        let ran: Vec<&TrialResult> = trials.iter().copied().filter(|result| result.error.is_none()).collect();
        if ran.is_empty() {
            return Err(format!("the trial failed: {}", first.error.as_deref().unwrap_or("no reason given")));
        }
        match self.kind {
            Kind::Latency(latency, stat) => {
                let aggregate = report.aggregates.iter().find(|aggregate| aggregate.backend == backend);
                aggregate
                    .and_then(|aggregate| (stat.of)((latency.of)(&aggregate.latency)))
                    .ok_or_else(|| self.missing(&ran))
            }
            Kind::Scalar(scalar) => {
                let values: Vec<(f64, &TrialResult)> =
                    ran.iter().filter_map(|result| (scalar.of)(result).map(|value| (value, *result))).collect();
                if values.is_empty() {
                    return Err(self.missing(&ran));
                }
                Ok(match scalar.merge {
                    Merge::Sum => values.iter().map(|(value, _)| value).sum(),
                    Merge::Certain => return proven(scalar, &trials),
                    Merge::Max => values.iter().map(|(value, _)| *value).fold(f64::MIN, f64::max),
                    Merge::Weighted(weight) => {
                        let all: f64 = values.iter().map(|(_, result)| weight(result)).sum();
                        if all <= 0.0 {
                            return Err(self.missing(&ran));
                        }
                        values.iter().map(|(value, result)| value * weight(result)).sum::<f64>() / all
                    }
                })
            }
        }
    }

    /// Of all trials of a backend: what the figure surely reaches, where no more is known of
    /// it. Only a maximum has such a bound.
    #[must_use]
    pub fn lower_bound_of_backend(&self, report: &Report, backend: &str) -> Option<f64> {
        let Kind::Latency(latency, Stat { name: "max", .. }) = self.kind else { return None };
        let aggregate = report.aggregates.iter().find(|aggregate| aggregate.backend == backend)?;
        let figures = (latency.of)(&aggregate.latency);
        figures.max_ns.filter(|_| figures.max_is_lower_bound).map(|ns| ns as f64)
    }

    /// Why it does not exist, in the words of the first of these trials that says so.
    fn missing(&self, trials: &[&TrialResult]) -> String {
        if let Kind::Latency(latency, Stat { name: "max", .. }) = self.kind {
            let bounded = trials.iter().map(|trial| (latency.of)(&trial.latency)).filter(|f| f.max_is_lower_bound);
            if let Some(figures) = bounded.max_by_key(|figures| figures.max_ns) {
                let longest = human_duration(figures.max_ns.unwrap_or(0));
                return format!("it is more than {longest}: {}", in_vain(figures));
            }
        }
        let keys = match self.kind {
            Kind::Latency(latency, stat) => {
                vec![format!("latency.{}.{}", latency.name, stat.field), format!("latency.{}", latency.name)]
            }
            Kind::Scalar(scalar) => vec![scalar.field.to_owned()],
        };
        let told = trials.iter().find_map(|trial| keys.iter().find_map(|key| trial.not_available.get(key)));
        told.cloned().unwrap_or_else(|| {
            let new = keys
                .iter()
                .any(|key| key.ends_with("p95_ns") || ["waited_ratio", "availability"].contains(&key.as_str()));
            if new { "not measured before schema version 3" } else { "not measured" }.to_owned()
        })
    }
}

#[cfg(test)]
mod tests;
