//! The causes against a judge that keeps everything and compares all with all, straight from the rules, on random
//! histories.

use proptest::prelude::{Strategy, prop_assert, prop_assert_eq, proptest};
use proptest::test_runner::Config;

use super::party::{Notes, Party, Renewed};
use crate::oracle::brute::{CLIENTS, KEYS, Script, play, scripts};
use crate::oracle::{Cause, DoubleGrant, DoubleGrantKind, Oracle};
use crate::record::attempt::{Attempts, Change, End};
use crate::record::{Disturbance, Event, Observer, ReleaseKind, RenewalOutcome, Seen, SeenHolder, What};

const MS: u64 = 1_000_000;

/// One answer of a server, as it is drawn.
type Look = (u64, u16, u32, u32, Option<u64>, u64, Option<u32>);

fn looks() -> impl Strategy<Value = Vec<Look>> {
    let look = (
        0_u64..5,
        0_u16..3,
        0..KEYS,
        0_u32..7,
        proptest::option::of(1_u64..20),
        0_u64..5,
        proptest::option::of(0_u32..6),
    );
    proptest::collection::vec(look, 0..24)
}

/// The events of both, in order of time.
fn told(
    scripts: &[Vec<Script>],
    looks: &[Look],
    nodes: u16,
    identities: &[u64],
    fault: Option<(u64, u64)>,
) -> Vec<Event> {
    let nobody = |t, key, what| Event { t, client: Event::NOBODY, attempt: 0, key, what };
    let mut events: Vec<Event> = (0_u64..)
        .zip(identities)
        .map(|(of, digest)| nobody(0, 0, What::Identity { of: of as u32, digest: *digest }))
        .collect();
    for (client, script) in (0..).zip(scripts) {
        events.extend(play(client, script).0);
    }
    let mut t = 1;
    for (think, node, key, holder, token, back, left) in looks {
        t += think;
        let holder = match holder {
            0..4 => SeenHolder::Client(*holder),
            4 => SeenHolder::Free,
            5 => SeenHolder::Stranger,
            _ => SeenHolder::Away,
        };
        let (token, left_ms) = (token.unwrap_or(Seen::NO_TOKEN), left.unwrap_or(Seen::NO_LEASE));
        let before = t.saturating_sub(*back) * MS;
        if nodes > 0 {
            events.push(nobody(t, *key, What::Seen(Seen { node: node % nodes, left_ms, holder, token, before })));
        }
    }
    if let Some((from, lasts)) = fault {
        let of = Disturbance { fault: 0, node: 0 };
        events.push(nobody(from, 0, What::FaultInjected(of)));
        events.push(nobody(from + lasts, 0, What::FaultHealed { of, from: from * MS, bit: true }));
    }
    events.sort_by_key(|event| event.t);
    events.iter_mut().for_each(scale);
    events
}

/// What a server tells of leases is in milliseconds.
fn scale(event: &mut Event) {
    let by = |t: &mut u64| *t = t.saturating_mul(MS);
    by(&mut event.t);
    match &mut event.what {
        What::Acquired { validity, .. } => by(validity),
        What::Renewed { invoke, validity, .. } => {
            by(invoke);
            by(validity);
        }
        What::Lost { at } => by(at),
        What::ReleaseInvoke { enter, exit, .. } => {
            by(enter);
            by(exit);
        }
        _ => {}
    }
}

/// An attempt with a grant: its key, and when its release was sent and confirmed.
type Granted = (u32, Party, Option<(u64, u64)>);

/// All that happened.
struct All {
    attempts: Vec<Granted>,
    /// Confirmed renewals with their keys.
    renewed: Vec<(u32, Renewed)>,
    looks: Vec<(u64, u32, Seen)>,
    identities: Vec<u64>,
    fault: Option<(u64, u64)>,
}

fn gathered(events: &[Event], identities: &[u64], fault: Option<(u64, u64)>) -> All {
    let (mut machine, mut attempts, mut looks) = (Attempts::default(), Vec::new(), Vec::new());
    let (mut renewed, mut promises) = (Vec::new(), [0; CLIENTS as usize]);
    for event in events {
        if let What::Seen(seen) = event.what {
            looks.push((event.t, event.key, seen));
        }
        let transition = machine.observe(event);
        if let Some(hold) = transition.attempt.hold {
            let (client, key) = (transition.attempt.client, transition.attempt.key);
            let promise = std::mem::replace(&mut promises[client as usize], hold.promise);
            if let Change::Renewed { invoke: sent, outcome: RenewalOutcome::Confirmed } = transition.change {
                renewed.push((key, Renewed { client, start: hold.start, sent, answered: event.t, promise }));
            }
        }
        if let (Change::Ended(end), Some(hold)) = (transition.change, transition.attempt.hold) {
            let confirmed = matches!(end, End::Released { release: ReleaseKind::Confirmed, .. });
            let party = Party::of(transition.attempt, Notes::default()).unwrap();
            attempts.push((transition.attempt.key, party, hold.left.zip(confirmed.then_some(event.t))));
        }
    }
    let fault = fault.map(|(from, lasts)| (from * MS, (from + lasts) * MS));
    All { attempts, renewed, looks, identities: identities.to_vec(), fault }
}

/// A stretch of equal answers: from, surely until, the first that differs, and the answer.
type Stretch = (u64, u64, u64, Seen, Option<u32>);

impl All {
    fn stretches(&self, key: u32, node: u16) -> Vec<Stretch> {
        let looks: Vec<_> = self.looks.iter().filter(|(_, of, seen)| *of == key && seen.node == node).collect();
        let same = |a: &Seen, b: &Seen| (a.holder, a.token) == (b.holder, b.token);
        let mut all: Vec<Stretch> = Vec::new();
        for (t, _, seen) in looks {
            let goes_on = all.last_mut().is_some_and(|last| {
                last.1 = last.1.max(seen.before);
                last.4 = (seen.left_ms != Seen::NO_LEASE).then_some(seen.left_ms);
                let goes_on = same(&last.3, seen);
                if !goes_on {
                    last.2 = *t;
                }
                goes_on
            });
            if !goes_on {
                all.push((*t, 0, u64::MAX, *seen, None));
            }
        }
        all
    }

    fn nodes(&self, key: u32) -> u16 {
        self.looks.iter().filter(|(_, of, _)| *of == key).map(|(_, _, seen)| seen.node + 1).max().unwrap_or(0)
    }

    /// The cause by the rules.
    fn cause(&self, double: &DoubleGrant) -> Cause {
        let party = |client: u32, start: u64| {
            let found = self.attempts.iter().find(|(_, party, _)| (party.client, party.start) == (client, start));
            found.unwrap().1
        };
        let a = party(double.earlier.client, double.earlier.start_ns);
        let b = party(double.later.client, double.later.start_ns);
        if double.kind == DoubleGrantKind::Outside {
            return Cause::Overstayed;
        }
        let key = double.key;
        let nodes = self.nodes(key);
        let stretches: Vec<Vec<Stretch>> = (0..nodes).map(|node| self.stretches(key, node)).collect();
        let foreign: Vec<(Party, (u64, u64))> = self
            .attempts
            .iter()
            .filter(|(of, party, _)| *of == key && party.start < a.start)
            .filter(|(_, party, _)| party.token.zip(a.token).is_none_or(|(other, earlier)| other <= earlier))
            .filter_map(|(_, party, confirmed)| Some((*party, (*confirmed)?)))
            .collect();
        let shows = |stretch: &Stretch, party: &Party| {
            let token = stretch.3.token;
            stretch.3.holder == SeenHolder::Client(party.client)
                && (token == Seen::NO_TOKEN || party.token.is_none() || party.token == Some(token))
        };
        // What took a's lock from each node, before b's grant: lapsed, hit, lost.
        // What stays open counts as none.
        let (mut lapsed, mut hit, mut gone_for_nothing) = (0, 0, 0);
        for of_node in &stretches {
            let fits = |i: usize| {
                let begun = if i == 0 { 0 } else { of_node[i - 1].1 };
                begun <= b.start && of_node[i].1 >= a.invoke && shows(&of_node[i], &a)
            };
            let Some(i) = (0..of_node.len()).rev().find(|i| fits(*i)) else { continue };
            let (from, until, gone, _, left) = of_node[i];
            if until >= b.start || gone == u64::MAX {
                continue;
            }
            let given = of_node.iter().any(|(from, until, _, seen, left)| {
                let during = *from <= b.end && (*until).max(*from) >= b.invoke;
                during && shows(&(*from, *until, 0, *seen, *left), &b)
            });
            let sure = gone <= b.start || given;
            let gone = gone.min(b.start);
            let over = left.map(|left| until + u64::from(left) * MS);
            let down = of_node.get(i + 1).is_some_and(|next| next.3.holder == SeenHolder::Away);
            let met = |(_, (sent, answered)): &(Party, (u64, u64))| {
                *sent <= gone && *answered >= until && *answered >= a.invoke
            };
            if over.is_some_and(|over| over <= gone) {
                let by_another = |at: u64, to: u64| {
                    let last = of_node.iter().rfind(|stretch| stretch.0 <= at);
                    last.is_some_and(|(_, until, _, seen, _)| {
                        *until >= to && matches!(seen.holder, SeenHolder::Client(client) if client != a.client)
                    })
                };
                let hits = |(_, one): &&(u32, Renewed)| {
                    if (one.client, one.start) == (a.client, a.start) {
                        let needed = one.promise <= b.start && one.answered <= b.start;
                        needed && by_another(one.sent, one.answered)
                    } else {
                        let foreign = one.start < a.start && one.promise < one.sent;
                        foreign && one.sent <= gone && one.answered >= a.start
                    }
                };
                let renewed = self.renewed.iter().filter(|(of, _)| *of == key).any(|one| hits(&one));
                (lapsed, hit) = if renewed { (lapsed, hit + 1) } else { (lapsed + 1, hit) };
            } else if !down && foreign.iter().any(met) {
                hit += usize::from(sure && foreign.iter().any(|one| met(one) && one.1.0 >= from));
            } else if sure {
                gone_for_nothing += 1;
            }
        }
        if double.kind == DoubleGrantKind::Withdrawn {
            return if hit > 0 { Cause::ForeignHit } else { Cause::ServerLost };
        }
        if a.client != b.client && self.identities[a.client as usize] == self.identities[b.client as usize] {
            return Cause::SharedIdentity;
        }
        if b.promise <= b.start {
            return Cause::DeadLease;
        }
        if a.token.is_some() != b.token.is_some() {
            return Cause::NoGrant;
        }
        let mut in_order = true;
        for party in [b, a] {
            let needed = usize::from(nodes) / 2 + 1;
            let surely_other = |of_node: &&Vec<Stretch>| {
                of_node.iter().any(|stretch| {
                    let away = stretch.3.holder == SeenHolder::Away;
                    // The last answer before the grant counts, as answers at one instant come in their order.
                    let last = of_node
                        .iter()
                        .rfind(|other| other.0 <= party.start)
                        .is_some_and(|last| std::ptr::eq(last, stretch));
                    last && stretch.1 >= party.start && !away && stretch.3.holder != SeenHolder::Client(party.client)
                })
            };
            let others = stretches.iter().filter(surely_other).count();
            if nodes > 0 && usize::from(nodes) - others < needed {
                let showed = |of_node: &&Vec<Stretch>| {
                    (1..of_node.len()).any(|i| {
                        of_node[i - 1].1 >= party.invoke && of_node[i].0 <= party.start && shows(&of_node[i], &party)
                    })
                };
                let showed = stretches.iter().filter(showed).count() >= needed;
                if showed {
                    return Cause::DeadLease;
                }
                // Of each instant between request and report an answer, or tokens around it, say that it was another's.
                let never = |of_node: &&Vec<Stretch>| {
                    let covers = of_node.first().is_some_and(|first| first.0 <= party.invoke)
                        && of_node.iter().rfind(|other| other.0 <= party.start).is_some_and(|it| it.1 >= party.start);
                    let ended_before = |i: usize| of_node.get(i + 1).is_some_and(|next| next.0 <= party.invoke);
                    let of_interest = (0..of_node.len()).filter(|i| of_node[*i].0 <= party.start && !ended_before(*i));
                    let places: Vec<usize> = of_interest.collect();
                    let named = |i: &usize| of_node[*i].3.token != Seen::NO_TOKEN && !shows(&of_node[*i], &party);
                    let apart = |pair: &[usize]| {
                        let (before, after) = (of_node[pair[0]].3.token, of_node[pair[1]].3.token);
                        match party.token {
                            Some(token) => before < after && (token <= before || token > after),
                            None => before + 1 == after,
                        }
                    };
                    covers && places.iter().all(named) && places.windows(2).all(apart)
                };
                if usize::from(nodes) - stretches.iter().filter(never).count() < needed {
                    return Cause::NoGrant;
                }
                in_order = false;
            }
        }
        if !in_order {
            (gone_for_nothing, hit, lapsed) = (0, 0, 0);
        }
        if gone_for_nothing > 0 {
            return Cause::ServerLost;
        }
        if hit > 0 {
            return Cause::ForeignHit;
        }
        if lapsed > 0 {
            return Cause::Overstayed;
        }
        let disturbed = self.fault.is_some_and(|(from, to)| from <= b.start && to >= a.start);
        if disturbed && b.invoke >= a.start && b.token.zip(a.token).is_some_and(|(b, a)| b <= a) {
            return Cause::ServerLost;
        }
        let proven = |(party, (sent, answered)): &(Party, (u64, u64))| {
            *sent > a.start && *answered < b.start && party.promise <= a.start
        };
        if foreign.iter().any(proven) { Cause::ForeignHit } else { Cause::Undetermined }
    }
}

proptest! {
    #![proptest_config(Config::with_cases(10_000))]

    #[test]
    fn causes_are_those_of_comparing_all_with_all_and_go_with_their_kinds(
        scripts in scripts(),
        looks in looks(),
        nodes in 0_u16..4,
        identities in proptest::collection::vec(0_u64..9, CLIENTS as usize),
        fault in proptest::option::of((1_u64..30, 0_u64..10)),
    ) {
        let events = told(&scripts, &looks, nodes, &identities, fault);
        let mut oracle = Oracle::new(CLIENTS, KEYS, 0);
        events.iter().for_each(|event| oracle.observe(event));
        let found = oracle.finish();
        let all = gathered(&events, &identities, fault);
        prop_assert_eq!(found.causes.all(), found.judged.double_grants);
        for (double, attribution) in found.double_grants.iter().zip(&found.attributions) {
            prop_assert!(attribution.cause.goes_with(double.kind), "{:?} {:?}", double, attribution);
            prop_assert_eq!(attribution.cause, all.cause(double), "{:?} {:?} {:?}", double, attribution, events);
        }
    }
}
