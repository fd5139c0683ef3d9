//! The oracle on histories written by hand: one rule each, at its very edge, and
//! histories with holes, as lost events leave them.

use super::{DoubleGrantKind, Findings, Oracle};
use crate::record::{Denial, Event, Observer, ReleaseKind, RenewalOutcome, What, WitnessReading};

const INVOKE: What = What::Invoke { due: 0 };

fn acquired(token: u64, validity: u64) -> What {
    What::Acquired { token: Some(token), validity, requests: 1, waited: None, wakeups: 0 }
}

fn release(occupancy: u32) -> What {
    What::ReleaseInvoke { enter: 0, exit: 0, seen: WitnessReading { occupancy, ..WitnessReading::default() }, asked: 0 }
}

fn released(release: ReleaseKind) -> What {
    What::Released { release, surely_ended: 1_000, requests: 1 }
}

fn renewed(invoke: u64, validity: u64) -> What {
    What::Renewed { invoke, outcome: RenewalOutcome::Confirmed, validity }
}

fn oracle(events: &[(u64, u32, What)]) -> Oracle {
    let mut oracle = Oracle::new(4, 1, 0);
    for (t, client, what) in events {
        oracle.observe(&Event { t: *t, client: *client, attempt: 0, key: 0, what: *what });
    }
    oracle
}

fn found(events: &[(u64, u32, What)]) -> Findings {
    oracle(events).finish()
}

/// Client 0 holds 10..50 believing until `validity`; client 1 is granted at 30.
fn challenged_at_30(validity: u64, meanwhile: &[(u64, u32, What)]) -> Findings {
    let mut events = vec![(5, 0, INVOKE), (10, 0, acquired(1, validity)), (11, 1, INVOKE)];
    events.extend_from_slice(meanwhile);
    events.extend([
        (30, 1, acquired(2, 900)),
        (50, 0, release(1)),
        (51, 0, released(ReleaseKind::NotOwner)),
        (60, 1, release(2)),
        (61, 1, released(ReleaseKind::Confirmed)),
    ]);
    found(&events)
}

#[test]
fn inside_means_that_the_validity_had_not_ended() {
    for (validity, inside, outside) in [(u64::MAX, 1, 0), (31, 1, 0), (30, 0, 1), (9, 0, 1)] {
        let found = challenged_at_30(validity, &[]).judged;
        assert_eq!((found.double_grants, found.inside, found.outside), (1, inside, outside), "validity {validity}");
        assert_eq!((found.deadline, found.evidence), (inside, 0), "validity {validity}");
    }
}

#[test]
fn a_renewal_moves_the_validity_only_while_it_lasts_and_proves_until_its_asking() {
    let found = challenged_at_30(25, &[(25, 0, renewed(24, 90))]).judged;
    assert_eq!((found.inside, found.evidence), (1, 0));
    let found = challenged_at_30(25, &[(26, 0, renewed(24, 90))]).judged;
    assert_eq!((found.inside, found.outside), (0, 1));
    let later = [(30, 1, acquired(2, 900)), (40, 0, renewed(31, 90))];
    let mut events = vec![(5, 0, INVOKE), (10, 0, acquired(1, 80)), (11, 1, INVOKE)];
    events.extend(later);
    events.extend([(60, 1, release(2)), (61, 1, released(ReleaseKind::Confirmed))]);
    assert_eq!(found_evidence(&events), 1);
}

fn found_evidence(events: &[(u64, u32, What)]) -> u64 {
    found(events).judged.evidence
}

#[test]
fn a_lock_that_was_taken_back_early_is_withdrawn_whether_its_holder_learns_it_before_or_after_the_other_grant() {
    let told_late = |at, validity| {
        found(&[
            (5, 0, INVOKE),
            (10, 0, acquired(1, validity)),
            (11, 1, INVOKE),
            (30, 1, acquired(2, 900)),
            (49, 0, What::Lost { at }),
            (50, 0, release(1)),
            (51, 0, released(ReleaseKind::NotOwner)),
            (60, 1, release(2)),
            (61, 1, released(ReleaseKind::Confirmed)),
        ])
    };
    for at in [12, 29, 30, 31, 48] {
        for validity in [u64::MAX, 31] {
            let found = told_late(at, validity);
            let counts = found.judged;
            assert_eq!((counts.inside, counts.withdrawn, counts.outside), (0, 1, 0), "lost at {at}, until {validity}");
            // A careful client stops at the signal: the deadline policy cuts there.
            assert_eq!(counts.deadline, u64::from(at > 30), "lost at {at}");
            let earlier = found.double_grants[0].earlier;
            assert_eq!((earlier.lost_ns, earlier.validity_ns), (Some(at), (validity != u64::MAX).then_some(validity)));
        }
    }
    // The promise had lawfully ended: no signal makes it the service's doing.
    let over = told_late(12, 30).judged;
    assert_eq!((over.inside, over.withdrawn, over.outside), (0, 0, 1));
}

#[test]
fn a_broken_promise_outweighs_a_withdrawn_one_and_that_an_overstayed_lease() {
    // Three holders when client 3 comes at 40: by 0 overstayed, by 1 withdrawn, by 2 inside.
    let kinds = |lost: &[(u64, u32, What)], two: u64| {
        let mut events = vec![(1, 0, INVOKE), (1, 1, INVOKE), (1, 2, INVOKE), (1, 3, INVOKE)];
        events.extend([(10, 0, acquired(1, 11)), (20, 1, acquired(2, 90)), (30, 2, acquired(3, two))]);
        events.push((40, 3, acquired(4, 90)));
        events.extend_from_slice(lost);
        for client in 0..4 {
            events.extend([(60, client, release(4)), (61, client, released(ReleaseKind::NotOwner))]);
        }
        events.sort_by_key(|event| event.0);
        let last = found(&events).double_grants[2];
        (last.kind, last.earlier.client, last.later.client)
    };
    let lost = [(50, 1, What::Lost { at: 45 })];
    assert_eq!(kinds(&lost, 90), (DoubleGrantKind::Inside, 2, 3));
    assert_eq!(kinds(&lost, 31), (DoubleGrantKind::Withdrawn, 1, 3));
    assert_eq!(
        kinds(&[(50, 1, What::Lost { at: 45 }), (50, 2, What::Lost { at: 41 })], 90).0,
        DoubleGrantKind::Withdrawn
    );
}

#[test]
fn what_the_server_confirmed_to_both_is_admitted_whatever_its_kind() {
    let with = |validity, lost: bool, answer, stall: bool| {
        let mut events =
            vec![(5, 0, INVOKE), (10, 0, acquired(1, validity)), (11, 1, INVOKE), (30, 1, acquired(2, 900))];
        if lost {
            events.push((45, 0, What::Lost { at: 45 }));
        }
        if stall {
            events.push((46, Event::NOBODY, What::SelfStall { from: 15 }));
        }
        events.extend([(50, 0, release(1)), (51, 0, released(answer))]);
        events.extend([(60, 1, release(2)), (61, 1, released(ReleaseKind::Confirmed))]);
        let found = found(&events);
        (found.double_grants[0].admitted, found.judged, found.exclusion)
    };
    let (admitted, counts, of_them) = with(20, false, ReleaseKind::Confirmed, true);
    assert!(admitted);
    assert_eq!((counts.outside, of_them.outside_admitted, counts.evidence), (1, 1, 1));
    assert_eq!(of_them.outside_stalled, 0, "a stall of ours explains nothing that the server admits");
    let (admitted, counts, of_them) = with(20, false, ReleaseKind::NotOwner, true);
    assert!(!admitted);
    assert_eq!((of_them.outside_admitted, counts.evidence, of_them.outside_stalled), (0, 0, 1));
    let (admitted, counts, of_them) = with(90, true, ReleaseKind::Confirmed, false);
    assert!(admitted);
    assert_eq!((counts.withdrawn, of_them.withdrawn_admitted, of_them.outside_admitted), (1, 1, 0));
}

#[test]
fn an_overlap_is_counted_once_a_grant_not_once_a_pair() {
    let mut events = Vec::new();
    for client in 0..4 {
        events.extend([(10, client, INVOKE), (20 + u64::from(client), client, acquired(u64::from(client) + 1, 900))]);
    }
    events.sort_by_key(|event| event.0);
    for client in 0..4 {
        events.extend([(50, client, release(1)), (50, client, released(ReleaseKind::Confirmed))]);
    }
    assert_eq!(found(&events).judged.double_grants, 3);
}

#[test]
fn holds_that_meet_in_one_instant_are_neither_a_double_grant_nor_a_bug_of_ours() {
    let meeting_at = |end| {
        found(&[
            (5, 0, INVOKE),
            (6, 1, INVOKE),
            (10, 0, acquired(1, 900)),
            (30, 1, acquired(2, 900)),
            (end, 0, release(1)),
            (end, 0, released(ReleaseKind::Confirmed)),
            (60, 1, release(2)),
            (61, 1, released(ReleaseKind::Confirmed)),
        ])
    };
    assert_eq!((meeting_at(30).judged.double_grants, meeting_at(30).contradiction), (0, None));
    assert_eq!((meeting_at(31).judged.double_grants, meeting_at(31).contradiction), (1, None));
    let apart = found(&[
        (5, 0, INVOKE),
        (10, 0, acquired(1, 900)),
        (20, 0, release(1)),
        (21, 0, released(ReleaseKind::Confirmed)),
        (22, 1, INVOKE),
        (30, 1, acquired(2, 900)),
        (60, 1, release(2)),
    ]);
    assert_eq!(apart.contradiction, Some(0));
}

#[test]
fn a_release_unknown_is_uncertain_from_its_invoke_and_one_not_served_is_not() {
    let with = |kind| {
        found(&[
            (5, 0, INVOKE),
            (10, 0, acquired(1, 900)),
            (20, 0, release(1)),
            (30, 0, released(kind)),
            (31, 1, INVOKE),
            (40, 1, acquired(2, 900)),
            (50, 1, release(1)),
            (51, 1, released(ReleaseKind::Confirmed)),
        ])
    };
    for (kind, possible) in [(ReleaseKind::Unknown, 1), (ReleaseKind::Unavailable, 0), (ReleaseKind::NotOwner, 0)] {
        assert_eq!((with(kind).judged.overlaps_possible, with(kind).judged.double_grants), (possible, 0));
    }
}

#[test]
fn a_hold_whose_end_was_lost_lasts_to_the_last_event_inside_of_it_and_blocks_nobody() {
    // Client 0's release is lost; others then hold in turn, two of them at once.
    let found = found(&[
        (5, 0, INVOKE),
        (10, 0, acquired(1, 900)),
        (15, 0, renewed(14, 900)),
        (20, 1, INVOKE),
        (21, 1, acquired(2, 900)),
        (30, 1, release(1)),
        (31, 1, released(ReleaseKind::Confirmed)),
        (40, 0, INVOKE),
        (41, 0, acquired(3, 900)),
        (42, 2, INVOKE),
        (45, 2, acquired(4, 900)),
        (50, 2, release(2)),
        (51, 2, released(ReleaseKind::Confirmed)),
        (52, 0, released(ReleaseKind::Confirmed)),
        (60, 3, INVOKE),
        (61, 3, acquired(5, 900)),
        (62, 3, release(1)),
        (63, 3, released(ReleaseKind::Confirmed)),
    ]);
    // Not even client 2's: without a `release_invoke` client 0 was surely inside only at 41.
    assert_eq!(found.judged.double_grants, 0);
}

#[test]
fn memory_does_not_grow_with_attempts_whose_end_was_lost_or_is_unknown() {
    let mut oracle = oracle(&[]);
    let mut see = |t: u64, client: u32, what: What| oracle.observe(&Event { t, client, attempt: 0, key: 0, what });
    for round in 0..10_000_u64 {
        let t = 100 * round;
        see(t, 0, INVOKE);
        see(t + 1, 0, acquired(round + 1, t + 50));
        let unknown = |surely_ended| What::Denied { denial: Denial::Unknown, surely_ended, requests: 1, wakeups: 0 };
        for (client, surely_ended) in [(1, u64::MAX), (2, t + 500), (3, t + 1)] {
            see(t + 2, client, INVOKE);
            see(t + 3, client, unknown(surely_ended));
        }
    }
    let (holds, possible, uncertain) = oracle.remembered(0);
    assert!(holds < 10 && possible < 20 && uncertain < 20, "{holds} {possible} {uncertain}");
}

#[test]
fn an_alarm_tells_when_the_double_grant_began_not_when_it_was_found() {
    let events = [
        (5, 0, INVOKE),
        (10, 0, acquired(1, 900)),
        (11, 1, INVOKE),
        (30, 1, acquired(2, 900)),
        (40, 1, release(2)),
        (41, 1, released(ReleaseKind::Confirmed)),
        (50, 0, release(1)),
    ];
    assert_eq!(oracle(&events).violations().get().count, 0);
    let mut all = events.to_vec();
    all.push((51, 0, released(ReleaseKind::Confirmed)));
    let alarm = oracle(&all).violations().get();
    assert_eq!((alarm.count, alarm.at), (1, 30));
    all.extend([(60, 2, INVOKE), (70, 2, acquired(2, 900))]);
    let alarm = oracle(&all).violations().get();
    assert_eq!((alarm.count, alarm.at), (2, 70));
}

#[test]
fn a_lost_signal_after_the_lease_s_end_changes_nothing() {
    let found = challenged_at_30(20, &[(12, 0, What::Lost { at: 45 })]).judged;
    assert_eq!((found.inside, found.outside), (0, 1));
}

#[test]
fn a_renewal_proves_nothing_after_its_asking() {
    // Asked at 28, answered at 32; client 1 was granted at 30.
    let found = found(&[
        (5, 0, INVOKE),
        (10, 0, acquired(1, 900)),
        (11, 1, INVOKE),
        (30, 1, acquired(2, 900)),
        (32, 0, renewed(28, 900)),
        (50, 0, release(1)),
        (51, 0, released(ReleaseKind::NotOwner)),
        (60, 1, release(2)),
        (61, 1, released(ReleaseKind::Confirmed)),
    ]);
    assert_eq!((found.judged.inside, found.judged.evidence), (1, 0));
}

#[test]
fn an_inside_grant_is_told_with_the_holder_whose_promise_was_broken() {
    let found = found(&[
        (1, 0, INVOKE),
        (2, 1, INVOKE),
        (3, 2, INVOKE),
        (10, 0, acquired(1, 20)),
        (30, 1, acquired(2, 90)),
        (40, 2, acquired(3, 90)),
        (60, 1, release(2)),
        (60, 2, release(3)),
        (61, 1, released(ReleaseKind::Confirmed)),
        (61, 2, released(ReleaseKind::Confirmed)),
        (100, 0, release(1)),
        (101, 0, released(ReleaseKind::NotOwner)),
    ]);
    let told: Vec<_> = found.double_grants.iter().map(|d| (d.kind, d.earlier.client, d.later.client)).collect();
    assert_eq!(told, [(DoubleGrantKind::Outside, 0, 1), (DoubleGrantKind::Inside, 1, 2)]);
}

#[test]
fn the_first_hundred_are_kept_and_all_are_counted_by_their_second() {
    let second = 1_000_000_000;
    let mut oracle = Oracle::new(2, 1, second);
    let mut see = |t: u64, client: u32, what: What| oracle.observe(&Event { t, client, attempt: 0, key: 0, what });
    see(second, 0, INVOKE);
    see(second, 0, acquired(1, u64::MAX));
    for i in 0..150_u64 {
        let t = second + 1 + i * second / 50;
        see(t, 1, INVOKE);
        see(t + 1, 1, acquired(i + 2, u64::MAX));
        see(t + 2, 1, release(2));
        see(t + 3, 1, released(ReleaseKind::Confirmed));
    }
    see(9 * second, 0, release(1));
    see(9 * second, 0, released(ReleaseKind::Confirmed));
    let found = oracle.finish();
    assert_eq!((found.judged.double_grants, found.double_grants.len()), (150, 100));
    assert_eq!(found.per_second, [50, 50, 50]);
}

#[test]
fn a_stall_excuses_the_outside_grant_that_it_lies_before_and_no_other() {
    let stalled = |from, to, validity| {
        let stall = (to, Event::NOBODY, What::SelfStall { from });
        let mut events = vec![(5, 0, INVOKE), (10, 0, acquired(1, validity)), (11, 1, INVOKE)];
        events.push((30, 1, acquired(2, 900)));
        events.extend([(50, 0, release(1)), (51, 0, released(ReleaseKind::NotOwner))]);
        events.extend([(60, 1, release(2)), (61, 1, released(ReleaseKind::Confirmed)), stall]);
        events.sort_by_key(|event| event.0);
        found(&events).exclusion.outside_stalled
    };
    assert_eq!(stalled(15, 29, 20), 1);
    assert_eq!(stalled(29, 70, 20), 1);
    assert_eq!((stalled(30, 70, 20), stalled(1, 10, 20)), (0, 0));
    // An inside grant has no excuse.
    assert_eq!(stalled(15, 29, 900), 0);
}

#[test]
fn equal_tokens_are_a_regression_also_when_one_was_asked_for_as_the_other_was_granted() {
    let found = found(&[
        (5, 0, INVOKE),
        (30, 0, acquired(7, 900)),
        (30, 0, release(1)),
        (30, 0, released(ReleaseKind::Confirmed)),
        (30, 1, INVOKE),
        (30, 2, INVOKE),
        (31, 1, acquired(8, 900)),
        (32, 2, acquired(7, 900)),
    ]);
    assert_eq!((found.judged.token_regressions, found.judged.token_inversions), (1, 0));
}

#[test]
fn tokens_granted_in_the_instant_of_asking_are_not_before_it() {
    let found = found(&[
        (5, 0, INVOKE),
        (5, 1, INVOKE),
        (30, 0, acquired(7, 900)),
        (30, 1, acquired(8, 900)),
        (30, 2, INVOKE),
        (32, 2, acquired(6, 900)),
    ]);
    assert_eq!((found.judged.token_regressions, found.judged.token_inversions), (0, 1));
}

#[test]
fn an_uncertain_hold_is_kept_as_long_as_an_open_attempt_can_reach_it() {
    let unknown = |surely_ended| What::Denied { denial: Denial::Unknown, surely_ended, requests: 1, wakeups: 0 };
    let events = [
        (5, 0, INVOKE),
        (6, 0, unknown(31)),
        (30, 1, INVOKE),
        (30, 2, INVOKE),
        (30, 1, acquired(1, 900)),
        (30, 2, acquired(2, 900)),
    ];
    assert_eq!(found(&events).judged.overlaps_possible, 2);
    let mut also = events.to_vec();
    also.splice(4..4, [(30, 3, INVOKE), (30, 3, unknown(40))]);
    assert_eq!(found(&also).judged.overlaps_possible, 2);
}
