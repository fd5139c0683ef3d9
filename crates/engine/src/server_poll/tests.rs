//! What a poll finds, and that the thread that measures does not wait for it.

#![allow(clippy::unwrap_used, reason = "for tests")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::{Asked, Polled, ServerPoll};
use lockbench_core::clock::{Clock, Timer};
use lockbench_core::lock::{
    Acquire, Endpoint, Facts, Guarantees, Key, Local, LockSystem, Opening, Patience, Retry, Session, Survey,
    SystemError,
};
use lockbench_report::Resources;
use lockbench_report::live::{ServerLook, Subscriber, Update, feed};
use lockbench_systems::Target;
use lockbench_systems::stack::{LocalStack, Options};

/// Longer than anything here takes, unless it hangs.
const LONGEST: Duration = Duration::from_secs(30);

fn keys(count: u32) -> Arc<[Key]> {
    (0..count).map(|index| Key { index, name: format!("key-{index}").into() }).collect()
}

fn target(endpoints: Vec<Endpoint>) -> Target {
    Target { ours: true, ..Target::new(endpoints, &format!("poll-{}", std::process::id())) }
}

fn next_look(subscriber: &Subscriber) -> Option<ServerLook> {
    match subscriber.wait(LONGEST) {
        Ok(Some(Update::Servers(look))) => Some(*look),
        _ => None,
    }
}

/// Lets client 5 hold key 1 while `meanwhile` runs.
fn held(system: &dyn LockSystem, keys: &[Key], meanwhile: impl FnOnce()) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    tokio::task::LocalSet::new().block_on(&runtime, async {
        system.prepare(keys).await.unwrap();
        let opening = Opening {
            client: 5,
            ttl_ns: 60_000_000_000,
            timer: Timer::new(Clock::monotonic()),
            retry: Retry::Fixed { delay_ns: 1_000_000 },
            seed: 1,
            request_timeout_ns: 5_000_000_000,
        };
        let mut session = system.open(opening).await.unwrap();
        let Acquire::Acquired(grant) = session.acquire(&keys[1], &Patience::Try).await else {
            panic!("a free key was not granted")
        };
        meanwhile();
        session.release(grant).await;
        session.close().await;
        system.clean(keys).await.unwrap();
    });
}

#[test]
fn a_held_key_of_a_system_in_this_process_is_seen() {
    let memory = (lockbench_systems::Registry::builtin().find("memory").unwrap().connect)(target(Vec::new())).unwrap();
    let keys = keys(20);
    let (publisher, subscriber) = feed();
    let wanted = Arc::<AtomicBool>::default();
    let poll = ServerPoll::start(publisher, Clock::monotonic(), Arc::clone(&wanted)).unwrap();
    wanted.store(true, Ordering::Relaxed);
    held(&*memory, &keys, || {
        let used = Resources { server_cpu_s: Some(0.5), server_rss_bytes: Some(7), ..Resources::default() };
        poll.begin(Polled {
            backend: "memory",
            asked: Asked::of(
                lockbench_systems::Registry::builtin().find("memory").unwrap(),
                &memory,
                target(Vec::new()),
            ),
            keys: Arc::clone(&keys),
            gauge: Some(Box::new(move || used)),
        });
        let look = next_look(&subscriber).unwrap();
        assert_eq!((look.keys.len(), look.more_keys), (16, 4));
        let holders: Vec<&str> =
            look.keys.iter().filter_map(|key| Some(key.holder.as_ref()?.identity.as_str())).collect();
        assert_eq!(holders, ["client 5"]);
        assert_eq!(look.keys[1].holder.as_ref().unwrap().token, Some(1));
        assert_eq!((look.cpu_s, look.rss_bytes, look.round_trip_ns, look.problem), (Some(0.5), Some(7), None, None));
        poll.rest();
    });
    drop(poll);
}

#[test]
fn nobody_is_asked_while_nobody_wants_to_know() {
    let memory = (lockbench_systems::Registry::builtin().find("memory").unwrap().connect)(target(Vec::new())).unwrap();
    let (publisher, subscriber) = feed();
    let wanted = Arc::<AtomicBool>::default();
    let poll = ServerPoll::start(publisher, Clock::monotonic(), Arc::clone(&wanted)).unwrap();
    poll.begin(Polled { backend: "memory", asked: Asked::Own(memory), keys: keys(2), gauge: None });
    assert!(matches!(subscriber.wait(Duration::from_millis(300)), Ok(None)));
    wanted.store(true, Ordering::Relaxed);
    assert!(next_look(&subscriber).is_some());
}

/// A system whose server never answers.
struct Mute;

impl LockSystem for Mute {
    fn name(&self) -> &'static str {
        "mute"
    }
    fn guarantees(&self) -> &Guarantees {
        &lockbench_systems::Registry::builtin().find("memory").unwrap().guarantees
    }
    fn addresses(&self) -> Vec<String> {
        Vec::new()
    }
    fn facts(&self) -> Local<'_, Result<Facts, SystemError>> {
        Box::pin(std::future::pending())
    }
    fn prepare<'a>(&'a self, _: &'a [Key]) -> Local<'a, Result<(), SystemError>> {
        Box::pin(std::future::pending())
    }
    fn open(&self, _: Opening) -> Local<'_, Result<Box<dyn Session>, SystemError>> {
        Box::pin(std::future::pending())
    }
    fn survey<'a>(&'a self, _: &'a [Key]) -> Local<'a, Result<Survey, SystemError>> {
        Box::pin(std::future::pending())
    }
    fn clean<'a>(&'a self, _: &'a [Key]) -> Local<'a, Result<(), SystemError>> {
        Box::pin(std::future::pending())
    }
}

#[test]
fn a_server_that_never_answers_is_given_up_and_holds_up_nobody() {
    let (publisher, subscriber) = feed();
    let wanted = Arc::<AtomicBool>::default();
    let poll = ServerPoll::start(publisher, Clock::monotonic(), Arc::clone(&wanted)).unwrap();
    wanted.store(true, Ordering::Relaxed);
    let polled = || Polled { backend: "mute", asked: Asked::Own(Arc::new(Mute)), keys: keys(1), gauge: None };
    poll.begin(polled());
    let look = next_look(&subscriber).unwrap();
    assert_eq!((look.problem.as_deref(), look.keys.len()), (Some("no answer within 1 s"), 0));
    // Ended in the middle of a look: nothing more comes, and the thread is gone.
    poll.begin(polled());
    poll.rest();
    drop(poll);
    assert!(subscriber.take().is_err());
}

#[test]
fn a_held_key_of_a_real_server_is_seen() {
    if std::env::var("LOCKBENCH_LIVE").as_deref() != Ok("1") {
        println!("SKIPPED: LOCKBENCH_LIVE is not 1");
        return;
    }
    for name in ["redis", "etcd", "zookeeper", "postgres:advisory", "postgres:lease", "redlock"] {
        let entry = lockbench_systems::Registry::builtin().find(name).unwrap();
        let (_, started) = LocalStack::start(&[entry.server.unwrap()], &Options::default()).remove(0);
        let server = started.unwrap();
        let target = target(server.endpoints());
        let system = (entry.connect)(target.clone()).unwrap();
        let keys = keys(3);
        let (publisher, subscriber) = feed();
        let wanted = Arc::<AtomicBool>::default();
        let poll = ServerPoll::start(publisher, Clock::monotonic(), Arc::clone(&wanted)).unwrap();
        wanted.store(true, Ordering::Relaxed);
        held(&*system, &keys, || {
            let asked = Asked::of(entry, &system, target.clone());
            poll.begin(Polled { backend: entry.name, asked, keys: Arc::clone(&keys), gauge: None });
            let look = next_look(&subscriber).unwrap();
            println!("{name}: {look:?}");
            assert_eq!(look.problem, None, "{name}");
            assert!(look.round_trip_ns.is_some_and(|ns| ns > 0), "{name}");
            let held: Vec<bool> = look.keys.iter().map(|key| key.holder.is_some()).collect();
            assert_eq!(held, [false, true, false], "{name}");
            assert_eq!(look.keys[1].holder.as_ref().unwrap().token.is_some(), entry.guarantees.token.is_some());
        });
    }
}
