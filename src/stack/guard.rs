//! The guard: a shell that outlives us. It is told of every process group that
//! we start and stop; when its standard input ends, which no way of dying can
//! prevent, it stops what is left, removes the directory and runs a last command.

use std::ffi::OsString;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::Pid;

/// `$1` is the directory to remove, or empty; the rest is the last command, if any.
/// Lines: `+ GROUP` started, `- GROUP` stopped, `released` nothing to do any more.
/// Graceful first, so that Postgres gives its shared memory
/// back; `kill -TERM -GROUP` without `--`, which dash does not know.
const SCRIPT: &str = r#"
trap '' HUP INT TERM QUIT
groups=
while read -r what group; do
  case $what in
    +) groups="$groups $group" ;;
    -) kept=
       for g in $groups; do [ "$g" = "$group" ] || kept="$kept $g"; done
       groups=$kept ;;
    released) exit 0 ;;
  esac
done
for g in $groups; do kill -TERM "-$g"; kill -CONT "-$g"; done
tries=0
while [ "$tries" -lt 20 ]; do
  alive=
  for g in $groups; do kill -0 "-$g" && alive=1; done
  [ "$alive" ] || break
  sleep 0.1
  tries=$((tries + 1))
done
for g in $groups; do kill -KILL "-$g"; done
[ -z "$1" ] || rm -rf -- "$1"
shift
[ $# -eq 0 ] || exec "$@"
"#;

/// Announces itself to the guard, then becomes the server. The server's
/// standard input is a copy of the guard's pipe until this line has run, so
/// the guard cannot see the end before it knows the group: no race with our
/// own death.
const LAUNCHER: &str = r#"echo "+ $$" >&0 || exit 125; exec "$0" "$@" </dev/null"#;

/// Variables that servers may see. The rest stays out: `ETCD_*`, `PG*` or
/// `JAVA_TOOL_OPTIONS` of the caller would change settings that we call stock.
const ENVIRONMENT: [&str; 4] = ["PATH", "LD_LIBRARY_PATH", "JAVA_HOME", "TZ"];

/// A running guard.
pub(super) struct Guard {
    pipe: Mutex<Option<ChildStdin>>,
    shell: Mutex<Child>,
}

impl Guard {
    /// Starts a guard that at the end removes `dir`, if given, and runs `last`, if not
    /// empty.
    pub(super) fn start(dir: Option<&Path>, last: &[OsString]) -> io::Result<Self> {
        let mut shell = Command::new("/bin/sh")
            .args(["-c", SCRIPT, "lockbench-guard"])
            .arg(dir.unwrap_or(Path::new("")))
            .args(last)
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()?;
        let pipe = shell.stdin.take();
        Ok(Self { pipe: Mutex::new(pipe), shell: Mutex::new(shell) })
    }

    /// A server's command: [`Self::wrapped`], with [`ENVIRONMENT`] only.
    pub(super) fn command(&self, program: &Path) -> io::Result<Command> {
        let mut command = self.wrapped(program)?;
        command.env_clear().envs(ENVIRONMENT.iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
        command.env("LC_ALL", "C");
        Ok(command)
    }

    /// A command that runs `program` in a process group of its own which the
    /// guard knows. The caller adds arguments, directory, output and user, but
    /// leaves standard input alone.
    pub(super) fn wrapped(&self, program: &Path) -> io::Result<Command> {
        let pipe = self.pipe.lock().unwrap_or_else(PoisonError::into_inner);
        let pipe = pipe.as_ref().ok_or_else(|| io::Error::other("the guard has ended"))?;
        let inlet = pipe.as_fd().try_clone_to_owned()?;
        let mut command = Command::new("/bin/sh");
        command.args(["-c", LAUNCHER]).arg(program).stdin(Stdio::from(inlet)).process_group(0);
        Ok(command)
    }

    /// Nothing is left to be done when we are gone.
    pub(super) fn release(&self) {
        let mut pipe = self.pipe.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(pipe) = pipe.as_mut() {
            let _ = writeln!(pipe, "released");
        }
    }

    /// Lets it do its work now, and waits for that, but not longer than `limit`.
    pub(super) fn finish(&self, limit: Duration) {
        drop(self.pipe.lock().unwrap_or_else(PoisonError::into_inner).take());
        let mut shell = self.shell.lock().unwrap_or_else(PoisonError::into_inner);
        let limit = Instant::now() + limit;
        while matches!(shell.try_wait(), Ok(None)) && Instant::now() < limit {
            sleep(Duration::from_millis(2));
        }
    }

    /// The group has no process any more; its number may be used again by
    /// others, so the guard must not touch it.
    pub(super) fn forget(&self, group: Pid) {
        let mut pipe = self.pipe.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(pipe) = pipe.as_mut() {
            // A guard that was killed cannot be told; there is nothing to lose.
            let _ = writeln!(pipe, "- {}", group.as_raw_pid());
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.finish(Duration::from_secs(4));
    }
}
