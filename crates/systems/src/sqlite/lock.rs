//! The recipe `sqlite`: polling for a row that is free, renewing and releasing
//! it as owner. Validity is the instant of asking + ttl; the expiry in the file is
//! counted from a later instant of the same clock, so there is no drift to allow for.

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::Duration;

use super::super::Target;
use super::super::planted::Planted;
use super::super::poll::{Polling, Tried, answered_too_late};
use super::super::truth::{Asker, Question};
use super::store::{Claim, Row, Store, StoreError};
use super::worker::Worker;
use lockbench_core::clock::{Clock, Timer};
use lockbench_core::lock::{
    Acquire, Agreement, Facts, Grant, Guarantees, Holder, Key, Local, LockSystem, Opening, Patience, Release, Renewal,
    Session, Survey, SystemError, Truth,
};

/// Longest wait of one poll for the write lock: a job cannot be called back, so
/// this is also how late a deadline may be noticed.
const POLL_BUSY: Duration = Duration::from_millis(100);

/// The lock system `sqlite`.
pub(super) struct Sqlite {
    path: PathBuf,
    clock: Clock,
    planted: Planted,
}

impl Sqlite {
    /// Configures it. Touches no file.
    pub(super) fn new(target: &Target, planted: Planted) -> Self {
        Self { path: target.scratch.join(format!("{}.sqlite", target.namespace)), clock: target.clock, planted }
    }

    fn error(&self, problem: String) -> SystemError {
        SystemError::new("sqlite", self.path.display().to_string(), problem)
    }

    async fn worker(&self) -> Result<Worker, SystemError> {
        Worker::open(self.path.clone(), self.clock, self.planted).await.map_err(|problem| self.error(problem))
    }

    /// Runs `work` on a connection of its own, for everything that is not measured.
    async fn control<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, SystemError> {
        let worker = self.worker().await?;
        let answer = worker.run(work).await;
        worker.close().await;
        match answer {
            Some(Ok(value)) => Ok(value),
            Some(Err(error)) => Err(self.error(said(error))),
            None => Err(self.error("its thread ended".to_owned())),
        }
    }
}

fn said(error: StoreError) -> String {
    match error {
        StoreError::Busy => "another connection kept the write lock".to_owned(),
        StoreError::Failed(reason) | StoreError::Unclear(reason) => reason,
    }
}

fn rows(store: &Store, names: &[String]) -> Result<Vec<Option<Row>>, StoreError> {
    names.iter().map(|name| store.holder(name)).collect()
}

fn holders(rows: Vec<Option<Row>>, now: u64) -> Vec<Option<Holder>> {
    let holder = |row: Row| Holder {
        identity: row.owner,
        token: Some(row.fence),
        ttl_ms: Some(row.expires_ns.saturating_sub(now) / 1_000_000),
    };
    rows.into_iter().map(|row| row.map(holder)).collect()
}

/// Its connection to the file is a thread of its own.
impl Question for Sqlite {
    type Line = Worker;

    async fn open(&self) -> Result<Worker, SystemError> {
        self.worker().await
    }

    async fn ask(&self, line: &mut Worker, keys: &[Key]) -> Result<Vec<Option<Holder>>, SystemError> {
        let names = names(keys);
        match line.run(move |store| rows(store, &names)).await {
            Some(Ok(rows)) => Ok(holders(rows, self.clock.now())),
            Some(Err(error)) => Err(self.error(said(error))),
            None => Err(self.error("its thread ended".to_owned())),
        }
    }
}

fn names(keys: &[Key]) -> Vec<String> {
    keys.iter().map(|key| key.name.to_string()).collect()
}

impl LockSystem for Sqlite {
    fn name(&self) -> &'static str {
        "sqlite"
    }

    fn guarantees(&self) -> &Guarantees {
        &super::GUARANTEES
    }

    fn addresses(&self) -> Vec<String> {
        Vec::new()
    }

    fn facts(&self) -> Local<'_, Result<Facts, SystemError>> {
        Box::pin(async {
            let (version, durability) = self.control(|store| store.settings()).await?;
            Ok(Facts {
                version,
                durability,
                quorum: Agreement::File,
                role: "in this process".to_owned(),
                ..Facts::default()
            })
        })
    }

    fn prepare<'a>(&'a self, keys: &'a [Key]) -> Local<'a, Result<(), SystemError>> {
        let names = names(keys);
        Box::pin(self.control(move |store| store.reset(&names)))
    }

    fn open(&self, opening: Opening) -> Local<'_, Result<Box<dyn Session>, SystemError>> {
        Box::pin(async move {
            let worker = self.worker().await?;
            Ok(Box::new(SqliteSession::new(worker, opening)) as Box<dyn Session>)
        })
    }

    fn survey<'a>(&'a self, keys: &'a [Key]) -> Local<'a, Result<Survey, SystemError>> {
        let names = names(keys);
        Box::pin(async move {
            let rows = self.control(move |store| rows(store, &names)).await?;
            // No server: reading the file is what every client does itself.
            Ok(Survey { round_trip_ns: None, holders: holders(rows, self.clock.now()) })
        })
    }

    fn truths(&self) -> Vec<Box<dyn Truth>> {
        vec![Asker::boxed(Self { path: self.path.clone(), clock: self.clock, planted: self.planted })]
    }

    fn clean<'a>(&'a self, keys: &'a [Key]) -> Local<'a, Result<(), SystemError>> {
        let names = names(keys);
        Box::pin(self.control(move |store| store.forget(&names)))
    }
}

struct SqliteSession {
    requests: Requests,
    polling: Polling,
}

impl SqliteSession {
    fn new(worker: Worker, opening: Opening) -> Self {
        let polling = Polling::new(opening.retry, opening.seed);
        let requests = Requests {
            worker,
            timer: opening.timer,
            // Client numbers are unique in a process only.
            owner: format!("client {} (pid {})", opening.client, std::process::id()),
            ttl_ns: opening.ttl_ns,
            limit: Duration::from_nanos(opening.request_timeout_ns),
            held: HashMap::new(),
            sent: 0,
        };
        Self { requests, polling }
    }
}

/// A lease of ours.
struct Held {
    name: String,
    /// When it surely is over unless it is renewed.
    ends_ns: u64,
}

/// The three requests and what their answers mean.
struct Requests {
    worker: Worker,
    timer: Timer,
    owner: String,
    ttl_ns: u64,
    limit: Duration,
    held: HashMap<u32, Held>,
    sent: u64,
}

impl Requests {
    fn claim(&self, key: &str, fence: u64, busy: Duration) -> Claim {
        Claim { key: key.to_owned(), owner: self.owner.clone(), fence, ttl_ns: self.ttl_ns, busy }
    }

    /// A lease that starts by now is over by then.
    fn latest_end(&self) -> u64 {
        self.timer.now().saturating_add(self.ttl_ns)
    }

    async fn try_once(&mut self, key: &Key, patience: &Patience) -> Tried {
        let asked = self.timer.now();
        let waiting = matches!(patience, Patience::Until(_));
        let busy = if waiting { POLL_BUSY.min(self.limit) } else { self.limit };
        let claim = self.claim(&key.name, 0, busy);
        self.sent += 1;
        match self.worker.run(move |store| store.acquire(&claim)).await {
            Some(Ok(Some(fence))) => {
                self.held.insert(key.index, Held { name: key.name.to_string(), ends_ns: self.latest_end() });
                let grant = Grant::new(key.index, Some(fence), asked.saturating_add(self.ttl_ns));
                if self.timer.now() < grant.validity_ns() {
                    return Tried::Granted(grant);
                }
                answered_too_late(self.release(&grant).await)
            }
            Some(Ok(None)) => Tried::Held,
            // The next poll waits for the write lock again.
            Some(Err(StoreError::Busy)) if waiting => Tried::Held,
            Some(Err(error @ (StoreError::Busy | StoreError::Failed(_)))) => {
                Tried::Ended(Acquire::Unavailable(said(error)))
            }
            Some(Err(StoreError::Unclear(reason))) => self.unknown(reason),
            None => self.unknown("its thread ended".to_owned()),
        }
    }

    /// The thread is done with the job either way, so a lease has begun by now.
    fn unknown(&self, reason: String) -> Tried {
        Tried::Ended(Acquire::Unknown { surely_ended_ns: self.latest_end(), reason })
    }

    async fn renew(&mut self, grant: &mut Grant) -> Renewal {
        let Some(held) = self.held.get(&grant.key()) else { return Renewal::Refused };
        let asked = self.timer.now();
        let claim = self.claim(&held.name, grant.token().unwrap_or_default(), self.limit);
        let renewal = match self.worker.run(move |store| store.renew(&claim)).await {
            Some(Ok(true)) => {
                grant.extend(asked.saturating_add(self.ttl_ns));
                Renewal::Confirmed
            }
            Some(Ok(false)) => return Renewal::Refused,
            Some(Err(error @ (StoreError::Busy | StoreError::Failed(_)))) => return Renewal::Unavailable(said(error)),
            Some(Err(StoreError::Unclear(reason))) => Renewal::Unknown(reason),
            None => Renewal::Unknown("its thread ended".to_owned()),
        };
        let ends_ns = self.latest_end();
        if let Some(held) = self.held.get_mut(&grant.key()) {
            held.ends_ns = ends_ns;
        }
        renewal
    }

    async fn release(&mut self, grant: &Grant) -> Release {
        let Some(Held { name, ends_ns: surely_ended_ns }) = self.held.remove(&grant.key()) else {
            return Release::NotOwner;
        };
        let claim = self.claim(&name, grant.token().unwrap_or_default(), self.limit);
        self.sent += 1;
        match self.worker.run(move |store| store.release(&claim)).await {
            Some(Ok(true)) => Release::Confirmed,
            Some(Ok(false)) => Release::NotOwner,
            Some(Err(error @ (StoreError::Busy | StoreError::Failed(_)))) => {
                Release::Unavailable { surely_ended_ns, reason: said(error) }
            }
            Some(Err(StoreError::Unclear(reason))) => Release::Unknown { surely_ended_ns, reason },
            None => Release::Unknown { surely_ended_ns, reason: "its thread ended".to_owned() },
        }
    }
}

impl Session for SqliteSession {
    fn acquire<'a>(&'a mut self, key: &'a Key, patience: &'a Patience) -> Local<'a, Acquire> {
        let Self { requests, polling } = self;
        Box::pin(polling.acquire(patience, async || requests.try_once(key, patience).await))
    }

    fn renew<'a>(&'a mut self, grant: &'a mut Grant) -> Local<'a, Renewal> {
        Box::pin(self.requests.renew(grant))
    }

    fn release(&mut self, grant: Grant) -> Local<'_, Release> {
        Box::pin(async move { self.requests.release(&grant).await })
    }

    fn close(self: Box<Self>) -> Local<'static, ()> {
        Box::pin(self.requests.worker.close())
    }

    fn set_lease(&mut self, ttl_ns: u64) -> bool {
        self.requests.ttl_ns = ttl_ns;
        true
    }

    fn effective_ttl_ns(&self) -> Option<u64> {
        Some(self.requests.ttl_ns)
    }

    fn identity(&self) -> Option<String> {
        Some(self.requests.owner.clone())
    }

    fn lost_at(&self) -> Option<u64> {
        None
    }

    fn requests(&self) -> u64 {
        self.requests.sent
    }
}
