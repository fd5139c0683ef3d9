//! Servers that are programs of this machine, paused, killed and started again while clients
//! use them: what the clients see, and what the node says of itself.

use crate::support;
use std::thread::sleep;

use crate::support::cli::Place;
use crate::support::disturbed::{Load, SILENCE, silences};
use lockbench::backend::ServerKind;
use lockbench::stack::{LocalStack, Node, Options, Server, StartError};

/// The shortest that etcd grants: what was granted when the server ended and is on its disk
/// lapses so long after the start.
const TTL: [&str; 2] = ["--set", "ttl=2s"];

/// A server of this test's own, which it may disturb.
fn started(kind: ServerKind) -> Option<Server> {
    if !support::live("no server was started") {
        return None;
    }
    match LocalStack::start(&[kind], &Options::default()).remove(0).1 {
        Ok(server) => Some(server),
        Err(missing @ StartError::Missing { .. }) => {
            support::skip(&missing.to_string());
            None
        }
        Err(error) => panic!("{error}"),
    }
}

/// A pause and a kill under load: two silences, and grants after each. `exit`: what the
/// interrupted run makes of it.
fn disturb(node: &dyn Node, kind: ServerKind, exit: i32) {
    let load = Load::on(Place::command, kind.name(), node.endpoint().secret_url(), &TTL);
    let before = node.usage().unwrap();
    assert!(before.cpu_s > 0.0 && before.rss_bytes > 1 << 20, "{before:?}");

    node.pause().unwrap();
    node.pause().unwrap();
    sleep(SILENCE);
    assert_eq!(node.died(), None, "paused is not dead");
    node.resume().unwrap();
    node.resume().unwrap();
    load.goes_on("after the pause");

    // A restart ends a pause too.
    node.pause().unwrap();
    node.restart().unwrap();
    load.goes_on("after the restart");

    let old = node.pids();
    node.kill().unwrap();
    assert_eq!((node.died(), node.pids()), (None, Vec::new()), "it was told to");
    assert!(node.usage().is_none());
    for refused in [node.pause(), node.resume(), node.kill()] {
        assert!(refused.unwrap_err().to_string().contains("the server has ended"));
    }
    sleep(SILENCE);
    node.restart().unwrap();
    assert!(node.pids().iter().all(|pid| !old.contains(pid)) && !node.pids().is_empty() && node.died().is_none());
    assert!(node.usage().unwrap().cpu_s >= before.cpu_s, "what the killed one used is forgotten");
    load.goes_on("after the kill");
    assert_eq!(node.died(), None);
    assert!(node.disconnect().unwrap_err().to_string().contains("use --stack docker"));
    node.connect().unwrap();
    let seconds = load.end(exit);
    assert!(silences(&seconds) >= 2, "a pause and a kill are two silences: {seconds:?}");
    assert!(seconds.iter().any(|second| second.failed > 0), "no attempt failed: {seconds:?}");
}

#[test]
fn clients_see_a_redis_of_this_machine_paused_killed_and_restarted() {
    let Some(server) = started(lockbench::backend::redis::KIND) else { return };
    // Nothing is on its disk: tokens begin at 1 again, and the oracle sees that.
    disturb(server.nodes().next().unwrap(), lockbench::backend::redis::KIND, 100);
}

#[test]
fn clients_see_an_etcd_of_this_machine_paused_killed_and_restarted_with_its_data() {
    let Some(server) = started(lockbench::backend::etcd::KIND) else { return };
    let node = server.nodes().next().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let connect = || etcd_client::Client::connect([node.endpoint().host_port()], None);
    runtime.block_on(async { connect().await.unwrap().put("before", "the kill", None).await.unwrap() });
    disturb(node, lockbench::backend::etcd::KIND, 130);
    let kept = runtime.block_on(async { connect().await.unwrap().get("before", None).await.unwrap() });
    assert_eq!(kept.kvs()[0].value(), b"the kill");
}

/// What these processes have in shared memory that outlives them: names of files, and ids of System V segments.
fn shared_memory(pids: &[u32]) -> Vec<String> {
    let maps: String =
        pids.iter().filter_map(|pid| std::fs::read_to_string(format!("/proc/{pid}/maps")).ok()).collect();
    let of = |line: &str| {
        let mut fields = line.split_ascii_whitespace();
        let (id, name) = (fields.nth(4)?, fields.next()?);
        let file = name.starts_with("/dev/shm/PostgreSQL.").then(|| name.to_owned());
        file.or_else(|| name.starts_with("/SYSV").then(|| id.to_owned()))
    };
    maps.lines().filter_map(of).collect()
}

#[test]
fn a_postgres_that_is_killed_leaves_no_shared_memory() {
    let Some(server) = started(lockbench::backend::postgres::KIND) else { return };
    let node = server.nodes().next().unwrap();
    let gone = |had: &[String]| {
        assert!(had.iter().any(|one| one.starts_with('/')) && had.iter().any(|one| !one.starts_with('/')), "{had:?}");
        // A segment that was removed is listed until the last process that had it has died, which takes a busy machine a
        // moment.
        let mut left: Vec<&String> = had.iter().collect();
        for _ in 0..100 {
            let segments = std::fs::read_to_string("/proc/sysvipc/shm").unwrap();
            let listed = |one: &str| segments.lines().any(|line| line.split_ascii_whitespace().nth(1) == Some(one));
            left.retain(|one| listed(one) || std::path::Path::new(one).exists());
            if left.is_empty() {
                return;
            }
            sleep(std::time::Duration::from_millis(100));
        }
        panic!("{left:?} are left");
    };
    let had = shared_memory(&node.pids());
    node.kill().unwrap();
    gone(&had);
    // With its data it starts all the same, without it anew.
    node.restart().unwrap();
    let had = shared_memory(&node.pids());
    node.restart_empty().unwrap();
    gone(&had);
    // Somebody else ends it: then what its first process had is known.
    let had = shared_memory(&node.pids().into_iter().min().into_iter().collect::<Vec<_>>());
    for pid in node.pids() {
        let pid = rustix::process::Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
    }
    drop(server);
    gone(&had);
}
