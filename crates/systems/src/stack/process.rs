//! One server in a process group of its own: spawned, watched, stopped, reaped.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use super::clock;
use super::home::Home;
use super::shared_memory::SharedMemory;
use super::start_recipe::Call;
use super::usage::{self, Usage};
use super::user::User;

/// How long a server may take to stop by itself before it is killed.
const PATIENCE: Duration = Duration::from_secs(3);
/// Lines of a log that an error shows.
const TAIL_LINES: usize = 10;
/// Bytes from the end of a log that are looked at for them.
const TAIL_BYTES: u64 = 8 * 1_024;

/// A child and everything that it forks.
pub(super) struct Process {
    state: Mutex<State>,
    group: Pid,
    log: PathBuf,
    home: Arc<Home>,
    /// What it had in shared memory when it was looked at last.
    memory: Mutex<SharedMemory>,
}

enum State {
    Running(Child),
    /// It ended without being asked to.
    Died(ExitStatus),
    Stopped,
}

impl Process {
    /// Starts `call` in `dir` as `user`, with its output in the file `log`.
    pub(super) fn spawn(
        home: &Arc<Home>,
        call: &Call,
        dir: &Path,
        log: &Path,
        user: Option<&User>,
    ) -> io::Result<Self> {
        let output = File::options().create(true).append(true).open(log)?;
        let mut command = home.guard.command(&call.program)?;
        command.args(&call.arguments).current_dir(dir).env("HOME", dir);
        command.stdout(output.try_clone()?).stderr(output);
        if let Some(user) = user {
            // Dropping the uid drops root's supplementary groups too.
            command.gid(user.gid).uid(user.uid);
        }
        let child = command.spawn()?;
        let group = Pid::from_child(&child);
        let (state, log, home) = (Mutex::new(State::Running(child)), log.to_owned(), Arc::clone(home));
        Ok(Self { state, group, log, home, memory: Mutex::default() })
    }

    /// Remembers what it has in shared memory now, in case that it dies and cannot give it back.
    pub(super) fn note_memory(&self) {
        self.noted().note(&usage::members(self.group));
    }

    /// How it ended, if it did so without being asked.
    pub(super) fn died(&self) -> Option<ExitStatus> {
        let mut state = self.state();
        if let State::Running(child) = &mut *state
            && let Ok(Some(status)) = child.try_wait()
        {
            self.bury();
            *state = State::Died(status);
        }
        match *state {
            State::Died(status) => Some(status),
            State::Running(_) | State::Stopped => None,
        }
    }

    /// As [`Self::died`], but `None` at once while it is being stopped.
    pub(super) fn died_now(&self) -> Option<ExitStatus> {
        if let Err(TryLockError::WouldBlock) = self.state.try_lock() {
            return None;
        }
        self.died()
    }

    /// Kills the group and reaps; it counts as stopped, not as dead.
    pub(super) fn kill(&self) -> io::Result<()> {
        self.kill_and(|| {})
    }

    /// The same, with something to be done while it dies.
    pub(super) fn kill_and(&self, meanwhile: impl FnOnce()) -> io::Result<()> {
        let mut state = self.state();
        match &mut *state {
            State::Running(child) => {
                // Children may have left the group.
                let members = usage::members(self.group);
                self.noted().note(&members);
                for pid in members {
                    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
                        let _ = kill_process(pid, Signal::KILL);
                    }
                }
                self.bury();
                meanwhile();
                child.wait()?;
                *state = State::Stopped;
                std::mem::take(&mut *self.noted()).free();
                Ok(())
            }
            State::Died(_) | State::Stopped => Err(io::Error::other("the server has ended")),
        }
    }

    /// Live processes of the group.
    pub(super) fn pids(&self) -> Vec<u32> {
        if self.is_running() { usage::members(self.group) } else { Vec::new() }
    }

    /// What the group uses; `None` when it has ended.
    pub(super) fn usage(&self) -> Option<Usage> {
        if self.is_running() { usage::of_group(self.group) } else { None }
    }

    /// Sends a signal to the whole group.
    pub(super) fn signal_group(&self, signal: Signal) -> io::Result<()> {
        match &*self.state() {
            State::Running(_) => {
                kill_process_group(self.group, signal)?;
                // Children may have left the group: each server process of Postgres makes one of its own
                // (`InitPostmasterChild`). The group went first, so that its leader starts no others.
                self.family().iter().for_each(|child| child.signal(signal));
                Ok(())
            }
            State::Died(_) | State::Stopped => Err(io::Error::other("the server has ended")),
        }
    }

    /// Asks it to end; does not wait.
    pub(super) fn ask_to_stop(&self, signal: Signal) {
        if let State::Running(_) = &*self.state() {
            // Only the leader: it knows how to end its children in order.
            let _ = kill_process(self.group, signal);
            let _ = kill_process_group(self.group, Signal::CONT);
            // Children may have left the group, and one that is stopped hears nothing.
            self.family().iter().for_each(|child| child.signal(Signal::CONT));
        }
    }

    /// Waits until it has ended, kills what is left after [`PATIENCE`], reaps.
    pub(super) fn finish(&self) {
        self.finish_within(PATIENCE);
    }

    /// The same with a patience of its own.
    pub(super) fn finish_within(&self, patience: Duration) {
        let mut state = self.state();
        if let State::Running(child) = &mut *state {
            let (family, limit) = (self.family(), Instant::now() + patience);
            self.noted().note(&family.iter().map(|child| child.pid).collect::<Vec<_>>());
            while matches!(child.try_wait(), Ok(None)) && Instant::now() < limit {
                sleep(Duration::from_millis(2));
            }
            // What initdb runs ends with its input, and gives its shared memory back only if it is let.
            while family.iter().any(Relative::lives) && Instant::now() < limit {
                sleep(Duration::from_millis(2));
            }
            self.bury();
            family.iter().for_each(|child| child.signal(Signal::KILL));
            // Surely ended or killed by now: this only reaps.
            let _ = child.wait();
        }
        std::mem::take(&mut *self.noted()).free();
        *state = State::Stopped;
    }

    /// Waits for the end of a step that prepares a server.
    pub(super) fn wait(&self, limit: Instant, interrupted: impl Fn() -> bool) -> Option<ExitStatus> {
        loop {
            if let Some(status) = self.died() {
                return Some(status);
            }
            if Instant::now() >= limit || interrupted() {
                return None;
            }
            sleep(Duration::from_millis(2));
        }
    }

    /// The last lines of its log, indented, each after a line break; empty if
    /// it wrote nothing.
    pub(super) fn log_tail(&self) -> String {
        tail(&self.log).unwrap_or_default()
    }

    /// Kills what is left of the group once its leader is dead or past hope.
    fn bury(&self) {
        let _ = kill_process_group(self.group, Signal::KILL);
        self.home.guard.forget(self.group);
        clock::forget(self.group);
    }

    /// Every process of it now: each is still known when its parent is gone.
    fn family(&self) -> Vec<Relative> {
        let known = |pid| Some(Relative { pid, born: usage::born(pid)? });
        usage::members(self.group).into_iter().filter_map(known).collect()
    }

    fn is_running(&self) -> bool {
        matches!(*self.state(), State::Running(_))
    }

    fn noted(&self) -> MutexGuard<'_, SharedMemory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A process by its pid and its start: pids are used again.
struct Relative {
    pid: u32,
    born: u64,
}

impl Relative {
    fn lives(&self) -> bool {
        usage::born(self.pid) == Some(self.born)
    }

    fn signal(&self, signal: Signal) {
        if let Some(pid) = i32::try_from(self.pid).ok().and_then(Pid::from_raw).filter(|_| self.lives()) {
            let _ = kill_process(pid, signal);
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.ask_to_stop(Signal::TERM);
        self.finish();
    }
}

/// `exit status 1` or `killed by signal 9`.
pub(super) fn describe(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit status {code}"),
        (None, Some(signal)) => format!("killed by signal {signal}"),
        (None, None) => status.to_string(),
    }
}

fn tail(log: &Path) -> io::Result<String> {
    let mut file = File::open(log)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL_BYTES)))?;
    let mut bytes = Vec::new();
    file.take(TAIL_BYTES).read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let first = lines.len().saturating_sub(TAIL_LINES);
    Ok(lines[first..].iter().map(|line| format!("\n    | {line}")).collect())
}
