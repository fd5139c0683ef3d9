//! What stays behind after an end that nobody planned: a terminal that is closed, a start of
//! Postgres that is interrupted or killed, backends that were stopped.

use crate::support;
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{JoinHandle, sleep};
use std::time::{Duration, Instant};

use crate::support::cli::{Place, Running, assert_gone_within};
use crate::support::pty::Pty;
use rustix::process::Signal;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

/// Time that the guard has for servers that do not end by themselves.
const GUARD: Duration = Duration::from_secs(15);

/// Segments of System V shared memory that processes below a directory make, by key and id.
struct Segments {
    over: Arc<AtomicBool>,
    eye: JoinHandle<BTreeSet<(String, String)>>,
}

impl Segments {
    /// Looks until it is asked what it saw.
    fn watch(below: PathBuf) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let ended = Arc::clone(&over);
        let eye = std::thread::spawn(move || {
            let mut seen = BTreeSet::new();
            while !ended.load(Ordering::SeqCst) {
                seen.extend(segments().into_iter().filter(|segment| segment.made_below(&below)).map(|it| it.name));
                sleep(Duration::from_millis(1));
            }
            seen
        });
        Self { over, eye }
    }

    fn seen(self) -> BTreeSet<(String, String)> {
        self.over.store(true, Ordering::SeqCst);
        self.eye.join().unwrap()
    }
}

struct Segment {
    name: (String, String),
    maker: String,
}

impl Segment {
    fn made_below(&self, directory: &Path) -> bool {
        fs::read_link(format!("/proc/{}/cwd", self.maker)).is_ok_and(|cwd| cwd.starts_with(directory))
    }
}

/// `key shmid perms size cpid ...`, as ipcs(1) reads it.
fn segments() -> Vec<Segment> {
    let table = fs::read_to_string("/proc/sysvipc/shm").unwrap();
    let rows = table.lines().skip(1).map(|line| line.split_ascii_whitespace().collect::<Vec<_>>());
    rows.map(|row| Segment { name: (row[0].to_owned(), row[1].to_owned()), maker: row[4].to_owned() }).collect()
}

fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + GUARD;
    while !holds() {
        assert!(Instant::now() < end, "not within {GUARD:?}: {what}");
        sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_start_of_postgres_that_is_interrupted_or_killed_leaves_no_shared_memory() {
    if !support::live("no server was started") {
        return;
    }
    let workload = Place::shipped("hot-key.toml");
    let mut all = 0;
    for signal in [Signal::INT, Signal::KILL] {
        for delay_ms in [60, 150, 300, 500, 800] {
            let place = Place::new();
            let segments_made = Segments::watch(place.path().canonicalize().unwrap());
            let mut run = Running::start(&mut place.command(&["run", &workload, "-b", "postgres:advisory"]));
            run.until("starting servers");
            sleep(Duration::from_millis(delay_ms));
            let family = run.family();
            run.signal(signal);
            if signal == Signal::INT {
                run.finish(Duration::from_secs(30)).exits(130);
            } else {
                drop(run);
            }
            assert_gone_within(&family, GUARD);
            eventually("the directory is removed", || place.server_files().is_empty());
            let made = segments_made.seen();
            all += made.len();
            let left = |name: &(String, String)| segments().iter().any(|segment| segment.name == *name);
            eventually(&format!("{signal:?} after {delay_ms} ms leaks nothing of {made:?} (key, id)"), || {
                !made.iter().any(left)
            });
        }
    }
    assert!(all > 0, "no start was met while it had shared memory: the test looks at nothing");
}

#[test]
fn stopped_backends_and_their_memory_go_with_a_run_that_is_killed() {
    if !support::live("no server was started") {
        return;
    }
    let place = Place::new();
    let segments_made = Segments::watch(place.path().canonicalize().unwrap());
    let workload = Place::shipped("hot-key.toml");
    let mut run = Running::start(&mut place.command(&["run", &workload, "-b", "postgres:advisory"]));
    run.until("[1/1] ");
    sleep(Duration::from_secs(1));
    let family = run.family();
    // Each is a session of its own: no signal to a group reaches it, and stopped it hears none.
    let command = |pid: u32| fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let backends = family.iter().filter(|process| command(process.pid).starts_with("postgres: lockbench "));
    let backends: Vec<_> = backends.collect();
    assert!(backends.len() > 8, "{family:?}");
    backends.iter().take(5).for_each(|backend| backend.signal(Signal::STOP));
    // And the server itself hears nothing either.
    family.iter().find(|process| command(process.pid).contains("listen_addresses")).unwrap().signal(Signal::STOP);
    drop(run);
    assert_gone_within(&family, GUARD);
    eventually("the directory is removed", || place.server_files().is_empty());
    let made = segments_made.seen();
    let leaked: Vec<_> =
        segments().into_iter().map(|segment| segment.name).filter(|name| made.contains(name)).collect();
    assert!(!made.is_empty() && leaked.is_empty(), "{leaked:?} of {made:?}");
}

#[test]
fn a_postmaster_that_was_killed_leaves_no_shared_memory_with_the_run() {
    if !support::live("no server was started") {
        return;
    }
    let place = Place::new();
    let segments_made = Segments::watch(place.path().canonicalize().unwrap());
    let workload = Place::shipped("hot-key.toml");
    let mut run = Running::start(&mut place.command(&["run", &workload, "-b", "postgres:advisory"]));
    run.until("[1/1] ");
    sleep(Duration::from_millis(500));
    let family = run.family();
    let command = |pid: u32| fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    family.iter().find(|process| command(process.pid).contains("listen_addresses")).unwrap().signal(Signal::KILL);
    run.finish(Duration::from_secs(60)).exits(3);
    assert_gone_within(&family, GUARD);
    let made = segments_made.seen();
    let leaked: Vec<_> =
        segments().into_iter().map(|segment| segment.name).filter(|name| made.contains(name)).collect();
    assert!(!made.is_empty() && leaked.is_empty(), "{leaked:?} of {made:?}");
}

#[test]
fn a_terminal_that_is_closed_ends_plain_lines_with_143() {
    for ui in ["plain", "none", "tui"] {
        let place = Place::new();
        let workload = Place::shipped("hot-key.toml");
        let arguments = ["run", &workload, "-b", "memory", "--ui", ui, "--run-id", "closed"];
        // Its own shell's trap is not needed: the program leads the session.
        let mut pty = Pty::spawn(place.command(&arguments).env("CI", ""), 100, 30);
        let partial = place.results().join(".closed.partial/history.jsonl.gz");
        eventually("the load begins", || partial.metadata().is_ok_and(|file| file.len() > 0));
        sleep(Duration::from_millis(300));
        pty.hang_up();
        assert_eq!(pty.exit().code(), Some(143), "--ui {ui}");
        let report = place.report();
        assert_eq!((&report["complete"], &report["verdict"]["exit_code"]), (&false.into(), &143.into()), "--ui {ui}");
    }
}

#[test]
fn a_result_that_a_dead_terminal_cannot_show_is_143_and_its_files_are_whole() {
    let place = Place::new();
    let workload = Place::shipped("hot-key.toml");
    let near = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
    grantpt(&near).unwrap();
    unlockpt(&near).unwrap();
    let far = PathBuf::from(ptsname(&near, Vec::new()).unwrap().into_string().unwrap());
    let far = fs::File::options().read(true).write(true).open(far).unwrap();
    let mut run = ["run", &workload, "-b", "memory", "--ui", "none", "--run-id", "whole"].to_vec();
    run.extend(["--duration", "300ms", "--warmup", "0s"]);
    // No session of that terminal: nobody sends it a hang-up, a write fails (EIO).
    let child = place.command(&run).stdout(far).stderr(Stdio::piped()).spawn().unwrap();
    drop(near);
    let output = child.wait_with_output().unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(143), "{err}");
    assert!(err.contains("the terminal on stdout went away") && err.contains("results/whole"), "{err}");
    assert_eq!(place.entries(), ["whole"]);
    assert_eq!(place.report()["verdict"]["exit_code"], 0, "what was measured is what it is");
}

#[test]
fn a_program_that_does_not_start_is_told_with_why_no_container_serves() {
    let place = Place::new();
    let bin = place.path().join("bin");
    fs::create_dir(&bin).unwrap();
    let fake = bin.join("redis-server");
    fs::write(
        &fake,
        "#!/bin/sh\n[ \"$1\" = --version ] && exec echo Redis server v=7.0.0\necho 'no such luck'\nexit 1\n",
    )
    .unwrap();
    fs::set_permissions(&fake, fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let workload = Place::shipped("hot-key.toml");
    for command in [["run", &workload, "-b", "redis"].as_slice(), &["up", "redis"]] {
        let mut auto = place.command(command);
        auto.env("PATH", &path);
        let ran = Running::start(&mut auto).finish(Duration::from_secs(60)).exits(3);
        let said = format!("{}{}", ran.out, ran.err);
        for part in ["exit status 1", "and no container: ", "no such luck"] {
            assert!(said.contains(part), "no {part}:\n{said}");
        }
        // Where the user named the source, the other one is not tried.
        let mut local = place.command(command);
        local.args(["--stack", "local"]).env("PATH", &path);
        let ran = Running::start(&mut local).finish(Duration::from_secs(60)).exits(3);
        assert!(!format!("{}{}", ran.out, ran.err).contains("no container"), "{}", ran.out);
    }
}
