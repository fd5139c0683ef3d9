//! A plan that is written is the one that is read back.

use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::{prop_assert_eq, proptest};

use super::super::arrival::{Row, Trace};
use super::super::dynamic_ttl::DynamicTtl;
use super::super::fault::{ClockChange, DataAfter, Direction, FaultKind, Moment, PlannedFault, Point, Target};
use super::super::groups::Group;
use super::super::item::LONGEST_NS;
use super::super::options::tests::TABLE;
use super::super::options::{OptionValue, SystemOptions};
use super::super::plan::{
    Access, AcquireMode, Arrival, BelowFloor, BreachLevel, Breaker, DeadlockPolicy, Expectation, FindingLevel,
    HistoryLimit, Keys, Locks, Plan, PlannedLint, PlannedThreshold, Prices, RenewalPolicy, Section, Span, Truth,
};
use super::super::source::parse_with;
use super::super::spread::Spread;
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
        (bounded(), 1e-9..20.0_f64).prop_map(|((min_ns, max_ns), alpha)| Span::Pareto { min_ns, alpha, max_ns }),
        (ordered(0), 0.0..=1.0_f64).prop_map(|((short_ns, long_ns), share)| Span::Bimodal { short_ns, long_ns, share }),
        vec(length(0), 1..5).prop_map(|lengths| Span::Recorded { lengths_ns: lengths.into() }),
    ]
}

fn any_arrival() -> impl Strategy<Value = Arrival> {
    let rate = || prop_oneof![1e-6..1.0_f64, 1.0..10_000_000.0_f64];
    let queue = || option::of(0..=1_000_000_u32);
    prop_oneof![
        Just(Arrival::Closed),
        (rate(), queue()).prop_map(|(per_s, queue)| Arrival::Constant { per_s, queue }),
        (rate(), queue()).prop_map(|(per_s, queue)| Arrival::Poisson { per_s, queue }),
        (1..=1_000_000_u32, length(1), queue()).prop_map(|(size, every_ns, queue)| Arrival::Bursts {
            size,
            every_ns,
            queue
        }),
        (rate(), rate(), option::of(length(1)), queue()).prop_map(|(from_per_s, to_per_s, over_ns, queue)| {
            Arrival::Ramp { from_per_s, to_per_s, over_ns, queue }
        }),
        (vec(rate(), 1..9), length(1), queue()).prop_map(|(rates_per_s, every_ns, queue)| Arrival::Steps {
            rates_per_s,
            every_ns,
            queue
        }),
        (vec((length(0), option::of(length(0))), 1..9), queue()).prop_map(|(mut rows, queue)| {
            rows.sort_unstable();
            // Key 0 is one of every workload.
            let rows = rows.into_iter().map(|(due_ns, hold_ns)| Row::new(due_ns, &[0], hold_ns));
            Arrival::Trace { trace: Trace::new(rows.collect()), queue }
        }),
    ]
}

fn any_keys() -> impl Strategy<Value = Keys> {
    prop_oneof![
        Just(Keys::Single),
        Just(Keys::PerClient),
        (1..=1_000_000_u32).prop_map(|count| Keys::Uniform { count }),
        (1..=1_000_000_u32, 1e-9..20.0_f64).prop_map(|(count, exponent)| Keys::Zipf { count, exponent }),
        (2..=1_000_000_u32, 1..1_000_000_u32, 0.0..=1.0_f64).prop_map(|(count, hot, share)| Keys::HotSet {
            count,
            hot: hot.min(count - 1),
            share
        }),
    ]
}

fn any_retry() -> impl Strategy<Value = Retry> {
    prop_oneof![
        length(0).prop_map(|delay_ns| Retry::Fixed { delay_ns }),
        ordered(1).prop_map(|(base_ns, max_ns)| Retry::Exponential { base_ns, max_ns }),
        ordered(1).prop_map(|(base_ns, max_ns)| Retry::Jitter { base_ns, max_ns }),
        ordered(1).prop_map(|(base_ns, max_ns)| Retry::Decorrelated { base_ns, max_ns }),
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
        let options = options.with("toy", "pause", OptionValue::Ns(pause)).with("toy", "limit", OptionValue::Ns(limit));
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
        (0..1_000_000_u64).prop_map(|millionths| FaultKind::ServerClock { change: ClockChange::Rate { millionths } }),
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

type Load = (String, String, u32, Keys, Span, (Arrival, Span));
type Lease = (u64, BelowFloor, RenewalPolicy, AcquireMode, Retry, u64);
type Run = (Vec<String>, u64, u64, u32, u64, Vec<Expectation>, HistoryLimit, SystemOptions, Prices);

fn any_load() -> impl Strategy<Value = Load> {
    let pause = (any_arrival(), any_span());
    let pause =
        pause.prop_map(|(arrival, think)| if arrival.is_open() { (arrival, Span::ZERO) } else { (arrival, think) });
    // `.` is any character but a newline: quotes, backslashes, controls and all.
    ("[a-z].*", "(.|\n)*", 1..=65_535_u32, any_keys(), any_span(), pause)
}

fn any_lease() -> impl Strategy<Value = Lease> {
    (
        length(1),
        prop_oneof![Just(BelowFloor::Refuse), Just(BelowFloor::Raise)],
        option::of(length(1)).prop_map(|ns| ns.map_or(RenewalPolicy::Off, |ns| RenewalPolicy::Every { ns })),
        option::of((length(1), option::of(1..1_000_000_u32))).prop_map(|wait| {
            wait.map_or(AcquireMode::Try, |(timeout_ns, tries)| AcquireMode::Wait { timeout_ns, tries })
        }),
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

/// Locks for which there are keys enough.
fn locks_on(keys: &Keys, clients: u32, seed: u64) -> Locks {
    let count = keys.count(clients);
    if *keys == Keys::PerClient || !(8..=1_000).contains(&count) {
        return Locks::One;
    }
    let of = 2 + (seed % 7) as u32;
    match seed % 6 {
        5 => Locks::Saga { count: of },
        0 => Locks::One,
        1 => Locks::Ordered { count: of },
        2 => Locks::Shuffled { count: of, deadlock: DeadlockPolicy::AbortYoungest },
        3 => Locks::AllOrRelease { count: of },
        _ => Locks::Path { fanout: 3 + of },
    }
}

fn plan((load, lease, run, (thresholds, lints, mut faults)): (Load, Lease, Run, Gates)) -> Plan {
    let (name, question, clients, keys, hold, (arrival, think)) = load;
    let (ttl_ns, ttl_below_floor, renewal, acquire, retry, request_timeout_ns) = lease;
    let (backends, warmup_ns, duration_ns, trials, seed, expect, history, options, prices) = run;
    let needed = faults.iter().any(|fault: &PlannedFault| fault.kind.is_of_a_client());
    let spread = match seed % 5 {
        0 if locks_on(&keys, clients, seed) == Locks::One && clients > 3 => Spread::PerGroup,
        _ if needed => Spread::Processes(clients.min(7)),
        _ => Spread::Threads,
    };
    let sections = [Section::Counter, Section::Payment, Section::RunOnce { every_ns: 1 + seed % 1_000 }];
    let (section, locks) = (sections[(seed % 3) as usize], locks_on(&keys, clients, seed));
    let thinks = think != Span::ZERO;
    faults.retain(|fault| fault.moment.earliest_ns() < duration_ns);
    Plan {
        name,
        question,
        clients,
        spread,
        access: match (section, locks, seed % 2) {
            (Section::Counter, Locks::One, 0) => Access::Permits { count: 1 + (seed % 9) as u32 },
            (Section::Counter, Locks::One, _) => Access::ReadWrite { reads: (seed % 11) as f64 / 10.0 },
            _ => Access::Exclusive,
        },
        section,
        locks,
        groups: (locks == Locks::One && clients > 3)
            .then(|| Group {
                name: "some".to_owned(),
                clients: 1 + clients / 3,
                keys,
                own_keys: seed % 5 == 0,
                hold: hold.clone(),
                arrival: if seed % 2 == 0 { Arrival::Closed } else { arrival.clone() },
                think: if seed % 2 == 0 { think.clone() } else { Span::ZERO },
                acquire,
            })
            .into_iter()
            .collect(),
        keys,
        hold,
        arrival,
        think,
        ttl_ns,
        dynamic_ttl: (seed % 4 == 0).then_some(DynamicTtl {
            quantile: 0.5,
            factor: 1.0 + (seed % 9) as f64,
            min_ns: 1 + seed % 99,
            max_ns: 100 + seed % 99,
        }),
        ttl_below_floor,
        renewal,
        acquire,
        retry,
        // Beside a group that is asked by the clock it has no place.
        breaker: (thinks && seed % 2 == 0).then_some(Breaker { after: 1 + (seed % 9) as u32, pause_ns: 1 + seed % 99 }),
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
