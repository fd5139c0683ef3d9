//! Mutual exclusion: double grants under three policies, from the same events.
//!
//! * *naive*: the hold runs from `acquire_ok` to `release_invoke`, whatever the
//!   lease does (what most programs do);
//! * *deadline*: cut at the local validity (what a careful client does);
//! * *evidence*: the whole hold if the server confirmed the release as holder,
//!   else up to the asking of the last confirmed renewal, else nothing (what the
//!   server itself has admitted).
//!
//! A double grant is a grant that starts inside another attempt's hold, counted
//! once per grant. Its kind is decided by the earlier holder's *promise*: the local
//! validity as granted and as extended by confirmed renewals; without a lease, until
//! its release. A lost signal never shortens a promise: it says that the service took
//! the lock back early. It may come before or after the other grant, so the kind is
//! known when the earlier hold is closed. Holds of a key wait here in order of start
//! until the first of them is closed, so memory is O(holds younger than the oldest
//! open one).

use std::collections::VecDeque;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::cover::Cover;
use super::kind::{DoubleGrantKind, stored_kind};
use super::stall::Stalls;
use crate::record::{Event, ReleaseKind, RenewalOutcome, Sparse, What};

/// Violations kept in full.
pub const KEPT: usize = 100;

/// One hold as the report tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HoldFacts {
    /// Client number.
    pub client: u32,
    /// Fencing token, if offered.
    pub token: Option<u64>,
    /// `acquire_ok`.
    pub start_ns: u64,
    /// `release_invoke`.
    pub end_ns: u64,
    /// Until when the service had promised it: as granted, and as extended by confirmed
    /// renewals; `null`: no lease limits it.
    pub validity_ns: Option<u64>,
    /// When its session first learned that the lock was lost before its end; `null`: it
    /// never did.
    #[serde(default)]
    pub lost_ns: Option<u64>,
}

/// A double grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DoubleGrant {
    /// Key index.
    pub key: u32,
    /// What had become of the earlier holder's promise. Stored runs of older versions
    /// have `inside` in its place, true or false.
    #[serde(alias = "inside", deserialize_with = "stored_kind")]
    #[schemars(with = "DoubleGrantKind")]
    pub kind: DoubleGrantKind,
    /// Does the evidence policy confirm it too: did the server itself admit both holds?
    #[serde(default)]
    pub admitted: bool,
    /// The hold that was still open.
    pub earlier: HoldFacts,
    /// The grant that started inside of it.
    pub later: HoldFacts,
}

/// Totals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExclusionCounts {
    /// Double grants under the naive policy.
    pub naive: u64,
    /// Of these, with the earlier holder's promise still running.
    pub inside: u64,
    /// Of these, with a promise that the service took back early and said so.
    pub withdrawn: u64,
    /// Of these, with the earlier holder's lease lawfully over.
    pub outside: u64,
    /// Of the withdrawn ones, those that the server itself admitted.
    pub withdrawn_admitted: u64,
    /// Of the outside ones, those that the server itself admitted.
    pub outside_admitted: u64,
    /// Of the outside ones, those during which this process itself was stalled; none
    /// that the server itself admitted.
    pub outside_stalled: u64,
    /// Double grants under the deadline policy.
    pub deadline: u64,
    /// Double grants under the evidence policy: what the server itself admitted.
    pub evidence: u64,
}

#[derive(Clone, Copy)]
struct Hold {
    client: u32,
    token: Option<u64>,
    start: u64,
    /// End under the naive policy, once known.
    end: Option<u64>,
    /// Local validity as granted and as extended so far.
    promise: u64,
    /// When the session first learned that the lock was lost.
    lost: Option<u64>,
    /// When the last confirmed renewal was asked for.
    renewal_invoke: Option<u64>,
    /// End under the evidence policy, once the attempt is over.
    proven: Option<Option<u64>>,
}

impl Hold {
    fn facts(&self) -> HoldFacts {
        HoldFacts {
            client: self.client,
            token: self.token,
            start_ns: self.start,
            end_ns: self.end.unwrap_or(self.start),
            validity_ns: (self.promise != u64::MAX).then_some(self.promise),
            lost_ns: self.lost,
        }
    }

    /// Until when a careful client believes in it: a lost signal ends that, and not the promise.
    fn belief(&self) -> u64 {
        self.lost.map_or(self.promise, |lost| lost.min(self.promise))
    }
}

#[derive(Default)]
struct KeyState {
    /// Holds in order of start; the first one is still open.
    holds: VecDeque<Hold>,
    /// Number of the first hold in `holds`.
    base: u64,
    naive: Cover<HoldFacts>,
    /// Promises of holds that no lost signal ended.
    kept: Cover<HoldFacts>,
    /// Promises of holds that were lost before their end.
    withdrawn: Cover<HoldFacts>,
    deadline: Cover<()>,
    evidence: Cover<()>,
    /// End of the hold that reached furthest so far.
    reach: Option<u64>,
    /// Did a hold ever start before another was surely over, or in the same instant?
    touched: bool,
}

/// The checker.
pub struct Exclusion {
    keys: Sparse<KeyState>,
    /// Per client: key and number of its open hold.
    open: Vec<Option<(u32, u64)>>,
    last_event: Vec<u64>,
    counts: ExclusionCounts,
    kept: Vec<DoubleGrant>,
    fresh: Option<u64>,
    stalls: Stalls,
    /// Start second (since `origin`) of each double grant, counted.
    per_second: Vec<u64>,
    origin: u64,
}

impl Exclusion {
    /// A checker for so many clients and keys. `origin`: start of the time series.
    #[must_use]
    pub fn new(clients: u32, keys: u32, origin: u64) -> Self {
        Self {
            keys: Sparse::new(keys),
            open: vec![None; clients as usize],
            last_event: vec![0; clients as usize],
            counts: ExclusionCounts::default(),
            kept: Vec::new(),
            fresh: None,
            stalls: Stalls::default(),
            per_second: Vec::new(),
            origin,
        }
    }

    /// Totals so far.
    #[must_use]
    pub fn counts(&self) -> ExclusionCounts {
        ExclusionCounts { outside_stalled: self.stalls.stalled(), ..self.counts }
    }

    /// Double grants under the naive policy so far.
    #[must_use]
    pub fn naive(&self) -> u64 {
        self.counts.naive
    }

    /// Start of the first double grant found since the last time of asking.
    pub fn take_fresh(&mut self) -> Option<u64> {
        self.fresh.take()
    }

    /// The first violations in full.
    #[must_use]
    pub fn kept(&self) -> &[DoubleGrant] {
        &self.kept
    }

    /// Double grants a second of the time series.
    #[must_use]
    pub fn per_second(&self) -> &[u64] {
        &self.per_second
    }

    /// Can two clients have been inside a key at once? Yes also where one hold
    /// ended in the very instant in which another one began: no double grant.
    #[must_use]
    pub fn touched(&self, key: u32) -> bool {
        self.keys.get(key as usize).is_some_and(|state| state.touched)
    }

    /// Holds of a key that wait for their judgement.
    #[cfg(test)]
    pub(super) fn remembered(&self, key: u32) -> usize {
        self.keys[key as usize].holds.len()
    }

    /// The next event, in order of time.
    pub fn observe(&mut self, event: &Event) {
        if let What::SelfStall { from } = event.what {
            self.stalls.observe(from, event.t);
        }
        if event.what.is_of_nobody() {
            return;
        }
        // A client starts another attempt inside of a hold only where events were lost.
        if matches!(event.what, What::Invoke { .. } | What::Acquired { .. }) {
            self.close(event.client, false);
        }
        match event.what {
            What::Acquired { token, validity, .. } => self.start(event, token, validity),
            What::Renewed { invoke, outcome: RenewalOutcome::Confirmed, validity } => {
                self.change(event.client, |hold| {
                    // A renewal that comes after the promise's end cannot bring back the careful client.
                    if event.t <= hold.promise {
                        hold.promise = hold.promise.max(validity);
                    }
                    hold.renewal_invoke = Some(invoke);
                });
            }
            What::Lost { at } => self.change(event.client, |hold| {
                hold.lost = Some(hold.lost.map_or(at, |lost| lost.min(at)));
            }),
            What::ReleaseInvoke { .. } => self.change(event.client, |hold| hold.end = Some(event.t)),
            What::Released { release, .. } => self.close(event.client, release == ReleaseKind::Confirmed),
            What::Died { .. } => {
                self.last_event[event.client as usize] = event.t;
                self.close(event.client, false);
            }
            What::Renewed { .. } | What::Invoke { .. } | What::Denied { .. } => {}
            What::SelfStall { .. } | What::PauseBegins | What::Paused { .. } | What::Marker { .. } => {}
        }
        self.last_event[event.client as usize] = event.t;
    }

    /// Closes what is still open at the end of the stream.
    pub fn finish(&mut self) {
        for client in 0..self.open.len() {
            self.close(client as u32, false);
        }
        self.stalls.finish();
    }

    fn start(&mut self, event: &Event, token: Option<u64>, validity: u64) {
        let state = &mut self.keys[event.key as usize];
        let number = state.base + state.holds.len() as u64;
        state.holds.push_back(Hold {
            client: event.client,
            token,
            start: event.t,
            end: None,
            promise: validity,
            lost: None,
            renewal_invoke: None,
            proven: None,
        });
        self.open[event.client as usize] = Some((event.key, number));
    }

    fn change(&mut self, client: u32, change: impl FnOnce(&mut Hold)) {
        if let Some((key, number)) = self.open[client as usize] {
            let state = &mut self.keys[key as usize];
            if let Some(hold) = state.holds.get_mut((number - state.base) as usize) {
                change(hold);
            }
        }
    }

    /// Closes a client's hold, if it has one open. Without a `release_invoke` it
    /// lasted to the client's last event inside of it.
    fn close(&mut self, client: u32, confirmed: bool) {
        let Some((key, _)) = self.open[client as usize] else { return };
        let last = self.last_event[client as usize];
        self.change(client, |hold| {
            let end = *hold.end.get_or_insert(last);
            hold.proven = Some(if confirmed { Some(end) } else { hold.renewal_invoke });
        });
        self.open[client as usize] = None;
        self.settle(key);
    }

    /// Judges the closed holds at the front of a key's queue.
    fn settle(&mut self, key: u32) {
        loop {
            let state = &mut self.keys[key as usize];
            let Some(hold) = state.holds.front().copied() else { return };
            let (Some(end), Some(proven)) = (hold.end, hold.proven) else { return };
            state.holds.pop_front();
            state.base += 1;
            self.judge(key, &hold, end, proven);
        }
    }

    fn judge(&mut self, key: u32, hold: &Hold, end: u64, proven: Option<u64>) {
        let state = &mut self.keys[key as usize];
        let (start, facts) = (hold.start, hold.facts());
        state.touched |= state.reach.is_some_and(|reach| reach >= start);
        state.reach = state.reach.max(Some(end));
        // The worst that holds of any earlier holder is the kind.
        let broken = state.kept.test(start, end).map(|earlier| (DoubleGrantKind::Inside, earlier));
        let withdrawn = state.withdrawn.test(start, end).map(|earlier| (DoubleGrantKind::Withdrawn, earlier));
        let naive = state.naive.test(start, end).map(|earlier| (DoubleGrantKind::Outside, earlier));
        state.naive.add(start, end, facts);
        if hold.promise >= start {
            let promises = if hold.lost.is_some() { &mut state.withdrawn } else { &mut state.kept };
            promises.add(start, end.min(hold.promise), facts);
        }
        if hold.belief() >= start {
            let cut = end.min(hold.belief());
            self.counts.deadline += u64::from(state.deadline.test(start, cut).is_some());
            state.deadline.add(start, cut, ());
        }
        let mut admitted = false;
        if let Some(proven) = proven.filter(|proven| *proven >= start) {
            let proven = proven.min(end);
            admitted = state.evidence.test(start, proven).is_some();
            state.evidence.add(start, proven, ());
        }
        if let Some((kind, earlier)) = broken.or(withdrawn).or(naive) {
            self.report(DoubleGrant { key, kind, admitted, earlier, later: facts });
        }
    }

    fn report(&mut self, double: DoubleGrant) {
        self.counts.naive += 1;
        self.fresh.get_or_insert(double.later.start_ns);
        let admitted = u64::from(double.admitted);
        self.counts.evidence += admitted;
        match double.kind {
            DoubleGrantKind::Inside => self.counts.inside += 1,
            DoubleGrantKind::Withdrawn => {
                self.counts.withdrawn += 1;
                self.counts.withdrawn_admitted += admitted;
            }
            DoubleGrantKind::Outside => {
                self.counts.outside += 1;
                self.counts.outside_admitted += admitted;
                // A stall of ours explains no double grant that the server itself admits.
                if !double.admitted {
                    self.stalls.ask(double.earlier.start_ns, double.later.start_ns);
                }
            }
        }
        let second = (double.later.start_ns.saturating_sub(self.origin) / 1_000_000_000) as usize;
        if self.per_second.len() <= second {
            self.per_second.resize(second + 1, 0);
        }
        self.per_second[second] += 1;
        if self.kept.len() < KEPT {
            self.kept.push(double);
        }
    }
}
