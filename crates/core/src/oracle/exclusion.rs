//! Mutual exclusion: double grants under three policies, from the same events.
//!
//! * *naive*: the hold runs from `acquire_ok` to `release_invoke`, whatever the
//!   lease does (what most programs do);
//! * *deadline*: cut at the local validity (what a careful client does);
//! * *evidence*: the whole hold if the server confirmed the release as holder,
//!   else up to the asking of the last confirmed renewal, else nothing (what the
//!   server itself has admitted).
//!
//! A shared hold excludes exclusive ones only. Of a semaphore as many may hold as it has permits: a grant that starts
//! inside as many holds or more is a double grant (`permits.rs`).
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

use super::checker::Checker;
use super::cover::Cover;
use super::kind::{DoubleGrantKind, stored_kind};
use super::open::OpenAttempts;
use super::permits::Permits;
use super::stall::Stalls;
use crate::record::attempt::{Attempt, Attempts, Change, End, Hold, PerAttempt, Transition};
use crate::record::history::Judged;
use crate::record::{Mode, ReleaseKind, Sparse, What};

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
    /// What it excludes; left out where that is all others.
    #[serde(default, skip_serializing_if = "Mode::is_exclusive")]
    pub mode: Mode,
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

/// What explains double grants, beside what [`Judged`] counts of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExclusionCounts {
    /// Of the withdrawn ones, those that the server itself admitted.
    pub withdrawn_admitted: u64,
    /// Of the outside ones, those that the server itself admitted.
    pub outside_admitted: u64,
    /// Of the outside ones, those during which this process itself was stalled; none
    /// that the server itself admitted.
    pub outside_stalled: u64,
}

/// A hold that is over, and waits for its judgement.
#[derive(Clone, Copy)]
pub(super) struct Held {
    client: u32,
    mode: Mode,
    pub(super) hold: Hold,
    /// The attempt's last event.
    last: u64,
    /// Did the server confirm the release as that of the holder?
    confirmed: bool,
}

/// The end of a hold under each policy; `None`: nothing of it counts there.
#[derive(Clone, Copy)]
pub(super) struct Ends {
    pub naive: u64,
    /// Of what the service had promised.
    pub promised: Option<u64>,
    pub deadline: Option<u64>,
    pub evidence: Option<u64>,
}

impl Held {
    /// End under the naive policy. Without a `release_invoke` it lasted to the attempt's last
    /// event inside of it.
    fn end(&self) -> u64 {
        self.hold.left.unwrap_or(self.last)
    }

    /// End under the evidence policy; `None`: the server admitted nothing of it.
    fn proven(&self) -> Option<u64> {
        if self.confirmed { Some(self.end()) } else { self.hold.renewal_invoke }
    }

    pub(super) fn ends(&self) -> Ends {
        let (start, end) = (self.hold.start, self.end());
        let from_start = |until: u64| (until >= start).then(|| until.min(end));
        Ends {
            naive: end,
            promised: from_start(self.hold.promise),
            deadline: from_start(self.belief()),
            evidence: self.proven().and_then(from_start),
        }
    }

    pub(super) fn facts(&self) -> HoldFacts {
        HoldFacts {
            client: self.client,
            token: self.hold.token,
            start_ns: self.hold.start,
            end_ns: self.end(),
            validity_ns: (self.hold.promise != u64::MAX).then_some(self.hold.promise),
            lost_ns: self.hold.lost,
            mode: self.mode,
        }
    }

    /// Until when a careful client believes in it: a lost signal ends that, and not the promise.
    fn belief(&self) -> u64 {
        self.hold.lost.map_or(self.hold.promise, |lost| lost.min(self.hold.promise))
    }
}

/// The holds of one mode so far, under each policy.
#[derive(Default)]
struct Covers {
    naive: Cover<HoldFacts>,
    /// Promises of holds that no lost signal ended.
    kept: Cover<HoldFacts>,
    /// Promises of holds that were lost before their end.
    withdrawn: Cover<HoldFacts>,
    deadline: Cover<()>,
    evidence: Cover<()>,
    /// End of the hold that reached furthest so far.
    reach: Option<u64>,
}

#[derive(Default)]
struct KeyState {
    /// Holds in order of start, `None` while it is open; so is the first.
    holds: VecDeque<Option<Held>>,
    /// Number of the first hold in `holds`.
    base: u64,
    /// The last one judged, where nothing before it reaches its start: then it is all that the next can meet, and
    /// no cover knows of it yet.
    alone: Option<Held>,
    exclusive: Covers,
    /// Of shared holds, which exclude only exclusive ones; `None`: there was none yet.
    shared: Option<Box<Covers>>,
    /// Of holders of permits; `None`: there was none yet.
    permits: Option<Box<Permits>>,
    /// Did a hold ever start before another that excludes it was surely over, or in the same instant?
    touched: bool,
}

impl KeyState {
    /// Takes the first hold off, if it is over.
    fn next_closed(&mut self) -> Option<Held> {
        let held = (*self.holds.front()?)?;
        self.holds.pop_front();
        self.base += 1;
        Some(held)
    }

    /// Judges a hold; they come in order of start.
    fn judge(&mut self, key: u32, held: &Held, judged: &mut Judged) -> Option<DoubleGrant> {
        if let Mode::Permits { of } = held.mode {
            let permits = self.permits.get_or_insert_default();
            self.touched |= permits.all_taken(of, held);
            return permits.judge((key, of), held, judged);
        }
        let shares = held.mode == Mode::Shared;
        let reaches = |covers: &Covers| covers.reach.is_some_and(|reach| reach >= held.hold.start);
        let met_shared = self.shared.as_deref().is_some_and(reaches);
        let met = reaches(&self.exclusive) || (met_shared && !shares);
        self.touched |= met;
        let plain = !met && !met_shared && !shares;
        let covers = if shares { &mut **self.shared.get_or_insert_default() } else { &mut self.exclusive };
        covers.reach = covers.reach.max(Some(held.end()));
        if plain {
            self.alone = Some(*held);
            return None;
        }
        if let Some(alone) = self.alone.take() {
            self.exclusive = Covers { reach: self.exclusive.reach, ..Covers::default() };
            self.meet(key, &alone, judged);
        }
        self.meet(key, held, judged)
    }

    /// Tests a hold against the covers of what it excludes, and adds it to those of its mode.
    fn meet(&mut self, key: u32, held: &Held, judged: &mut Judged) -> Option<DoubleGrant> {
        let (hold, facts) = (&held.hold, held.facts());
        let Ends { naive: end, promised, deadline: cut, evidence: proven } = held.ends();
        let start = hold.start;
        let shares = held.mode == Mode::Shared;
        let mut worst: Option<(DoubleGrantKind, HoldFacts)> = None;
        let (mut deadline, mut admitted) = (false, false);
        let others = self.shared.as_deref_mut().filter(|_| !shares);
        for covers in [Some(&mut self.exclusive), others].into_iter().flatten() {
            // The worst that holds of any earlier holder is the kind.
            let broken = covers.kept.test(start, end).map(|earlier| (DoubleGrantKind::Inside, earlier));
            let withdrawn = covers.withdrawn.test(start, end).map(|earlier| (DoubleGrantKind::Withdrawn, earlier));
            let naive = covers.naive.test(start, end).map(|earlier| (DoubleGrantKind::Outside, earlier));
            let found = broken.or(withdrawn).or(naive);
            if found.is_some_and(|(kind, _)| worst.is_none_or(|(before, _)| kind < before)) {
                worst = found;
            }
            deadline |= cut.is_some_and(|cut| covers.deadline.test(start, cut).is_some());
            admitted |= proven.is_some_and(|proven| covers.evidence.test(start, proven).is_some());
        }
        let own = if shares { &mut **self.shared.get_or_insert_default() } else { &mut self.exclusive };
        own.naive.add(start, end, facts);
        if let Some(promised) = promised {
            let promises = if hold.lost.is_some() { &mut own.withdrawn } else { &mut own.kept };
            promises.add(start, promised, facts);
        }
        if let Some(cut) = cut {
            judged.deadline += u64::from(deadline);
            own.deadline.add(start, cut, ());
        }
        if let Some(proven) = proven {
            own.evidence.add(start, proven, ());
        }
        let (kind, earlier) = worst?;
        Some(DoubleGrant { key, kind, admitted, earlier, later: facts })
    }
}

/// The checker.
pub struct Exclusion {
    keys: Sparse<KeyState>,
    /// Per attempt: number of its open hold among those of the key.
    open: PerAttempt<Option<u64>>,
    counts: ExclusionCounts,
    kept: Vec<DoubleGrant>,
    fresh: Option<u64>,
    /// Found since the last time of asking, with its place in `kept`.
    reported: Vec<(DoubleGrant, Option<usize>)>,
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
            open: PerAttempt::new(clients),
            counts: ExclusionCounts::default(),
            kept: Vec::new(),
            fresh: None,
            reported: Vec::new(),
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

    /// Start of the first double grant found since the last time of asking.
    pub fn take_fresh(&mut self) -> Option<u64> {
        self.fresh.take()
    }

    /// Returns whether some were found since the last time of asking.
    pub(super) fn has_reported(&self) -> bool {
        !self.reported.is_empty()
    }

    /// Those found since the last time of asking, with their places among the first violations.
    pub(super) fn take_reported(&mut self) -> Vec<(DoubleGrant, Option<usize>)> {
        std::mem::take(&mut self.reported)
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

    fn start(&mut self, attempt: &Attempt) {
        let state = &mut self.keys[attempt.key as usize];
        *self.open.of(attempt) = Some(state.base + state.holds.len() as u64);
        state.holds.push_back(None);
    }

    /// Closes the hold of an attempt, if it has one open, and judges those that waited for it.
    fn close(&mut self, attempt: &Attempt, confirmed: bool, judged: &mut Judged) {
        let Some(number) = self.open.take(attempt) else { return };
        let Some(hold) = attempt.hold else { return };
        let mut state = &mut self.keys[attempt.key as usize];
        let held = Held { client: attempt.client, mode: attempt.mode, hold, last: attempt.last, confirmed };
        if number > state.base {
            state.holds[(number - state.base) as usize] = Some(held);
            return;
        }
        state.holds.pop_front();
        state.base += 1;
        let mut next = Some(held);
        while let Some(held) = next {
            if let Some(double) = state.judge(attempt.key, &held, judged) {
                self.report(double, judged);
                state = &mut self.keys[attempt.key as usize];
            }
            next = state.next_closed();
        }
    }

    fn report(&mut self, double: DoubleGrant, judged: &mut Judged) {
        judged.double_grants += 1;
        self.fresh.get_or_insert(double.later.start_ns);
        let admitted = u64::from(double.admitted);
        judged.evidence += admitted;
        match double.kind {
            DoubleGrantKind::Inside => judged.inside += 1,
            DoubleGrantKind::Withdrawn => {
                judged.withdrawn += 1;
                self.counts.withdrawn_admitted += admitted;
            }
            DoubleGrantKind::Outside => {
                judged.outside += 1;
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
        let place = (self.kept.len() < KEPT).then_some(self.kept.len());
        self.reported.push((double, place));
        if place.is_some() {
            self.kept.push(double);
        }
    }
}

impl Checker for Exclusion {
    fn check(&mut self, transition: &Transition<'_>, _open: &OpenAttempts, judged: &mut Judged) {
        let attempt = transition.attempt;
        transition.unfinished.iter().for_each(|unfinished| self.close(unfinished, false, judged));
        match transition.change {
            Change::Granted => self.start(attempt),
            Change::Ended(end) => {
                if matches!(transition.event.what, What::Killed { .. }) {
                    // Until that was taken note of the witness counted it, though its hold was over.
                    self.keys[attempt.key as usize].touched = true;
                }
                let confirmed = matches!(end, End::Released { release: ReleaseKind::Confirmed, .. });
                self.close(attempt, confirmed, judged);
            }
            Change::Tool => {
                if let What::SelfStall { from } = transition.event.what {
                    self.stalls.observe(from, transition.event.t);
                }
            }
            Change::Begun | Change::Renewed { .. } | Change::Stopped | Change::Lost | Change::Left(_) => {}
        }
    }

    fn finish(&mut self, attempts: &Attempts, judged: &mut Judged) {
        for attempt in attempts.open() {
            self.close(attempt, false, judged);
        }
        self.stalls.finish();
    }
}
