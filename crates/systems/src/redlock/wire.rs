//! What the recipe asks of each of its nodes, and what is certain about it afterwards. It has no socket of its own: see
//! `redis/wire.rs`, which is cut alike, but that here many requests are under way at once and outlive the round that they
//! were sent in.

use std::future::Future;
use std::rc::Rc;

use super::super::redis::Ticket;
use super::votes::Ballot;

/// What every node is asked for the names on a ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    /// The key, for so many milliseconds, if it is free.
    Acquire { ttl_ms: u64 },
    /// The whole lease again, if the key is ours.
    Renew { ttl_ms: u64 },
    /// The key back, if it is ours.
    Release,
}

/// What an answer says beside its vote.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// Nothing.
    Nothing,
    /// Why it was neither yes nor no.
    Complaint(String),
    /// The connection is gone.
    Gone(String),
}

/// A node as one client sees it: a connection that is made again when it was lost, and the requests that it still owes an
/// answer.
pub(super) trait Node {
    /// One request, the same for all nodes.
    type Request;
    /// What comes back, with how many requests it took.
    type Answer: 'static;

    /// Writes a request down.
    fn request(verb: Verb, ticket: &Ticket, planted: crate::planted::Planted) -> Rc<Self::Request>;
    /// Takes over a connection that was made meanwhile. Is there one?
    fn refresh(&mut self) -> bool;
    /// Does it owe an answer since before `then`? A stopped server accepts requests without end and answers none.
    fn stalled(&self, then: u64) -> bool;
    /// Sends a request, which is now owed an answer; `None`: there is no connection. With the number of the connection, so
    /// that a late answer of an old one says nothing of the new one.
    fn send(
        &mut self,
        now: u64,
        request: &Rc<Self::Request>,
    ) -> Option<(impl Future<Output = (Self::Answer, u64)> + 'static, u32)>;
    /// The answer as a vote.
    fn read(&self, answer: &Self::Answer) -> (Ballot, Said);
    /// One answer came; a connection answers in order.
    fn answered(&mut self, connection: u32);
    /// That connection is gone: a new one is made in the background.
    fn lost(&mut self, connection: u32, problem: String);
    /// Why it is down, with its address; `None` while nothing is known against it.
    fn problem(&self) -> Option<String>;
}
