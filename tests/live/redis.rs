//! The `redis` recipe against a real server (`LOCKBENCH_TEST_REDIS`), and against
//! servers of the test's own where it stops, stalls or configures them.

use crate::support;
use crate::support::redis_server;
use std::sync::Arc;
use std::time::Duration;

use crate::support::redis_server::RedisServer;
use lockbench::backend::{self, Target};
use lockbench::clock::{Clock, Timer};
use lockbench::lock::{
    Acquire, Deadline, Endpoint, Key, LockSystem, Opening, Patience, Release, Renewal, Retry, Session,
};
use lockbench::stop::Stop;

const MS: u64 = 1_000_000;

fn target(endpoints: Vec<Endpoint>, namespace: &str) -> Target {
    Target {
        endpoints,
        namespace: format!("lockbench-{namespace}-{}", std::process::id()),
        ours: true,
        scratch: std::env::temp_dir(),
        clock: Clock::monotonic(),
        options: Default::default(),
    }
}

fn system(endpoints: Vec<Endpoint>, namespace: &str) -> Arc<dyn LockSystem> {
    (backend::Registry::builtin().find("redis").unwrap().connect)(target(endpoints, namespace)).unwrap()
}

fn opening(client: u32, timer: &Timer) -> Opening {
    Opening {
        client,
        ttl_ns: 2_000 * MS,
        timer: timer.clone(),
        retry: Retry::Fixed { delay_ns: 2 * MS },
        seed: u64::from(client),
        request_timeout_ns: 5_000 * MS,
    }
}

fn key(name: &str) -> Key {
    Key { index: 0, name: name.into() }
}

async fn grant(session: &mut Box<dyn Session>, key: &Key) -> lockbench::lock::Grant {
    match session.acquire(key, &Patience::Try).await {
        Acquire::Acquired(grant) => grant,
        other => panic!("expected a grant, got {other:?}"),
    }
}

#[tokio::test]
async fn facts_are_read_from_the_server() {
    let Some(endpoints) = support::endpoints(backend::redis::KIND) else { return };
    let system = system(endpoints, "facts");
    let facts = system.facts().await.unwrap();
    println!("{facts:?}");
    assert_eq!((&*facts.quorum.to_string(), facts.role.as_str()), ("1 of 1", "master"));
    assert!(facts.durability.as_str().starts_with("appendonly "), "{facts:?}");
}

#[tokio::test]
async fn a_wrong_password_is_reported_without_the_password() {
    let Some(server) = RedisServer::start(&["--requirepass", "right-one"]) else { return };
    let wrong = Endpoint::new(format!("redis://:wr0ng-s3cret@127.0.0.1:{}", server.port));
    let system_with = |endpoint| system(vec![endpoint], "auth");
    let error = system_with(wrong).facts().await.unwrap_err().to_string();
    assert!(error.contains("authentication failed") && error.contains(&server.port.to_string()), "{error}");
    assert!(!error.contains("wr0ng-s3cret"), "{error}");
    let right = Endpoint::new(format!("redis://:right-one@127.0.0.1:{}/2", server.port));
    assert!(system_with(right).facts().await.is_ok());
}

#[tokio::test]
async fn an_unreachable_server_is_named() {
    let address = format!("127.0.0.1:{}", redis_server::free_port());
    let error = system(vec![Endpoint::new(format!("redis://{address}"))], "gone").facts().await.unwrap_err();
    assert!(error.to_string().contains(&address) && error.to_string().contains("is the server running?"), "{error}");
}

#[tokio::test]
async fn an_answer_that_takes_600_ms_is_awaited() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let system = system(vec![server.endpoint()], "stall");
    let timer = Timer::new(Clock::monotonic());
    let mut session = system.open(opening(0, &timer)).await.unwrap();
    server.stop();
    let begin = timer.now();
    let resume = async {
        tokio::time::sleep(Duration::from_millis(600)).await;
        server.resume();
    };
    let hot = key("hot");
    let (outcome, ()) = tokio::join!(session.acquire(&hot, &Patience::Try), resume);
    assert!(matches!(outcome, Acquire::Acquired(_)), "{outcome:?}");
    assert!(timer.now() - begin >= 600 * MS);
}

#[tokio::test]
async fn a_request_that_is_answered_too_late_is_unknown_and_leaves_no_ghost() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let system = system(vec![server.endpoint()], "late");
    let timer = Timer::new(Clock::monotonic());
    let short = Opening { request_timeout_ns: 200 * MS, ..opening(0, &timer) };
    let mut session = system.open(short).await.unwrap();
    let mut other = system.open(opening(1, &timer)).await.unwrap();
    server.stop();
    let hot = key("hot");
    let outcome = session.acquire(&hot, &Patience::Try).await;
    let now = timer.now();
    match outcome {
        Acquire::Unknown { surely_ended_ns, .. } => assert!(surely_ended_ns >= now + 2_000 * MS),
        other => panic!("expected unknown, got {other:?}"),
    }
    server.resume();
    // The ghost's request is executed now, and its withdrawal right behind it.
    let patience = Patience::Until(Deadline::new(timer.now() + 1_000 * MS, timer.clone(), Stop::new()));
    let outcome = other.acquire(&hot, &patience).await;
    assert!(matches!(outcome, Acquire::Acquired(_)), "{outcome:?}");
    let holder = system.peek(&hot).await.unwrap().unwrap();
    assert!(holder.identity.starts_with("client 1 "), "{holder:?}");
}

#[tokio::test]
async fn a_killed_server_is_unavailable_and_a_restarted_one_is_used_again() {
    let Some(mut server) = RedisServer::start(&[]) else { return };
    let system = system(vec![server.endpoint()], "kill");
    let timer = Timer::new(Clock::monotonic());
    let mut session = system.open(opening(0, &timer)).await.unwrap();
    let hot = key("hot");
    let mut held = grant(&mut session, &hot).await;
    server.kill();
    // The session's own task learns of the loss before the next request.
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(matches!(session.renew(&mut held).await, Renewal::Unavailable(_)));
    assert!(matches!(session.release(held).await, Release::Unavailable { .. }));
    let outcome = session.acquire(&hot, &Patience::Try).await;
    assert!(matches!(outcome, Acquire::Unavailable(_)), "{outcome:?}");
    assert_eq!(session.lost_at(), None);
    server.start_again();
    // Its memory and scripts are gone; the session loads them anew.
    let held = grant(&mut session, &hot).await;
    assert_eq!(session.release(held).await, Release::Confirmed);
}

#[tokio::test]
async fn a_flushed_script_cache_costs_one_request_and_no_attempt() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let system = system(vec![server.endpoint()], "flush");
    let timer = Timer::new(Clock::monotonic());
    let mut session = system.open(opening(0, &timer)).await.unwrap();
    let hot = key("hot");
    let held = grant(&mut session, &hot).await;
    assert_eq!(session.release(held).await, Release::Confirmed);
    assert_eq!(session.requests(), 2);
    let mut raw = redis::Client::open(server.endpoint().secret_url()).unwrap();
    let () = redis::cmd("SCRIPT").arg("FLUSH").query(&mut raw).unwrap();
    let held = grant(&mut session, &hot).await;
    assert_eq!(held.token(), Some(2));
    assert_eq!(session.release(held).await, Release::Confirmed);
    assert_eq!(session.requests(), 6, "both scripts were sent twice");
}

#[tokio::test]
async fn a_refusal_by_the_server_is_unavailable() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let system = system(vec![server.endpoint()], "oom");
    let timer = Timer::new(Clock::monotonic());
    let mut session = system.open(opening(0, &timer)).await.unwrap();
    let hot = key("hot");
    let mut raw = redis::Client::open(server.endpoint().secret_url()).unwrap();
    let () = redis::cmd("CONFIG").arg("SET").arg("maxmemory").arg("1").query(&mut raw).unwrap();
    match session.acquire(&hot, &Patience::Try).await {
        Acquire::Unavailable(reason) => assert!(reason.starts_with("OOM"), "{reason}"),
        other => panic!("expected unavailable, got {other:?}"),
    }
    assert_eq!(system.peek(&hot).await.unwrap(), None);
}

#[tokio::test]
async fn tls_needs_the_right_authority() {
    let Some(server) = RedisServer::start_tls() else { return };
    let plain = format!("rediss://localhost:{}", server.port);
    let error = system(vec![Endpoint::new(plain.clone())], "tls").facts().await.unwrap_err().to_string();
    assert!(error.contains("?ca="), "{error}");
    let trusted = Endpoint::new(format!("{plain}?ca={}", server.directory.path().join("ca.crt").display()));
    let system = system(vec![trusted], "tls");
    let facts = system.facts().await.unwrap();
    assert!(!facts.version.is_empty());
    let timer = Timer::new(Clock::monotonic());
    let mut session = system.open(opening(0, &timer)).await.unwrap();
    let held = grant(&mut session, &key("hot")).await;
    assert_eq!(session.release(held).await, Release::Confirmed);
}
