//! Was it correct? Checkers over the ordered stream of events, one a file, the
//! same code live and in replay, covering warm-up, measure and drain. The sweep
//! and its policies are in [`exclusion`]; definitions are given there.
//!
//! Memory is O(open attempts + holds younger than the oldest open attempt of
//! their key), whatever the length of the run.

mod attribution;
mod cause;
pub mod checker;
mod conditions;
mod cover;
mod deadlock;
pub mod exclusion;
mod harm;
mod judged_history;
mod kind;
mod open;
mod permits;
mod possible;
mod recovery;
mod stall;
mod token;

#[cfg(test)]
mod brute;
#[cfg(test)]
mod scripted;

use std::cell::Cell;
use std::rc::Rc;

pub use attribution::{Attribution, Blind, Causes, Fact, FactKind, Missing};
pub use cause::Cause;
pub use conditions::{ConditionFold, Conditions, Reached};
pub use deadlock::{Deadlock, DeadlockFold, Deadlocks, Ending, Waits};
pub use exclusion::{DoubleGrant, Exclusion, ExclusionCounts, HoldFacts};
pub use judged_history::JudgedHistory;
pub use kind::DoubleGrantKind;
pub use recovery::{Gap, Recovered, Stuck};

use self::attribution::Attributor;
use self::checker::Checker;
use self::harm::Harm;
use self::open::OpenAttempts;
use self::possible::Possible;
use self::recovery::Recovery;
use self::token::Tokens;
use crate::record::attempt::{Attempts, Change, Follower, Transition};
use crate::record::history::{Alarm, Judged};
use crate::record::{Event, Mode, Observer};

/// All checkers of one trial.
pub struct Oracle {
    open: OpenAttempts,
    checkers: Checkers,
    attributor: Attributor,
    recovery: Recovery,
    deadlocks: DeadlockFold,
    /// Instant of the last event.
    last: u64,
    judged: Judged,
    violations: Rc<Cell<Alarm>>,
    conditions: ConditionFold,
    /// For events that come without their transitions.
    attempts: Attempts,
}

/// Each of them.
struct Checkers {
    exclusion: Exclusion,
    possible: Possible,
    tokens: Tokens,
    harm: Harm,
}

impl Checkers {
    #[inline]
    fn each(&mut self, mut ask: impl FnMut(&mut dyn Checker)) {
        ask(&mut self.exclusion);
        ask(&mut self.possible);
        ask(&mut self.tokens);
        ask(&mut self.harm);
    }
}

/// What the checkers found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// What all checkers counted.
    pub judged: Judged,
    /// What explains the double grants.
    pub exclusion: ExclusionCounts,
    /// The first of them in full.
    pub double_grants: Vec<DoubleGrant>,
    /// What caused each of these.
    pub attributions: Vec<Attribution>,
    /// How many of all have which cause.
    pub causes: Causes,
    /// How long holders did not know that the servers had lost their locks.
    pub blind: Blind,
    /// How the service came back from what was done to it.
    pub recovered: Recovered,
    /// Where clients waited for each other in a circle.
    pub deadlocks: Deadlocks,
    /// Double grants a second since the start of the warm-up.
    pub per_second: Vec<u64>,
    /// A key on which the witness contradicts the sweep: a bug of lockbench.
    pub contradiction: Option<u32>,
    /// Whether the story of the faults happened.
    pub conditions: Conditions,
}

impl Oracle {
    /// Checkers for a trial with so many clients and keys that starts at `origin`.
    #[must_use]
    pub fn new(clients: u32, keys: u32, origin: u64) -> Self {
        Self {
            open: OpenAttempts::new(keys),
            checkers: Checkers {
                exclusion: Exclusion::new(clients, keys, origin),
                possible: Possible::new(keys),
                tokens: Tokens::new(clients, keys),
                harm: Harm::new(keys),
            },
            attributor: Attributor::new(clients, keys),
            recovery: Recovery::new(keys),
            deadlocks: DeadlockFold::default(),
            last: origin,
            judged: Judged::default(),
            violations: Rc::default(),
            conditions: ConditionFold::new(Vec::new(), Vec::new()),
            attempts: Attempts::default(),
        }
    }

    /// Follows the faults of the trial, too.
    #[must_use]
    pub fn with_conditions(self, conditions: ConditionFold) -> Self {
        let attributor = self.attributor.with_faults_of_clients(conditions.of_clients());
        Self { conditions, attributor, ..self }
    }

    /// The violations so far, for those who act on them live.
    #[must_use]
    pub fn violations(&self) -> Rc<Cell<Alarm>> {
        Rc::clone(&self.violations)
    }

    /// What was counted so far. Holds that are still open are not judged yet, so a
    /// replay of the same events counts the same, and only these.
    #[must_use]
    pub fn judged(&self) -> Judged {
        self.judged
    }

    /// The double grants that are kept in full, in the order in which they were found.
    #[must_use]
    pub fn kept(&self) -> &[DoubleGrant] {
        self.checkers.exclusion.kept()
    }

    /// Double grants found so far, by the second of the trial in which they began.
    #[must_use]
    pub fn per_second(&self) -> &[u64] {
        self.checkers.exclusion.per_second()
    }

    /// Closes what is open and returns what was found, of an oracle that observed events.
    #[must_use]
    pub fn finish(mut self) -> Findings {
        let attempts = std::mem::take(&mut self.attempts);
        self.finish_of(&attempts)
    }

    /// Closes what is open and returns what was found, of an oracle that followed the transitions of these attempts.
    #[must_use]
    pub fn finish_of(mut self, attempts: &Attempts) -> Findings {
        self.attributor.close(attempts);
        self.checkers.each(|checker| checker.finish(attempts, &mut self.judged));
        self.ask_for_causes();
        self.attributor.finish();
        let deadlocks = self.deadlocks.finish(self.last);
        self.judged.deadlocks = deadlocks.found;
        Findings {
            conditions: self.conditions.finish(),
            judged: self.judged,
            exclusion: self.checkers.exclusion.counts(),
            double_grants: self.checkers.exclusion.kept().to_vec(),
            attributions: self.attributor.kept().to_vec(),
            causes: self.attributor.causes(),
            blind: self.attributor.blind(),
            recovered: self.recovery.finish(),
            deadlocks,
            per_second: self.checkers.exclusion.per_second().to_vec(),
            contradiction: self.checkers.harm.contradiction(|key| self.checkers.exclusion.touched(key)),
        }
    }

    fn ask_for_causes(&mut self) {
        for (double, place) in self.checkers.exclusion.take_reported() {
            self.attributor.ask(&double, place);
        }
    }

    /// Tells of new violations. A token regression is found at its grant; a double
    /// grant later, when the holds around it have ended.
    fn tell(&mut self, t: u64) {
        let regressions = self.judged.token_regressions;
        let count = self.judged.double_grants + regressions;
        if count > self.violations.get().count {
            self.violations.set(Alarm { count, regressions, at: self.checkers.exclusion.take_fresh().unwrap_or(t) });
        }
    }

    /// Sizes of what is remembered of a key, for the test that they are bounded.
    #[cfg(test)]
    fn remembered(&self, key: u32) -> (usize, usize, usize) {
        let (holds, uncertain) = self.checkers.possible.remembered(key);
        (self.checkers.exclusion.remembered(key), holds, uncertain)
    }
}

impl Follower for Oracle {
    fn follow(&mut self, transition: &Transition<'_>) {
        if transition.attempt.mode == Mode::Optimistic {
            // Nobody is excluded and nobody believes so: a write over a change is refused, and counted as such.
            self.judged.grants += u64::from(matches!(transition.change, Change::Granted));
            self.last = transition.event.t;
            return;
        }
        self.open.begin(transition);
        self.checkers.each(|checker| checker.check(transition, &self.open, &mut self.judged));
        self.attributor.follow(transition, &self.open);
        self.recovery.follow(transition);
        self.deadlocks.follow(transition);
        self.judged.deadlocks = self.deadlocks.broken();
        self.last = transition.event.t;
        if self.checkers.exclusion.has_reported() {
            self.ask_for_causes();
        }
        self.open.end(transition);
        self.conditions.follow(transition);
        self.judged.grants += u64::from(matches!(transition.change, Change::Granted));
        self.tell(transition.event.t);
    }
}

impl Observer for Oracle {
    fn observe(&mut self, event: &Event) {
        let mut attempts = std::mem::take(&mut self.attempts);
        self.follow(&attempts.observe(event));
        self.attempts = attempts;
    }
}
