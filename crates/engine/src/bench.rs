//! One trial from clean keys to a report entry.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use super::crew::Launch;
use super::deadlock_observer::DeadlockObserver;
use super::due_instants::{DueInstants, Untaken};
use super::fault::{Faults, Wires};
use super::grids::Grids;
use super::meter::{Meter, Reading, own_cpu_s, thread_cpu_s};
use super::narrate;
use super::need;
use super::process::{Processes, Program};
use super::publish::Published;
use super::server_poll::{Asked, Polled, ServerPoll};
use super::servers::Servers;
use super::steering::Steering;
use super::traffic::Traffic;
use super::trial::{Armed, LoadError, Spec, Tick};
use super::truth::TruthPlan;
use super::watcher::{TrialSubject, Watcher};
use lockbench_core::clock::Clock;
use lockbench_core::limits;
use lockbench_core::lock::{Facts, Key, LockSystem, Nodes, NodesOfTrial, SystemError};
use lockbench_core::oracle::{ConditionFold, JudgedHistory, Oracle};
use lockbench_core::record::figures::{Figures, Schedule};
use lockbench_core::record::history::{Alarm, Header, HistoryFile, TrialHistory};
use lockbench_core::record::{Event, Observer};
use lockbench_core::stop::Stop;
use lockbench_core::workload::plan::{Access, HistoryLimit, Keys, Locks, Plan, Section, Spread};
use lockbench_core::workload::{EffectiveTtl, Sharing};
use lockbench_report::live::LiveTrial;
use lockbench_report::{InjectedFault, Measured, Measurements, TrialResult};
use lockbench_systems::{Entry, Target};

/// How long a stopped run waits for a given server to remove its keys.
const STOPPED_CLEAN: Duration = Duration::from_secs(2);

/// A system that answered, ready for trials.
pub struct Candidate {
    /// Its entry of the registry.
    pub entry: &'static Entry,
    /// It, as its servers were given.
    pub system: Arc<dyn LockSystem>,
    /// What it was made for.
    pub target: Target,
    /// What its servers say of themselves.
    pub facts: Facts,
    /// Lease length that it is asked for.
    pub ttl: EffectiveTtl,
    /// The proxies before its servers, if the plan has faults of the wire.
    pub wires: Option<Arc<Wires>>,
}

/// What all trials of a run share.
pub struct Bench<'a> {
    /// The load.
    pub plan: Arc<Plan>,
    /// The run's clock.
    pub clock: Clock,
    /// Number of worker threads.
    pub workers: u32,
    /// Ends the load.
    pub stop: Stop,
    /// Pauses the load and drops markers, whichever trial runs.
    pub steering: Steering,
    /// Where the systems are.
    pub servers: &'a Servers,
    /// Sees how the trials go.
    pub watcher: &'a dyn Watcher,
    /// Asks the servers what they see, where that is wanted.
    pub poll: Option<&'a ServerPoll>,
    /// For calls that are not part of a load.
    pub runtime: &'a tokio::runtime::Runtime,
    /// What everything of this run is named by on a server.
    pub namespace: &'a str,
    /// Nanoseconds from one attempt to the next, of all clients; `None`: whenever a client
    /// is free.
    pub every_ns: Option<u64>,
    /// Who else looks at the trials.
    pub beside: Option<&'a dyn TrialObserver>,
    /// The program of worker processes, for plans that have some.
    pub worker: Option<&'a Program>,
}

/// Looks at a trial while it runs, on the thread that called for it.
pub trait TrialObserver {
    /// The system was prepared for it, and sessions are opened from now on.
    fn arms(&self, grid: &Arc<DueInstants>);
    /// It begins.
    fn begins(&self, schedule: &Schedule);
    /// The next event.
    fn sees(&self, event: &Event);
    /// A moment later, with the violations so far, and the instants that no client took and
    /// that were not told before. Breaking ends the trial at once.
    fn ticks(&self, violations: Alarm, untaken: Vec<Untaken>) -> ControlFlow<()>;
    /// It is over, with the last instants that no client took.
    fn ends(&self, untaken: Vec<Untaken>);
}

/// [`TrialObserver`] as an observer.
struct Onlooker<'a>(Option<&'a dyn TrialObserver>);

impl Observer for Onlooker<'_> {
    fn observe(&mut self, event: &Event) {
        if let Some(beside) = self.0 {
            beside.sees(event);
        }
    }
}

/// What a trial leaves behind.
pub struct Done {
    /// Its entry in the report.
    pub result: TrialResult,
    /// What was folded; `None` for a trial that failed.
    pub measured: Option<Measurements>,
    /// The faults that were injected.
    pub faults: Vec<InjectedFault>,
    /// Worker processes that died although no fault had killed them.
    pub lost_processes: u32,
}

/// Why the keys of a trial could not be removed.
#[derive(Debug, thiserror::Error)]
pub enum CleanError {
    /// The servers refuse it, or do not answer.
    #[error(transparent)]
    System(#[from] SystemError),
    /// The run ended first.
    #[error("stopped before the server answered")]
    Stopped,
}

impl Bench<'_> {
    /// Runs trial number `trial` of a candidate. Its keys are fresh, and removed
    /// afterwards. `None`: the run was stopped before the load began, which is no
    /// failure of the system.
    pub fn trial(&self, candidate: &Candidate, trial: u32, history: Option<&mut HistoryFile>) -> Option<Done> {
        let keys = self.keys(candidate.entry.name, trial);
        let failed = |error: String| Done {
            result: lockbench_report::failed(candidate.entry.name, &self.plan.name, trial, error),
            measured: None,
            faults: Vec::new(),
            lost_processes: 0,
        };
        if let Err(error) = self.runtime.block_on(candidate.system.prepare(&keys)) {
            return Some(failed(limits::explained(&error.to_string(), None)));
        }
        let spec = Spec {
            system: Arc::clone(&candidate.system),
            plan: Arc::clone(&self.plan),
            ttl_ns: candidate.ttl.ttl_ns,
            trial,
            keys: Arc::clone(&keys),
            clock: self.clock,
            workers: self.workers,
            stop: self.stop.child(),
            steering: self.steering.clone(),
            faults: self.faults(candidate),
            processes: self.launch(candidate),
            truth: self.truth(candidate),
            grids: self.due_instants(candidate, trial),
        };
        if let (Some(beside), Some(grid)) = (self.beside, spec.grids.of(0)) {
            beside.arms(grid);
        }
        if let Some(poll) = self.poll {
            poll.begin(self.polled(candidate, &keys));
        }
        let start = self.nodes(candidate);
        let done = match Armed::new(spec) {
            Ok(armed) => self.measure(armed, candidate, trial, history),
            Err(error) => Err(error),
        };
        let end = self.nodes(candidate);
        if let Some(poll) = self.poll {
            poll.rest();
        }
        let cleaned = self.clean(candidate, &keys);
        let never_began = matches!(done, Err(LoadError::Stopped));
        let mut done = done.unwrap_or_else(|error| {
            let Candidate { entry, system, .. } = candidate;
            failed(need::explained(&error.to_string(), entry, &self.plan, &**system, self.runtime))
        });
        done.result.nodes = NodesOfTrial { start, end };
        if let Some(death) = self.servers.died(candidate.entry) {
            done.result.error = Some(death);
            done.result.complete = false;
        } else if let Err(error) = cleaned {
            let left = format!("what this run left there could not be removed, it is named \"{}\"", self.namespace);
            let problem = format!("the server did not answer at the end: {error}; {left}");
            if self.stop.draining() {
                self.watcher.say(&format!("{}: {problem}", candidate.entry.name));
            } else {
                // Of our own servers we know when they died; that of a given one only shows here.
                done.result.error = Some(problem);
                done.result.complete = false;
            }
        }
        (!never_began).then_some(done)
    }

    /// The plan's faults, on servers that are ours to disturb.
    fn faults(&self, candidate: &Candidate) -> Option<Faults> {
        let planned = &self.plan.faults;
        if planned.is_empty() {
            return None;
        }
        let (servers, wires) = (self.servers.ours(candidate.entry), candidate.wires.clone());
        let peers = self.servers.peers();
        Some(Faults { planned: planned.as_slice().into(), servers, wires, peers, seed: self.plan.seed })
    }

    /// When attempts are due, where the clock says so. Worker processes each have their own share.
    fn due_instants(&self, candidate: &Candidate, trial: u32) -> Grids {
        match self.every_ns {
            Some(every_ns) => Some(Arc::new(DueInstants::new(every_ns))).into(),
            None if self.launch(candidate).is_some() => Grids::default(),
            None => Grids::of_plan(&self.plan, trial, 0, &Sharing::Turns(1)),
        }
    }

    /// How worker processes are started, if the plan has some.
    fn launch(&self, candidate: &Candidate) -> Option<Launch> {
        let Candidate { entry, target, .. } = candidate;
        let program = self.worker.filter(|_| self.plan.spread != Spread::Threads)?.clone();
        Some(Launch {
            program,
            backend: entry.name.to_owned(),
            target: target.clone(),
            served: entry.in_this_process(),
        })
    }

    /// How the servers are asked who holds which key, where the plan wants that: themselves, and no proxy before them.
    fn truth(&self, candidate: &Candidate) -> Option<Arc<TruthPlan>> {
        let every = self.plan.truth_every_ns()?;
        let Candidate { entry, system, target, .. } = candidate;
        let endpoints = match self.servers.ours(entry) {
            Some(server) => server.own_endpoints(),
            None => self.servers.endpoints(entry).map_or(target.endpoints.clone(), |(endpoints, _)| endpoints),
        };
        let asked = Asked::of(entry, system, Target { endpoints, ..target.clone() });
        Some(Arc::new(TruthPlan::new(asked, every)))
    }

    fn polled(&self, candidate: &Candidate, keys: &Arc<[Key]>) -> Polled {
        let entry = candidate.entry;
        Polled {
            backend: entry.name,
            asked: Asked::of(entry, &candidate.system, candidate.target.clone()),
            keys: Arc::clone(keys),
            gauge: self.servers.gauge(entry),
        }
    }

    /// Which nodes serve now. A stop does not wait for nodes that hang. A watch asks beside
    /// its rounds.
    fn nodes(&self, candidate: &Candidate) -> Option<Nodes> {
        if self.beside.is_some() {
            return None;
        }
        self.runtime.block_on(async {
            tokio::select! {
                nodes = candidate.system.nodes() => nodes,
                () = self.given_up() => None,
            }
        })
    }

    /// Completes when a run that was stopped has waited long enough for a server.
    async fn given_up(&self) {
        self.stop.drained().await;
        tokio::select! {
            () = self.stop.aborted() => {}
            () = tokio::time::sleep(STOPPED_CLEAN) => {}
        }
    }

    /// Removes the keys of a trial, unless its servers are dead or about to be
    /// stopped with all that they hold. A stop that waits for a server that hangs
    /// waits a little only, an abort not at all.
    pub fn clean(&self, candidate: &Candidate, keys: &[Key]) -> Result<(), CleanError> {
        let ours = self.servers.started_here(candidate.entry);
        if ours && (self.stop.draining() || self.servers.died(candidate.entry).is_some()) {
            return Ok(());
        }
        self.runtime.block_on(async {
            tokio::select! {
                cleaned = candidate.system.clean(keys) => Ok(cleaned?),
                () = self.given_up() => Err(CleanError::Stopped),
            }
        })
    }

    /// The keys of a trial.
    pub fn keys(&self, backend: &str, trial: u32) -> Arc<[Key]> {
        let slug = backend.replace(':', "-");
        let count = self.plan.count_of_keys();
        (0..count).map(|index| Key { index, name: format!("{slug}-t{trial}-k{index}").into() }).collect()
    }

    fn measure(
        &self,
        armed: Armed,
        candidate: &Candidate,
        trial: u32,
        history: Option<&mut HistoryFile>,
    ) -> Result<Done, LoadError> {
        let plan = &self.plan;
        let keys = plan.count_of_keys();
        let (schedule, grids) = (armed.schedule(), armed.grids());
        let header = Header {
            backend: candidate.entry.name.to_owned(),
            trial,
            clients: plan.clients,
            keys,
            start: schedule.start,
            measure: schedule.measure(),
            end: schedule.end(),
        };
        let entry = candidate.entry;
        let tokens = entry.guarantees.token.is_some();
        let own = self.watcher.trial(&TrialSubject { backend: entry.name, workload: &plan.name, tokens });
        let figures = Figures::new(schedule.clone(), plan.clients, keys);
        let figures = if own.wants_detail() { figures.detailed() } else { figures };
        let open: Vec<_> =
            plan.parts().into_iter().filter(|part| part.arrival.is_open()).map(|part| part.clients).collect();
        let open_loop = self.every_ns.is_none() && !open.is_empty();
        let figures = if open_loop { figures.of_open_loop(open) } else { figures };
        let figures = if plan.groups.is_empty() { figures } else { figures.of_groups(groups(plan)) };
        let figures = if plan.section == Section::Counter { figures } else { figures.of_section(plan.section) };
        let figures = if plan.access == Access::Exclusive { figures } else { figures.of_modes() };
        let figures = if plan.dynamic_ttl.is_some() { figures.of_leases() } else { figures };
        let figures = match plan.locks {
            Locks::One => figures,
            Locks::Saga { count } => figures.of_sagas(count),
            _ => figures.of_transactions(),
        };
        let oracle = Oracle::new(plan.clients, keys, schedule.start).with_conditions(ConditionFold::of(plan));
        let alarm = oracle.violations();
        let history = history.map(|file| {
            let limit = match plan.history {
                HistoryLimit::Full => u64::MAX,
                HistoryLimit::Window(attempts) => attempts,
                HistoryLimit::Off => 0,
            };
            TrialHistory::begin(file, &header, limit, oracle.violations())
        });
        let mut meter = Meter::default();
        let untaken = |grids: &Grids| grids.each().flat_map(|grid| grid.fetch()).collect::<Vec<Untaken>>();
        let processes = armed.processes();
        let mut tick = |tick: Tick| {
            let going = self.tick(tick, candidate, trial, (&mut meter, processes.as_ref()));
            let beside =
                self.beside.map_or(ControlFlow::Continue(()), |beside| beside.ticks(alarm.get(), untaken(&grids)));
            if going.is_break() { going } else { beside }
        };
        if let Some(beside) = self.beside {
            beside.begins(&schedule);
        }
        let mut onlooker = Onlooker(self.beside);
        let judged = JudgedHistory::new(oracle, history);
        let of = (candidate.entry.name, trial);
        let live = LiveTrial::new(of, schedule.clone(), figures, judged, self.watcher.wants_holds());
        let mut published = Published::new(live, self.watcher, &self.steering, self.clock, own);
        let tell = |text: &str| self.watcher.say(&format!("{}, trial {trial}: {text}", candidate.entry.name));
        let mut deadlocks = plan.locks.can_deadlock().then(|| DeadlockObserver::new(armed.victims(), &tell));
        let mut observers: Vec<&mut dyn Observer> = vec![&mut published, &mut onlooker];
        observers.extend(deadlocks.as_mut().map(|one| one as &mut dyn Observer));
        let engine = armed.run(&schedule, &mut observers, &mut tick)?;
        drop(observers);
        if let Some(beside) = self.beside {
            beside.ends(untaken(&grids));
        }
        published.publish();
        let (live, own) = published.into_parts();
        let (mut figures, findings, recorded) = live.finish();
        let measured_ns = schedule.end() - schedule.measure();
        let result = lockbench_report::result(&Measured {
            backend: candidate.entry.name,
            workload: &plan.name,
            trial,
            guarantees: &candidate.entry.guarantees,
            facts: &candidate.facts,
            origin: schedule.start,
            measured_ns,
            figures: &figures,
            findings: &findings,
            engine: &engine,
            recorded,
            resources: meter.resources(),
            ttl_raised: candidate.ttl.raised,
            workers: plan.processes().map_or(self.workers, |sharing| sharing.workers()),
            clients: plan.clients,
            section: plan.section,
            access: plan.access,
        });
        own.settle(&result, &figures);
        let measured = Measurements {
            backend: candidate.entry.name.to_owned(),
            trial,
            start_ns: schedule.start,
            warmup_ns: schedule.measure() - schedule.start,
            measured_ns,
            clients: plan.clients,
            keys,
            counts: *figures.counts(),
            latencies: figures.latencies().clone(),
            windows: figures.series(),
            double_grants: findings.per_second.clone(),
            grants_of: figures.grants_per_client().to_vec(),
            longest_wait_of: figures.longest_waits().to_vec(),
            marks: figures.marks().to_vec(),
        };
        let of = (candidate.entry.name, trial);
        let faults = engine
            .faults
            .iter()
            .map(|record| InjectedFault::of(record, &plan.faults, of, schedule.measure()))
            .collect();
        Ok(Done { result, measured: Some(measured), faults, lost_processes: engine.lost_processes })
    }

    fn tick(
        &self,
        tick: Tick,
        candidate: &Candidate,
        trial: u32,
        (meter, processes): (&mut Meter, Option<&Processes>),
    ) -> ControlFlow<()> {
        let entry = candidate.entry;
        if tick.entered {
            narrate::phase(self.watcher, entry.name, trial, tick.phase);
        }
        if meter.asks(tick) {
            let all = processes.map_or_else(|| vec![std::process::id()], Processes::ids);
            meter.read(
                tick,
                Reading {
                    own_cpu_s: own_cpu_s() + processes.map_or(0.0, Processes::cpu_s),
                    recorder_cpu_s: thread_cpu_s(),
                    servers: self.servers.usage(entry),
                    traffic: Traffic::of(&candidate.system.addresses(), &all),
                },
            );
        }
        if self.servers.died(entry).is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

/// Can two clients want the same key?
pub fn contended(plan: &Plan) -> bool {
    plan.clients > 1 && plan.keys != Keys::PerClient
}

/// The groups of a plan, those that are in none last.
fn groups(plan: &Plan) -> Vec<(String, std::ops::Range<u32>)> {
    plan.parts().into_iter().map(|part| (part.name.to_owned(), part.clients)).collect()
}
