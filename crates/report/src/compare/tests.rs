use proptest::prelude::{ProptestConfig, prop_assert, prop_assert_eq, proptest};
use rand::SeedableRng;
use rand_distr::{Distribution, Normal};
use rand_pcg::Pcg64Mcg;

use super::{ChangeVerdict, Comparison, ComparisonOutcome, Rules, Side, Unlike, check_gates, compare};
use crate::{Environment, Exit, Report, SafetyVerdict, SkippedBackend, Tool, TrialResult, aggregate};

/// A trial with this throughput and these waits in nanoseconds.
fn trial(backend: &str, number: u32, throughput: f64, p50: f64) -> TrialResult {
    let mut trial = TrialResult {
        backend: backend.to_owned(),
        trial: number,
        complete: true,
        measured_s: 1.0,
        attempts: 5_000,
        grants: 5_000,
        throughput_per_s: Some(throughput),
        quorum: "1 of 1".into(),
        durability: "none".into(),
        server_version: "7".to_owned(),
        ..TrialResult::default()
    };
    trial.latency.acquire_service.p50_ns = Some(p50 as u64);
    trial.latency.acquire_service.p99_ns = Some((p50 * 10.0) as u64);
    trial.safety.grants_all_phases = 6_000;
    trial.safety.verdict = SafetyVerdict::Valid;
    trial
}

/// A run of these trials.
fn run(id: &str, results: Vec<TrialResult>) -> Report {
    let mut backends: Vec<String> = Vec::new();
    for result in &results {
        if !backends.contains(&result.backend) {
            backends.push(result.backend.clone());
        }
    }
    Report {
        run_id: id.to_owned(),
        complete: true,
        tool: Tool {
            name: "lockbench".to_owned(),
            version: "1".to_owned(),
            command: Vec::new(),
            workers: 2,
            overhead_ns_per_cycle: None,
            ceiling_cycles_per_s: None,
            ceiling_others_share: None,
            own_costs: Vec::new(),
        },
        plan: serde_json::json!({ "clients": 4, "hold": "1ms", "seed": 1, "trials": 5, "name": "x" }),
        aggregates: backends.iter().map(|name| aggregate(name, &[])).collect(),
        results,
        ..Report::blank(Environment { cpu: "some".to_owned(), cores: 2, ..Environment::default() })
    }
}

/// `count` trials of a system `slower` times as slow as usual.
fn trials(backend: &str, count: u32, slower: f64) -> Vec<TrialResult> {
    let one = |number: u32| {
        let noise = 1.0 + 0.01 * f64::from(number % 3);
        trial(backend, number, 1_000.0 / slower / noise, 1e6 * slower * noise)
    };
    (1..=count).map(one).collect()
}

fn with(a: &[&Report], b: &[&Report], rules: &Rules) -> Result<Comparison, Unlike> {
    compare(Side { name: "A", runs: a }, Side { name: "B", runs: b }, rules)
}

fn of(a: &Report, b: &Report) -> Comparison {
    with(&[a], &[b], &Rules::default()).unwrap()
}

fn verdict(comparison: &Comparison, figure: &str) -> ChangeVerdict {
    comparison.changes.iter().find(|change| change.figure == figure).unwrap().verdict
}

#[test]
fn slower_beyond_noise_is_a_regression_and_faster_an_improvement() {
    let (before, after) = (run("a", trials("redis", 5, 1.0)), run("b", trials("redis", 5, 1.3)));
    let found = of(&before, &after);
    assert_eq!(found.outcome, ComparisonOutcome::Regression);
    for gate in ["throughput", "acquire_service.p99"] {
        assert_eq!(verdict(&found, gate), ChangeVerdict::Regression, "{gate}");
    }
    assert_eq!(found.reasons.len(), 2);
    assert!(found.exits().iter().all(|(exit, _)| *exit == Exit::Regression));
    let back = of(&after, &before);
    assert_eq!(verdict(&back, "throughput"), ChangeVerdict::Improvement);
    assert_eq!((back.outcome, back.exits()), (ComparisonOutcome::NoRegression, Vec::new()));
}

#[test]
fn below_the_noise_threshold_nothing_is_concluded_however_certain() {
    let (before, after) = (run("a", trials("redis", 50, 1.0)), run("b", trials("redis", 50, 1.1)));
    assert_eq!(of(&before, &after).outcome, ComparisonOutcome::NoRegression);
    let strict = Rules { noise: Some(0.05), ..Rules::default() };
    assert_eq!(with(&[&before], &[&after], &strict).unwrap().outcome, ComparisonOutcome::Regression);
}

#[test]
fn an_interval_that_includes_no_change_is_noise_however_large_the_change() {
    let rates = |id, rates: [f64; 5]| {
        let one = |(number, rate): (u32, f64)| trial("redis", number, rate, 1e6);
        run(id, (1..).zip(rates).map(one).collect())
    };
    let found =
        of(&rates("a", [900.0, 1_100.0, 1_500.0, 600.0, 900.0]), &rates("b", [1_100.0, 300.0, 900.0, 1_200.0, 400.0]));
    let change = found.changes.iter().find(|change| change.figure == "throughput").unwrap();
    assert!(change.change.unwrap() < -0.15 && change.high.unwrap() > 0.0, "{change:?}");
    assert_eq!(change.verdict, ChangeVerdict::WithinNoise);
}

#[test]
fn systems_with_a_quorum_have_twice_the_noise() {
    for (quorum, outcome) in [
        ("1 of 1", ComparisonOutcome::Regression),
        ("2 of 3", ComparisonOutcome::NoRegression),
        ("majority of the ensemble", ComparisonOutcome::NoRegression),
    ] {
        let side = |id, slower| {
            let mut trials = trials("etcd", 5, slower);
            trials.iter_mut().for_each(|trial| trial.quorum = quorum.into());
            run(id, trials)
        };
        assert_eq!(of(&side("a", 1.0), &side("b", 1.25)).outcome, outcome, "{quorum}");
    }
}

#[test]
fn fewer_than_five_trials_are_no_evidence() {
    let found = of(&run("a", trials("redis", 5, 1.0)), &run("b", trials("redis", 4, 9.0)));
    assert_eq!(verdict(&found, "throughput"), ChangeVerdict::NoEvidence);
    assert_eq!(found.outcome, ComparisonOutcome::Inconclusive);
    assert!(found.reasons[0].contains("the new side has 4 trials, 5 are needed"), "{:?}", found.reasons);
    let mut cut = trials("redis", 5, 1.0);
    cut[4].complete = false;
    assert_eq!(of(&run("a", trials("redis", 5, 1.0)), &run("b", cut)).outcome, ComparisonOutcome::Inconclusive);
}

#[test]
fn runs_that_are_joined_pool_their_trials() {
    let (a, b) = (run("a", trials("redis", 3, 1.0)), run("b", trials("redis", 2, 1.0)));
    let slow = run("c", trials("redis", 5, 1.4));
    let found = with(&[&a, &b], &[&slow], &Rules::default()).unwrap();
    assert_eq!(found.outcome, ComparisonOutcome::Regression);
    assert_eq!(found.changes[2].baseline_trials, 5);
    assert_eq!(found.baseline_runs, ["a", "b"]);
}

#[test]
fn a_default_gate_that_the_baseline_lacks_is_told_and_any_other_that_is_missing_is_inconclusive() {
    let side = |id| {
        let mut trials = trials("redis", 5, 1.0);
        for trial in &mut trials {
            trial.latency.acquire_service.p99_ns = None;
            let reason = "836 samples, needs 1000".to_owned();
            trial.not_available.insert("latency.acquire_service.p99_ns".to_owned(), reason);
        }
        run(id, trials)
    };
    let found = of(&side("a"), &side("b"));
    assert_eq!(found.outcome, ComparisonOutcome::NoRegression);
    assert_eq!(verdict(&found, "acquire_service.p99"), ChangeVerdict::NotComparable);
    let vanished = of(&run("a", trials("redis", 5, 1.0)), &side("b"));
    assert_eq!(vanished.outcome, ComparisonOutcome::Inconclusive, "the baseline had it");
    let asked = Rules { gates: vec!["throughput".to_owned(), "acquire_service.p99".to_owned()], ..Rules::default() };
    let found = with(&[&side("a")], &[&side("b")], &asked).unwrap();
    assert_eq!(found.outcome, ComparisonOutcome::Inconclusive);
    assert_eq!(found.reasons, ["redis acquire_service.p99: neither side has it: 836 samples, needs 1000"]);
}

#[test]
fn only_gates_decide() {
    let (before, after) = (run("a", trials("redis", 5, 1.0)), run("b", trials("redis", 5, 1.5)));
    let rules = Rules { gates: vec!["jain".to_owned()], ..Rules::default() };
    let found = with(&[&before], &[&after], &rules).unwrap();
    assert_eq!(verdict(&found, "throughput"), ChangeVerdict::Regression);
    assert_eq!(found.outcome, ComparisonOutcome::Inconclusive, "jain was never measured");
    for wrong in ["jane", "double_grants", "lost_leases"] {
        assert!(check_gates(&[wrong.to_owned()]).is_err(), "{wrong}");
    }
    assert!(check_gates(&["timeouts".to_owned()]).is_ok());
}

#[test]
fn a_double_grant_where_there_was_none_decides_whatever_the_gates_and_the_trials() {
    let mut doubled = trials("redis", 1, 0.5);
    doubled[0].safety.double_grants_certain = 3;
    let (before, after) = (run("a", trials("redis", 1, 1.0)), run("b", doubled));
    let found = of(&before, &after);
    assert_eq!(found.outcome, ComparisonOutcome::Regression);
    let told = "redis double_grants: 3 in 6 000 grants, none in 6 000 of the baseline";
    assert_eq!(found.reasons[0], told);
    assert_eq!(verdict(&of(&after, &before), "double_grants"), ChangeVerdict::Improvement);
    assert_eq!(verdict(&of(&after, &after), "double_grants"), ChangeVerdict::WithinNoise);
}

#[test]
fn an_unknown_safety_verdict_passes_nothing() {
    let mut lost = trials("redis", 5, 1.0);
    lost[2].safety.verdict = SafetyVerdict::Unknown;
    lost[2].safety.because = "9 events were lost".to_owned();
    let found = of(&run("a", trials("redis", 5, 1.0)), &run("b", lost));
    assert_eq!(found.outcome, ComparisonOutcome::Inconclusive);
    assert!(found.reasons[0].contains("9 events were lost"));
}

#[test]
fn what_was_zero_and_is_not_any_more_is_seen_without_a_ratio() {
    let side = |id, timed_out: [u64; 5]| {
        let mut trials = trials("redis", 5, 1.0);
        trials.iter_mut().zip(timed_out).for_each(|(trial, count)| trial.timed_out = count);
        run(id, trials)
    };
    let rules = Rules { gates: vec!["timeouts".to_owned()], ..Rules::default() };
    let verdict = |a, b| with(&[&side("a", a)], &[&side("b", b)], &rules).unwrap().outcome;
    assert_eq!(verdict([0; 5], [0; 5]), ComparisonOutcome::NoRegression);
    assert_eq!(verdict([0; 5], [3, 9, 2, 4, 1]), ComparisonOutcome::Regression);
    assert_eq!(verdict([0; 5], [3, 0, 0, 4, 0]), ComparisonOutcome::NoRegression);
    assert_eq!(verdict([3, 9, 2, 4, 1], [0; 5]), ComparisonOutcome::NoRegression);
    // A system that grants nothing any more has no throughput left.
    let dead = run("b", (1..=5).map(|number| trial("redis", number, 0.0, 1e6)).collect());
    let found = of(&run("a", trials("redis", 5, 1.0)), &dead);
    assert_eq!(found.outcome, ComparisonOutcome::Regression);
}

#[test]
fn a_system_that_should_have_run_decides_and_one_left_out_is_told() {
    let both = run("a", [trials("redis", 5, 1.0), trials("etcd", 5, 1.0)].concat());
    let mut one = run("b", trials("redis", 5, 1.0));
    let found = of(&both, &one);
    assert_eq!(found.outcome, ComparisonOutcome::NoRegression);
    assert_eq!(found.remarks, ["etcd is not compared: B has no whole trial of it"]);
    assert_eq!(of(&one, &both).outcome, ComparisonOutcome::NoRegression);
    one.skipped.push(SkippedBackend {
        backend: "etcd".to_owned(),
        reason: "no etcd found".to_owned(),
        asked_for: false,
    });
    let found = of(&both, &one);
    assert_eq!(found.outcome, ComparisonOutcome::Inconclusive);
    assert!(found.reasons[0].ends_with("it did not run: no etcd found"), "{:?}", found.reasons);
    let none = run("b", Vec::new());
    assert_eq!(of(&none, &none).outcome, ComparisonOutcome::Inconclusive);
}

#[test]
fn unlike_sides_are_refused_with_every_difference_and_forced_ones_marked() {
    let before = run("a", trials("redis", 5, 1.0));
    let mut after = run("b", trials("redis", 5, 1.0));
    after.plan = serde_json::json!({ "clients": 8, "seed": 9, "trials": 7, "name": "y", "think": "0s" });
    after.environment.cores = 64;
    after.environment.kernel = "newer".to_owned();
    after.results.iter_mut().for_each(|result| result.durability = "fsync".into());
    after.results.iter_mut().for_each(|result| result.server_version = "8".to_owned());
    let unlike = with(&[&before], &[&after], &Rules::default()).unwrap_err();
    let differences = [
        "plan, clients: 4 / 8",
        "plan, hold: 1ms / not set",
        "plan, think: not set / 0s",
        "machine, processors in use: 2 / 64",
        "redis, durability: none / fsync",
    ];
    assert_eq!(unlike.differences, differences);
    let forced = with(&[&before], &[&after], &Rules { force: true, ..Rules::default() }).unwrap();
    assert_eq!(forced.unlike, differences);
    assert_eq!(forced.remarks, ["kernel:  / newer", "redis, version: 7 / 8"]);
}

/// Share of comparisons of one gate that call two alike sides a regression.
fn false_alarms(spread: f64) -> f64 {
    const RUNS: u32 = 400;
    let mut rng = Pcg64Mcg::seed_from_u64(3);
    let normal = Normal::new(1.0, spread).unwrap();
    let mut side = |id| {
        let rates: Vec<f64> = (0..5).map(|_| normal.sample(&mut rng).max(0.01)).collect();
        let one = |(number, rate): (u32, f64)| {
            let mut trial = TrialResult { throughput_per_s: Some(1_000.0 * rate), ..TrialResult::default() };
            (trial.backend, trial.trial, trial.complete) = ("redis".to_owned(), number, true);
            trial
        };
        run(id, (1..).zip(rates).map(one).collect())
    };
    let rules = Rules { gates: vec!["throughput".to_owned()], ..Rules::default() };
    let alarms = (0..RUNS).filter(|_| {
        let found = with(&[&side("a")], &[&side("b")], &rules).unwrap();
        verdict(&found, "throughput") == ChangeVerdict::Regression
    });
    alarms.count() as f64 / f64::from(RUNS)
}

#[test]
fn false_alarms_are_as_rare_as_documented() {
    let told = [0.05, 0.1, 0.2, 0.4].map(false_alarms);
    assert!(told[0] < 0.003 && told[1] <= 0.012 && told[2] <= 0.04 && told[3] <= 0.04, "{told:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn swapping_the_sides_never_finds_a_regression_both_ways(
        a in proptest::collection::vec(10.0_f64..1_000.0, 5..8),
        b in proptest::collection::vec(10.0_f64..1_000.0, 5..8),
    ) {
        let side = |id, rates: &[f64]| {
            run(id, (1..).zip(rates).map(|(number, rate)| trial("redis", number, *rate, 1e6)).collect())
        };
        let (a, b) = (side("a", &a), side("b", &b));
        let (there, back) = (of(&a, &b), of(&b, &a));
        let both = [verdict(&there, "throughput"), verdict(&back, "throughput")];
        prop_assert!(both != [ChangeVerdict::Regression; 2], "{both:?}");
        prop_assert_eq!(of(&a, &b), there);
        prop_assert_eq!(verdict(&of(&a, &a), "throughput"), ChangeVerdict::WithinNoise);
    }
}

#[test]
fn what_is_left_when_the_worst_trials_have_no_figure_does_not_pass() {
    let before = run("a", trials("redis", 10, 1.0));
    let mut after = run("b", trials("redis", 10, 1.0));
    for trial in after.results.iter_mut().take(5) {
        trial.latency.acquire_service.p99_ns = None;
        trial.not_available.insert("latency.acquire_service.p99_ns".to_owned(), "2 % timed out".to_owned());
    }
    let found = of(&before, &after);
    assert_eq!(verdict(&found, "acquire_service.p99"), ChangeVerdict::NoEvidence);
    assert_eq!(found.outcome, ComparisonOutcome::Inconclusive, "{:?}", found.reasons);
    assert!(found.reasons[0].contains("only 5 of 10 trials of the new side have it (2 % timed out)"), "{found:?}");
    // As many on both sides: alike.
    assert_eq!(of(&after, &after).outcome, ComparisonOutcome::NoRegression);
}

#[test]
fn a_double_grant_in_a_trial_that_failed_is_a_regression_all_the_same() {
    let before = run("a", trials("redis", 5, 1.0));
    let mut after = trials("redis", 6, 1.0);
    after[5].safety.double_grants_certain = 2;
    after[5].safety.verdict = SafetyVerdict::Violated;
    after[5].error = Some("the server died".to_owned());
    assert_eq!(of(&before, &run("b", after.clone())).outcome, ComparisonOutcome::Regression);
    // Even if there is no other.
    let only = run("b", after.split_off(5));
    assert_eq!(of(&before, &only).outcome, ComparisonOutcome::Regression);
}

#[test]
fn a_hole_in_one_trial_does_not_hide_the_double_grant_of_another() {
    let before = run("a", trials("redis", 5, 1.0));
    let mut after = trials("redis", 5, 1.0);
    after[0].safety.double_grants_certain = 2;
    after[0].safety.verdict = SafetyVerdict::Violated;
    after[1].safety.verdict = SafetyVerdict::Unknown;
    assert_eq!(of(&before, &run("b", after)).outcome, ComparisonOutcome::Regression);
}

#[test]
fn a_broken_lease_is_worse_than_one_overstayed() {
    let with_double = |inside: u64| {
        let mut all = trials("redis", 5, 1.0);
        all[0].safety.double_grants_certain = 4;
        (all[0].safety.inside, all[0].safety.outside) = (inside, 4 - inside);
        all[0].safety.verdict = SafetyVerdict::Violated;
        all
    };
    let before = run("a", with_double(0));
    assert_eq!(of(&before, &run("b", with_double(0))).outcome, ComparisonOutcome::NoRegression);
    assert_eq!(of(&before, &run("b", with_double(3))).outcome, ComparisonOutcome::Regression);
}
