//! The faults of a plan, `[[faults]]`: what is done to which node of the servers or to which client,
//! when, and for how long. A new kind is one entry of [`table`], and one file in the engine that does it.

use std::fmt;

mod clock;
mod table;
mod target;

pub use clock::ClockChange;
pub(super) use table::{DATA, DIRECTIONS, FAULT, POINTS, faults};
pub use target::Target;
pub(super) use target::targets;

use crate::units::human_duration;

/// Most faults of a plan: each has a thread of its own.
pub const MOST_FAULTS: usize = 64;

/// A fault that is planned. Instants are nanoseconds after measuring begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedFault {
    /// What is done.
    pub kind: FaultKind,
    /// To which nodes or clients.
    pub target: Target,
    /// When.
    pub moment: Moment,
    /// Time until it is healed, in nanoseconds.
    pub lasts_ns: u64,
}

/// What is done to a node or a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// The process of the client is stopped (SIGSTOP), and continued (SIGCONT).
    ClientPause,
    /// The process of the client is killed (SIGKILL), and does not come back.
    ClientKill,
    /// The client goes on, and renews nothing.
    ClientStall,
    /// What the client writes to the resource at the end of its critical section is on its way until the fault is
    /// healed; the client knows nothing of it, and releases.
    ClientLateWrite,
    /// The wall clock of the client's process jumps, and is put right again.
    ClientClock {
        /// So far, in nanoseconds; backward where they are negative. Never 0.
        by_ns: i64,
    },
    /// Every process of it is stopped (SIGSTOP), and continued (SIGCONT).
    ServerPause,
    /// It is killed (SIGKILL), and started again on its address.
    ServerKill {
        /// What it finds when it starts again.
        data: DataAfter,
    },
    /// It is killed (SIGKILL), its disk forgets what was not synced, and it is started again on its address.
    ServerPowerCut,
    /// Each fsync on its disk takes longer.
    DiskSlow {
        /// So much, in nanoseconds.
        by_ns: u64,
    },
    /// Nothing passes between it and the other members of its cluster; clients reach it.
    ServerCut,
    /// It throws keys away because its memory is full.
    ServerSqueeze,
    /// Its wall clock is moved, and put right again.
    ServerClock {
        /// How.
        change: ClockChange,
    },
    /// It leads, and is killed (SIGKILL); the standby that follows it leads from then on, and it comes back as a standby.
    StandbyPromote,
    /// It ends the sessions of our clients, once.
    SessionKill,
    /// Nothing passes between it and the clients.
    WireCut {
        /// Which way.
        direction: Direction,
    },
    /// What passes between it and the clients comes later.
    WireDelay {
        /// Which way.
        direction: Direction,
        /// So much, in nanoseconds.
        delay_ns: u64,
        /// And up to so much more, evenly drawn.
        jitter_ns: u64,
        /// Only this reply of each connection, from 1, counted from the injection.
        nth: Option<u64>,
    },
    /// What passes between it and the clients is slow.
    WireNarrow {
        /// Which way.
        direction: Direction,
        /// Bytes per second, above 0.
        bytes_per_s: u64,
    },
    /// What passes between it and the clients arrives in pieces.
    WireSlice {
        /// Which way.
        direction: Direction,
        /// Bytes of a piece, above 0.
        piece: u64,
        /// From one piece to the next, in nanoseconds.
        gap_ns: u64,
    },
    /// That a connection between it and the clients has ended is told to the other side later.
    WireSlowClose {
        /// Which way.
        direction: Direction,
        /// So much, in nanoseconds.
        close_ns: u64,
    },
    /// Every connection between it and the clients is reset, once.
    WireReset,
    /// Every connection is over for its client and stays open for the server: a client that is gone
    /// without a word.
    WireHalfOpen,
}

/// Which way bytes pass, as clients see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Both ways.
    Both,
    /// To the server.
    Requests,
    /// From the server.
    Replies,
}

/// What a node finds when it starts again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DataAfter {
    /// What it had written before it was killed.
    Kept,
    /// Nothing.
    Lost,
}

/// When a fault is injected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// Once.
    At {
        /// Nanoseconds after measuring begins.
        ns: u64,
    },
    /// Again and again: the first time after one period.
    Every {
        /// Nanoseconds from one injection to the next.
        ns: u64,
    },
    /// Once, when the first client reaches a point.
    When {
        /// Which.
        point: Point,
        /// Not before so many nanoseconds after measuring begins.
        ns: u64,
    },
}

impl Moment {
    /// Nanoseconds after measuring begins before which nothing is injected.
    #[must_use]
    pub fn earliest_ns(self) -> u64 {
        match self {
            Self::At { ns } | Self::Every { ns } | Self::When { ns, .. } => ns,
        }
    }
}

/// What a client does at the moment that a fault waits for. It stops there until the fault is in force,
/// so that the fault hits its moment every time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Point {
    /// It was granted the lock, and has not entered the critical section.
    HolderAcquired,
    /// It is in the critical section, half of its hold is over.
    HolderInside,
    /// It has left the critical section, and not released.
    BeforeRelease,
    /// It is in the critical section, and another client asks for the lock.
    ContenderWaiting,
}

impl Point {
    /// Its word in a workload.
    #[must_use]
    pub fn name(self) -> &'static str {
        POINTS.iter().find(|(_, point)| *point == self).map_or("", |(word, _)| word)
    }
}

impl fmt::Display for PlannedFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (moment, lasts) = (self.moment, human_duration(self.lasts_ns));
        write!(f, "{} of {}", self.kind.name(), self.target.word())?;
        match self.kind {
            FaultKind::ServerKill { data: DataAfter::Lost } => f.write_str(" and its data")?,
            FaultKind::DiskSlow { by_ns } => write!(f, " by {}", human_duration(by_ns))?,
            FaultKind::WireDelay { delay_ns, jitter_ns: 0, .. } => write!(f, " by {}", human_duration(delay_ns))?,
            FaultKind::WireDelay { delay_ns, jitter_ns, .. } => {
                write!(f, " by {} to {}", human_duration(delay_ns), human_duration(delay_ns + jitter_ns))?;
            }
            FaultKind::WireNarrow { bytes_per_s, .. } => write!(f, " to {bytes_per_s} bytes/s")?,
            FaultKind::WireSlice { piece, .. } => write!(f, " into pieces of {piece} bytes")?,
            FaultKind::WireSlowClose { close_ns, .. } => write!(f, " by {}", human_duration(close_ns))?,
            FaultKind::ServerClock { change } => write!(f, " {change}")?,
            FaultKind::ClientClock { by_ns } => write!(f, " {}", ClockChange::Jump { ns: by_ns })?,
            _ => {}
        }
        if let FaultKind::WireDelay { nth: Some(nth), .. } = self.kind {
            write!(f, ", reply {nth} of each connection")?;
        }
        match self.kind.direction() {
            Some(Direction::Requests) => f.write_str(", requests only")?,
            Some(Direction::Replies) => f.write_str(", replies only")?,
            Some(Direction::Both) | None => {}
        }
        match moment {
            Moment::At { ns } => write!(f, ", {} after measuring begins", human_duration(ns))?,
            Moment::Every { ns } => write!(f, ", every {}", human_duration(ns))?,
            Moment::When { point, ns: 0 } => write!(f, ", when {}", point.name())?,
            Moment::When { point, ns } => write!(f, ", when {}, not before {}", point.name(), human_duration(ns))?,
        }
        if self.lasts_ns > 0 { write!(f, ", for {lasts}") } else { Ok(()) }
    }
}

impl FaultKind {
    /// Its name in a workload.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::ClientPause => "client-pause",
            Self::ClientKill => "client-kill",
            Self::ClientStall => "client-stall",
            Self::ClientLateWrite => "client-late-write",
            Self::ClientClock { .. } => "client-clock",
            Self::ServerPause => "server-pause",
            Self::ServerKill { .. } => "server-kill",
            Self::ServerPowerCut => "server-power-cut",
            Self::DiskSlow { .. } => "disk-slow",
            Self::ServerCut => "server-cut",
            Self::ServerSqueeze => "server-squeeze",
            Self::ServerClock { .. } => "server-clock",
            Self::StandbyPromote => "standby-promote",
            Self::SessionKill => "session-kill",
            Self::WireCut { .. } => "wire-cut",
            Self::WireDelay { .. } => "wire-delay",
            Self::WireNarrow { .. } => "wire-narrow",
            Self::WireSlice { .. } => "wire-slice",
            Self::WireSlowClose { .. } => "wire-slow-close",
            Self::WireReset => "wire-reset",
            Self::WireHalfOpen => "wire-half-open",
        }
    }

    /// Returns whether it is done to clients, and not to the servers or on the way to them.
    #[must_use]
    pub fn is_of_a_client(self) -> bool {
        let held_up = matches!(self, Self::ClientPause | Self::ClientKill | Self::ClientStall);
        held_up || matches!(self, Self::ClientLateWrite | Self::ClientClock { .. })
    }

    /// Returns whether the wall clock of the client's process is moved.
    #[must_use]
    pub fn moves_a_client_clock(self) -> bool {
        matches!(self, Self::ClientClock { .. })
    }

    /// Returns whether it needs a proxy between the clients and the node.
    #[must_use]
    pub fn is_of_the_wire(self) -> bool {
        match self {
            Self::ClientPause | Self::ClientKill | Self::ClientStall => false,
            Self::ClientLateWrite | Self::ClientClock { .. } => false,
            Self::ServerPause | Self::ServerKill { .. } | Self::ServerClock { .. } => false,
            Self::ServerPowerCut | Self::DiskSlow { .. } => false,
            Self::ServerCut | Self::ServerSqueeze | Self::StandbyPromote | Self::SessionKill => false,
            Self::WireCut { .. }
            | Self::WireDelay { .. }
            | Self::WireNarrow { .. }
            | Self::WireSlice { .. }
            | Self::WireSlowClose { .. }
            | Self::WireReset
            | Self::WireHalfOpen => true,
        }
    }

    /// Returns whether the node's data must lie on a disk of ours, which knows what was synced.
    #[must_use]
    pub fn needs_a_disk(self) -> bool {
        matches!(self, Self::ServerPowerCut | Self::DiskSlow { .. })
    }

    /// Which way, of those that have one.
    fn direction(self) -> Option<Direction> {
        match self {
            Self::WireCut { direction }
            | Self::WireDelay { direction, .. }
            | Self::WireNarrow { direction, .. }
            | Self::WireSlice { direction, .. }
            | Self::WireSlowClose { direction, .. } => Some(direction),
            _ => None,
        }
    }
}
