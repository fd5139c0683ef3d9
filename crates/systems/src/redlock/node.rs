//! One of the N nodes as one client sees it: a connection that is made again in
//! the background, and the requests that it still owes an answer.

use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use redis::aio::MultiplexedConnection;
use tokio::task::JoinHandle;

use super::super::planted::Planted;
use super::super::redis::{Answer, Limits, Scripts, Server, Ticket};
use super::request::{Request, ballot};
use super::votes::Ballot;
use super::wire::{Node, Said, Verb};

/// Pause between attempts to connect to a node that is down.
const RECONNECT_PAUSE: Duration = Duration::from_millis(100);

/// A node on a server.
pub(super) struct ServerNode {
    server: Arc<Server>,
    limits: Limits,
    state: State,
    /// Number of the connection, so that a late answer of an old one says nothing of the new one.
    generation: u32,
    /// When the requests were sent that this connection has not answered yet, in order.
    unanswered: VecDeque<u64>,
    /// Why it is or was down.
    problem: Arc<Mutex<Option<String>>>,
}

enum State {
    Up(MultiplexedConnection),
    Down(JoinHandle<MultiplexedConnection>),
}

impl ServerNode {
    /// A node that begins to connect.
    pub fn new(server: Arc<Server>, limits: Limits) -> Self {
        let problem = Arc::default();
        let state = State::Down(connecting(&server, limits, &problem));
        Self { server, limits, state, generation: 0, unanswered: VecDeque::new(), problem }
    }
}

impl Node for ServerNode {
    type Request = Request;
    type Answer = Answer;

    fn request(verb: Verb, ticket: &Ticket, planted: Planted) -> Rc<Request> {
        match verb {
            Verb::Acquire { ttl_ms } => Request::acquire(ticket, ttl_ms, planted),
            Verb::Renew { ttl_ms } => Request::renew(ticket, ttl_ms, Scripts::of(planted)),
            Verb::Release => Request::release(ticket, Scripts::of(planted)),
        }
    }

    fn refresh(&mut self) -> bool {
        if let State::Down(task) = &mut self.state {
            match task.now_or_never() {
                None => return false,
                Some(Ok(connection)) => {
                    self.state = State::Up(connection);
                    self.generation += 1;
                    self.unanswered.clear();
                }
                Some(Err(_)) => {
                    self.state = State::Down(connecting(&self.server, self.limits, &self.problem));
                    return false;
                }
            }
        }
        true
    }

    fn stalled(&self, then: u64) -> bool {
        self.unanswered.front().is_some_and(|sent| *sent < then)
    }

    fn send(
        &mut self,
        now: u64,
        request: &Rc<Request>,
    ) -> Option<(impl Future<Output = (Answer, u64)> + 'static, u32)> {
        let State::Up(connection) = &self.state else { return None };
        self.unanswered.push_back(now);
        let (mut connection, request) = (connection.clone(), Rc::clone(request));
        Some((async move { request.ask(&mut connection).await }, self.generation))
    }

    fn read(&self, answer: &Answer) -> (Ballot, Said) {
        let said = match answer {
            Answer::Lost(error) => Said::Gone(self.server.explain(error)),
            Answer::NotSent(problem) => Said::Gone(problem.clone()),
            Answer::Refused(text) | Answer::Strange(text) => Said::Complaint(text.clone()),
            Answer::Value(_) | Answer::NoScript | Answer::Late => Said::Nothing,
        };
        (ballot(answer), said)
    }

    fn answered(&mut self, generation: u32) {
        if generation == self.generation {
            self.unanswered.pop_front();
        }
    }

    fn lost(&mut self, generation: u32, problem: String) {
        if generation == self.generation && matches!(self.state, State::Up(_)) {
            *self.problem.lock().unwrap_or_else(PoisonError::into_inner) = Some(problem);
            self.state = State::Down(connecting(&self.server, self.limits, &self.problem));
        }
    }

    fn problem(&self) -> Option<String> {
        let problem = self.problem.lock().unwrap_or_else(PoisonError::into_inner);
        problem.as_ref().map(|problem| format!("{}: {problem}", self.server.address()))
    }
}

impl Drop for ServerNode {
    fn drop(&mut self) {
        if let State::Down(task) = &self.state {
            task.abort();
        }
    }
}

/// Connects until it succeeds. The owner of the handle aborts it.
fn connecting(
    server: &Arc<Server>,
    limits: Limits,
    problem: &Arc<Mutex<Option<String>>>,
) -> JoinHandle<MultiplexedConnection> {
    let (server, problem) = (Arc::clone(server), Arc::clone(problem));
    tokio::spawn(async move {
        loop {
            let failed = match server.connect(limits).await {
                Ok(connection) => {
                    *problem.lock().unwrap_or_else(PoisonError::into_inner) = None;
                    return connection;
                }
                Err(text) => text,
            };
            *problem.lock().unwrap_or_else(PoisonError::into_inner) = Some(failed);
            tokio::time::sleep(RECONNECT_PAUSE).await;
        }
    })
}
