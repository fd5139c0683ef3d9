//! Overlaps that are possible but not certain. An *uncertain hold* exists only
//! for an attempt whose acquire or release outcome is unknown, or whose client
//! died: from that call's invoke to the instant at which it has surely ended.
//! `overlaps_possible` counts the grants whose hold overlaps another attempt's
//! uncertain hold; of a semaphore those at whose start, with what may be held besides, its permits are all taken, and
//! those inside of which an uncertain hold starts that may be one too many. Waiting is never part of a hold: a perfect FIFO lock with 64
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

/// Two shared holds are no overlap; of permits it is their number that counts.
fn exclude(one: Mode, other: Mode) -> bool {
    !matches!((one, other), (Mode::Shared, Mode::Shared) | (Mode::Permits { .. }, Mode::Permits { .. }))
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

/// With more uncertain holds than this of a key's permits it is not counted any more how many there may be at once: each
/// hold that overlaps one counts.
const MOST_UNCERTAIN: usize = 256;

impl KeyState {
    /// How many permits are or may be taken at an instant, without those of a hold and of an uncertain one.
    fn taken(&self, t: u64, but: Option<usize>, but_uncertain: Option<usize>) -> usize {
        let held = |(place, hold): &(usize, &Certain)| {
            Some(*place) != but && hold.start <= t && hold.end.is_none_or(|end| t <= end)
        };
        let may_be = |(place, one): &(usize, &Uncertain)| Some(*place) != but_uncertain && one.covers(t);
        self.holds.iter().enumerate().filter(held).count() + self.uncertain.iter().enumerate().filter(may_be).count()
    }

    /// Counts each hold of a permit at whose start all permits may be taken, one of them by an uncertain hold; and each
    /// inside of which an uncertain one starts that may be one too many. What becomes known later adds to them.
    fn exceeded(&mut self, of: u32) -> u64 {
        let (of, many) = (of as usize, self.uncertain.len() > MOST_UNCERTAIN);
        let mut found = 0;
        for place in (0..self.holds.len()).filter(|place| !self.holds[*place].counted).collect::<Vec<_>>() {
            let hold = self.holds[place];
            let unsure = self.uncertain.iter().any(|one| one.covers(hold.start));
            let at_start = unsure && (many || self.taken(hold.start, Some(place), None) >= of);
            let later = self.uncertain.iter().enumerate().any(|(other, one)| {
                let inside = hold.start < one.start && hold.end.is_some_and(|end| one.start < end);
                inside && (many || self.taken(one.start, None, Some(other)) >= of)
            });
            if at_start || later {
                self.holds[place].counted = true;
                found += 1;
            }
        }
        found
    }
}

impl Uncertain {
    fn covers(&self, t: u64) -> bool {
        self.start <= t && t < self.end
    }
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
        // At the end of its hold a permit is still taken.
        let reach = |end: u64| if matches!(mode, Mode::Permits { .. }) { end + 1 } else { end };
        while state.holds.front().is_some_and(|hold| hold.end.is_some_and(|end| reach(end) <= oldest)) {
            state.holds.pop_front();
        }
        // Starts inside an uncertain hold: overlaps it, unless it turns out to be of no length at its very start.
        let counted = state.uncertain.iter().any(|one| exclude(one.mode, mode) && one.start < t && t < one.end);
        state.holds.push_back(Certain { client, mode, start: t, end: None, counted });
        state.uncertain.retain(|one| one.end > oldest);
        match mode {
            Mode::Permits { of } if !state.uncertain.is_empty() => state.exceeded(of),
            _ => u64::from(counted),
        }
    }

    /// A certain hold ends at `t`.
    fn released(&mut self, client: u32, key: u32, t: u64) -> u64 {
        let state = &mut self.keys[key as usize];
        if let Some(hold) = state.holds.iter_mut().rev().find(|hold| hold.client == client && hold.end.is_none()) {
            hold.end = Some(t);
            if let Mode::Permits { of } = hold.mode {
                return if state.uncertain.is_empty() { 0 } else { state.exceeded(of) };
            }
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
        // Only those that no other contains, and that an open attempt may still reach:
        // a dead server leaves unknown outcomes by the thousand, some of them without an end.
        let oldest = open.oldest(key).unwrap_or(start);
        if let Mode::Permits { of } = mode {
            // Of these each counts.
            state.uncertain.retain(|one| one.end > oldest);
            state.uncertain.push(Uncertain { mode, start, end });
            return state.exceeded(of);
        }
        let mut overlaps = 0;
        for hold in &mut state.holds {
            let Some(hold_end) = hold.end else { continue };
            if !hold.counted && exclude(mode, hold.mode) && hold.start < end && start < hold_end {
                hold.counted = true;
                overlaps += 1;
            }
        }
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
