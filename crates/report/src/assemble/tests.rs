use std::collections::BTreeMap;

use super::{Measured, verdict};
use crate::{Measurements, Resources, Safety, SafetyVerdict, TrialResult, aggregate};
use lockbench_core::lock::{Facts, Guarantees, RenewalKind, WaitKind, Ways};
use lockbench_core::oracle::Findings;
use lockbench_core::record::TrialReport;
use lockbench_core::record::figures::{Counts, Figures, Latencies, Schedule};

const GUARANTEES: Guarantees = Guarantees {
    lease: true,
    token: None,
    fifo: false,
    waiting: WaitKind::Poll,
    ways: Ways::Both,
    renewal: RenewalKind::Explicit,
    ttl_floor_ms: 1,
    ttl_step_ms: 0,
    connection_frees: false,
    quorum: false,
    exclusion: true,
    shared: false,
    permits: false,
    source: "",
};

fn judged(findings: &Findings, lost: u64, panicked: u64) -> Safety {
    let mut engine = TrialReport { panicked, ..TrialReport::default() };
    engine.reader.lost = lost;
    let facts = Facts::default();
    let measured = Measured {
        backend: "redis",
        workload: "x",
        trial: 1,
        guarantees: &GUARANTEES,
        facts: &facts,
        origin: 0,
        measured_ns: 1,
        figures: &Figures::new(Schedule::new(0, 0, 1), 1, 1),
        findings,
        engine: &engine,
        recorded: None,
        resources: Resources::default(),
        ttl_raised: false,
        workers: 1,
        clients: 1,
        section: Default::default(),
        access: Default::default(),
    };
    assert_eq!(verdict(&measured).0, super::result(&measured).safety.verdict);
    super::result(&measured).safety
}

#[test]
fn a_lost_event_makes_everything_unknown_and_nothing_a_bug() {
    let mut findings = Findings { contradiction: Some(0), ..Findings::default() };
    findings.judged.double_grants = 3;
    let safety = judged(&findings, 1, 0);
    assert_eq!((safety.verdict, safety.internal_error), (SafetyVerdict::Unknown, false));
    assert!(safety.because.contains("1 events were lost"));
    let safety = judged(&findings, 0, 0);
    assert_eq!((safety.verdict, safety.internal_error), (SafetyVerdict::Unknown, true));
}

#[test]
fn a_certain_violation_stands_though_a_client_panicked_and_silence_proves_nothing() {
    let mut findings = Findings::default();
    assert_eq!(judged(&findings, 0, 0).verdict, SafetyVerdict::NotExercised);
    assert_eq!(judged(&findings, 0, 1).verdict, SafetyVerdict::Unknown);
    findings.judged.token_regressions = 1;
    let safety = judged(&findings, 0, 1);
    assert_eq!((safety.verdict, safety.internal_error), (SafetyVerdict::Violated, true));
}

#[test]
fn an_attempt_that_waited_and_got_nothing_was_in_vain_and_a_refused_one_was_answered() {
    let counts =
        Counts { grants: 8, refused: 50, unavailable: 7, timed_out: 2, unknown: 1, withdrawn: 3, ..Counts::default() };
    assert_eq!(counts.in_vain(), 13);
    let served = Counts { attempts: 68, ..counts };
    assert_eq!(served.availability(), Some(60.0 / 68.0));
    assert_eq!((Counts::default().availability(), Counts::default().waited_ratio()), (None, None));
}

#[test]
fn what_waits_in_vain_could_have_changed_is_null_with_its_reason() {
    let mut latency = lockbench_core::record::Latency::default();
    (1..=1_000).for_each(|ns| latency.record(ns));
    (0..28).for_each(|_| latency.record_in_vain(500_000));
    let latencies = Latencies { release: latency, ..Latencies::default() };
    let mut missing = BTreeMap::new();
    let set = super::latency_set(&latencies, &mut missing);
    assert!(set.release.p95_ns.is_some() && set.release.p99_ns.is_none() && set.release.mean_ns.is_none());
    assert_eq!((set.release.max_ns, set.release.max_is_lower_bound), (Some(500_000), true));
    let why = "2.72 % of 1 028 were waited for in vain (not served, no answer, timed out or withdrawn): the longest times are missing";
    assert_eq!(missing["latency.release.p99_ns"], why);
    assert_eq!(missing["latency.release.mean_ns"], why);
    assert!(!missing.contains_key("latency.release.max_ns"));
    assert_eq!(missing["latency.renew"], "no renewal was made");
}

#[test]
fn the_worst_verdict_of_the_trials_is_the_aggregate_s() {
    let of = |verdicts: &[SafetyVerdict]| {
        let part = |verdict: &SafetyVerdict| {
            let mut result = super::failed("redis", "x", 1, String::new());
            result.safety.verdict = *verdict;
            result
        };
        let results: Vec<_> = verdicts.iter().map(part).collect();
        aggregate("redis", &results.iter().map(|result| (result, None)).collect::<Vec<_>>()).verdict
    };
    use SafetyVerdict::{NotExercised, Unknown, Valid, Violated};
    assert_eq!(of(&[Valid, NotExercised]), Valid);
    assert_eq!(of(&[Unknown, Valid]), Unknown);
    assert_eq!(of(&[Valid, Violated, Unknown]), Violated);
}

#[test]
fn the_speed_of_a_failed_trial_is_left_out_and_its_double_grants_are_not() {
    let fast = TrialResult { measured_s: 1.0, attempts: 10, grants: 10, ..TrialResult::default() };
    let mut died = TrialResult { error: Some("the server died".to_owned()), ..fast.clone() };
    died.safety.double_grants_certain = 2;
    let measured = |ns: u64| {
        let mut measured = Measurements::default();
        (measured.counts.grants, measured.counts.grants_in_window) = (10, 10);
        measured.latencies.acquire_service.record(ns);
        measured
    };
    let (good, bad) = (measured(1_000), measured(9_000_000));
    let merged = aggregate("redis", &[(&fast, Some(&good)), (&died, Some(&bad))]);
    assert_eq!((merged.trials, merged.grants, merged.throughput_per_s), (1, 10, Some(10.0)));
    assert_eq!(merged.latency.acquire_service.count, 1);
    assert_eq!(merged.double_grants_certain, 2);
    // Alone, it is all there is to tell.
    assert_eq!(aggregate("redis", &[(&died, Some(&bad))]).grants, 10);
}
