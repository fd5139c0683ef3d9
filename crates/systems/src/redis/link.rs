//! One client's connection to its server: made again when it was lost, never
//! used to send a request twice that may have had an effect.

use std::sync::Arc;

use redis::Cmd;
use redis::aio::MultiplexedConnection;

use super::answer::{Answer, ask};
use super::naming::Ticket;
use super::script::{RELEASING, RELEASING_AMONG, Script};
use super::server::{Limits, Server};

/// A connection that comes back.
pub struct Link {
    server: Arc<Server>,
    limits: Limits,
    connection: Option<MultiplexedConnection>,
    command: Cmd,
    sent: u64,
}

impl Link {
    /// Connects.
    ///
    /// # Errors
    /// Says what happened, without credentials.
    pub async fn open(server: Arc<Server>, limits: Limits) -> Result<Self, String> {
        let connection = server.connect(limits).await?;
        Ok(Self { server, limits, connection: Some(connection), command: Cmd::new(), sent: 0 })
    }

    /// From now on another server is asked, over a connection of its own.
    pub fn turn_to(&mut self, server: Arc<Server>) {
        self.server = server;
        self.connection = None;
    }

    /// Requests sent so far.
    #[must_use]
    pub fn sent(&self) -> u64 {
        self.sent
    }

    /// Words for a lost answer, without credentials.
    #[must_use]
    pub fn explain(&self, error: &redis::RedisError) -> String {
        self.server.explain(error)
    }

    /// Calls a script of so many keys, whose keys and arguments `fill` adds.
    pub async fn call(&mut self, script: &Script, keys: usize, fill: impl Fn(&mut Cmd)) -> Answer {
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
    pub async fn acknowledged(&mut self, replicas: u64, within_ms: u64) -> Answer {
        let Some(connection) = &mut self.connection else {
            return Answer::NotSent("the connection that wrote is gone".to_owned());
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
        answer
    }

    /// Puts a release behind a request that was not answered in time, on the same
    /// connection: whenever the server executes the one, the other follows. Its
    /// answer is not awaited.
    pub async fn withdraw(&mut self, ticket: &Ticket) {
        let Some(connection) = &mut self.connection else { return };
        let among = ticket.is_among();
        let releasing = if among { &RELEASING_AMONG } else { &RELEASING };
        releasing.in_full(&mut self.command, 1);
        let place = if among { &ticket.inside } else { &ticket.lock };
        self.command.arg(place.as_str()).arg(ticket.identity.as_str()).set_no_response(true);
        self.sent += 1;
        // Fails only if the connection is gone, and then there is nothing to follow.
        let _ = connection.send_packed_command(&self.command).await;
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
