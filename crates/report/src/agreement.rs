//! Does a replay say what the run said? Every figure that events alone decide is
//! compared, so that none can be forgotten: the whole entry of `results` but for what
//! only the run could know.

use serde_json::Value;

use super::schema::TrialResult;
use lockbench_core::oracle::Attribution;

/// What events decide.
const DECIDED: [&str; 30] = [
    "measured_s",
    "paused_s",
    "attempts",
    "grants",
    "refused",
    "timed_out",
    "unavailable",
    "unknown",
    "deadlocked",
    "deadlocks",
    "confirmed",
    "goodput_per_s",
    "withdrawn",
    "throughput_per_s",
    "throughput_within",
    "latency",
    "safety",
    "recovery",
    "fairness",
    "waited_ratio",
    "found_held_ratio",
    "availability",
    "requests_per_grant",
    "wakeups_per_grant",
    "wasted_wakeups_per_grant",
    "holds",
    "waits_grow",
    "history",
    "events",
    "sometimes",
];
/// Words, which a later version may choose better.
const WORDS: [&str; 4] = ["because", "conditions", "story", "why"];
/// What runs of before schema version 3 did not tell.
const NEW_IN_3: [&str; 8] =
    ["in_vain", "p95_ns", "max_is_lower_bound", "waited_ratio", "availability", "waited", "unserved", "latencies"];
/// Two floats are the same number if they differ by less than this part: reading a
/// decimal back may round.
const ROUNDING: f64 = 1e-12;

/// One figure of which the run and the replay say different things.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Its path within the entry of `results`.
    pub figure: String,
    /// As the run stored it.
    pub stored: String,
    /// As the replay has it.
    pub replayed: String,
}

/// Did versions before 3 decide this by other rules? They knew two kinds of double
/// grants, and a lost signal shortened the promise. What they stored of it stands as it is.
#[must_use]
pub fn had_other_rules(difference: &Difference) -> bool {
    const KINDS: [&str; 7] =
        ["inside", "withdrawn", "outside", "withdrawn_admitted", "outside_admitted", "outside_self_stall", "admitted"];
    const OF_ONE: [&str; 4] = ["kind", "admitted", "validity_ns", "lost_ns"];
    let Some((of, field)) = difference.figure.rsplit_once('.') else { return false };
    match of {
        "safety" | "aggregates" => KINDS.contains(&field),
        // Another holder's promise may have been the broken one.
        _ => of.starts_with("safety.violations[") && (OF_ONE.contains(&field) || of.ends_with(".earlier")),
    }
}

/// Compares the entry that a run of that schema version stored with that of its replay.
#[must_use]
pub fn differences(stored: &TrialResult, replayed: &TrialResult, version: u32) -> Vec<Difference> {
    let mut replayed = replayed.clone();
    if stored.recovery.is_none() {
        replayed.recovery = None;
    }
    if let Some(recovery) = &mut replayed.recovery
        && stored.recovery.as_ref().is_some_and(|stored| stored.blind_ignoring_s.is_none())
    {
        // Stored before it was told for each policy.
        (recovery.blind_ignoring_s, recovery.blind_careful_s) = (None, None);
    }
    if stored.confirmed.is_none() {
        (replayed.confirmed, replayed.goodput_per_s) = (None, None);
    }
    if stored.fairness.jain_held.is_none() {
        // Stored before the spread within a trial was told.
        (replayed.fairness.jain_held, replayed.throughput_within) = (None, None);
    }
    if stored.wakeups_per_grant.is_none() {
        // Stored before wake-ups were counted, and before holds were told as they were asked for.
        (replayed.wakeups_per_grant, replayed.wasted_wakeups_per_grant) = (None, None);
        (replayed.holds, replayed.waits_grow) = (None, None);
    }
    if stored.safety.causes.is_empty() {
        // It was stored before causes were told.
        replayed.safety.causes.clear();
        replayed.safety.violations.iter_mut().for_each(|violation| violation.attribution = Attribution::default());
    }
    let (Ok(stored), Ok(replayed)) = (serde_json::to_value(stored), serde_json::to_value(&replayed)) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for field in DECIDED {
        compare(field, (&stored[field], &replayed[field]), version, &mut found);
    }
    found
}

/// Compares all of what a run of that schema version stored beside its entries with what
/// it should be.
#[must_use]
pub fn differences_in<T: serde::Serialize>(path: &str, stored: &T, replayed: &T, version: u32) -> Vec<Difference> {
    let mut found = Vec::new();
    if let (Ok(stored), Ok(replayed)) = (serde_json::to_value(stored), serde_json::to_value(replayed)) {
        compare(path, (&stored, &replayed), version, &mut found);
    }
    found
}

fn compare(path: &str, (stored, replayed): (&Value, &Value), version: u32, found: &mut Vec<Difference>) {
    let leaf = path.rsplit('.').next().unwrap_or(path);
    // Its figures of a latency leave out what was waited for in vain: they are others.
    let differs_by_rule = NEW_IN_3.contains(&leaf) || replayed["in_vain"].as_u64().is_some_and(|count| count > 0);
    // What draws the charts has no sign of whether it was counted yet.
    let uncounted = path.ends_with("counts.confirmed") && stored.as_u64() == Some(0);
    if (version < 3 && differs_by_rule) || uncounted {
        return;
    }
    match (stored, replayed) {
        (Value::Object(left), Value::Object(right)) => {
            let mut names: Vec<&String> = left.keys().chain(right.keys()).collect();
            names.sort();
            names.dedup();
            for name in names.into_iter().filter(|name| !WORDS.contains(&name.as_str())) {
                compare(&format!("{path}.{name}"), (&stored[name], &replayed[name]), version, found);
            }
        }
        (Value::Array(left), Value::Array(right)) if left.len() == right.len() => {
            for (i, (left, right)) in left.iter().zip(right).enumerate() {
                compare(&format!("{path}[{i}]"), (left, right), version, found);
            }
        }
        _ if same(stored, replayed) => {}
        _ => {
            found.push(Difference { figure: path.to_owned(), stored: short(stored), replayed: short(replayed) });
        }
    }
}

fn same(left: &Value, right: &Value) -> bool {
    match (left.as_f64(), right.as_f64()) {
        (Some(a), Some(b)) if left.is_f64() || right.is_f64() => (a - b).abs() <= ROUNDING * a.abs().max(b.abs()),
        _ => left == right,
    }
}

fn short(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::Array(entries) => format!("{} entries", entries.len()),
        // A histogram is a long text.
        Value::String(text) if text.len() > 40 => "other values".to_owned(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::differences;
    use crate::TrialResult;

    #[test]
    fn every_differing_figure_is_named_with_both_values_and_words_are_not_compared() {
        let stored = TrialResult { grants: 7, throughput_per_s: Some(0.1 + 0.2), ..TrialResult::default() };
        let mut replayed = stored.clone();
        replayed.throughput_per_s = Some(0.3);
        replayed.safety.because = "said otherwise".to_owned();
        assert_eq!(differences(&stored, &replayed, 3), []);
        replayed.grants = 6;
        replayed.latency.hold.p50_ns = Some(3);
        let told: Vec<String> = differences(&stored, &replayed, 3)
            .iter()
            .map(|d| format!("{}: {} / {}", d.figure, d.stored, d.replayed))
            .collect();
        assert_eq!(told, ["grants: 7 / 6", "latency.hold.p50_ns: - / 3"]);
    }
}
