//! A plan written back as TOML, complete: every value that it was run with,
//! defaults too. Kinds and words are written by the tables that the decoder reads them by.
//! Reads back to an equal plan (a property test).

use std::fmt::Write as _;

use super::fault::FAULT;
use super::file::{BELOW_FLOOR, BREACH_LEVELS, FINDING_LEVELS};
use super::kinds::{ACQUIRE, HISTORY, KEYS, RETRY, SPAN};
use super::options::OptionValue;
use super::plan::{Plan, PlannedLint, PlannedThreshold, Prices, RenewalPolicy, Truth};
use super::scenario::{self, condition};
use super::schema::Tagged;
use crate::units::exact_duration;

/// The resolved plan as a workload file.
#[must_use]
pub fn to_toml(plan: &Plan) -> String {
    let lines = [
        ("name", text(&plan.name)),
        ("question", text(&plan.question)),
        ("clients", plan.clients.to_string()),
        ("processes", plan.processes.to_string()),
        ("keys", tagged(&KEYS, &plan.keys)),
        ("hold", tagged(&SPAN, &plan.hold)),
        ("think", tagged(&SPAN, &plan.think)),
        ("ttl", duration(plan.ttl_ns)),
        ("ttl_below_floor", word(BELOW_FLOOR, plan.ttl_below_floor)),
        ("renewal", renewal(plan.renewal)),
        ("acquire", tagged(&ACQUIRE, &plan.acquire)),
        ("retry", tagged(&RETRY, &plan.retry)),
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
    // Threads are what is meant where it is left out.
    let said = |key: &str| match key {
        "processes" => plan.processes > 0,
        "sometimes" => !plan.sometimes.is_empty(),
        "truth" => plan.truth != Truth::WithFaults,
        _ => true,
    };
    let lines = lines.into_iter().filter(|(key, _)| said(key));
    for (key, value) in lines {
        let _ = writeln!(toml, "{key} = {value}");
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
mod tests {
    use proptest::collection::{btree_map, vec};
    use proptest::option;
    use proptest::prelude::{Just, Strategy, any, prop_oneof};
    use proptest::{prop_assert_eq, proptest};

    use super::super::fault::{ClockChange, DataAfter, Direction, FaultKind, Moment, PlannedFault, Point, Target};
    use super::super::item::LONGEST_NS;
    use super::super::options::tests::TABLE;
    use super::super::options::{OptionValue, SystemOptions};
    use super::super::plan::{
        AcquireMode, BelowFloor, BreachLevel, Expectation, FindingLevel, HistoryLimit, Keys, Plan, PlannedLint,
        PlannedThreshold, Prices, RenewalPolicy, Span, Truth,
    };
    use super::super::source::parse_with;
    use super::to_toml;
    use crate::lock::Retry;

    /// All magnitudes, not only huge ones.
    fn length(from: u64) -> impl Strategy<Value = u64> {
        prop_oneof![from..1_000, from..1_000_000_000, (from..3_600).prop_map(|s| s * 1_000_000_000), from..=LONGEST_NS]
    }

    fn ordered(from: u64) -> impl Strategy<Value = (u64, u64)> {
        (length(from), length(from)).prop_map(|(a, b)| (a.min(b), a.max(b)))
    }

    fn bounded() -> impl Strategy<Value = (u64, u64)> {
        prop_oneof![ordered(1), length(1).prop_map(|ns| (ns, u64::MAX))]
    }

    fn any_span() -> impl Strategy<Value = Span> {
        prop_oneof![
            length(0).prop_map(|ns| Span::Constant { ns }),
            ordered(0).prop_map(|(min_ns, max_ns)| Span::Uniform { min_ns, max_ns }),
            bounded().prop_map(|(mean_ns, max_ns)| Span::Exponential { mean_ns, max_ns }),
            (bounded(), 1e-9..10.0_f64).prop_map(|((median_ns, max_ns), sigma)| Span::LogNormal {
                median_ns,
                sigma,
                max_ns
            }),
        ]
    }

    fn any_keys() -> impl Strategy<Value = Keys> {
        prop_oneof![
            Just(Keys::Single),
            Just(Keys::PerClient),
            (1..=1_000_000_u32).prop_map(|count| Keys::Uniform { count }),
            (1..=1_000_000_u32, 1e-9..20.0_f64).prop_map(|(count, exponent)| Keys::Zipf { count, exponent }),
        ]
    }

    fn any_retry() -> impl Strategy<Value = Retry> {
        prop_oneof![
            length(0).prop_map(|delay_ns| Retry::Fixed { delay_ns }),
            ordered(1).prop_map(|(base_ns, max_ns)| Retry::Exponential { base_ns, max_ns }),
            ordered(1).prop_map(|(base_ns, max_ns)| Retry::Jitter { base_ns, max_ns }),
        ]
    }

    fn any_history() -> impl Strategy<Value = HistoryLimit> {
        prop_oneof![
            Just(HistoryLimit::Full),
            Just(HistoryLimit::Off),
            (1..1_000_000_000_000_u64).prop_map(HistoryLimit::Window)
        ]
    }

    fn any_options() -> impl Strategy<Value = SystemOptions> {
        (0.0..1.0_f64, length(0), length(1), 1..=9_u64, 0..=2_u64).prop_map(|(share, pause, limit, count, extra)| {
            let options = SystemOptions::default().with("toy", "share", OptionValue::Number(share));
            let options =
                options.with("toy", "pause", OptionValue::Ns(pause)).with("toy", "limit", OptionValue::Ns(limit));
            let options =
                options.with("toy", "count", OptionValue::Whole(count)).with("toy", "extra", OptionValue::Whole(extra));
            options.with("toy", "colour", OptionValue::Word("blue".to_owned()))
        })
    }

    fn any_threshold() -> impl Strategy<Value = PlannedThreshold> {
        let level = prop_oneof![Just(None), Just(Some(BreachLevel::Warn)), Just(Some(BreachLevel::Fail))];
        (".*", level).prop_map(|(text, level)| PlannedThreshold { text, level })
    }

    fn any_lints() -> impl Strategy<Value = Vec<PlannedLint>> {
        let level = prop_oneof![Just(FindingLevel::Allow), Just(FindingLevel::Warn), Just(FindingLevel::Deny)];
        btree_map(prop_oneof!["[a-z-]{1,9}", "(.|\n)*"], level, 0..4)
            .prop_map(|lints| lints.into_iter().map(|(name, level)| PlannedLint { name, level }).collect())
    }

    fn any_fault() -> impl Strategy<Value = PlannedFault> {
        let kind = prop_oneof![
            Just(FaultKind::ClientPause),
            Just(FaultKind::ClientClock { by_ns: -3_600_000_000_000 }),
            Just(FaultKind::ClientKill),
            Just(FaultKind::ClientStall),
            Just(FaultKind::ServerPause),
            Just(FaultKind::ServerKill { data: DataAfter::Kept }),
            Just(FaultKind::ServerKill { data: DataAfter::Lost }),
            Just(FaultKind::WireCut { direction: Direction::Replies }),
            (1..9_999_u64, 0..9_999_u64).prop_map(|(delay_ns, jitter_ns)| {
                FaultKind::WireDelay { direction: Direction::Requests, delay_ns, jitter_ns, nth: None }
            }),
            (1..9_999_u64).prop_map(|bytes_per_s| FaultKind::WireNarrow { direction: Direction::Both, bytes_per_s }),
            (1..9_999_u64, 1..9_999_u64).prop_map(|(delay_ns, nth)| {
                FaultKind::WireDelay { direction: Direction::Replies, delay_ns, jitter_ns: 0, nth: Some(nth) }
            }),
            (1..9_999_u64, 1..9_999_u64)
                .prop_map(|(piece, gap_ns)| { FaultKind::WireSlice { direction: Direction::Both, piece, gap_ns } }),
            (1..9_999_u64).prop_map(|close_ns| FaultKind::WireSlowClose { direction: Direction::Both, close_ns }),
            Just(FaultKind::ServerCut),
            Just(FaultKind::ServerPowerCut),
            (1..=LONGEST_NS).prop_map(|by_ns| FaultKind::DiskSlow { by_ns }),
            Just(FaultKind::ServerSqueeze),
            Just(FaultKind::StandbyPromote),
            Just(FaultKind::SessionKill),
            (1..i64::from(i32::MAX)).prop_map(|ns| FaultKind::ServerClock { change: ClockChange::Jump { ns: -ns } }),
            (0..1_000_000_u64)
                .prop_map(|millionths| FaultKind::ServerClock { change: ClockChange::Rate { millionths } }),
            Just(FaultKind::WireReset),
            Just(FaultKind::WireHalfOpen),
        ];
        let target = prop_oneof![
            Just(Target::One),
            Just(Target::Minority),
            Just(Target::All),
            Just(Target::Majority),
            (1..9_u8).prop_map(|number| Target::Named(format!("redis-{number}"))),
        ];
        (kind, target, 0..3_u8, 0..1_000_000_u64, 1..1_000_000_u64).prop_map(|(kind, target, moment, ns, lasts_ns)| {
            let moment = match moment {
                0 => Moment::At { ns },
                1 => Moment::When { point: Point::BeforeRelease, ns },
                _ => Moment::Every { ns: ns + lasts_ns + 1 },
            };
            let target = match (kind.is_of_a_client(), target) {
                (true, Target::Minority) => Target::Holder,
                (true, Target::Majority) => Target::Contender,
                (true, Target::Named(_)) => Target::Named("client-3".to_owned()),
                (_, other) => other,
            };
            let lasts_ns = match kind {
                FaultKind::WireReset | FaultKind::ClientKill | FaultKind::SessionKill => 0,
                _ => lasts_ns,
            };
            PlannedFault { kind, target, moment, lasts_ns }
        })
    }

    type Gates = (Vec<PlannedThreshold>, Vec<PlannedLint>, Vec<PlannedFault>);
    fn any_prices() -> impl Strategy<Value = Prices> {
        let monthly = btree_map("[a-b]{1,9}(:[a-z]{1,5})?", prop_oneof![Just(0.0), 1e-9..1e12_f64], 0..4);
        ("(.|\n)*", monthly).prop_map(|(currency, monthly)| Prices { currency, monthly })
    }

    type Load = (String, String, u32, Keys, Span, Span);
    type Lease = (u64, BelowFloor, RenewalPolicy, AcquireMode, Retry, u64);
    type Run = (Vec<String>, u64, u64, u32, u64, Vec<Expectation>, HistoryLimit, SystemOptions, Prices);

    fn any_load() -> impl Strategy<Value = Load> {
        // `.` is any character but a newline: quotes, backslashes, controls and all.
        ("[a-z].*", "(.|\n)*", 1..=65_535_u32, any_keys(), any_span(), any_span())
    }

    fn any_lease() -> impl Strategy<Value = Lease> {
        (
            length(1),
            prop_oneof![Just(BelowFloor::Refuse), Just(BelowFloor::Raise)],
            option::of(length(1)).prop_map(|ns| ns.map_or(RenewalPolicy::Off, |ns| RenewalPolicy::Every { ns })),
            option::of(length(1))
                .prop_map(|ns| ns.map_or(AcquireMode::Try, |timeout_ns| AcquireMode::Wait { timeout_ns })),
            any_retry(),
            length(1),
        )
    }

    fn any_run() -> impl Strategy<Value = Run> {
        (
            vec("[a-z]{1,9}(:[a-z]{1,5})?", 0..4).prop_map(|mut names| {
                names.sort();
                names.dedup();
                names
            }),
            length(0),
            length(1),
            1..=10_000_u32,
            any::<u64>().prop_map(|seed| seed >> 1),
            prop_oneof![
                Just(vec![]),
                Just(vec![Expectation::Outside]),
                Just(vec![Expectation::Withdrawn, Expectation::Outside]),
            ],
            any_history(),
            any_options(),
            any_prices(),
        )
    }

    fn plan((load, lease, run, (thresholds, lints, mut faults)): (Load, Lease, Run, Gates)) -> Plan {
        let (name, question, clients, keys, hold, think) = load;
        let (ttl_ns, ttl_below_floor, renewal, acquire, retry, request_timeout_ns) = lease;
        let (backends, warmup_ns, duration_ns, trials, seed, expect, history, options, prices) = run;
        let needed = faults.iter().any(|fault: &PlannedFault| fault.kind.is_of_a_client());
        let processes = if needed { clients.min(7) } else { 0 };
        faults.retain(|fault| fault.moment.earliest_ns() < duration_ns);
        Plan {
            name,
            question,
            clients,
            processes,
            keys,
            hold,
            think,
            ttl_ns,
            ttl_below_floor,
            renewal,
            acquire,
            retry,
            request_timeout_ns,
            backends,
            warmup_ns,
            duration_ns,
            trials,
            seed,
            expect,
            thresholds,
            lints,
            history,
            sometimes: Vec::new(),
            scenario: None,
            truth: if seed % 3 == 0 {
                Truth::WithFaults
            } else {
                [Truth::Off, Truth::Every { ns: 1 + seed % 1_000_000 }][(seed % 2) as usize]
            },
            faults,
            options,
            prices,
        }
    }

    proptest! {
        #[test]
        fn a_plan_reads_back_to_an_equal_one(
            plan in (any_load(), any_lease(), any_run(), (vec(any_threshold(), 0..4), any_lints(), vec(any_fault(), 0..4))).prop_map(plan)
        ) {
            let text = to_toml(&plan);
            let (read, _) = parse_with("plan.toml", &text, &[], &[&TABLE]).map_err(|error| {
                proptest::test_runner::TestCaseError::fail(format!("{error}\n{text}"))
            })?;
            prop_assert_eq!(read, plan);
        }
    }
}
