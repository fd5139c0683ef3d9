//! One trial of one lock system: workers armed behind a barrier, the reader loop, the
//! end. The phases are the phase schedule's.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::LocalSet;

use super::crew::{Crew, Launch, victims};
use super::deadlock_observer::DeadlockObserver;
use super::fault::{Faults, Timeline};
use super::grids::Grids;
use super::pause_control::PauseControl;
use super::phase_schedule::PhaseSchedule;
use super::process::Processes;
use super::steering::Steering;
use super::truth::{TruthPlan, TruthPoll};
use super::watchdog::Watchdog;
use super::witness::Witness;
use super::worker::{Common, work};
use lockbench_core::clock::Clock;
use lockbench_core::lock::{Key, LockSystem, SystemError, Victims};
use lockbench_core::record::figures::Schedule;
use lockbench_core::record::{Observer, Phase, Reader, Shard, ShardSeed, TrialReport, quiet_shard, shard};
use lockbench_core::shared::Place;
use lockbench_core::stop::Stop;
use lockbench_core::workload::Sharing;
use lockbench_core::workload::plan::Plan;

/// The clients start so long after the schedule is known.
const LEAD_NS: u64 = 20_000_000;
/// The reader's pause where somebody waits for what it says: for a fault, or for a deadlock to be broken.
const SHORT_PAUSE_NS: u64 = 500_000;
/// Its pause where nobody does. Each time it wakes it takes a processor from a client or a server; in this time the fastest
/// worker seen fills a third of its ring.
const LONG_PAUSE_NS: u64 = 4_000_000;
/// With more than so many events at once it does not pause.
const MANY: u64 = 4_096;

/// What to run.
pub struct Spec {
    /// The lock system, prepared for these keys.
    pub system: Arc<dyn LockSystem>,
    /// The plan.
    pub plan: Arc<Plan>,
    /// Lease length to ask for (the plan's, raised to the system's floor).
    pub ttl_ns: u64,
    /// Trial number, from 1.
    pub trial: u32,
    /// The keys, by index.
    pub keys: Arc<[Key]>,
    /// The run's clock.
    pub clock: Clock,
    /// Number of worker threads.
    pub workers: u32,
    /// Ends the load.
    pub stop: Stop,
    /// Pauses the load, and drops markers.
    pub steering: Steering,
    /// What is done to the servers meanwhile.
    pub faults: Option<Faults>,
    /// How the worker processes of the plan are started; `None`: threads do the work.
    pub processes: Option<Launch>,
    /// How the servers are asked meanwhile who holds which key; `None`: they are not.
    pub truth: Option<Arc<TruthPlan>>,
    /// When attempts are due; `None`: whenever a client is free, after its think time.
    pub grids: Grids,
}

/// Why a trial could not run.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// A session could not be opened.
    #[error(transparent)]
    System(#[from] SystemError),
    /// A thread or runtime could not be started, or a worker died.
    #[error("cannot run a worker thread: {0}")]
    Worker(#[from] std::io::Error),
    /// A worker process could not be started or open its sessions, or could not run.
    #[error("worker process {number}: {problem}")]
    Process {
        /// Its number, from 0.
        number: u32,
        /// In its words.
        problem: String,
    },
    /// Stopped before the load began.
    #[error("stopped before the load began")]
    Stopped,
}

/// A look at a running trial.
#[derive(Clone, Copy, Debug)]
pub struct Tick {
    /// Phase.
    pub phase: Phase,
    /// Did the phase just begin?
    pub entered: bool,
    /// Nanoseconds since the start of the warm-up, pauses included.
    pub elapsed_ns: u64,
    /// Nanoseconds from now to the end of measuring as it is planned now: a pause
    /// takes nothing of it.
    pub left_ns: u64,
    /// Is the load paused? A tick comes at once when that changes.
    pub paused: bool,
}

/// A trial whose sessions are all open.
pub struct Armed {
    spec: Arc<Spec>,
    crew: Crew,
    reader: Reader,
    /// For events of the phase schedule.
    seed: ShardSeed,
    /// For events of each planned fault.
    fault_seeds: Vec<ShardSeed>,
    /// For what the servers say.
    truth_seed: ShardSeed,
    watchdog: Watchdog,
}

impl Armed {
    /// Starts the workers and opens every session.
    ///
    /// # Errors
    /// A session could not be opened, or a worker ended before all of its own were open. All others are
    /// closed again.
    pub fn new(spec: Spec) -> Result<Self, LoadError> {
        let spec = Arc::new(spec);
        let (crew, mut readers) = Crew::hire(&spec)?;
        let (seed, reader) = quiet_shard(0, 0, spec.clock);
        readers.push(reader);
        let watchdog = Watchdog::start(seed, spec.clock, spec.ttl_ns / 4, spec.grids.clone())?;
        let (seed, reader) = quiet_shard(0, 0, spec.clock);
        readers.push(reader);
        let mut fault_seeds = Vec::new();
        for _ in spec.faults.iter().flat_map(|faults| faults.planned.iter()) {
            let (seed, reader) = quiet_shard(0, 0, spec.clock);
            fault_seeds.push(seed);
            readers.push(reader);
        }
        let (truth_seed, reader) = quiet_shard(if spec.truth.is_some() { TruthPlan::ROOM } else { 0 }, 0, spec.clock);
        readers.push(reader);
        let crew = crew.opened(&spec)?;
        Ok(Self { spec, crew, reader: Reader::new(readers), seed, fault_seeds, truth_seed, watchdog })
    }

    /// The worker processes, where there are any.
    #[must_use]
    pub fn processes(&self) -> Option<Processes> {
        self.crew.processes()
    }

    /// What tells an attempt to give up, where the plan breaks deadlocks.
    #[must_use]
    pub fn victims(&self) -> Option<Arc<Victims>> {
        self.crew.victims()
    }

    /// The due instants, where they are fixed: it counts what no client could take.
    #[must_use]
    pub fn grids(&self) -> Grids {
        self.spec.grids.clone()
    }

    /// A schedule that starts now.
    #[must_use]
    pub fn schedule(&self) -> Schedule {
        let plan = &self.spec.plan;
        Schedule::new(self.spec.clock.now() + LEAD_NS, plan.warmup_ns, plan.duration_ns)
    }

    /// Runs the load and shows its events to the observers, until every client is
    /// done. `tick` is called at each phase and ten times a second; breaking from
    /// it (a server died) ends the load at once.
    ///
    /// # Errors
    /// If a worker thread died.
    pub fn run(
        mut self,
        schedule: &Schedule,
        observers: &mut [&mut dyn Observer],
        tick: &mut dyn FnMut(Tick) -> ControlFlow<()>,
    ) -> Result<TrialReport, LoadError> {
        self.crew.begin(schedule);
        self.watchdog.begins(schedule.start);
        let Spec { faults, trial, clock, stop, truth, keys, .. } = &*self.spec;
        let asking = |plan| TruthPoll::start(plan, keys, *clock, self.truth_seed);
        let truth = truth.as_ref().map(asking).transpose()?;
        let hands = self.crew.hands();
        let start = |faults| Timeline::start(faults, hands, self.fault_seeds, *trial, schedule, *clock, stop);
        let timeline = faults.as_ref().map(start).transpose()?;
        let own = self.seed.bind();
        let pause_control = PauseControl::new(&self.spec, schedule, own.clone());
        let mut phase_schedule = PhaseSchedule::new(&self.spec, schedule, pause_control, own.clone());
        let mut graves = self.crew.graves();
        let mut observers: Vec<&mut dyn Observer> = observers.iter_mut().map(|one| &mut **one as _).collect();
        if let Some(graves) = &mut graves {
            observers.push(graves);
        }
        let observers = &mut observers[..];
        let pause = Pause::of(&self.spec, schedule, self.crew.victims().is_some());
        while !self.crew.done() {
            if self.reader.poll(observers) < MANY {
                std::thread::sleep(pause.now());
            }
            phase_schedule.step(tick);
            self.crew.look(&self.spec, schedule, &mut self.reader, &own);
        }
        // Workers may all end within one pause: the drain is entered even then, or
        // whoever meters the measure phase would never read its end.
        phase_schedule.step(tick);
        let dropped = dropped(&self.spec, schedule, &own);
        let mut report = TrialReport { cut_short: phase_schedule.end(), ..TrialReport::default() };
        self.crew.settle(&mut report)?;
        report.dropped = dropped;
        report.faults = timeline.map(Timeline::finish).unwrap_or_default();
        drop(truth);
        report.reader = self.reader.finish(observers);
        Ok(report)
    }
}

/// How long the reader pauses.
struct Pause<'a> {
    clock: Clock,
    schedule: &'a Schedule,
    longest_ns: u64,
}

impl<'a> Pause<'a> {
    fn of(spec: &Spec, schedule: &'a Schedule, breaks_deadlocks: bool) -> Self {
        let waited_for = breaks_deadlocks || spec.faults.is_some() || spec.processes.is_some();
        let longest_ns = if waited_for { SHORT_PAUSE_NS } else { LONG_PAUSE_NS };
        Self { clock: spec.clock, schedule, longest_ns }
    }

    /// From now on: what is metered is metered when a phase begins or ends.
    fn now(&self) -> Duration {
        let now = self.clock.now();
        let phases = [self.schedule.start, self.schedule.measure(), self.schedule.end()];
        let until = phases.into_iter().filter(|phase| *phase > now).min().map_or(u64::MAX, |phase| phase - now);
        Duration::from_nanos(self.longest_ns.min(until))
    }
}

/// Closes the account of due instants.
fn dropped(spec: &Spec, schedule: &Schedule, own: &Shard) -> Option<u64> {
    spec.grids.close(schedule, own)
}

/// Runs a trial on the current runtime and thread, for tests in virtual time. It can
/// be steered too.
///
/// # Errors
/// As [`Armed::new`].
pub async fn run_virtual(
    spec: Spec,
    schedule: &Schedule,
    observers: &mut [&mut dyn Observer],
) -> Result<TrialReport, LoadError> {
    let spec = Arc::new(spec);
    let (seed, source) = shard(spec.plan.clients as usize, spec.clock);
    let (own, told) = quiet_shard(0, 0, spec.clock);
    let common = Common {
        witness: Arc::new(Witness::new(spec.keys.len() as u32).doing(spec.plan.section, spec.clock)),
        tripwires: None,
        victims: victims(&spec.plan, Place::Own)?,
        identifies: spec.truth.is_some(),
    };
    let mut breaker = common.victims.clone().map(|victims| DeadlockObserver::new(Some(victims), &|_| {}));
    let mut observers: Vec<&mut dyn Observer> = observers.iter_mut().map(|one| &mut **one as _).collect();
    if let Some(breaker) = &mut breaker {
        observers.push(breaker);
    }
    let observers = &mut observers[..];
    let (ready, opened) = oneshot::channel();
    let (start, started) = oneshot::channel();
    let mut reader = Reader::new(vec![source, told]);
    let own = own.bind();
    let mut pause_control = PauseControl::new(&spec, schedule, own.clone());
    let steer = |pause_control: &mut PauseControl| {
        pause_control.look();
        if spec.stop.draining() {
            schedule.stop_at(spec.clock.now());
        }
    };
    let local = LocalSet::new();
    // Where attempts are due by the clock and little happens, the clock may go on faster from one look to the next.
    let most_ms = if spec.grids.are_of_a_load() { 64 } else { 1 };
    let ready = || {
        let _ = ready.send(());
    };
    let worker = local.run_until(work(Arc::clone(&spec), common, (0, Sharing::Turns(1)), seed.bind(), ready, started));
    let reading = async {
        if opened.await.is_ok() {
            let _ = start.send(schedule.clone());
        }
        let mut ms = 1;
        loop {
            ms = if reader.poll(observers) == 0 { (2 * ms).min(most_ms) } else { 1 };
            steer(&mut pause_control);
            tokio::time::sleep(Duration::from_millis(ms)).await;
        }
    };
    let done = tokio::select! {
        done = worker => done?,
        never = reading => never,
    };
    steer(&mut pause_control);
    drop(pause_control);
    let dropped = dropped(&spec, schedule, &own);
    drop(own);
    Ok(TrialReport {
        reader: reader.finish(observers),
        reasons: done.reasons,
        throttled: done.throttled,
        effective_ttl_ns: done.effective_ttl_ns,
        panicked: done.panicked,
        dropped,
        cut_short: spec.stop.draining(),
        faults: Vec::new(),
        lost_processes: 0,
    })
}
