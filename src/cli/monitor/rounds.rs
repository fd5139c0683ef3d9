//! The thread that monitors one system: round after round, and while the system does not
//! answer, one look after the other with growing waits between them.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Runtime;

use super::backoff::Backoff;
use super::explaining;
use super::monitor_context::{MonitorContext, lock};
use super::orders::Orders;
use super::round_observer::RoundObserver;
use super::turned::Turned;
use crate::cli::runtime;
use lockbench_core::lock::Key;
use lockbench_core::record::history::HistoryFile;
use lockbench_core::units::MILLISECOND;
use lockbench_core::workload::client_seed;
use lockbench_engine::{Bench, Candidate, Done, Steering};
use lockbench_output::slug;
use lockbench_report::monitor::{KEPT, State, kept_name};
use lockbench_report::{Exit, TrialResult, judge};
use lockbench_systems::{Entry, Target};

/// Longest wait for the facts of a system.
const LOOK: Duration = Duration::from_secs(10);
/// Interval at which a wait checks the stop.
const STEP_NS: u64 = 200 * MILLISECOND;
/// A step that takes so much longer shows that this process did not run.
const LATE_NS: u64 = 100 * MILLISECOND;
/// Rounds whose keys could not be removed yet.
const MOST_LEFT: usize = 16;
/// Histories of rounds with a violation that are kept.
const MOST_HISTORIES: u32 = 10;

/// The rounds of one system.
pub struct Rounds<'a> {
    context: &'a MonitorContext<'a>,
    place: usize,
    entry: &'static Entry,
    runtime: Runtime,
    candidate: Option<Candidate>,
    /// Number of the last round.
    round: u32,
    left: Vec<Arc<[Key]>>,
    histories: u32,
}

impl<'a> Rounds<'a> {
    /// Prepares the rounds of the system at a place of the selection.
    ///
    /// # Errors
    /// If no runtime can be had.
    pub fn new(context: &'a MonitorContext<'a>, place: usize) -> std::io::Result<Self> {
        let entry = context.orders().selection.entries[place];
        Ok(Self {
            context,
            place,
            entry,
            runtime: runtime()?,
            candidate: None,
            round: 0,
            left: Vec::new(),
            histories: 0,
        })
    }

    /// Runs rounds until the stop.
    pub fn run(mut self) {
        let context = self.context;
        if let Err(problem) = context.servers.endpoints(self.entry) {
            return context.watched(self.place).is_missing(context.clock.now(), problem.to_string());
        }
        let mut backoff = Backoff::new(client_seed(context.clock.now(), std::process::id(), self.place as u32));
        while !context.stop.draining() {
            let orders = context.orders();
            match self.reach(&orders).and_then(|()| self.turn(&orders)) {
                Ok(()) => backoff.reset(),
                Err((since, problem)) => {
                    self.candidate = None;
                    let mut watched = context.watched(self.place);
                    // A look that the end of the monitor run cut short knows less than the one before.
                    if !context.stop.draining() || watched.state != State::Down {
                        watched.falls_silent(context.clock.now(), since, problem);
                    }
                    drop(watched);
                    self.wait(backoff.next_ns());
                }
            }
        }
    }

    /// Connects to the system, and reads its facts.
    fn reach(&mut self, orders: &Orders) -> Result<(), (u64, String)> {
        if self.candidate.is_some() {
            return Ok(());
        }
        let since = self.context.clock.now();
        let failed = |problem: String| (since, problem);
        let target = target(self.context, orders, self.entry).map_err(failed)?;
        let system = (self.entry.connect)(target.clone()).map_err(|error| failed(error.to_string()))?;
        let facts = self.runtime.block_on(async {
            tokio::select! {
                facts = system.facts() => facts.map_err(|error| error.to_string()),
                () = tokio::time::sleep(LOOK) => Err(format!("no answer within {} s", LOOK.as_secs())),
                () = self.context.stop.drained() => Err("stopped before it answered".to_owned()),
            }
        });
        let facts = facts.map_err(failed)?;
        self.context.watched(self.place).version.clone_from(&facts.version);
        let ttl = orders.ttls[self.place];
        self.candidate = Some(Candidate { entry: self.entry, system, target, facts, ttl, wires: None });
        Ok(())
    }

    /// Runs one round, and notes its result.
    fn turn(&mut self, orders: &Orders) -> Result<(), (u64, String)> {
        let context = self.context;
        let Some(mut candidate) = self.candidate.take() else { return Ok(()) };
        candidate.ttl = orders.ttls[self.place];
        self.round += 1;
        let (began, plan) = (context.clock.now(), &orders.plan);
        let size = (plan.clients, plan.keys.count(plan.clients));
        let observer = RoundObserver::new(
            &context.watched[self.place],
            context.clock,
            context.every_ns,
            plan.expect.is_empty(),
            size,
        );
        let path = context.directory.join(format!("round-{}.jsonl.gz", slug(self.entry.name)));
        let mut history = HistoryFile::create(&path).ok();
        let bench = Bench {
            worker: None,
            plan: Arc::clone(plan),
            clock: context.clock,
            workers: 1,
            stop: context.stop.clone(),
            steering: Steering::default(),
            servers: context.servers,
            watcher: context.frontend,
            poll: None,
            runtime: &self.runtime,
            namespace: &context.namespace,
            every_ns: Some(context.every_ns),
            beside: Some(&observer),
        };
        self.left.retain(|keys| bench.clean(&candidate, keys).is_err());
        let done = bench.trial(&candidate, self.round, history.as_mut());
        // A history that could not be written is missed only where a lock was granted twice.
        let written = history.is_some_and(|history| history.finish().is_ok());
        let Some(Done { result, .. }) = done else {
            let _ = fs::remove_file(&path);
            return Ok(());
        };
        let mut keys = result.error.is_some().then(|| bench.keys(self.entry.name, self.round));
        self.left.extend(keys.take());
        let excess = self.left.len().saturating_sub(MOST_LEFT);
        self.left.drain(..excess);
        self.note(orders, &result, &observer);
        let (doubles, back) = (result.safety.double_grants_certain, result.safety.token_regressions.unwrap_or(0));
        self.keep(&path, written && doubles + back > 0, doubles > 0);
        self.candidate = Some(candidate);
        let problem = match (&result.error, observer.silent_since()) {
            _ if context.stop.draining() => return Ok(()),
            (_, Some(since)) => (since, silence(&result)),
            // What was answered in it was no outage.
            (Some(error), None) => (observer.answered_until().unwrap_or(began), error.clone()),
            (None, None) => return Ok(()),
        };
        Err(problem)
    }

    /// Adds the result of a round to what is known of the system.
    fn note(&self, orders: &Orders, result: &TrialResult, observer: &RoundObserver<'_>) {
        let now = self.context.clock.now();
        let mut watched = lock(&self.context.watched[self.place]);
        let safety = &result.safety;
        // Where it never began, nothing is known of what was due since the last one.
        let end = observer.told_until().map_or(0, |end| end.min(now));
        watched.round_ended(end, now);
        watched.rounds += 1;
        // A round that broke off has no findings: what was seen in it until then counts.
        let fresh = std::mem::take(&mut watched.fresh);
        let doubles = fresh.double_grants.saturating_sub(safety.double_grants_certain);
        let regressions = fresh.token_regressions.saturating_sub(safety.token_regressions.unwrap_or(0));
        if result.error.is_some() && doubles + regressions > 0 {
            watched.certain.double_grants += doubles;
            watched.certain.token_regressions += regressions;
            if watched.violated.is_empty() {
                let seen = format!("{doubles} double grants and {regressions} token regressions");
                watched.violated.push(format!("round {}: {seen}, seen before it broke off", self.round));
            }
        }
        watched.exercised += safety.exercised_holds;
        watched.certain.add(result);
        for violation in &safety.violations {
            watched.keep_story(format!("round {}: {}", self.round, violation.told()));
        }
        let verdict = judge(std::slice::from_ref(result), &[], &orders.plan.expect, None, &|_| false, &[]);
        if verdict.exit_code == Exit::Violation.code() && watched.violated.is_empty() {
            let why = verdict.reasons.into_iter().next().unwrap_or_default();
            // System and round are named here already.
            let who = format!("{} trial {}: ", self.entry.name, self.round);
            watched.violated.push(format!("round {}: {}", self.round, why.strip_prefix(&who).unwrap_or(&why)));
        }
        if safety.internal_error {
            watched.turn(Turned::Note(format!("lockbench itself is at fault: {}", safety.because)));
        }
    }

    /// Keeps the history of a round in which a lock was granted twice, or its token went back, of
    /// the first ones.
    fn keep(&mut self, path: &Path, wanted: bool, doubles: bool) {
        if !wanted || self.histories == MOST_HISTORIES {
            let _ = fs::remove_file(path);
            return;
        }
        self.histories += 1;
        let place = self.context.directory.join(KEPT);
        let name = kept_name(self.entry.name, self.round);
        let kept = place.join(&name);
        let moved = fs::create_dir_all(&place).and_then(|()| fs::rename(path, &kept));
        let note = match moved {
            Ok(()) => {
                // By the name that it has for good; the command finds it meanwhile as well.
                let command = explaining(&self.context.stored_as.join(KEPT).join(&name), doubles);
                format!("the history of round {} is kept: {command}", self.round)
            }
            Err(error) => format!("the history of round {} is not kept: {}: {error}", self.round, kept.display()),
        };
        self.context.watched(self.place).turn(Turned::Note(note));
    }

    /// Waits, and counts what is due meanwhile.
    fn wait(&self, ns: u64) {
        let context = self.context;
        let mut last = context.clock.now();
        let end = last.saturating_add(ns);
        while !context.stop.draining() {
            let now = context.clock.now();
            let woken = std::mem::replace(&mut last, now).saturating_add(STEP_NS);
            if now.saturating_sub(woken) > LATE_NS {
                context.watched(self.place).slept(woken, now, context.every_ns);
            }
            context.watched(self.place).account(now, context.every_ns);
            if now >= end {
                return;
            }
            std::thread::sleep(Duration::from_nanos(STEP_NS.min(end - now)));
        }
    }
}

/// Returns where a system is, and the prefix of the names that lockbench makes there.
pub fn target(context: &MonitorContext<'_>, orders: &Orders, entry: &Entry) -> Result<Target, String> {
    let (endpoints, ours) = context.servers.endpoints(entry).map_err(|error| error.to_string())?;
    // For embedded systems.
    let scratch = context.directory.join("scratch");
    fs::create_dir_all(&scratch).map_err(|error| format!("{}: {error}", scratch.display()))?;
    Ok(Target {
        endpoints,
        namespace: context.namespace.clone(),
        ours,
        scratch,
        clock: context.clock,
        options: orders.plan.options.clone(),
    })
}

/// Describes what a round shows of a system that fell silent.
fn silence(result: &TrialResult) -> String {
    let lost = result.unavailable + result.unknown;
    let reason = result.failures.iter().max_by_key(|(_, count)| **count);
    let reason = reason.map_or_else(String::new, |(reason, count)| format!("; {count} x {reason}"));
    format!("{lost} attempts were not served or are without an answer{reason}")
}
