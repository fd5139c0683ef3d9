//! A plan written back as TOML, complete: every value that it was run with,
//! defaults too. Kinds and words are written by the tables that the decoder reads them by.
//! Reads back to an equal plan (a property test).

use std::fmt::Write as _;

use super::access::ACCESS;
use super::arrival::ARRIVAL;
use super::dynamic_ttl::TTL;
use super::fault::FAULT;
use super::file::{BELOW_FLOOR, BREACH_LEVELS, FINDING_LEVELS};
use super::groups::KEY_SPACES;
use super::kinds::{ACQUIRE, HISTORY, KEYS, RETRY, SPAN};
use super::locks::LOCKS;
use super::options::OptionValue;
use super::plan::{Access, Breaker, Plan, PlannedLint, PlannedThreshold, Prices, RenewalPolicy, Section, Truth};
use super::scenario::{self, condition};
use super::schema::Tagged;
use super::section::SECTION;
use super::spread::{self, Spread};
use crate::units::exact_duration;

fn breaker(breaker: Option<Breaker>) -> String {
    breaker.map_or_else(String::new, |Breaker { after, pause_ns }| {
        format!("{{ after = {after}, pause = {} }}", duration(pause_ns))
    })
}

/// The resolved plan as a workload file.
#[must_use]
pub fn to_toml(plan: &Plan) -> String {
    let lines = [
        ("name", text(&plan.name)),
        ("question", text(&plan.question)),
        ("clients", plan.clients.to_string()),
        ("processes", spread::written(plan.spread)),
        ("keys", tagged(&KEYS, &plan.keys)),
        ("locks", tagged(&LOCKS, &plan.locks)),
        ("access", tagged(&ACCESS, &plan.access)),
        ("critical_section", tagged(&SECTION, &plan.section)),
        ("hold", tagged(&SPAN, &plan.hold)),
        ("arrival", tagged(&ARRIVAL, &plan.arrival)),
        ("think", tagged(&SPAN, &plan.think)),
        ("ttl", ttl(plan)),
        ("ttl_below_floor", word(BELOW_FLOOR, plan.ttl_below_floor)),
        ("renewal", renewal(plan.renewal)),
        ("acquire", tagged(&ACQUIRE, &plan.acquire)),
        ("retry", tagged(&RETRY, &plan.retry)),
        ("breaker", breaker(plan.breaker)),
        ("request_timeout", duration(plan.request_timeout_ns)),
        ("backends", list(plan.backends.iter().map(String::as_str))),
        ("warmup", duration(plan.warmup_ns)),
        ("duration", duration(plan.duration_ns)),
        ("trials", plan.trials.to_string()),
        ("seed", plan.seed.to_string()),
        ("expect", list(plan.expect.iter().map(|expectation| expectation.name()))),
        ("thresholds", thresholds(&plan.thresholds)),
        ("lints", lints(&plan.lints)),
        ("history", tagged(&HISTORY, &plan.history)),
        ("sometimes", format!("[{}]", plan.sometimes.iter().map(|one| condition(*one)).collect::<Vec<_>>().join(", "))),
        ("truth", truth(plan.truth)),
        ("prices", prices(&plan.prices)),
    ];
    let mut toml = String::new();
    // What is meant where it is left out is not written: a plan is as it was before there was such a key.
    let said = |key: &str| match key {
        "processes" => plan.spread != Spread::Threads,
        "breaker" => plan.breaker.is_some(),
        "critical_section" => plan.section != Section::Counter,
        "access" => plan.access != Access::Exclusive,
        "locks" => plan.locks.are_several(),
        "arrival" => plan.arrival.is_open(),
        "sometimes" => !plan.sometimes.is_empty(),
        "truth" => plan.truth != Truth::WithFaults,
        _ => true,
    };
    let lines = lines.into_iter().filter(|(key, _)| said(key));
    for (key, value) in lines {
        let _ = writeln!(toml, "{key} = {value}");
    }
    for group in &plan.groups {
        toml.push_str("\n[[groups]]\n");
        for (key, value) in [
            ("name", text(&group.name)),
            ("clients", group.clients.to_string()),
            ("keys", tagged(&KEYS, &group.keys)),
            ("key_space", word(KEY_SPACES, group.own_keys)),
            ("hold", tagged(&SPAN, &group.hold)),
            ("arrival", tagged(&ARRIVAL, &group.arrival)),
            ("think", tagged(&SPAN, &group.think)),
            ("acquire", tagged(&ACQUIRE, &group.acquire)),
        ] {
            // Several locks are taken from the keys that all share.
            if !plan.locks.are_several() || !["keys", "key_space"].contains(&key) {
                let _ = writeln!(toml, "{key} = {value}");
            }
        }
    }
    for fault in &plan.faults {
        toml.push_str("\n[[faults]]\n");
        for (key, value) in parts(&FAULT, fault) {
            let _ = writeln!(toml, "{key} = {value}");
        }
    }
    if let Some(scenario) = &plan.scenario {
        toml.push_str(&scenario::to_toml(scenario));
    }
    for (table, values) in plan.options.tables() {
        let _ = writeln!(toml, "\n[{table}]");
        for (key, value) in values {
            let value = match value {
                OptionValue::Word(word) => text(word),
                OptionValue::Number(number) => real(*number),
                OptionValue::Ns(ns) => duration(*ns),
                OptionValue::Whole(number) => number.to_string(),
            };
            let _ = writeln!(toml, "{key} = {value}");
        }
    }
    toml
}

fn ttl(plan: &Plan) -> String {
    if plan.dynamic_ttl.is_some() { tagged(&TTL, &(plan.ttl_ns, plan.dynamic_ttl)) } else { duration(plan.ttl_ns) }
}

fn truth(truth: Truth) -> String {
    match truth {
        Truth::WithFaults | Truth::Off => text("off"),
        Truth::Every { ns } => duration(ns),
    }
}

pub(super) fn text(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// A word of a table.
pub(super) fn word<T: PartialEq>(words: &[(&str, T)], meant: T) -> String {
    text(words.iter().find(|(_, one)| *one == meant).map_or("", |(word, _)| word))
}

/// A value that comes in kinds, as a table.
fn tagged<T>(kinds: &Tagged<T>, value: &T) -> String {
    let parts: Vec<String> = parts(kinds, value).iter().map(|(key, value)| format!("{key} = {value}")).collect();
    format!("{{ {} }}", parts.join(", "))
}

/// The keys of a value that comes in kinds, with what is written for each.
pub(super) fn parts<T>(kinds: &Tagged<T>, value: &T) -> Vec<(&'static str, String)> {
    let kind = kinds.kinds.iter().find_map(|kind| Some((kind, (kind.written)(value)?)));
    let Some((kind, values)) = kind else { return Vec::new() };
    debug_assert_eq!(kind.fields.len(), values.len(), "{}: a value per field, in their order", kind.name);
    let fields = kind.fields.iter().zip(values).filter_map(|(field, value)| Some((field.key, value?)));
    std::iter::once((kinds.tag, text(kind.name))).chain(fields).collect()
}

/// The shortest text that reads back to the same float, with a point or an exponent.
pub(super) fn real(number: f64) -> String {
    format!("{number:?}")
}

pub(super) fn duration(ns: u64) -> String {
    format!("\"{}\"", exact_duration(ns))
}

pub(super) fn list<'t>(items: impl Iterator<Item = &'t str>) -> String {
    format!("[{}]", items.map(text).collect::<Vec<_>>().join(", "))
}

fn renewal(renewal: RenewalPolicy) -> String {
    match renewal {
        RenewalPolicy::Off => text("off"),
        RenewalPolicy::Every { ns } => duration(ns),
    }
}

fn thresholds(thresholds: &[PlannedThreshold]) -> String {
    let one = |PlannedThreshold { text: bound, level }: &PlannedThreshold| match level {
        None => text(bound),
        Some(level) => format!("{{ text = {}, level = {} }}", text(bound), word(BREACH_LEVELS, *level)),
    };
    format!("[{}]", thresholds.iter().map(one).collect::<Vec<_>>().join(", "))
}

fn lints(lints: &[PlannedLint]) -> String {
    let one = |PlannedLint { name, level }: &PlannedLint| {
        let bare = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
        format!("{} = {}", if bare { name.clone() } else { key(name) }, word(FINDING_LEVELS, *level))
    };
    if lints.is_empty() {
        "{}".to_owned()
    } else {
        format!("{{ {} }}", lints.iter().map(one).collect::<Vec<_>>().join(", "))
    }
}

/// A key that needs quotes. Those of several lines, which a long text may get, are no key's.
fn key(name: &str) -> String {
    let escaped: String = name
        .chars()
        .map(|c| match c {
            '"' | '\\' => format!("\\{c}"),
            c if c.is_control() => format!("\\u{:04X}", u32::from(c)),
            c => c.to_string(),
        })
        .collect();
    format!("\"{escaped}\"")
}

fn prices(prices: &Prices) -> String {
    let currency = (!prices.currency.is_empty()).then(|| format!("currency = {}", text(&prices.currency)));
    let monthly = prices.monthly.iter().map(|(system, amount)| format!("{} = {}", key(system), real(*amount)));
    let entries: Vec<String> = currency.into_iter().chain(monthly).collect();
    if entries.is_empty() { "{}".to_owned() } else { format!("{{ {} }}", entries.join(", ")) }
}

#[cfg(test)]
mod tests;
