//! What is asked of a node, in Redis's words.

use std::rc::Rc;

use redis::aio::MultiplexedConnection;
use redis::{Cmd, Value};

use super::super::planted::{Flaw, Planted};
use super::super::redis::script::Script;
use super::super::redis::{Answer, Scripts, Ticket, ask};
use super::votes::Ballot;

/// One request, the same for every node.
pub(super) struct Request {
    command: Cmd,
    /// The script in full, for a node that has forgotten it.
    in_full: Option<Cmd>,
}

impl Request {
    /// SET NX PX, as the algorithm has it: no token.
    pub fn acquire(ticket: &Ticket, ttl_ms: u64, planted: Planted) -> Rc<Self> {
        let mut command = redis::cmd("SET");
        command.arg(ticket.lock.as_str()).arg(ticket.identity.as_str());
        if planted != Some(Flaw::TakesWhatIsHeld) {
            command.arg("NX");
        }
        command.arg("PX").arg(ttl_ms);
        Rc::new(Self { command, in_full: None })
    }

    /// Deletes the key if it is ours.
    pub fn release(ticket: &Ticket, scripts: Scripts) -> Rc<Self> {
        Self::script(scripts.releasing, |command| {
            command.arg(ticket.lock.as_str()).arg(ticket.identity.as_str());
        })
    }

    /// Extends the key if it is ours.
    pub fn renew(ticket: &Ticket, ttl_ms: u64, scripts: Scripts) -> Rc<Self> {
        Self::script(scripts.renewing, |command| {
            command.arg(ticket.lock.as_str()).arg(ticket.identity.as_str()).arg(ttl_ms);
        })
    }

    fn script(script: &Script, fill: impl Fn(&mut Cmd)) -> Rc<Self> {
        let (mut command, mut full) = (Cmd::new(), Cmd::new());
        script.by_digest(&mut command, 1);
        fill(&mut command);
        script.in_full(&mut full, 1);
        fill(&mut full);
        Rc::new(Self { command, in_full: Some(full) })
    }

    /// Asks one node. Also says how many requests that took.
    pub async fn ask(&self, connection: &mut MultiplexedConnection) -> (Answer, u64) {
        match (ask(connection, &self.command).await, &self.in_full) {
            (Answer::NoScript, Some(full)) => (ask(connection, full).await, 2),
            (answer, _) => (answer, 1),
        }
    }
}

/// A node's answer as a vote.
pub(super) fn ballot(answer: &Answer) -> Ballot {
    match answer {
        Answer::Value(Value::Okay | Value::Int(1)) => Ballot::Yes,
        Answer::Value(Value::Nil | Value::Int(0)) => Ballot::No,
        Answer::NoScript | Answer::Refused(_) => Ballot::Refused,
        Answer::NotSent(_) => Ballot::NotAsked,
        Answer::Value(_) | Answer::Late | Answer::Lost(_) | Answer::Strange(_) => Ballot::Lost,
    }
}
