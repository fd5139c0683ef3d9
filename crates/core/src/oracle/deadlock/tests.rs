use proptest::prelude::{any, prop_assert_eq, proptest};

use super::{DeadlockFold, Deadlocks, Ending};
use crate::record::{Attempts, Denial, Event, Mode, ReleaseKind, What, WitnessReading};

/// Client, number of the attempt, key, and what happened.
type Told = (u32, u32, u32, What);

fn ask(client: u32, number: u32, key: u32) -> Told {
    let what =
        if number == 1 { What::Invoke { due: 0 } } else { What::InvokeAs { due: 0, first: 1, mode: Mode::Exclusive } };
    (client, number, key, what)
}

fn granted(client: u32, number: u32, key: u32) -> Told {
    (client, number, key, What::Acquired { token: None, validity: u64::MAX, requests: 1, waited: None, wakeups: 0 })
}

fn denied(client: u32, number: u32, key: u32, denial: Denial) -> Told {
    (client, number, key, What::Denied { denial, surely_ended: 0, requests: 1, wakeups: 0 })
}

fn found(told: &[Told]) -> Deadlocks {
    let (mut attempts, mut fold) = (Attempts::default(), DeadlockFold::default());
    let mut end = 0;
    for (t, (client, attempt, key, what)) in (10_u64..).step_by(10).zip(told) {
        let event = Event { t, client: *client, attempt: *attempt, key: *key, what: *what };
        let transition = attempts.observe(&event);
        assert!(transition.misfit.is_none(), "{event:?}: {}", transition.misfit.unwrap());
        fold.follow(&transition);
        end = t;
    }
    fold.finish(end)
}

/// Each of two holds what the other asks for.
fn crossed() -> Vec<Told> {
    vec![ask(0, 1, 0), granted(0, 1, 0), ask(1, 1, 1), granted(1, 1, 1), ask(0, 2, 1), ask(1, 2, 0)]
}

#[test]
fn two_that_want_what_the_other_holds_are_a_deadlock_until_one_gives_up() {
    for (denial, ending) in [
        (Denial::TimedOut, Ending::Timeout),
        (Denial::Aborted, Ending::Policy),
        (Denial::Deadlock, Ending::Server),
        (Denial::Withdrawn, Ending::Other),
    ] {
        let found = found(&[crossed(), vec![denied(1, 2, 0, denial)]].concat());
        assert_eq!((found.found, found.widest, found.longest_ns), (1, 2, 10));
        assert_eq!(found.endings.into_iter().collect::<Vec<_>>(), [(ending, 1)]);
        let deadlock = &found.first[0];
        let circle: Vec<_> = deadlock.circle.iter().map(|waits| (waits.client, waits.key, waits.since_ns)).collect();
        assert_eq!(circle, [(1, 0, 60), (0, 1, 50)]);
        let words = "client 1 waits for key 0, held by client 0, which waits for key 1, held by client 1";
        assert_eq!(deadlock.in_words(), words);
        assert_eq!(deadlock.youngest().map(|one| (one.client, one.number)), Some((1, 2)));
        assert_eq!((deadlock.found_ns, deadlock.ended_ns), (60, Some(70)));
    }
}

#[test]
fn who_tries_only_once_waits_for_nobody() {
    assert_eq!(found(&[crossed(), vec![denied(1, 2, 0, Denial::Refused)]].concat()), Deadlocks::default());
}

#[test]
fn a_lease_that_lapses_breaks_it_and_one_that_stands_at_the_end_has_no_ending() {
    let lapsed = found(&[crossed(), vec![granted(1, 2, 0)]].concat());
    assert_eq!(lapsed.endings.into_iter().collect::<Vec<_>>(), [(Ending::Lapse, 1)]);
    let stands = found(&[crossed(), vec![ask(2, 1, 5)]].concat());
    assert_eq!((stands.found, stands.endings.len(), stands.longest_ns, stands.first[0].ended_ns), (1, 0, 10, None));
}

#[test]
fn a_wait_without_a_circle_is_none() {
    // Client 1 waits for what client 0 holds, which waits for nobody that waits for it.
    let chain = [ask(0, 1, 0), granted(0, 1, 0), ask(1, 1, 1), granted(1, 1, 1), ask(1, 2, 0), ask(0, 2, 2)];
    assert_eq!(found(&chain).found, 0);
    // The holder is about to release.
    let seen = WitnessReading::default();
    let leaves = |client, number, key| (client, number, key, What::ReleaseInvoke { enter: 0, exit: 0, seen, asked: 0 });
    let released = What::Released { release: ReleaseKind::Confirmed, surely_ended: 0, requests: 1 };
    let let_go = [
        ask(0, 1, 0),
        granted(0, 1, 0),
        ask(1, 1, 1),
        granted(1, 1, 1),
        ask(1, 2, 0),
        leaves(0, 1, 0),
        (0, 1, 0, released),
        granted(1, 2, 0),
    ];
    assert_eq!(found(&let_go).found, 0);
}

#[test]
fn three_in_a_circle_are_told_in_the_order_of_their_waits() {
    let mut told = Vec::new();
    for client in 0..3 {
        told.extend([ask(client, 1, client), granted(client, 1, client)]);
    }
    told.extend([ask(0, 2, 1), ask(1, 2, 2), ask(2, 2, 0)]);
    let found = found(&told);
    let circle: Vec<_> = found.first[0].circle.iter().map(|waits| (waits.client, waits.key)).collect();
    assert_eq!((found.found, found.widest, circle), (1, 3, vec![(2, 0), (0, 1), (1, 2)]));
}

proptest! {
    /// Against a search of all circles, straight from the definition.
    #[test]
    fn a_circle_is_found_exactly_where_there_is_one(wants in proptest::collection::vec(0_u32..6, 6), order in any::<u64>()) {
        // Client i holds key i, and asks for one other, in some order.
        let mut told = Vec::new();
        for client in 0..6 {
            told.extend([ask(client, 1, client), granted(client, 1, client)]);
        }
        let (mut waits, mut expected) = (std::collections::BTreeMap::new(), 0);
        let start = order % 6;
        for client in (0..6).map(|place| ((place + start) % 6) as u32) {
            let key = wants[client as usize];
            if key == client {
                continue;
            }
            told.push(ask(client, 2, key));
            waits.insert(client, key);
            let (mut at, mut steps) = (client, 0);
            while let Some(next) = waits.get(&at).filter(|_| steps < 7) {
                (at, steps) = (*next, steps + 1);
                if at == client {
                    expected += 1;
                    break;
                }
            }
        }
        prop_assert_eq!(found(&told).found, expected);
    }
}
