//! A sweep: the same plan at several values of one number, and where more load
//! stops to pay.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::Value;

use super::figure::find;
use super::schema::{Report, SafetyVerdict};
use lockbench_core::units::parse_duration_ns;

/// Parts of a plan that say nothing of what was measured.
const NOT_THE_LOAD: [&str; 9] =
    ["name", "question", "seed", "backends", "trials", "expect", "thresholds", "lints", "prices"];

/// A curve needs so much of a bend to have a knee: the height of the normalised
/// curve above its chord.
const BEND: f64 = 0.1;

/// Runs of one plan that differ in one number.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Sweep {
    /// Name of the workload.
    pub workload: String,
    /// The key that was varied, for example `clients`.
    pub key: String,
    /// Are its values durations in nanoseconds?
    pub duration: bool,
    /// One entry a value, in rising order.
    pub points: Vec<SweepPoint>,
    /// One entry a backend: where its throughput stops to follow the value; a backend
    /// without a knee is left out.
    pub knees: BTreeMap<String, f64>,
    /// Why this is not all that was asked for, a sentence each: runs that did not come
    /// to their end, values that were never run.
    pub incomplete: Vec<String>,
}

/// One run of a sweep.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SweepPoint {
    /// The value of the key; a duration in nanoseconds.
    pub value: f64,
    /// As it was written.
    pub text: String,
    /// The run.
    pub run_id: String,
    /// What was measured, by backend.
    pub backends: BTreeMap<String, SweepFigures>,
}

/// What a sweep shows of one backend at one value.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct SweepFigures {
    /// Grants a second, all trials.
    pub throughput_per_s: Option<f64>,
    /// Lowest and highest trial, where there are several.
    pub throughput_range_per_s: Option<(f64, f64)>,
    /// 99th percentile of the acquire service time.
    pub acquire_service_p99_ns: Option<f64>,
    /// 99th percentile of the acquire response time, where attempts were due by the clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acquire_response_p99_ns: Option<f64>,
    /// Why a figure is missing.
    pub missing: Option<String>,
    /// Safety verdict of all trials.
    pub verdict: SafetyVerdict,
    /// Certain double grants of all trials.
    pub double_grants: u64,
}

/// Puts runs in order of the one number in which their plans differ.
///
/// # Errors
/// If they differ in none, in several, or in something that is no number.
pub fn sweep(reports: &[Report]) -> Result<Sweep, String> {
    let plans: Vec<BTreeMap<String, Value>> = reports.iter().map(|report| flat(&report.plan)).collect();
    let key = varied(&plans)?;
    let mut points = Vec::new();
    let mut duration = false;
    for (report, plan) in reports.iter().zip(&plans) {
        let (value, text, is_duration) =
            number(&key, plan).map_err(|problem| format!("{problem} ({})", report.run_id))?;
        duration |= is_duration;
        if points.iter().any(|point: &SweepPoint| point.value == value) {
            return Err(format!("two of these runs have {key} = {text}: leave out one of them"));
        }
        points.push(SweepPoint { value, text, run_id: report.run_id.clone(), backends: figures(report) });
    }
    points.sort_by(|a, b| a.value.total_cmp(&b.value));
    let workload = reports.iter().flat_map(|report| &report.results).next().map(|result| result.workload.clone());
    let knees = knees(&points);
    let unfinished = points.iter().filter(|point| reports.iter().any(|r| r.run_id == point.run_id && !r.complete));
    let incomplete = unfinished.map(|point| format!("the run at {key} = {} is incomplete", point.text)).collect();
    Ok(Sweep { workload: workload.unwrap_or_default(), key, duration, points, knees, incomplete })
}

/// Can runs of these plans be a sweep? Known before any of them runs.
///
/// # Errors
/// As [`sweep`].
pub fn sweepable(plans: &[Value]) -> Result<(), String> {
    let plans: Vec<BTreeMap<String, Value>> = plans.iter().map(flat).collect();
    let key = varied(&plans)?;
    let mut values: Vec<f64> = Vec::new();
    for plan in &plans {
        let (value, text, _) = number(&key, plan)?;
        if values.contains(&value) {
            return Err(format!("two of these runs have {key} = {text}: leave out one of them"));
        }
        values.push(value);
    }
    Ok(())
}

/// The one key in which plans differ.
fn varied(plans: &[BTreeMap<String, Value>]) -> Result<String, String> {
    let keys: BTreeSet<&String> = plans.iter().flat_map(BTreeMap::keys).collect();
    let differs = |key: &&String| plans.iter().any(|plan| plan.get(*key) != plans[0].get(*key));
    let different: Vec<&String> = keys.into_iter().filter(differs).collect();
    match different.as_slice() {
        [key] => Ok((*key).clone()),
        [] => Err("all of these runs have the same plan: a sweep needs runs that differ in one number".to_owned()),
        several => {
            let names: Vec<&str> = several.iter().map(|key| key.as_str()).collect();
            Err(format!("these runs differ in {}: a sweep needs runs that differ in one number", names.join(", ")))
        }
    }
}

/// The value that a plan has of the key, its text, and whether it is a duration.
fn number(key: &str, plan: &BTreeMap<String, Value>) -> Result<(f64, String, bool), String> {
    match plan.get(key) {
        Some(Value::Number(number)) => Ok((number.as_f64().unwrap_or(f64::NAN), number.to_string(), false)),
        Some(Value::String(text)) => match parse_duration_ns(text) {
            Ok(ns) => Ok((ns as f64, text.clone(), true)),
            Err(_) => Err(format!("{key} = \"{text}\" is no number: it cannot be swept")),
        },
        _ => Err(format!("{key} is no number in every one of these runs: it cannot be swept")),
    }
}

/// The leaves of a plan by their dotted keys.
fn flat(plan: &Value) -> BTreeMap<String, Value> {
    fn walk(prefix: &str, value: &Value, out: &mut BTreeMap<String, Value>) {
        match value {
            Value::Object(fields) => {
                for (key, value) in fields {
                    let key = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
                    walk(&key, value, out);
                }
            }
            leaf => {
                out.insert(prefix.to_owned(), leaf.clone());
            }
        }
    }
    let mut out = BTreeMap::new();
    walk("", plan, &mut out);
    out.retain(|key, _| !NOT_THE_LOAD.contains(&key.split('.').next().unwrap_or_default()));
    out
}

/// What a run shows, by backend.
#[must_use]
pub fn figures(report: &Report) -> BTreeMap<String, SweepFigures> {
    let of = |name: &str, backend: &str| match find(name) {
        Ok(figure) => figure.of_backend(report, backend),
        Err(problem) => Err(problem),
    };
    let mut all = BTreeMap::new();
    for aggregate in &report.aggregates {
        let backend = &aggregate.backend;
        let (throughput, p99) = (of("throughput", backend), of("acquire_service.p99", backend));
        let open = report.results.iter().any(|result| &result.backend == backend && result.open_loop.is_some());
        let response = open.then(|| of("acquire_response.p99", backend));
        let trials: Vec<f64> = report
            .results
            .iter()
            .filter(|result| &result.backend == backend && result.error.is_none())
            .filter_map(|result| result.throughput_per_s)
            .collect();
        let range = (trials.len() > 1).then(|| {
            (trials.iter().copied().fold(f64::MAX, f64::min), trials.iter().copied().fold(f64::MIN, f64::max))
        });
        all.insert(
            backend.clone(),
            SweepFigures {
                missing: throughput.as_ref().err().or(p99.as_ref().err()).cloned(),
                throughput_per_s: throughput.ok(),
                throughput_range_per_s: range,
                acquire_service_p99_ns: p99.ok(),
                acquire_response_p99_ns: response.and_then(Result::ok),
                verdict: aggregate.verdict,
                double_grants: aggregate.double_grants_certain,
            },
        );
    }
    all
}

/// Where each backend's throughput stops to follow the load.
fn knees(points: &[SweepPoint]) -> BTreeMap<String, f64> {
    let backends: BTreeSet<&String> = points.iter().flat_map(|point| point.backends.keys()).collect();
    let of = |backend: &String| {
        let curve: Vec<(f64, f64)> = points
            .iter()
            .filter_map(|point| Some((point.value, point.backends.get(backend)?.throughput_per_s?)))
            .collect();
        knee(&curve)
    };
    backends.into_iter().filter_map(|backend| Some((backend.clone(), of(backend)?))).collect()
}

/// The knee of a rising curve: the point highest above the chord between its ends
/// once both axes are scaled to 0..1 (V. Satopaa et al.: Finding a "Kneedle" in a
/// Haystack, ICDCSW 2011). The value axis is logarithmic where values span more than
/// a factor of ten, because that is how they are chosen then. `None` for less than
/// three points, a curve that does not rise, or one too straight to have a knee.
fn knee(curve: &[(f64, f64)]) -> Option<f64> {
    let (first, last) = (curve.first()?, curve.last()?);
    if curve.len() < 3 || first.0 <= 0.0 {
        return None;
    }
    let scale = |value: f64| if last.0 > 10.0 * first.0 { value.ln() } else { value };
    let (left, width) = (scale(first.0), scale(last.0) - scale(first.0));
    let low = curve.iter().map(|point| point.1).fold(f64::MAX, f64::min);
    let high = curve.iter().map(|point| point.1).fold(f64::MIN, f64::max);
    // A curve that is flat or falls from its start has no knee: the first value is as good.
    if width <= 0.0 || high <= 1.1 * first.1 {
        return None;
    }
    let above = |point: &(f64, f64)| (point.1 - low) / (high - low) - (scale(point.0) - left) / width;
    let best = curve.iter().max_by(|a, b| above(a).total_cmp(&above(b)))?;
    (above(best) > BEND).then_some(best.0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop_assert, proptest};
    use serde_json::json;

    use super::{flat, knee, sweepable};

    #[test]
    fn a_curve_that_flattens_has_its_knee_where_it_bends() {
        assert_eq!(knee(&[(1.0, 100.0), (2.0, 200.0), (4.0, 400.0), (8.0, 420.0), (16.0, 425.0)]), Some(4.0));
        assert_eq!(knee(&[(1.0, 100.0), (2.0, 190.0), (3.0, 250.0), (4.0, 252.0), (5.0, 251.0)]), Some(3.0));
        // It may fall again after its best.
        assert_eq!(knee(&[(1.0, 100.0), (4.0, 900.0), (16.0, 500.0), (64.0, 200.0)]), Some(4.0));
    }

    #[test]
    fn straight_flat_and_falling_curves_have_none() {
        assert_eq!(knee(&[(1.0, 100.0), (2.0, 200.0), (3.0, 300.0), (4.0, 400.0)]), None);
        assert_eq!(knee(&[(1.0, 100.0), (2.0, 101.0), (4.0, 99.0), (8.0, 100.0)]), None);
        assert_eq!(knee(&[(1.0, 900.0), (2.0, 500.0), (4.0, 100.0)]), None);
        assert_eq!(knee(&[(1.0, 1.0), (2.0, 9.0)]), None);
        assert_eq!(knee(&[]), None);
    }

    #[test]
    fn what_cannot_be_swept_is_known_before_it_runs() {
        let plans = |key: &str, values: [serde_json::Value; 2]| {
            values.map(|value| json!({ "name": "a", "seed": 1, key: value })).to_vec()
        };
        assert_eq!(sweepable(&plans("clients", [json!(1), json!(4)])), Ok(()));
        let told = |plans: Vec<_>| sweepable(&plans).unwrap_err();
        assert!(told(plans("seed", [json!(1), json!(2)])).contains("the same plan"));
        assert!(told(plans("history", [json!("full"), json!("off")])).contains("is no number"));
        assert!(told(plans("hold", [json!("1ms"), json!("1000us")])).contains("two of these runs"));
    }

    #[test]
    fn plans_are_compared_by_what_they_load() {
        let plan = json!({ "name": "a", "seed": 3, "clients": 4, "hold": { "kind": "constant", "value": "1ms" } });
        let flat = flat(&plan);
        assert_eq!(flat.keys().collect::<Vec<_>>(), ["clients", "hold.kind", "hold.value"]);
    }

    proptest! {
        #[test]
        fn a_knee_is_always_one_of_the_values(rates in proptest::collection::vec(0.0_f64..1e6, 0..12)) {
            let curve: Vec<(f64, f64)> = (0..).zip(&rates).map(|(i, rate)| (f64::from(1 << i), *rate)).collect();
            if let Some(value) = knee(&curve) {
                prop_assert!(curve.iter().any(|point| point.0 == value));
            }
        }
    }
}
