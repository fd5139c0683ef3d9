//! Fencing tokens must grow. A certain regression: a grant whose token is not
//! above that of a grant that was complete before this one was asked for, or two
//! grants with equal tokens. Other inversions (two requests under way at once)
//! are counted, and are no violation.

use std::collections::VecDeque;

use super::checker::Checker;
use super::open::OpenAttempts;
use crate::record::Sparse;
use crate::record::attempt::{Attempt, Change, PerAttempt, Transition};
use crate::record::history::Judged;

/// State of one key.
#[derive(Default)]
struct KeyTokens {
    /// Highest token granted strictly before `at`, and at `at`.
    before: Option<u64>,
    tied: Option<u64>,
    at: u64,
    /// Grants younger than the oldest open attempt: `acquire_ok` and token.
    recent: VecDeque<(u64, u64)>,
}

impl KeyTokens {
    /// Highest token of the grants complete strictly before `t`.
    fn highest_before(&self, t: u64) -> Option<u64> {
        if t > self.at { self.before.max(self.tied) } else { self.before }
    }

    fn add(&mut self, t: u64, token: u64) {
        if t > self.at {
            self.before = self.before.max(self.tied.take());
            self.at = t;
        }
        self.tied = self.tied.max(Some(token));
        self.recent.push_back((t, token));
    }
}

/// The checker.
pub struct Tokens {
    keys: Sparse<KeyTokens>,
    /// Per attempt: highest token granted before it was invoked.
    floors: PerAttempt<Option<u64>>,
}

impl Tokens {
    /// A checker for so many clients and keys.
    #[must_use]
    pub fn new(clients: u32, keys: u32) -> Self {
        Self { keys: Sparse::new(keys), floors: PerAttempt::new(clients) }
    }

    fn invoked(&mut self, attempt: &Attempt) {
        *self.floors.of(attempt) = self.keys[attempt.key as usize].highest_before(attempt.invoke);
    }

    /// A grant with a token.
    fn granted(&mut self, attempt: &Attempt, t: u64, token: u64, open: &OpenAttempts, judged: &mut Judged) {
        let key = attempt.key;
        let state = &mut self.keys[key as usize];
        let highest = state.before.max(state.tied);
        // A further attempt has no more use of it.
        let floor = if attempt.is_further() { self.floors.take(attempt) } else { *self.floors.of(attempt) };
        if floor.is_some_and(|floor| token <= floor) {
            judged.token_regressions += 1;
        } else if highest.is_some_and(|highest| token <= highest) {
            // Older grants are below the floor, so that equals are among the recent ones.
            if state.recent.iter().any(|(_, recent)| *recent == token) {
                judged.token_regressions += 1;
            } else {
                judged.token_inversions += 1;
            }
        }
        state.add(t, token);
        let oldest = open.oldest(key).unwrap_or(t);
        while state.recent.front().is_some_and(|(granted, _)| *granted < oldest) {
            state.recent.pop_front();
        }
    }
}

impl Checker for Tokens {
    fn check(&mut self, transition: &Transition<'_>, open: &OpenAttempts, judged: &mut Judged) {
        let attempt = transition.attempt;
        match transition.change {
            Change::Begun => self.invoked(attempt),
            Change::Ended(_) if attempt.hold.is_none() => {
                self.floors.take(attempt);
            }
            Change::Granted => {
                if let Some((start, token)) = attempt.hold.as_ref().and_then(|hold| Some((hold.start, hold.token?))) {
                    self.granted(attempt, start, token, open, judged);
                }
            }
            _ => {}
        }
    }
}
