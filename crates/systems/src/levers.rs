//! What a fault can ask of servers, and do to them, through their own protocol, while others lock on
//! them. Each call is made by a thread of the fault, has no runtime, and is bounded in time.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use lockbench_core::lock::Endpoint;
use lockbench_core::workload::SystemOptions;

/// What a kind of server has of it.
#[derive(Clone, Copy)]
pub struct Levers {
    /// Which of its nodes leads.
    pub leads: Leads,
    /// Ends the sessions of our clients on a node; returns how many.
    pub end_sessions: Lever<EndSessions>,
    /// Makes a node run out of memory and throw keys away.
    pub squeeze: Lever<Squeeze>,
    /// Its wall clock, where that can be moved.
    pub clock: Lever<WallClock>,
    /// A standby, which takes over when it is told to.
    pub standby: Lever<Standby>,
    /// Why a power cut takes nothing from it that a crash does not, with these settings, and what to do; `None`: what
    /// it answers for is on its disk.
    pub unsynced: fn(&SystemOptions) -> Option<&'static str>,
}

/// Ends sessions on a node; returns how many.
pub type EndSessions = fn(&Endpoint) -> Result<u64, String>;
/// Begins to fill the memory of a node.
pub type Squeeze = fn(&Endpoint) -> Result<Box<dyn Pressure>, String>;

/// What a standby can be told. Each takes the address of one.
#[derive(Clone, Copy)]
pub struct Standby {
    /// What starts one, in a workload.
    pub planned: &'static str,
    /// Ends what it receives of the node that leads; returns what [`Self::join`] needs to begin it again.
    pub cut: fn(&Endpoint) -> Result<String, String>,
    /// Begins it again.
    pub join: fn(&Endpoint, &str) -> Result<(), String>,
    /// Returns whether it receives.
    pub receives: fn(&Endpoint) -> Result<bool, String>,
    /// Makes it lead, waiting for no standby of its own; returns which standbys its commits waited for before, as
    /// [`Self::wait_for`] takes it.
    pub promote: fn(&Endpoint) -> Result<String, String>,
    /// Has commits of the node that leads wait for these standbys.
    pub wait_for: fn(&Endpoint, &str) -> Result<(), String>,
}

/// The wall clock of a node, where libfaketime moves it.
#[derive(Clone, Copy)]
pub struct WallClock {
    /// Asks the node for its time.
    pub read: fn(&Endpoint) -> Result<TimeTold, String>,
    /// Several of its threads read it, so that the library must let in one at a time.
    pub threaded: bool,
}

/// What a node said of its time.
#[derive(Clone, Copy, Debug)]
pub struct TimeTold {
    /// Its time less ours, in nanoseconds.
    pub off_ns: i64,
    /// How wrong that may be: half as long as asking took.
    pub within_ns: u64,
    /// The middle of that.
    pub at: Instant,
}

/// A question for the time, under way. What comes before it, such as a connection that is opened, is not in it.
pub struct Asking {
    ours_ns: i64,
    from: Instant,
}

impl Asking {
    /// It is asked now.
    #[must_use]
    pub fn begin() -> Self {
        let ours = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { ours_ns: ours.as_nanos() as i64, from: Instant::now() }
    }

    /// The answer has come, in nanoseconds since 1970.
    #[must_use]
    pub fn told(self, theirs_ns: i64) -> TimeTold {
        let half = self.from.elapsed() / 2;
        TimeTold {
            off_ns: theirs_ns - self.ours_ns - half.as_nanos() as i64,
            within_ns: half.as_nanos() as u64,
            at: self.from + half,
        }
    }
}

/// Something that a kind of server can be made to do.
#[derive(Clone, Copy)]
pub enum Lever<T> {
    /// By this.
    Offered(T),
    /// Not, for this reason.
    None(&'static str),
}

impl<T> Lever<T> {
    /// Returns why it cannot.
    #[must_use]
    pub fn refused(&self) -> Option<&'static str> {
        match self {
            Self::Offered(_) => None,
            Self::None(why) => Some(why),
        }
    }
}

/// Memory that is kept full. Dropping it ends that, too.
pub trait Pressure: Send {
    /// How many keys of clients the server has thrown away since it began.
    fn taken(&self) -> u64;

    /// Frees the memory, and puts the settings back.
    ///
    /// # Errors
    /// Why something of it stayed.
    fn end(self: Box<Self>) -> Result<(), String>;
}

/// How the leader of several nodes is found.
#[derive(Clone, Copy)]
pub enum Leads {
    /// There is one node, and it leads.
    Only,
    /// A node is asked whether it leads. The error says why it did not answer.
    Asked(fn(&Endpoint) -> Result<bool, String>),
    /// None does, for this reason.
    None(&'static str),
}
