//! A planted history for every cause, that must get it, and one beside it that must not.

use super::{Attribution, Causes, FactKind, Missing};
use crate::oracle::{Cause, ConditionFold, DoubleGrantKind, Findings, Oracle};
use crate::record::{
    Disturbance, Event, Observer, ReleaseKind, RenewalOutcome, Seen, SeenHolder, What, WitnessReading,
};
use crate::workload::parse;

const MS: u64 = 1_000_000;
const INVOKE: What = What::Invoke { due: 0 };
const NOBODY: u32 = Event::NOBODY;
/// A promise far beyond every history here.
const LONG: u64 = 900;

type Line = (u64, u32, What);

fn acquired(token: Option<u64>, validity: u64) -> What {
    let validity = if validity == u64::MAX { validity } else { validity * MS };
    What::Acquired { token, validity, requests: 1, waited: None, wakeups: 0 }
}

fn release() -> What {
    What::ReleaseInvoke {
        enter: 0,
        exit: 0,
        seen: WitnessReading { occupancy: 2, ..WitnessReading::default() },
        asked: 0,
    }
}

fn released(release: ReleaseKind) -> What {
    What::Released { release, surely_ended: 1_000 * MS, requests: 1 }
}

/// An answer at `t` that the node has `holder`, of which it was as before at `before`, and what the lease before
/// it had left.
fn seen(t: u64, node: u16, holder: SeenHolder, before: u64, left_ms: Option<u32>) -> Line {
    let left_ms = left_ms.unwrap_or(Seen::NO_LEASE);
    (t, NOBODY, What::Seen(Seen { node, left_ms, holder, token: Seen::NO_TOKEN, before: before * MS }))
}

/// The answer names the token of the grant, which is the same one as long as the token is.
fn of_grant(token: u64, line: Line) -> Line {
    match line.2 {
        What::Seen(seen) => (line.0, line.1, What::Seen(Seen { token, ..seen })),
        _ => line,
    }
}

const FIRST: SeenHolder = SeenHolder::Client(0);
const SECOND: SeenHolder = SeenHolder::Client(1);

fn found(events: Vec<Line>) -> Findings {
    found_by(Oracle::new(4, 1, 0), events)
}

fn found_by(mut oracle: Oracle, mut events: Vec<Line>) -> Findings {
    events.sort_by_key(|event| event.0);
    for (t, client, what) in events {
        oracle.observe(&Event { t: t * MS, client, attempt: 0, key: 0, what });
    }
    let found = oracle.finish();
    assert_eq!(found.causes.all(), found.judged.double_grants, "each has one cause");
    assert_eq!(found.attributions.len(), found.double_grants.len());
    for (double, attribution) in found.double_grants.iter().zip(&found.attributions) {
        assert!(attribution.cause.goes_with(double.kind), "{double:?} {attribution:?}");
        let told = attribution.cause != Cause::Undetermined;
        assert_eq!(attribution.missing.is_none(), told, "{attribution:?}");
    }
    found
}

/// Client 0 holds from 10 to 50 and is promised the key until `promise`; client 1 asks at 11, is granted at 30 and
/// holds to 60.
fn pair(promise: u64, later: What) -> Vec<Line> {
    vec![
        (5, 0, INVOKE),
        (10, 0, acquired(Some(1), promise)),
        (11, 1, INVOKE),
        (30, 1, later),
        (50, 0, release()),
        (51, 0, released(ReleaseKind::NotOwner)),
        (60, 1, release()),
        (61, 1, released(ReleaseKind::Confirmed)),
    ]
}

fn inside(more: &[Line]) -> Attribution {
    let mut events = pair(LONG, acquired(Some(2), LONG));
    events.extend_from_slice(more);
    of_first(found(events))
}

fn of_first(found: Findings) -> Attribution {
    let one = found.double_grants.iter().position(|double| (double.earlier.client, double.later.client) == (0, 1));
    found.attributions[one.unwrap()].clone()
}

/// The server has client 0's lock until 22, and nobody's at 25; then client 1's.
fn lost(left_ms: Option<u32>) -> Vec<Line> {
    vec![seen(12, 0, FIRST, 12, None), seen(25, 0, SeenHolder::Free, 22, left_ms), seen(31, 0, SECOND, 28, None)]
}

/// Client 2 was granted the key before client 0, overstayed, and its release at 23 was answered so.
fn overstayer(answer: ReleaseKind) -> Vec<Line> {
    vec![(1, 2, INVOKE), (2, 2, acquired(Some(0), 9)), (23, 2, release()), (24, 2, released(answer))]
}

#[test]
fn v1_is_a_lock_that_the_server_lost_before_its_lease_was_over() {
    for left in [None, Some(800)] {
        let one = inside(&lost(left));
        assert_eq!((one.cause, one.evidence[0].fact), (Cause::ServerLost, FactKind::Lost));
        let (from, to) = (one.evidence[0].from_ns / MS, one.evidence[0].to_ns / MS);
        assert_eq!((from, to, one.evidence[0].left_ms), (22, 25, left));
    }
    // Until 23 by the server's own word: then the recipe promised more than there was.
    assert_eq!(inside(&lost(Some(1))).cause, Cause::Overstayed);
}

#[test]
fn v1_is_no_lock_that_may_have_been_there_when_another_believed_itself_in() {
    // It was gone at 52, after its client's release; client 1 never had it.
    let told = |gone, third| inside(&[seen(12, 0, FIRST, 12, None), seen(gone, 0, third, 29, Some(800))]).cause;
    assert_eq!(told(52, SeenHolder::Free), Cause::Undetermined);
    assert_eq!((told(30, SeenHolder::Free), told(52, SECOND)), (Cause::ServerLost, Cause::ServerLost));
}

#[test]
fn v1_names_the_silence_of_the_server_and_the_fault_that_was_in_force() {
    let of = Disturbance { fault: 2, node: 0 };
    let one = inside(&[
        seen(12, 0, FIRST, 12, None),
        (20, NOBODY, What::FaultInjected(of)),
        seen(22, 0, SeenHolder::Away, 19, Some(800)),
        (25, NOBODY, What::FaultHealed { of, from: 20 * MS, bit: true }),
        seen(27, 0, SeenHolder::Free, 22, None),
        seen(31, 0, SECOND, 28, None),
    ]);
    let kinds: Vec<FactKind> = one.evidence.iter().map(|fact| fact.fact).collect();
    assert_eq!((one.cause, &kinds[..]), (Cause::ServerLost, &[FactKind::Lost, FactKind::Away, FactKind::Fault][..]));
    assert_eq!((one.evidence[2].fault, one.evidence[2].to_ns / MS), (Some(2), 25));
}

#[test]
fn a_fault_of_a_client_is_told_of_that_client_and_of_no_server() {
    let of = Disturbance { fault: 0, node: 3 };
    let told = |kind: &str| {
        let text = format!("clients = 4\n[[faults]]\nkind = \"{kind}\"\nat = \"1s\"\nfor = \"1s\"\n");
        let (plan, _) = parse("w.toml", &text, &[]).unwrap();
        let oracle = Oracle::new(4, 1, 0).with_conditions(ConditionFold::of(&plan));
        let mut events = pair(20, acquired(Some(2), LONG));
        events.push((15, NOBODY, What::FaultInjected(of)));
        let one = of_first(found_by(oracle, events));
        let fact = *one.evidence.iter().find(|fact| fact.fact == FactKind::Fault).unwrap();
        (fact.client, fact.node)
    };
    assert_eq!((told("client-stall"), told("server-pause")), ((Some(3), None), (None, Some(3))));
}

#[test]
fn v1_is_what_a_majority_lost_and_no_less() {
    let majority = |second_node: &[Line]| {
        let mut events = vec![
            of_grant(1, seen(11, 0, FIRST, 11, None)),
            of_grant(1, seen(11, 1, FIRST, 11, None)),
            seen(11, 2, SeenHolder::Free, 11, None),
            of_grant(1, seen(45, 0, FIRST, 44, None)),
            seen(31, 2, SECOND, 27, None),
        ];
        events.extend_from_slice(second_node);
        inside(&events)
    };
    // The second node restarts empty, so that client 1 gets two of three.
    let one = majority(&[seen(25, 1, SeenHolder::Free, 22, Some(700)), seen(31, 1, SECOND, 28, None)]);
    assert_eq!((one.cause, one.evidence[0].node), (Cause::ServerLost, Some(1)));
    // It does not: client 1 took one of three for enough.
    let one = majority(&[of_grant(1, seen(45, 1, FIRST, 44, None))]);
    assert_eq!((one.cause, one.evidence[0].fact), (Cause::NoGrant, FactKind::NeverHolder));
}

#[test]
fn v2_is_a_lease_that_was_over() {
    let one = of_first(found(pair(20, acquired(Some(2), LONG))));
    assert_eq!((one.cause, one.evidence[0].fact), (Cause::Overstayed, FactKind::PromiseOver));
    // It came after a stop; and not where the lease still ran.
    let stopped = (49, 0, What::Stopped { fault: 0, from: 12 * MS });
    let mut events = pair(20, acquired(Some(2), LONG));
    events.push(stopped);
    let one = of_first(found(events));
    assert_eq!(one.evidence[1].fact, FactKind::Stopped);
    assert_ne!(inside(&[stopped]).cause, Cause::Overstayed);
}

#[test]
fn v2_inside_is_a_renewal_that_was_confirmed_and_never_made() {
    let renewed = |invoke| What::Renewed { invoke: invoke * MS, outcome: RenewalOutcome::Confirmed, validity: 90 * MS };
    let mut events = pair(24, acquired(Some(2), LONG));
    events.push((16, 0, renewed(15)));
    let told =
        [seen(12, 0, FIRST, 12, None), seen(26, 0, SeenHolder::Free, 22, Some(2)), seen(31, 0, SECOND, 28, None)];
    let one = of_first(found([&events[..], &told].concat()));
    assert_eq!(one.cause, Cause::Overstayed);
    // The server had prolonged it, and lost it.
    let told =
        [seen(12, 0, FIRST, 12, None), seen(26, 0, SeenHolder::Free, 22, Some(68)), seen(31, 0, SECOND, 28, None)];
    assert_eq!(of_first(found([&events[..], &told].concat())).cause, Cause::ServerLost);
}

#[test]
fn v3_is_a_grant_that_is_reported_when_its_lease_is_over() {
    let told = |promise| of_first(found(pair(LONG, acquired(Some(2), promise))));
    assert_eq!((told(29).cause, told(30).cause), (Cause::DeadLease, Cause::DeadLease));
    assert_eq!(told(31).cause, Cause::Undetermined);
    // The server had it once, and another when it was reported.
    let mut events = pair(LONG, acquired(Some(2), LONG));
    events[1] = (23, 0, acquired(Some(1), LONG));
    let truth = |had: SeenHolder| {
        let after = [seen(22, 0, FIRST, 15, None), seen(40, 0, FIRST, 38, None)];
        [seen(12, 0, had, 12, None), of_grant(1, after[0]), of_grant(1, after[1])]
    };
    let first = [seen(11, 0, SeenHolder::Free, 11, None)];
    let one = of_first(found([&events[..], &first, &truth(SECOND)].concat()));
    assert_eq!(one.cause, Cause::DeadLease);
    // It was not seen to have had it, and had time for that between two looks.
    let one = of_first(found([&events[..], &first, &truth(SeenHolder::Stranger)].concat()));
    assert_eq!((one.cause, one.missing), (Cause::Undetermined, Some(Missing::BetweenLooks)));
}

#[test]
fn v4_is_the_release_of_another_that_hit_the_lock() {
    let with = |truth: &[Line], answer| inside(&[truth, &overstayer(answer)].concat());
    let one = with(&lost(Some(800)), ReleaseKind::Confirmed);
    let kinds: Vec<FactKind> = one.evidence.iter().map(|fact| fact.fact).collect();
    assert_eq!((one.cause, &kinds[..]), (Cause::ForeignHit, &[FactKind::Lost, FactKind::ForeignRelease][..]));
    assert_eq!(one.evidence[1].client, Some(2));
    // A release that was refused hit nothing.
    assert_eq!(with(&lost(Some(800)), ReleaseKind::NotOwner).cause, Cause::ServerLost);
    // What clients see suffices: the server confirmed a holder whose lease had been over, after another grant.
    assert_eq!(with(&[], ReleaseKind::Confirmed).cause, Cause::ForeignHit);
    assert_eq!(with(&[], ReleaseKind::NotOwner).cause, Cause::Undetermined);
}

#[test]
fn v4_is_the_renewal_of_another_that_hit_the_lock() {
    let renewed =
        |t, client, sent: u64, outcome| (t, client, What::Renewed { invoke: sent * MS, outcome, validity: LONG * MS });
    // Client 2 overstayed, and its renewal set the lease of client 0's lock anew: it was over sooner.
    let with = |left, outcome| {
        let overstayer = [(1, 2, INVOKE), (2, 2, acquired(Some(0), 9)), renewed(21, 2, 20, outcome)];
        inside(&[&lost(left)[..], &overstayer].concat())
    };
    let one = with(Some(1), RenewalOutcome::Confirmed);
    let kinds: Vec<FactKind> = one.evidence.iter().map(|fact| fact.fact).collect();
    assert_eq!((one.cause, &kinds[..]), (Cause::ForeignHit, &[FactKind::Lost, FactKind::ForeignRenewal][..]));
    assert_eq!(one.evidence[1].client, Some(2));
    // One that was refused hit nothing; and a renewal lets no lease go that still runs.
    assert_eq!(with(Some(1), RenewalOutcome::Refused).cause, Cause::Overstayed);
    assert_eq!(with(Some(800), RenewalOutcome::Confirmed).cause, Cause::ServerLost);
    // Client 0 is promised the key again by a renewal at 18 that hit client 2's lock.
    let with = |third: SeenHolder| {
        let mut events = pair(20, acquired(Some(2), LONG));
        events.push(renewed(19, 0, 18, RenewalOutcome::Confirmed));
        events.extend([(13, 2, INVOKE), (15, 2, acquired(Some(1), LONG)), (24, 2, release())]);
        events.push((25, 2, released(ReleaseKind::Confirmed)));
        let before = if third == FIRST { 22 } else { 14 };
        events.extend([
            seen(12, 0, FIRST, 12, None),
            seen(16, 0, third, before, Some(1)),
            seen(23, 0, third, 22, None),
        ]);
        events.extend([seen(26, 0, SeenHolder::Free, 23, Some(1)), seen(31, 0, SECOND, 28, None)]);
        of_first(found(events))
    };
    let one = with(SeenHolder::Client(2));
    assert_eq!((one.cause, one.evidence[1].client), (Cause::ForeignHit, Some(0)));
    // The server had client 0 for the holder: its renewal was its right.
    assert_eq!(with(FIRST).cause, Cause::Overstayed);
}

#[test]
fn v2_tells_of_a_renewal_that_was_confirmed_though_another_had_been_let_in() {
    let told = |outcome| {
        let mut events = pair(20, acquired(Some(2), LONG));
        events.push((41, 0, What::Renewed { invoke: 40 * MS, outcome, validity: LONG * MS }));
        let one = of_first(found(events));
        assert_eq!(one.cause, Cause::Overstayed);
        one.evidence.iter().any(|fact| fact.fact == FactKind::ForeignRenewal)
    };
    assert_eq!((told(RenewalOutcome::Confirmed), told(RenewalOutcome::Refused)), (true, false));
}

#[test]
fn v5_is_one_identity_of_two_clients() {
    let told = |digest| {
        inside(&[(1, NOBODY, What::Identity { of: 0, digest: 7 }), (1, NOBODY, What::Identity { of: 1, digest })])
    };
    assert_eq!(told(7).cause, Cause::SharedIdentity);
    assert_eq!(told(8).cause, Cause::Undetermined);
    assert_eq!(inside(&[(1, NOBODY, What::Identity { of: 0, digest: 7 })]).cause, Cause::Undetermined);
}

#[test]
fn v6_is_a_grant_that_no_server_gave() {
    // Before and after it was reported the server has the same holder.
    let told = |until, token| {
        inside(&[of_grant(token, seen(11, 0, FIRST, 11, None)), of_grant(token, seen(42, 0, FIRST, until, None))])
    };
    let kept = |until| told(until, 1);
    assert_eq!(kept(30).cause, Cause::NoGrant);
    // It may have been another grant of the same client, and one of the other between the two.
    assert_eq!(told(30, Seen::NO_TOKEN).cause, Cause::Undetermined);
    assert_eq!((kept(29).cause, kept(29).missing), (Cause::Undetermined, Some(Missing::BetweenLooks)));
    // Or it bears no token, where grants have one: that of either.
    let without = of_first(found(pair(LONG, acquired(None, u64::MAX))));
    assert_eq!((without.cause, without.evidence[0].client), (Cause::NoGrant, Some(1)));
    let mut events = pair(LONG, acquired(Some(2), LONG));
    events[1].2 = acquired(None, u64::MAX);
    let without = of_first(found(events));
    assert_eq!((without.cause, without.evidence[0].client), (Cause::NoGrant, Some(0)));
}

#[test]
fn v6_is_no_grant_of_which_its_client_heard_late() {
    // Client 1 asks at 11 and hears at 30. The server has another before, and client 0 from 15 at the latest.
    let told = |before: u64, own: u64, after: u64| {
        let mut events = pair(LONG, acquired(Some(own), LONG));
        events[1] = (16, 0, acquired(Some(after), LONG));
        events.extend([
            of_grant(before, seen(10, 0, SeenHolder::Client(2), 10, None)),
            of_grant(after, seen(15, 0, FIRST, 12, None)),
            of_grant(after, seen(42, 0, FIRST, 40, None)),
        ]);
        of_first(found(events)).cause
    };
    // Its grant lies between the two, or the server began to count again.
    assert_eq!((told(3, 4, 5), told(5, 6, 1)), (Cause::Undetermined, Cause::Undetermined));
    // It lies behind both, or before.
    assert_eq!((told(3, 6, 5), told(3, 0, 5)), (Cause::NoGrant, Cause::NoGrant));
}

#[test]
fn v4_is_no_release_of_the_lock_that_was_its_own() {
    let with = |token: u64, sent: u64| {
        let third = [(1, 2, INVOKE), (2, 2, acquired(Some(token), LONG)), (sent, 2, release())];
        inside(&[&lost(Some(800))[..], &third, &[(24, 2, released(ReleaseKind::Confirmed))]].concat()).cause
    };
    assert_eq!(with(0, 23), Cause::ForeignHit);
    // Granted after client 0, of which that one heard late.
    assert_eq!(with(5, 23), Cause::ServerLost);
    // Sent before the server showed client 0's lock: it may have been the release that let client 0 in.
    assert_eq!(with(0, 9), Cause::Undetermined);
}

#[test]
fn what_is_withdrawn_the_server_lost_unless_another_s_release_hit_it() {
    let withdrawn = |more: &[Line]| {
        let mut events = pair(LONG, acquired(Some(2), LONG));
        events.push((26, 0, What::Lost { at: 25 * MS }));
        events.extend_from_slice(more);
        let found = found(events);
        assert!(found.double_grants.iter().any(|double| double.kind == DoubleGrantKind::Withdrawn));
        of_first(found)
    };
    let one = withdrawn(&[]);
    assert_eq!((one.cause, one.evidence[0].fact), (Cause::ServerLost, FactKind::LostSignal));
    assert_eq!(withdrawn(&lost(Some(800))).cause, Cause::ServerLost);
    let hit = [lost(Some(800)), overstayer(ReleaseKind::Confirmed)].concat();
    assert_eq!(withdrawn(&hit).cause, Cause::ForeignHit);
}

#[test]
fn what_would_tell_it_is_named_where_it_is_missing() {
    let missing = |more: &[Line]| inside(more).missing;
    assert_eq!(missing(&[]), Some(Missing::NotAsked));
    assert_eq!(
        missing(&[seen(9, 0, SeenHolder::Free, 9, None), seen(70, 0, SeenHolder::Free, 9, None)]),
        Some(Missing::BetweenLooks)
    );
    let away = [seen(9, 0, SeenHolder::Free, 9, None), seen(12, 0, SeenHolder::Away, 9, None)];
    assert_eq!(missing(&away), Some(Missing::NoAnswer));
    // Of seventeen keys the servers were asked about the first sixteen.
    let mut oracle = Oracle::new(4, 2, 0);
    let looked = seen(1, 0, SeenHolder::Free, 1, None);
    let told = |key| pair(LONG, acquired(Some(2), LONG)).into_iter().map(move |line| (key, line));
    for (key, (t, client, what)) in std::iter::once((0, looked)).chain(told(1)) {
        oracle.observe(&Event { t: t * MS, client, attempt: 0, key, what });
    }
    assert_eq!(oracle.finish().attributions[0].missing, Some(Missing::KeyNotAsked));
}

#[test]
fn tokens_that_begin_again_in_a_fault_tell_that_the_server_forgot() {
    let told = |faults: &[Line]| {
        let mut events = pair(LONG, acquired(Some(1), LONG));
        events.extend_from_slice(faults);
        of_first(found(events)).cause
    };
    let of = Disturbance { fault: 0, node: 0 };
    assert_eq!(told(&[(20, NOBODY, What::FaultInjected(of))]), Cause::ServerLost);
    assert_eq!(told(&[]), Cause::Undetermined);
}

#[test]
fn the_harm_of_the_two_is_told_beside_the_cause() {
    let mut events = pair(20, acquired(Some(2), LONG));
    let seen = WitnessReading { occupancy: 2, lost_update: true, refused_write: true, ..WitnessReading::default() };
    events[4].2 = What::ReleaseInvoke { enter: 0, exit: 0, seen, asked: 0 };
    let one = of_first(found(events));
    assert_eq!((one.updates_lost, one.writes_refused), (1, 1));
}

#[test]
fn causes_are_counted_beyond_those_that_are_kept() {
    let mut events = vec![(1, 0, INVOKE), (2, 0, acquired(Some(1), 3))];
    for i in 0..150_u64 {
        events.extend([(10 + 4 * i, 1, INVOKE), (11 + 4 * i, 1, acquired(Some(i + 2), 5_000))]);
        events.extend([(12 + 4 * i, 1, release()), (13 + 4 * i, 1, released(ReleaseKind::Confirmed))]);
    }
    events.extend([(1_000, 0, release()), (1_001, 0, released(ReleaseKind::NotOwner))]);
    let found = found(events);
    let mut expected = Causes::default();
    (0..150).for_each(|_| expected.add(Cause::Overstayed));
    assert_eq!((found.causes, found.attributions.len()), (expected, 100));
}

#[test]
fn the_lock_of_an_earlier_hold_of_the_same_client_is_not_taken_for_this_one() {
    // Client 0 held it before, and gave it back at 4, which is seen at 8; what the server had of it later is not seen.
    let before = [seen(1, 0, FIRST, 1, None), seen(8, 0, SeenHolder::Free, 3, None), seen(31, 0, SECOND, 8, None)];
    let one = inside(&before);
    assert_eq!((one.cause, one.missing), (Cause::Undetermined, Some(Missing::BetweenLooks)));
}

#[test]
fn a_holder_is_blind_from_the_loss_on_the_servers_until_it_is_told() {
    let blind = |more: &[Line]| {
        let mut events = pair(LONG, acquired(Some(2), LONG));
        events.extend_from_slice(more);
        found(events).blind
    };
    let one = blind(&lost(None));
    assert_eq!((one.looked_at, one.holds, one.longest_ns / MS, one.of), (2, 1, 25, Some((0, 0))));
    // Its session was told at 40.
    let told = [lost(None), vec![(41, 0, What::Lost { at: 40 * MS })]].concat();
    assert_eq!(blind(&told).longest_ns / MS, 15);
    // The server had it to the end.
    let kept = [seen(12, 0, FIRST, 12, None), seen(52, 0, SeenHolder::Free, 49, None)];
    assert_eq!(blind(&kept).holds, 0);
    assert_eq!(blind(&[]).looked_at, 0);
    // One of three lost it: two are enough.
    let three = |second: Line| {
        let held = (0..3).map(|node| seen(12, node, FIRST, 12, None));
        let rest = [seen(25, 0, SeenHolder::Free, 22, None), second, seen(53, 2, SeenHolder::Free, 52, None)];
        blind(&held.chain(rest).collect::<Vec<_>>())
    };
    assert_eq!(three(seen(53, 1, SeenHolder::Free, 52, None)).holds, 0);
    assert_eq!(three(seen(35, 1, SeenHolder::Free, 31, None)).longest_ns / MS, 15);
}

/// Events of a sound lock with 64 clients that wait in a queue, or of one that grants all at once.
fn load(holds: u64, sound: bool) -> Vec<Event> {
    let mut events = Vec::with_capacity(4 * holds as usize);
    let mut push = |t: u64, client: u32, what| events.push(Event { t, client, attempt: 0, key: 0, what });
    for n in 0..holds {
        let (client, start) = ((n % 64) as u32, (n + 64) * 1_000);
        push(if sound { start - 63_900 } else { start - 100 }, client, INVOKE);
        let hold = if sound { 800 } else { 60_000 };
        push(
            start,
            client,
            What::Acquired { token: Some(n), validity: u64::MAX, requests: 1, waited: None, wakeups: 0 },
        );
        push(start + hold, client, release());
        push(start + hold + 100, client, released(ReleaseKind::Confirmed));
    }
    events.sort_by_key(|event| event.t);
    events
}

/// Prints how long a million holds take. Meant for a release build:
/// `cargo test --release -- --ignored --nocapture a_million_holds`.
#[test]
#[ignore = "tells a time"]
fn a_million_holds_are_judged_in_this_time() {
    for sound in [true, false] {
        let events = load(1_000_000, sound);
        let begin = std::time::Instant::now();
        let mut oracle = Oracle::new(64, 1, 0);
        events.iter().for_each(|event| oracle.observe(event));
        let found = oracle.finish();
        let doubles = found.judged.double_grants;
        println!("{} holds, {doubles} double grants: {:?}", found.judged.grants, begin.elapsed());
        assert_eq!((found.judged.grants, doubles > 0), (1_000_000, !sound));
    }
}
