//! Faults: what the plan does to the servers while the load runs. A [`Timeline`] has a thread per
//! planned fault, which waits for its moment, injects it into the nodes that it is aimed at, looks
//! whether it bites, heals it, and stamps all of that with the clock of the run. Whatever ends
//! the load ends every fault: [`Timeline::finish`] heals what is in force, and waits for it.
//!
//! An injection is stamped before it is made and a healing after it is done, so that no effect of
//! a fault lies outside of its stamps.
//!
//! A new kind is a file beside `server_pause`, a line of [`what`], and an entry of the
//! workload's `[[faults]]`.

mod server_kill;
mod server_pause;
mod target;

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use rand::SeedableRng;
use rand_pcg::Pcg64Mcg;

use lockbench_core::clock::Clock;
use lockbench_core::record::figures::Schedule;
use lockbench_core::record::{Disturbance, Event, FaultRecord, Shard, ShardSeed, What};
use lockbench_core::stop::Stop;
use lockbench_core::workload::{FaultKind, Moment, PlannedFault, client_seed};
use lockbench_systems::stack::{Node, NodeError, Server};

pub use target::{Unfit, fits, refusal};

/// Longest sleep between two looks at what may have moved the moment that is waited for.
const LOOK: Duration = Duration::from_millis(5);
/// How long a fault may take to be seen.
const BITES_WITHIN: Duration = Duration::from_millis(200);

/// What a kind of fault does to one node. Returns when it is done.
trait Fault {
    fn inject(&self, node: &dyn Node) -> Result<(), NodeError>;
    /// Returns whether it is seen to do what it is for, while it is in force.
    fn bites(&self, node: &dyn Node) -> bool;
    fn heal(&self, node: &dyn Node) -> Result<(), NodeError>;
}

/// The file that does it.
fn what(kind: FaultKind) -> Box<dyn Fault> {
    match kind {
        FaultKind::ServerPause => Box::new(server_pause::ServerPause),
        FaultKind::ServerKill { data } => Box::new(server_kill::ServerKill { data }),
    }
}

/// What a trial's faults are, and whom they hit.
#[derive(Clone)]
pub struct Faults {
    /// Those of the plan.
    pub planned: Arc<[PlannedFault]>,
    /// The servers of the system.
    pub servers: Arc<Server>,
    /// Draws nodes.
    pub seed: u64,
}

/// The faults of a trial under way.
pub struct Timeline {
    over: Arc<Over>,
    threads: Vec<JoinHandle<Vec<FaultRecord>>>,
}

/// Set when the load is over.
#[derive(Default)]
struct Over {
    over: Mutex<bool>,
    told: Condvar,
}

impl Over {
    fn set(&self) {
        *self.over.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.told.notify_all();
    }

    /// Sleeps a little, less if it is set. Returns whether it is.
    fn sleep(&self, longest: Duration) -> bool {
        let over = self.over.lock().unwrap_or_else(PoisonError::into_inner);
        if *over {
            return true;
        }
        *self.told.wait_timeout(over, longest).unwrap_or_else(PoisonError::into_inner).0
    }
}

impl Timeline {
    /// Starts one thread per planned fault; each seed is that of its events.
    ///
    /// # Errors
    /// A thread could not be started.
    pub fn start(
        faults: &Faults,
        seeds: Vec<ShardSeed>,
        trial: u32,
        schedule: &Schedule,
        clock: Clock,
        stop: &Stop,
    ) -> std::io::Result<Self> {
        let over = Arc::new(Over::default());
        let mut timeline = Self { over: Arc::clone(&over), threads: Vec::new() };
        for ((fault, place), seed) in faults.planned.iter().zip(0_u16..).zip(seeds) {
            let rng = Pcg64Mcg::seed_from_u64(client_seed(faults.seed, trial, u32::MAX - 1 - u32::from(place)));
            let (fault, servers) = (fault.clone(), Arc::clone(&faults.servers));
            let (schedule, over, stop) = (schedule.clone(), Arc::clone(&over), stop.clone());
            let thread = std::thread::Builder::new().name(format!("fault-{}", place + 1)).spawn(move || {
                let shard = seed.bind();
                One { fault, place, servers, schedule, clock, over, stop, shard }.run(rng)
            })?;
            timeline.threads.push(thread);
        }
        Ok(timeline)
    }

    /// Heals what is in force, and returns all that was injected, in order of time.
    #[must_use]
    pub fn finish(mut self) -> Vec<FaultRecord> {
        self.over.set();
        let threads = std::mem::take(&mut self.threads);
        let mut records: Vec<_> = threads.into_iter().flat_map(|thread| thread.join().unwrap_or_default()).collect();
        records.sort_by_key(|record| record.from);
        records
    }
}

impl Drop for Timeline {
    fn drop(&mut self) {
        self.over.set();
        for thread in self.threads.drain(..) {
            // A panic of it has been printed; the servers are resumed when they are stopped.
            let _ = thread.join();
        }
    }
}

/// One planned fault, on its thread.
struct One {
    fault: PlannedFault,
    place: u16,
    servers: Arc<Server>,
    schedule: Schedule,
    clock: Clock,
    over: Arc<Over>,
    stop: Stop,
    shard: Shard,
}

/// A node with a fault in force, until it is healed.
struct InForce<'a> {
    fault: &'a dyn Fault,
    node: &'a dyn Node,
    record: FaultRecord,
    healed: bool,
}

impl Drop for InForce<'_> {
    fn drop(&mut self) {
        if !self.healed {
            // Only a panic comes here.
            let _ = self.fault.heal(self.node);
        }
    }
}

impl One {
    fn run(self, mut rng: Pcg64Mcg) -> Vec<FaultRecord> {
        let mut records = Vec::new();
        let (mut due, period) = match self.fault.moment {
            Moment::At { ns } => (ns, None),
            Moment::Every { ns } => (ns, Some(ns)),
        };
        let nodes: Vec<&dyn Node> = self.servers.nodes().collect();
        // What would begin when measuring is over does not begin.
        while self.wait(|| self.schedule.measure().saturating_add(due)) && self.clock.now() < self.schedule.end() {
            records.extend(self.hit(&nodes, &target::chosen(&self.fault.target, &nodes, &mut rng)));
            match period {
                Some(period) => due = due.saturating_add(period),
                None => break,
            }
        }
        records
    }

    /// Injects the fault into these nodes, and heals it when it has lasted, or the load is over.
    fn hit(&self, nodes: &[&dyn Node], places: &[u16]) -> Vec<FaultRecord> {
        let fault = what(self.fault.kind);
        let mut hit: Vec<InForce<'_>> = Vec::new();
        for place in places {
            let (of, node) = (Disturbance { fault: self.place, node: *place }, nodes[usize::from(*place)]);
            let from = self.shard.stamp(Event::NOBODY, 0, What::FaultInjected(of));
            let problem = fault.inject(node).err().map(|error| error.to_string());
            let record = FaultRecord { of, name: node.name().to_owned(), from, healed: None, bit: false, problem };
            hit.push(InForce { fault: &*fault, node, record, healed: false });
        }
        let begun = self.clock.now();
        for one in hit.iter_mut().filter(|one| one.record.problem.is_none()) {
            one.record.bit = self.bites(&*fault, one.node);
        }
        self.wait(|| begun.saturating_add(self.fault.lasts_ns).min(self.schedule.end()));
        hit.into_iter()
            .map(|mut one| {
                let healed = fault.heal(one.node);
                one.healed = true;
                let FaultRecord { of, from, bit, .. } = one.record;
                let t = self.shard.stamp(Event::NOBODY, 0, What::FaultHealed { of, from, bit });
                match healed {
                    Ok(()) => one.record.healed = Some(t),
                    Err(error) => one.record.problem = one.record.problem.take().or(Some(error.to_string())),
                }
                one.record.clone()
            })
            .collect()
    }

    fn bites(&self, fault: &dyn Fault, node: &dyn Node) -> bool {
        let limit = self.clock.now() + BITES_WITHIN.as_nanos() as u64;
        loop {
            if fault.bites(node) {
                return true;
            }
            if self.clock.now() >= limit || self.over.sleep(Duration::from_millis(1)) {
                return false;
            }
        }
    }

    /// Waits for an instant that may move. Returns false where the load is over before.
    fn wait(&self, until: impl Fn() -> u64) -> bool {
        loop {
            let left = until().saturating_sub(self.clock.now());
            if left == 0 {
                return true;
            }
            if self.stop.draining() || self.over.sleep(Duration::from_nanos(left).min(LOOK)) {
                return false;
            }
        }
    }
}
