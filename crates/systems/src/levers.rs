//! What a fault can ask of servers, and do to them, through their own protocol, while others lock on
//! them. Each call is made by a thread of the fault, has no runtime, and is bounded in time.

use lockbench_core::lock::Endpoint;

/// What a kind of server has of it.
#[derive(Clone, Copy)]
pub struct Levers {
    /// Which of its nodes leads.
    pub leads: Leads,
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
