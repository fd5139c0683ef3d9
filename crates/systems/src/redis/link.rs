//! One client's connection to its server: made again when it was lost, never
//! used to send a request twice that may have had an effect.

use std::sync::Arc;

use redis::aio::MultiplexedConnection;
use redis::{Cmd, Value};

use super::answer::{Answer, ask};
use super::flawed::Scripts;
use super::naming::Ticket;
use super::script::{ACQUIRING_ALONE, ACQUIRING_AMONG, RELEASING, RELEASING_AMONG, RENEWING_AMONG, Script};
use super::server::{Limits, Server};
use super::wire::{Reply, Verb, Wire};
use crate::planted::{Flaw, Planted};
use lockbench_core::lock::Mode;

/// A connection that comes back.
pub struct Link {
    server: Arc<Server>,
    limits: Limits,
    connection: Option<MultiplexedConnection>,
    command: Cmd,
    sent: u64,
    scripts: Scripts,
    planted: Planted,
}

impl Link {
    /// Connects.
    ///
    /// # Errors
    /// Says what happened, without credentials.
    pub async fn open(server: Arc<Server>, limits: Limits, scripts: Scripts, planted: Planted) -> Result<Self, String> {
        let connection = Some(server.connect(limits).await?);
        Ok(Self { server, limits, connection, command: Cmd::new(), sent: 0, scripts, planted })
    }

    /// From now on another server is asked, over a connection of its own.
    pub fn turn_to(&mut self, server: Arc<Server>) {
        self.server = server;
        self.connection = None;
    }

    /// Calls a script of so many keys, whose keys and arguments `fill` adds.
    async fn call(&mut self, script: &Script, keys: usize, fill: impl Fn(&mut Cmd)) -> Answer {
        script.by_digest(&mut self.command, keys);
        fill(&mut self.command);
        match self.send().await {
            // Its scripts were flushed. A refused digest has had no effect.
            Answer::NoScript => {
                script.in_full(&mut self.command, keys);
                fill(&mut self.command);
                self.send().await
            }
            answer => answer,
        }
    }

    /// Asks how many replicas have what was written over this connection, until so many have it or so long is over:
    /// `WAIT` (<https://redis.io/docs/latest/commands/wait/>). On a connection that has written nothing the server
    /// answers at once that all have it, so that none is made anew for this.
    pub async fn acknowledged(&mut self, replicas: u64, within_ms: u64) -> Reply {
        let Some(connection) = &mut self.connection else {
            return Reply::Refused("the connection that wrote is gone".to_owned());
        };
        self.command.clear();
        self.command.arg("WAIT").arg(replicas).arg(within_ms);
        let answer = ask(connection, &self.command).await;
        match &answer {
            Answer::NotSent(_) => self.connection = None,
            Answer::Lost(_) => {
                self.connection = None;
                self.sent += 1;
            }
            _ => self.sent += 1,
        }
        self.read(answer, |_| true)
    }

    async fn acquire(&mut self, ttl_ms: u64, ticket: &Ticket) -> Answer {
        let most = match ticket.mode {
            Mode::Permits { of } => Flaw::permits(self.planted, of),
            _ => 0,
        };
        let (script, keys) = match (ticket.inside.is_empty(), ticket.is_among()) {
            (true, _) => (self.scripts.acquiring, 2),
            (false, true) => (&*ACQUIRING_AMONG, 3),
            // What does not look at the readers has the set for nothing.
            (false, false) if self.planted == Some(Flaw::OverlooksReaders) => (self.scripts.acquiring, 3),
            (false, false) => (&*ACQUIRING_ALONE, 3),
        };
        let fill = |command: &mut Cmd| {
            command.arg(ticket.lock.as_str()).arg(ticket.fence.as_str());
            if keys == 3 {
                command.arg(ticket.inside.as_str());
            }
            command.arg(ticket.identity.as_str()).arg(ttl_ms);
            if ticket.is_among() {
                command.arg(most);
            }
        };
        self.call(script, keys, fill).await
    }

    /// What an answer is to the recipe: a number that the request can give, or how certain its effect is.
    fn read(&self, answer: Answer, is_one: impl Fn(i64) -> bool) -> Reply {
        match answer {
            Answer::Value(Value::Int(number)) if is_one(number) => Reply::Number(number),
            Answer::Value(value) => Reply::Unknown(format!("unexpected reply {value:?}")),
            Answer::Refused(reason) | Answer::NotSent(reason) => Reply::Refused(reason),
            Answer::NoScript => Reply::Refused("the server keeps no scripts".to_owned()),
            Answer::Late => {
                let limit = self.limits.answer.unwrap_or_default();
                Reply::Unknown(format!("no answer within {} ms", limit.as_millis()))
            }
            Answer::Lost(error) => Reply::Unknown(self.server.explain(&error)),
            Answer::Strange(text) => Reply::Unknown(text),
        }
    }

    /// Sends the command as filled. If the connection turns out to be dead before
    /// the request was given to it, a new one gets it.
    async fn send(&mut self) -> Answer {
        let mut reused = self.connection.is_some();
        loop {
            let connection = match &mut self.connection {
                Some(connection) => connection,
                none => match self.server.connect(self.limits).await {
                    Ok(connection) => none.insert(connection),
                    Err(problem) => return Answer::NotSent(problem),
                },
            };
            let answer = ask(connection, &self.command).await;
            match &answer {
                Answer::NotSent(_) => {
                    self.connection = None;
                    if !std::mem::take(&mut reused) {
                        return answer;
                    }
                }
                Answer::Lost(_) => {
                    self.connection = None;
                    self.sent += 1;
                    return answer;
                }
                _ => {
                    self.sent += 1;
                    return answer;
                }
            }
        }
    }
}

impl Wire for Link {
    async fn ask(&mut self, verb: Verb, ticket: &Ticket) -> Reply {
        let place = place_of(ticket);
        match verb {
            Verb::Acquire { ttl_ms } => {
                let tells = self.scripts.tell;
                let answer = self.acquire(ttl_ms, ticket).await;
                self.read(answer, |number| number >= 0 || tells)
            }
            Verb::Renew { ttl_ms } => {
                let script = if ticket.is_among() { &*RENEWING_AMONG } else { self.scripts.renewing };
                let fill = |command: &mut Cmd| {
                    command.arg(place).arg(ticket.identity.as_str()).arg(ttl_ms);
                };
                let answer = self.call(script, 1, fill).await;
                self.read(answer, |number| matches!(number, 0 | 1))
            }
            Verb::Release => {
                let script = if ticket.is_among() { &*RELEASING_AMONG } else { self.scripts.releasing };
                let fill = |command: &mut Cmd| {
                    command.arg(place).arg(ticket.identity.as_str());
                };
                let answer = self.call(script, 1, fill).await;
                self.read(answer, |number| matches!(number, 0 | 1))
            }
        }
    }

    async fn withdraw(&mut self, ticket: &Ticket) {
        let Some(connection) = &mut self.connection else { return };
        let releasing = match (ticket.is_among(), self.scripts.tell) {
            (true, _) => &*RELEASING_AMONG,
            (false, true) => self.scripts.releasing,
            (false, false) => &*RELEASING,
        };
        releasing.in_full(&mut self.command, 1);
        self.command.arg(place_of(ticket)).arg(ticket.identity.as_str()).set_no_response(true);
        self.sent += 1;
        // Fails only if the connection is gone, and then there is nothing to follow.
        let _ = connection.send_packed_command(&self.command).await;
    }

    fn sent(&self) -> u64 {
        self.sent
    }
}

/// Where a grant stands on the server: as the value of the lock, or in the set of those inside.
fn place_of(ticket: &Ticket) -> &str {
    if ticket.is_among() { &ticket.inside } else { &ticket.lock }
}
