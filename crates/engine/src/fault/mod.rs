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
mod wire;
mod wire_break;
mod wire_rule;

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

use wire::{Rule, Wire};

pub use target::{Unfit, fits, refusal};
pub use wire::Wires;

/// Longest sleep between two looks at what may have moved the moment that is waited for.
const LOOK: Duration = Duration::from_millis(5);
/// How long a fault may take to be seen.
const BITES_WITHIN: Duration = Duration::from_millis(200);

/// What a kind of fault does to one node: a value of its own per node. Returns when it is done.
trait Fault {
    fn inject(&self, site: &Site<'_>) -> Result<(), FaultError>;
    /// Returns whether it was seen to do what it is for, since it was injected.
    fn bites(&self, site: &Site<'_>) -> bool;
    fn heal(&self, site: &Site<'_>) -> Result<(), FaultError>;
}

/// A node, and what is between it and the clients.
struct Site<'a> {
    node: &'a dyn Node,
    wire: Option<&'a Wire>,
}

impl Site<'_> {
    fn wire(&self) -> Result<&Wire, FaultError> {
        self.wire.ok_or_else(|| FaultError::NoWire(self.node.name().to_owned()))
    }
}

/// A fault could not be injected or healed.
#[derive(Debug, thiserror::Error)]
enum FaultError {
    #[error(transparent)]
    Node(#[from] NodeError),
    #[error("there is no proxy before {0}: lockbench did not expect a fault of the wire")]
    NoWire(String),
}

/// The file that does it.
fn what(kind: FaultKind) -> Box<dyn Fault> {
    match kind {
        FaultKind::ClientPause | FaultKind::ClientKill | FaultKind::ClientStall => unreachable!("refused by `fits`"),
        FaultKind::ServerPause => Box::new(server_pause::ServerPause),
        FaultKind::ServerKill { data } => Box::new(server_kill::ServerKill { data }),
        FaultKind::WireCut { direction } => {
            Box::new(wire_rule::WireRule::new(direction, Rule { cut: true, ..Rule::default() }))
        }
        FaultKind::WireDelay { direction, delay_ns, jitter_ns } => {
            Box::new(wire_rule::WireRule::new(direction, Rule { delay_ns, jitter_ns, ..Rule::default() }))
        }
        FaultKind::WireNarrow { direction, bytes_per_s } => {
            Box::new(wire_rule::WireRule::new(direction, Rule { bytes_per_s, ..Rule::default() }))
        }
        FaultKind::WireReset => Box::new(wire_break::WireBreak::new(wire_break::Break::Reset)),
        FaultKind::WireHalfOpen => Box::new(wire_break::WireBreak::new(wire_break::Break::HalfOpen)),
    }
}

/// What a trial's faults are, and whom they hit.
#[derive(Clone)]
pub struct Faults {
    /// Those of the plan.
    pub planned: Arc<[PlannedFault]>,
    /// The servers of the system.
    pub servers: Arc<Server>,
    /// The proxies before them, if the plan has a fault of the wire.
    pub wires: Option<Arc<Wires>>,
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
            let (fault, servers, wires) = (fault.clone(), Arc::clone(&faults.servers), faults.wires.clone());
            let (schedule, over, stop) = (schedule.clone(), Arc::clone(&over), stop.clone());
            let thread = std::thread::Builder::new().name(format!("fault-{}", place + 1)).spawn(move || {
                let shard = seed.bind();
                One { fault, place, servers, wires, schedule, clock, over, stop, shard }.run(rng)
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
    wires: Option<Arc<Wires>>,
    schedule: Schedule,
    clock: Clock,
    over: Arc<Over>,
    stop: Stop,
    shard: Shard,
}

/// A node with a fault in force, until it is healed.
struct InForce<'a> {
    fault: Box<dyn Fault>,
    site: Site<'a>,
    record: FaultRecord,
    healed: bool,
}

impl Drop for InForce<'_> {
    fn drop(&mut self) {
        if !self.healed {
            // Only a panic comes here.
            let _ = self.fault.heal(&self.site);
        }
    }
}

impl One {
    fn run(self, mut rng: Pcg64Mcg) -> Vec<FaultRecord> {
        let mut records = Vec::new();
        let (mut due, period) = match self.fault.moment {
            Moment::At { ns } | Moment::When { ns, .. } => (ns, None),
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
        let mut hit: Vec<InForce<'_>> = Vec::new();
        for place in places {
            let (of, node) = (Disturbance { fault: self.place, node: *place }, nodes[usize::from(*place)]);
            let from = self.shard.stamp(Event::NOBODY, 0, What::FaultInjected(of));
            let wire = self.wires.as_ref().and_then(|wires| wires.of(usize::from(*place)));
            let (fault, site) = (what(self.fault.kind), Site { node, wire });
            let problem = fault.inject(&site).err().map(|error| error.to_string());
            let record = FaultRecord { of, name: node.name().to_owned(), from, healed: None, bit: false, problem };
            hit.push(InForce { fault, site, record, healed: false });
        }
        let begun = self.clock.now();
        for one in hit.iter_mut().filter(|one| one.record.problem.is_none()) {
            one.record.bit = self.bites(one);
        }
        self.wait(|| begun.saturating_add(self.fault.lasts_ns).min(self.schedule.end()));
        hit.into_iter()
            .map(|mut one| {
                // What passes may have met it only later.
                one.record.bit = one.record.bit || one.record.problem.is_none() && one.fault.bites(&one.site);
                let healed = one.fault.heal(&one.site);
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

    fn bites(&self, one: &InForce<'_>) -> bool {
        let limit = self.clock.now() + BITES_WITHIN.as_nanos() as u64;
        loop {
            if one.fault.bites(&one.site) {
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
