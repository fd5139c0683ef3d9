//! The stack against real servers, and against programs that misbehave. The
//! rule behind most of it: whatever happens, no process and no directory stays.

use crate::support;
use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use lockbench::backend::ServerKind;
use lockbench::stack::{LocalStack, Options, Probe, Search, Server, StartError, probe};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};

fn start_all() -> Vec<Server> {
    let started = LocalStack::start(ServerKind::all(), &Options::default());
    started.into_iter().map(|(kind, server)| server.unwrap_or_else(|error| panic!("{kind}: {error}"))).collect()
}

fn start_one(kind: ServerKind, options: &Options) -> Result<Server, StartError> {
    LocalStack::start(&[kind], options).remove(0).1
}

/// Neither running nor stopped: a zombie waits for its parent only.
fn gone(pid: u32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat"))
        .map_or(true, |stat| stat.rsplit_once(')').is_some_and(|(_, rest)| rest.trim_start().starts_with('Z')))
}

fn eventually(what: &str, limit: Duration, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + limit;
    while !holds() {
        assert!(Instant::now() < end, "not within {limit:?}: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn pid(number: u32) -> Pid {
    Pid::from_raw(i32::try_from(number).unwrap()).unwrap()
}

/// A directory that a server's user can enter, with an executable `redis-server`.
fn fake_redis(script: &str) -> (tempfile::TempDir, Options) {
    let dir = tempfile::tempdir().unwrap();
    fs::set_permissions(dir.path(), Permissions::from_mode(0o755)).unwrap();
    let path = dir.path().join("redis-server");
    fs::write(&path, format!("#!/bin/sh\n[ \"$1\" = --version ] && exec echo Redis server v=0.0.0\n{script}\n"))
        .unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
    let search = Search::from_env().with("LOCKBENCH_REDIS_SERVER", path);
    let options = Options { search, ready_within: Duration::from_secs(10), ..Options::default() };
    (dir, options)
}

#[test]
fn every_kind_starts_answers_and_leaves_nothing() {
    if !support::live("no server was started") {
        return;
    }
    let servers = start_all();
    let dir = servers[0].directory().unwrap().to_owned();
    let mut pids = Vec::new();
    for server in &servers {
        let expected = match server.kind() {
            kind if kind == lockbench::backend::redlock::KIND => 5,
            kind if kind == lockbench::backend::sentinel::KIND => 6,
            _ => 1,
        };
        assert_eq!(server.endpoints().len(), expected, "{server:?}");
        for endpoint in server.endpoints() {
            TcpStream::connect(endpoint.host_port()).unwrap();
        }
        assert!(server.pids().len() >= expected, "{server:?}");
        pids.extend(server.pids());
        assert_eq!(server.died(), None);
        let usage = server.usage().unwrap();
        assert!(usage.rss_bytes > 1 << 20, "{server:?} {usage:?}");
        assert!(server.version().starts_with(|c: char| c.is_ascii_digit()), "{server:?} {}", server.version());
        assert!(server.log_tail().lines().count() > expected, "{server:?} {}", server.log_tail());
        assert!(!format!("{server:?}").contains("lockbench:"), "a password is shown: {server:?}");
    }
    for server in &servers {
        server.stop();
        server.stop();
        assert_eq!(server.died(), None, "stopped is not dead");
        assert_eq!(server.usage(), None);
    }
    assert!(
        pids.iter().all(|pid| gone(*pid)),
        "still there: {:?}",
        pids.iter().filter(|pid| !gone(**pid)).collect::<Vec<_>>()
    );
    assert!(dir.exists());
    drop(servers);
    assert!(!dir.exists(), "{}", dir.display());
}

#[test]
fn no_server_runs_as_root() {
    if !support::live("no server was started") {
        return;
    }
    for server in start_all() {
        for pid in server.pids() {
            let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
            let uids = status.lines().find_map(|line| line.strip_prefix("Uid:")).unwrap();
            assert!(uids.split_ascii_whitespace().all(|uid| uid != "0"), "{server:?} {uids}");
            let groups = status.lines().find_map(|line| line.strip_prefix("Groups:")).unwrap();
            assert!(groups.split_ascii_whitespace().all(|gid| gid != "0"), "{server:?} {groups}");
        }
    }
}

#[test]
fn death_in_the_middle_is_told_with_the_log() {
    if !support::live("no server was started") {
        return;
    }
    for server in start_all() {
        assert_eq!(server.died(), None);
        let pids = server.pids();
        // The first of a group is its leader: the postmaster, not a child. It gets
        // "immediate shutdown", because a killed one leaves its shared memory.
        let (signal, end) = match server.kind() {
            kind if kind == lockbench::backend::postgres::KIND => (Signal::QUIT, "exit status"),
            _ => (Signal::KILL, "killed by signal 9"),
        };
        kill_process(pid(pids[0]), signal).unwrap();
        let mut told = None;
        eventually("the death is noticed", Duration::from_secs(5), || {
            told = server.died();
            told.is_some()
        });
        let told = told.unwrap();
        assert!(told.contains(end) && told.contains(server.kind().name()), "{told}");
        assert!(told.contains("\n    | "), "no log line: {told}");
        assert_eq!(server.usage(), None);
        drop(server);
        eventually("all are gone", Duration::from_secs(5), || pids.iter().all(|pid| gone(*pid)));
    }
}

#[test]
fn a_paused_server_is_silent_resumes_and_can_be_stopped() {
    if !support::live("no server was started") {
        return;
    }
    let server = start_one(lockbench::backend::redis::KIND, &Options::default()).unwrap();
    let ping = || {
        use std::io::{Read, Write};
        let mut stream = TcpStream::connect(server.endpoints()[0].host_port()).unwrap();
        stream.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
        stream.write_all(b"PING\r\n").unwrap();
        let mut answer = [0; 7];
        stream.read_exact(&mut answer).is_ok()
    };
    assert!(ping());
    server.pause().unwrap();
    assert!(!ping());
    assert_eq!(server.died(), None, "paused is not dead");
    server.resume().unwrap();
    assert!(ping());
    server.pause().unwrap();
    let pids = server.pids();
    drop(server);
    assert!(pids.iter().all(|pid| gone(*pid)));
}

#[test]
fn a_panic_leaves_nothing() {
    if !support::live("no server was started") {
        return;
    }
    let (sender, receiver) = std::sync::mpsc::channel();
    let thread = std::thread::spawn(move || {
        let servers = start_all();
        let pids: Vec<u32> = servers.iter().flat_map(Server::pids).collect();
        sender.send((pids, servers[0].directory().unwrap().to_owned())).unwrap();
        panic!("on purpose");
    });
    assert!(thread.join().is_err());
    let (pids, dir) = receiver.recv().unwrap();
    assert!(pids.len() >= 9 && pids.iter().all(|pid| gone(*pid)), "{pids:?}");
    assert!(!dir.exists());
}

/// Not a test of its own: the process that the next test kills.
#[test]
#[ignore = "a helper of when_we_are_killed_nothing_stays, which runs it"]
fn helper_holds_servers() {
    if std::env::var_os("LOCKBENCH_STACK_HELPER").is_none() {
        return;
    }
    // From a thread that ends at once: servers must not hang on their thread.
    let servers = std::thread::spawn(start_all).join().unwrap();
    std::thread::sleep(Duration::from_millis(300));
    assert!(servers.iter().all(|server| server.died().is_none()));
    for server in &servers {
        server.pids().iter().for_each(|pid| println!("PID {pid}"));
    }
    // One that cannot react: frozen when we die.
    servers[0].pause().unwrap();
    println!("DIR {}", servers[0].directory().unwrap().display());
    std::thread::sleep(Duration::from_secs(60));
}

#[test]
fn when_we_are_killed_nothing_stays() {
    if !support::live("no server was started") {
        return;
    }
    for (signal, whole_group) in [(Signal::KILL, false), (Signal::KILL, true), (Signal::INT, true), (Signal::HUP, true)]
    {
        let mut helper = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "stack::helper_holds_servers", "--ignored", "--nocapture", "--test-threads=1"])
            .env("LOCKBENCH_STACK_HELPER", "1")
            .stdout(Stdio::piped())
            .process_group(0)
            .spawn()
            .unwrap();
        let (mut pids, mut dir) = (Vec::new(), PathBuf::new());
        for line in BufReader::new(helper.stdout.take().unwrap()).lines() {
            let line = line.unwrap();
            if let Some((_, number)) = line.split_once("PID ") {
                pids.push(number.parse::<u32>().unwrap());
            } else if let Some((_, path)) = line.split_once("DIR ") {
                dir = PathBuf::from(path);
                break;
            }
        }
        assert!(pids.len() >= 9 && pids.iter().all(|pid| !gone(*pid)), "{pids:?}");
        assert!(dir.exists());
        let leader = pid(helper.id());
        if whole_group { kill_process_group(leader, signal) } else { kill_process(leader, signal) }.unwrap();
        helper.wait().unwrap();
        eventually("all servers are gone", Duration::from_secs(6), || pids.iter().all(|pid| gone(*pid)));
        eventually("the directory is gone", Duration::from_secs(3), || !dir.exists());
    }
}

#[test]
fn a_server_that_dies_at_start_is_quoted() {
    let (dir, options) =
        fake_redis("for n in 1 2 3 4 5 6 7 8 9 10 11 12; do echo \"line $n\"; done; echo 'Bad directive' >&2; exit 3");
    let options = Options { parent: dir.path().to_owned(), ..options };
    let error = start_one(lockbench::backend::redis::KIND, &options).unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, StartError::Died { .. }), "{text}");
    for part in ["redis-server", "exit status 3", "port ", "Bad directive", "line 4", "--endpoint redis=URL"] {
        assert!(text.contains(part), "\"{part}\" is not in: {text}");
    }
    assert!(!text.contains("line 3\n"), "more than ten lines: {text}");
    let left: Vec<_> = fs::read_dir(dir.path()).unwrap().flatten().map(|entry| entry.file_name()).collect();
    assert_eq!(left, ["redis-server"], "a directory stayed");
}

#[test]
fn a_server_that_never_answers_is_given_up_and_killed() {
    let (dir, mut options) = fake_redis("trap '' TERM; echo $$; echo only words; while :; do sleep 1; done");
    options.ready_within = Duration::from_millis(500);
    options.parent = dir.path().to_owned();
    options.keep = true;
    let error = start_one(lockbench::backend::redis::KIND, &options).unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, StartError::NotReady { .. }), "{text}");
    assert!(text.contains("only words") && text.contains("127.0.0.1:"), "{text}");
    let number = text.lines().find_map(|line| line.trim().strip_prefix("| ")?.parse::<u32>().ok()).unwrap();
    assert!(gone(number), "{number} still runs");
}

#[test]
fn a_start_can_be_interrupted() {
    let (_dir, options) = fake_redis("exec sleep 60");
    let stop = options.stop.clone();
    let start = Instant::now();
    let stopping = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(100));
        stop.drain();
    });
    let error = start_one(lockbench::backend::redis::KIND, &options).unwrap_err();
    stopping.join().unwrap();
    assert!(matches!(error, StartError::Interrupted { .. }), "{error}");
    assert!(start.elapsed() < Duration::from_secs(5));
}

#[test]
fn a_lost_port_is_tried_once_more_and_then_named() {
    let (_dir, options) = fake_redis("echo tried; echo 'bind: Address already in use'; exit 1");
    let error = start_one(lockbench::backend::redis::KIND, &options).unwrap_err();
    let StartError::PortTaken { port, .. } = error else { panic!("{error}") };
    assert!(error.to_string().contains(&format!("port {port}")), "{error}");
}

#[test]
fn a_lost_port_does_no_harm_when_the_second_try_works() {
    if !support::live("no server was started") {
        return;
    }
    let Probe::Found { binary, .. } = probe(lockbench::backend::redis::KIND) else { panic!("no redis-server") };
    // The second try has another directory, hence the mark outside of it.
    let (dir, options) = fake_redis(&format!(
        "mark=\"$(dirname \"$0\")/mark\"\n[ -f \"$mark\" ] && exec {} \"$@\"\n: >\"$mark\"\necho 'bind: Address already in use'; exit 1",
        binary.display()
    ));
    fs::set_permissions(dir.path(), Permissions::from_mode(0o777)).unwrap();
    let server = start_one(lockbench::backend::redis::KIND, &options).unwrap();
    assert_eq!(server.died(), None);
}

#[test]
fn another_process_that_answers_on_the_port_is_not_taken_for_ours() {
    if !support::live("no server was started") {
        return;
    }
    // The program hands its port to a real server that is neither in its group nor
    // its descendant (it waits for the end of the subshell that forked it) and stays
    // alive without listening: as if somebody else had been faster.
    let Probe::Found { binary, .. } = probe(lockbench::backend::redis::KIND) else { panic!("no redis-server") };
    let (dir, options) = fake_redis(&format!(
        "alone=\"$(dirname \"$0\")/alone.$$\"\n\
         (setsid sh -c 'while [ ! -e \"$0\" ]; do sleep 0.02; done; exec {} \"$@\"' \"$alone\" \"$@\" & \
         echo $! >>\"$(dirname \"$0\")/others\")\n\
         : >\"$alone\"\nexec sleep 60",
        binary.display()
    ));
    fs::set_permissions(dir.path(), Permissions::from_mode(0o777)).unwrap();
    let result = start_one(lockbench::backend::redis::KIND, &options);
    for other in fs::read_to_string(dir.path().join("others")).unwrap().lines() {
        // Not TERM: redis refuses to end when it cannot save, and its directory is gone.
        let _ = kill_process(pid(other.parse().unwrap()), Signal::KILL);
    }
    let error = result.unwrap_err();
    assert!(matches!(error, StartError::PortTaken { .. }), "{error}");
}

#[test]
fn a_missing_program_is_named_with_what_installs_it() {
    let search = Search::from_env().with("LOCKBENCH_REDIS_SERVER", "/nowhere/redis-server");
    let options = Options { search, ..Options::default() };
    let text = start_one(lockbench::backend::redlock::KIND, &options).unwrap_err().to_string();
    assert!(text.contains("/nowhere/redis-server") && text.contains("apt-get install redis-server"), "{text}");
}

#[test]
fn an_unusable_directory_is_named() {
    let options = Options { parent: PathBuf::from("/nowhere/at/all"), ..Options::default() };
    for (kind, result) in LocalStack::start(ServerKind::all(), &options) {
        let text = result.unwrap_err().to_string();
        assert!(text.contains("/nowhere/at/all") && text.contains("TMPDIR"), "{kind}: {text}");
    }
}

#[test]
fn a_directory_is_kept_when_asked() {
    if !support::live("no server was started") {
        return;
    }
    let parent = tempfile::tempdir().unwrap();
    fs::set_permissions(parent.path(), Permissions::from_mode(0o755)).unwrap();
    let options = Options { parent: parent.path().to_owned(), keep: true, ..Options::default() };
    let server = start_one(lockbench::backend::redis::KIND, &options).unwrap();
    let dir = server.directory().unwrap().to_owned();
    drop(server);
    let log = fs::read_to_string(dir.join("redis-0.log")).unwrap();
    assert!(log.contains("Ready to accept connections"), "{log}");
}

#[test]
fn the_support_starts_one_server_a_kind_and_process() {
    let (Some(first), Some(second)) =
        (support::endpoints(lockbench::backend::redlock::KIND), support::endpoints(lockbench::backend::redlock::KIND))
    else {
        return;
    };
    assert_eq!(first, second);
    for endpoint in first {
        TcpStream::connect(endpoint.host_port()).unwrap();
    }
}

#[test]
fn a_stopped_backend_of_postgres_ends_with_its_server() {
    if !support::live("no server was started") {
        return;
    }
    let server = start_one(lockbench::backend::postgres::KIND, &Options::default()).unwrap();
    let url = server.endpoints()[0].secret_url().to_owned();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    // Of a session of its own, and so of no group that is signalled as a whole.
    let (backend, _client) = runtime.block_on(async {
        let (client, driver) = tokio_postgres::connect(&url, tokio_postgres::NoTls).await.unwrap();
        tokio::spawn(driver);
        let row = client.query_one("select pg_backend_pid()", &[]).await.unwrap();
        (u32::try_from(row.get::<_, i32>(0)).unwrap(), client)
    });
    kill_process(pid(backend), Signal::STOP).unwrap();
    drop(server);
    eventually("the stopped backend ends", Duration::from_secs(10), || gone(backend));
}
