//! The answers that hang on what was read back or measured.

use super::{Answer, QUESTIONS, auto_release, cost, durable, exclusion, fifo, survive_node};
use crate::need::{NEEDS, Need};
use crate::{Aggregate, Report, SafetyVerdict, TrialResult};

fn report(change: impl Fn(&mut TrialResult)) -> Report {
    let mut result =
        TrialResult { backend: "postgres:lease".to_owned(), trial: 1, grants: 1_000, ..TrialResult::default() };
    result.safety.verdict = SafetyVerdict::Valid;
    result.guarantees = serde_json::json!({ "lease": true, "token": null, "fifo": true });
    change(&mut result);
    let verdict = result.safety.verdict;
    let aggregate = Aggregate { backend: result.backend.clone(), verdict, ..Aggregate::default() };
    let json = serde_json::json!({
        "schema_version": 2, "run_id": "r", "complete": true,
        "tool": { "name": "lockbench", "version": "0", "command": [], "workers": 1, "overhead_ns_per_cycle": null, "ceiling_cycles_per_s": null },
        "environment": { "started_at": "", "os": "", "kernel": "", "cpu": "", "cores": 2, "memory_bytes": 0, "governor": null, "clock": "", "placement": "" },
        "plan": { "prices": { "postgres": 120, "currency": "EUR" } }, "results": [result], "aggregates": [aggregate],
        "skipped": [], "faults": [], "thresholds": [], "lints": [], "notes": [], "verdict": { "exit_code": 0, "reasons": [] },
    });
    serde_json::from_value(json).unwrap_or_else(|error| panic!("{error}"))
}

const SYSTEM: &str = "postgres:lease";

#[test]
fn a_node_may_be_lost_where_a_quorum_remains() {
    let with = |quorum: &'static str, several: serde_json::Value| {
        let change = move |result: &mut TrialResult| {
            result.quorum = quorum.into();
            result.guarantees["quorum"] = several.clone();
        };
        survive_node(&report(change), SYSTEM).answer
    };
    let answer = |quorum| with(quorum, false.into());
    // One node says nothing of a system that keeps its grants on a majority of several.
    assert_eq!(with("1 of 1", true.into()), Answer::OneNode);
    assert_eq!(with("1 of 1", serde_json::Value::Null), Answer::NotMeasured);
    assert_eq!(answer("2 of 3"), Answer::Yes);
    assert_eq!(answer("2 of 2"), Answer::No);
    assert_eq!(answer("1 of 1"), Answer::No);
    assert_eq!(answer("in process"), Answer::No);
    assert_eq!(answer("majority of the ensemble"), Answer::NotMeasured);
    assert_eq!(answer("cannot be read"), Answer::NotMeasured);
    let cell = survive_node(&report(|result| result.quorum = "3 of 5".into()), SYSTEM);
    assert_eq!(cell.because, "3 of 5 nodes must agree, 2 may fail: by its quorum; no fault was injected in this run");
}

#[test]
fn a_lock_without_a_lease_may_still_be_freed_by_the_end_of_a_connection() {
    let answer = |lease: bool, connection: serde_json::Value| {
        let change = move |result: &mut TrialResult| {
            result.guarantees = serde_json::json!({ "lease": lease, "connection_frees": connection });
        };
        auto_release(&report(change), SYSTEM).answer
    };
    assert_eq!(answer(false, true.into()), Answer::Yes);
    assert_eq!(answer(false, false.into()), Answer::No);
    assert_eq!(answer(false, serde_json::Value::Null), Answer::NotMeasured);
    assert_eq!(answer(true, false.into()), Answer::Yes);
}

#[test]
fn a_disk_counts_only_when_it_is_waited_for() {
    let answer = |words: &'static str| durable(&report(|result| result.durability = words.into()), SYSTEM).answer;
    assert_eq!(answer("fsync on, synchronous_commit on"), Answer::Yes);
    assert_eq!(answer("fsync on, synchronous_commit off"), Answer::No);
    assert_eq!(answer("none: lives and dies with the process"), Answer::No);
    assert_eq!(answer("who knows"), Answer::NotMeasured);
}

#[test]
fn exclusion_that_nobody_challenged_is_not_measured() {
    let answer = |verdict| exclusion(&report(move |result| result.safety.verdict = verdict), SYSTEM).answer;
    assert_eq!(answer(SafetyVerdict::Valid), Answer::Yes);
    assert_eq!(answer(SafetyVerdict::Violated), Answer::No);
    assert_eq!(answer(SafetyVerdict::Unknown), Answer::NotMeasured);
    assert_eq!(answer(SafetyVerdict::NotExercised), Answer::NotMeasured);
}

#[test]
fn a_promised_order_is_still_looked_at() {
    let answer = |overtakes| fifo(&report(move |result| result.fairness.overtakes = overtakes), SYSTEM).answer;
    assert_eq!(answer(0), Answer::Yes);
    assert_eq!(answer(30), Answer::Yes);
    assert_eq!(answer(300), Answer::No);
}

#[test]
fn a_price_is_found_by_the_part_before_the_colon() {
    let cell = cost(
        &report(|result| (result.throughput_per_s, result.measured_s) = (Some(2_000.0), 1.0)),
        SYSTEM,
        Some(100.0),
    );
    assert_eq!(cell.answer, Answer::No);
    assert_eq!(cell.because, "120 EUR a month; 60.0 EUR for each 1 000 grants a second measured");
    assert_eq!(cost(&report(|_| ()), "redis", None).answer, Answer::NotMeasured);
}

#[test]
fn every_question_can_be_a_need_and_a_failed_trial_answers_none() {
    let failed = report(|result| result.error = Some("died".to_owned()));
    for question in QUESTIONS {
        assert!(NEEDS.iter().any(|(form, _)| *form == question.need), "{}", question.need);
        let needs = Need::parse_all(question.need).unwrap();
        let (asked, needed) = ((question.answer)(&failed, SYSTEM), needs[0].ask(&failed, None, SYSTEM));
        if !question.need.starts_with("cost") {
            assert_eq!((asked.answer, needed.answer), (Answer::NotMeasured, Answer::NotMeasured), "{}", question.need);
        }
    }
}

#[test]
fn a_trial_that_failed_says_why_exclusion_is_not_known() {
    let mut report = report(|_| {});
    let failed = crate::failed(SYSTEM, "w", 2, "the server died".to_owned());
    report.results.push(failed);
    report.aggregates[0].verdict = SafetyVerdict::Unknown;
    let cell = exclusion(&report, SYSTEM);
    assert_eq!((cell.answer, cell.because.as_str()), (Answer::NotMeasured, "trial 2: the server died"));
}
