//! The faults of a trial: a thread per planned fault, which waits for its moment, hits, and heals.

use std::cell::Cell;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use rand::SeedableRng;
use rand_pcg::Pcg64Mcg;

use lockbench_core::clock::Clock;
use lockbench_core::record::figures::Schedule;
use lockbench_core::record::{Disturbance, Event, FaultRecord, Shard, ShardSeed, What};
use lockbench_core::stop::Stop;
use lockbench_core::workload::{Moment, PlannedFault, Point, Target, client_seed};
use lockbench_systems::stack::{Node, Server};

use super::in_force::{InForce, Victim};
use super::{Handle, Peers, Site, Wires, leader, target, to_a_client, what};
use crate::crew::Hands;
use crate::tripwires::Tripped;

/// A fault that takes longer to come into force meets another moment of the story than the one that it is planned for: such
/// a run shows nothing.
const PROMPTLY: Duration = Duration::from_secs(2);
/// Longest sleep between two looks at what may have moved the moment that is waited for.
const LOOK: Duration = Duration::from_millis(5);
/// How long a fault may take to be seen.
const BITES_WITHIN: Duration = Duration::from_millis(200);

/// What a trial's faults are, and whom they hit.
#[derive(Clone)]
pub struct Faults {
    /// Those of the plan.
    pub planned: Arc<[PlannedFault]>,
    /// The servers of the system, if it has any that are ours.
    pub servers: Option<Arc<Server>>,
    /// The proxies before them, if the plan has a fault of the wire.
    pub wires: Option<Arc<Wires>>,
    /// The proxies between their members, if the plan cuts one off.
    pub peers: Option<Arc<Peers>>,
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
        hands: Hands,
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
            let (fault, servers, wires) = (fault.clone(), faults.servers.clone(), faults.wires.clone());
            let (peers, hands) = (faults.peers.clone(), hands.clone());
            let (schedule, over, stop) = (schedule.clone(), Arc::clone(&over), stop.clone());
            let thread = std::thread::Builder::new().name(format!("fault-{}", place + 1)).spawn(move || {
                let shard = seed.bind();
                let armed = Cell::new(false);
                One { fault, place, servers, wires, peers, hands, schedule, clock, over, stop, shard, armed }.run(rng)
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
    servers: Option<Arc<Server>>,
    wires: Option<Arc<Wires>>,
    hands: Hands,
    peers: Option<Arc<Peers>>,
    schedule: Schedule,
    clock: Clock,
    over: Arc<Over>,
    stop: Stop,
    shard: Shard,
    /// A client stops at its point, or has.
    armed: Cell<bool>,
}

impl One {
    fn run(self, mut rng: Pcg64Mcg) -> Vec<FaultRecord> {
        let mut records = Vec::new();
        let (mut due, period) = match self.fault.moment {
            Moment::At { ns } | Moment::When { ns, .. } => (ns, None),
            Moment::Every { ns } => (ns, Some(ns)),
        };
        // The first grant of the load may come before this thread is awake again.
        if let Moment::When { point, ns: 0 } = self.fault.moment
            && self.schedule.measure() == self.schedule.start
        {
            self.arm(point);
        }
        // What would begin when measuring is over does not begin.
        while self.wait(|| self.schedule.measure().saturating_add(due)) && self.clock.now() < self.schedule.end() {
            records.extend(match self.fault.moment {
                Moment::When { point, .. } => self.when(point, &mut rng),
                Moment::At { .. } | Moment::Every { .. } => self.hit(None, &mut rng),
            });
            match period {
                Some(period) => due = due.saturating_add(period),
                None => break,
            }
        }
        records
    }

    /// Lets a client stop at the point, if none does yet.
    fn arm(&self, point: Point) {
        if let Some(tripwires) = self.hands.common.tripwires.as_ref().filter(|_| !self.armed.replace(true)) {
            tripwires.arm(self.place, point);
        }
    }

    /// Waits until a client comes to the point, and hits while it stops there.
    fn when(&self, point: Point, rng: &mut Pcg64Mcg) -> Vec<FaultRecord> {
        let Some(tripwires) = &self.hands.common.tripwires else { return Vec::new() };
        self.arm(point);
        let tripped = self.find(|| tripwires.tripped(self.place));
        let records = tripped.map(|tripped| self.hit(Some(tripped), rng)).unwrap_or_default();
        tripwires.let_go(self.place);
        records
    }

    /// Waits until there is one, as long as the load is measured.
    fn find<T>(&self, look: impl Fn() -> Option<T>) -> Option<T> {
        loop {
            if let Some(found) = look() {
                return Some(found);
            }
            let over = self.clock.now() >= self.schedule.end() || self.stop.draining();
            if over || self.over.sleep(Duration::from_micros(200)) {
                return None;
            }
        }
    }

    /// Whom it is aimed at now, by their places, with their names.
    fn victims(&self, tripped: Option<Tripped>, rng: &mut Pcg64Mcg) -> Result<Vec<(u16, String, Victim<'_>)>, String> {
        let target = &self.fault.target;
        if self.fault.kind.is_of_a_client() {
            let drawn = target::drawn(self.hands.clients, rng);
            let clients = self.find(|| target::clients(target, &self.hands, tripped, drawn));
            let one = |client: u32| {
                let fault = to_a_client(self.fault.kind, self.place)?;
                Some((client as u16, format!("client-{client}"), Victim::Client(fault, client)))
            };
            return Ok(clients.unwrap_or_default().into_iter().filter_map(one).collect());
        }
        let Some(servers) = &self.servers else { return Ok(Vec::new()) };
        let nodes: Vec<&dyn Node> = servers.nodes().collect();
        let one = |place: u16| {
            let node = nodes[usize::from(place)];
            let wire = self.wires.as_ref().and_then(|wires| wires.of(usize::from(place)));
            let kind = servers.kind();
            let peers = self.peers.as_deref().map(|peers| (peers, kind, usize::from(place)));
            let handle = Handle { servers: Arc::clone(servers), place: usize::from(place) };
            let site = Site { node, handle, kind, wire, peers };
            Some((place, node.name().to_owned(), Victim::Node(what(self.fault.kind)?, site)))
        };
        Ok(target::chosen(target, servers, self.clock, rng)?.into_iter().filter_map(one).collect())
    }

    /// No node could be chosen.
    fn missed(&self, problem: String) -> FaultRecord {
        let (of, from) = (Disturbance { fault: self.place, node: 0 }, self.clock.now());
        let (name, problem) = ("no node".to_owned(), Some(problem));
        FaultRecord { of, name, from, healed: None, bit: false, problem, leader: None, clock: None, disk: None }
    }

    /// Injects the fault, and heals it when it has lasted, or the load is over. A client that tripped it goes on when
    /// it is in force.
    fn hit(&self, tripped: Option<Tripped>, rng: &mut Pcg64Mcg) -> Vec<FaultRecord> {
        let victims = match self.victims(tripped, rng) {
            Ok(victims) => victims,
            Err(problem) => return vec![self.missed(problem)],
        };
        let mut hit: Vec<InForce<'_>> = Vec::new();
        for (place, name, victim) in victims {
            let of = Disturbance { fault: self.place, node: place };
            let from = self.shard.stamp(Event::NOBODY, 0, What::FaultInjected(of));
            let (healed, problem, leader, clock, disk) = (None, None, None, None, None);
            let record = FaultRecord { of, name, from, healed, bit: false, problem, leader, clock, disk };
            let mut one = InForce { victim, hands: &self.hands, record, healed: false };
            one.record.problem = one.inject(self.clock).err().map(|error| error.to_string());
            let late = late(Duration::from_nanos(self.clock.now().saturating_sub(from)));
            one.record.problem = one.record.problem.take().or(late);
            hit.push(one);
        }
        if let (Some(_), Some(tripwires)) = (tripped, &self.hands.common.tripwires) {
            tripwires.let_go(self.place);
        }
        let begun = self.clock.now();
        let watch = hit.first().filter(|_| self.fault.target == Target::Leader).and_then(|one| {
            let from = one.record.from;
            Some((leader::Watch::start(self.servers.as_ref()?, one.record.of.node, from, self.clock), from))
        });
        for one in hit.iter_mut().filter(|one| one.record.problem.is_none()) {
            one.record.bit = self.bites(one);
        }
        self.wait(|| begun.saturating_add(self.fault.lasts_ns).min(self.schedule.end()));
        let mut records: Vec<FaultRecord> = hit
            .into_iter()
            .map(|mut one| {
                // What passes may have met it only later.
                one.record.bit = one.record.bit || one.record.problem.is_none() && one.bites();
                one.record.disk = one.disk();
                let healed = one.heal();
                // A write that was kept on its way arrives with that.
                one.record.bit = one.record.bit || one.record.problem.is_none() && one.bites();
                one.record.clock = one.clock();
                let FaultRecord { of, from, bit, .. } = one.record;
                if !one.ends() {
                    return one.record.clone();
                }
                let t = self.shard.stamp(Event::NOBODY, 0, What::FaultHealed { of, from, bit });
                match healed {
                    Ok(()) => one.record.healed = Some(t),
                    Err(error) => one.record.problem = one.record.problem.take().or(Some(error.to_string())),
                }
                one.record.clone()
            })
            .collect();
        if let (Some((watch, from)), Some(record)) = (watch, records.first_mut()) {
            record.leader = Some(watch.finish(from, self.clock));
        }
        records
    }

    fn bites(&self, one: &InForce<'_>) -> bool {
        let limit = self.clock.now() + BITES_WITHIN.as_nanos() as u64;
        loop {
            if one.bites() {
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

/// What is wrong with a fault that took so long to come into force.
fn late(took: Duration) -> Option<String> {
    let words =
        || format!("it was in force only {:.1} s after it had begun: node or machine was busy", took.as_secs_f64());
    (took > PROMPTLY).then(words)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{PROMPTLY, late};

    #[test]
    fn a_fault_that_comes_into_force_late_has_failed() {
        assert_eq!(late(PROMPTLY), None);
        let told = late(PROMPTLY + Duration::from_millis(340)).unwrap();
        assert_eq!(told, "it was in force only 2.3 s after it had begun: node or machine was busy");
    }
}
