//! A worker process: the clients of its share, on one thread. It does what the conductor orders, and ends when the
//! conductor does.

use std::cell::OnceCell;
use std::io::{BufRead, BufReader, Write, stdin, stdout};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::process::{Signal, getppid, set_parent_process_death_signal};
use rustix::thread::set_name;
use tokio::runtime::Builder;
use tokio::sync::oneshot;
use tokio::task::LocalSet;

use super::message::{Answer, Assignment, Order, Phases};
use super::served::Served;
use crate::grids::Grids;
use crate::steering::Steering;
use crate::trial::{LoadError, Spec};
use crate::tripwires::Tripwires;
use crate::witness::Witness;
use crate::worker::{Common, WorkerReport, work};
use lockbench_core::clock::Clock;
use lockbench_core::lock::{Endpoint, Key, LockSystem, Victims};
use lockbench_core::record::figures::Schedule;
use lockbench_core::record::{Shard, ShardSeed};
use lockbench_core::stop::Stop;
use lockbench_core::workload::{Sharing, parse_with};
use lockbench_systems::stack::forget_own_names;
use lockbench_systems::{Registry, Target};

/// The load of this process is over, or its conductor is gone.
const OVER: u8 = 0;
const ORPHANED: u8 = 1;

/// From one look at what no client took to the next.
const TICK: Duration = Duration::from_millis(100);

/// Runs a worker process to its end: what the program that [`crate::Options::worker`] names has to call, with the
/// lock systems that the conductor knows.
#[must_use]
pub fn serve(registry: &Registry) -> ExitCode {
    // What people see in a list of processes.
    let _ = set_name(c"lockb-worker");
    forget_own_names();
    // Also a process that is stopped is ended by this when its parent is; what the parent left before that is
    // seen below.
    let guarded = set_parent_process_death_signal(Some(Signal::KILL)).is_ok() && getppid().is_some();
    let mut orders = BufReader::new(stdin());
    let Some(Order::Open(assignment)) = next(&mut orders).filter(|_| guarded) else {
        return ExitCode::from(ORPHANED);
    };
    let answer = match Assigned::new(*assignment, registry).and_then(|assigned| assigned.run(orders)) {
        Ok(report) => Answer::Done(report),
        Err(error) => Answer::Failed { stopped: matches!(error, LoadError::Stopped), problem: error.to_string() },
    };
    tell(&answer);
    ExitCode::from(OVER)
}

fn next(orders: &mut impl BufRead) -> Option<Order> {
    let mut line = String::new();
    orders.read_line(&mut line).ok().filter(|bytes| *bytes > 0)?;
    serde_json::from_str(&line).ok()
}

fn tell(answer: &Answer) {
    let Ok(mut line) = serde_json::to_string(answer) else { return };
    line.push('\n');
    let mut out = stdout().lock();
    // A conductor that does not listen any more ends this process.
    let _ = out.write_all(line.as_bytes()).and_then(|()| out.flush());
}

/// What is needed to run.
struct Assigned {
    spec: Arc<Spec>,
    common: Common,
    shard: ShardSeed,
    share: (u32, Sharing),
}

impl Assigned {
    fn new(assignment: Assignment, registry: &Registry) -> Result<Self, LoadError> {
        let clock = Clock::monotonic();
        let parsed = parse_with("plan.toml", &assignment.plan, &[], &registry.options());
        let (plan, _) = parsed.map_err(|error| other(&format!("the plan cannot be read again: {error}")))?;
        let entry = registry.find(&assignment.backend).map_err(|error| other(&error.to_string()))?;
        let system: Arc<dyn LockSystem> = match assignment.served_at {
            Some(address) => Arc::new(Served::new(entry, address)),
            None => {
                let target = Target {
                    endpoints: assignment.endpoints.iter().map(Endpoint::new).collect(),
                    namespace: assignment.namespace,
                    ours: assignment.ours,
                    scratch: assignment.scratch,
                    clock,
                    options: plan.options.clone(),
                };
                (entry.connect)(target)?
            }
        };
        let process = assignment.process;
        let sharing = plan.processes().ok_or_else(|| other("the plan has no processes"))?;
        let named = |(index, name): (usize, &String)| Key { index: index as u32, name: name.as_str().into() };
        let grids = Grids::of_plan(&plan, assignment.trial, process, &sharing);
        let section = plan.section;
        let spec = Spec {
            system,
            plan: Arc::new(plan),
            ttl_ns: assignment.ttl_ns,
            trial: assignment.trial,
            keys: assignment.keys.iter().enumerate().map(named).collect(),
            clock,
            workers: 1,
            stop: Stop::new(),
            steering: Steering::new(),
            faults: None,
            truth: None,
            grids,
            processes: None,
        };
        let witness = Witness::open(&assignment.witness, process)?.doing(section, clock);
        let common = Common {
            witness: Arc::new(witness),
            identifies: assignment.identifies,
            tripwires: assignment.tripwires.as_ref().map(Tripwires::open).transpose()?,
            victims: assignment.victims.as_ref().map(Victims::open).transpose()?.map(Arc::new),
        };
        let shard = assignment.shard.open(clock)?;
        Ok(Self { spec: Arc::new(spec), common, shard, share: (process, sharing) })
    }

    fn run(self, orders: impl BufRead + Send + 'static) -> Result<WorkerReport, LoadError> {
        let (start, started) = oneshot::channel();
        let spec = Arc::clone(&self.spec);
        std::thread::Builder::new().name("orders".to_owned()).spawn(move || follow(orders, &spec, start))?;
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let ready = || tell(&Answer::Opened);
        let shard = self.shard.bind();
        let (begin, begun) = oneshot::channel();
        let account = Account { spec: Arc::clone(&self.spec), shard: shard.clone(), schedule: OnceCell::new() };
        let working = work(self.spec, self.common, self.share, shard, ready, begun);
        LocalSet::new().block_on(&runtime, async {
            let worked = tokio::select! {
                worked = working => worked,
                never = account.keep(started, begin) => never,
            };
            account.close();
            worked
        })
    }
}

/// What is due by the clock and no client of this process takes, as events.
struct Account {
    spec: Arc<Spec>,
    shard: Shard,
    schedule: OnceCell<Schedule>,
}

impl Account {
    /// Passes the schedule on when the load begins, and looks now and then from there.
    async fn keep(&self, started: oneshot::Receiver<Schedule>, begin: oneshot::Sender<Schedule>) -> ! {
        match started.await {
            Ok(schedule) => {
                let schedule = self.schedule.get_or_init(|| schedule);
                // Clients that are gone have said so themselves.
                let _ = begin.send(schedule.clone());
                if !self.spec.grids.are_none() {
                    self.look(schedule).await;
                }
            }
            // Without a schedule the clients close their sessions and end.
            Err(_) => drop(begin),
        }
        std::future::pending().await
    }

    async fn look(&self, schedule: &Schedule) -> ! {
        let mut before = schedule.start;
        loop {
            tokio::time::sleep(TICK).await;
            self.spec.grids.settle(schedule, before, &self.shard);
            before = self.spec.clock.now();
        }
    }

    fn close(&self) {
        if let Some(schedule) = self.schedule.get() {
            self.spec.grids.close(schedule, &self.shard);
        }
    }
}

fn other(problem: &str) -> LoadError {
    LoadError::Worker(std::io::Error::other(problem.to_owned()))
}

/// Does what the conductor orders, until it is gone.
fn follow(mut orders: impl BufRead, spec: &Spec, start: oneshot::Sender<Schedule>) {
    let mut start = Some(start);
    let mut schedule = None;
    while let Some(order) = next(&mut orders) {
        match order {
            Order::Open(_) => {}
            Order::Start(Phases { start: begin, measure, end }) => {
                let begun = schedule.insert(Schedule::between(begin, measure, end));
                if let Some(start) = start.take() {
                    // Clients that are gone have said so themselves.
                    let _ = start.send(begun.clone());
                }
            }
            Order::Hold => spec.steering.hold(),
            Order::GoOn(Phases { measure, end, .. }) => {
                if let Some(schedule) = &schedule {
                    schedule.set(measure, end);
                }
                spec.steering.release();
            }
            Order::Drain => spec.stop.drain(),
            Order::Abort => {
                // Without a schedule the clients that have not begun close their sessions.
                start = None;
                spec.stop.abort();
            }
            Order::TellTime => {
                let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                tell(&Answer::Time(now.as_nanos() as i64));
            }
        }
    }
    // Nobody is left who would read an event or an answer.
    std::process::exit(i32::from(ORPHANED));
}
