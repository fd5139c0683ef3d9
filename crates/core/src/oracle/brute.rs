//! The oracle against a checker that compares all pairs, straight from the
//! definitions, on random histories with many ties; also with the shards arriving
//! late and out of order.

use proptest::prelude::{Just, Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest};

use super::{ConditionFold, Findings, Oracle};
use crate::record::{
    Denial, Disturbance, Event, Mode, Observer, Reader, ReleaseKind, RenewalOutcome, Source, What, WitnessReading,
};
use crate::workload::{Condition, parse};

pub(super) const CLIENTS: u32 = 4;
pub(super) const KEYS: u32 = 2;

/// One attempt, as lengths of its parts.
#[derive(Clone, Debug)]
pub(super) struct Script {
    think: u64,
    key: u32,
    shared: bool,
    wait: u64,
    end: End,
}

#[derive(Clone, Debug)]
enum End {
    Denied {
        denial: Denial,
        uncertain: u64,
    },
    Held {
        token: Option<u64>,
        lease: Option<u64>,
        renew: Option<(u64, u64)>,
        /// After so long of the hold; told at once, or as the client leaves.
        lost: Option<(u64, bool)>,
        hold: u64,
        release: u64,
        kind: ReleaseKind,
        uncertain: u64,
    },
    DiedWaiting {
        uncertain: u64,
    },
    DiedHolding {
        token: Option<u64>,
        hold: u64,
        uncertain: u64,
    },
}

fn end() -> impl Strategy<Value = End> {
    let denial =
        prop_oneof![Just(Denial::Refused), Just(Denial::TimedOut), Just(Denial::Unavailable), Just(Denial::Unknown)];
    let kind = prop_oneof![
        3 => Just(ReleaseKind::Confirmed),
        1 => Just(ReleaseKind::NotOwner),
        1 => Just(ReleaseKind::Unavailable),
        1 => Just(ReleaseKind::Unknown),
    ];
    let token = || proptest::option::of(1_u64..20);
    let held = (
        token(),
        proptest::option::of(0_u64..6),
        proptest::option::of((0_u64..4, 0_u64..6)),
        proptest::option::of((0_u64..6, any::<bool>())),
        0_u64..6,
        0_u64..3,
        kind,
        0_u64..8,
    );
    prop_oneof![
        1 => (denial, 0_u64..8).prop_map(|(denial, uncertain)| End::Denied { denial, uncertain }),
        6 => held.prop_map(|(token, lease, renew, lost, hold, release, kind, uncertain)| End::Held { token, lease, renew, lost, hold, release, kind, uncertain }),
        1 => (0_u64..8).prop_map(|uncertain| End::DiedWaiting { uncertain }),
        1 => (token(), 0_u64..6, 0_u64..8).prop_map(|(token, hold, uncertain)| End::DiedHolding { token, hold, uncertain }),
    ]
}

pub(super) fn scripts() -> impl Strategy<Value = Vec<Vec<Script>>> {
    let script = (0_u64..4, 0..KEYS, any::<bool>(), 0_u64..4, end())
        .prop_map(|(think, key, shared, wait, end)| Script { think, key, shared, wait, end });
    proptest::collection::vec(proptest::collection::vec(script, 0..5), CLIENTS as usize)
}

/// What the definitions need to know of one attempt.
#[derive(Clone, Debug, Default)]
pub(super) struct Facts {
    key: u32,
    shared: bool,
    invoke: u64,
    /// Naive hold.
    hold: Option<(u64, u64)>,
    deadline_end: u64,
    /// End of what the service had promised, within the hold; `None`: over before it began.
    promised_end: Option<u64>,
    lost: bool,
    evidence_end: Option<u64>,
    token: Option<u64>,
    uncertain: Option<(u64, u64)>,
}

/// Plays one client's scripts; gives its events and the facts of its attempts.
pub(super) fn play(client: u32, scripts: &[Script]) -> (Vec<Event>, Vec<Facts>) {
    let (mut events, mut facts) = (Vec::new(), Vec::new());
    let mut t = 1;
    for script in scripts {
        t += script.think;
        let mut push = |t: u64, what: What| events.push(Event { t, client, attempt: 0, key: script.key, what });
        let invoke = t;
        push(
            t,
            match script.shared {
                true => What::InvokeAs { due: t, first: 0, mode: Mode::Shared },
                false => What::Invoke { due: t },
            },
        );
        t += script.wait;
        let mut fact = Facts { key: script.key, shared: script.shared, invoke, ..Facts::default() };
        match script.end {
            End::Denied { denial, uncertain } => {
                push(t, What::Denied { denial, surely_ended: t + uncertain, requests: 1, wakeups: 0 });
                if denial == Denial::Unknown {
                    fact.uncertain = Some((invoke, t + uncertain));
                }
            }
            End::DiedWaiting { uncertain } => {
                push(t, What::Died { surely_ended: t + uncertain, challenged: None });
                fact.uncertain = Some((invoke, t + uncertain));
            }
            End::DiedHolding { token, hold, uncertain } => {
                let start = t;
                push(t, What::Acquired { token, validity: u64::MAX, requests: 1, waited: None, wakeups: 0 });
                t += hold;
                push(t, What::Died { surely_ended: t + uncertain, challenged: None });
                fact = Facts {
                    hold: Some((start, t)),
                    deadline_end: t,
                    promised_end: Some(t),
                    token,
                    uncertain: Some((t, t + uncertain)),
                    ..fact
                };
            }
            End::Held { token, lease, renew, lost, hold, release, kind, uncertain } => {
                let start = t;
                let mut promise = lease.map_or(u64::MAX, |lease| invoke + lease);
                push(t, What::Acquired { token, validity: promise, requests: 1, waited: None, wakeups: 0 });
                let mut renewed = None;
                if let Some((after, longer)) = renew.filter(|(after, _)| *after <= hold) {
                    let at = start + after;
                    push(at, What::Renewed { invoke: at, outcome: RenewalOutcome::Confirmed, validity: at + longer });
                    if at <= promise {
                        promise = promise.max(at + longer);
                    }
                    renewed = Some(at);
                }
                t += hold;
                let exit = t;
                let lost = lost.filter(|(after, _)| *after <= hold).map(|(after, at_once)| (start + after, at_once));
                if let Some((at, at_once)) = lost {
                    push(if at_once { at } else { exit }, What::Lost { at });
                }
                push(t, What::ReleaseInvoke { enter: start, exit: t, seen: WitnessReading::default(), asked: 0 });
                t += release;
                push(t, What::Released { release: kind, surely_ended: t + uncertain, requests: 1 });
                let evidence_end = if kind == ReleaseKind::Confirmed { Some(exit) } else { renewed };
                let belief = lost.map_or(promise, |(at, _)| at.min(promise));
                let uncertain = (kind == ReleaseKind::Unknown).then_some((exit, t + uncertain));
                fact = Facts {
                    hold: Some((start, exit)),
                    deadline_end: exit.min(belief),
                    promised_end: (promise >= start).then_some(exit.min(promise)),
                    lost: lost.is_some(),
                    evidence_end,
                    token,
                    uncertain,
                    ..fact
                };
                // `cut at local validity`: a validity before the start leaves nothing.
                if belief < start {
                    fact.deadline_end = 0;
                }
            }
        }
        facts.push(fact);
        t += 1;
    }
    events.sort_by_key(|event| event.t);
    (events, facts)
}

fn overlap(a: (u64, u64), b: (u64, u64)) -> bool {
    a.0 < b.1 && b.0 < a.1
}

/// What `overlaps_possible` counts of a semaphore: does the hold start, or an uncertain one start inside of it, where all
/// permits are or may be taken?
fn may_exceed(facts: &[&Facts], one: &Facts, of: usize) -> bool {
    let Some((start, end)) = one.hold else { return false };
    let may_be =
        |t: u64| facts.iter().filter_map(|fact| fact.uncertain).filter(move |(from, to)| *from <= t && t < *to);
    let held =
        |t: u64| facts.iter().filter_map(|fact| fact.hold).filter(move |(from, to)| *from <= t && t <= *to).count();
    let at_start = may_be(start).count() > 0 && held(start) - 1 + may_be(start).count() >= of;
    let later = facts.iter().filter_map(|fact| fact.uncertain).any(|(from, to)| {
        let itself = usize::from(from < to);
        start < from && from < end && held(from) + may_be(from).count() - itself >= of
    });
    at_start || later
}

/// Straight from the definitions; grants in the order in which the sweep saw them. `of`: the permits of each key, where
/// they are semaphores.
fn brute(facts: &[Facts], of: Option<u32>) -> Findings {
    let mut found = Findings::default();
    let grants: Vec<&Facts> = facts.iter().filter(|fact| fact.hold.is_some()).collect();
    found.judged.grants = grants.len() as u64;
    for (i, later) in grants.iter().enumerate() {
        let Some(hold) = later.hold else { continue };
        let cut = (later.deadline_end >= hold.0 && later.deadline_end > 0).then_some((hold.0, later.deadline_end));
        let proven = later.evidence_end.map(|end| (hold.0, end));
        let (mut naive, mut inside, mut withdrawn) = (false, false, false);
        let (mut deadline, mut evidence) = (false, false);
        let meets = |other: &Facts| other.key == later.key && (of.is_some() || !(other.shared && later.shared));
        let mut counts = [0; 5];
        for earlier in grants[..i].iter().filter(|earlier| meets(earlier)) {
            let Some(other) = earlier.hold else { continue };
            let other_cut = (earlier.deadline_end >= other.0 && earlier.deadline_end > 0)
                .then_some((other.0, earlier.deadline_end));
            let other_proven = earlier.evidence_end.map(|end| (other.0, end));
            naive |= overlap(other, hold);
            let promised = earlier.promised_end.is_some_and(|end| overlap((other.0, end), hold));
            inside |= promised && !earlier.lost;
            withdrawn |= promised && earlier.lost;
            let both_cut = other_cut.zip(cut).is_some_and(|(a, b)| overlap(a, b));
            let both_proven = other_proven.zip(proven).is_some_and(|(a, b)| overlap(a, b));
            (deadline, evidence) = (deadline | both_cut, evidence | both_proven);
            let met = [overlap(other, hold), promised && !earlier.lost, promised, both_cut, both_proven];
            counts.iter_mut().zip(met).for_each(|(count, met)| *count += u32::from(met));
        }
        if let Some(of) = of {
            [naive, inside, withdrawn, deadline, evidence] = counts.map(|count| count >= of);
        }
        found.judged.double_grants += u64::from(naive);
        found.judged.inside += u64::from(inside);
        found.judged.withdrawn += u64::from(withdrawn && !inside);
        found.exclusion.withdrawn_admitted += u64::from(withdrawn && !inside && evidence);
        found.judged.outside += u64::from(naive && !inside && !withdrawn);
        found.exclusion.outside_admitted += u64::from(naive && !inside && !withdrawn && evidence);
        found.judged.deadline += u64::from(deadline);
        found.judged.evidence += u64::from(evidence);
        let possible = facts.iter().filter(|other| meets(other)).filter_map(|other| other.uncertain);
        let same: Vec<&Facts> = facts.iter().filter(|other| other.key == later.key).collect();
        found.judged.overlaps_possible += u64::from(match of {
            Some(of) => may_exceed(&same, later, of as usize),
            None => possible.into_iter().any(|uncertain| overlap(hold, uncertain)),
        });
        if let Some(token) = later.token {
            let others = || grants[..i].iter().filter(|other| other.key == later.key);
            let certain = others().any(|other| {
                other.token.is_some_and(|t| token == t || (token < t && other.hold.is_some_and(|h| h.0 < later.invoke)))
            });
            found.judged.token_regressions += u64::from(certain);
            let inverted = others().any(|other| other.token.is_some_and(|t| token < t));
            found.judged.token_inversions += u64::from(!certain && inverted);
        }
    }
    found
}

/// A shard that hands over its events in chunks of scripted sizes.
struct Late {
    events: std::vec::IntoIter<Event>,
    chunks: std::vec::IntoIter<usize>,
    watermark: u64,
}

impl Source for Late {
    fn drain(&mut self, mut take: impl FnMut(Event)) -> u64 {
        let size = self.chunks.next().unwrap_or(usize::MAX);
        for event in self.events.by_ref().take(size) {
            self.watermark = event.t;
            take(event);
        }
        if self.events.len() == 0 { u64::MAX } else { self.watermark }
    }

    fn lost(&self) -> u64 {
        0
    }
}

/// Keeps the order in which the reader showed the events.
#[derive(Default)]
struct Order(Vec<Event>);

impl Observer for Order {
    fn observe(&mut self, event: &Event) {
        self.0.push(*event);
    }
}

proptest! {
    /// What a scenario relies on: a trial whose story happened is judged by what was seen, and never by chance.
    #[test]
    fn wherever_a_contender_was_granted_a_hit_key_there_is_a_double_grant(
        scripts in scripts(),
        faults in proptest::collection::vec((0_usize..60, 0_usize..60, any::<bool>()), 0..4),
    ) {
        let mut events: Vec<Event> = (0..).zip(&scripts).flat_map(|(client, scripts)| play(client, scripts).0).collect();
        // Two that share a lock may hold it at once.
        for event in &mut events {
            if let What::InvokeAs { due, .. } = event.what {
                event.what = What::Invoke { due };
            }
        }
        events.sort_by_key(|event| event.t);
        for (fault, (from, to, _)) in (0_u16..).zip(&faults) {
            let of = Disturbance { fault, node: 0 };
            let (from, to) = ((*from.min(to)).min(events.len()), *from.max(to));
            let tool = |what| Event { t: 0, client: Event::NOBODY, attempt: 0, key: 0, what };
            events.insert(from, tool(What::FaultInjected(of)));
            events.insert((to + 1).clamp(from + 1, events.len()), tool(What::FaultHealed { of, from: 0, bit: true }));
        }
        // No two events in one instant: a hold that ends where the next begins is no double grant.
        let planned: String = faults.iter().map(|(.., pause)| {
            let kind = if *pause { "server-pause" } else { "wire-cut" };
            format!("[[faults]]\nkind = \"{kind}\"\nat = \"1s\"\nfor = \"1s\"\n")
        }).collect();
        let (plan, _) = parse("w.toml", &format!("clients = {CLIENTS}\n{planned}"), &[]).unwrap();
        let mut oracle = Oracle::new(CLIENTS, KEYS, 0).with_conditions(ConditionFold::of(&plan));
        for (t, event) in (1_u64..).zip(&events) {
            oracle.observe(&Event { t, ..*event });
        }
        let found = oracle.finish();
        let granted = found.conditions.reached.iter().find(|one| one.condition == Condition::ContenderGranted.name());
        if granted.is_some_and(|one| one.injections > 0) {
            prop_assert!(found.judged.double_grants > 0, "{:?}", events);
        }
    }

    #[test]
    fn the_oracle_agrees_with_comparing_all_pairs_however_late_shards_arrive(
        scripts in scripts(),
        chunks in proptest::collection::vec(proptest::collection::vec(0_usize..6, 0..10), CLIENTS as usize),
        of in proptest::option::of(1_u32..4),
    ) {
        let mut played: Vec<_> = (0..).zip(&scripts).map(|(client, scripts)| play(client, scripts)).collect();
        // Either all of a key are for permits, or none.
        if let Some(of) = of {
            for event in played.iter_mut().flat_map(|(events, _)| events) {
                if let What::Invoke { due } | What::InvokeAs { due, .. } = event.what {
                    event.what = What::InvokeAs { due, first: 0, mode: Mode::Permits { of } };
                }
            }
        }
        let shards = played.iter().zip(chunks).map(|((events, _), chunks)| Late {
            events: events.clone().into_iter(),
            chunks: chunks.into_iter(),
            watermark: 0,
        });
        let mut reader = Reader::new(shards.collect());
        let (mut oracle, mut order) = (Oracle::new(CLIENTS, KEYS, 0), Order::default());
        for _ in 0..12 {
            reader.poll(&mut [&mut oracle, &mut order]);
        }
        reader.finish(&mut [&mut oracle, &mut order]);

        // Facts in the order of the grants as merged (ties are broken by shard).
        let mut next: Vec<usize> = vec![0; CLIENTS as usize];
        let (mut current, mut facts) = (vec![None; CLIENTS as usize], Vec::new());
        for event in &order.0 {
            let client = event.client as usize;
            match event.what {
                What::Invoke { .. } | What::InvokeAs { .. } => {
                    current[client] = Some(played[client].1[next[client]].clone());
                    next[client] += 1;
                }
                What::Acquired { .. } => facts.extend(current[client].take()),
                What::Denied { .. } | What::Died { .. } => facts.extend(current[client].take()),
                _ => {}
            }
        }
        let mut expected = brute(&facts, of);
        let found = oracle.finish();
        expected.double_grants = found.double_grants.clone();
        (expected.attributions, expected.causes) = (found.attributions.clone(), found.causes);
        (expected.blind, expected.recovered) = (found.blind, found.recovered.clone());
        expected.per_second = found.per_second.clone();
        prop_assert_eq!(found, expected);
    }
}
