//! The rules by which the cause of a double grant is decided.
//!
//! * `outside`: the promise to the earlier holder was over: V2.
//! * `withdrawn`: the service took the lock back early and said so: V1, or V4 where the release of another hit it.
//! * `inside`, in this order: V5, the two are one to the servers; V3, the lease of a grant was over when the grant was
//!   reported; V6, the servers surely had others for the holder from the request until the grant was reported, or the
//!   grant has no token where grants have one; then what took the earlier holder's lock from the server before the later grant: its own
//!   lease by the server's word (V2, and the recipe had promised more), a release of another (V4), or nothing that may
//!   (V1). Where its lease was over by the server's word, a renewal that hit a lock which was not its client's is V4: of
//!   another client, which set the earlier holder's lease anew, or of the earlier holder, which was promised the key
//!   again when the server had another for its holder.
//!
//! Where servers lock for themselves and a majority decides, a client that fewer than a majority may have for the
//! holder is none. Clients can hear late of their grants: what the order of their reports alone suggests is no proof.
//! What is not certain decides nothing: then the cause is undetermined, with what is missing.

use super::Force;
use super::fact::{Attribution, Fact, FactKind, Missing};
use super::party::{Ended, Party, Renewed};
use super::timeline::{Span, Timeline};
use crate::oracle::{Cause, DoubleGrantKind};
use crate::record::SeenHolder;

/// Most faults that are named.
const FAULTS: usize = 4;

/// All that is known of a double grant.
pub(super) struct Case<'a> {
    pub kind: DoubleGrantKind,
    pub earlier: &'a Party,
    pub later: &'a Party,
    /// Confirmed releases of attempts that had the key before the earlier one.
    pub foreign: &'a [Ended],
    /// Confirmed renewals of the earlier one, and late ones of those that were granted the key before it.
    pub renewed: &'a [Renewed],
    /// By node.
    pub truth: &'a [Timeline],
    /// Were the servers asked about any key?
    pub asked: bool,
    pub faults: &'a [Force],
    /// Are the two one to the servers?
    pub one_identity: bool,
}

/// What took the earlier holder's lock from a server.
enum Taken<'a> {
    /// Its lease was over by the server's word.
    Lapsed(Fact),
    /// The release of another.
    Released(Fact, &'a Ended),
    /// Its lease was over, and a renewal had hit a lock that was not its client's.
    Renewed(Fact, &'a Renewed),
    /// Nothing that may.
    Lost(Fact),
    /// One of these, or none: the lock may have been there still, or the release of another, which was sent before the
    /// server showed this lock, have been the right one.
    Open(Fact),
}

/// Decides.
pub(super) fn decide(case: &Case<'_>) -> Attribution {
    let (cause, mut evidence, missing) = match case.kind {
        DoubleGrantKind::Outside => (Cause::Overstayed, overstayed(case), None),
        DoubleGrantKind::Withdrawn => withdrawn(case),
        DoubleGrantKind::Inside => inside(case),
    };
    let (earlier, later) = (case.earlier, case.later);
    let at_work = case.faults.iter().filter(|force| force.from <= later.start && force.to >= earlier.start);
    evidence.extend(at_work.take(FAULTS).map(|force| Fact {
        node: (!force.of_a_client).then_some(force.of.node),
        client: force.of_a_client.then_some(u32::from(force.of.node)),
        fault: Some(force.of.fault),
        ..fact(FactKind::Fault, None, force.from, if force.to == u64::MAX { later.end } else { force.to })
    }));
    let count = |of: fn(&Party) -> bool| u32::from(of(earlier)) + u32::from(of(later));
    Attribution {
        cause,
        evidence,
        missing,
        updates_lost: count(|party| party.notes.lost_update),
        writes_refused: count(|party| party.notes.refused),
    }
}

fn fact(fact: FactKind, client: Option<u32>, from_ns: u64, to_ns: u64) -> Fact {
    Fact { fact, client, node: None, fault: None, from_ns, to_ns, left_ms: None }
}

fn of_party(kind: FactKind, party: &Party, from: u64, to: u64) -> Fact {
    fact(kind, Some(party.client), from, to)
}

/// The lease was over, and the client still inside.
fn overstayed(case: &Case<'_>) -> Vec<Fact> {
    let earlier = case.earlier;
    let mut evidence = vec![of_party(FactKind::PromiseOver, earlier, earlier.promise, earlier.promise)];
    if let Some((from, to)) = earlier.notes.stopped {
        evidence.push(of_party(FactKind::Stopped, earlier, from, to));
    }
    // The server confirmed it to a client that it had let another follow on.
    let late = case.renewed.iter().find(|one| one.is_of(earlier) && one.late() && one.sent >= case.later.start);
    evidence.extend(late.map(prolonged));
    evidence
}

/// The session was told that the lock is lost, while it was promised.
fn withdrawn(case: &Case<'_>) -> (Cause, Vec<Fact>, Option<Missing>) {
    let earlier = case.earlier;
    let told = earlier.lost.map(|at| of_party(FactKind::LostSignal, earlier, at, at));
    let mut evidence: Vec<Fact> = told.into_iter().collect();
    let taken = taken(case);
    for one in &taken {
        if let Some(hit) = one.hit() {
            evidence.extend(hit);
            return (Cause::ForeignHit, evidence, None);
        }
    }
    evidence.extend(taken.into_iter().map(|one| match one {
        Taken::Lapsed(lost) | Taken::Released(lost, _) | Taken::Renewed(lost, _) => lost,
        Taken::Lost(lost) | Taken::Open(lost) => lost,
    }));
    (Cause::ServerLost, evidence, None)
}

fn inside(case: &Case<'_>) -> (Cause, Vec<Fact>, Option<Missing>) {
    let (earlier, later) = (case.earlier, case.later);
    if case.one_identity {
        let both = [earlier, later].map(|party| of_party(FactKind::OneIdentity, party, party.start, party.start));
        return (Cause::SharedIdentity, both.to_vec(), None);
    }
    if later.promise <= later.start {
        return (Cause::DeadLease, vec![of_party(FactKind::DeadLease, later, later.promise, later.start)], None);
    }
    if earlier.token.is_some() != later.token.is_some() {
        let without = if later.token.is_none() { later } else { earlier };
        let evidence = vec![of_party(FactKind::NoToken, without, without.start, without.start)];
        return (Cause::NoGrant, evidence, None);
    }
    let mut in_order = true;
    for party in [later, earlier] {
        match standing(case, party) {
            Standing::None(cause, evidence) => return (cause, evidence, None),
            Standing::Over => in_order = false,
            Standing::Possible => {}
        }
    }
    let by_servers = if in_order { by_what_was_taken(case) } else { None };
    by_servers.unwrap_or_else(|| {
        let (cause, evidence) = by_clients_alone(case);
        let missing = (cause == Cause::Undetermined).then(|| missing(case));
        (cause, evidence, missing)
    })
}

/// How many of the servers must have a client for the holder.
fn quorum(truth: &[Timeline]) -> usize {
    truth.len() / 2 + 1
}

/// What the client of a grant was to the servers when the grant was reported.
enum Standing {
    /// It may have been the holder.
    Possible,
    /// It surely was not; whether it never was (V6) or had been (V3) is not known. Its place among the grants is not known
    /// either.
    Over,
    /// It surely was not, for this cause.
    None(Cause, Vec<Fact>),
}

fn standing(case: &Case<'_>, party: &Party) -> Standing {
    let needed = quorum(case.truth);
    let others: Vec<(u16, &Span)> = (0_u16..)
        .zip(case.truth)
        .filter_map(|(node, timeline)| Some((node, timeline.surely(party.start)?)))
        .filter(|(_, span)| !span.is_of(party.client))
        .collect();
    if case.truth.is_empty() || case.truth.len() - others.len() >= needed {
        return Standing::Possible;
    }
    let mut evidence: Vec<Fact> = others
        .iter()
        .map(|(node, span)| {
            let holder = if let SeenHolder::Client(client) = span.holder { Some(client) } else { None };
            let of = if holder.is_some() { FactKind::Held } else { FactKind::NotHolder };
            Fact { node: Some(*node), ..fact(of, holder.or(Some(party.client)), span.from, span.until) }
        })
        .collect();
    let showed = case.truth.iter().filter(|timeline| timeline.showed(party)).count();
    if showed >= needed {
        evidence.insert(0, of_party(FactKind::DeadLease, party, party.start, party.start));
        return Standing::None(Cause::DeadLease, evidence);
    }
    let never = case.truth.iter().filter(|timeline| timeline.never_had(party)).count();
    if case.truth.len() - never >= needed {
        return Standing::Over;
    }
    evidence.insert(0, of_party(FactKind::NeverHolder, party, party.invoke, party.start));
    Standing::None(Cause::NoGrant, evidence)
}

/// What took the earlier holder's lock from each server that had it, before the later grant.
fn taken<'a>(case: &Case<'a>) -> Vec<Taken<'a>> {
    let (earlier, later) = (case.earlier, case.later);
    let one = |(node, timeline): (u16, &Timeline)| {
        let (span, next) = timeline.last_showing(earlier, later.start)?;
        if span.until >= later.start || span.gone == u64::MAX {
            return None;
        }
        // It was gone before the later grant, if the server gave that.
        let sure = span.gone <= later.start || timeline.gave(later);
        let gone = span.gone.min(later.start);
        let left_ms = span.lease_over().map(|_| span.left_ms);
        let lost = fact(FactKind::Lost, Some(earlier.client), span.until.max(earlier.invoke), gone);
        let lost = Fact { node: Some(node), left_ms, ..lost };
        let down = next.is_some_and(|next| next.holder == SeenHolder::Away);
        let met = |one: &&Ended| one.confirmed.is_some_and(|(sent, answered)| sent <= gone && answered >= span.until);
        let sent_since = |one: &&Ended| one.confirmed.is_some_and(|(sent, _)| sent >= span.from);
        let mut releases = case.foreign.iter().filter(met).filter(|_| !down).peekable();
        let any = releases.peek().is_some();
        Some(match releases.find(sent_since) {
            _ if span.lease_over().is_some_and(|over| over <= gone) => {
                let hit = case.renewed.iter().find(|one| hits(one, earlier, later, timeline, gone));
                hit.map_or(Taken::Lapsed(lost), |by| Taken::Renewed(lost, by))
            }
            _ if !sure => Taken::Open(lost),
            Some(by) => Taken::Released(lost, by),
            None if any => Taken::Open(lost),
            None => Taken::Lost(lost),
        })
    };
    (0_u16..).zip(case.truth).filter_map(one).collect()
}

impl Taken<'_> {
    /// What another client's request did, if that took the lock.
    fn hit(&self) -> Option<[Fact; 2]> {
        match self {
            Self::Released(lost, by) => Some([*lost, released(by)]),
            Self::Renewed(lost, by) => Some([*lost, prolonged(by)]),
            Self::Lapsed(_) | Self::Lost(_) | Self::Open(_) => None,
        }
    }
}

/// Did a renewal hit a lock that was not its client's, so that a pair came of it? Either another's set the lease of the
/// earlier holder, which was over then when the server said so; or the earlier holder's own was confirmed when the
/// server surely had another for the holder, and without it the promise was over when the later one was granted.
fn hits(renewed: &Renewed, earlier: &Party, later: &Party, truth: &Timeline, gone: u64) -> bool {
    if !renewed.is_of(earlier) {
        return renewed.late() && renewed.sent <= gone && renewed.answered >= earlier.start;
    }
    let held = truth.surely(renewed.sent).filter(|span| span.until >= renewed.answered);
    let by_another =
        held.is_some_and(|span| matches!(span.holder, SeenHolder::Client(client) if client != earlier.client));
    by_another && renewed.promise <= later.start && renewed.answered <= later.start
}

fn by_what_was_taken(case: &Case<'_>) -> Option<(Cause, Vec<Fact>, Option<Missing>)> {
    let taken = taken(case);
    let lost: Vec<Fact> =
        taken.iter().filter_map(|one| if let Taken::Lost(fact) = one { Some(*fact) } else { None }).collect();
    if !lost.is_empty() {
        let away = lost.iter().filter_map(|lost| {
            let node = lost.node?;
            let span = case.truth.get(usize::from(node))?.away(lost.from_ns, case.later.start)?;
            let gone = if span.gone == u64::MAX { case.later.end } else { span.gone };
            Some(Fact { node: Some(node), ..fact(FactKind::Away, None, span.from, gone) })
        });
        let evidence = lost.iter().copied().chain(away).chain(token_back(case)).collect();
        return Some((Cause::ServerLost, evidence, None));
    }
    if let Some(hit) = taken.iter().find_map(Taken::hit) {
        return Some((Cause::ForeignHit, hit.to_vec(), None));
    }
    let lapsed: Vec<Fact> =
        taken.iter().filter_map(|one| if let Taken::Lapsed(fact) = one { Some(*fact) } else { None }).collect();
    (!lapsed.is_empty()).then_some((Cause::Overstayed, lapsed, None))
}

/// What clients alone prove: that the server confirmed a holder whose lease had been over, or that it forgot.
fn by_clients_alone(case: &Case<'_>) -> (Cause, Vec<Fact>) {
    let (earlier, later) = (case.earlier, case.later);
    let disturbed = case.faults.iter().any(|force| force.from <= later.start && force.to >= earlier.start);
    if let Some(back) = token_back(case).filter(|_| disturbed) {
        return (Cause::ServerLost, vec![back]);
    }
    let hit = |one: &&Ended| {
        let between = one.confirmed.is_some_and(|(sent, answered)| sent > earlier.start && answered < later.start);
        between && one.party.promise <= earlier.start
    };
    match case.foreign.iter().find(hit) {
        Some(by) => (Cause::ForeignHit, vec![released(by)]),
        None => (Cause::Undetermined, Vec::new()),
    }
}

fn token_back(case: &Case<'_>) -> Option<Fact> {
    let (earlier, later) = (case.earlier, case.later);
    // One that was asked for before the earlier grant may have been given before it, and have been heard of late.
    let asked_after = later.invoke >= earlier.start;
    let back = asked_after && later.token.zip(earlier.token).is_some_and(|(later, earlier)| later <= earlier);
    back.then(|| of_party(FactKind::TokenBack, later, later.start, later.start))
}

fn released(by: &Ended) -> Fact {
    let (sent, answered) = by.confirmed.unwrap_or((by.at, by.at));
    of_party(FactKind::ForeignRelease, &by.party, sent, answered)
}

fn prolonged(by: &Renewed) -> Fact {
    fact(FactKind::ForeignRenewal, Some(by.client), by.sent, by.answered)
}

fn missing(case: &Case<'_>) -> Missing {
    if !(case.earlier.exclusive && case.later.exclusive) {
        return Missing::SeveralHolders;
    }
    if case.truth.is_empty() {
        return if case.asked { Missing::KeyNotAsked } else { Missing::NotAsked };
    }
    let away = case.truth.iter().any(|timeline| timeline.away(case.earlier.invoke, case.later.start).is_some());
    if away { Missing::NoAnswer } else { Missing::BetweenLooks }
}
