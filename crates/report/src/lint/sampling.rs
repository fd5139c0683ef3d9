//! Lints on the sample: too small, cut at its end, not of one steady state, or paused.

use super::super::measured::Measurements;
use super::evidence::{Evidence, Sighting};
use lockbench_core::units::{grouped, human_duration, three_digits};

/// Samples that a 99th percentile needs: 10 / (1 - p).
const P99_NEEDS: u64 = 1_000;
/// The percentiles of a report, in per mille, and their names.
const PERCENTILES: [(u64, &str); 5] = [(500, "p50"), (900, "p90"), (950, "p95"), (990, "p99"), (999, "p999")];
/// Whole seconds without which a beginning and a rest cannot be told apart.
const SECONDS: usize = 5;
/// Relative difference between both that is called a drift.
const DRIFT: f64 = 0.2;
/// Standard errors that it must exceed too.
const ERRORS: f64 = 3.0;

pub(super) fn too_few_samples(evidence: &Evidence<'_>) -> Vec<Sighting> {
    let mut found = Vec::new();
    for (name, _) in evidence.systems() {
        let merged = evidence.report.aggregates.iter().find(|merged| merged.backend == name);
        let count = merged.map_or(0, |merged| merged.latency.acquire_service.count);
        if count < P99_NEEDS {
            let detail = format!("{} grants, a p99 needs {}", grouped(count), grouped(P99_NEEDS));
            found.push(Sighting::found(name, detail));
        }
    }
    found
}

pub(super) fn percentiles_censored(evidence: &Evidence<'_>) -> Vec<Sighting> {
    let mut found = Vec::new();
    for (name, _) in evidence.systems() {
        let (mut in_vain, mut grants) = (0, 0);
        for Measurements { counts, .. } in evidence.measured_of(name) {
            (in_vain, grants) = (in_vain + counts.in_vain(), grants + counts.grants);
        }
        let censored = in_vain as f64 / (in_vain + grants).max(1) as f64;
        let unknown = PERCENTILES.iter().filter(|(mille, _)| {
            let above = (1_000 - mille) as f64 / 1_000.0;
            // Too few samples is another lint, unless timeouts are why they are few.
            censored > above && (censored > 0.5 || grants as f64 >= 10.0 / above)
        });
        let unknown: Vec<&str> = unknown.map(|(_, percentile)| *percentile).collect();
        if !unknown.is_empty() {
            let share = share(censored);
            let detail = format!("{share} % of the attempts ended without a grant: {} unknown", unknown.join(", "));
            found.push(Sighting::found(name, detail));
        }
    }
    found
}

/// A share in percent; only all of them are "100".
fn share(share: f64) -> String {
    if (0.99..1.0).contains(&share) {
        format!("{:.2}", (share * 100.0).min(99.99))
    } else {
        three_digits(share * 100.0)
    }
}

pub(super) fn warm_up_not_steady(evidence: &Evidence<'_>) -> Vec<Sighting> {
    let mut found = Vec::new();
    for (name, _) in evidence.systems() {
        let drifts: Vec<Result<Option<String>, String>> = evidence.measured_of(name).map(drift).collect();
        let told: Vec<&String> = drifts.iter().filter_map(|drift| drift.as_ref().ok()?.as_ref()).collect();
        let unsure = drifts.iter().find_map(|drift| drift.as_ref().err());
        match (told.first(), unsure) {
            (Some(first), _) if drifts.len() > 1 => {
                let trials = format!("{} of {} trials, for example {first}", told.len(), drifts.len());
                found.push(Sighting::found(name, trials));
            }
            (Some(first), _) => found.push(Sighting::found(name, (*first).clone())),
            (None, Some(why)) => found.push(Sighting::unsure(name, why.clone())),
            (None, None) => {}
        }
    }
    for (name, trials) in evidence.systems() {
        let growing = trials.iter().find_map(|trial| trial.waits_grow);
        found.extend(growing.map(|growing| Sighting::found(name, growing.told())));
    }
    found
}

pub(super) fn load_paused(evidence: &Evidence<'_>) -> Vec<Sighting> {
    let mut found = Vec::new();
    for (name, _) in evidence.systems() {
        let trials: Vec<_> = evidence.measured_of(name).collect();
        let paused = trials.iter().filter(|trial| trial.pauses().next().is_some()).count();
        let ns = trials.iter().flat_map(|trial| trial.pauses()).map(|pause| pause.to_ns - pause.from_ns).sum();
        if paused > 0 {
            let length = human_duration(ns);
            let detail = match trials.len() {
                1 => format!("the load was paused by hand for {length}"),
                all => format!("the load was paused by hand for {length}, in {paused} of {all} trials"),
            };
            found.push(Sighting::found(name, detail));
        }
    }
    found
}

/// How the first quarter of the measure phase differs from the rest of it, if it does;
/// or why that cannot be said.
fn drift(measured: &Measurements) -> Result<Option<String>, String> {
    let end = measured.warmup_ns + measured.measured_ns;
    let inside = |second: u64| second * 1_000_000_000 >= measured.warmup_ns && (second + 1) * 1_000_000_000 <= end;
    let loaded = |second: u64| inside(second) && !measured.paused_within(second, second + 1);
    let windows = measured.windows.iter().filter(|window| loaded(window.second));
    let grants: Vec<f64> = windows.map(|window| window.grants as f64).collect();
    if grants.len() < SECONDS {
        return Err(format!("{} whole seconds were measured, telling needs {SECONDS}", grants.len()));
    }
    let (first, rest) = grants.split_at(grants.len() / 4);
    let (before, after) = (mean(first), mean(rest));
    let difference = before - after;
    let variance = rest.iter().map(|grants| (grants - after).powi(2)).sum::<f64>() / (rest.len() - 1) as f64;
    let error = (variance * (1.0 / first.len() as f64 + 1.0 / rest.len() as f64)).sqrt();
    let drifts = difference.abs() > DRIFT * after && difference.abs() > ERRORS * error;
    Ok(drifts.then(|| {
        let (before, after) = (three_digits(before), three_digits(after));
        format!(
            "{before} grants/s in the first {} s of measuring, {after} grants/s in the other {} s",
            first.len(),
            rest.len()
        )
    }))
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

#[cfg(test)]
mod tests {
    use super::share;

    #[test]
    fn only_all_of_them_are_a_hundred_percent() {
        assert_eq!([0.02, 0.9998, 0.999_999, 1.0].map(share), ["2.00", "99.98", "99.99", "100"]);
    }
}
