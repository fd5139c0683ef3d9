//! Was it correct? Checkers over the ordered stream of events, one a file, the
//! same code live and in replay, covering warm-up, measure and drain. The sweep
//! and its policies are in [`exclusion`]; definitions are given there.
//!
//! Memory is O(open attempts + holds younger than the oldest open attempt of
//! their key), whatever the length of the run.

mod cover;
pub mod exclusion;
mod harm;
mod judged_history;
mod kind;
mod open;
mod possible;
mod stall;
mod token;

#[cfg(test)]
mod brute;
#[cfg(test)]
mod scripted;

use std::cell::Cell;
use std::rc::Rc;

pub use exclusion::{DoubleGrant, Exclusion, ExclusionCounts, HoldFacts};
pub use harm::HarmCounts;
pub use judged_history::JudgedHistory;
pub use kind::DoubleGrantKind;
pub use token::TokenCounts;

use self::harm::Harm;
use self::open::OpenAttempts;
use self::possible::Possible;
use self::token::Tokens;
use crate::record::history::{Alarm, Judged};
use crate::record::{Denial, Event, Observer, ReleaseKind, What};

/// All checkers of one trial.
pub struct Oracle {
    open: OpenAttempts,
    exclusion: Exclusion,
    possible: Possible,
    tokens: Tokens,
    harm: Harm,
    /// Per client: invoke of the call that is under way; `None` inside a hold.
    calling: Vec<Option<u64>>,
    grants: u64,
    violations: Rc<Cell<Alarm>>,
}

/// What the checkers found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// Double grants.
    pub exclusion: ExclusionCounts,
    /// The first of them in full.
    pub double_grants: Vec<DoubleGrant>,
    /// Double grants a second since the start of the warm-up.
    pub per_second: Vec<u64>,
    /// Grants that possibly overlap an uncertain hold.
    pub overlaps_possible: u64,
    /// Fencing tokens.
    pub tokens: TokenCounts,
    /// What the witness saw.
    pub harm: HarmCounts,
    /// A key on which the witness contradicts the sweep: a bug of lockbench.
    pub contradiction: Option<u32>,
}

impl Oracle {
    /// Checkers for a trial with so many clients and keys that starts at `origin`.
    #[must_use]
    pub fn new(clients: u32, keys: u32, origin: u64) -> Self {
        Self {
            open: OpenAttempts::new(clients, keys),
            exclusion: Exclusion::new(clients, keys, origin),
            possible: Possible::new(keys),
            tokens: Tokens::new(clients, keys),
            harm: Harm::new(keys),
            calling: vec![None; clients as usize],
            grants: 0,
            violations: Rc::default(),
        }
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
        let (exclusion, tokens, harm) = (self.exclusion.counts(), self.tokens.counts(), self.harm.counts());
        Judged {
            grants: self.grants,
            double_grants: exclusion.naive,
            inside: exclusion.inside,
            withdrawn: exclusion.withdrawn,
            outside: exclusion.outside,
            deadline: exclusion.deadline,
            evidence: exclusion.evidence,
            overlaps_possible: self.possible.overlaps(),
            token_regressions: tokens.regressions,
            token_inversions: tokens.inversions,
            lost_updates: harm.lost_updates,
            stale_writes_seen: harm.stale_writes_seen,
            stale_writes_refused: harm.stale_writes_refused,
        }
    }

    /// The double grants that are kept in full, in the order in which they were found.
    #[must_use]
    pub fn kept(&self) -> &[DoubleGrant] {
        self.exclusion.kept()
    }

    /// Double grants found so far, by the second of the trial in which they began.
    #[must_use]
    pub fn per_second(&self) -> &[u64] {
        self.exclusion.per_second()
    }

    /// Closes what is open and returns what was found.
    #[must_use]
    pub fn finish(mut self) -> Findings {
        self.exclusion.finish();
        Findings {
            exclusion: self.exclusion.counts(),
            double_grants: self.exclusion.kept().to_vec(),
            per_second: self.exclusion.per_second().to_vec(),
            overlaps_possible: self.possible.overlaps(),
            tokens: self.tokens.counts(),
            harm: self.harm.counts(),
            contradiction: self.harm.contradiction(|key| self.exclusion.touched(key)),
        }
    }

    /// Tells of new violations. A token regression is found at its grant; a double
    /// grant later, when the holds around it have ended.
    fn tell(&mut self, t: u64) {
        let regressions = self.tokens.counts().regressions;
        let count = self.exclusion.naive() + regressions;
        if count > self.violations.get().count {
            self.violations.set(Alarm { count, regressions, at: self.exclusion.take_fresh().unwrap_or(t) });
        }
    }

    /// Sizes of what is remembered of a key, for the test that they are bounded.
    #[cfg(test)]
    fn remembered(&self, key: u32) -> (usize, usize, usize) {
        let (holds, uncertain) = self.possible.remembered(key);
        (self.exclusion.remembered(key), holds, uncertain)
    }

    /// From the call whose answer is lost, or from its client's death inside a
    /// hold, until it is surely over, somebody may be a holder unseen.
    fn uncertain(&mut self, event: &Event, surely_ended: u64) {
        let since = self.calling[event.client as usize].unwrap_or(event.t);
        self.possible.uncertain(event.key, since, surely_ended, &self.open);
    }
}

impl Observer for Oracle {
    fn observe(&mut self, event: &Event) {
        let (client, key, t) = (event.client, event.key, event.t);
        self.exclusion.observe(event);
        match event.what {
            What::Invoke { .. } => {
                self.open.start(client, key, t);
                self.tokens.invoked(client, key, t);
                self.calling[client as usize] = Some(t);
            }
            What::Acquired { token, .. } => {
                self.grants += 1;
                if let Some(token) = token {
                    self.tokens.granted(client, key, t, token, &self.open);
                }
                self.possible.granted(client, key, t, &self.open);
                self.calling[client as usize] = None;
            }
            What::Denied { denial, surely_ended, .. } => {
                if denial == Denial::Unknown {
                    self.uncertain(event, surely_ended);
                }
                self.open.end(client);
            }
            What::ReleaseInvoke { seen, .. } => {
                self.possible.released(client, key, t);
                self.calling[client as usize] = Some(t);
                self.harm.observe(key, seen);
            }
            What::Released { release, surely_ended, .. } => {
                if release == ReleaseKind::Unknown {
                    self.uncertain(event, surely_ended);
                }
                self.open.end(client);
            }
            What::Died { surely_ended, .. } => {
                self.possible.released(client, key, t);
                self.uncertain(event, surely_ended);
                self.open.end(client);
            }
            What::Renewed { .. } | What::Lost { .. } => {}
            What::SelfStall { .. } | What::PauseBegins | What::Paused { .. } | What::Marker { .. } => {}
        }
        self.tell(t);
    }
}
