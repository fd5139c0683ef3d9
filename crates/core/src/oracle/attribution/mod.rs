//! The cause of each double grant: whose mistake it was, and by what one knows.
//!
//! The kind of a double grant is what the clients saw; its cause is decided from what the servers said meanwhile
//! ([`timeline`]), what the clients were promised, told and answered, and the faults in force. [`decide`] has the
//! rules, this file what flows into them. A question waits until the answers of the servers around its grant must
//! have come; all is decided from the stream of events alone, so that a replay decides the same.
//!
//! Memory is that of the attempts that an open one can still meet, and bounded for each key.

mod blind;
mod decide;
mod fact;
mod party;
mod timeline;

#[cfg(test)]
mod brute;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;

pub use blind::Blind;
pub use fact::{Attribution, Causes, Fact, FactKind, Missing};

use self::decide::{Case, decide};
use self::party::{Ended, Notes, Party, Renewed};
use self::timeline::Timeline;
use super::exclusion::{DoubleGrant, HoldFacts};
use super::open::OpenAttempts;
use crate::record::attempt::{Attempt, Attempts, Change, End, PerAttempt, Transition};
use crate::record::{Disturbance, Event, ReleaseKind, RenewalOutcome, Sparse, What};

/// After so long every look at the servers that was under way at a grant has been told: they are given up after a
/// second.
const PATIENCE_NS: u64 = 1_500_000_000;
/// Most questions that wait; the first of more are decided with what is known.
const MOST_WAITING: usize = 10_000;
/// Most attempts of a key that are remembered.
const MOST_ENDED: usize = 1 << 16;
/// Releases before a grant that are looked at.
const RELEASES: usize = 64;
/// Most confirmed renewals of a key that are remembered.
const RENEWALS: usize = 64;

/// A planned fault at one node or client.
#[derive(Clone, Copy, Debug)]
struct Force {
    of: Disturbance,
    /// Its node is a client.
    of_a_client: bool,
    from: u64,
    to: u64,
}

/// What is known of a key.
#[derive(Default)]
struct KeyState {
    /// By node: what it said.
    truth: Vec<Timeline>,
    /// Attempts that had a grant, in order of their end.
    ended: VecDeque<Ended>,
    /// Confirmed renewals, in order of time.
    renewed: VecDeque<Renewed>,
    /// At so many it is looked which of them are needed no more.
    prune_at: usize,
}

/// A double grant whose cause is not decided yet.
struct Question {
    double: DoubleGrant,
    /// Its place among those that are kept in full.
    place: Option<usize>,
    earlier: Party,
    later: Party,
    /// Confirmed releases of attempts that were granted the key before the earlier one.
    foreign: Vec<Ended>,
    /// Confirmed renewals of the key that tell something.
    renewed: Vec<Renewed>,
}

/// Finds causes.
pub struct Attributor {
    keys: Sparse<KeyState>,
    /// What is noted of each attempt under way.
    notes: PerAttempt<Notes>,
    identities: Vec<Option<u64>>,
    faults: Vec<Force>,
    /// By the place in the plan: does a fault hit clients?
    of_clients: Vec<bool>,
    waiting: VecDeque<Question>,
    /// Holds that may have been lost without their client's knowledge, with their keys.
    closed: VecDeque<(u32, Party)>,
    blind: Blind,
    /// Servers were asked about some key.
    asked: bool,
    causes: Causes,
    kept: Vec<Attribution>,
}

impl Attributor {
    /// For so many clients and keys.
    #[must_use]
    pub fn new(clients: u32, keys: u32) -> Self {
        Self {
            keys: Sparse::new(keys),
            notes: PerAttempt::new(clients),
            identities: vec![None; clients as usize],
            faults: Vec::new(),
            of_clients: Vec::new(),
            waiting: VecDeque::new(),
            closed: VecDeque::new(),
            blind: Blind::default(),
            asked: false,
            causes: Causes::default(),
            kept: Vec::new(),
        }
    }

    /// Which faults of the plan hit clients, by their places.
    #[must_use]
    pub fn with_faults_of_clients(self, of_clients: Vec<bool>) -> Self {
        Self { of_clients, ..self }
    }

    /// How many double grants have which cause, of those that are decided.
    #[must_use]
    pub fn causes(&self) -> Causes {
        self.causes
    }

    /// How long holders did not know that the servers had lost their locks.
    #[must_use]
    pub fn blind(&self) -> Blind {
        self.blind
    }

    /// What is found of the double grants that are kept in full, in their order; of one that is not decided yet
    /// nothing.
    #[must_use]
    pub fn kept(&self) -> &[Attribution] {
        &self.kept
    }

    /// The next transition, after the checkers have seen it.
    pub fn follow(&mut self, transition: &Transition<'_>, open: &OpenAttempts) {
        let (event, attempt) = (transition.event, transition.attempt);
        transition.unfinished.iter().for_each(|unfinished| self.end(unfinished, None, open));
        match transition.change {
            Change::Begun => *self.notes.of(attempt) = Notes::default(),
            Change::Granted => self.notes.of(attempt).promise = attempt.hold.map(|hold| hold.promise),
            Change::Renewed { invoke, outcome: RenewalOutcome::Confirmed } => self.renewed(attempt, invoke, event.t),
            Change::Stopped => {
                if let What::Stopped { from, .. } = event.what {
                    let notes = self.notes.of(attempt);
                    notes.stopped = notes.stopped.or(Some((from, event.t)));
                }
            }
            Change::Left(seen) => {
                let notes = self.notes.of(attempt);
                (notes.lost_update, notes.refused) = (seen.lost_update, seen.refused_write);
            }
            Change::Ended(end) => {
                let confirmed = matches!(end, End::Released { release: ReleaseKind::Confirmed, .. });
                self.end(attempt, attempt.hold.and_then(|hold| hold.left).zip(confirmed.then_some(event.t)), open);
            }
            Change::Tool => self.tool(event),
            Change::Renewed { .. } | Change::Lost => {}
        }
        while self.closed.front().is_some_and(|(_, party)| party.end.saturating_add(PATIENCE_NS) <= event.t) {
            self.look_first();
        }
        while let Some(first) = self.waiting.front() {
            let due = first.double.later.start_ns.saturating_add(PATIENCE_NS) <= event.t;
            if !due && self.waiting.len() <= MOST_WAITING {
                break;
            }
            self.answer_first();
        }
    }

    /// A double grant was found. `place`: among those that are kept in full.
    pub fn ask(&mut self, double: &DoubleGrant, place: Option<usize>) {
        let state = &self.keys[double.key as usize];
        let (earlier, later) = (party_of(state, &double.earlier), party_of(state, &double.later));
        let (foreign, renewed) = (foreign(state, &earlier, &later), renewed(state, &earlier));
        if let Some(place) = place {
            self.kept.resize_with(self.kept.len().max(place + 1), Attribution::default);
        }
        let asked = !state.truth.is_empty();
        self.waiting.push_back(Question { double: *double, place, earlier, later, foreign, renewed });
        if !asked && self.waiting.len() == 1 {
            self.answer_first();
        }
    }

    /// The stream is over, and every hold of it was asked about or is one of these attempts'.
    pub fn close(&mut self, attempts: &Attempts) {
        for attempt in attempts.open() {
            self.push(attempt, None);
        }
    }

    /// Decides what still waits.
    pub fn finish(&mut self) {
        while !self.closed.is_empty() {
            self.look_first();
        }
        while !self.waiting.is_empty() {
            self.answer_first();
        }
    }

    fn tool(&mut self, event: &Event) {
        match event.what {
            What::Seen(seen) => {
                self.asked = true;
                let truth = &mut self.keys[event.key as usize].truth;
                let node = usize::from(seen.node);
                if truth.len() <= node {
                    truth.resize_with(node + 1, Timeline::default);
                }
                truth[node].see(event.t, &seen);
            }
            What::Identity { of, digest } => {
                if let Some(known) = self.identities.get_mut(of as usize) {
                    *known = Some(digest);
                }
            }
            What::FaultInjected(of) => {
                let of_a_client = self.of_clients.get(usize::from(of.fault)).copied().unwrap_or(false);
                self.faults.push(Force { of, of_a_client, from: event.t, to: u64::MAX });
            }
            What::FaultHealed { of, from, .. } => {
                if let Some(force) = self.faults.iter_mut().rev().find(|force| force.of == of && force.from == from) {
                    force.to = event.t;
                }
            }
            _ => {}
        }
    }

    /// A renewal was confirmed.
    fn renewed(&mut self, attempt: &Attempt, sent: u64, answered: u64) {
        let (client, key) = (attempt.client, attempt.key);
        let Some(hold) = attempt.hold else { return };
        let Some(promise) = self.notes.of(attempt).promise.replace(hold.promise) else { return };
        let known = &mut self.keys[key as usize].renewed;
        known.push_back(Renewed { client, start: hold.start, sent, answered, promise });
        if known.len() > RENEWALS {
            known.pop_front();
        }
    }

    /// An attempt is over; `confirmed`: when its release was sent and confirmed.
    fn end(&mut self, attempt: &Attempt, confirmed: Option<(u64, u64)>, open: &OpenAttempts) {
        let Some(state) = self.push(attempt, confirmed) else { return };
        if state.ended.len() >= state.prune_at.max(RELEASES) {
            let oldest = open.oldest(attempt.key).unwrap_or(attempt.last);
            prune(&mut state.ended, oldest);
            state.prune_at = state.ended.len() * 2;
        }
    }

    /// Remembers an attempt with its key; `None`: it had no grant.
    fn push(&mut self, attempt: &Attempt, confirmed: Option<(u64, u64)>) -> Option<&mut KeyState> {
        // The notes of a first attempt are wanted again: those of one that the end of the record closes.
        let notes = if attempt.is_further() { self.notes.take(attempt) } else { *self.notes.of(attempt) };
        let party = Party::of(attempt, notes)?;
        let state = &mut self.keys[attempt.key as usize];
        if !state.truth.is_empty() && self.closed.len() < MOST_ENDED {
            self.closed.push_back((attempt.key, party));
        }
        let at = confirmed.map_or(attempt.last, |(_, answered)| answered).max(party.end);
        // Those that the end of the record closes come in order of client.
        let ended = Ended { party, at, confirmed };
        if state.ended.back().is_none_or(|last| last.at <= at) {
            state.ended.push_back(ended);
        } else {
            let place = state.ended.iter().rposition(|other| other.at <= at).map_or(0, |before| before + 1);
            state.ended.insert(place, ended);
        }
        if state.ended.len() > MOST_ENDED {
            state.ended.pop_front();
        }
        Some(state)
    }

    fn look_first(&mut self) {
        if let Some((key, party)) = self.closed.pop_front() {
            self.blind.look(key, &party, &self.keys[key as usize].truth);
        }
    }

    fn answer_first(&mut self) {
        let Some(question) = self.waiting.pop_front() else { return };
        let Question { double, place, earlier, later, foreign, renewed } = &question;
        let identity = |client: u32| self.identities.get(client as usize).copied().flatten();
        let one_identity = earlier.client != later.client
            && identity(earlier.client).is_some_and(|digest| identity(later.client) == Some(digest));
        let truth = &self.keys[double.key as usize].truth;
        let (kind, faults, asked) = (double.kind, &self.faults[..], self.asked);
        let case = Case { kind, earlier, later, foreign, renewed, truth, asked, faults, one_identity };
        let found = decide(&case);
        self.causes.add(found.cause);
        if let Some(kept) = place.and_then(|place| self.kept.get_mut(place)) {
            *kept = found;
        }
    }
}

/// Takes out what no open attempt and no hold beside it can meet any more.
fn prune(ended: &mut VecDeque<Ended>, oldest: u64) {
    let reaching = ended.iter().filter(|one| one.party.end > oldest).map(|one| one.party.invoke).min();
    let floor = reaching.map_or(oldest, |invoke| invoke.min(oldest));
    while ended.front().is_some_and(|one| one.at < floor) {
        ended.pop_front();
    }
}

/// The attempt of a hold; where it is not remembered, what the hold itself tells.
fn party_of(state: &KeyState, hold: &HoldFacts) -> Party {
    let from = state.ended.partition_point(|one| one.at < hold.end_ns);
    let near = state.ended.iter().skip(from).take(MOST_ENDED);
    let found = near.take_while(|one| one.at <= hold.end_ns || one.party.start <= one.at).find(|one| one.is(hold));
    found.map_or_else(|| Party::bare(hold), |one| one.party)
}

/// Confirmed releases, between the grants of a pair, of attempts that had been granted the key before the earlier:
/// the nearest to the later grant.
fn foreign(state: &KeyState, earlier: &Party, later: &Party) -> Vec<Ended> {
    let to = state.ended.partition_point(|one| one.at <= later.start);
    let fits = |one: &&Ended| {
        let sent_before = one.confirmed.is_some_and(|(sent, _)| sent <= later.start);
        // A greater token is of a later grant, of which the earlier one's client heard after it.
        let granted_after = one.party.token.zip(earlier.token).is_some_and(|(other, earlier)| other > earlier);
        sent_before && !granted_after && one.party.start < earlier.start && one.at >= earlier.invoke
    };
    let before = state.ended.iter().take(to).rev().take(RELEASES);
    let around = state.ended.iter().skip(to).take(RELEASES);
    before.chain(around).filter(fits).copied().collect()
}

/// Confirmed renewals of the earlier hold of a pair, and late ones of those that were granted the key before it.
fn renewed(state: &KeyState, earlier: &Party) -> Vec<Renewed> {
    let tells = |one: &&Renewed| one.is_of(earlier) || (one.late() && one.start < earlier.start);
    state.renewed.iter().filter(tells).copied().collect()
}
