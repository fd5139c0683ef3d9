//! The sqlite recipe on real time, alone and between processes. Needs no server.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use lockbench::backend::{self, Target};
use lockbench::clock::{Clock, Timer};
use lockbench::lock::{Acquire, Deadline, Key, LockSystem, Opening, Patience, Persistence, Release, Retry, Session};
use lockbench::stop::Stop;

const MS: u64 = 1_000_000;

fn system(scratch: &Path) -> Arc<dyn LockSystem> {
    let target = Target {
        endpoints: Vec::new(),
        namespace: "test-run".to_owned(),
        ours: true,
        scratch: scratch.to_owned(),
        clock: Clock::monotonic(),
        options: Default::default(),
    };
    (backend::Registry::builtin().find("sqlite").unwrap().connect)(target).unwrap()
}

async fn open(system: &dyn LockSystem, timer: &Timer, client: u32) -> Box<dyn Session> {
    let opening = Opening {
        client,
        ttl_ns: 10_000 * MS,
        timer: timer.clone(),
        retry: Retry::Jitter { base_ns: MS, max_ns: 4 * MS },
        seed: u64::from(client),
        request_timeout_ns: 5_000 * MS,
    };
    system.open(opening).await.unwrap()
}

fn key() -> Key {
    Key { index: 0, name: "k".into() }
}

#[tokio::test]
async fn facts_are_read_from_the_database() {
    let scratch = tempfile::tempdir().unwrap();
    let facts = system(scratch.path()).facts().await.unwrap();
    let read_back = Persistence::settings(&[("journal_mode", "wal"), ("synchronous", "full")], false);
    assert_eq!(facts.durability, read_back.kept_in(scratch.path()), "{facts:?}");
}

/// Adds one to the number in the file `times` times, each time read and written
/// back under the lock; returns the tokens.
async fn count_up(scratch: &Path, client: u32, times: u32) -> Vec<u64> {
    let timer = Timer::new(Clock::monotonic());
    let system = system(scratch);
    let mut session = open(&*system, &timer, client).await;
    let counter = scratch.join("counter");
    let mut tokens = Vec::new();
    for _ in 0..times {
        let patience = Patience::Until(Deadline::new(timer.now() + 60_000 * MS, timer.clone(), Stop::new()));
        let Acquire::Acquired(grant) = session.acquire(&key(), &patience).await else { panic!("not acquired") };
        let value: u32 = std::fs::read_to_string(&counter).unwrap().trim().parse().unwrap();
        timer.sleep(MS / 10).await;
        std::fs::write(&counter, (value + 1).to_string()).unwrap();
        tokens.extend(grant.token());
        assert_eq!(session.release(grant).await, Release::Confirmed);
    }
    session.close().await;
    tokens
}

/// Not a test of its own: what the other processes of the next test run.
#[tokio::test]
async fn one_of_several_processes() {
    let Ok(scratch) = std::env::var("LOCKBENCH_TEST_SQLITE_SCRATCH") else { return };
    let scratch = Path::new(&scratch);
    for token in count_up(scratch, 0, 100).await {
        println!("token {token}");
    }
}

fn another_process(scratch: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "sqlite::one_of_several_processes", "--nocapture"])
        .env("LOCKBENCH_TEST_SQLITE_SCRATCH", scratch)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

#[tokio::test]
async fn processes_exclude_each_other_and_share_one_row_of_tokens() {
    let scratch = tempfile::tempdir().unwrap();
    std::fs::write(scratch.path().join("counter"), "0").unwrap();
    system(scratch.path()).prepare(&[key()]).await.unwrap();
    let children: Vec<Child> = (0..3).map(|_| another_process(scratch.path())).collect();
    let mut tokens = Vec::new();
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success());
        let text = String::from_utf8(output.stdout).unwrap();
        tokens.extend(text.lines().filter_map(|line| line.split("token ").nth(1)?.parse::<u64>().ok()));
    }
    assert_eq!(std::fs::read_to_string(scratch.path().join("counter")).unwrap(), "300");
    tokens.sort_unstable();
    assert_eq!(tokens, (1..=300).collect::<Vec<u64>>());
}

#[tokio::test]
async fn a_holder_of_one_system_is_seen_and_respected_by_another() {
    let scratch = tempfile::tempdir().unwrap();
    let timer = Timer::new(Clock::monotonic());
    let (here, there) = (system(scratch.path()), system(scratch.path()));
    here.prepare(&[key()]).await.unwrap();
    let (mut a, mut b) = (open(&*here, &timer, 0).await, open(&*there, &timer, 0).await);
    let Acquire::Acquired(grant) = a.acquire(&key(), &Patience::Try).await else { panic!("not acquired") };
    assert_eq!(b.acquire(&key(), &Patience::Try).await, Acquire::Refused);
    let holder = there.peek(&key()).await.unwrap().unwrap();
    assert_eq!((holder.token, holder.identity), (Some(1), format!("client 0 (pid {})", std::process::id())));
    assert_eq!(a.release(grant).await, Release::Confirmed);
    a.close().await;
    b.close().await;
}

#[tokio::test]
async fn a_directory_that_is_not_there_is_a_clear_message() {
    let system = system(Path::new("/nonexistent/directory"));
    let error = system.facts().await.unwrap_err().to_string();
    assert!(error.contains("/nonexistent/directory/test-run.sqlite") && error.contains("unable to open"), "{error}");
}
