//! The events of one trial. Small and `Copy`: some millions a second pass.

pub use crate::lock::Mode;
use crate::shared::ring::Plain;

/// One thing that happened to one client, stamped at `t`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// Clock nanoseconds. Never decreases within a shard.
    pub t: u64,
    /// Client number; [`Event::NOBODY`] for events of the tool itself.
    pub client: u32,
    /// Number of the attempt within its client, from 1: with the client it names the attempt
    /// within the trial. 0 where that is not recorded (a history of version 1): then it is
    /// the one that the client has open.
    pub attempt: u32,
    /// Key index; meaningless for events of the tool itself.
    pub key: u32,
    /// What happened.
    pub what: What,
}

// SAFETY: numbers, flags and options of them: without a pointer and without an owner.
#[allow(unsafe_code)]
unsafe impl Plain for Event {}

/// The name of an attempt within its trial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AttemptId {
    /// Client number.
    pub client: u32,
    /// Its number within the client, from 1.
    pub number: u32,
}

impl Event {
    /// The client number of events that belong to no client.
    pub const NOBODY: u32 = u32::MAX;
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// An attempt starts: `t` is `acquire_invoke`.
    Invoke {
        /// The due instant.
        due: u64,
    },
    /// An attempt starts that is not a plain one: it is for a further lock of a transaction, or for no exclusive lock.
    InvokeAs {
        /// The due instant.
        due: u64,
        /// Number of the first attempt of the transaction, within its client; 0: it is the first, or on its own.
        first: u32,
        /// What the lock is to exclude.
        mode: Mode,
    },
    /// The lock was granted: `t` is `acquire_ok`.
    Acquired {
        /// Fencing token, if offered.
        token: Option<u64>,
        /// Local validity.
        validity: u64,
        /// Requests sent for the acquire.
        requests: u32,
        /// Was it granted by a later request than the first? `None`: the recipe cannot tell,
        /// because its server answers a request only when it grants it.
        waited: Option<bool>,
        /// How often the client was woken while it waited, by a watch or at the end of a delay, to look again.
        wakeups: u32,
    },
    /// The attempt ended without a grant.
    Denied {
        /// How.
        denial: Denial,
        /// For unknown ones: when a possible hold is surely over.
        surely_ended: u64,
        /// Requests sent for the acquire.
        requests: u32,
        /// As of [`What::Acquired`].
        wakeups: u32,
    },
    /// A renewal was answered.
    Renewed {
        /// When it was asked.
        invoke: u64,
        /// How it was answered.
        outcome: RenewalOutcome,
        /// Local validity from now on.
        validity: u64,
    },
    /// The client reached the point of a planned fault inside of its hold, stopped there, and went on at `t`,
    /// when the fault was in force (and, where the fault was to stop it, over).
    Stopped {
        /// Place of the fault in the plan's list, from 0.
        fault: u16,
        /// When it stopped.
        from: u64,
    },
    /// The session told its client that its grants are lost.
    Lost {
        /// When the session learned it.
        at: u64,
    },
    /// The critical section is over and the release is about to be sent: `t` is
    /// `release_invoke`, the end of the naive hold.
    ReleaseInvoke {
        /// Instant of entering the critical section.
        enter: u64,
        /// Instant of leaving it.
        exit: u64,
        /// What the witness saw.
        seen: WitnessReading,
        /// How many nanoseconds the workload asked for; 0: that is not told, or a stop cut the hold short.
        asked: u64,
    },
    /// The release was answered: the attempt is over.
    Released {
        /// How it was answered.
        release: ReleaseKind,
        /// For unconfirmed ones: when the hold is surely over.
        surely_ended: u64,
        /// Requests sent for the release.
        requests: u32,
    },
    /// The client died in the middle of an attempt (panic, hard stop).
    Died {
        /// When a possible hold is surely over.
        surely_ended: u64,
        /// If it died inside: did a request of another client challenge its hold? As
        /// [`WitnessReading::challenged`].
        challenged: Option<bool>,
    },
    /// The process of the client was killed in the middle of an attempt: `t` is when that was taken note of.
    Killed {
        /// The last instant at which it surely ran or stood still: the end of its naive hold.
        at: u64,
        /// When a possible hold is surely over.
        surely_ended: u64,
    },
    /// The watchdog found that this process did not run from `from` to `t`.
    SelfStall {
        /// Start of the gap.
        from: u64,
    },
    /// The load is paused by hand from here on: no client begins another attempt, open
    /// ones go on.
    PauseBegins,
    /// The load was paused by hand from `from` to `t`, where it went on or was stopped.
    Paused {
        /// Begin of the pause: `t` of its [`What::PauseBegins`].
        from: u64,
    },
    /// Somebody asked for a marker.
    Marker {
        /// Its number within the trial, from 1.
        number: u32,
        /// When it was asked for: `t` is when the engine took note.
        at: u64,
    },
    /// A planned fault was injected into a node of the servers, or a client.
    FaultInjected(Disturbance),
    /// It was healed: the node or client is whole again. Not of a client that was killed.
    FaultHealed {
        /// Which fault, and of which node.
        of: Disturbance,
        /// When it was injected.
        from: u64,
        /// Whether it was seen to have done what it is for.
        bit: bool,
    },
    /// What a server says of a key, recorded where it changed and now and then in between: `t` is when the answer
    /// was there. The key of the event is the one that it is of.
    Seen(Seen),
    /// A write reached the resource of the key at `t`, after the critical section that it is of: a fault had kept it
    /// on its way. Neither the critical section nor the release waited for it.
    LateWrite {
        /// Client number.
        of: u32,
        /// Place of the fault in the plan's list, from 0.
        fault: u16,
        /// When it was sent.
        from: u64,
        /// What the witness saw of the write.
        seen: WitnessReading,
    },
    /// Attempts that were due by the clock, one after the other, and that no client took.
    Dropped {
        /// When the first of them was due.
        due: u64,
        /// When a client was free again, at the earliest: then that one would have begun.
        until: u64,
        /// How many.
        count: u32,
        /// Whether a free client came late, or this process did not run: then the cause is no server.
        own: bool,
    },
    /// What a client is to the servers, told by its session when it was opened.
    Identity {
        /// Client number.
        of: u32,
        /// Digest of the identity: equal ones are one client to the servers.
        digest: u64,
    },
}

/// One answer of a server to the question who holds a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Place of the server among those that are asked, from 0.
    pub node: u16,
    /// Milliseconds that the lease of the holder before this one had left when that one was seen last, by the
    /// server's word; [`Seen::NO_LEASE`]: it told none.
    pub left_ms: u32,
    /// Who holds it.
    pub holder: SeenHolder,
    /// Token of the grant as the server has it; [`Seen::NO_TOKEN`]: it tells none.
    pub token: u64,
    /// When the last question was asked whose answer was as before: until then at least it was so.
    pub before: u64,
}

impl Seen {
    /// In place of a token.
    pub const NO_TOKEN: u64 = u64::MAX;
    /// In place of what a lease has left.
    pub const NO_LEASE: u32 = u32::MAX;
}

/// Who holds a key, as a server says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SeenHolder {
    /// Nobody.
    Free,
    /// This client of the trial.
    Client(u32),
    /// Somebody who is none of them.
    Stranger,
    /// The server did not answer, or was not asked in time: nothing is known.
    Away,
}

/// A planned fault at one node or client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Disturbance {
    /// Place of the fault in the plan's list, from 0.
    pub fault: u16,
    /// Place of the node among the servers of the system, from 0; of a fault of clients, the client's number.
    pub node: u16,
}

impl What {
    /// Returns whether it begins an attempt that is no further one of a transaction.
    #[must_use]
    #[inline]
    pub fn begins(&self) -> bool {
        matches!(self, Self::Invoke { .. } | Self::InvokeAs { first: 0, .. })
    }

    /// Is it of the tool itself, of no client? Only [`What::Seen`] and [`What::LateWrite`] have a key all the same.
    #[must_use]
    pub fn is_of_nobody(&self) -> bool {
        match self {
            Self::SelfStall { .. }
            | Self::PauseBegins
            | Self::Paused { .. }
            | Self::Marker { .. }
            | Self::FaultInjected(_)
            | Self::FaultHealed { .. }
            | Self::Seen(_)
            | Self::LateWrite { .. }
            | Self::Dropped { .. }
            | Self::Identity { .. } => true,
            Self::Invoke { .. }
            | Self::InvokeAs { .. }
            | Self::Acquired { .. }
            | Self::Denied { .. }
            | Self::Renewed { .. }
            | Self::Stopped { .. }
            | Self::Lost { .. }
            | Self::ReleaseInvoke { .. }
            | Self::Released { .. }
            | Self::Died { .. }
            | Self::Killed { .. } => false,
        }
    }
}

/// How an attempt ended without a grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denial {
    /// Surely no effect: held by another.
    Refused,
    /// Surely no effect: the deadline came.
    TimedOut,
    /// Surely no effect: the load was stopped while waiting; says nothing about
    /// the system, and is not one of its timeouts.
    Withdrawn,
    /// Surely no effect: the system did not serve us.
    Unavailable,
    /// The answer is lost.
    Unknown,
    /// Surely no effect: the policy of the workload chose this attempt to break a deadlock.
    Aborted,
    /// Surely no effect: the server found a deadlock, and chose this attempt to break it.
    Deadlock,
}

impl Denial {
    /// Every one, with its name in histories and metrics.
    pub const ALL: [(Self, &str); 7] = [
        (Self::Refused, "refused"),
        (Self::TimedOut, "timed_out"),
        (Self::Withdrawn, "withdrawn"),
        (Self::Unavailable, "unavailable"),
        (Self::Unknown, "unknown"),
        (Self::Aborted, "aborted"),
        (Self::Deadlock, "deadlock"),
    ];

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL[self as usize].1
    }

    /// The one of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, of)| *of == name).map(|(denial, _)| *denial)
    }
}

/// How a renewal was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RenewalOutcome {
    /// Confirmed.
    Confirmed,
    /// Not the holder any more.
    Refused,
    /// Not served or answer lost.
    Unanswered,
}

/// How a release was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReleaseKind {
    /// Confirmed as holder.
    Confirmed,
    /// Not the holder any more.
    NotOwner,
    /// Surely no effect.
    Unavailable,
    /// Answer lost.
    Unknown,
}

/// What the witness of a key saw during one critical section.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WitnessReading {
    /// Most critical sections inside at once, this one included, as seen on entering.
    pub occupancy: u32,
    /// The unfenced register changed between my read and my write.
    pub lost_update: bool,
    /// My token was below the highest *written*.
    pub stale_write: bool,
    /// My token was below the highest *presented*: a fenced resource refused me.
    pub refused_write: bool,
    /// Was a request of another client for the key in flight or queued at the server during
    /// the hold? `None`: an older version recorded it, which did not look.
    pub challenged: Option<bool>,
    /// What the client did with what it had read, where the critical section is one that acts.
    pub act: Act,
}

/// What a critical section that acts on what it has read came to: it sells a unit, runs a job, admits a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Act {
    /// Did it act? Not where it read that there is nothing to do.
    pub done: bool,
    /// It should not have: another client had done the same since it read.
    pub harm: bool,
    /// The same in the world where the resource refuses stale tokens.
    pub harm_fenced: bool,
}

impl Act {
    /// None.
    pub const NONE: Self = Self { done: false, harm: false, harm_fenced: false };
}

#[cfg(test)]
mod tests {
    use super::{Event, What};

    #[test]
    fn an_event_is_no_larger_than_a_cache_line() {
        // They are counted in millions.
        assert_eq!((size_of::<What>(), size_of::<Event>()), (40, 64));
    }
}
