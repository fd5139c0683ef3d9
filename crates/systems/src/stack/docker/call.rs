//! One call of a program, with an end in sight whatever the program does.

use std::io::{self, Read};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

use lockbench_core::stop::Stop;

/// Time that an interrupted program has for its own end.
const PATIENCE: Duration = Duration::from_secs(10);

/// Longest wait for the rest of what a program said that has ended.
const LINGER: Duration = Duration::from_secs(2);

/// What a program said.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) status: ExitStatus,
    pub(super) out: String,
    pub(super) err: String,
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Silence {
    /// It could not be started.
    NotStarted(io::Error),
    /// It did not end within the limit, and was killed.
    Late(Duration),
    /// The user asked to stop.
    Interrupted,
}

/// Runs it to its end.
pub(super) fn call(command: &mut Command, limit: Duration, stop: Option<&Stop>) -> Result<Said, Silence> {
    command.stdin(Stdio::null()).process_group(0);
    call_as_is(command, limit, stop)
}

/// The same for a command whose standard input and process group are set already.
pub(super) fn call_as_is(command: &mut Command, limit: Duration, stop: Option<&Stop>) -> Result<Said, Silence> {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().map_err(Silence::NotStarted)?;
    let (out, err) = (reader(child.stdout.take()), reader(child.stderr.take()));
    let end = Instant::now() + limit;
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break Ok(status),
            Err(error) => break Err(Silence::NotStarted(error)),
            Ok(None) if stop.is_some_and(Stop::draining) => break Err(end_of(&mut child, Silence::Interrupted)),
            Ok(None) if Instant::now() >= end => break Err(end_of(&mut child, Silence::Late(limit))),
            Ok(None) => thread::sleep(Duration::from_millis(5)),
        }
    }?;
    Ok(Said { status, out: out.text(), err: err.text() })
}

/// What comes out of a pipe.
struct Heard {
    bytes: Arc<Mutex<Vec<u8>>>,
    reader: Option<JoinHandle<()>>,
}

fn reader(pipe: Option<impl Read + Send + 'static>) -> Heard {
    let bytes = Arc::new(Mutex::new(Vec::new()));
    let mine = Arc::clone(&bytes);
    let read = |mut pipe: Box<dyn Read + Send>| {
        thread::spawn(move || {
            let mut some = [0; 8_192];
            // What was said until a pipe broke is said.
            while let Ok(length @ 1..) = pipe.read(&mut some) {
                mine.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(&some[..length]);
            }
        })
    };
    Heard { bytes, reader: pipe.map(|pipe| read(Box::new(pipe))) }
}

impl Heard {
    /// All of it. Whatever the program left behind may hold the pipe for good: then what
    /// was said until now.
    fn text(self) -> String {
        let end = Instant::now() + LINGER;
        while self.reader.as_ref().is_some_and(|reader| !reader.is_finished()) && Instant::now() < end {
            thread::sleep(Duration::from_millis(1));
        }
        String::from_utf8_lossy(&self.bytes.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }
}

/// Ends it: asked first, because compose then ends what it asked the engine for.
fn end_of(child: &mut Child, why: Silence) -> Silence {
    let group = Pid::from_child(child);
    let _ = kill_process_group(group, if ignores_interrupts(group) { Signal::TERM } else { Signal::INT });
    let end = Instant::now() + PATIENCE;
    while matches!(child.try_wait(), Ok(None)) && Instant::now() < end {
        thread::sleep(Duration::from_millis(5));
    }
    let _ = kill_process_group(group, Signal::KILL);
    let _ = child.wait();
    why
}

/// What a shell started in the background ignores SIGINT from birth (POSIX, 2.11), and so
/// do its children: `SigIgn` of proc(5), a bit a signal.
fn ignores_interrupts(pid: Pid) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{}/status", pid.as_raw_pid())).unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    ignored & (1 << (Signal::INT.as_raw() - 1)) != 0
}

/// What went wrong, in one line where that is possible: the last line that is not empty.
pub(super) fn last_line(text: &str) -> &str {
    text.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or("it said nothing")
}

#[cfg(test)]
mod tests {
    use std::process::Command;
    use std::time::{Duration, Instant};

    use super::{Silence, call, last_line};
    use lockbench_core::stop::Stop;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn what_a_program_says_is_heard_on_both_sides() {
        let said = call(&mut shell("echo out; echo err >&2; exit 3"), Duration::from_secs(10), None).unwrap();
        assert_eq!((said.status.code(), said.out.as_str(), said.err.as_str()), (Some(3), "out\n", "err\n"));
        assert_eq!((last_line("a\n b \n\n"), last_line("\n")), ("b", "it said nothing"));
    }

    #[test]
    fn a_program_that_hangs_is_ended_at_its_limit_or_when_the_user_asks() {
        let begin = Instant::now();
        let late = call(&mut shell("sleep 60"), Duration::from_millis(100), None);
        assert!(matches!(late, Err(Silence::Late(_))), "{late:?}");
        let stop = Stop::new();
        stop.drain();
        let ended = call(&mut shell("sleep 60"), Duration::from_secs(60), Some(&stop));
        assert!(matches!(ended, Err(Silence::Interrupted)), "{ended:?}");
        assert!(begin.elapsed() < Duration::from_secs(20));
        let begin = Instant::now();
        let left = call(&mut shell("echo said; sleep 60 &"), Duration::from_secs(60), None).unwrap();
        assert_eq!(left.out, "said\n", "what it leaves behind holds its pipes");
        assert!(begin.elapsed() < Duration::from_secs(30));
        let missing = call(&mut Command::new("/nowhere/program"), Duration::from_secs(1), None);
        assert!(matches!(missing, Err(Silence::NotStarted(_))), "{missing:?}");
    }
}
