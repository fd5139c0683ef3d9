//! A worker: one thread's share of the clients, from opening their sessions to
//! closing them.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use super::client::Client;
use super::late_write::Writes;
use super::lease_length::LeaseLength;
use super::trial::{LoadError, Spec};
use super::tripwires::Tripwires;
use super::witness::Witness;
use lockbench_core::clock::Timer;
use lockbench_core::lock::{Asking, Opening, RenewalKind, Session, Victims, WaitKind, digest};
use lockbench_core::record::figures::Schedule;
use lockbench_core::record::{Event, Reasons, Shard, What};
use lockbench_core::stop::Stop;
use lockbench_core::units::MILLISECOND;
use lockbench_core::workload::plan::RenewalPolicy;
use lockbench_core::workload::{KeyPicker, Sharing, Wishes, client_seed};

/// Longest wait for the closing of one session, after which it is dropped.
const CLOSE_NS: u64 = 5_000_000_000;

/// What a worker reports at its end.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct WorkerReport {
    pub reasons: Reasons,
    pub throttled: u64,
    pub effective_ttl_ns: Option<u64>,
    /// Clients that panicked: a bug of ours or of a client library.
    pub panicked: u64,
}

/// What the workers of a trial share.
#[derive(Clone)]
pub struct Common {
    pub witness: Arc<Witness>,
    /// Only where a fault may wait for a client, or hit one.
    pub tripwires: Option<Tripwires>,
    /// Only where the plan breaks deadlocks.
    pub victims: Option<Arc<Victims>>,
    /// Is it told what each client is to the servers?
    pub identifies: bool,
}

/// Opens the sessions of the clients of a worker, calls `ready`, waits for the
/// schedule, runs them, closes them. Must run inside a `LocalSet`.
///
/// # Errors
/// A session could not be opened, or an abort came before all were: then `ready` is never called.
pub async fn work(
    spec: Arc<Spec>,
    shared: Common,
    share: (u32, Sharing),
    shard: Shard,
    ready: impl FnOnce(),
    start: oneshot::Receiver<Schedule>,
) -> Result<WorkerReport, LoadError> {
    let timer = Timer::new(spec.clock);
    let pickers = KeyPicker::of_parts(&spec.plan);
    let (reasons, identifies) = (Rc::default(), shared.identifies);
    let floor_ns = spec.system.guarantees().ttl_floor_ms.saturating_mul(MILLISECOND);
    let lease_length = spec.plan.dynamic_ttl.map(|policy| LeaseLength::new(policy, floor_ns));
    let common = Share { spec: Arc::clone(&spec), pickers, shared, shard, timer: timer.clone(), reasons, lease_length };
    let mut clients = Vec::new();
    let (worker, sharing) = share;
    for index in sharing.clients_of(worker, spec.plan.clients) {
        let opened = tokio::select! {
            opened = spec.system.open(opening(&spec, index, &timer)) => opened,
            () = spec.stop.aborted() => return Err(LoadError::Stopped),
        };
        match opened {
            Ok(session) => {
                clients.push(common.client(index, session));
                spec.grids.each().for_each(|grid| grid.opens(spec.clock.now()));
            }
            Err(error) => {
                let sessions = clients.into_iter().map(|client: Client| client.session).collect();
                close(sessions, &timer).await;
                return Err(error.into());
            }
        }
    }
    let effective_ttl_ns = clients.first().and_then(|client| client.session.effective_ttl_ns());
    ready();
    let (sessions, panicked) = match start.await {
        Ok(schedule) => {
            if identifies || two_are_one(&clients) {
                clients.iter().for_each(identify);
            }
            run(clients, schedule, &spec.stop).await
        }
        // The trial was called off: another worker could not open its sessions.
        Err(_) => (clients.into_iter().map(|client| client.session).collect(), 0),
    };
    close(sessions, &timer).await;
    Ok(WorkerReport { reasons: common.reasons.take(), throttled: common.shard.throttled(), effective_ttl_ns, panicked })
}

/// Returns whether two of these clients are one to the servers, which tells of a double grant why it came about though
/// nobody was asked.
fn two_are_one(clients: &[Client]) -> bool {
    let mut identities: Vec<String> = clients.iter().filter_map(|client| client.session.identity()).collect();
    let all = identities.len();
    identities.sort_unstable();
    identities.dedup();
    identities.len() < all
}

/// Tells what a client is to the servers.
fn identify(client: &Client) {
    if let Some(identity) = client.session.identity() {
        let what = What::Identity { of: client.index, digest: digest(&identity) };
        client.shard.stamp(Event::NOBODY, 0, what);
    }
}

fn opening(spec: &Spec, index: u32, timer: &Timer) -> Opening {
    Opening {
        client: index,
        ttl_ns: spec.ttl_ns,
        timer: timer.clone(),
        retry: spec.plan.retry,
        seed: client_seed(spec.plan.seed ^ 0x5eed, spec.trial, index),
        request_timeout_ns: spec.plan.request_timeout_ns,
    }
}

/// What the clients of one worker share.
struct Share {
    spec: Arc<Spec>,
    /// By part of the plan.
    pickers: Vec<KeyPicker>,
    shared: Common,
    shard: Shard,
    timer: Timer,
    reasons: Rc<RefCell<Reasons>>,
    /// Where leases follow the holds.
    lease_length: Option<LeaseLength>,
}

impl Share {
    fn client(&self, index: u32, session: Box<dyn Session>) -> Client {
        let spec = &self.spec;
        let place = spec.plan.part_of(index);
        Client {
            index,
            attempts: 0,
            misses: 0,
            session,
            shard: self.shard.clone(),
            keys: Arc::clone(&spec.keys),
            wishes: Wishes::new(&spec.plan, &self.pickers[place], spec.trial, index),
            plan: Arc::clone(&spec.plan),
            renew_every_ns: renewal_interval(spec),
            witness: Arc::clone(&self.shared.witness),
            polls: polls(spec),
            acquire: spec.plan.parts()[place].acquire,
            excludes: spec.system.guarantees().exclusion,
            lease_length: self.lease_length.clone(),
            victims: self.shared.victims.clone(),
            tripwires: self.shared.tripwires.clone(),
            asking: Arc::new(Asking::new(self.shared.witness.asks())),
            writes: Writes {
                client: index,
                shard: self.shard.clone(),
                timer: self.timer.clone(),
                stop: spec.stop.clone(),
                tripwires: self.shared.tripwires.clone(),
                late: Vec::new(),
            },
            timer: self.timer.clone(),
            stop: spec.stop.clone(),
            steering: spec.steering.clone(),
            grid: spec.grids.of(place).cloned(),
            reasons: Rc::clone(&self.reasons),
        }
    }
}

/// How often to renew. A heartbeat cannot be turned off: there the client sends a
/// request of its own every ttl/3, which its local validity is counted from.
fn renewal_interval(spec: &Spec) -> Option<u64> {
    match (spec.system.guarantees().renewal, spec.plan.renewal) {
        (RenewalKind::None, _) | (RenewalKind::Explicit, RenewalPolicy::Off) => None,
        (RenewalKind::Heartbeat, RenewalPolicy::Off) => Some((spec.ttl_ns / 3).max(1)),
        (RenewalKind::Explicit | RenewalKind::Heartbeat, RenewalPolicy::Every { ns }) => Some(ns.max(1)),
    }
}

/// Returns whether a client may break a wait off and begin it again without losing its turn, and has something to do
/// meanwhile.
fn polls(spec: &Spec) -> bool {
    let guarantees = spec.system.guarantees();
    guarantees.waiting == WaitKind::Poll
        && guarantees.renewal == RenewalKind::Explicit
        && renewal_interval(spec).is_some()
}

/// Runs all clients to their end, or drops them when the stop turns hard: a
/// dropped client records its death.
async fn run(clients: Vec<Client>, schedule: Schedule, stop: &Stop) -> (Vec<Box<dyn Session>>, u64) {
    let mut tasks = JoinSet::new();
    for client in clients {
        tasks.spawn_local(client.run(schedule.clone()));
    }
    let (mut sessions, mut panicked) = (Vec::new(), 0);
    loop {
        tokio::select! {
            done = tasks.join_next() => match done {
                None => return (sessions, panicked),
                Some(Ok(session)) => sessions.push(session),
                Some(Err(_)) => panicked += 1,
            },
            () = stop.aborted() => {
                tasks.shutdown().await;
                return (sessions, panicked);
            }
        }
    }
}

/// Closes sessions side by side; one that does not answer is dropped.
async fn close(sessions: Vec<Box<dyn Session>>, timer: &Timer) {
    let mut tasks = JoinSet::new();
    for session in sessions {
        let timer = timer.clone();
        tasks.spawn_local(async move {
            tokio::select! {
                () = session.close() => {}
                () = timer.sleep(CLOSE_NS) => {}
            }
        });
    }
    while tasks.join_next().await.is_some() {}
}
