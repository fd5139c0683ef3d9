//! The answer of made-up reports.

use super::{Answer, Cause, Disqualified, Limit, MOST_FINDINGS, Next, Severity, Winner, answer};
use crate::fixture::{report, skipped, trial};
use crate::{Copies, InjectedFault, LintFinding, LintLevel, Report, SafetyVerdict};
use lockbench_core::lock::{Away, Nodes};

const SYNCED: &str = "write-ahead log fsync before answer";
const STOCK: &str = "appendonly no, save 3600 1 (stock)";

/// Trials of a system, one per rate, all at its durability.
fn system(name: &str, durability: &str, rates: &[f64]) -> Vec<crate::TrialResult> {
    let one = |(number, rate): (u32, &f64)| {
        let mut one = trial(name, number);
        one.throughput_per_s = Some(*rate);
        one.durability = durability.into();
        one.quorum = "1 of 1".into();
        one
    };
    (1..).zip(rates).map(one).collect()
}

/// A report of these trials, merged as a run merges them.
fn of(systems: &[Vec<crate::TrialResult>]) -> Report {
    let mut whole = report(systems.concat());
    for merged in &mut whole.aggregates {
        let rates: Vec<f64> = whole
            .results
            .iter()
            .filter(|result| result.backend == merged.backend)
            .filter_map(|result| result.throughput_per_s)
            .collect();
        merged.throughput_per_s = Some(rates.iter().sum::<f64>() / rates.len() as f64);
        merged.verdict = SafetyVerdict::Valid;
        merged.exercised_holds = 2_000;
        merged.upper_bound_95_per_million = Some(1_497.0);
    }
    whole.tool.command = vec!["lockbench".to_owned(), "quick".to_owned()];
    whole
}

fn names(answer: &Answer) -> Vec<Vec<&str>> {
    answer.classes.iter().map(|class| class.rows.iter().map(|row| row.system.as_str()).collect()).collect()
}

#[test]
fn systems_are_ranked_within_their_class_and_the_strongest_promise_comes_first() {
    let found = answer(&of(&[
        system("redis", STOCK, &[9_000.0, 9_100.0, 8_900.0]),
        system("etcd", SYNCED, &[300.0, 310.0, 290.0]),
        system("zookeeper", SYNCED, &[900.0, 890.0, 910.0]),
    ]));
    assert_eq!(names(&found), [vec!["zookeeper", "etcd"], vec!["redis"]]);
    let Winner::Clear { margin } = &found.classes[0].winner else { panic!("{:?}", found.classes[0].winner) };
    assert!((margin.estimate - 3.0).abs() < 0.01 && margin.low > 2.7 && margin.high < 3.3, "{margin:?}");
    assert_eq!(found.classes[1].winner, Winner::Alone);
    assert!(found.limits.contains(&Limit::Classes { count: 2 }));
    assert_eq!(found.next, Next::Need { run: "made-up".to_owned() });
}

#[test]
fn what_is_within_noise_has_no_winner_and_names_all_that_tie() {
    let found = answer(&of(&[
        system("redis", STOCK, &[100.0, 110.0, 90.0]),
        system("redlock", STOCK, &[101.0, 109.0, 93.0]),
        system("memory", STOCK, &[50.0, 51.0, 49.0]),
    ]));
    let winner = &found.classes[0].winner;
    assert!(matches!(winner, Winner::Tie { rows: 2, .. }), "{winner:?}");
    assert_eq!((names(&found)[0][2], winner.marked()), ("memory", 2));
}

#[test]
fn one_trial_has_no_interval_and_the_next_command_makes_more() {
    let found = answer(&of(&[system("redis", STOCK, &[200.0]), system("redlock", STOCK, &[100.0])]));
    assert_eq!(found.classes[0].winner, Winner::Unproven { ratio: 2.0, trials: 1 });
    assert_eq!(found.classes[0].rows[0].rate_interval, None);
    assert!(found.limits.contains(&Limit::FewTrials { trials: 1 }), "{:?}", found.limits);
    assert!(matches!(&found.next, Next::Repeat { trials: 5, .. }), "{:?}", found.next);
}

#[test]
fn what_granted_twice_failed_was_cut_or_not_served_is_not_ranked() {
    let mut systems: Vec<_> = ["a", "b", "c", "d", "e", "f"].map(|name| system(name, STOCK, &[900.0, 900.0])).into();
    systems[1][1].error = Some("the server died".to_owned());
    systems[2][1].complete = false;
    systems[3][0].unavailable = 2_000;
    systems[4].iter_mut().for_each(|trial| trial.throughput_per_s = Some(0.0));
    let mut whole = of(&systems);
    whole.aggregates[0].verdict = SafetyVerdict::Violated;
    whole.aggregates[5].verdict = SafetyVerdict::Unknown;
    let found = answer(&whole);
    assert_eq!(found.classes[0].winner, Winner::None);
    let why: Vec<Vec<Disqualified>> = found.classes[0].rows.iter().map(|row| row.disqualified.clone()).collect();
    assert_eq!(
        why,
        [
            vec![Disqualified::Violated],
            vec![Disqualified::Failed { trials: 1, of: 2, error: "the server died".to_owned() }],
            vec![Disqualified::Incomplete { trials: 1, of: 2 }],
            vec![Disqualified::Unserved { share: 0.05 }],
            vec![Disqualified::NoGrants],
            vec![Disqualified::SafetyUnknown { because: String::new() }],
        ]
    );
}

#[test]
fn systems_that_did_not_run_are_named_with_their_reason() {
    let mut failed = system("etcd", SYNCED, &[300.0]);
    failed[0].error = Some("etcd: connection refused".to_owned());
    (failed[0].grants, failed[0].throughput_per_s) = (0, None);
    let mut whole = of(&[system("redis", STOCK, &[200.0]), failed]);
    whole.skipped = vec![skipped("zookeeper")];
    let found = answer(&whole).turnout;
    assert_eq!((found.ran.len(), found.asked(), found.whole()), (1, 3, false));
    let absent: Vec<_> = found.absent.iter().map(|one| (one.system.as_str(), one.cause, one.reason.as_str())).collect();
    assert_eq!(
        absent,
        [("etcd", Cause::Failed, "etcd: connection refused"), ("zookeeper", Cause::NotRun, "not installed")]
    );
}

#[test]
fn a_system_that_died_keeps_the_figures_until_then_and_is_not_ranked() {
    let mut died = system("redlock", STOCK, &[300.0]);
    died[0].error = Some("2 of 5 nodes answer, 3 must".to_owned());
    died[0].quorum = "3 of 5".into();
    let away = Away { address: "127.0.0.1:1".to_owned(), problem: "refused".to_owned() };
    died[0].nodes.end = Some(Nodes { serving: 2, needed: 3, total: 5, away: vec![away] });
    let found = answer(&of(&[died]));
    assert!(found.turnout.whole());
    let row = &found.classes[0].rows[0];
    assert_eq!((row.rate.as_ref().ok(), row.ranked()), (Some(&300.0), false));
    assert_eq!(row.nodes_left.as_ref().map(|nodes| nodes.serving), Some(2));
}

#[test]
fn what_a_run_does_not_prove_is_said_even_where_all_went_well() {
    let mut whole = of(&[system("redis", STOCK, &[1.0, 1.0, 1.0]), system("etcd", SYNCED, &[1.0, 1.0, 1.0])]);
    whole.environment.placement = "servers on the same machine as the load, over loopback: no network delay".to_owned();
    whole.aggregates[1].upper_bound_95_per_million = Some(3_000.0);
    let worst = whole.aggregates[1].backend.clone();
    let mut two_nodes = system("redlock", STOCK, &[1.0]);
    two_nodes[0].quorum = "2 of 3".into();
    let limits = answer(&whole).limits;
    assert_eq!(
        limits,
        [
            Limit::Bound { per_million: 3_000.0, system: worst, systems: 2 },
            Limit::NoFault,
            Limit::OneNode { systems: vec!["etcd".to_owned(), "redis".to_owned()] },
            Limit::OneMachine { loopback: true },
            Limit::Classes { count: 2 },
        ]
    );
    // A node that was killed was tried, and one that was only slowed down was not.
    let injected = |backend: &str, kind: &str| InjectedFault {
        backend: backend.to_owned(),
        kind: kind.to_owned(),
        bit: true,
        ..InjectedFault::default()
    };
    whole.faults = vec![injected("redis", "server-kill"), injected("etcd", "wire-delay")];
    let limits = answer(&whole).limits;
    assert!(limits.contains(&Limit::OneNode { systems: vec!["etcd".to_owned()] }), "{limits:?}");
    assert!(!limits.contains(&Limit::NoFault), "{limits:?}");
    let found = answer(&of(&[two_nodes]));
    assert_eq!(found.classes[0].durability.copies, Copies::Quorum(3));
    assert!(!found.limits.iter().any(|limit| matches!(limit, Limit::OneNode { .. })), "{:?}", found.limits);
    assert_eq!(answer(&report(Vec::new())).limits, []);
}

#[test]
fn a_system_that_nobody_challenged_has_no_bound_and_is_named() {
    let mut whole = of(&[system("redis", STOCK, &[1.0])]);
    whole.aggregates[0].verdict = SafetyVerdict::NotExercised;
    let found = answer(&whole);
    assert!(found.classes[0].rows[0].ranked());
    assert_eq!(found.limits[0], Limit::NotExercised { systems: vec!["redis".to_owned()] });
}

#[test]
fn at_most_five_findings_the_most_severe_first() {
    let mut whole = of(&[system("redis", STOCK, &[1.0])]);
    let lint = |name: &str, level| LintFinding {
        name: name.to_owned(),
        level,
        backend: None,
        message: name.to_owned(),
        advice: "mend it".to_owned(),
    };
    let warned = ["fsync-off", "a-new-one", "too-few-samples", "history-lost-events", "generator-saturated", "standby"];
    whole.lints = warned.map(|name| lint(name, LintLevel::Warn)).into();
    whole.lints.push(lint("nagle-on", LintLevel::Deny));
    whole.lints.push(lint("loopback", LintLevel::Allow));
    whole.results[0].failures.insert("timed out".to_owned(), 7);
    let found = answer(&whole);
    let told: Vec<(Severity, &str)> = found.findings.iter().map(|one| (one.severity, one.message.as_str())).collect();
    assert_eq!(
        told,
        [
            (Severity::Breach, "nagle-on"),
            (Severity::System, "standby"),
            (Severity::System, "7 x timed out"),
            (Severity::System, "a-new-one"),
            (Severity::Tool, "history-lost-events"),
        ]
    );
    assert_eq!((found.findings.len(), found.more_findings), (MOST_FINDINGS, 3));
}
