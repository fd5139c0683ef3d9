//! A node that is a process of this machine: its process, and what it takes to
//! start it again.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock, TryLockError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::clock::Clock;
use super::disk::Disk;
use super::error::StartError;
use super::front::FrontProcess;
use super::home::Home;
use super::node::{Node, NodeError};
use super::port;
use super::process::{Process, describe};
use super::start_recipe::{Call, Site, StartRecipe};
use super::usage::{self, Usage};
use crate::ServerKind;
use lockbench_core::lock::Endpoint;
use lockbench_core::stop::Stop;
use lockbench_forgetful::{Order, Told};

const RESTART: &str = "restart";
const CLOCK: &str = "move the clock of";

/// Longest wait for a restarted server to answer, as for a first start.
const BACK_WITHIN: Duration = Duration::from_secs(30);

/// After so long without an answer a member of a cluster is asked whether it waits for others.
const ALONE_AFTER: Duration = Duration::from_secs(1);

/// One process group.
pub(super) struct LocalNode {
    pub(super) name: String,
    pub(super) kind: ServerKind,
    pub(super) recipe: &'static StartRecipe,
    pub(super) site: Site,
    pub(super) endpoint: Endpoint,
    pub(super) call: RwLock<Call>,
    pub(super) log: PathBuf,
    /// What lies under its directory, where the plan cuts its power or slows its disk.
    pub(super) disk: Option<Arc<Disk>>,
    pub(super) home: Arc<Home>,
    pub(super) process: RwLock<Process>,
    /// Its wall clock, where that can be moved.
    pub(super) clock: Option<Clock>,
    /// What stands between it and its clients, if the plan asks for something. No fault of the node is of it.
    pub(super) front: Option<FrontProcess>,
    /// CPU seconds of the processes before the present one.
    pub(super) spent_s: Mutex<f64>,
}

impl LocalNode {
    /// Its present process. A writer holds the lock only to put another one there.
    fn process<T>(&self, look: impl FnOnce(&Process) -> T) -> T {
        look(&self.process.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Asks until the server answers, and makes sure that it is ours that did.
    pub(super) fn await_answer(&self, within: Duration, limit: Instant, stop: &Stop) -> Result<(), StartError> {
        let kind = self.kind;
        loop {
            let answer = (self.recipe.answers)(&self.site);
            if let Some(status) = self.process(Process::died) {
                return Err(StartError::Died {
                    kind,
                    program: self.site.program.path.clone(),
                    status: describe(status),
                    port: self.site.port(),
                    log: self.log_tail(),
                });
            }
            match answer {
                Ok(()) if port::belongs_to(self.site.port(), &self.pids()) == Some(false) => {
                    return Err(StartError::PortTaken { kind, port: self.site.port(), log: self.log_tail() });
                }
                Ok(()) => {
                    self.process(Process::note_memory);
                    return Ok(());
                }
                Err(_) if stop.draining() => return Err(StartError::Interrupted { kind }),
                Err(answer) if Instant::now() >= limit => {
                    return Err(StartError::NotReady {
                        kind,
                        program: self.site.program.path.clone(),
                        port: self.site.port(),
                        limit_s: within.as_secs(),
                        answer,
                        log: self.log_tail(),
                    });
                }
                Err(_) => thread::sleep(Duration::from_millis(5)),
            }
        }
    }

    fn signal(&self, action: &'static str, signal: Signal) -> Result<(), NodeError> {
        self.process(|process| process.signal_group(signal)).map_err(|error| self.failed(action, error))
    }

    fn failed(&self, action: &'static str, problem: impl ToString) -> NodeError {
        NodeError { action, node: self.name.clone(), problem: problem.to_string() }
    }

    /// Gives its disk an order.
    fn order(&self, action: &'static str, order: Order) -> Result<Told, NodeError> {
        let disk = self.disk.as_ref().ok_or_else(|| self.failed(action, "its disk is that of the host"))?;
        disk.order(order).map_err(|error| self.failed(action, error))
    }

    /// What it wrote until it served counts as synced: on a real disk, time does that.
    pub(super) fn settle_disk(&self) -> Result<(), NodeError> {
        if self.disk.is_some() { self.order("settle the disk of", Order::Settle).map(drop) } else { Ok(()) }
    }

    /// Starts it on what its directory has, and waits until it answers.
    fn start_again(&self) -> Result<(), NodeError> {
        let again = {
            let call = self.call.read().unwrap_or_else(PoisonError::into_inner);
            self.serve(&call).map_err(|error| self.failed(RESTART, error))?
        };
        *self.process.write().unwrap_or_else(PoisonError::into_inner) = again;
        let limit = Instant::now() + BACK_WITHIN;
        loop {
            let next = limit.min(Instant::now() + ALONE_AFTER);
            match self.await_answer(BACK_WITHIN, next, &Stop::new()) {
                // It is up; that it serves is for the peer to await which makes them a majority.
                Err(StartError::NotReady { .. }) if self.site.waits_for_peers() => return Ok(()),
                Err(StartError::NotReady { .. }) if next < limit => {}
                answered => return answered.map_err(|error| self.failed(RESTART, error)),
            }
        }
    }

    /// Takes its data from it: its directory is as it was before the first start.
    fn empty(&self) -> Result<(), StartError> {
        let failed = |source| StartError::system(format!("empty {}", self.site.dir.display()), source);
        for entry in fs::read_dir(&self.site.dir).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) }.map_err(failed)?;
        }
        let joins = self.site.has_peers() && self.recipe.replace.is_some();
        let launch = (self.recipe.launch)(&Site { joins, ..self.site.clone() })?;
        *self.call.write().unwrap_or_else(PoisonError::into_inner) = launch.server;
        let Some(step) = launch.prepare else { return Ok(()) };
        let process = self.spawn(&step).map_err(failed)?;
        match process.wait(Instant::now() + BACK_WITHIN, || false) {
            Some(status) if status.success() => Ok(()),
            status => Err(StartError::Died {
                kind: self.kind,
                program: step.program,
                status: status.map_or_else(|| "still preparing".to_owned(), describe),
                port: self.site.port(),
                log: process.log_tail(),
            }),
        }
    }

    /// Stops the server in order; what stands before it goes on.
    fn stop_server(&self) {
        self.process(|process| process.ask_to_stop(self.recipe.stop));
        self.process(Process::finish);
    }

    /// Starts the server itself.
    fn serve(&self, call: &Call) -> io::Result<Process> {
        match &self.clock {
            Some(clock) => self.spawn(&clock.before(call)),
            None => self.spawn(call),
        }
    }

    fn spawn(&self, call: &Call) -> io::Result<Process> {
        Process::spawn(&self.home, call, &self.site.dir, &self.log, self.site.user.as_ref())
    }

    /// Adds up what the present process has used; it is about to end.
    fn settle(&self) {
        if let Some(usage) = self.process(Process::usage) {
            *self.spent_s.lock().unwrap_or_else(PoisonError::into_inner) += usage.cpu_s;
        }
    }
}

impl Node for LocalNode {
    fn name(&self) -> &str {
        &self.name
    }

    fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    fn entrance(&self) -> &Endpoint {
        self.front.as_ref().map_or(&self.endpoint, FrontProcess::endpoint)
    }

    fn pids(&self) -> Vec<u32> {
        self.process(Process::pids)
    }

    fn died(&self) -> Option<String> {
        if let Some(death) = self.front.as_ref().and_then(FrontProcess::died) {
            return Some(death);
        }
        let status = match self.process.try_read() {
            Ok(process) => process.died_now(),
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner().died_now(),
            Err(TryLockError::WouldBlock) => None,
        }?;
        let (kind, address) = (self.kind, self.endpoint.host_port());
        Some(format!("{kind} on {address} ended ({}); its last lines:{}", describe(status), self.log_tail()))
    }

    fn usage(&self) -> Option<Usage> {
        let before = *self.spent_s.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.process(Process::usage)?;
        let now = Usage { cpu_s: before + now.cpu_s, ..now };
        match &self.front {
            Some(front) => Some(now.plus(front.usage()?)),
            None => Some(now),
        }
    }

    fn log_tail(&self) -> String {
        self.process(Process::log_tail)
    }

    fn pause(&self) -> Result<(), NodeError> {
        self.signal("pause", Signal::STOP)
    }

    fn resume(&self) -> Result<(), NodeError> {
        self.signal("resume", Signal::CONT)
    }

    fn kill(&self) -> Result<(), NodeError> {
        self.settle();
        self.process(Process::kill).map_err(|error| self.failed("kill", error))
    }

    fn restart(&self) -> Result<(), NodeError> {
        self.settle();
        self.stop_server();
        self.start_again()
    }

    fn restart_empty(&self) -> Result<(), NodeError> {
        self.settle();
        self.stop_server();
        if let Some(replace) = self.recipe.replace.filter(|_| self.site.has_peers()) {
            replace(&self.site).map_err(|problem| self.failed(RESTART, problem))?;
        }
        self.empty().map_err(|error| self.failed(RESTART, error))?;
        self.start_again()?;
        self.settle_disk()
    }

    fn cut_power(&self) -> Result<(), NodeError> {
        const ACTION: &str = "cut the power of";
        self.settle();
        // The first while it dies, so that no fsync that is slow holds it up; the second takes what it wrote meanwhile.
        let mut forgotten = Ok(Told::default());
        let killed = self.process(|process| process.kill_and(|| forgotten = self.order(ACTION, Order::Cut)));
        killed.map_err(|error| self.failed(ACTION, error))?;
        forgotten?;
        self.order(ACTION, Order::Cut).map(drop)
    }

    fn slow_disk(&self, by_ns: u64) -> Result<(), NodeError> {
        self.order("slow the disk of", Order::Delay(by_ns)).map(drop)
    }

    fn disk(&self) -> Option<Told> {
        self.disk.as_ref()?.order(Order::Tell).ok()
    }

    fn is_paused(&self) -> bool {
        let pids = self.pids();
        !pids.is_empty() && pids.iter().all(|pid| usage::is_stopped(*pid))
    }

    fn disconnect(&self) -> Result<(), NodeError> {
        let problem = "programs of this machine have no network of their peers; use --stack docker";
        Err(self.failed("disconnect", problem))
    }

    fn connect(&self) -> Result<(), NodeError> {
        Ok(())
    }

    fn set_clock(&self, offset_ns: i64) -> Result<(), NodeError> {
        let clock = self.clock.as_ref().ok_or_else(|| self.failed(CLOCK, "it was started without libfaketime"))?;
        clock.set(offset_ns).map_err(|error| self.failed(CLOCK, error))
    }

    fn ask_to_stop(&self) {
        self.front.iter().for_each(FrontProcess::ask_to_stop);
        self.process(|process| process.ask_to_stop(self.recipe.stop));
    }

    fn finish(&self) {
        self.front.iter().for_each(FrontProcess::finish);
        self.process(Process::finish);
    }
}
