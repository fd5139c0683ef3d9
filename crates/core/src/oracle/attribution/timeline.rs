//! What one server said of one key, in order of time. Between two answers that differ anything may have been: only
//! what lies between two equal answers is certain.

use std::collections::VecDeque;

use super::party::Party;
use crate::record::{Seen, SeenHolder};

/// Most changes that are remembered.
const MOST: usize = 4_096;

/// A stretch in which every answer was the same.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    /// The key was so when this answer was there, at the latest.
    pub from: u64,
    /// And so it was still when this question was asked, at the earliest; before `from` where it was seen once.
    pub until: u64,
    /// When the first answer was there that differs; `u64::MAX`: none yet.
    pub gone: u64,
    pub holder: SeenHolder,
    pub token: u64,
    /// Milliseconds that its lease had left at `until`.
    pub left_ms: u32,
}

impl Span {
    /// Returns whether it shows that hold.
    pub fn shows(&self, party: &Party) -> bool {
        let told = self.token != Seen::NO_TOKEN;
        self.is_of(party.client) && (!told || party.token.is_none_or(|token| token == self.token))
    }

    /// Returns whether nobody else can have had the key during the stretch: the same token is the same grant throughout.
    /// Equal answers without one leave room for another grant between two looks.
    pub fn is_one_grant(&self) -> bool {
        self.token != Seen::NO_TOKEN
    }

    pub fn is_of(&self, client: u32) -> bool {
        self.holder == SeenHolder::Client(client)
    }

    /// When its lease was over at the earliest, by the server's word; `None`: it has none.
    pub fn lease_over(&self) -> Option<u64> {
        (self.left_ms != Seen::NO_LEASE).then(|| self.until.saturating_add(u64::from(self.left_ms) * 1_000_000))
    }
}

/// The answers of one server.
#[derive(Default)]
pub(super) struct Timeline {
    spans: VecDeque<Span>,
}

impl Timeline {
    /// The next answer.
    pub fn see(&mut self, t: u64, seen: &Seen) {
        if let Some(last) = self.spans.back_mut() {
            last.until = last.until.max(seen.before);
            last.left_ms = seen.left_ms;
            if (last.holder, last.token) == (seen.holder, seen.token) {
                return;
            }
            last.gone = t;
        }
        let Seen { holder, token, .. } = *seen;
        self.spans.push_back(Span { from: t, until: 0, gone: u64::MAX, holder, token, left_ms: Seen::NO_LEASE });
        if self.spans.len() > MOST {
            self.spans.pop_front();
        }
    }

    /// What the server surely had at an instant; `None`: that is not known.
    pub fn surely(&self, t: u64) -> Option<&Span> {
        let at = self.spans.partition_point(|span| span.from <= t).checked_sub(1)?;
        self.spans.get(at).filter(|span| t <= span.until && span.holder != SeenHolder::Away)
    }

    /// The last stretch that shows a hold and may have begun by `t`, and what came after it. What was not there any
    /// more when the hold was asked for is of an earlier one of the same client.
    pub fn last_showing(&self, party: &Party, t: u64) -> Option<(&Span, Option<&Span>)> {
        let places = (0..self.spans.len()).rev();
        let mut fits = places.filter(|place| {
            let begun = place.checked_sub(1).map_or(0, |before| self.spans[before].until);
            begun <= t && self.spans[*place].until >= party.invoke && self.spans[*place].shows(party)
        });
        let place = fits.next()?;
        Some((&self.spans[place], self.spans.get(place + 1)))
    }

    /// Returns whether the server surely took in this attempt before its grant was reported.
    pub fn showed(&self, party: &Party) -> bool {
        (1..self.spans.len()).any(|place| {
            let (before, span) = (&self.spans[place - 1], &self.spans[place]);
            before.until >= party.invoke && span.from <= party.start && span.shows(party)
        })
    }

    /// Returns whether the server showed this grant while its client had it.
    pub fn gave(&self, party: &Party) -> bool {
        let during = |span: &Span| span.from <= party.end && span.until.max(span.from) >= party.invoke;
        self.spans.iter().any(|span| during(span) && span.shows(party))
    }

    /// Returns whether the server surely never took in this attempt before its grant was reported: since it was asked for
    /// every answer named another grant, and by their tokens, which rise from grant to grant, none was given between
    /// two answers that could be its own. A grant of which its client hears late is over when it is reported, and was one.
    pub fn never_had(&self, party: &Party) -> bool {
        let at = |t: u64| self.spans.partition_point(|span| span.from <= t).checked_sub(1);
        let (Some(first), Some(last)) = (at(party.invoke), at(party.start)) else { return false };
        let during = || self.spans.range(first..=last);
        let room = |before: &Span, after: &Span| match party.token {
            Some(token) => after.token <= before.token || (before.token < token && token <= after.token),
            None => before.token.checked_add(1) != Some(after.token),
        };
        self.spans[last].until >= party.start
            && during().all(|span| span.is_one_grant() && !span.shows(party))
            && !during().zip(during().skip(1)).any(|(before, after)| room(before, after))
    }

    /// The longest time between two instants, if there is any, in which the server did not answer.
    pub fn away(&self, from: u64, to: u64) -> Option<&Span> {
        let away = |span: &&Span| span.holder == SeenHolder::Away && span.from <= to && span.gone >= from;
        self.spans.iter().filter(away).max_by_key(|span| span.gone.saturating_sub(span.from))
    }
}
