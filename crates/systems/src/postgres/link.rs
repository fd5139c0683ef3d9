//! A client's connection with its prepared statements, opened again after a
//! loss. Where clients share sessions of the server through a pooler, nothing is
//! prepared: a prepared statement is of one session, and PgBouncer before 1.21 passes
//! its name on as it is (<https://www.pgbouncer.org/config.html#max_prepared_statements>);
//! each request then has its text and types with it, in one round trip all the same.
//! A link answers the question that a lock client must answer after every
//! failure: did the statement surely have no effect, or is that unknown?

use std::time::Duration;

use tokio::time::timeout;
use tokio_postgres::error::{Severity, SqlState};
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Error, Row, Statement};

use super::connect::{Backend, Connection, Server, client_name};
use lockbench_core::lock::{Opening, SystemError};

/// Longest wait for the server to confirm that a former session has ended.
const CONFIRM_LIMIT: Duration = Duration::from_secs(1);
/// Pause between two such questions.
const CONFIRM_PAUSE: Duration = Duration::from_millis(10);

/// A statement of a recipe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Request {
    sql: String,
    /// Of its parameters.
    types: Vec<Type>,
    /// Is it prepared only when it is used first?
    later: bool,
}

impl Request {
    /// This text, with parameters of these types.
    pub(super) fn new(sql: impl Into<String>, types: &[Type]) -> Self {
        Self { sql: sql.into(), types: types.to_vec(), later: false }
    }

    /// Its text.
    pub(super) fn text(&self) -> &str {
        &self.sql
    }

    /// The same, prepared when it is used first. After all others.
    pub(super) fn later(self) -> Self {
        Self { later: true, ..self }
    }
}

/// A request on a live connection.
pub(super) struct Line<'a> {
    pub(super) connection: &'a Connection,
    request: &'a Request,
    /// `None`: sessions are shared.
    prepared: Option<&'a Statement>,
}

impl Line<'_> {
    /// Sends it.
    pub(super) async fn ask(&self, parameters: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>, Error> {
        let client = &self.connection.client;
        if let Some(statement) = self.prepared {
            return client.query(statement, parameters).await;
        }
        let typed: Vec<_> = parameters.iter().copied().zip(self.request.types.iter().cloned()).collect();
        client.query_typed(&self.request.sql, &typed).await
    }
}

/// Why a statement gave no rows.
#[derive(Debug)]
pub(super) enum Failure {
    /// The server refused it and rolled it back, or it was never sent.
    Refused {
        /// SQLSTATE, if the server spoke.
        code: Option<SqlState>,
        /// What was said.
        reason: String,
    },
    /// The connection ended, or we closed it because no answer came in time:
    /// the statement may have run, or may still run, in that server process.
    Lost {
        /// The process.
        backend: Backend,
        /// What was seen.
        reason: String,
    },
}

/// One client's identity on the server.
pub(super) struct Link {
    server: Server,
    /// Its name in rows.
    owner: String,
    /// The statements, by the recipe's numbers.
    statements: Vec<Request>,
    live: Option<(Connection, Vec<Statement>)>,
    limit: Duration,
    requests: u64,
    /// When the latest connection that we no longer have was found lost or given up.
    parted_at: Option<u64>,
}

impl Link {
    /// Connects and prepares.
    ///
    /// # Errors
    /// As [`Server::connect`].
    pub(super) async fn open(server: &Server, opening: &Opening, all: Vec<Request>) -> Result<Self, SystemError> {
        let owner = client_name(opening.client);
        let limit = Duration::from_nanos(opening.request_timeout_ns);
        let server = server.clone();
        let mut link = Self { server, owner, statements: all, live: None, limit, requests: 0, parted_at: None };
        match link.reopen().await {
            Ok(()) => Ok(link),
            Err(problem) => Err(link.server.error(&problem)),
        }
    }

    /// The name by which it owns rows. The server lists its connection by that name and the run's mark.
    pub(super) fn owner(&self) -> &str {
        &self.owner
    }

    /// The server that it talks to.
    pub(super) fn server(&self) -> &Server {
        &self.server
    }

    /// Statements sent so far, those of reconnecting not counted.
    pub(super) fn requests(&self) -> u64 {
        self.requests
    }

    /// Counts a request that was sent by other means.
    pub(super) fn count_request(&mut self) {
        self.requests += 1;
    }

    /// When the connection was lost, if it was and no new one was needed yet.
    pub(super) fn lost_at(&self) -> Option<u64> {
        self.live.as_ref().and_then(|(connection, _)| connection.lost_at())
    }

    /// When the connection before this one ended.
    pub(super) fn parted_at(&self) -> Option<u64> {
        self.parted_at
    }

    /// The server process at the other end of our connection, lost or not.
    pub(super) fn backend(&self) -> Option<Backend> {
        self.live.as_ref().map(|(connection, _)| connection.backend())
    }

    /// Statement number `which` on a live connection, reopened if need be.
    ///
    /// # Errors
    /// Nothing was sent: no effect.
    pub(super) async fn live(&mut self, which: usize) -> Result<Line<'_>, Failure> {
        if self.live.is_none() || self.lost_at().is_some() {
            self.reopen().await.map_err(|reason| Failure::Refused { code: None, reason })?;
        }
        self.prepare_until(which).await.map_err(|reason| Failure::Refused { code: None, reason })?;
        let line = self.live.as_ref().zip(self.statements.get(which)).map(|((connection, prepared), request)| Line {
            connection,
            request,
            prepared: prepared.get(which),
        });
        line.ok_or_else(|| Failure::Refused { code: None, reason: "no connection".to_owned() })
    }

    /// Two statements on one live connection, to be sent one right behind the other.
    ///
    /// # Errors
    /// As [`Link::live`].
    pub(super) async fn live_pair(&mut self, first: usize, second: usize) -> Result<(Line<'_>, Line<'_>), Failure> {
        self.live(first.max(second)).await?;
        let line = |which| {
            let ((connection, prepared), request) = self.live.as_ref().zip(self.statements.get(which))?;
            Some(Line { connection, request, prepared: prepared.get(which) })
        };
        let pair = line(first).zip(line(second));
        pair.ok_or_else(|| Failure::Refused { code: None, reason: "no connection".to_owned() })
    }

    /// Prepares those that were left for later, up to that one.
    async fn prepare_until(&mut self, which: usize) -> Result<(), String> {
        let Some((connection, prepared)) = self.live.as_mut().filter(|_| !self.server.shares_sessions) else {
            return Ok(());
        };
        while prepared.len() <= which
            && let Some(request) = self.statements.get(prepared.len())
        {
            match timeout(self.limit, connection.client.prepare(&request.sql)).await {
                Ok(Ok(statement)) => prepared.push(statement),
                Ok(Err(error)) => return Err(self.server.redact(&super::connect::text_of(&error))),
                Err(_) => return Err("no answer while preparing statements".to_owned()),
            }
        }
        Ok(())
    }

    /// Runs a statement, at most for the plan's request timeout.
    pub(super) async fn ask(&mut self, which: usize, parameters: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>, Failure> {
        let limit = self.limit;
        let line = self.live(which).await?;
        let answer = timeout(limit, line.ask(parameters)).await;
        self.requests += 1;
        match answer {
            Ok(answer) => answer.map_err(|error| self.failed(&error)),
            Err(_) => Err(self.given_up(&format!("no answer within {} s", limit.as_secs_f64()))),
        }
    }

    /// What an error of a sent statement means.
    ///
    /// An `ERROR` rolls its statement back. `FATAL` and a broken connection leave
    /// it open: the commit may have happened before the word of it got out
    /// (<https://www.postgresql.org/docs/15/protocol-flow.html>).
    pub(super) fn failed(&mut self, error: &Error) -> Failure {
        let reason = self.server.redact(&super::connect::text_of(error));
        let rolled_back = error.as_db_error().is_some_and(|db| {
            db.parsed_severity() == Some(Severity::Error)
                && *db.code() != SqlState::T_R_STATEMENT_COMPLETION_UNKNOWN
                && *db.code() != SqlState::TRANSACTION_RESOLUTION_UNKNOWN
        });
        if rolled_back { Failure::Refused { code: error.code().cloned(), reason } } else { self.given_up(&reason) }
    }

    /// Closes the connection without waiting for the server.
    pub(super) fn given_up(&mut self, reason: &str) -> Failure {
        match self.live.take() {
            Some((connection, _)) => {
                let backend = connection.backend();
                self.parted_at = Some(connection.lost_at().unwrap_or_else(|| self.server.now()));
                connection.abandon();
                Failure::Lost { backend, reason: reason.to_owned() }
            }
            None => Failure::Refused { code: None, reason: reason.to_owned() },
        }
    }

    /// Has the former session surely ended? Asks over a connection of its own,
    /// for at most a second; `false` also when nobody answers.
    pub(super) async fn session_ended(&mut self, former: Backend) -> bool {
        let asking = async {
            loop {
                let Ok(line) = self.live(0).await else { return false };
                match former.ended(&line.connection.client).await {
                    Ok(true) => return true,
                    Ok(false) => tokio::time::sleep(CONFIRM_PAUSE).await,
                    Err(_) => return false,
                }
            }
        };
        timeout(CONFIRM_LIMIT, asking).await.unwrap_or(false)
    }

    /// Ends the session in order.
    pub(super) async fn close(self) {
        if let Some((connection, _)) = self.live {
            connection.close().await;
        }
    }

    async fn reopen(&mut self) -> Result<(), String> {
        if let Some((former, _)) = self.live.take() {
            self.parted_at = Some(former.lost_at().unwrap_or_else(|| self.server.now()));
            former.abandon();
        }
        let connection = self.server.connect(&self.server.application(&self.owner), self.limit).await?;
        let preparing = async {
            let mut prepared = Vec::with_capacity(self.statements.len());
            for request in self.statements.iter().filter(|request| !request.later && !self.server.shares_sessions) {
                prepared.push(connection.client.prepare(&request.sql).await?);
            }
            Ok::<_, Error>(prepared)
        };
        match timeout(self.limit, preparing).await {
            Ok(Ok(prepared)) => {
                self.live = Some((connection, prepared));
                Ok(())
            }
            Ok(Err(error)) => Err(self.server.redact(&super::connect::text_of(&error))),
            Err(_) => Err("no answer while preparing statements".to_owned()),
        }
    }
}
