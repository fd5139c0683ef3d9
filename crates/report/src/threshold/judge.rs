//! Thresholds held against what a run measured.

use super::super::schema::Report;
use super::parse::Threshold;
use super::{ThresholdOutcome, ThresholdResult};
use lockbench_core::units::grouped;

/// Judges every threshold for each of its systems. `systems` are those that the run
/// was to measure, skipped ones too: a bound on what did not run is not kept.
#[must_use]
pub fn judge(thresholds: &[Threshold], report: &Report, systems: &[&str]) -> Vec<ThresholdResult> {
    let mut results = Vec::new();
    for threshold in thresholds {
        let named = |system: &&&str| threshold.backends.iter().any(|name| name == **system);
        let every = threshold.backends.is_empty();
        for system in systems.iter().filter(|system| every || named(system)) {
            results.push(one(threshold, report, system));
        }
    }
    results
}

fn one(threshold: &Threshold, report: &Report, backend: &str) -> ThresholdResult {
    let name = threshold.figure.name();
    let value = threshold
        .figure
        .of_backend(report, backend)
        .and_then(|value| if value.is_finite() { Ok(value) } else { Err("it is no finite number".to_owned()) });
    let lower_bound = threshold.figure.lower_bound_of_backend(report, backend);
    let (outcome, because) = match &value {
        // What is only known to be more than a bound decides where more of it changes nothing.
        Err(why) if lower_bound.is_some_and(|least| threshold.operator.decides_from(least, threshold.bound)) => {
            let least = lower_bound.unwrap_or_default();
            let told = format!("{name} of {backend} is more than {}", threshold.shown(least));
            if threshold.operator.holds(least, threshold.bound) {
                (ThresholdOutcome::Kept, told)
            } else {
                (ThresholdOutcome::Breached, format!("{told}, not {} ({why})", bound(threshold)))
            }
        }
        Err(why) => (ThresholdOutcome::NotMeasured, format!("{name} of {backend} does not exist: {why}")),
        Ok(value) => {
            let measured = format!("{name} of {backend} is {} {}", threshold.shown(*value), sample(report, backend));
            if threshold.operator.holds(*value, threshold.bound) {
                (ThresholdOutcome::Kept, measured)
            } else {
                (ThresholdOutcome::Breached, format!("{measured}: not {}", bound(threshold)))
            }
        }
    };
    ThresholdResult {
        text: threshold.text.clone(),
        figure: name,
        backend: backend.to_owned(),
        level: threshold.level,
        bound: threshold.bound,
        value: value.ok(),
        outcome,
        because,
    }
}

fn bound(threshold: &Threshold) -> String {
    format!("{} {}", threshold.operator.text(), super::value::written(threshold.figure.unit(), threshold.bound))
}

/// What a figure was measured on.
fn sample(report: &Report, backend: &str) -> String {
    let counted = |count: u64, noun: &str| format!("{} {noun}{}", grouped(count), if count == 1 { "" } else { "s" });
    let merged = report.aggregates.iter().find(|aggregate| aggregate.backend == backend);
    let (attempts, trials) = merged.map_or((0, 0), |merged| (merged.attempts, merged.trials));
    format!("({}, {})", counted(attempts, "attempt"), counted(u64::from(trials), "trial"))
}

#[cfg(test)]
mod tests {
    use super::super::super::fixture;
    use super::super::{Threshold, ThresholdLevel, ThresholdOutcome, ThresholdResult};
    use super::judge;
    use crate::Report;

    /// redis ran twice, redlock once, etcd was skipped.
    fn ran() -> Report {
        let mut redlock = fixture::trial("redlock", 1);
        redlock.latency.acquire_service.p99_ns = None;
        redlock.not_available.insert("latency.acquire_service.p99_ns".to_owned(), "540 samples, needs 1000".to_owned());
        let mut report = fixture::report(vec![fixture::trial("redis", 1), fixture::trial("redis", 2), redlock]);
        report.skipped.push(fixture::skipped("etcd"));
        report
    }

    fn judged(text: &str) -> Vec<ThresholdResult> {
        let mut threshold = Threshold::parse(text, None).unwrap_or_else(|problem| panic!("{problem}"));
        threshold.level = ThresholdLevel::Warn;
        judge(&[threshold], &ran(), &["redis", "redlock", "etcd"])
    }

    fn told(text: &str) -> Vec<String> {
        let line = |result: ThresholdResult| format!("{:?}: {}", result.outcome, result.because);
        judged(text).into_iter().map(line).collect()
    }

    #[test]
    fn every_system_is_judged_and_one_that_did_not_run_keeps_nothing() {
        insta::assert_snapshot!(told("acquire_service.p99 < 20ms").join("\n"), @"
        Breached: acquire_service.p99 of redis is 20.0 ms (40 000 attempts, 2 trials): not < 20ms
        NotMeasured: acquire_service.p99 of redlock does not exist: 540 samples, needs 1000
        NotMeasured: acquire_service.p99 of etcd does not exist: it did not run: not installed
        ");
    }

    #[test]
    fn named_systems_only_are_judged_where_some_are_named() {
        insta::assert_snapshot!(told("throughput{redis} >= 3000/s").join("\n"), @"Kept: throughput of redis is 4 000/s (40 000 attempts, 2 trials)");
        let named: Vec<String> = judged("grants{etcd, redis} > 0").into_iter().map(|one| one.backend).collect();
        assert_eq!(named, ["redis", "etcd"]);
    }

    #[test]
    fn a_breach_so_near_that_rounding_hides_it_is_told_exactly() {
        insta::assert_snapshot!(told("acquire_service.p99{redis} <= 19.999ms").join("\n"), @"Breached: acquire_service.p99 of redis is 20ms (40 000 attempts, 2 trials): not <= 19999us");
        insta::assert_snapshot!(told("contention{redis} < 40%").join("\n"), @"Breached: contention of redis is 40.0 % (40 000 attempts, 2 trials): not < 40%");
    }

    #[test]
    fn level_bound_and_value_are_kept_in_base_units() {
        let result = judged("acquire_service.p99{redis} < 1ms").remove(0);
        assert_eq!((result.bound, result.value, result.level), (1e6, Some(2e7), ThresholdLevel::Warn));
        assert_eq!((result.outcome, result.figure.as_str()), (ThresholdOutcome::Breached, "acquire_service.p99"));
        assert_eq!(result.text, "acquire_service.p99{redis} < 1ms");
    }

    #[test]
    fn a_figure_that_is_no_number_is_not_measured() {
        let mut report = ran();
        report.results.iter_mut().for_each(|result| result.throughput_per_s = Some(f64::INFINITY));
        let threshold = Threshold::parse("throughput > 1/s", None).unwrap();
        let results = judge(&[threshold], &report, &["redis"]);
        assert_eq!(results[0].outcome, ThresholdOutcome::NotMeasured, "{results:?}");
    }
}
