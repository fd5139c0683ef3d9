//! One suite over every recipe of the registry that claims exclusion, against the real server
//! where it has one: the contract, what others keep on the server, a crowd, and answers that
//! never come. A recipe without a line in `recipes!` fails a test.

mod stranger;

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::support;
use crate::support::proxy::{Pass, Proxy};
use lockbench::backend::conformance::{Setting, suite};
use lockbench::backend::{Entry, Registry, Target};
use lockbench::clock::{Clock, Timer};
use lockbench::lock::{
    Acquire, Deadline, Endpoint, Grant, Guarantees, Key, LockSystem, NEVER, Opening, Patience, Release, RenewalKind,
    Retry, Session, Ways,
};
use lockbench::stop::Stop;
use lockbench::workload::{OptionValue, SystemOptions};
use stranger::Stranger;

const MS: u64 = 1_000_000;

/// Short, so that the waits for expiry are, but above every floor with 0.
const TTL_NS: u64 = 2_000 * MS;

/// How long a patient client waits: for longer than all others together take on a loaded machine.
const PATIENT_NS: u64 = 60_000 * MS;

/// A recipe on the server that the tests of this program share, under a name of its own.
struct Scene {
    entry: &'static Entry,
    endpoints: Vec<Endpoint>,
    namespace: String,
    scratch: tempfile::TempDir,
    system: Arc<dyn LockSystem>,
    timer: Timer,
    keys: [Key; 2],
}

impl Scene {
    /// `None` (with a visible reason) where live tests are not asked for.
    fn new(name: &str, test: &str) -> Option<Self> {
        let entry = Registry::builtin().find(name).unwrap();
        let endpoints = match entry.server {
            Some(kind) => support::endpoints(kind)?,
            None => Vec::new(),
        };
        // Unique in its first bytes: PostgreSQL's names of connections have no room for more.
        static NEXT: AtomicU32 = AtomicU32::new(10);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let namespace = format!("suite-{}-{number}-{test}-{}", std::process::id(), name.replace(':', "-"));
        let (scratch, clock) = (tempfile::tempdir().unwrap(), Clock::monotonic());
        let mut target = target(endpoints.clone(), &namespace, &scratch, clock);
        // A crowd on a loaded machine: a node that takes longer than 50 ms to answer is not away.
        if test == "crowd" {
            target.options = SystemOptions::default().with("redlock", "node_timeout", OptionValue::Ns(1_000 * MS));
        }
        let system = (entry.connect)(target).unwrap();
        let keys = [0, 1].map(|index| Key { index, name: format!("{namespace}-{index}").into() });
        Some(Self { entry, endpoints, namespace, scratch, system, timer: Timer::new(clock), keys })
    }

    fn ttl_ns(&self) -> u64 {
        TTL_NS.max(self.entry.guarantees.ttl_floor_ms * MS)
    }

    fn opening(&self, client: u32, request_timeout_ns: u64) -> Opening {
        Opening {
            client,
            ttl_ns: self.ttl_ns(),
            timer: self.timer.clone(),
            retry: Retry::Jitter { base_ns: MS, max_ns: 8 * MS },
            seed: u64::from(client),
            request_timeout_ns,
        }
    }

    async fn open(&self, client: u32) -> Box<dyn Session> {
        self.system.open(self.opening(client, 5_000 * MS)).await.unwrap()
    }

    /// A session, and the proxies in front of each of its servers.
    async fn open_behind_proxies(&self, client: u32, request_timeout_ns: u64) -> (Box<dyn Session>, Vec<Proxy>) {
        let (mut proxies, mut behind) = (Vec::new(), Vec::new());
        for endpoint in &self.endpoints {
            let proxy = Proxy::start(endpoint.host_port()).await;
            behind.push(Endpoint::new(endpoint.secret_url().replacen(endpoint.host_port(), &proxy.address, 1)));
            proxies.push(proxy);
        }
        let target = target(behind, &self.namespace, &self.scratch, self.timer.clock());
        let system = (self.entry.connect)(target).unwrap();
        (system.open(self.opening(client, request_timeout_ns)).await.unwrap(), proxies)
    }

    fn within(&self, ns: u64) -> Patience {
        Patience::Until(Deadline::new(self.timer.now() + ns, self.timer.clone(), Stop::new()))
    }

    /// Patience for a lock that is free.
    fn at_once(&self) -> Patience {
        if self.entry.guarantees.ways == Ways::Waiting { self.within(5_000 * MS) } else { Patience::Try }
    }

    /// Asks as the recipe can be asked: who claims only, again and again.
    async fn ask(&self, session: &mut Box<dyn Session>, key: &Key, patience: &Patience) -> Acquire {
        match (self.entry.guarantees.ways, patience) {
            (Ways::Once, Patience::Until(deadline)) => loop {
                match session.acquire(key, &Patience::Try).await {
                    Acquire::Refused if deadline.sleep(5 * MS).await => {}
                    Acquire::Refused => return Acquire::TimedOut,
                    outcome => return outcome,
                }
            },
            (Ways::Waiting, Patience::Try) => session.acquire(key, &self.within(MS)).await,
            _ => session.acquire(key, patience).await,
        }
    }

    async fn granted(&self, session: &mut Box<dyn Session>, key: &Key, patience: &Patience) -> Grant {
        match self.ask(session, key, patience).await {
            Acquire::Acquired(grant) => grant,
            other => panic!("{}: expected a grant, got {other:?}", self.entry.name),
        }
    }

    /// Another client gets the lock within this time, and gives it back.
    async fn another_gets_it(&self, within_ns: u64) {
        let mut other = self.open(1).await;
        let grant = self.granted(&mut other, &self.keys[0], &self.within(within_ns)).await;
        assert_eq!(other.release(grant).await, Release::Confirmed, "{}", self.entry.name);
        other.close().await;
        assert_eq!(self.system.peek(&self.keys[0]).await.unwrap(), None);
    }
}

fn target(endpoints: Vec<Endpoint>, namespace: &str, scratch: &tempfile::TempDir, clock: Clock) -> Target {
    Target {
        endpoints,
        namespace: namespace.to_owned(),
        ours: false,
        scratch: scratch.path().to_owned(),
        clock,
        options: Default::default(),
    }
}

/// Runs a test on a recipe, on a runtime as a worker has it.
fn with(name: &str, test: &str, run: impl AsyncFnOnce(&Scene)) {
    let Some(scene) = Scene::new(name, test) else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    tokio::task::LocalSet::new().block_on(&runtime, run(&scene));
}

fn conforms(name: &str) {
    with(name, "contract", async |scene| {
        assert_eq!(scene.system.name(), scene.entry.name);
        assert_eq!(scene.system.guarantees(), &scene.entry.guarantees);
        let setting = Setting { timer: scene.timer.clone(), ttl_ns: scene.ttl_ns(), prefix: "suite".to_owned() };
        assert_eq!(suite(&*scene.system, &setting).await, Ok(()), "{name}");
    });
}

fn what_is_not_ours_stays_untouched(name: &str) {
    with(name, "strangers", async |scene| {
        let Some(kind) = scene.entry.server else { return };
        let stranger = Stranger::arrives(kind, &scene.endpoints, &scene.namespace).await;
        let theirs = stranger.theirs().await;
        assert!(theirs.len() >= 2, "{theirs:?}");
        scene.system.prepare(&scene.keys).await.unwrap();
        let mut session = scene.open(0).await;
        // One is given back, one is held when its client goes.
        let grant = scene.granted(&mut session, &scene.keys[0], &scene.at_once()).await;
        assert_eq!(session.release(grant).await, Release::Confirmed);
        let _held = scene.granted(&mut session, &scene.keys[1], &scene.at_once()).await;
        assert_ne!(stranger.ours().await, Vec::<String>::new(), "the lock is nowhere to be seen");
        drop(session);
        // Twice is harmless.
        for _ in 0..2 {
            scene.system.clean(&scene.keys).await.unwrap();
        }
        // A server may end a session a little after its connection.
        let mut left = stranger.ours().await;
        for _ in 0..200 {
            if left.is_empty() {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            left = stranger.ours().await;
        }
        assert_eq!(left, Vec::<String>::new(), "{name}: left behind");
        assert_eq!(stranger.theirs().await, theirs, "{name}");
        stranger.leaves().await;
    });
}

fn a_crowd_that_also_gives_up_never_holds_a_key_together(name: &str) {
    with(name, "crowd", async |scene| {
        let key = &scene.keys[0];
        scene.system.prepare(&scene.keys).await.unwrap();
        let (holders, last_token) = (Cell::new(0), Cell::new(None));
        let clients = (0..16_u32).map(async |client| {
            let mut session = scene.open(client).await;
            for round in 0..16 {
                // Some wait long enough, some do not, some try once.
                let (patience, patient) = match (client + round) % 4 {
                    0 => (Patience::Try, false),
                    1 => (scene.within((5 + 5 * u64::from(client)) * MS), false),
                    _ => (scene.within(PATIENT_NS), true),
                };
                match scene.ask(&mut session, key, &patience).await {
                    Acquire::Acquired(grant) => {
                        assert_eq!(holders.replace(1), 0, "{name}: two holders");
                        let last = last_token.replace(grant.token());
                        let grows = scene.entry.guarantees.token.is_none() || grant.token() > last;
                        assert!(grows, "{name}: {:?} after {last:?}", grant.token());
                        scene.timer.sleep(MS).await;
                        holders.set(0);
                        assert_eq!(session.release(grant).await, Release::Confirmed);
                    }
                    Acquire::Refused | Acquire::TimedOut if !patient => {}
                    other => panic!("{name}: client {client}: {other:?}"),
                }
            }
            session.close().await;
        });
        futures_util::future::join_all(clients).await;
        assert_eq!(scene.system.peek(key).await.unwrap(), None, "{name}: a ghost");
        scene.system.clean(&scene.keys).await.unwrap();
    });
}

/// The server gets the release, its answer is lost, and the connection breaks.
fn a_release_whose_answer_is_lost_frees_the_lock(name: &str) {
    with(name, "release", async |scene| {
        if scene.endpoints.is_empty() {
            return;
        }
        scene.system.prepare(&scene.keys).await.unwrap();
        let (mut session, proxies) = scene.open_behind_proxies(0, 3_000 * MS).await;
        let grant = scene.granted(&mut session, &scene.keys[0], &scene.at_once()).await;
        proxies.iter().for_each(|proxy| proxy.pass(Pass::Requests));
        let breaking = async {
            let begin = scene.timer.now();
            while scene.system.peek(&scene.keys[0]).await.unwrap().is_some() {
                assert!(scene.timer.now() < begin + scene.ttl_ns() / 2, "{name}: only the lease freed it");
                scene.timer.sleep(5 * MS).await;
            }
            proxies.iter().for_each(Proxy::break_all);
            proxies.iter().for_each(|proxy| proxy.pass(Pass::All));
        };
        let (released, ()) = tokio::join!(session.release(grant), breaking);
        match released {
            Release::Confirmed => {}
            // It does not ask again; and never says that it was no holder, or that nothing happened.
            Release::Unknown { .. } if scene.entry.guarantees.renewal != RenewalKind::Heartbeat => {}
            other => panic!("{name}: {other:?}"),
        }
        scene.another_gets_it(1_000 * MS).await;
        session.close().await;
        scene.system.clean(&scene.keys).await.unwrap();
    });
}

/// Requests arrive, answers do not.
fn an_unanswered_attempt_is_unknown_and_over_in_the_time_it_says(name: &str) {
    with(name, "unknown", async |scene| {
        if scene.endpoints.is_empty() {
            return;
        }
        scene.system.prepare(&scene.keys).await.unwrap();
        let (mut session, proxies) = scene.open_behind_proxies(0, 500 * MS).await;
        proxies.iter().for_each(|proxy| proxy.pass(Pass::Requests));
        let begin = scene.timer.now();
        let outcome = session.acquire(&scene.keys[0], &scene.at_once()).await;
        let Acquire::Unknown { surely_ended_ns, .. } = outcome else { panic!("{name}: {outcome:?}") };
        let now = scene.timer.now();
        assert!(now < begin + 5_000 * MS, "{name}: unknown after {} ms", (now - begin) / MS);
        if surely_ended_ns == NEVER {
            // Its session may still execute it: nothing bounds it before the end of its connection, and then the lease.
            let Guarantees { connection_frees, lease, .. } = scene.entry.guarantees;
            assert!(connection_frees || lease, "{name}");
            proxies.iter().for_each(Proxy::break_all);
            scene.another_gets_it(5_000 * MS + scene.ttl_ns()).await;
        } else {
            assert!(surely_ended_ns >= begin + scene.ttl_ns(), "{name}: the lease may have begun");
            scene.another_gets_it(surely_ended_ns - now).await;
        }
        proxies.iter().for_each(Proxy::break_all);
        proxies.iter().for_each(|proxy| proxy.pass(Pass::All));
        session.close().await;
        scene.system.clean(&scene.keys).await.unwrap();
    });
}

macro_rules! recipes {
    ($($test:ident: $name:literal,)*) => {
        $(recipes!(@ $test $name:
            conforms
            what_is_not_ours_stays_untouched
            a_crowd_that_also_gives_up_never_holds_a_key_together
            a_release_whose_answer_is_lost_frees_the_lock
            an_unanswered_attempt_is_unknown_and_over_in_the_time_it_says
        );)*

        const TESTED: &[&str] = &[$($name),*];
    };
    (libraries $($test:ident: $name:literal,)*) => {
        $(recipes!(@ $test $name:
            conforms
            what_is_not_ours_stays_untouched
            a_crowd_that_also_gives_up_never_holds_a_key_together
        );)*

        const LIBRARIES: &[&str] = &[$($name),*];
    };
    (@ $recipe:ident $name:literal: $($test:ident)*) => {
        mod $recipe {
            $(#[test]
            fn $test() {
                super::$test($name);
            })*
        }
    };
}

recipes! {
    memory: "memory",
    sqlite: "sqlite",
    flock: "flock",
    redis: "redis",
    redis_pubsub: "redis:pubsub",
    redlock: "redlock",
    redis_sentinel: "redis:sentinel",
    zookeeper: "zookeeper",
    etcd: "etcd",
    etcd_shared_watch: "etcd:shared-watch",
    etcd_lock_rpc: "etcd:lock-rpc",
    postgres_advisory: "postgres:advisory",
    postgres_xact: "postgres:xact",
    postgres_row: "postgres:row",
    postgres_skip_locked: "postgres:skip-locked",
    postgres_lease: "postgres:lease",
    postgres_lease_notify: "postgres:lease-notify",
}

// What libraries of others say of a request whose answer was lost is theirs.
recipes! {
    libraries
    redlock_rslock: "redlock:rslock",
}

#[test]
fn every_entry_but_the_controls_is_tested() {
    let registry = Registry::builtin();
    let correct = registry.entries().filter(|entry| entry.excludes()).map(|entry| entry.name);
    let (libraries, own): (Vec<&str>, Vec<&str>) = correct.partition(|name| LIBRARIES.contains(name));
    assert_eq!((own, libraries), (TESTED.to_vec(), LIBRARIES.to_vec()));
}

#[test]
fn a_lock_file_passes_too_for_no_two_clients_find_it_stale_at_once() {
    conforms("flock:lockfile");
}

#[test]
fn quick_runs_the_eight_default_entries_and_nothing_that_is_unsafe_by_design() {
    let quick: Vec<&str> = Registry::builtin().entries().filter(|entry| entry.quick).map(|entry| entry.name).collect();
    assert_eq!(quick.len(), 8);
    assert!(quick.iter().all(|name| TESTED.contains(name)));
    assert_eq!(Registry::builtin().entries().filter(|entry| entry.unsafe_by_design).count(), 8);
}
