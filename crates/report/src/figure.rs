//! The figures of a report by name: what thresholds, comparisons, exports and
//! decision tables ask for. What there is, the table in [`lockbench_core::figure`] says;
//! here is what each is in a report, of one trial and of all of a system.

use std::fmt;

use super::assemble::in_vain;
use super::schema::{Report, TrialResult};
pub use lockbench_core::figure::{Better, Unit};
use lockbench_core::figure::{FIGURES, Figure as Scalar, LATENCIES, Latency, Measure, Merge, Source, Weight, figure};
use lockbench_core::record::LatencyFigures;
use lockbench_core::units::human_duration;

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
    /// `name` is the one that it was asked for by.
    Scalar {
        scalar: &'static Scalar,
        name: &'static str,
    },
}

struct Stat {
    name: &'static str,
    field: &'static str,
    of: fn(&LatencyFigures) -> Option<f64>,
}

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

/// A count of certain violations, of failed trials too. Where events were lost, a zero
/// is none.
fn proven(scalar: &Scalar, trials: &[&TrialResult]) -> Value {
    let count: f64 = trials.iter().filter_map(|result| of(scalar, result)).sum();
    let lost: u64 = trials.iter().map(|result| result.events_lost).sum();
    if count == 0.0 && lost > 0 { Err(format!("{lost} events were lost: zero is not certain")) } else { Ok(count) }
}

/// Other names, of which lists say nothing.
static ALSO: &[(&str, &str)] = &[("contention", "waited")];

/// The figures that have a name.
fn scalars() -> impl Iterator<Item = &'static Scalar> {
    FIGURES.iter().filter(|figure| !figure.name.is_empty())
}

/// A scalar of a trial.
pub(crate) fn of(scalar: &Scalar, result: &TrialResult) -> Option<f64> {
    match scalar.source {
        Source::Count(counter) => result.count(counter).map(|count| count as f64),
        Source::Share(parts) => {
            let part: u64 = parts.iter().map(|counter| result.count(*counter)).sum::<Option<u64>>()?;
            (result.attempts > 0).then(|| part as f64 / result.attempts as f64)
        }
        Source::Measured(measure) => match measure {
            Measure::Throughput => result.throughput_per_s,
            Measure::Goodput => result.goodput_per_s,
            Measure::Waited => result.waited_ratio,
            Measure::FoundHeld => result.found_held_ratio,
            Measure::Availability => result.availability,
            Measure::Jain => result.fairness.jain,
            Measure::LongestWait => Some(result.fairness.longest_wait_ns as f64),
            Measure::RequestsPerGrant => result.requests_per_grant,
            Measure::WakeupsPerGrant => result.wakeups_per_grant,
            Measure::WastedWakeupsPerGrant => result.wasted_wakeups_per_grant,
            Measure::BytesPerGrant => {
                let (sent, received) = (result.resources.sent_bytes?, result.resources.received_bytes?);
                Some((sent + received) as f64 / grants_in_window(result)?)
            }
            Measure::ServerCpuPerGrant => Some(result.resources.server_cpu_s? * 1e9 / grants_in_window(result)?),
            Measure::ClientCpuPerGrant => Some(result.resources.client_cpu_s? * 1e9 / grants_in_window(result)?),
        },
    }
}

/// What a trial weighs in the mean of several.
fn weight(weight: Weight, result: &TrialResult) -> f64 {
    match weight {
        Weight::Trial => 1.0,
        Weight::Attempts => result.attempts as f64,
        Weight::Grants => result.grants as f64,
        Weight::GrantsInWindow => grants_in_window(result).unwrap_or(0.0),
        Weight::Seconds => result.measured_s,
    }
}

/// Grants that fell into the measure phase: what its processor time was spent on.
fn grants_in_window(result: &TrialResult) -> Option<f64> {
    result.throughput_per_s.map(|rate| rate * result.measured_s).filter(|grants| *grants > 0.0)
}

/// Every figure, in the order in which people read them.
pub fn figures() -> impl Iterator<Item = Figure> {
    let latencies = LATENCIES
        .iter()
        .flat_map(|latency| STATS.iter().map(move |stat| Figure { kind: Kind::Latency(latency, stat) }));
    scalars().map(|scalar| Figure { kind: Kind::Scalar { scalar, name: scalar.name } }).chain(latencies)
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
    let also = ALSO.iter().filter_map(|(name, of)| Some(Figure { kind: Kind::Scalar { scalar: figure(of)?, name } }));
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
            scalars().map(|scalar| scalar.name).collect::<Vec<_>>().join(", ")
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
            Kind::Scalar { name, .. } => name.to_owned(),
        }
    }

    /// Its entry in the table of those that are no latency.
    #[must_use]
    pub(crate) fn scalar(&self) -> Option<&'static Scalar> {
        if let Kind::Scalar { scalar, .. } = self.kind { Some(scalar) } else { None }
    }

    /// Its unit.
    #[must_use]
    pub fn unit(&self) -> Unit {
        match self.kind {
            Kind::Latency(..) => Unit::Duration,
            Kind::Scalar { scalar, .. } => scalar.unit,
        }
    }

    /// Which way is better.
    #[must_use]
    pub fn better(&self) -> Better {
        match self.kind {
            Kind::Latency(..) => Better::Lower,
            Kind::Scalar { scalar, .. } => scalar.better,
        }
    }

    /// What it means, a phrase.
    #[must_use]
    pub fn meaning(&self) -> &'static str {
        match self.kind {
            Kind::Latency(latency, _) => latency.meaning,
            Kind::Scalar { scalar, .. } => scalar.meaning,
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
            Kind::Latency(latency, stat) => (stat.of)(result.latency.figures(latency.id)),
            Kind::Scalar { scalar, .. } if scalar.merge == Merge::Certain => return proven(scalar, &[result]),
            Kind::Scalar { scalar, .. } => of(scalar, result),
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
                    .and_then(|aggregate| (stat.of)(aggregate.latency.figures(latency.id)))
                    .ok_or_else(|| self.missing(&ran))
            }
            Kind::Scalar { scalar, .. } => {
                let values: Vec<(f64, &TrialResult)> =
                    ran.iter().filter_map(|result| of(scalar, result).map(|value| (value, *result))).collect();
                if values.is_empty() {
                    return Err(self.missing(&ran));
                }
                Ok(match scalar.merge {
                    Merge::Sum => values.iter().map(|(value, _)| value).sum(),
                    Merge::Certain => return proven(scalar, &trials),
                    Merge::Max => values.iter().map(|(value, _)| *value).fold(f64::MIN, f64::max),
                    Merge::Weighted(by) => {
                        let all: f64 = values.iter().map(|(_, result)| weight(by, result)).sum();
                        if all <= 0.0 {
                            return Err(self.missing(&ran));
                        }
                        values.iter().map(|(value, result)| value * weight(by, result)).sum::<f64>() / all
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
        let figures = aggregate.latency.figures(latency.id);
        figures.max_ns.filter(|_| figures.max_is_lower_bound).map(|ns| ns as f64)
    }

    /// Why it does not exist, in the words of the first of these trials that says so.
    fn missing(&self, trials: &[&TrialResult]) -> String {
        if let Kind::Latency(latency, Stat { name: "max", .. }) = self.kind {
            let bounded = trials.iter().map(|trial| trial.latency.figures(latency.id)).filter(|f| f.max_is_lower_bound);
            if let Some(figures) = bounded.max_by_key(|figures| figures.max_ns) {
                let longest = human_duration(figures.max_ns.unwrap_or(0));
                return format!("it is more than {longest}: {}", in_vain(figures));
            }
        }
        let keys = match self.kind {
            Kind::Latency(latency, stat) => {
                vec![format!("latency.{}.{}", latency.name, stat.field), format!("latency.{}", latency.name)]
            }
            Kind::Scalar { scalar, .. } => vec![scalar.field.to_owned()],
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
