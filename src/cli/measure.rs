//! One trial from clean keys to a report entry.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use super::fits;
use super::lookout::{Asked, Lookout, Watched};
use super::narrate;
use super::publish::Published;
use super::servers::Servers;
use super::session::Session;
use lockbench_core::clock::Clock;
use lockbench_core::limits;
use lockbench_core::lock::{Facts, Key, LockSystem, Nodes, NodesOfTrial};
use lockbench_core::oracle::{JudgedHistory, Oracle};
use lockbench_core::record::Phase;
use lockbench_core::record::figures::{Figures, Schedule};
use lockbench_core::record::history::{Alarm, Header, HistoryFile, TrialHistory};
use lockbench_core::record::{Event, Observer};
use lockbench_core::stop::Stop;
use lockbench_core::workload::EffectiveTtl;
use lockbench_core::workload::plan::{HistoryLimit, Keys, Plan};
use lockbench_engine::{Armed, Grid, LoadError, Spec, Steering, Tick, Untaken};
use lockbench_output::metrics::{Subject, Tally};
use lockbench_report::live::LiveTrial;
use lockbench_report::{Measured, Measurements, Resources, TrialResult};
use lockbench_systems::{Entry, Target};

/// How long a stopped run waits for a given server to remove its keys.
const STOPPED_CLEAN: Duration = Duration::from_secs(2);

/// A system that answered, ready for trials.
pub struct Candidate {
    pub entry: &'static Entry,
    pub system: Arc<dyn LockSystem>,
    /// What it was made for.
    pub target: Target,
    pub facts: Facts,
    pub ttl: EffectiveTtl,
}

/// What all trials of a run share.
pub struct Bench<'a> {
    pub plan: Arc<Plan>,
    pub clock: Clock,
    pub workers: u32,
    pub stop: Stop,
    /// Pauses the load and drops markers, whichever trial runs.
    pub steering: Steering,
    pub servers: &'a Servers,
    pub session: &'a Session,
    /// Asks the servers what they see, where somebody watches.
    pub lookout: Option<&'a Lookout>,
    pub runtime: &'a tokio::runtime::Runtime,
    /// What everything of this run is named by on a server.
    pub namespace: &'a str,
    /// Nanoseconds from one attempt to the next, of all clients; `None`: whenever a client
    /// is free.
    pub every_ns: Option<u64>,
    /// Who else looks at the trials.
    pub beside: Option<&'a dyn Beside>,
}

/// Looks at a trial while it runs, on the thread that called for it.
pub trait Beside {
    /// The system was prepared for it, and sessions are opened from now on.
    fn arms(&self, grid: &Arc<Grid>);
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

/// [`Beside`] as an observer.
struct Onlooker<'a>(Option<&'a dyn Beside>);

impl Observer for Onlooker<'_> {
    fn observe(&mut self, event: &Event) {
        if let Some(beside) = self.0 {
            beside.sees(event);
        }
    }
}

/// What a trial leaves behind.
pub struct Done {
    pub result: TrialResult,
    /// What was folded; `None` for a trial that failed.
    pub measured: Option<Measurements>,
}

/// CPU seconds of this process so far.
pub fn own_cpu_s() -> f64 {
    let t = clock_gettime(ClockId::ProcessCPUTime);
    t.tv_sec as f64 + t.tv_nsec as f64 / 1e9
}

/// CPU and memory at one moment.
type Reading = (f64, Resources);

/// CPU and memory at both ends of the measure phase, and of each pause in it.
#[derive(Default)]
struct Meter {
    before: Option<Reading>,
    after: Option<Reading>,
    paused: Option<Reading>,
    /// CPU seconds of pauses, our own and the servers'.
    idle: (f64, f64),
}

/// CPU seconds of servers that were asked at both moments.
fn between(before: &Resources, after: &Resources) -> Option<f64> {
    Some(after.server_cpu_s? - before.server_cpu_s?)
}

impl Meter {
    /// Is a look needed now? Phases begin, pauses begin and end.
    fn asks(&self, tick: Tick) -> bool {
        tick.entered || tick.paused != self.paused.is_some()
    }

    fn read(&mut self, tick: Tick, now: Reading) {
        match (self.paused.take(), tick.paused) {
            (None, true) => self.paused = Some(now),
            (Some(since), true) => self.paused = Some(since),
            // One of the warm-up is over before the measure phase begins.
            (Some(since), false) if self.before.is_some() => {
                self.idle.0 += now.0 - since.0;
                self.idle.1 += between(&since.1, &now.1).unwrap_or_default();
            }
            (Some(_) | None, false) => {}
        }
        match tick.phase {
            Phase::Measure if tick.entered => self.before = Some(now),
            Phase::Drain if tick.entered => self.after = Some(now),
            Phase::Warmup | Phase::Measure | Phase::Drain => {}
        }
    }

    fn resources(&self) -> Resources {
        let (Some((own_before, before)), Some((own_after, after))) = (&self.before, &self.after) else {
            return Resources::default();
        };
        Resources {
            client_cpu_s: Some(own_after - own_before - self.idle.0),
            server_cpu_s: between(before, after).map(|cpu| cpu - self.idle.1),
            server_rss_bytes: after.server_rss_bytes,
        }
    }
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
            grid: self.every_ns.map(|every| Arc::new(Grid::new(every))),
        };
        if let (Some(beside), Some(grid)) = (self.beside, &spec.grid) {
            beside.arms(grid);
        }
        if let Some(lookout) = self.lookout {
            lookout.watch(self.watched(candidate, &keys));
        }
        let start = self.nodes(candidate);
        let done = match Armed::new(spec) {
            Ok(armed) => self.measure(armed, candidate, trial, history),
            Err(error) => Err(error),
        };
        let end = self.nodes(candidate);
        if let Some(lookout) = self.lookout {
            lookout.rest();
        }
        let cleaned = self.clean(candidate, &keys);
        let never_began = matches!(done, Err(LoadError::Stopped));
        let mut done = done.unwrap_or_else(|error| {
            let Candidate { entry, system, .. } = candidate;
            failed(fits::explained(&error.to_string(), entry, &self.plan, &**system, self.runtime))
        });
        done.result.nodes = NodesOfTrial { start, end };
        if let Some(death) = self.servers.died(candidate.entry) {
            done.result.error = Some(death);
            done.result.complete = false;
        } else if let Err(error) = cleaned {
            let left = format!("what this run left there could not be removed, it is named \"{}\"", self.namespace);
            let problem = format!("the server did not answer at the end: {error}; {left}");
            if self.stop.draining() {
                self.session.display.say(&format!("{}: {problem}", candidate.entry.name));
            } else {
                // Of our own servers we know when they died; that of a given one only shows here.
                done.result.error = Some(problem);
                done.result.complete = false;
            }
        }
        (!never_began).then_some(done)
    }

    fn watched(&self, candidate: &Candidate, keys: &Arc<[Key]>) -> Watched {
        let entry = candidate.entry;
        Watched {
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
    pub fn clean(&self, candidate: &Candidate, keys: &[Key]) -> Result<(), String> {
        let ours = self.servers.started_here(candidate.entry);
        if ours && (self.stop.draining() || self.servers.died(candidate.entry).is_some()) {
            return Ok(());
        }
        self.runtime.block_on(async {
            tokio::select! {
                cleaned = candidate.system.clean(keys) => cleaned.map_err(|error| error.to_string()),
                () = self.given_up() => Err("stopped before the server answered".to_owned()),
            }
        })
    }

    /// The keys of a trial.
    pub fn keys(&self, backend: &str, trial: u32) -> Arc<[Key]> {
        let slug = backend.replace(':', "-");
        let count = self.plan.keys.count(self.plan.clients);
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
        let keys = plan.keys.count(plan.clients);
        let (schedule, grid) = (armed.schedule(), armed.grid());
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
        let subject = Subject::new(entry.name, &plan.name);
        let tally = Tally::new(self.session.board.as_ref(), subject, entry.guarantees.token.is_some());
        let figures = tally.figures(Figures::new(schedule.clone(), plan.clients, keys));
        let oracle = Oracle::new(plan.clients, keys, schedule.start);
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
        let untaken = |grid: &Option<Arc<Grid>>| grid.as_ref().map(|grid| grid.fetch()).unwrap_or_default();
        let mut tick = |tick: Tick| {
            let going = self.tick(tick, candidate.entry, trial, &mut meter);
            let untaken = untaken(&grid);
            let beside = self.beside.map_or(ControlFlow::Continue(()), |beside| beside.ticks(alarm.get(), untaken));
            if going.is_break() { going } else { beside }
        };
        if let Some(beside) = self.beside {
            beside.begins(&schedule);
        }
        let mut onlooker = Onlooker(self.beside);
        let display = &self.session.display;
        let judged = JudgedHistory::new(oracle, history);
        let of = (candidate.entry.name, trial);
        let live = LiveTrial::new(of, schedule.clone(), figures, judged, display.publisher().is_some());
        let mut published = Published::new(live, display, &self.session.steering, self.clock, tally);
        let mut observers: [&mut dyn Observer; 2] = [&mut published, &mut onlooker];
        let engine = armed.run(&schedule, &mut observers, &mut tick)?;
        if let Some(beside) = self.beside {
            beside.ends(untaken(&grid));
        }
        published.publish();
        let (live, tally) = published.into_parts();
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
        });
        tally.settle(&result, &figures);
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
        Ok(Done { result, measured: Some(measured) })
    }

    fn tick(&self, tick: Tick, entry: &Entry, trial: u32, meter: &mut Meter) -> ControlFlow<()> {
        if tick.entered {
            narrate::phase(entry.name, trial, tick.phase);
        }
        if meter.asks(tick) {
            meter.read(tick, (own_cpu_s(), self.servers.usage(entry)));
        }
        if self.servers.died(entry).is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

/// Can two clients want the same key?
pub fn contended(plan: &Plan) -> bool {
    plan.clients > 1 && plan.keys != Keys::PerClient
}

#[cfg(test)]
mod tests {
    use super::Meter;
    use lockbench_core::record::Phase;
    use lockbench_engine::Tick;
    use lockbench_report::Resources;

    fn metered(ticks: &[(Phase, bool, bool, f64)]) -> (Option<f64>, Option<f64>) {
        let mut meter = Meter::default();
        for (phase, entered, paused, cpu) in ticks.iter().copied() {
            let tick = Tick { phase, entered, elapsed_ns: 0, left_ns: 0, paused };
            if meter.asks(tick) {
                let usage = Resources { server_cpu_s: Some(10.0 * cpu), ..Resources::default() };
                meter.read(tick, (cpu, usage));
            }
        }
        (meter.resources().client_cpu_s, meter.resources().server_cpu_s)
    }

    #[test]
    fn processor_time_is_that_of_the_measure_phase_without_its_pauses() {
        use Phase::{Drain, Measure, Warmup};
        let plain = [(Warmup, true, false, 1.0), (Measure, true, false, 2.0), (Drain, true, false, 6.0)];
        assert_eq!(metered(&plain), (Some(4.0), Some(40.0)));
        let paused = [
            (Warmup, true, false, 1.0),
            (Warmup, false, true, 1.25),
            (Warmup, false, false, 1.5),
            (Measure, true, false, 2.0),
            (Measure, false, true, 3.0),
            (Measure, false, true, 3.25),
            (Measure, false, false, 3.5),
            (Measure, false, true, 4.0),
            (Drain, true, false, 6.0),
        ];
        assert_eq!(metered(&paused), (Some(1.5), Some(15.0)));
        assert_eq!(metered(&plain[..2]), (None, None));
    }
}
