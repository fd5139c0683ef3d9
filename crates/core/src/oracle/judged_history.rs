//! The oracle and the history writer as one observer: where a bounded history is
//! cut, it stores what the oracle has counted by then, so that a replay has
//! something to agree with.

use super::{DoubleGrant, Findings, Oracle};
use crate::record::attempt::{Attempts, Follower, Transition};
use crate::record::history::{Judged, Recorded, TrialHistory};
use crate::record::{Event, Observer};

/// Oracle, and history where one is written.
pub struct JudgedHistory<'a> {
    oracle: Oracle,
    history: Option<TrialHistory<'a>>,
    /// For events that come without their transitions.
    attempts: Attempts,
}

impl<'a> JudgedHistory<'a> {
    /// Of both.
    #[must_use]
    pub fn new(oracle: Oracle, history: Option<TrialHistory<'a>>) -> Self {
        Self { oracle, history, attempts: Attempts::default() }
    }

    /// What the oracle has counted so far.
    #[must_use]
    pub fn judged(&self) -> Judged {
        self.oracle.judged()
    }

    /// The double grants that are kept in full, in the order in which they were found.
    #[must_use]
    pub fn kept(&self) -> &[DoubleGrant] {
        self.oracle.kept()
    }

    /// Double grants found so far, by the second of the trial in which they began.
    #[must_use]
    pub fn per_second(&self) -> &[u64] {
        self.oracle.per_second()
    }

    /// Ends both, where they observed events.
    #[must_use]
    pub fn finish(mut self) -> (Findings, Option<Recorded>) {
        let attempts = std::mem::take(&mut self.attempts);
        self.finish_of(&attempts)
    }

    /// Ends both, where they followed the transitions of these attempts.
    #[must_use]
    pub fn finish_of(self, attempts: &Attempts) -> (Findings, Option<Recorded>) {
        let recorded = self.history.map(TrialHistory::end);
        (self.oracle.finish_of(attempts), recorded)
    }
}

impl Follower for JudgedHistory<'_> {
    fn follow(&mut self, transition: &Transition<'_>) {
        let event = transition.event;
        if let Some(history) = self.history.as_mut().filter(|history| history.cuts(event)) {
            history.cut(event.t, self.oracle.judged());
        }
        // The history comes after the oracle: it looks at what the oracle has just found.
        self.oracle.follow(transition);
        if let Some(history) = &mut self.history {
            history.observe(event);
        }
    }
}

impl Observer for JudgedHistory<'_> {
    fn observe(&mut self, event: &Event) {
        let mut attempts = std::mem::take(&mut self.attempts);
        self.follow(&attempts.observe(event));
        self.attempts = attempts;
    }

    fn pause(&mut self) {
        if let Some(history) = &mut self.history {
            history.pause();
        }
    }
}
