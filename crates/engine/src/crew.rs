//! The workers of a trial: threads of this process, or processes of their own.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::runtime::Builder;
use tokio::sync::oneshot;
use tokio::task::LocalSet;

use super::process::{Assignment, LockServer, News, Processes, Program, Told, Worker, start};
use super::trial::{LoadError, Spec};
use super::tripwires::Tripwires;
use super::witness::Witness;
use super::worker::{Common, WorkerReport, work};
use lockbench_core::lock::Victims;
use lockbench_core::record::figures::Schedule;
use lockbench_core::record::{
    AttemptId, Attempts, Event, Observer, Reader, Shard, ShardReader, TrialReport, What, quiet_shard, shard,
    shared_shard,
};
use lockbench_core::shared::Place;
use lockbench_core::workload::plan::{DeadlockPolicy, Locks};
use lockbench_core::workload::{Moment, Plan, Sharing, to_toml};
use lockbench_systems::Target;

/// How long workers may take to close the sessions of a trial that is called off.
const CLOSES_WITHIN: Duration = Duration::from_secs(6);

/// How the worker processes of a trial are started.
#[derive(Clone)]
pub struct Launch {
    /// The program of a worker.
    pub program: Program,
    /// Registry name of the system.
    pub backend: String,
    /// What the system was made for.
    pub target: Target,
    /// Is the lock in the memory of this process, which has to serve it then?
    pub served: bool,
}

/// All workers of a trial.
pub struct Crew {
    common: Common,
    clients: u32,
    workers: Workers,
}

enum Workers {
    Threads { threads: Vec<Thread>, ready: Receiver<()> },
    Processes(Box<Fleet>),
}

struct Thread {
    handle: JoinHandle<Result<WorkerReport, LoadError>>,
    start: Option<oneshot::Sender<Schedule>>,
}

/// Worker processes, and what is known of their clients.
struct Fleet {
    processes: Processes,
    workers: Vec<Worker>,
    told: Told,
    /// The attempts of all clients, as far as they were read.
    attempts: Rc<RefCell<Attempts>>,
    dead: Vec<Dead>,
    /// Processes that died although no fault had killed them.
    lost: u32,
    /// Ends after them.
    _server: Option<LockServer>,
}

/// A process that died, until what it left open is recorded.
struct Dead {
    process: u32,
    /// When it was killed on purpose; 0: it was not.
    at: u64,
    /// When that was found.
    found: u64,
}

/// What faults of clients lay hands on.
#[derive(Clone)]
pub struct Hands {
    /// The worker processes, where there are any.
    pub processes: Option<Processes>,
    /// What they share.
    pub common: Common,
    /// Number of clients.
    pub clients: u32,
}

/// Follows the attempts of all clients.
pub struct Graves(Rc<RefCell<Attempts>>);

impl Observer for Graves {
    fn observe(&mut self, event: &Event) {
        self.0.borrow_mut().observe(event);
    }
}

/// May a client have to stop for a fault, or be hit by one?
fn watched(plan: &Plan) -> bool {
    let of_a_client = |moment: Moment| matches!(moment, Moment::When { .. });
    plan.faults.iter().any(|fault| fault.kind.is_of_a_client() || of_a_client(fault.moment))
}

/// Where the plan breaks deadlocks: what tells an attempt to give up.
///
/// # Errors
/// There is no more shared memory to be had.
pub fn victims(plan: &Plan, place: Place) -> std::io::Result<Option<Arc<Victims>>> {
    let breaks = matches!(plan.locks, Locks::Shuffled { deadlock: DeadlockPolicy::AbortYoungest, .. });
    Ok(breaks.then(|| Victims::new(plan.clients, place)).transpose()?.map(Arc::new))
}

impl Crew {
    /// Starts the workers, which open their sessions; with the reading ends of their shards, in order of worker.
    ///
    /// # Errors
    /// A thread or a process could not be started.
    pub fn hire(spec: &Arc<Spec>) -> Result<(Self, Vec<ShardReader>), LoadError> {
        let (keys, clients) = (spec.keys.len() as u32, spec.plan.clients);
        let sharing = spec.processes.as_ref().and_then(|_| spec.plan.processes());
        let count = sharing.as_ref().map_or(0, Sharing::workers);
        let place = if count > 0 { Place::Shared } else { Place::Own };
        let tripwires = watched(&spec.plan).then(|| Tripwires::new(clients, place)).transpose()?;
        let victims = victims(&spec.plan, place)?;
        let witness = if count > 0 { Witness::shared(keys, count)? } else { Witness::new(keys) };
        let witness = witness.doing(spec.plan.section, spec.clock);
        let common = Common { witness: Arc::new(witness), tripwires, victims, identifies: spec.truth.is_some() };
        let (workers, readers) = match (&spec.processes, sharing) {
            (Some(launch), Some(sharing)) => fleet(spec, launch, &common, sharing)?,
            _ => threads(spec, &common)?,
        };
        Ok((Self { common, clients, workers }, readers))
    }

    /// Waits until each worker has said that its sessions are open. One that ends without saying so has
    /// failed, and says why.
    ///
    /// # Errors
    /// That of the first that failed, once all others have closed what they had opened.
    pub fn opened(mut self, spec: &Spec) -> Result<Self, LoadError> {
        let stop = &spec.stop;
        match &mut self.workers {
            Workers::Threads { threads, ready } => {
                let opened = ready.iter().take(threads.len()).count();
                if opened == threads.len() && !stop.draining() {
                    return Ok(self);
                }
                // Without a schedule the workers close their sessions and end.
                threads.iter_mut().for_each(|thread| thread.start = None);
                let failure = threads.drain(..).filter_map(|thread| joined(thread.handle).err()).next();
                Err(match failure {
                    Some(failure) => failure,
                    None if stop.draining() => LoadError::Stopped,
                    None => std::io::Error::other("it ended before its sessions were open").into(),
                })
            }
            Workers::Processes(fleet) => {
                let opened = fleet.workers.iter_mut().try_for_each(|worker| worker.opened(|| stop.draining()));
                match opened {
                    Ok(()) if !stop.draining() => Ok(self),
                    Ok(()) => {
                        fleet.call_off();
                        Err(LoadError::Stopped)
                    }
                    Err(error) => {
                        fleet.call_off();
                        Err(error)
                    }
                }
            }
        }
    }

    /// The load begins.
    pub fn begin(&mut self, schedule: &Schedule) {
        match &mut self.workers {
            Workers::Threads { threads, .. } => {
                for start in threads.iter_mut().filter_map(|thread| thread.start.take()) {
                    // A worker that is gone shows when it is joined.
                    let _ = start.send(schedule.clone());
                }
            }
            Workers::Processes(fleet) => fleet.workers.iter_mut().for_each(|worker| worker.begin(schedule)),
        }
    }

    /// What faults of clients lay hands on.
    #[must_use]
    pub fn hands(&self) -> Hands {
        Hands { processes: self.processes(), common: self.common.clone(), clients: self.clients }
    }

    /// The worker processes, where there are any.
    #[must_use]
    pub fn processes(&self) -> Option<Processes> {
        match &self.workers {
            Workers::Threads { .. } => None,
            Workers::Processes(fleet) => Some(fleet.processes.clone()),
        }
    }

    /// What tells an attempt to give up, where the plan breaks deadlocks.
    #[must_use]
    pub fn victims(&self) -> Option<Arc<Victims>> {
        self.common.victims.clone()
    }

    /// Where workers are processes: has to see every event.
    #[must_use]
    pub fn graves(&self) -> Option<Graves> {
        match &self.workers {
            Workers::Threads { .. } => None,
            Workers::Processes(fleet) => Some(Graves(Rc::clone(&fleet.attempts))),
        }
    }

    /// Have all of them ended, and is everything recorded of those that died?
    #[must_use]
    pub fn done(&self) -> bool {
        match &self.workers {
            Workers::Threads { threads, .. } => threads.iter().all(|thread| thread.handle.is_finished()),
            Workers::Processes(fleet) => fleet.dead.is_empty() && fleet.workers.iter().all(Worker::ended),
        }
    }

    /// Passes on to processes how the load goes, and looks what has become of them. `own` takes the events of those
    /// that died.
    pub fn look(&mut self, spec: &Spec, schedule: &Schedule, reader: &mut Reader, own: &Shard) {
        if let Workers::Processes(fleet) = &mut self.workers {
            fleet.look(spec, schedule, &self.common.witness, reader);
            fleet.bury(spec, reader, own);
        }
    }

    /// Takes in what the workers report.
    ///
    /// # Errors
    /// One failed.
    pub fn settle(self, into: &mut TrialReport) -> Result<(), LoadError> {
        let take = |into: &mut TrialReport, report: WorkerReport| {
            into.reasons.merge(report.reasons);
            into.throttled += report.throttled;
            into.panicked += report.panicked;
            into.effective_ttl_ns = into.effective_ttl_ns.or(report.effective_ttl_ns);
        };
        match self.workers {
            Workers::Threads { threads, .. } => {
                for thread in threads {
                    take(into, joined(thread.handle)?);
                }
            }
            Workers::Processes(fleet) => {
                for report in fleet.workers.into_iter().filter_map(Worker::report) {
                    take(into, report?);
                }
                // What was recorded of them is whole, and others went on; but the load was not what was planned.
                into.cut_short |= fleet.lost > 0;
                into.lost_processes = fleet.lost;
            }
        }
        Ok(())
    }
}

fn joined(handle: JoinHandle<Result<WorkerReport, LoadError>>) -> Result<WorkerReport, LoadError> {
    handle.join().unwrap_or_else(|_| Err(std::io::Error::other("it panicked").into()))
}

fn threads(spec: &Arc<Spec>, common: &Common) -> Result<(Workers, Vec<ShardReader>), LoadError> {
    let count = spec.workers.clamp(1, spec.plan.clients);
    let clients = spec.plan.clients.div_ceil(count) as usize;
    let (mut threads, mut readers) = (Vec::new(), Vec::new());
    let (announce, ready) = channel();
    for number in 0..count {
        let (seed, reader) = if spec.grids.are_none() {
            shard(clients, spec.clock)
        } else {
            let ahead = spec.grids.each().map(|grid| grid.events_ahead(spec.plan.clients)).sum();
            quiet_shard(ahead, clients, spec.clock)
        };
        readers.push(reader);
        let (start, started) = oneshot::channel();
        let (spec, common, announce) = (Arc::clone(spec), common.clone(), announce.clone());
        let handle = std::thread::Builder::new().name(format!("worker-{number}")).spawn(move || {
            let runtime = Builder::new_current_thread().enable_all().build()?;
            let opened = move || {
                // The trial may have failed on another worker: then the start never comes.
                let _ = announce.send(());
            };
            let working = work(spec, common, (number, Sharing::Turns(count)), seed.bind(), opened, started);
            LocalSet::new().block_on(&runtime, working)
        })?;
        threads.push(Thread { handle, start: Some(start) });
    }
    Ok((Workers::Threads { threads, ready }, readers))
}

fn fleet(
    spec: &Arc<Spec>,
    launch: &Launch,
    common: &Common,
    sharing: Sharing,
) -> Result<(Workers, Vec<ShardReader>), LoadError> {
    let serve = || {
        let (system, keys, stop) = (Arc::clone(&spec.system), Arc::clone(&spec.keys), spec.stop.clone());
        LockServer::start(system, keys, (spec.plan.retry, common.victims.clone()), spec.clock, stop)
    };
    let server = launch.served.then(serve).transpose()?;
    let nameless = || std::io::Error::other("shared memory without a name");
    let count = sharing.workers();
    let (mut assignments, mut readers) = (Vec::new(), Vec::new());
    for number in 0..count {
        let clients = sharing.clients_of(number, spec.plan.clients).count();
        let (shard, reader) = shared_shard(clients, spec.clock)?;
        readers.push(reader);
        let target = &launch.target;
        assignments.push(Assignment {
            plan: to_toml(&spec.plan),
            backend: launch.backend.clone(),
            endpoints: target.endpoints.iter().map(|endpoint| endpoint.secret_url().to_owned()).collect(),
            namespace: target.namespace.clone(),
            ours: target.ours,
            scratch: target.scratch.clone(),
            served_at: server.as_ref().map(|server| server.address().to_owned()),
            ttl_ns: spec.ttl_ns,
            trial: spec.trial,
            keys: spec.keys.iter().map(|key| key.name.to_string()).collect(),
            process: number,
            shard,
            witness: common.witness.name(count).ok_or_else(nameless)?,
            identifies: common.identifies,
            tripwires: common.tripwires.as_ref().map(|wires| wires.name().ok_or_else(nameless)).transpose()?,
            victims: common.victims.as_ref().map(|victims| victims.name().ok_or_else(nameless)).transpose()?,
        });
    }
    let clocks = spec.plan.faults.iter().any(|fault| fault.kind.moves_a_client_clock());
    let (processes, workers) = start(&launch.program, assignments, sharing, clocks)?;
    let (told, attempts) = (Told::default(), Rc::new(RefCell::new(Attempts::new(spec.plan.clients))));
    let fleet = Fleet { processes, workers, told, attempts, dead: Vec::new(), lost: 0, _server: server };
    Ok((Workers::Processes(Box::new(fleet)), readers))
}

impl Fleet {
    /// The trial will not be: sessions that are open are closed in order, as far as that takes no longer than it may.
    fn call_off(&mut self) {
        let nowhere = Schedule::between(0, 0, 0);
        self.told.relay(&mut self.workers, (false, true, true), &nowhere);
        let limit = Instant::now() + CLOSES_WITHIN;
        while !self.workers.iter().all(Worker::ended) && Instant::now() < limit {
            for worker in &mut self.workers {
                worker.look(&self.processes);
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn look(&mut self, spec: &Spec, schedule: &Schedule, witness: &Witness, reader: &mut Reader) {
        let (stop, held) = (&spec.stop, spec.steering.held());
        self.told.relay(&mut self.workers, (held, stop.draining(), stop.aborting()), schedule);
        for (worker, process) in self.workers.iter_mut().zip(0..) {
            if let Some(News::Died { at }) = worker.look(&self.processes) {
                witness.bury(process);
                // Its shard is that of its number: nothing more comes from it.
                if let Some(shard) = reader.shard_mut(process as usize) {
                    shard.close();
                }
                self.lost += u32::from(at == 0);
                self.dead.push(Dead { process, at, found: spec.clock.now() });
            }
        }
    }

    /// Records what processes that died left open, once everything that they had stamped was read.
    fn bury(&mut self, spec: &Spec, reader: &Reader, own: &Shard) {
        let complete = reader.complete();
        let (attempts, processes) = (&self.attempts, &self.processes);
        self.dead.retain(|dead| {
            if complete <= dead.found {
                return true;
            }
            for attempt in attempts.borrow().open().filter(|attempt| processes.of(attempt.client) == dead.process) {
                // A lease was asked for or renewed before it died.
                let lease = spec.system.guarantees().lease;
                let surely_ended = if lease { dead.found.saturating_add(spec.ttl_ns) } else { u64::MAX };
                let at = if dead.at == 0 { attempt.last } else { dead.at };
                let id = AttemptId { client: attempt.client, number: attempt.number };
                own.stamp_of(id, attempt.key, |_| What::Killed { at, surely_ended });
            }
            false
        });
    }
}
