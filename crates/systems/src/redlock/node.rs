//! One of the N nodes as one client sees it: a connection that is made again in
//! the background, and the requests that it still owes an answer.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use redis::aio::MultiplexedConnection;
use tokio::task::JoinHandle;

use super::super::redis::{Limits, Server};

/// Pause between attempts to connect to a node that is down.
const RECONNECT_PAUSE: Duration = Duration::from_millis(100);

/// A node.
pub(super) struct Node {
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

impl Node {
    /// A node that begins to connect.
    pub fn new(server: Arc<Server>, limits: Limits) -> Self {
        let problem = Arc::default();
        let state = State::Down(connecting(&server, limits, &problem));
        Self { server, limits, state, generation: 0, unanswered: VecDeque::new(), problem }
    }

    /// Takes over a connection that was made meanwhile. Is there one?
    pub fn refresh(&mut self) -> bool {
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

    /// Does it owe an answer since before `then`? A stopped server accepts
    /// requests without end and answers none.
    pub fn stalled(&self, then: u64) -> bool {
        self.unanswered.front().is_some_and(|sent| *sent < then)
    }

    /// The connection for one request, which is now owed an answer, and its number.
    pub fn send(&mut self, now: u64) -> Option<(MultiplexedConnection, u32)> {
        let State::Up(connection) = &self.state else { return None };
        self.unanswered.push_back(now);
        Some((connection.clone(), self.generation))
    }

    /// One answer came; a connection answers in order.
    pub fn answered(&mut self, generation: u32) {
        if generation == self.generation {
            self.unanswered.pop_front();
        }
    }

    /// That connection is gone: a new one is made in the background.
    pub fn lost(&mut self, generation: u32, problem: String) {
        if generation == self.generation && matches!(self.state, State::Up(_)) {
            *self.problem.lock().unwrap_or_else(PoisonError::into_inner) = Some(problem);
            self.state = State::Down(connecting(&self.server, self.limits, &self.problem));
        }
    }

    /// Why it is down, with its address; `None` while nothing is known against it.
    pub fn problem(&self) -> Option<String> {
        let problem = self.problem.lock().unwrap_or_else(PoisonError::into_inner);
        problem.as_ref().map(|problem| format!("{}: {problem}", self.server.address()))
    }

    /// Words for an error of this node, without credentials.
    pub fn explain(&self, error: &redis::RedisError) -> String {
        self.server.explain(error)
    }
}

impl Drop for Node {
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
