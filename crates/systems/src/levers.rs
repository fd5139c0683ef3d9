//! What a fault can ask of servers, and do to them, through their own protocol, while others lock on
//! them. Each call is made by a thread of the fault, has no runtime, and is bounded in time.

use lockbench_core::lock::Endpoint;

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
}

/// Ends sessions on a node; returns how many.
pub type EndSessions = fn(&Endpoint) -> Result<u64, String>;
/// Begins to fill the memory of a node.
pub type Squeeze = fn(&Endpoint) -> Result<Box<dyn Pressure>, String>;

/// The wall clock of a node, where libfaketime moves it.
#[derive(Clone, Copy)]
pub struct WallClock {
    /// Asks the node for its time; nanoseconds since 1970.
    pub read: fn(&Endpoint) -> Result<i64, String>,
    /// Several of its threads read it, so that the library must let in one at a time.
    pub threaded: bool,
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
