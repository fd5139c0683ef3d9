//! Overlaps that are possible but not certain. An *uncertain hold* exists only
//! for an attempt whose acquire or release outcome is unknown, or whose client
//! died: from that call's invoke to the instant at which it has surely ended.
//! `overlaps_possible` counts the grants whose hold overlaps another attempt's
//! uncertain hold. Waiting is never part of a hold: a perfect FIFO lock with 64
//! clients would else show 62 "possible" overlaps a grant.

use std::collections::VecDeque;

use super::checker::Checker;
use super::open::OpenAttempts;
use crate::record::attempt::{Attempt, Change, End, Transition};
use crate::record::history::Judged;
use crate::record::{Mode, Sparse};

#[derive(Clone, Copy)]
struct Certain {
    client: u32,
    mode: Mode,
    start: u64,
    end: Option<u64>,
    counted: bool,
}

/// A hold that may have been.
#[derive(Clone, Copy)]
struct Uncertain {
    mode: Mode,
    start: u64,
    end: u64,
}

/// Two shared holds are no overlap.
fn exclude(one: Mode, other: Mode) -> bool {
    (one, other) != (Mode::Shared, Mode::Shared)
}

#[derive(Default)]
struct KeyState {
    /// Certain holds that an uncertain one may still reach back to.
    holds: VecDeque<Certain>,
    uncertain: Vec<Uncertain>,
}

/// The checker.
pub struct Possible {
    keys: Sparse<KeyState>,
}

impl Possible {
    /// A checker for so many keys.
    #[must_use]
    pub fn new(keys: u32) -> Self {
        Self { keys: Sparse::new(keys) }
    }

    /// Certain and uncertain holds of a key that are still needed.
    #[cfg(test)]
    pub(super) fn remembered(&self, key: u32) -> (usize, usize) {
        let state = &self.keys[key as usize];
        (state.holds.len(), state.uncertain.len())
    }

    /// A certain hold starts at `t`. Returns how many overlaps that makes, as the others do.
    fn granted(&mut self, attempt: &Attempt, t: u64, open: &OpenAttempts) -> u64 {
        let Attempt { client, key, mode, .. } = *attempt;
        let state = &mut self.keys[key as usize];
        // A hold whose end was lost: all that is certain of it is its start.
        if let Some(hold) = state.holds.iter_mut().find(|hold| hold.client == client && hold.end.is_none()) {
            hold.end = Some(hold.start);
        }
        let oldest = open.oldest(key).unwrap_or(t);
        while state.holds.front().is_some_and(|hold| hold.end.is_some_and(|end| end <= oldest)) {
            state.holds.pop_front();
        }
        // Starts inside an uncertain hold: overlaps it, unless it turns out to be of no length at its very start.
        let counted = state.uncertain.iter().any(|one| exclude(one.mode, mode) && one.start < t && t < one.end);
        state.holds.push_back(Certain { client, mode, start: t, end: None, counted });
        state.uncertain.retain(|one| one.end > oldest);
        u64::from(counted)
    }

    /// A certain hold ends at `t`.
    fn released(&mut self, client: u32, key: u32, t: u64) -> u64 {
        let state = &mut self.keys[key as usize];
        if let Some(hold) = state.holds.iter_mut().rev().find(|hold| hold.client == client && hold.end.is_none()) {
            hold.end = Some(t);
            let meets = |one: &Uncertain| exclude(one.mode, hold.mode) && hold.start < one.end && one.start < t;
            if !hold.counted && state.uncertain.iter().any(meets) {
                hold.counted = true;
                return 1;
            }
        }
        0
    }

    /// An attempt left an uncertain hold behind. Its own certain hold, if it had
    /// one, ended where this starts.
    fn uncertain(&mut self, attempt: &Attempt, (start, end): (u64, u64), open: &OpenAttempts) -> u64 {
        let Attempt { key, mode, .. } = *attempt;
        let state = &mut self.keys[key as usize];
        let mut overlaps = 0;
        for hold in &mut state.holds {
            let Some(hold_end) = hold.end else { continue };
            if !hold.counted && exclude(mode, hold.mode) && hold.start < end && start < hold_end {
                hold.counted = true;
                overlaps += 1;
            }
        }
        // Only those that no other contains, and that an open attempt may still reach:
        // a dead server leaves unknown outcomes by the thousand, some of them without an end.
        let oldest = open.oldest(key).unwrap_or(start);
        let alike = |one: &Uncertain| one.mode == mode;
        if !state.uncertain.iter().any(|one| alike(one) && one.start <= start && end <= one.end) {
            state.uncertain.retain(|one| one.end > oldest && !(alike(one) && start <= one.start && one.end <= end));
            state.uncertain.push(Uncertain { mode, start, end });
        }
        overlaps
    }
}

impl Checker for Possible {
    fn check(&mut self, transition: &Transition<'_>, open: &OpenAttempts, judged: &mut Judged) {
        let Attempt { client, key, .. } = *transition.attempt;
        let t = transition.event.t;
        judged.overlaps_possible += match transition.change {
            Change::Granted => self.granted(transition.attempt, t, open),
            Change::Left(_) => self.released(client, key, t),
            Change::Ended(end) => {
                let last = transition.attempt.last;
                let died = if matches!(end, End::Died { .. }) { self.released(client, key, last) } else { 0 };
                let uncertain = transition.attempt.uncertain(end);
                died + uncertain.map_or(0, |span| self.uncertain(transition.attempt, span, open))
            }
            Change::Begun | Change::Renewed { .. } | Change::Stopped | Change::Lost | Change::Tool => 0,
        };
    }
}
