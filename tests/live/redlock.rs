//! The `redlock` recipe against real servers (`LOCKBENCH_TEST_REDLOCK`), and
//! against nodes of the test's own that it stops and kills.

use crate::support;
use std::sync::Arc;

use crate::support::redis_server::RedisServer;
use lockbench::backend::{self, Target};
use lockbench::clock::{Clock, Timer};
use lockbench::lock::{
    Acquire, Deadline, Endpoint, Key, LockSystem, Opening, Patience, Release, Renewal, Retry, Session,
};
use lockbench::stop::Stop;

const MS: u64 = 1_000_000;

fn system(endpoints: Vec<Endpoint>, namespace: &str) -> Arc<dyn LockSystem> {
    let target = Target {
        endpoints,
        namespace: format!("lockbench-{namespace}-{}", std::process::id()),
        ours: true,
        scratch: std::env::temp_dir(),
        clock: Clock::monotonic(),
        options: Default::default(),
    };
    (backend::Registry::builtin().find("redlock").unwrap().connect)(target).unwrap()
}

fn five() -> Option<Vec<RedisServer>> {
    (0..5).map(|_| RedisServer::start(&[])).collect()
}

fn endpoints(servers: &[RedisServer]) -> Vec<Endpoint> {
    servers.iter().map(RedisServer::endpoint).collect()
}

fn opening(client: u32, timer: &Timer) -> Opening {
    Opening {
        client,
        ttl_ns: 5_000 * MS,
        timer: timer.clone(),
        retry: Retry::Jitter { base_ns: MS, max_ns: 8 * MS },
        seed: u64::from(client),
        request_timeout_ns: 5_000 * MS,
    }
}

fn within(timer: &Timer, ns: u64) -> Patience {
    Patience::Until(Deadline::new(timer.now() + ns, timer.clone(), Stop::new()))
}

fn hot() -> Key {
    Key { index: 0, name: "hot".into() }
}

/// One cycle; returns how long acquire and release took.
async fn cycle(session: &mut Box<dyn Session>, timer: &Timer) -> (u64, u64) {
    let begin = timer.now();
    let grant = match session.acquire(&hot(), &within(timer, 1_000 * MS)).await {
        Acquire::Acquired(grant) => grant,
        other => panic!("expected a grant, got {other:?}"),
    };
    let acquired = timer.now();
    assert_eq!(session.release(grant).await, Release::Confirmed);
    (acquired - begin, timer.now() - acquired)
}

/// Fifty cycles, hardly any of which takes as long as the node timeout of 50 ms; a
/// busy machine is forgiven a few.
async fn prompt_cycles(session: &mut Box<dyn Session>, timer: &Timer) {
    let mut slow = 0;
    for _ in 0..50 {
        let (acquire, release) = cycle(session, timer).await;
        slow += u32::from(acquire.max(release) >= 45 * MS);
        timer.sleep(2 * MS).await;
    }
    assert!(slow <= 5, "{slow} of 50 cycles waited for the node that is away");
}

/// Ours on each node, by name.
fn leftovers(servers: &[RedisServer]) -> Vec<String> {
    let keys = |server: &RedisServer| -> Vec<String> {
        let mut raw = redis::Client::open(server.endpoint().secret_url()).unwrap();
        redis::cmd("KEYS").arg("*lockbench*").query(&mut raw).unwrap()
    };
    servers.iter().flat_map(keys).collect()
}

/// Another client's key on this node.
fn hold_elsewhere(server: &RedisServer) {
    let name = format!("lockbench:{{lockbench-minority-{}:hot}}:lock", std::process::id());
    let mut raw = redis::Client::open(server.endpoint().secret_url()).unwrap();
    let () = redis::cmd("SET").arg(name).arg("another").query(&mut raw).unwrap();
}

#[tokio::test]
async fn facts_are_read_from_the_server() {
    let Some(endpoints) = support::endpoints(backend::redlock::KIND) else { return };
    let system = system(endpoints, "facts");
    let facts = system.facts().await.unwrap();
    println!("{facts:?}");
    assert!(facts.quorum.to_string().contains(" of "), "{facts:?}");
    assert!(facts.role.ends_with(" independent nodes, each master"), "{facts:?}");
}

#[tokio::test]
async fn a_stalled_node_does_not_stall_anybody() {
    let Some(servers) = five() else { return };
    let system = system(endpoints(&servers), "stopped");
    let timer = Timer::new(Clock::monotonic());
    let mut session = system.open(opening(0, &timer)).await.unwrap();
    cycle(&mut session, &timer).await;
    servers[1].stop();
    prompt_cycles(&mut session, &timer).await;
    // A session that opens now is not held up either, and gets its fifth node later.
    let begin = timer.now();
    let mut late = system.open(opening(1, &timer)).await.unwrap();
    assert!(timer.now() - begin < 1_000 * MS);
    cycle(&mut late, &timer).await;
    servers[1].resume();
    timer.sleep(200 * MS).await;
    // Everything that was owed has been executed in order: nothing is left anywhere.
    assert_eq!(leftovers(&servers), Vec::<String>::new());
    // And the node takes part again: with two others down a quorum needs it.
    cycle(&mut session, &timer).await;
    servers[3].stop();
    servers[4].stop();
    cycle(&mut session, &timer).await;
}

#[tokio::test]
async fn a_killed_node_is_done_without_and_taken_back() {
    let Some(mut servers) = five() else { return };
    let system = system(endpoints(&servers), "killed");
    let timer = Timer::new(Clock::monotonic());
    let mut session = system.open(opening(0, &timer)).await.unwrap();
    cycle(&mut session, &timer).await;
    servers[2].kill();
    prompt_cycles(&mut session, &timer).await;
    servers[2].start_again();
    timer.sleep(400 * MS).await;
    servers[0].kill();
    servers[4].kill();
    timer.sleep(20 * MS).await;
    cycle(&mut session, &timer).await;
    servers[3].kill();
    timer.sleep(20 * MS).await;
    match session.acquire(&hot(), &within(&timer, 200 * MS)).await {
        Acquire::Unavailable(reason) => assert!(reason.contains("2 of 5"), "{reason}"),
        other => panic!("expected unavailable, got {other:?}"),
    }
}

#[tokio::test]
async fn a_minority_is_given_back_after_a_failed_try() {
    let Some(servers) = five() else { return };
    let system = system(endpoints(&servers), "minority");
    let timer = Timer::new(Clock::monotonic());
    let mut session = system.open(opening(0, &timer)).await.unwrap();
    for server in &servers[..3] {
        hold_elsewhere(server);
    }
    assert_eq!(session.acquire(&hot(), &Patience::Try).await, Acquire::Refused);
    assert_eq!(session.requests(), 10, "five tries and five releases");
    session.close().await;
    assert_eq!(leftovers(&servers).len(), 3, "only the other's keys are left");
}

#[tokio::test]
async fn a_silent_majority_leaves_the_outcome_unknown_and_no_ghost() {
    let Some(servers) = five() else { return };
    let system = system(endpoints(&servers), "silent");
    let timer = Timer::new(Clock::monotonic());
    let mut session = system.open(opening(0, &timer)).await.unwrap();
    servers[..3].iter().for_each(RedisServer::stop);
    match session.acquire(&hot(), &Patience::Try).await {
        Acquire::Unknown { surely_ended_ns, .. } => assert!(surely_ended_ns >= timer.now() + 5_000 * MS),
        other => panic!("expected unknown, got {other:?}"),
    }
    servers[..3].iter().for_each(RedisServer::resume);
    timer.sleep(100 * MS).await;
    assert_eq!(leftovers(&servers), Vec::<String>::new());
}

#[tokio::test]
async fn a_lost_majority_of_holders_is_told() {
    let Some(mut servers) = five() else { return };
    let system = system(endpoints(&servers), "lost");
    let timer = Timer::new(Clock::monotonic());
    let mut session = system.open(opening(0, &timer)).await.unwrap();
    let Acquire::Acquired(mut grant) = session.acquire(&hot(), &Patience::Try).await else { panic!("no grant") };
    // Three nodes forget everything.
    for server in &mut servers[..3] {
        server.kill();
        server.start_again();
    }
    timer.sleep(400 * MS).await;
    // Brings the connections up to date; the first answer may still be a lost one.
    let _ = session.renew(&mut grant).await;
    timer.sleep(200 * MS).await;
    assert_eq!(session.renew(&mut grant).await, Renewal::Refused);
    assert_eq!(session.release(grant).await, Release::NotOwner);
}

#[test]
fn too_few_and_repeated_nodes_are_refused_before_anybody_is_contacted() {
    let connect = |urls: &[&str]| {
        let target = Target {
            endpoints: urls.iter().map(|url| Endpoint::new(*url)).collect(),
            namespace: "lockbench-x".to_owned(),
            ours: false,
            scratch: std::env::temp_dir(),
            clock: Clock::monotonic(),
            options: Default::default(),
        };
        (backend::Registry::builtin().find("redlock").unwrap().connect)(target)
            .err()
            .map(|error| error.to_string())
            .unwrap()
    };
    assert!(connect(&["redis://a:1", "redis://b:2"]).contains("2 nodes; needs 3"));
    assert!(connect(&["redis://a:1", "redis://b:2", "redis://:pw@a:1"]).contains("a:1 is given twice"));
}
