//! One client of the advisory recipe.

use std::collections::HashMap;
use std::pin::pin;
use std::time::Duration;

use tokio::time::timeout;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Error, Row};

use super::super::super::planted::{Flaw, Planted};
use super::super::super::poll::{Polling, Tried};
use super::super::advisory_key::number;
use super::super::connect::Backend;
use super::super::link::{Failure, Link, Request};
use lockbench_core::clock::Timer;
use lockbench_core::lock::{
    Acquire, Deadline, Grant, Key, Local, Mode, NEVER, NO_LEASE, Opening, Patience, Release, Renewal, Retry, Session,
};

/// How long after its deadline the server may take to end a wait, before the
/// connection is closed and the outcome is unknown.
const GRACE: Duration = Duration::from_secs(1);

const WAIT: usize = 0;
const TRY: usize = 1;
const UNLOCK: usize = 2;
/// From here on the same for shared locks.
const SHARED_ONES: usize = 3;

/// The statements, by the numbers above. `lock_timeout` is in milliseconds and
/// bounds each wait for a lock; 0 would mean for ever
/// (<https://www.postgresql.org/docs/15/runtime-config-client.html#GUC-LOCK-TIMEOUT>).
/// PostgreSQL evaluates the select list from left to right here: seen on 15, and
/// the conformance suite fails if it did not.
pub(in super::super) fn statements() -> Vec<Request> {
    vec![
        Request::new("select set_config('lock_timeout', $1, false), pg_advisory_lock($2)", &[Type::TEXT, Type::INT8]),
        Request::new("select pg_try_advisory_lock($1)", &[Type::INT8]),
        Request::new("select pg_advisory_unlock($1)", &[Type::INT8]),
        Request::new(
            "select set_config('lock_timeout', $1, false), pg_advisory_lock_shared($2)",
            &[Type::TEXT, Type::INT8],
        )
        .later(),
        Request::new("select pg_try_advisory_lock_shared($1)", &[Type::INT8]).later(),
        Request::new("select pg_advisory_unlock_shared($1)", &[Type::INT8]).later(),
    ]
}

/// What a client is to the server where a pooler gives it the sessions that others have, too: one of those, as they are.
pub(in super::super) const SHARED: &str = "a session of the pooler";

/// One client: its connection is its identity.
pub(super) struct AdvisorySession {
    link: Link,
    timer: Timer,
    namespace: String,
    held: HashMap<u32, Held>,
    planted: Planted,
    /// Who waits for a permit polls.
    polling: Polling,
    client: u32,
    /// Have the locks modes?
    has_modes: bool,
}

/// A number that is locked, and whether others may share it.
#[derive(Clone, Copy)]
struct Number {
    id: i64,
    shared: bool,
}

impl Number {
    /// The place of a statement about it.
    fn statement(self, which: usize) -> usize {
        if self.shared { SHARED_ONES + which } else { which }
    }
}

/// A lock of ours.
#[derive(Clone, Copy)]
struct Held {
    id: Number,
    /// The server process whose session holds it.
    backend: Backend,
}

/// What came of a wait that was sent.
struct Answer {
    /// `None`: nothing, for longer than the server was told to wait.
    result: Option<Result<Vec<Row>, Error>>,
    /// Did we ask the server to cancel?
    withdrawn: bool,
}

impl AdvisorySession {
    pub(super) fn new(link: Link, opening: &Opening, namespace: String, planted: Planted) -> Self {
        let (timer, polling) = (opening.timer.clone(), Polling::new(opening.retry, opening.seed));
        Self {
            link,
            timer,
            namespace,
            held: HashMap::new(),
            planted,
            polling,
            client: opening.client,
            has_modes: false,
        }
    }

    async fn acquire_now(&mut self, key: &Key, mode: Mode, patience: &Patience) -> Acquire {
        if self.held.contains_key(&key.index) {
            // The server would count a second lock on top of the first.
            return Acquire::Unavailable(format!("this client already holds {}", key.name));
        }
        let shared = match mode {
            Mode::Permits { of } => return self.permit(key, Flaw::permits(self.planted, of), patience).await,
            // As if it read.
            Mode::Exclusive => self.planted == Some(Flaw::OverlooksReaders) && self.has_modes,
            mode => mode == Mode::Shared,
        };
        let id = Number { id: number(&self.namespace, &key.name, self.planted), shared };
        match patience {
            Patience::Try => self.try_once(key.index, id).await,
            Patience::Until(deadline) if deadline.passed() => Acquire::TimedOut,
            Patience::Until(deadline) => self.wait(key.index, id, deadline).await,
        }
    }

    /// One of the permits of a key: each is an advisory lock of its own, tried in turn from one that differs between
    /// clients. The server has no queue for whichever comes free first: who finds none asks again.
    async fn permit(&mut self, key: &Key, of: u32, patience: &Patience) -> Acquire {
        let mut polling = std::mem::replace(&mut self.polling, Polling::new(Retry::Fixed { delay_ns: 0 }, 0));
        let first = self.client % of;
        let ids: Vec<i64> = (0..of)
            .map(|place| number(&self.namespace, &format!("{}/{}", key.name, (first + place) % of), self.planted))
            .collect();
        let outcome = polling
            .acquire(patience, async || {
                for id in &ids {
                    match self.try_once(key.index, Number { id: *id, shared: false }).await {
                        Acquire::Refused => {}
                        Acquire::Acquired(grant) => return Tried::Granted(grant),
                        other => return Tried::Ended(other),
                    }
                }
                Tried::Held
            })
            .await;
        self.polling = polling;
        outcome
    }

    async fn try_once(&mut self, key: u32, id: Number) -> Acquire {
        match self.link.ask(id.statement(TRY), &[&id.id]).await {
            Ok(rows) if said_true(&rows) => self.granted(key, id).await.after_waiting(false),
            Ok(_) => Acquire::Refused,
            Err(failure) => self.not_granted(id, failure, false).await,
        }
    }

    async fn wait(&mut self, key: u32, id: Number, deadline: &Deadline) -> Acquire {
        let answer = match self.ask_to_wait(id, deadline).await {
            Ok(answer) => answer,
            Err(failure) => return self.not_granted(id, failure, false).await,
        };
        self.link.count_request();
        let withdrawn = answer.withdrawn;
        let failure = match answer.result {
            Some(Ok(_)) if withdrawn => return self.give_back(id, Acquire::TimedOut).await,
            Some(Ok(_)) => return self.granted(key, id).await,
            Some(Err(error)) => self.link.failed(&error),
            None => self.link.given_up("the server did not end the wait within 1 s of the deadline"),
        };
        match self.not_granted(id, failure, withdrawn).await {
            Acquire::TimedOut if self.planted == Some(Flaw::FailureIsAGrant) => self.granted(key, id).await,
            outcome => outcome,
        }
    }

    /// Sends the wait and stays until the server has ended it, or the backstop.
    async fn ask_to_wait(&mut self, id: Number, deadline: &Deadline) -> Result<Answer, Failure> {
        let server = self.link.server().clone();
        let line = self.link.live(id.statement(WAIT)).await?;
        // Rounded up, so that the server never gives up before the deadline.
        let lock_timeout = deadline.remaining_ns().div_ceil(1_000_000).clamp(1, i32::MAX as u64).to_string();
        let parameters: [&(dyn ToSql + Sync); 2] = [&lock_timeout, &id.id];
        let token = line.connection.client.cancel_token();
        let mut asking = pin!(line.ask(&parameters));
        tokio::select! {
            biased;
            result = &mut asking => return Ok(Answer { result: Some(result), withdrawn: false }),
            () = deadline.reached() => {}
        }
        let withdrawn = deadline.brought_forward();
        let result = if withdrawn {
            tokio::join!(timeout(GRACE, asking), server.cancel(&token, GRACE)).0
        } else {
            timeout(GRACE, asking).await
        };
        Ok(Answer { result: result.ok(), withdrawn })
    }

    /// A grant, unless the server has ended the session meanwhile, and the lock with it: the word of both may come at
    /// once, and a lock that was lost before its client heard of it is none.
    async fn granted(&mut self, key: u32, id: Number) -> Acquire {
        if self.link.lost_at().is_some() {
            let failure = self.link.given_up("granted, and the session was ended before the answer was read");
            return self.not_granted(id, failure, false).await;
        }
        match self.link.backend() {
            Some(backend) => {
                self.held.insert(key, Held { id, backend });
                Acquire::Acquired(Grant::new(key, None, NO_LEASE))
            }
            None => Acquire::Unknown { surely_ended_ns: NEVER, reason: "answered on a closed connection".to_owned() },
        }
    }

    /// Sorts a failed try into its outcome, after making sure of "no effect".
    async fn not_granted(&mut self, id: Number, failure: Failure, withdrawn: bool) -> Acquire {
        match failure {
            Failure::Refused { code: None, reason } => Acquire::Unavailable(reason),
            // The server looks for circles of waits once deadlock_timeout is over, and ends one of them.
            Failure::Refused { code: Some(code), .. } if code == SqlState::T_R_DEADLOCK_DETECTED => {
                self.give_back(id, Acquire::Deadlock).await
            }
            Failure::Refused { code: Some(code), reason } => {
                let timed_out = code == SqlState::LOCK_NOT_AVAILABLE || (withdrawn && code == SqlState::QUERY_CANCELED);
                let outcome = if timed_out { Acquire::TimedOut } else { Acquire::Unavailable(reason) };
                self.give_back(id, outcome).await
            }
            Failure::Lost { backend, reason } => {
                Acquire::Unknown { surely_ended_ns: self.surely_ended(backend).await, reason }
            }
        }
    }

    /// Unlocks what a withdrawn or failed statement may have locked all the same.
    async fn give_back(&mut self, id: Number, outcome: Acquire) -> Acquire {
        match self.unlock(id).await {
            Ok(_) => outcome,
            Err(failure) => {
                let (surely_ended_ns, reason) = self.end_session(failure).await;
                Acquire::Unknown { surely_ended_ns, reason: format!("the withdrawal was not confirmed: {reason}") }
            }
        }
    }

    /// Unlocks: did we hold it? A cancel request that came too late for its own
    /// statement may hit this one, before or after its effect: asked once more.
    async fn unlock(&mut self, id: Number) -> Result<bool, Failure> {
        match self.link.ask(id.statement(UNLOCK), &[&id.id]).await {
            Err(Failure::Refused { code: Some(code), .. }) if code == SqlState::QUERY_CANCELED => {
                self.link.ask(id.statement(UNLOCK), &[&id.id]).await.map(|_| true)
            }
            answer => answer.map(|rows| said_true(&rows)),
        }
    }

    /// After an unlock that was not served: the session's end is the only way
    /// left to free the lock. When is it surely over, and why?
    async fn end_session(&mut self, failure: Failure) -> (u64, String) {
        let failure = match failure {
            Failure::Refused { reason, .. } => self.link.given_up(&reason),
            lost @ Failure::Lost { .. } => lost,
        };
        match failure {
            Failure::Lost { backend, reason } => (self.surely_ended(backend).await, reason),
            Failure::Refused { reason, .. } => (NEVER, reason),
        }
    }

    /// Now, if the server says that this session of ours is over; else nobody knows when.
    async fn surely_ended(&mut self, backend: Backend) -> u64 {
        if self.link.session_ended(backend).await { self.timer.now() } else { NEVER }
    }

    async fn release_now(&mut self, grant: &Grant) -> Release {
        let Some(held) = self.held.remove(&grant.key()) else { return Release::NotOwner };
        if self.link.backend() != Some(held.backend) || self.link.lost_at().is_some() {
            return self.released_with_its_session(held.backend).await;
        }
        match self.unlock(held.id).await {
            Ok(true) => Release::Confirmed,
            Ok(false) => Release::NotOwner,
            Err(failure) => {
                let (surely_ended_ns, reason) = self.end_session(failure).await;
                Release::Unknown { surely_ended_ns, reason }
            }
        }
    }

    /// The connection was lost during the hold. If the server knows the session
    /// no more, it freed the lock long ago; if it still lists it (a half-open
    /// connection), the lock is stuck until it notices.
    async fn released_with_its_session(&mut self, holder: Backend) -> Release {
        if self.link.session_ended(holder).await {
            return Release::NotOwner;
        }
        let reason = "the connection was lost during the hold, and its session may live on".to_owned();
        Release::Unknown { surely_ended_ns: NEVER, reason }
    }

    /// Since when a grant of ours is without its session.
    fn grants_lost_at(&self) -> Option<u64> {
        let current = self.link.backend();
        let parted = || self.link.parted_at().filter(|_| self.held.values().any(|held| Some(held.backend) != current));
        self.link.lost_at().or_else(parted)
    }
}

fn said_true(rows: &[Row]) -> bool {
    rows.first().is_some_and(|row| row.try_get(0).unwrap_or(false))
}

impl Session for AdvisorySession {
    fn acquire<'a>(&'a mut self, key: &'a Key, patience: &'a Patience) -> Local<'a, Acquire> {
        Box::pin(self.acquire_now(key, Mode::Exclusive, patience))
    }

    fn acquire_as<'a>(&'a mut self, key: &'a Key, mode: Mode, patience: &'a Patience) -> Local<'a, Acquire> {
        self.has_modes = true;
        Box::pin(self.acquire_now(key, mode, patience))
    }

    fn renew<'a>(&'a mut self, _grant: &'a mut Grant) -> Local<'a, Renewal> {
        // There is no lease; the plan checker does not ask for renewal here.
        Box::pin(std::future::ready(Renewal::Unavailable("an advisory lock has no lease".to_owned())))
    }

    fn release(&mut self, grant: Grant) -> Local<'_, Release> {
        Box::pin(async move { self.release_now(&grant).await })
    }

    fn close(self: Box<Self>) -> Local<'static, ()> {
        Box::pin(self.link.close())
    }

    fn effective_ttl_ns(&self) -> Option<u64> {
        None
    }

    fn identity(&self) -> Option<String> {
        if self.link.server().shares_sessions {
            return Some(SHARED.to_owned());
        }
        self.link.backend().map(|backend| backend.to_string())
    }

    fn lost_at(&self) -> Option<u64> {
        self.grants_lost_at()
    }

    fn requests(&self) -> u64 {
        self.link.requests()
    }
}
