//! The verdict of results, and its exit code.

use super::{Interruption, judge};
use crate::{SafetyVerdict, SkippedBackend, TrialResult};
use lockbench_core::workload::plan::Expectation;

fn clean() -> TrialResult {
    let mut result = TrialResult { backend: "redis".to_owned(), trial: 1, grants: 10, ..TrialResult::default() };
    result.safety.verdict = SafetyVerdict::Valid;
    result
}

fn violated(inside: u64, outside: u64) -> TrialResult {
    let mut result = clean();
    result.safety.verdict = SafetyVerdict::Violated;
    result.safety.double_grants_certain = inside + outside;
    result.safety.inside = inside;
    result.safety.outside = outside;
    result
}

fn code(results: &[TrialResult], expect: &[Expectation], interruption: Option<Interruption>) -> u8 {
    judge(results, &[], expect, interruption, &|name| name.starts_with("control:"), &[]).exit_code
}

#[test]
fn each_finding_has_its_code() {
    let mut none = clean();
    none.grants = 0;
    let mut dead = clean();
    dead.error = Some("died".to_owned());
    let mut lost = clean();
    lost.safety.verdict = SafetyVerdict::Unknown;
    let mut stalled = violated(0, 2);
    stalled.safety.outside_self_stall = 2;
    let mut control = clean();
    control.backend = "control:no-lock".to_owned();
    let mut bug = lost.clone();
    bug.safety.internal_error = true;
    assert_eq!(code(&[clean()], &[], None), 0);
    assert_eq!(code(&[none], &[], None), 97);
    assert_eq!(code(&[lost], &[], None), 97);
    assert_eq!(code(&[control], &[], None), 97);
    assert_eq!(code(&[stalled], &[], None), 97);
    assert_eq!(code(&[dead], &[], None), 3);
    assert_eq!(code(&[bug], &[], None), 1);
    assert_eq!(code(&[violated(1, 0)], &[], None), 100);
    assert_eq!(code(&[violated(0, 1)], &[], None), 100);
    assert_eq!(code(&[clean()], &[], Some(Interruption::Interrupt)), 130);
    assert_eq!(code(&[clean()], &[], Some(Interruption::Terminate)), 143);
    assert_eq!(code(&[clean()], &[], Some(Interruption::HangUp)), 143);
    assert_eq!(code(&[], &[], None), 97);
}

#[test]
fn double_grants_through_a_pooler_are_laid_at_its_door() {
    let mut pooled = violated(1, 0);
    pooled.caveats.pooler = Some("two connections were served by one server process, 7".to_owned());
    let reason =
        |result: &TrialResult| judge(std::slice::from_ref(result), &[], &[], None, &|_| false, &[]).reasons.remove(0);
    let told = reason(&pooled);
    assert!(told.contains("the cause is the pooler") && told.contains("process, 7"), "{told}");
    assert!(!reason(&violated(1, 0)).contains("pooler"));
    // A lease in a table lives in no session.
    pooled.guarantees = serde_json::json!({ "lease": true });
    assert!(!reason(&pooled).contains("pooler"));
}

#[test]
fn a_run_that_could_not_be_stored_fails_but_hides_no_violation() {
    for (result, code) in [(clean(), 1), (violated(1, 0), 100)] {
        let mut verdict = judge(&[result], &[], &[], None, &|_| false, &[]);
        verdict.unstored("disk full".to_owned());
        assert_eq!(verdict.exit_code, code);
        assert!(verdict.reasons.contains(&"disk full".to_owned()));
    }
}

#[test]
fn an_expectation_excuses_exactly_the_kinds_that_it_names() {
    let with = |inside, withdrawn, outside| {
        let mut result = violated(inside, outside);
        result.safety.withdrawn = withdrawn;
        result.safety.double_grants_certain += withdrawn;
        [result]
    };
    let (outside, withdrawn) = ([Expectation::Outside], [Expectation::Withdrawn]);
    let both = [Expectation::Outside, Expectation::Withdrawn];
    for (found, expect, exit) in [
        (with(0, 0, 9), &outside[..], 0),
        (with(1, 0, 9), &outside, 100),
        (with(0, 1, 9), &outside, 100),
        (with(0, 1, 0), &withdrawn, 0),
        (with(0, 1, 1), &withdrawn, 100),
        (with(0, 1, 9), &both, 0),
        (with(1, 1, 9), &both, 100),
        (with(0, 1, 0), &[], 100),
    ] {
        assert_eq!(code(&found, expect, None), exit, "{:?} with {expect:?}", found[0].safety);
    }
}

#[test]
fn the_advice_names_the_kinds_that_would_have_to_be_expected() {
    let reason = |result: &TrialResult, expect: &[Expectation]| {
        judge(std::slice::from_ref(result), &[], expect, None, &|_| false, &[]).reasons.remove(0)
    };
    let mut result = violated(0, 2);
    result.safety.withdrawn = 1;
    result.safety.double_grants_certain = 3;
    assert!(reason(&result, &[]).ends_with("expect = [\"outside\", \"withdrawn\"]"));
    result.safety.outside = 0;
    result.safety.double_grants_certain = 1;
    assert!(reason(&result, &[Expectation::Outside]).ends_with("expect = [\"outside\", \"withdrawn\"]"));
    assert!(reason(&result, &[]).ends_with("expect = [\"withdrawn\"]"));
    result.safety.withdrawn_admitted = 1;
    assert!(!reason(&result, &[]).contains("expect ="));
}

#[test]
fn what_the_server_itself_admitted_is_never_excused() {
    let mut result = violated(0, 9);
    result.safety.outside_admitted = 1;
    let expect = [Expectation::Outside, Expectation::Withdrawn];
    assert_eq!(code(&[result.clone()], &expect, None), 100);
    // Nor by a stall of ours, which the oracle asks about only where nothing was admitted.
    result.safety.outside_self_stall = 8;
    assert_eq!(code(&[result], &[], None), 100);
}

#[test]
fn an_unknown_verdict_vouches_for_no_double_grant() {
    let mut lost = violated(1, 1);
    lost.safety.verdict = SafetyVerdict::Unknown;
    assert_eq!(code(&[lost.clone()], &[], None), 97);
    lost.safety.internal_error = true;
    assert_eq!(code(&[lost], &[], None), 1);
    let mut regressed = clean();
    regressed.safety.verdict = SafetyVerdict::Violated;
    regressed.safety.token_regressions = Some(1);
    assert_eq!(code(&[regressed], &[Expectation::Outside], None), 100);
}

#[test]
fn a_control_that_shows_only_what_the_plan_expects_is_not_caught() {
    let expect = [Expectation::Outside];
    let control = |inside| TrialResult { backend: "control:wrong-release".to_owned(), ..violated(inside, 5) };
    assert_eq!(code(&[control(0)], &expect, None), 97);
    assert_eq!(code(&[control(1)], &expect, None), 100);
}

#[test]
fn stalls_excuse_only_the_outside_grants_that_they_touch() {
    let mut some = violated(0, 3);
    some.safety.outside_self_stall = 2;
    assert_eq!(code(&[some], &[], None), 100);
    let mut inside = violated(1, 2);
    inside.safety.outside_self_stall = 2;
    assert_eq!(code(&[inside], &[], None), 100);
}

#[test]
fn the_most_severe_decides_and_all_are_told() {
    let mut dead = clean();
    dead.error = Some("died".to_owned());
    let skipped = [SkippedBackend { backend: "etcd".to_owned(), reason: "no binary".to_owned(), asked_for: true }];
    let verdict = judge(&[dead, violated(1, 0)], &skipped, &[], Some(Interruption::Interrupt), &|_| false, &[]);
    assert_eq!(verdict.exit_code, 100);
    assert_eq!(verdict.reasons.len(), 4);
    assert!(verdict.reasons[1].contains("no binary") || verdict.reasons[1].contains("died"));
}
