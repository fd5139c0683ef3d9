//! Clients in processes of their own: the conductor's side.
//!
//! A worker process is the same program again ([`Program`]). It opens the sessions of its share of the clients and
//! runs them on one thread; events go into a shard in memory that both processes map, so that recording costs what
//! it costs a thread, nothing that was stamped is lost with a process that is killed, and the shard of one that is
//! stopped is complete up to now: the reader need not wait for it. Orders and answers are lines on pipes. Witness,
//! the requests under way and the tripwires are in shared memory, too. What is locked in the memory of one process
//! (`memory`, the controls, systems of the caller) stays with the conductor, which serves it ([`served`]): a lock
//! that stopped or killed processes had a hand in would stop everybody, as no lock service does.
//!
//! Nothing is left of a worker: its parent's death kills it, also while it is stopped, and what it maps has no name.

mod message;
mod serve;
mod served;

use std::ffi::OsString;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, TryRecvError, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

pub use message::Assignment;
use message::{Answer, Order, Phases};
pub use serve::serve;
pub use served::LockServer;

use crate::trial::LoadError;
use crate::worker::WorkerReport;
use lockbench_core::record::figures::Schedule;
use lockbench_core::workload::Sharing;
use lockbench_systems::levers::{Asking, TimeTold};
use lockbench_systems::stack::{Clock, cpu_s_of};

/// How long a process may take to stand still when it is told to.
const STANDS_WITHIN: Duration = Duration::from_secs(2);
/// How long it may take to tell its time.
const TELLS_WITHIN: Duration = Duration::from_secs(2);
/// Bytes of the last words of a process that are kept.
const LAST_WORDS: usize = 4096;

/// The program of a worker: one that calls [`serve`].
#[derive(Clone, Debug)]
pub struct Program {
    /// Its file.
    pub file: PathBuf,
    /// Its arguments.
    pub arguments: Vec<OsString>,
}

impl Program {
    /// This program again, with these arguments.
    #[must_use]
    pub fn this(arguments: &[&str]) -> Self {
        // Also the file that runs where another one has been put in its place meanwhile.
        Self { file: PathBuf::from("/proc/self/exe"), arguments: arguments.iter().map(OsString::from).collect() }
    }
}

/// The worker processes of a trial, for those who stop and kill them. Clones are the same processes.
#[derive(Clone)]
pub struct Processes(Arc<(Vec<Process>, Sharing)>);

/// One of them.
struct Process {
    /// Reaped under this lock only, so that its pid is its own as long as it is held.
    child: Mutex<Child>,
    /// When it was killed on purpose, in clock nanoseconds; 0: it was not.
    killed_at: AtomicU64,
    orders: Orders,
    /// Its wall clock, where that may have to be moved.
    clock: Option<Clock>,
    /// What it has said of its time.
    times: Mutex<Receiver<i64>>,
}

/// Where a process takes orders; `None`: it is gone.
type Orders = Arc<Mutex<Option<ChildStdin>>>;

/// A process that is gone shows when it is looked at.
fn order(orders: &Orders, order: &Order) {
    let Ok(mut line) = serde_json::to_string(order) else { return };
    line.push('\n');
    let mut orders = orders.lock().unwrap_or_else(PoisonError::into_inner);
    if !matches!(orders.as_mut().map(|orders| orders.write_all(line.as_bytes())), Some(Ok(()))) {
        *orders = None;
    }
}

impl Process {
    fn child(&self) -> MutexGuard<'_, Child> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A worker process could not be disturbed.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// It has ended.
    #[error("worker process {0} has ended")]
    Ended(u32),
    /// The kernel refused the signal.
    #[error("cannot signal worker process {0}: {1}")]
    Signal(u32, io::Error),
    /// Its wall clock stays as it is.
    #[error("cannot move the wall clock of worker process {0}: {1}")]
    Clock(u32, io::Error),
    /// It does not tell its time.
    #[error("worker process {0} does not tell its time within {wait} s", wait = TELLS_WITHIN.as_secs())]
    TellsNoTime(u32),
    /// It goes on running.
    #[error("worker process {0} does not stand still {wait} s after SIGSTOP", wait = STANDS_WITHIN.as_secs())]
    Runs(u32),
}

impl Processes {
    /// How many there are.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.all().len() as u32
    }

    /// The process of a client.
    #[must_use]
    pub fn of(&self, client: u32) -> u32 {
        self.0.1.worker_of(client)
    }

    fn all(&self) -> &[Process] {
        &self.0.0
    }

    /// Stops a process, and waits until it stands still.
    ///
    /// # Errors
    /// It has ended, or does not stand still.
    pub fn stop(&self, process: u32) -> Result<(), ProcessError> {
        self.signal(process, Signal::STOP)?;
        let limit = Instant::now() + STANDS_WITHIN;
        while !self.stands(process) {
            if Instant::now() > limit {
                return Err(ProcessError::Runs(process));
            }
            std::thread::sleep(Duration::from_micros(50));
        }
        Ok(())
    }

    /// Returns whether every thread of it stands still.
    #[must_use]
    pub fn stands(&self, process: u32) -> bool {
        let Some(tasks) = self.tasks(process) else { return false };
        !tasks.is_empty() && tasks.iter().all(|state| *state == 'T')
    }

    /// Lets it go on.
    ///
    /// # Errors
    /// It has ended.
    pub fn go_on(&self, process: u32) -> Result<(), ProcessError> {
        self.signal(process, Signal::CONT)
    }

    /// Kills a process that stands still: `now` is an instant at which it does.
    ///
    /// # Errors
    /// It has ended.
    pub fn kill(&self, process: u32, now: u64) -> Result<(), ProcessError> {
        self.all()[process as usize].killed_at.store(now, Ordering::SeqCst);
        self.signal(process, Signal::KILL)
    }

    /// Moves its wall clock by so many nanoseconds from the true time.
    ///
    /// # Errors
    /// It was started without a clock that can be moved.
    pub fn set_clock(&self, process: u32, offset_ns: i64) -> Result<(), ProcessError> {
        let missing = || io::Error::other("it was started without libfaketime");
        let set =
            self.all()[process as usize].clock.as_ref().ok_or_else(missing).and_then(|clock| clock.set(offset_ns));
        set.map_err(|error| ProcessError::Clock(process, error))
    }

    /// Asks it for the time by its wall clock.
    ///
    /// # Errors
    /// It does not tell it.
    pub fn time(&self, process: u32) -> Result<TimeTold, ProcessError> {
        let Process { times, orders, .. } = &self.all()[process as usize];
        // One asks at a time; what came too late for an earlier question is not the answer to this one.
        let times = times.lock().unwrap_or_else(PoisonError::into_inner);
        while times.try_recv().is_ok() {}
        let asking = Asking::begin();
        order(orders, &Order::TellTime);
        let told = times.recv_timeout(TELLS_WITHIN).map_err(|_| ProcessError::TellsNoTime(process))?;
        Ok(asking.told(told))
    }

    /// Returns whether it has ended.
    #[must_use]
    pub fn ended(&self, process: u32) -> bool {
        self.all()[process as usize].child().try_wait().is_ok_and(|status| status.is_some())
    }

    /// Their process numbers.
    #[must_use]
    pub fn ids(&self) -> Vec<u32> {
        self.all().iter().map(|process| process.child().id()).collect()
    }

    /// CPU seconds of all of them so far.
    #[must_use]
    pub fn cpu_s(&self) -> f64 {
        // Each leads a group of its own.
        self.all().iter().filter_map(|process| cpu_s_of(process.child().id())).sum()
    }

    /// The states of its threads, as proc(5) names them.
    fn tasks(&self, process: u32) -> Option<Vec<char>> {
        let pid = self.all()[process as usize].child().id();
        let state = |task: io::Result<std::fs::DirEntry>| {
            let stat = std::fs::read_to_string(task.ok()?.path().join("stat")).ok()?;
            stat.rsplit_once(") ").and_then(|(_, rest)| rest.chars().next())
        };
        Some(std::fs::read_dir(format!("/proc/{pid}/task")).ok()?.filter_map(state).collect())
    }

    fn signal(&self, process: u32, signal: Signal) -> Result<(), ProcessError> {
        let mut child = self.all()[process as usize].child();
        if child.try_wait().is_ok_and(|status| status.is_some()) {
            return Err(ProcessError::Ended(process));
        }
        let Some(pid) = Pid::from_raw(child.id() as i32) else { return Err(ProcessError::Ended(process)) };
        kill_process(pid, signal).map_err(|error| ProcessError::Signal(process, error.into()))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let child = self.child.get_mut().unwrap_or_else(PoisonError::into_inner);
        // It has ended in order already, or must not outlive us; also one that is stopped dies of this.
        let _ = child.kill();
        let _ = child.wait();
    }
}

/// How a worker process stands.
enum Standing {
    /// Its clients run, or are about to.
    Running,
    /// All of them are done.
    Done(Result<WorkerReport, LoadError>),
    /// It died before that.
    Dead,
}

/// What has become of a worker process since the last look.
pub enum News {
    /// Its clients are done.
    Done,
    /// It died: its clients' attempts are cut off. `at`: when it was killed on purpose; 0: it was not.
    Died {
        /// In clock nanoseconds.
        at: u64,
    },
}

/// The conductor's link to one worker process.
pub struct Worker {
    number: u32,
    orders: Orders,
    answers: Receiver<Answer>,
    last_words: Arc<Mutex<String>>,
    standing: Standing,
}

/// Starts a process per assignment, and tells each what to open. `clocks`: their wall clocks may have to be moved.
///
/// # Errors
/// One could not be started: those that were are ended.
pub fn start(
    program: &Program,
    assignments: Vec<Assignment>,
    sharing: Sharing,
    clocks: bool,
) -> io::Result<(Processes, Vec<Worker>)> {
    let (mut processes, mut workers) = (Vec::new(), Vec::new());
    for (assignment, number) in assignments.into_iter().zip(0..) {
        let mut command = Command::new(&program.file);
        command
            .arg0("lockbench")
            .args(&program.arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let clock = clocks.then(|| Clock::of_a_client(&assignment.scratch, &format!("worker-{number}"))).transpose()?;
        command.envs(clock.iter().flat_map(Clock::variables));
        // A group of its own: what a terminal sends to ours is the conductor's to answer.
        let mut child = command.process_group(0).spawn()?;
        let (orders, out, err) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (orders, (tell_time, times)) = (Arc::new(Mutex::new(orders)), channel());
        let (killed_at, times) = (AtomicU64::new(0), Mutex::new(times));
        processes.push(Process { child: Mutex::new(child), killed_at, orders: Arc::clone(&orders), clock, times });
        let (Some(out), Some(err)) = (out, err) else { return Err(io::Error::other("a pipe is missing")) };
        let (tell, answers) = channel();
        std::thread::Builder::new().name(format!("answers-{number}")).spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                let gone = match serde_json::from_str(&line) {
                    Ok(Answer::Time(ns)) => tell_time.send(ns).is_err(),
                    Ok(answer) => tell.send(answer).is_err(),
                    Err(_) => false,
                };
                if gone {
                    return;
                }
            }
        })?;
        let last_words = Arc::default();
        std::thread::Builder::new().name(format!("words-{number}")).spawn({
            let last_words = Arc::clone(&last_words);
            move || listen(err, &last_words)
        })?;
        let worker = Worker { number, orders, answers, last_words, standing: Standing::Running };
        worker.order(&Order::Open(Box::new(assignment)));
        workers.push(worker);
    }
    Ok((Processes(Arc::new((processes, sharing))), workers))
}

/// Keeps the last words of a process.
fn listen(mut err: impl Read, words: &Mutex<String>) {
    let mut bytes = [0; 1024];
    while let Ok(count) = err.read(&mut bytes)
        && count > 0
    {
        let mut words = words.lock().unwrap_or_else(PoisonError::into_inner);
        words.push_str(&String::from_utf8_lossy(&bytes[..count]));
        if words.len() > LAST_WORDS {
            let cut = words.char_indices().map(|(at, _)| at).find(|at| *at >= words.len() - LAST_WORDS);
            words.drain(..cut.unwrap_or(0));
        }
    }
}

impl Worker {
    fn order(&self, what: &Order) {
        order(&self.orders, what);
    }

    /// Waits until its sessions are open.
    ///
    /// # Errors
    /// They are not, and why.
    pub fn opened(&mut self, stopped: impl Fn() -> bool) -> Result<(), LoadError> {
        loop {
            match self.answers.recv_timeout(Duration::from_millis(10)) {
                Ok(Answer::Opened) => return Ok(()),
                Ok(Answer::Failed { problem, stopped }) => {
                    return Err(if stopped { LoadError::Stopped } else { self.failed(&problem) });
                }
                Ok(Answer::Time(_)) => {}
                Ok(Answer::Done(_)) => return Err(self.failed("it ended before its sessions were open")),
                Err(std::sync::mpsc::RecvTimeoutError::Timeout) if stopped() => return Err(LoadError::Stopped),
                Err(std::sync::mpsc::RecvTimeoutError::Timeout) => {}
                Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => {
                    let words = self.last_words();
                    return Err(self.failed(&format!("it ended before its sessions were open{words}")));
                }
            }
        }
    }

    fn failed(&self, problem: &str) -> LoadError {
        LoadError::Process { number: self.number, problem: problem.to_owned() }
    }

    fn last_words(&self) -> String {
        let words = self.last_words.lock().unwrap_or_else(PoisonError::into_inner);
        if words.trim().is_empty() { String::new() } else { format!(": {}", words.trim()) }
    }

    /// The load begins.
    pub fn begin(&self, schedule: &Schedule) {
        self.order(&Order::Start(phases(schedule)));
    }

    /// Passes on what has changed of the load.
    fn relay(&self, relay: Relay) {
        match relay {
            Relay::Hold => self.order(&Order::Hold),
            Relay::GoOn(phases) => self.order(&Order::GoOn(phases)),
            Relay::Drain => self.order(&Order::Drain),
            Relay::Abort => self.order(&Order::Abort),
        }
    }

    /// Has it ended, one way or the other?
    #[must_use]
    pub fn ended(&self) -> bool {
        !matches!(self.standing, Standing::Running)
    }

    /// Looks what has become of it.
    pub fn look(&mut self, processes: &Processes) -> Option<News> {
        if self.ended() {
            return None;
        }
        match self.answers.try_recv() {
            Ok(Answer::Done(report)) => self.standing = Standing::Done(Ok(report)),
            Ok(Answer::Failed { problem, .. }) => self.standing = Standing::Done(Err(self.failed(&problem))),
            Ok(Answer::Opened | Answer::Time(_)) | Err(TryRecvError::Empty) => return None,
            // Whatever it had to say was read before.
            Err(TryRecvError::Disconnected) => {
                if !processes.ended(self.number) {
                    return None;
                }
                self.standing = Standing::Dead;
                return Some(News::Died { at: processes.all()[self.number as usize].killed_at.load(Ordering::SeqCst) });
            }
        }
        Some(News::Done)
    }

    /// What it reports at its end; `None`: it died.
    pub fn report(self) -> Option<Result<WorkerReport, LoadError>> {
        match self.standing {
            Standing::Done(report) => Some(report),
            Standing::Running | Standing::Dead => None,
        }
    }
}

/// A change of the load that workers have to know.
#[derive(Clone, Copy)]
enum Relay {
    Hold,
    GoOn(Phases),
    Drain,
    Abort,
}

/// What the workers were told last.
#[derive(Default)]
pub struct Told {
    held: bool,
    draining: bool,
    aborting: bool,
}

impl Told {
    /// Tells them what has changed.
    pub fn relay(&mut self, workers: &mut [Worker], (held, draining, aborting): (bool, bool, bool), now: &Schedule) {
        let mut tell = |relay| workers.iter_mut().for_each(|worker| worker.relay(relay));
        if held != self.held {
            self.held = held;
            tell(if held { Relay::Hold } else { Relay::GoOn(phases(now)) });
        }
        if draining && !std::mem::replace(&mut self.draining, true) {
            tell(Relay::Drain);
        }
        if aborting && !std::mem::replace(&mut self.aborting, true) {
            tell(Relay::Abort);
        }
    }
}

fn phases(schedule: &Schedule) -> Phases {
    Phases { start: schedule.start, measure: schedule.measure(), end: schedule.end() }
}
