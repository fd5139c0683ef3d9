//! A whole run: servers, systems, trials in shuffled order, the report, its files.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use rand::SeedableRng;
use rand::seq::SliceRandom;
use tokio::runtime::{Builder, Runtime};

use super::bench::{Bench, Candidate, Done};
use super::fault::{self, Unfit, Wires};
use super::narrate;
use super::need::files_needed;
use super::options::{Options, RunError, Store, namespace, workers};
use super::outcome::{Outcome, Ran, report};
use super::overhead::{Overhead, calibrate};
use super::server_poll::ServerPoll;
use super::servers::{Clusters, NoServers, Servers};
use super::store::store;
use super::wall::WallClock;
use super::watcher::{Topic, Watcher};
use lockbench_core::clock::Clock;
use lockbench_core::limits;
use lockbench_core::lock::{Endpoint, SystemError};
use lockbench_core::record::LogLevel;
use lockbench_core::record::history::HistoryFile;
use lockbench_core::workload::plan::{HistoryLimit, Spread};
use lockbench_core::workload::{EffectiveTtl, client_seed, resolve_ttl, to_toml, warnings};
use lockbench_report::live::{Origin, RunFacts, SystemFacts, TrialEnd, TrialStart, Update};
use lockbench_report::{Environment, HISTORY, Interruption, PLAN, SkippedBackend};
use lockbench_systems::{Entry, MEMORY, Target};

/// What the proxies of wire faults mean for the figures.
const THROUGH_WIRES: &str = "clients reach the servers through a proxy of lockbench on loopback, for the faults of the \
                             wire: waits do not compare with those of a run without one";

/// Runs a plan on systems of the registry or of the caller, one trial after the other, and judges
/// what was measured. The servers that it started are stopped when it returns.
///
/// [`Update::Over`] is left to the caller, who may have more to say in the verdict.
///
/// # Errors
/// The run could not be begun. A system that cannot run is no error: it is skipped, and the
/// report says why. Nor are files that cannot be written: the verdict says so.
pub fn run(options: Options<'_>, systems: &[&'static Entry], watcher: &dyn Watcher) -> Result<Outcome, RunError> {
    let wall = WallClock::read();
    let ttls = ttls(&options, systems)?;
    if let Some(store) = &options.store {
        // A run that breaks off must say what it was.
        store.directory.write(PLAN, to_toml(&options.plan).as_bytes())?;
    }
    watcher.update(Update::Run(Box::new(facts(&options, systems, None))));
    let notes = notes(&options, systems);
    for warning in notes.iter().chain(&options.advice) {
        watcher.log(Topic::Run, LogLevel::Warn, warning);
        watcher.say(&format!("warning: {warning}"));
    }
    watcher.step("starting servers");
    let servers =
        Servers::prepare(systems, &options.servers, &Clusters::of(&options.plan, options.disk.as_ref()), watcher);
    for origin in servers.origins() {
        watcher.say(&origin);
    }
    watcher.endpoints(&servers.all_endpoints());
    if let Some(kept) = servers.directory().filter(|_| options.servers.keep_directory) {
        watcher.say(&format!("data and logs of the servers are left in {}", kept.display()));
    }
    let mut run = Run::new(&options, systems, servers, watcher);
    let measured = run.measure(&ttls);
    let Run { servers, skipped, dones, overhead, unwritten, .. } = run;
    let interruption = watcher.interruption().or_else(|| options.stop.draining().then_some(Interruption::Interrupt));
    if let Err(error) = measured {
        if let Some(Store { directory, .. }) = options.store {
            directory.discard();
        }
        return Err(error);
    }
    let (placement, remarks) = (servers.placement(), servers.remarks());
    // Servers first: whatever happens to the files, no process is left.
    servers.stop(watcher);
    watcher.servers_stopped();
    let ran = Ran { clock_step_ns: wall.step_ns(), skipped, dones, overhead, interruption, unwritten };
    let mut report = report(&options, systems, &ran, notes, (placement, remarks));
    narrate::judged(watcher, &report.verdict);
    watcher.judged(&report);
    let Ran { dones, unwritten, .. } = ran;
    let measured: Vec<_> = dones.into_iter().filter_map(|done| done.measured).collect();
    let (plan, unwritten) = (&options.plan, unwritten.as_deref());
    let stored = options.store.map(|into| store(plan, &mut report, &measured, unwritten, into, watcher));
    Ok(Outcome { report, measured, interruption, stored: stored.transpose()? })
}

/// The lease length of each system.
fn ttls(options: &Options<'_>, systems: &[&'static Entry]) -> Result<Vec<EffectiveTtl>, RunError> {
    let one = |entry: &&Entry| resolve_ttl(&options.plan, entry.name, &entry.guarantees).map_err(RunError::Ttl);
    systems.iter().map(one).collect()
}

/// What is odd about the plan for these systems, and what the caller says.
fn notes(options: &Options<'_>, systems: &[&'static Entry]) -> Vec<String> {
    let promises: Vec<_> = systems.iter().map(|entry| (entry.name, &entry.guarantees)).collect();
    let mut notes = warnings(&options.plan, &promises);
    notes.extend(systems.iter().filter_map(|entry| entry.warning(&options.plan)));
    // Recipes of one system share their table.
    notes.dedup();
    if options.plan.faults.iter().any(|fault| fault.kind.is_of_the_wire()) {
        notes.push(THROUGH_WIRES.to_owned());
    }
    notes.extend(options.notes.iter().cloned());
    notes
}

/// The run as a watcher sees it.
fn facts(options: &Options<'_>, systems: &[&'static Entry], ceiling_cycles_per_s: Option<f64>) -> RunFacts {
    let names = systems.iter().map(|entry| entry.name.to_owned()).collect();
    RunFacts { ceiling_cycles_per_s, ..RunFacts::of(Origin::Live, &options.id, &options.plan, names) }
}

struct Run<'a> {
    options: &'a Options<'a>,
    systems: &'a [&'static Entry],
    watcher: &'a dyn Watcher,
    namespace: String,
    /// For embedded systems.
    scratch: PathBuf,
    servers: Servers,
    skipped: Vec<SkippedBackend>,
    dones: Vec<Done>,
    overhead: Option<Overhead>,
    /// Why the history is not on disk, where it should be.
    unwritten: Option<String>,
}

impl<'a> Run<'a> {
    fn new(
        options: &'a Options<'a>,
        systems: &'a [&'static Entry],
        servers: Servers,
        watcher: &'a dyn Watcher,
    ) -> Self {
        let namespace = namespace(&options.id, options.started);
        let scratch = match &options.store {
            Some(store) => store.directory.path("scratch"),
            None => std::env::temp_dir().join(format!("lockbench-{namespace}")),
        };
        let (skipped, dones) = (Vec::new(), Vec::new());
        Self { options, systems, watcher, namespace, scratch, servers, skipped, dones, overhead: None, unwritten: None }
    }

    fn measure(&mut self, ttls: &[EffectiveTtl]) -> Result<(), RunError> {
        let (options, watcher) = (self.options, self.watcher);
        let plan = &options.plan;
        let clock = Clock::monotonic();
        let workers = workers(plan);
        let runtime = Builder::new_current_thread().enable_all().build().map_err(RunError::Runtime)?;
        fs::create_dir_all(&self.scratch).map_err(|cause| RunError::Scratch { path: self.scratch.clone(), cause })?;
        let candidates = self.candidates(ttls, clock, &runtime);
        let order = order(candidates.len(), plan.trials, plan.seed);
        let target = self.target(Vec::new(), true, clock);
        self.overhead = calibrate(plan, &MEMORY, &target, workers, &options.stop, &runtime);
        narrate::calibrated(watcher, self.overhead.as_ref());
        let ceiling = self.overhead.as_ref().map(|overhead| overhead.cycles_per_s);
        let environment = Environment::read(String::new(), "CLOCK_MONOTONIC", self.servers.placement());
        let lints = Some(Arc::new(options.gates.ground(plan, self.systems, environment, self.overhead.as_ref())));
        let names = order.iter().map(|(at, trial)| (candidates[*at].entry.name.to_owned(), *trial)).collect();
        let facts = facts(options, self.systems, ceiling);
        watcher.update(Update::Run(Box::new(RunFacts { lints, order: names, ..facts })));
        let history_path = options.store.as_ref().map(|store| store.directory.path(HISTORY));
        let mut history = match (plan.history, &history_path) {
            (HistoryLimit::Full | HistoryLimit::Window(_), Some(path)) => {
                let file = HistoryFile::create(path);
                Some(file.map_err(|cause| RunError::History { path: path.clone(), cause })?)
            }
            (HistoryLimit::Off, _) | (_, None) => None,
        };
        let poll = watcher.server_poll();
        let poll = poll.and_then(|(publisher, wanted)| ServerPoll::start(publisher, clock, wanted).ok());
        let bench = Bench {
            plan: Arc::new(plan.clone()),
            clock,
            workers,
            stop: options.stop.clone(),
            steering: options.steering.clone(),
            servers: &self.servers,
            watcher,
            poll: poll.as_ref(),
            runtime: &runtime,
            namespace: &self.namespace,
            every_ns: None,
            beside: None,
            worker: options.worker.as_ref(),
        };
        let mut told = false;
        for (done, (candidate, trial)) in order.iter().enumerate() {
            if options.stop.draining() {
                break;
            }
            let candidate = &candidates[*candidate];
            if self.dones.iter().any(|done| done.result.backend == candidate.entry.name && done.result.error.is_some())
            {
                continue;
            }
            watcher.update(Update::Trial(TrialStart {
                backend: candidate.entry.name.to_owned(),
                trial: *trial,
                place: done as u32 + 1,
                places: order.len() as u32,
            }));
            let text = format!("{}: trial {trial} begins ({} of {})", candidate.entry.name, done + 1, order.len());
            watcher.log(Topic::Trial, LogLevel::Info, &text);
            let Some(done) = bench.trial(candidate, *trial, history.as_mut()) else { break };
            narrate::trial(watcher, &done.result);
            let failure = history.as_ref().and_then(HistoryFile::failure).zip(history_path.as_ref());
            if let Some((error, path)) = failure.filter(|_| !told) {
                told = true;
                let path = path.display();
                watcher.log(Topic::Files, LogLevel::Warn, &format!("{path}: {error}"));
                watcher.say(&format!("warning: cannot write {path}: {error}; is there space left?"));
            }
            watcher.update(Update::Ended(Box::new(TrialEnd {
                result: done.result.clone(),
                measured: done.measured.clone(),
            })));
            self.dones.push(done);
        }
        // What an embedded system left is no result.
        let _ = fs::remove_dir_all(&self.scratch);
        if let (Some(Err(error)), Some(path)) = (history.map(HistoryFile::finish), &history_path) {
            self.unwritten = Some(format!("cannot write {}: {error}; is there space left?", path.display()));
        }
        Ok(())
    }

    /// A system as a watcher sees it.
    fn system(&self, candidate: &Candidate) -> SystemFacts {
        let entry = candidate.entry;
        SystemFacts {
            addresses: candidate.system.addresses(),
            started_here: entry.server.is_none() || self.servers.started_here(entry),
            ..SystemFacts::of(entry.name, &entry.guarantees, candidate.facts.clone(), candidate.ttl.ttl_ns)
        }
    }

    fn target(&self, endpoints: Vec<Endpoint>, ours: bool, clock: Clock) -> Target {
        Target {
            endpoints,
            namespace: self.namespace.clone(),
            ours,
            scratch: self.scratch.clone(),
            clock,
            options: self.options.plan.options.clone(),
        }
    }

    /// Checks that the faults of the plan can be injected into the servers of a system.
    fn can_be_disturbed(&self, entry: &Entry) -> Result<(), Unfit> {
        let plan = &self.options.plan;
        if plan.spread != Spread::Threads && self.options.worker.is_none() {
            return Err(Unfit::NoProgram);
        }
        if plan.faults.iter().any(|fault| fault.kind.needs_a_disk()) && self.options.disk.is_none() {
            return Err(Unfit::NoDiskProgram);
        }
        let servers = self.servers.ours(entry);
        if let Some(refusal) = fault::refusal(plan, entry, servers.is_none()) {
            return Err(refusal);
        }
        servers.map_or(Ok(()), |servers| fault::fits(&plan.faults, &servers))
    }

    /// The proxies before the servers of a system, if the plan has faults of the wire.
    fn wires(&self, endpoints: &[Endpoint], clock: Clock) -> Result<Option<Arc<Wires>>, Unreached> {
        let plan = &self.options.plan;
        let wanted = plan.faults.iter().any(|fault| fault.kind.is_of_the_wire());
        wanted.then(|| Wires::start(endpoints, clock, plan.seed).map(Arc::new).map_err(Unreached::Wire)).transpose()
    }

    /// A system on its servers, if they answer.
    fn reach(
        &self,
        entry: &'static Entry,
        ttl: EffectiveTtl,
        clock: Clock,
        runtime: &Runtime,
    ) -> Result<Candidate, Unreached> {
        let (endpoints, ours) = self.servers.endpoints(entry)?;
        self.can_be_disturbed(entry)?;
        let wires = self.wires(&endpoints, clock)?;
        let endpoints = wires.as_ref().map_or(endpoints, |wires| wires.endpoints());
        let target = self.target(endpoints, ours, clock);
        let system = (entry.connect)(target.clone())?;
        let mut facts = runtime.block_on(system.facts())?;
        facts.durability = self.servers.durability(entry, facts.durability);
        Ok(Candidate { entry, system, target, facts, ttl, wires })
    }

    /// The systems that answer; the others are skipped with their reason.
    fn candidates(&mut self, ttls: &[EffectiveTtl], clock: Clock, runtime: &Runtime) -> Vec<Candidate> {
        let (options, watcher) = (self.options, self.watcher);
        let mut candidates = Vec::new();
        for (entry, ttl) in self.systems.iter().copied().zip(ttls) {
            if options.stop.draining() {
                break;
            }
            let mut reached = self.reach(entry, *ttl, clock, runtime);
            let settled = candidates.iter().any(|other: &Candidate| other.entry.server == entry.server);
            let refused = reached.as_ref().err().map(ToString::to_string).filter(|_| !settled);
            if let Some(reason) = refused
                && self.servers.fall_back(entry, &reason, &options.servers, watcher)
            {
                watcher.endpoints(&self.servers.all_endpoints());
                reached = self.reach(entry, *ttl, clock, runtime);
            }
            match reached {
                Ok(candidate) => {
                    let facts = &candidate.facts;
                    let text = format!("{} answers: version {}, {}", entry.name, facts.version, facts.durability);
                    watcher.log(Topic::Servers, LogLevel::Info, &text);
                    watcher.update(Update::System(Box::new(self.system(&candidate))));
                    candidates.push(candidate);
                }
                Err(reason) => self.skip(entry, &reason.to_string()),
            }
        }
        candidates
    }

    /// A system that cannot run.
    fn skip(&mut self, entry: &'static Entry, reason: &str) {
        let (options, watcher) = (self.options, self.watcher);
        let reason = limits::explained(reason, Some(files_needed(entry, &options.plan, 1)));
        watcher.log(Topic::Servers, LogLevel::Warn, &format!("{} is skipped: {reason}", entry.name));
        let given = entry.server.is_some_and(|kind| options.servers.endpoints.contains_key(&kind));
        let asked_for = options.by_name || given;
        let skipped = SkippedBackend { backend: entry.name.to_owned(), reason, asked_for };
        watcher.update(Update::Skipped(skipped.clone()));
        self.skipped.push(skipped);
    }
}

/// Candidate and trial, trials interleaved: each round runs every system once, in
/// an order shuffled by the seed, so that a drift of the machine hits all alike.
fn order(candidates: usize, trials: u32, seed: u64) -> Vec<(usize, u32)> {
    let mut order = Vec::new();
    for trial in 1..=trials {
        let mut round: Vec<usize> = (0..candidates).collect();
        round.shuffle(&mut rand_pcg::Pcg64Mcg::seed_from_u64(client_seed(seed, trial, u32::MAX)));
        order.extend(round.into_iter().map(|candidate| (candidate, trial)));
    }
    order
}

/// Why a system cannot run.
#[derive(Debug, thiserror::Error)]
enum Unreached {
    /// It has no servers.
    #[error(transparent)]
    NoServers(#[from] NoServers),
    /// The faults of the plan cannot be injected into its servers.
    #[error(transparent)]
    Unfit(#[from] Unfit),
    /// There is no proxy before its servers.
    #[error("cannot start a proxy before its servers: {0}")]
    Wire(std::io::Error),
    /// Its servers refuse it, or do not answer.
    #[error(transparent)]
    System(#[from] SystemError),
}

#[cfg(test)]
mod tests;
