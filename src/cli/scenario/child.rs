//! A run of this program in a process of its own.

use std::io::Read as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::cli::Failure;
use crate::cli::signal::Interrupt;

/// Longest time for a run; scenarios measure some seconds.
const LIMIT: Duration = Duration::from_mins(15);
/// How long a run may take to end in order.
const ENDS_WITHIN: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(30);

/// How a run ended.
pub struct Ended {
    /// Its exit code; `None`: a signal ended it.
    pub code: Option<u8>,
    /// What it wrote to stderr.
    err: String,
}

impl Ended {
    /// The last thing that it said.
    pub fn last_words(&self) -> String {
        let last = self.err.lines().rev().find(|line| !line.trim().is_empty());
        last.unwrap_or("it said nothing").trim_start_matches("lockbench: ").to_owned()
    }
}

/// Runs it to its end, on the server that a variable of the environment names. Where this program is interrupted it ends the run in order and returns `None`.
pub fn run_child(
    arguments: &[String],
    server: Option<(&str, &Path)>,
    interrupt: &Interrupt,
) -> Result<Option<Ended>, Failure> {
    if interrupt.came() {
        return Ok(None);
    }
    let program =
        std::env::current_exe().map_err(|error| Failure::internal(format!("cannot find lockbench: {error}")))?;
    let mut command = Command::new(&program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    // Ctrl-C comes to this program alone, which passes it on once.
    command.process_group(0);
    // What is meant for this command would be bad input or another plan to the run.
    for name in [
        "LOCKBENCH_SCENARIOS",
        "LOCKBENCH_JOBS",
        "LOCKBENCH_SWEEP",
        "LOCKBENCH_STAY",
        "LOCKBENCH_JSON",
        "LOCKBENCH_SERVERS",
    ] {
        command.env_remove(name);
    }
    if let Some((variable, program)) = server {
        command.env(variable, program);
    }
    let started = command.spawn();
    let mut child =
        started.map_err(|error| Failure::internal(format!("cannot start {}: {error}", program.display())))?;
    let mut err = child.stderr.take();
    let reading = std::thread::spawn(move || {
        let mut text = Vec::new();
        if let Some(err) = &mut err {
            // What was said so far is kept.
            let _ = err.read_to_end(&mut text);
        }
        String::from_utf8_lossy(&text).into_owned()
    });
    let code = wait(&mut child, interrupt)?;
    let err = reading.join().unwrap_or_default();
    Ok(if interrupt.came() { None } else { Some(Ended { code, err }) })
}

fn wait(child: &mut Child, interrupt: &Interrupt) -> Result<Option<u8>, Failure> {
    let began = Instant::now();
    let mut asked: Option<Instant> = None;
    loop {
        let ended = child.try_wait().map_err(|error| Failure::internal(format!("cannot wait for a run: {error}")))?;
        if let Some(status) = ended {
            return Ok(status.code().and_then(|code| u8::try_from(code).ok()));
        }
        match asked {
            None if interrupt.came() || began.elapsed() > LIMIT => {
                asked = Some(Instant::now());
                signal(child, Signal::TERM);
            }
            Some(at) if at.elapsed() > ENDS_WITHIN => signal(child, Signal::KILL),
            _ => {}
        }
        std::thread::sleep(LOOK);
    }
}

/// One that has ended hears it no more.
fn signal(child: &Child, signal: Signal) {
    if let Some(pid) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        let _ = kill_process(pid, signal);
    }
}
