//! One client of the recipes whose lock is a transaction.

use std::collections::HashMap;
use std::pin::pin;
use std::time::Duration;

use tokio::time::timeout;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Error, Row};

use super::super::advisory::SHARED;
use super::super::advisory_key::number;
use super::super::connect::{Backend, Server};
use super::super::link::{Failure, Link, Request};
use super::What;
use lockbench_core::lock::{
    Acquire, Deadline, Grant, Key, Local, NEVER, NO_LEASE, Opening, Patience, Release, Session, SystemError,
};

/// How long after its deadline the server may take to end a wait, before the connection is closed and the outcome is unknown.
const GRACE: Duration = Duration::from_secs(1);

const BEGIN: usize = 0;
const WAIT: usize = 1;
const ONCE: usize = 2;
const COMMIT: usize = 3;
const ROLLBACK: usize = 4;

/// One client, with a connection for each lock that it has, and one that is free in most moments.
pub(super) struct TransactionSession {
    server: Server,
    opening: Opening,
    what: What,
    namespace: String,
    statements: Vec<Request>,
    idle: Vec<Link>,
    held: HashMap<u32, Held>,
    /// Statements of connections that are gone.
    before: u64,
}

struct Held {
    link: Link,
    /// The server process whose transaction has the lock.
    backend: Backend,
}

/// What a statement is asked for.
enum Asked<'a> {
    Once,
    Waiting(&'a Deadline),
}

/// What came of a transaction that was begun for a lock.
struct Answer {
    /// `None`: nothing, for longer than the server was told to wait.
    result: Option<Result<Vec<Row>, Error>>,
    /// Did we ask the server to cancel?
    withdrawn: bool,
}

impl TransactionSession {
    pub(super) async fn open(
        server: &Server,
        opening: Opening,
        what: What,
        namespace: String,
        statements: Vec<Request>,
    ) -> Result<Self, SystemError> {
        let first = Link::open(server, &opening, statements.clone()).await?;
        let server = server.clone();
        Ok(Self { server, opening, what, namespace, statements, idle: vec![first], held: HashMap::new(), before: 0 })
    }

    async fn acquire_now(&mut self, key: &Key, patience: &Patience) -> Acquire {
        if self.held.contains_key(&key.index) {
            return Acquire::Unavailable(format!("this client already holds {}", key.name));
        }
        let asked = match patience {
            Patience::Try => Asked::Once,
            Patience::Until(deadline) if deadline.passed() => return Acquire::TimedOut,
            Patience::Until(_) if self.what == What::FreeRow => {
                return Acquire::Unavailable("a row is claimed here, and not waited for".to_owned());
            }
            Patience::Until(deadline) => Asked::Waiting(deadline),
        };
        let mut link = match self.idle.pop() {
            Some(link) => link,
            None => match Link::open(&self.server, &self.opening, self.statements.clone()).await {
                Ok(link) => link,
                Err(error) => return Acquire::Unavailable(error.problem),
            },
        };
        let outcome = self.begins(&mut link, key, asked).await;
        match (&outcome, link.backend()) {
            (Acquire::Acquired(_), Some(backend)) => {
                self.held.insert(key.index, Held { link, backend });
            }
            (Acquire::Acquired(_), None) => {
                let reason = "answered on a closed connection".to_owned();
                return Acquire::Unknown { surely_ended_ns: NEVER, reason };
            }
            _ => self.idle.push(link),
        }
        outcome
    }

    /// Begins a transaction and asks for the lock in it.
    async fn begins(&self, link: &mut Link, key: &Key, asked: Asked<'_>) -> Acquire {
        let waits = matches!(asked, Asked::Waiting(_));
        let answer = match self.ask(link, key, asked).await {
            Ok(answer) => answer,
            Err(failure) => return self.not_granted(link, failure, waits, false).await,
        };
        link.count_request();
        link.count_request();
        let withdrawn = answer.withdrawn;
        let failure = match answer.result {
            Some(Ok(_)) if withdrawn => return self.rolled_back(link, Acquire::TimedOut).await,
            Some(Ok(rows)) if waits || said_true(&rows) => return self.granted(link, key.index, waits).await,
            Some(Ok(_)) => return self.rolled_back(link, Acquire::Refused).await,
            Some(Err(error)) => link.failed(&error),
            None => link.given_up("the server did not end the wait in time"),
        };
        self.not_granted(link, failure, waits, withdrawn).await
    }

    /// Sends BEGIN and the statement one right behind the other, and stays until the server has answered, or the backstop.
    async fn ask(&self, link: &mut Link, key: &Key, asked: Asked<'_>) -> Result<Answer, Failure> {
        let which = if matches!(asked, Asked::Once) { ONCE } else { WAIT };
        let (begin, line) = link.live_pair(BEGIN, which).await?;
        let (id, name) = (number(&self.namespace, &key.name, None), &*key.name);
        let place: &(dyn ToSql + Sync) = if self.what == What::Number { &id } else { &name };
        let lock_timeout;
        let (parameters, limit): (Vec<&(dyn ToSql + Sync)>, Option<&Deadline>) = match asked {
            Asked::Once => (vec![place], None),
            Asked::Waiting(deadline) => {
                // Rounded up, so that the server never gives up before the deadline.
                lock_timeout = deadline.remaining_ns().div_ceil(1_000_000).clamp(1, i32::MAX as u64).to_string();
                (vec![&lock_timeout, place], Some(deadline))
            }
        };
        let token = line.connection.client.cancel_token();
        let mut asking = pin!(async {
            let (begun, answer) = tokio::join!(begin.ask(&[]), line.ask(&parameters));
            begun.and(answer)
        });
        let Some(deadline) = limit else {
            let within = Duration::from_nanos(self.opening.request_timeout_ns);
            return Ok(Answer { result: timeout(within, asking).await.ok(), withdrawn: false });
        };
        tokio::select! {
            biased;
            result = &mut asking => return Ok(Answer { result: Some(result), withdrawn: false }),
            () = deadline.reached() => {}
        }
        let withdrawn = deadline.brought_forward();
        let result = if withdrawn {
            tokio::join!(timeout(GRACE, asking), self.server.cancel(&token, GRACE)).0
        } else {
            timeout(GRACE, asking).await
        };
        Ok(Answer { result: result.ok(), withdrawn })
    }

    /// A grant, unless the server has ended the session meanwhile, and the transaction with it.
    async fn granted(&self, link: &mut Link, key: u32, waited: bool) -> Acquire {
        if link.lost_at().is_some() {
            let failure = link.given_up("granted, and the session was ended before the answer was read");
            return self.not_granted(link, failure, waited, false).await;
        }
        let grant = Grant::new(key, None, NO_LEASE);
        // How long a wait was in the server's queue, if it was one, is not told.
        Acquire::Acquired(if waited { grant } else { grant.after_waiting(false) })
    }

    /// Sorts a failed try into its outcome, after the transaction has ended.
    async fn not_granted(&self, link: &mut Link, failure: Failure, waits: bool, withdrawn: bool) -> Acquire {
        match failure {
            Failure::Refused { code: None, reason } => Acquire::Unavailable(reason),
            Failure::Refused { code: Some(code), reason } => {
                let outcome = if code == SqlState::T_R_DEADLOCK_DETECTED {
                    Acquire::Deadlock
                } else if code == SqlState::LOCK_NOT_AVAILABLE {
                    if waits { Acquire::TimedOut } else { Acquire::Refused }
                } else if withdrawn && code == SqlState::QUERY_CANCELED {
                    Acquire::TimedOut
                } else {
                    Acquire::Unavailable(reason)
                };
                self.rolled_back(link, outcome).await
            }
            Failure::Lost { backend, reason } => {
                Acquire::Unknown { surely_ended_ns: self.surely_ended(link, backend).await, reason }
            }
        }
    }

    /// Ends the transaction, and with it whatever it has.
    async fn rolled_back(&self, link: &mut Link, outcome: Acquire) -> Acquire {
        match self.end(link, ROLLBACK).await {
            Ok(()) => outcome,
            Err((surely_ended_ns, reason)) => {
                Acquire::Unknown { surely_ended_ns, reason: format!("the withdrawal was not confirmed: {reason}") }
            }
        }
    }

    /// Ends the transaction by this statement. A cancel request that came too late for its own statement may hit this one,
    /// before or after its effect: it is sent once more, which does no harm outside of a transaction.
    async fn end(&self, link: &mut Link, how: usize) -> Result<(), (u64, String)> {
        let mut ended = link.ask(how, &[]).await;
        if matches!(&ended, Err(Failure::Refused { code: Some(code), .. }) if *code == SqlState::QUERY_CANCELED) {
            ended = link.ask(how, &[]).await;
        }
        let failure = match ended {
            Ok(_) => return Ok(()),
            // Only the session's end is left to end it.
            Err(Failure::Refused { reason, .. }) => link.given_up(&reason),
            Err(lost @ Failure::Lost { .. }) => lost,
        };
        match failure {
            Failure::Lost { backend, reason } => Err((self.surely_ended(link, backend).await, reason)),
            Failure::Refused { reason, .. } => Err((NEVER, reason)),
        }
    }

    /// Now, if the server says that this session of ours is over; else nobody knows when.
    async fn surely_ended(&self, link: &mut Link, backend: Backend) -> u64 {
        if link.session_ended(backend).await { self.opening.timer.now() } else { NEVER }
    }

    async fn release_now(&mut self, grant: &Grant) -> Release {
        let Some(Held { mut link, backend }) = self.held.remove(&grant.key()) else { return Release::NotOwner };
        let released = if link.backend() != Some(backend) || link.lost_at().is_some() {
            if link.session_ended(backend).await {
                Release::NotOwner
            } else {
                let reason = "the connection was lost during the hold, and its transaction may live on".to_owned();
                Release::Unknown { surely_ended_ns: NEVER, reason }
            }
        } else {
            match self.end(&mut link, COMMIT).await {
                Ok(()) => Release::Confirmed,
                Err((surely_ended_ns, reason)) => Release::Unknown { surely_ended_ns, reason },
            }
        };
        if self.idle.is_empty() {
            self.idle.push(link);
        } else {
            // It was needed for a second lock.
            self.before += link.requests();
            link.close().await;
        }
        released
    }
}

fn said_true(rows: &[Row]) -> bool {
    rows.first().is_some_and(|row| row.try_get(0).unwrap_or(false))
}

impl Session for TransactionSession {
    fn acquire<'a>(&'a mut self, key: &'a Key, patience: &'a Patience) -> Local<'a, Acquire> {
        Box::pin(self.acquire_now(key, patience))
    }

    fn release(&mut self, grant: Grant) -> Local<'_, Release> {
        Box::pin(async move { self.release_now(&grant).await })
    }

    fn close(self: Box<Self>) -> Local<'static, ()> {
        Box::pin(async move {
            for link in self.idle.into_iter().chain(self.held.into_values().map(|held| held.link)) {
                link.close().await;
            }
        })
    }

    fn identity(&self) -> Option<String> {
        if self.server.shares_sessions {
            return Some(SHARED.to_owned());
        }
        let links = self.idle.iter().chain(self.held.values().map(|held| &held.link));
        links.filter_map(Link::backend).map(|backend| backend.to_string()).next()
    }

    fn lost_at(&self) -> Option<u64> {
        self.held.values().filter_map(|held| held.link.lost_at()).min()
    }

    fn requests(&self) -> u64 {
        let links = self.idle.iter().chain(self.held.values().map(|held| &held.link));
        self.before + links.map(Link::requests).sum::<u64>()
    }
}
