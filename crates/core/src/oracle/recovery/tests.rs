//! Gaps and stuck keys on histories written by hand.

use super::Recovered;
use crate::oracle::Oracle;
use crate::record::{Denial, Disturbance, Event, Observer, ReleaseKind, Seen, SeenHolder, What, WitnessReading};

type Line = (u64, u32, What);

const INVOKE: What = What::Invoke { due: 0 };
const GRANTED: What = What::Acquired { token: None, validity: u64::MAX, requests: 1, waited: None, wakeups: 0 };
const NOBODY: u32 = Event::NOBODY;

fn leave(t: u64, client: u32, release: ReleaseKind) -> [Line; 2] {
    let seen = WitnessReading { occupancy: 1, ..WitnessReading::default() };
    [
        (t, client, What::ReleaseInvoke { enter: 0, exit: 0, seen, asked: 0 }),
        (t + 1, client, What::Released { release, surely_ended: 0, requests: 1 }),
    ]
}

/// A cycle of a client: asked at `t`, granted at once, released two later.
fn cycle(t: u64, client: u32) -> Vec<Line> {
    [&[(t, client, INVOKE), (t, client, GRANTED)][..], &leave(t + 2, client, ReleaseKind::Confirmed)].concat()
}

fn seen(t: u64, node: u16, holder: SeenHolder) -> Line {
    let seen = Seen { node, left_ms: Seen::NO_LEASE, holder, token: Seen::NO_TOKEN, before: t };
    (t, NOBODY, What::Seen(seen))
}

fn fault(from: u64, to: u64) -> [Line; 2] {
    let of = Disturbance { fault: 0, node: 3 };
    [(from, NOBODY, What::FaultInjected(of)), (to, NOBODY, What::FaultHealed { of, from, bit: true })]
}

fn recovered(parts: &[&[Line]]) -> Recovered {
    let mut events = parts.concat();
    events.sort_by_key(|event| event.0);
    let mut oracle = Oracle::new(4, 1, 0);
    for (t, client, what) in events {
        oracle.observe(&Event { t, client, attempt: 0, key: 0, what });
    }
    oracle.finish().recovered
}

#[test]
fn a_gap_is_the_longest_time_without_a_grant_around_a_fault() {
    let found = recovered(&[&cycle(10, 0), &cycle(20, 1), &fault(24, 40), &cycle(65, 0), &cycle(300, 1)]);
    let gap = found.gaps[0];
    assert_eq!((gap.node, gap.from_ns, gap.gap_ns, gap.at_least, found.gaps.len()), (3, 24, 45, false, 1));
    // Grants go on in it.
    let found = recovered(&[&cycle(10, 0), &fault(14, 40), &cycle(20, 1), &cycle(35, 0), &cycle(45, 1)]);
    assert_eq!((found.gaps[0].gap_ns, found.gaps[0].at_least), (15, false));
    // None comes any more.
    let found = recovered(&[&cycle(10, 0), &fault(14, 40), &[(90, 1, INVOKE)]]);
    assert_eq!((found.gaps[0].gap_ns, found.gaps[0].at_least), (80, true));
    assert_eq!(recovered(&[&cycle(10, 0), &cycle(90, 1)]), Recovered::default());
}

#[test]
fn a_key_is_stuck_from_its_holders_death_to_the_next_grant() {
    let died = (20, 0, What::Died { surely_ended: u64::MAX, challenged: None });
    let start = [(5, 0, INVOKE), (10, 0, GRANTED), (11, 1, INVOKE)];
    let found = recovered(&[&start, &[died, (80, 1, GRANTED)]]);
    let one = found.stuck.unwrap();
    assert_eq!((one.client, one.from_ns, one.free_ns, one.to_ns, one.at_least), (Some(0), 20, None, 80, false));
    // The server tells when it noticed.
    let told = [seen(12, 0, SeenHolder::Client(0)), seen(70, 0, SeenHolder::Free)];
    let found = recovered(&[&start, &told, &[died, (80, 1, GRANTED)]]);
    assert_eq!(found.stuck.unwrap().free_ns, Some(70));
    // No other client is granted it any more.
    let found = recovered(&[&start, &[died, (90, 1, What::Died { surely_ended: 0, challenged: None })]]);
    let one = found.stuck.unwrap();
    assert_eq!((found.left_behind, one.at_least, one.to_ns), (1, true, 90));
    // Nobody asks for it until 60.
    let found = recovered(&[&start[..2], &[died, (60, 1, INVOKE), (80, 1, GRANTED)]]);
    assert_eq!(found.stuck.map(|one| (one.from_ns, one.to_ns)), Some((60, 80)));
    // It was killed at 20, which is noted later than another is granted it.
    let killed = (85, 0, What::Killed { at: 20, surely_ended: 99 });
    let found = recovered(&[&start, &[killed, (90, 1, GRANTED)]]);
    assert_eq!(found.stuck.map(|one| (one.from_ns, one.to_ns)), Some((20, 90)));
    assert_eq!(recovered(&[&start, &[(80, 1, GRANTED), killed]]).stuck, None);
}

#[test]
fn of_several_servers_fewer_than_a_majority_must_have_it_left() {
    let start = [(5, 0, INVOKE), (10, 0, GRANTED), (11, 1, INVOKE)];
    let nodes: Vec<Line> = (0..3).map(|node| seen(12, node, SeenHolder::Client(0))).collect();
    let end = leave(20, 0, ReleaseKind::Unknown);
    let told = [seen(30, 0, SeenHolder::Free), seen(32, 1, SeenHolder::Away), seen(40, 1, SeenHolder::Free)];
    let found = recovered(&[&start, &nodes, &end, &told, &[(80, 1, GRANTED)]]);
    assert_eq!(found.stuck.map(|one| (one.from_ns, one.free_ns, one.to_ns)), Some((20, Some(40), 80)));
}

#[test]
fn a_key_that_another_holds_is_not_stuck() {
    let start = [(5, 0, INVOKE), (10, 0, GRANTED), (11, 1, INVOKE), (15, 1, GRANTED)];
    let found = recovered(&[&start, &leave(20, 0, ReleaseKind::Unknown), &leave(30, 1, ReleaseKind::Confirmed)]);
    assert_eq!(found.left_behind, 0);
    // Nor one whose release was confirmed, or refused.
    let found = recovered(&[&start[..2], &leave(20, 0, ReleaseKind::NotOwner), &cycle(90, 1)]);
    assert_eq!(found.left_behind, 0);
}

#[test]
fn a_key_that_a_server_still_has_for_someone_after_an_answered_release_was_left_behind() {
    let start = [(5, 0, INVOKE), (10, 0, GRANTED), seen(12, 0, SeenHolder::Stranger)];
    let asks = [(30, 0, INVOKE)];
    for release in [ReleaseKind::NotOwner, ReleaseKind::Confirmed] {
        let released = leave(20, 0, release);
        let found = recovered(&[&start, &released, &asks, &[seen(40, 0, SeenHolder::Stranger), (80, 0, GRANTED)]]);
        let one = found.stuck.unwrap();
        assert_eq!((found.left_behind, one.client, one.from_ns, one.to_ns), (1, Some(0), 30, 80));
        assert_eq!((one.free_ns, one.at_least), (None, false));
        // It is free later, and nobody is granted it any more.
        let later = [seen(40, 0, SeenHolder::Stranger), seen(60, 0, SeenHolder::Free), seen(90, 0, SeenHolder::Free)];
        let one = recovered(&[&start, &released, &asks, &later]).stuck.unwrap();
        assert_eq!((one.from_ns, one.free_ns, one.to_ns, one.at_least), (30, Some(60), 90, true));
        // A client that is granted it may not know that yet, and what was asked before the release proves nothing.
        let early =
            Seen { node: 0, left_ms: Seen::NO_LEASE, holder: SeenHolder::Stranger, token: Seen::NO_TOKEN, before: 19 };
        for said in [What::Seen(early), seen(40, 0, SeenHolder::Client(0)).2, seen(40, 0, SeenHolder::Free).2] {
            let found = recovered(&[&start, &released, &asks, &[(40, NOBODY, said), (80, 0, GRANTED)]]);
            assert_eq!((found.left_behind, found.stuck), (0, None));
        }
        // It was free after the release: who has it now came later.
        let free = seen(25, 0, SeenHolder::Free);
        let early =
            Seen { node: 0, left_ms: Seen::NO_LEASE, holder: SeenHolder::Stranger, token: Seen::NO_TOKEN, before: 25 };
        let found = recovered(&[&start, &released, &asks, &[free, (40, NOBODY, What::Seen(early)), (80, 0, GRANTED)]]);
        assert_eq!((found.left_behind, found.stuck), (0, None));
        // Nor does one of three servers prove it.
        let nodes: Vec<Line> = (1..3).map(|node| seen(13, node, SeenHolder::Stranger)).collect();
        let said = [seen(40, 1, SeenHolder::Stranger), (80, 0, GRANTED)];
        assert_eq!(recovered(&[&start, &nodes, &released, &asks, &said]).left_behind, 0);
    }
}

#[test]
fn a_server_that_knows_no_client_by_name_may_have_the_key_for_the_one_who_left_it() {
    let died = (20, 0, What::Died { surely_ended: u64::MAX, challenged: None });
    let start = [(5, 0, INVOKE), (10, 0, GRANTED), seen(12, 0, SeenHolder::Stranger), died, (30, 1, INVOKE)];
    let later = [seen(40, 0, SeenHolder::Stranger), seen(60, 0, SeenHolder::Free), (80, 1, GRANTED)];
    assert_eq!(recovered(&[&start, &later]).stuck.map(|one| one.free_ns), Some(Some(60)));
    // One that told the client's name, and then another's that is none of ours, has it for that other.
    let known = [(5, 0, INVOKE), (10, 0, GRANTED), seen(12, 0, SeenHolder::Client(0)), died, (30, 1, INVOKE)];
    assert_eq!(recovered(&[&known, &later]).stuck.map(|one| one.free_ns), Some(Some(40)));
}

#[test]
fn a_key_that_a_fault_keeps_from_those_who_ask_is_stuck_though_nobody_left_it_behind() {
    let disturbed = fault(3, 50);
    let found = recovered(&[&cycle(1, 0), &disturbed, &cycle(84, 1), &[(6, 1, INVOKE)]]);
    assert_eq!(found.stuck.map(|one| (one.client, one.from_ns, one.to_ns)), Some((None, 6, 84)));
    // A wait that no grant ends lasts at least until the last one gives up.
    let denied = |t| (t, 1, What::Denied { denial: Denial::TimedOut, surely_ended: 0, requests: 1, wakeups: 0 });
    let asks = [(6, 1, INVOKE), denied(40), (41, 1, INVOKE), denied(90), (200, NOBODY, What::SelfStall { from: 199 })];
    let one = recovered(&[&cycle(1, 0), &disturbed, &asks]).stuck.unwrap();
    assert_eq!((one.from_ns, one.to_ns, one.at_least), (6, 90, true));
    // Without a fault that is the time that a grant takes.
    assert_eq!(recovered(&[&cycle(1, 0), &asks]).stuck, None);
}
