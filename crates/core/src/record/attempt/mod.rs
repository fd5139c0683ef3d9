//! One attempt: the one state machine that turns the stream of events into attempts that
//! began, were granted or denied, and ended. Everything that is said of attempts (figures,
//! verdict, history, lanes, scenes, exports) follows its [`Transition`]s.
//!
//! A client has one attempt open at a time, so that memory is that of the clients; in a transaction, which takes
//! several locks, it asks for a further one while it holds the others, and each of them is an attempt. Where
//! events were lost the state machine goes on with what it is told: an attempt whose begin
//! is missing is made up from the event that tells of it, one whose end is missing is
//! handed over as unfinished, and the transition says that it does not fit.

mod machine;
mod misfit;
mod per_attempt;
#[cfg(test)]
mod tests;

pub use machine::Attempts;
pub use misfit::Misfit;
pub use per_attempt::PerAttempt;

use super::event::{Denial, Event, Mode, ReleaseKind, RenewalOutcome, WitnessReading};
use super::merge::Observer;

/// Where an attempt stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stage {
    /// It has ended, or none has begun.
    #[default]
    Over,
    /// The client asked for the key, and has no answer yet.
    Waiting,
    /// The client has the key.
    Holding,
    /// The client gives the key back, and has no answer yet.
    Releasing,
}

/// An attempt as far as its events tell. Instants are clock nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Attempt {
    /// Client number.
    pub client: u32,
    /// Its number within the client, from 1.
    pub number: u32,
    /// Key index.
    pub key: u32,
    /// Number of the first attempt of the transaction that this is a further one of; 0: it is the first, or on its own.
    pub first: u32,
    /// What its lock is to exclude.
    pub mode: Mode,
    /// Where it stands.
    pub stage: Stage,
    /// Is its begin recorded? If not, `due` and `invoke` are the first that is known of it.
    pub begun: bool,
    /// The due instant.
    pub due: u64,
    /// `acquire_invoke`.
    pub invoke: u64,
    /// Its last event so far; not the answer that ended it.
    pub last: u64,
    /// Requests sent for the acquire, once it is answered.
    pub acquire_requests: u32,
    /// How often its client was woken while it waited, to look again, once it is answered.
    pub wakeups: u32,
    /// Requests sent for the release, once it is answered.
    pub release_requests: u32,
    /// What it holds or held; `None`: it has no grant.
    pub hold: Option<Hold>,
}

/// The hold of a granted attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hold {
    /// `acquire_ok`.
    pub start: u64,
    /// Fencing token, if offered.
    pub token: Option<u64>,
    /// Was it granted by a later request than the first? `None`: the recipe cannot tell.
    pub waited: Option<bool>,
    /// Local validity as the session gave it last; `u64::MAX`: no lease.
    pub validity: u64,
    /// Until when the service has promised the key without a gap: the validity as granted and
    /// as extended by renewals that were confirmed before it ended.
    pub promise: u64,
    /// When the last confirmed renewal was asked for.
    pub renewal_invoke: Option<u64>,
    /// When the session first learned that the lock was lost.
    pub lost: Option<u64>,
    /// `release_invoke`, the end of the naive hold.
    pub left: Option<u64>,
    /// Nanoseconds that the client stopped for a planned fault: they are no part of its hold time.
    pub stopped_ns: u64,
    /// How long the workload asked for it, once the client has left it; 0: it is not told, or a stop cut it short.
    pub asked_ns: u64,
}

/// What an event did to its attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It began.
    Begun,
    /// It was granted: [`Attempt::hold`] is there from now on.
    Granted,
    /// A renewal was answered.
    Renewed {
        /// When it was asked for.
        invoke: u64,
        /// How it was answered.
        outcome: RenewalOutcome,
    },
    /// The client had stopped at the point of a planned fault.
    Stopped,
    /// The session told that the lock is lost.
    Lost,
    /// The critical section is over, and the release is about to be sent.
    Left(WitnessReading),
    /// It is over.
    Ended(End),
    /// None: the event is of the tool itself.
    Tool,
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Without a grant.
    Denied {
        /// How.
        denial: Denial,
        /// For unknown ones: when a possible hold is surely over.
        surely_ended: u64,
    },
    /// With the answer to its release.
    Released {
        /// How it was answered.
        release: ReleaseKind,
        /// For unconfirmed ones: when the hold is surely over.
        surely_ended: u64,
    },
    /// With the death of its client.
    Died {
        /// When a possible hold is surely over.
        surely_ended: u64,
        /// If the client died inside: did a request of another client challenge its hold?
        challenged: Option<bool>,
    },
}

impl Attempt {
    /// Returns whether its client held other locks of the same transaction when it asked for this one.
    #[must_use]
    pub fn is_further(&self) -> bool {
        self.first != 0
    }

    /// Returns whether the client is inside the critical section: granted, and not left.
    #[must_use]
    pub fn inside(&self) -> bool {
        self.hold.as_ref().is_some_and(|hold| hold.left.is_none())
    }

    /// When somebody may be a holder unseen after an attempt that ended so: from the
    /// call whose answer is lost, or from the death of its client inside, until it is surely
    /// over.
    #[must_use]
    pub fn uncertain(&self, end: End) -> Option<(u64, u64)> {
        let until = match end {
            End::Denied { denial: Denial::Unknown, surely_ended }
            | End::Released { release: ReleaseKind::Unknown, surely_ended }
            | End::Died { surely_ended, .. } => surely_ended,
            End::Denied { .. } | End::Released { .. } => return None,
        };
        let calling = self.hold.as_ref().map_or(Some(self.invoke), |hold| hold.left);
        Some((calling.unwrap_or(self.last), until))
    }
}

/// What one event tells.
#[derive(Clone, Copy, Debug)]
pub struct Transition<'a> {
    /// The event.
    pub event: &'a Event,
    /// What it did.
    pub change: Change,
    /// The attempt that it did it to, as it is now; an empty one for an event of the tool.
    pub attempt: &'a Attempt,
    /// All attempts, as they are now.
    pub attempts: &'a Attempts,
    /// Attempts of the client before it whose ends are missing.
    pub unfinished: &'a [Attempt],
    /// Why the event cannot come here: others were lost before it, or taken out.
    pub misfit: Option<&'a Misfit>,
}

/// Something that folds over the transitions of a trial's attempts.
pub trait Follower {
    /// The next transition, in order of time.
    fn follow(&mut self, transition: &Transition<'_>);
}

/// Several followers of one state machine as an observer of events.
pub struct Followers<'a, 'b> {
    attempts: Attempts,
    followers: &'a mut [&'b mut dyn Follower],
}

impl<'a, 'b> Followers<'a, 'b> {
    /// All of them.
    #[must_use]
    pub fn new(followers: &'a mut [&'b mut dyn Follower]) -> Self {
        Self { attempts: Attempts::default(), followers }
    }
}

impl Observer for Followers<'_, '_> {
    fn observe(&mut self, event: &Event) {
        let transition = self.attempts.observe(event);
        self.followers.iter_mut().for_each(|follower| follower.follow(&transition));
    }
}
