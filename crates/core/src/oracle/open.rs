//! The open attempts of each key, oldest first: what bounds the oracle's memory.

use std::collections::VecDeque;

use crate::record::Sparse;
use crate::record::attempt::{Attempt, Change, Transition};

/// Attempts from invoke to their last event.
pub struct OpenAttempts {
    keys: Sparse<VecDeque<(u32, u64)>>,
}

impl OpenAttempts {
    /// None open yet.
    #[must_use]
    pub fn new(keys: u32) -> Self {
        Self { keys: Sparse::new(keys) }
    }

    /// What begins here, before the checkers are asked.
    pub fn begin(&mut self, transition: &Transition<'_>) {
        // Where the end of its last one was lost: an attempt that never ends would hold all memory.
        transition.unfinished.iter().for_each(|unfinished| self.remove(unfinished));
        if matches!(transition.change, Change::Begun) {
            let Attempt { client, key, invoke, .. } = *transition.attempt;
            self.keys[key as usize].push_back((client, invoke));
        }
    }

    /// What ends here, after the checkers were asked.
    pub fn end(&mut self, transition: &Transition<'_>) {
        if matches!(transition.change, Change::Ended(_)) {
            self.remove(transition.attempt);
        }
    }

    fn remove(&mut self, attempt: &Attempt) {
        let attempts = &mut self.keys[attempt.key as usize];
        if let Some(place) = attempts.iter().position(|(client, _)| *client == attempt.client) {
            attempts.remove(place);
        }
    }

    /// Invoke of the oldest open attempt on a key.
    #[must_use]
    pub fn oldest(&self, key: u32) -> Option<u64> {
        self.keys[key as usize].front().map(|(_, t)| *t)
    }
}
