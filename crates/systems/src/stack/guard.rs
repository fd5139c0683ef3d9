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

/// `$1` is the directory of the servers, or empty; `$2` says to keep it; the rest is the last
/// command, if any.
/// Lines: `+ GROUP` started, `- GROUP` stopped, `released` nothing to do any more.
///
/// Ends each group and all its descendants, known by pid and start (proc(5), fields 1, 4, 5 and
/// 22): a Postgres backend is a session of its own, and one that is stopped hears nothing.
/// Graceful first, so that Postgres gives its shared memory back: only the leader is asked, for
/// it ends its children in order, and what initdb runs dies of a signal before it can clean up.
/// TERM lets clients finish, INT does not wait for them. What memory is left all the same is
/// known by who made it, or by the file of its server. `kill -KILL -GROUP` without `--`, which
/// dash does not know.
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
family= pids=" " memory=
relatives() {
  all= more=1
  for file in /proc/[0-9]*/stat; do
    read -r line <"$file" || continue
    pid=${line%% *}
    set -- ${line##*) }
    all="$all $pid:$2:$3:${20}"
  done
  while [ "$more" ]; do
    more=
    for one in $all; do
      pid=${one%%:*} rest=${one#*:}
      parent=${rest%%:*} rest=${rest#*:}
      case $pids in *" $pid "*) continue ;; esac
      case " $groups :$pids" in
        *" ${rest%%:*} "*:* | *:*" $parent "*) pids="$pids$pid " family="$family $pid:${rest#*:}" more=1 ;;
      esac
    done
  done
  while read -r key id line; do
    set -- $line
    case $pids in *" $3 "*) memory="$memory $key:$id" ;; esac
  done </proc/sysvipc/shm
}
free() { # KEY ID, where both are still those of a segment
  while read -r key id line; do
    [ "$id" = "$2" ] && [ "$((key & 4294967295))" = "$(($1 & 4294967295))" ] && ipcrm -m "$id"
  done </proc/sysvipc/shm
}
lives() {
  read -r line <"/proc/${1%%:*}/stat" || return 1
  born=${1#*:}
  set -- ${line##*) }
  [ "$1" != Z ] && [ "${20}" = "$born" ]
}
tell() { for one in $family; do lives "$one" && kill "-$1" "${one%%:*}"; done; }
[ -z "$groups" ] || relatives
for g in $groups; do kill -TERM "$g" || kill -TERM "-$g"; kill -CONT "-$g"; done
tell CONT
tries=0
while [ "$tries" -lt 25 ]; do
  alive=
  for g in $groups; do kill -0 "-$g" && alive=1; done
  for one in $family; do lives "$one" && alive=1; done
  [ "$alive" ] || break
  [ "$tries" -ne 10 ] || for g in $groups; do kill -INT "$g"; done
  sleep 0.1
  relatives
  tries=$((tries + 1))
done
for g in $groups; do kill -KILL "-$g"; done
tell KILL
# Of a server whose clock was moved.
for g in $groups; do rm -f "/dev/shm/faketime_shm_$g" "/dev/shm/sem.faketime_sem_$g"; done
for one in $memory; do free "${one%%:*}" "${one#*:}"; done
# Postgres names its segment in line 7: key and id. One that was killed before left it.
for file in "$1"/*/data/postmaster.pid; do
  [ -n "$1" ] && [ -f "$file" ] || continue
  key= id=
  { for _ in 1 2 3 4 5 6; do read -r line; done; read -r key id; } <"$file"
  [ -z "$id" ] || free "$key" "$id"
done
# Disks that forget: their processes end with them.
while read -r source place rest; do
  case $place in "$1"/*) [ -z "$1" ] || umount -l "$place" ;; esac
done </proc/self/mounts
[ -z "$1" ] || [ -n "$2" ] || rm -rf -- "$1"
shift 2
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

/// Longest that its work may take: the patience of the script, and room for a busy machine.
pub(super) const WORK: Duration = Duration::from_secs(5);

/// A running guard.
pub(super) struct Guard {
    pipe: Mutex<Option<ChildStdin>>,
    shell: Mutex<Child>,
}

impl Guard {
    /// Starts a guard that at the end removes `dir`, if given and not to be kept, and runs
    /// `last`, if not empty.
    pub(super) fn start(dir: Option<&Path>, keep: bool, last: &[OsString]) -> io::Result<Self> {
        let mut shell = Command::new("/bin/sh")
            .args(["-c", SCRIPT, "lockbench-guard"])
            .arg(dir.unwrap_or(Path::new("")))
            .arg(if keep { "keep" } else { "" })
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
        self.finish(WORK);
    }
}
