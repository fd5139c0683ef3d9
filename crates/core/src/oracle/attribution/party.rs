//! One of the two holds of a double grant, and the attempts around them.

use crate::oracle::exclusion::HoldFacts;
use crate::record::attempt::Attempt;

/// What is noted of an attempt that its state does not keep.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Notes {
    /// First time that its client stopped at the point of a planned fault.
    pub stopped: Option<(u64, u64)>,
    /// Until when the service has promised it the lock, as granted and as its last confirmed renewal left it.
    pub promise: Option<u64>,
    /// Its write undid another's, unfenced.
    pub lost_update: bool,
    /// A fenced resource refused its write.
    pub refused: bool,
}

/// A hold with its attempt. Instants in clock nanoseconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Party {
    pub client: u32,
    /// It excludes all others.
    pub exclusive: bool,
    pub invoke: u64,
    pub start: u64,
    /// End under the naive policy.
    pub end: u64,
    pub token: Option<u64>,
    /// Until when it was promised; `u64::MAX`: no lease.
    pub promise: u64,
    pub lost: Option<u64>,
    pub notes: Notes,
}

impl Party {
    /// Of an attempt that is over; `None`: it had no grant.
    pub fn of(attempt: &Attempt, notes: Notes) -> Option<Self> {
        let hold = attempt.hold?;
        Some(Self {
            client: attempt.client,
            exclusive: attempt.mode.is_exclusive(),
            invoke: attempt.invoke,
            start: hold.start,
            end: hold.left.unwrap_or(attempt.last).max(hold.start),
            token: hold.token,
            promise: hold.promise,
            lost: hold.lost,
            notes,
        })
    }

    /// With what its hold alone tells.
    pub fn bare(hold: &HoldFacts) -> Self {
        Self {
            client: hold.client,
            exclusive: hold.mode.is_exclusive(),
            invoke: hold.start_ns,
            start: hold.start_ns,
            end: hold.end_ns,
            token: hold.token,
            promise: hold.validity_ns.unwrap_or(u64::MAX),
            lost: hold.lost_ns,
            notes: Notes::default(),
        }
    }
}

/// An attempt with a grant that is over.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ended {
    pub party: Party,
    /// Its last event.
    pub at: u64,
    /// When its release was sent, and confirmed as that of the holder.
    pub confirmed: Option<(u64, u64)>,
}

impl Ended {
    /// Returns whether the hold is its own.
    pub fn is(&self, hold: &HoldFacts) -> bool {
        (self.party.client, self.party.start) == (hold.client, hold.start_ns)
    }
}

/// A renewal that was confirmed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Renewed {
    pub client: u32,
    /// Start of the hold that it is of.
    pub start: u64,
    pub sent: u64,
    pub answered: u64,
    /// Until when the hold was promised before it.
    pub promise: u64,
}

impl Renewed {
    /// Returns whether it is of that hold.
    pub fn is_of(&self, party: &Party) -> bool {
        (self.client, self.start) == (party.client, party.start)
    }

    /// Returns whether the hold was promised no more when it was sent.
    pub fn late(&self) -> bool {
        self.promise < self.sent
    }
}
