//! A whole run: servers, systems, trials in shuffled order. What becomes of it is
//! in `conclude`.

use std::sync::Arc;
use std::time::SystemTime;

use rand::SeedableRng;
use rand::seq::SliceRandom;
use tracing::{info, warn};

use super::Failure;
use super::baseline::Baselines;
use super::conclude::{Concluded, Ran, conclude};
use super::job::{Job, workers};
use super::narrate;
use super::scoreboard;
use lockbench_core::clock::Clock;
use lockbench_core::limits;
use lockbench_core::record::history::HistoryFile;
use lockbench_core::stop::Stop;
use lockbench_core::workload::plan::HistoryLimit;
use lockbench_core::workload::{EffectiveTtl, client_seed, to_toml};
use lockbench_engine::narrate as said;
use lockbench_engine::{
    Bench, Candidate, Done, Overhead, ServerOptions, ServerPoll, Servers, WallClock, Watcher, calibrate, files_needed,
};
use lockbench_report::live::{Origin, RunFacts, SystemFacts, TrialEnd, TrialStart, Update};
use lockbench_report::{Environment, HISTORY, RunDirectory, SkippedBackend, StoreError};
use lockbench_systems::{RedlockParameters, Target};

/// Does it.
pub fn execute(job: Job<'_>) -> Result<Concluded, Failure> {
    let started = SystemTime::now();
    let wall = WallClock::read();
    let session = job.session;
    let (stop, signals) = (session.interrupt.stop.clone(), &session.interrupt.signals);
    let ttls = job.ttls()?;
    let id = job.id(started);
    let baselines = Baselines::check(&job, &id)?;
    let directory = RunDirectory::create(&job.args.output, &id).map_err(|error| store_failure(&error))?;
    // A run that breaks off must say what it was.
    directory.write("plan.toml", to_toml(&job.plan).as_bytes()).map_err(|error| store_failure(&error))?;
    session.log.write_to(&directory.path("")).map_err(Failure::internal)?;
    session.save_in(Some(directory.path("")));
    narrate::begins(&job, &id);
    scoreboard::begins(&job, &id);
    session.display.update(Update::Run(Box::new(facts(&job, &id, None))));
    for warning in job.warnings().iter().chain(&baselines.warnings) {
        warn!(target: narrate::RUN, "{warning}");
        session.display.say(&format!("warning: {warning}"));
    }
    session.display.step("starting servers");
    let source = job.args.servers(job.endpoints.clone(), &stop);
    let servers = Servers::prepare(&job.selection.entries, &source, session);
    for origin in servers.origins() {
        session.display.say(&origin);
    }
    session.log.keep_secret(servers.all_endpoints().iter());
    if let Some(kept) = servers.directory().filter(|_| job.args.keep_servers_dir) {
        session.display.say(&format!("data and logs of the servers are left in {}", kept.display()));
    }
    let mut run = Run {
        job: &job,
        namespace: namespace(&id, started),
        id,
        directory,
        source,
        servers,
        stop,
        skipped: Vec::new(),
        dones: Vec::new(),
        overhead: None,
        unwritten: None,
    };
    let measured = run.measure(&ttls);
    let Run { id, directory, servers, skipped, dones, overhead, unwritten, .. } = run;
    let clock_step_ns = wall.step_ns();
    let interruption = signals.received();
    let ran = Ran { id, started, clock_step_ns, skipped, dones, overhead, interruption, unwritten, baselines };
    match measured {
        Ok(()) => conclude(&job, ran, servers, directory),
        Err(failure) => {
            session.log.close();
            session.save_in(None);
            directory.discard();
            Err(failure)
        }
    }
}

/// The run as whoever watches it is told.
fn facts(job: &Job<'_>, id: &str, ceiling_cycles_per_s: Option<f64>) -> RunFacts {
    let names = job.selection.entries.iter().map(|entry| entry.name.to_owned()).collect();
    RunFacts { ceiling_cycles_per_s, ..RunFacts::of(Origin::Live, id, &job.plan, names) }
}

/// What cannot be named is a usage error, what cannot be written is not.
pub fn store_failure(error: &StoreError) -> Failure {
    match error {
        StoreError::Exists { .. } | StoreError::BadId(_) => Failure::usage(error),
        StoreError::Io { .. } => Failure::internal(error),
    }
}

/// What the run's keys, schema or path are named by on a server: the start of the
/// run id, which may be too long for a schema, and a number of this process: two
/// machines may give one server the same `--run-id`, and must not meet there.
pub fn namespace(id: &str, started: SystemTime) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    let nanos = started.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_nanos() as u64);
    let tail = client_seed(nanos, std::process::id(), 1) & 0xffff_ffff;
    format!("{}-{tail:08x}", id.chars().take(32).map(plain).collect::<String>())
}

struct Run<'a> {
    job: &'a Job<'a>,
    id: String,
    namespace: String,
    directory: RunDirectory,
    source: ServerOptions,
    servers: Servers,
    stop: Stop,
    skipped: Vec<SkippedBackend>,
    dones: Vec<Done>,
    overhead: Option<Overhead>,
    /// Why the history is not on disk, where it should be.
    unwritten: Option<String>,
}

impl Run<'_> {
    fn measure(&mut self, ttls: &[EffectiveTtl]) -> Result<(), Failure> {
        let plan = &self.job.plan;
        let clock = Clock::monotonic();
        let workers = workers(plan);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Failure::internal)?;
        let scratch = self.directory.path("scratch");
        std::fs::create_dir_all(&scratch)
            .map_err(|error| Failure::internal(format!("{}: {error}", scratch.display())))?;
        let candidates = self.candidates(ttls, clock, &runtime);
        let order = order(candidates.len(), plan.trials, plan.seed);
        if let Ok(memory) = lockbench_systems::Registry::builtin().find("memory") {
            let target = self.target(Vec::new(), true, clock);
            self.overhead = calibrate(plan, memory, &target, workers, &self.stop, &runtime);
            said::calibrated(self.job.session, self.overhead.as_ref());
            let ceiling = self.overhead.as_ref().map(|overhead| overhead.cycles_per_s);
            let environment = Environment::read(String::new(), "CLOCK_MONOTONIC", self.servers.placement());
            let lints = Some(Arc::new(self.job.gates.ground(plan, environment, self.overhead.as_ref())));
            let names = order.iter().map(|(at, trial)| (candidates[*at].entry.name.to_owned(), *trial)).collect();
            let facts = facts(self.job, &self.id, ceiling);
            self.tell(Update::Run(Box::new(RunFacts { lints, order: names, ..facts })));
        }
        let history_path = self.directory.path(HISTORY);
        let mut history =
            match plan.history {
                HistoryLimit::Off => None,
                HistoryLimit::Full | HistoryLimit::Window(_) => {
                    let file = HistoryFile::create(&history_path);
                    Some(file.map_err(|error| {
                        Failure::internal(format!("cannot write {}: {error}", history_path.display()))
                    })?)
                }
            };
        let poll = self.job.session.server_poll();
        let poll = poll.and_then(|(publisher, wanted)| ServerPoll::start(publisher, clock, wanted).ok());
        let bench = Bench {
            plan: Arc::new(plan.clone()),
            clock,
            workers,
            stop: self.stop.clone(),
            steering: self.job.session.steering.clone(),
            servers: &self.servers,
            watcher: self.job.session,
            poll: poll.as_ref(),
            runtime: &runtime,
            namespace: &self.namespace,
            every_ns: None,
            beside: None,
        };
        let mut told = false;
        for (done, (candidate, trial)) in order.iter().enumerate() {
            if self.stop.draining() {
                break;
            }
            let candidate = &candidates[*candidate];
            if self.dones.iter().any(|done| done.result.backend == candidate.entry.name && done.result.error.is_some())
            {
                continue;
            }
            self.tell(Update::Trial(TrialStart {
                backend: candidate.entry.name.to_owned(),
                trial: *trial,
                place: done as u32 + 1,
                places: order.len() as u32,
            }));
            info!(target: narrate::TRIAL, "{}: trial {trial} begins ({} of {})", candidate.entry.name, done + 1, order.len());
            let Some(done) = bench.trial(candidate, *trial, history.as_mut()) else { break };
            said::trial(self.job.session, &done.result);
            if let Some(error) = history.as_ref().and_then(HistoryFile::failure).filter(|_| !told) {
                told = true;
                let path = history_path.display();
                warn!(target: narrate::FILES, "{path}: {error}");
                self.job.session.display.say(&format!("warning: cannot write {path}: {error}; is there space left?"));
            }
            self.tell(Update::Ended(Box::new(TrialEnd {
                result: done.result.clone(),
                measured: done.measured.clone(),
            })));
            self.dones.push(done);
            scoreboard::trial_ended(self.job, &self.dones, &self.skipped);
        }
        // What an embedded system left is no result.
        let _ = std::fs::remove_dir_all(&scratch);
        if let Some(Err(error)) = history.map(HistoryFile::finish) {
            self.unwritten = Some(format!("cannot write {}: {error}; is there space left?", history_path.display()));
        }
        Ok(())
    }

    fn tell(&self, update: Update) {
        self.job.session.display.update(update);
    }

    /// A system as whoever watches is told.
    fn system(&self, candidate: &Candidate) -> SystemFacts {
        let entry = candidate.entry;
        SystemFacts {
            addresses: candidate.system.addresses(),
            started_here: entry.server.is_none() || self.servers.started_here(entry),
            ..SystemFacts::of(entry.name, &entry.guarantees, candidate.facts.clone(), candidate.ttl.ttl_ns)
        }
    }

    fn target(&self, endpoints: Vec<lockbench_core::lock::Endpoint>, ours: bool, clock: Clock) -> Target {
        let redlock = self.job.plan.redlock;
        Target {
            endpoints,
            namespace: self.namespace.clone(),
            ours,
            scratch: self.directory.path("scratch"),
            clock,
            redlock: RedlockParameters {
                drift_ratio: redlock.drift_ratio,
                drift_fixed_ns: redlock.drift_fixed_ns,
                node_timeout_ns: redlock.node_timeout_ns,
            },
        }
    }

    /// A system on its servers, if they answer.
    fn reach(
        &self,
        entry: &'static lockbench_systems::Entry,
        ttl: EffectiveTtl,
        clock: Clock,
        runtime: &tokio::runtime::Runtime,
    ) -> Result<Candidate, String> {
        let (endpoints, ours) = self.servers.endpoints(entry)?;
        let target = self.target(endpoints, ours, clock);
        let system = (entry.connect)(target.clone()).map_err(|error| error.to_string())?;
        let mut facts = runtime.block_on(system.facts()).map_err(|error| error.to_string())?;
        facts.durability = self.servers.durability(entry, facts.durability);
        Ok(Candidate { entry, system, target, facts, ttl })
    }

    /// The systems that answer; the others are skipped with their reason.
    fn candidates(&mut self, ttls: &[EffectiveTtl], clock: Clock, runtime: &tokio::runtime::Runtime) -> Vec<Candidate> {
        let mut candidates = Vec::new();
        for (entry, ttl) in self.job.selection.entries.iter().copied().zip(ttls) {
            if self.stop.draining() {
                break;
            }
            let mut reached = self.reach(entry, *ttl, clock, runtime);
            let settled = candidates.iter().any(|other: &Candidate| other.entry.server == entry.server);
            let refused = reached.as_ref().err().cloned().filter(|_| !settled);
            if let Some(reason) = refused {
                if self.servers.fall_back(entry, &reason, &self.source, self.job.session) {
                    self.job.session.endpoints(&self.servers.all_endpoints());
                    reached = self.reach(entry, *ttl, clock, runtime);
                }
            }
            match reached {
                Ok(candidate) => {
                    let facts = &candidate.facts;
                    info!(target: narrate::SERVERS, "{} answers: version {}, {}", entry.name, facts.version, facts.durability);
                    self.tell(Update::System(Box::new(self.system(&candidate))));
                    scoreboard::answers(self.job, entry);
                    candidates.push(candidate);
                }
                Err(reason) => {
                    let need = files_needed(entry, &self.job.plan, 1);
                    let reason = limits::explained(&reason, Some(need));
                    warn!(target: narrate::SERVERS, "{} is skipped: {reason}", entry.name);
                    scoreboard::is_down(self.job, entry.name);
                    let given = entry.server.is_some_and(|kind| self.job.endpoints.contains_key(&kind));
                    let asked_for = self.job.selection.by_name || given;
                    let skipped = SkippedBackend { backend: entry.name.to_owned(), reason, asked_for };
                    self.tell(Update::Skipped(skipped.clone()));
                    self.skipped.push(skipped);
                }
            }
        }
        candidates
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

#[cfg(test)]
mod tests {
    use super::order;

    #[test]
    fn every_round_has_every_system_once_in_an_order_of_the_seed() {
        let orders = order(5, 4, 7);
        assert_eq!(orders.len(), 20);
        for (i, round) in orders.chunks(5).enumerate() {
            let mut systems: Vec<usize> = round.iter().map(|(system, _)| *system).collect();
            systems.sort_unstable();
            assert_eq!(systems, [0, 1, 2, 3, 4]);
            assert!(round.iter().all(|(_, trial)| *trial == i as u32 + 1));
        }
        assert_eq!(orders, order(5, 4, 7));
        assert_ne!(orders, order(5, 4, 8));
    }
}
