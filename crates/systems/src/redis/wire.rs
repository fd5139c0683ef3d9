//! What the recipe asks of its server, and what is certain about it afterwards. The recipe has no socket and no clock of its
//! own: requests and timers go out of it, answers come in. A [`Link`](super::link::Link) takes them to a real server; tests
//! take them to a model of one, in virtual time, with answers that are late or lost.
//!
//! The compiler makes the state machine of it: an `async fn` that awaits nothing but a wire and a timer is one, and reads as
//! the algorithm does.

use super::naming::Ticket;

/// What is asked for the names on a ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// The lock, for so many milliseconds. Answered by the new token; by 0 if it is held, or by how many milliseconds its
    /// lease has left, as a negative number, where the wire asks for that.
    Acquire { ttl_ms: u64 },
    /// The whole lease again. 1 if we are the holder, else 0.
    Renew { ttl_ms: u64 },
    /// The lock back. 1 if we were the holder, else 0.
    Release,
}

/// What came of one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// The server's answer.
    Number(i64),
    /// Surely no effect: it was not sent, or the server refused to execute it.
    Refused(String),
    /// It may have had an effect, or may still have it.
    Unknown(String),
}

/// The way to a server, and back.
pub trait Wire {
    /// Asks once. A request that may have had an effect is not sent twice.
    fn ask(&mut self, verb: Verb, ticket: &Ticket) -> impl Future<Output = Reply>;
    /// Puts a release behind a request of unknown effect, where that can be: whenever the server executes the one, the
    /// other follows. Its answer is not awaited.
    fn withdraw(&mut self, ticket: &Ticket) -> impl Future<Output = ()>;
    /// Requests sent so far.
    fn sent(&self) -> u64;
}
