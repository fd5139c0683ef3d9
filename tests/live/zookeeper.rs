//! The ZooKeeper recipe against a real server.

use crate::support;
use std::sync::Arc;

use crate::support::proxy::{Pass, Proxy};
use lockbench::backend::{Registry, Target};
use lockbench::clock::{Clock, Timer};
use lockbench::lock::{
    Acquire, Deadline, Endpoint, Grant, Key, LockSystem, Opening, Patience, Release, Renewal, Retry, Session,
    SystemError,
};
use lockbench::stop::Stop;
use zookeeper_client::{Acls, Client, CreateMode};

const MS: u64 = 1_000_000;
const TTL_NS: u64 = 4_000 * MS;

/// A system of its own on the test server, with a key and a direct connection.
struct Scene {
    system: Arc<dyn LockSystem>,
    timer: Timer,
    key: Key,
    direct: Client,
    server: String,
    namespace: String,
}

impl Scene {
    async fn new(name: &str) -> Option<Self> {
        let endpoints = support::endpoints(lockbench::backend::zookeeper::KIND)?;
        let server = endpoints[0].host_port().to_owned();
        let namespace = format!("test-{name}-{}", std::process::id());
        let direct = Client::connect(&server).await.unwrap();
        let clock = Clock::monotonic();
        let system = connect(endpoints, &namespace, clock).unwrap();
        let key = Key { index: 0, name: format!("{name}-key").into() };
        system.prepare(std::slice::from_ref(&key)).await.unwrap();
        Some(Self { system, timer: Timer::new(clock), key, direct, server, namespace })
    }

    async fn open(&self, client: u32) -> Box<dyn Session> {
        self.system.open(self.opening(client, 2_000 * MS)).await.unwrap()
    }

    /// A session through a proxy of its own.
    async fn open_behind_proxy(&self, client: u32, request_timeout_ns: u64) -> (Box<dyn Session>, Proxy) {
        let proxy = Proxy::start(&self.server).await;
        let endpoint = Endpoint::new(format!("zookeeper://{}", proxy.address));
        let system = connect(vec![endpoint], &self.namespace, self.timer.clock()).unwrap();
        (system.open(self.opening(client, request_timeout_ns)).await.unwrap(), proxy)
    }

    fn opening(&self, client: u32, request_timeout_ns: u64) -> Opening {
        Opening {
            client,
            ttl_ns: TTL_NS,
            timer: self.timer.clone(),
            retry: Retry::Fixed { delay_ns: MS },
            seed: 1,
            request_timeout_ns,
        }
    }

    fn within(&self, ns: u64) -> Patience {
        Patience::Until(Deadline::new(self.timer.now() + ns, self.timer.clone(), Stop::new()))
    }

    async fn granted(&self, session: &mut Box<dyn Session>) -> Grant {
        match session.acquire(&self.key, &Patience::Try).await {
            Acquire::Acquired(grant) => grant,
            other => panic!("expected a grant, got {other:?}"),
        }
    }

    async fn waiters(&self) -> Vec<String> {
        let parent = format!("/lockbench-{}/{}", self.namespace, self.key.name);
        self.direct.list_children(&parent).await.unwrap()
    }

    async fn until_waiters(&self, count: usize) {
        for _ in 0..400 {
            if self.waiters().await.len() == count {
                return;
            }
            self.timer.sleep(10 * MS).await;
        }
        panic!("there never were {count} nodes: {:?}", self.waiters().await);
    }

    async fn clean(self) {
        self.system.clean(std::slice::from_ref(&self.key)).await.unwrap();
        assert_eq!(self.direct.check_stat(&format!("/lockbench-{}", self.namespace)).await.unwrap(), None);
    }
}

fn connect(endpoints: Vec<Endpoint>, namespace: &str, clock: Clock) -> Result<Arc<dyn LockSystem>, SystemError> {
    let target = Target {
        endpoints,
        namespace: namespace.to_owned(),
        ours: false,
        scratch: std::env::temp_dir(),
        clock,
        options: Default::default(),
    };
    (Registry::builtin().find("zookeeper").unwrap().connect)(target)
}

#[tokio::test]
async fn facts_are_read_from_the_server() {
    let Some(scene) = Scene::new("facts").await else { return };
    let facts = scene.system.facts().await.unwrap();
    assert!(facts.version.starts_with("3."), "{facts:?}");
    assert!(facts.quorum.to_string().contains(" of "), "{facts:?}");
    assert!(["standalone", "leader", "follower"].iter().any(|role| facts.role.contains(role)), "{facts:?}");
    scene.clean().await;
}

#[tokio::test]
async fn the_session_timeout_is_read_back() {
    let Some(scene) = Scene::new("ttl").await else { return };
    let opening = Opening { ttl_ns: 1_000 * MS, ..scene.opening(0, 2_000 * MS) };
    let session = scene.system.open(opening).await.unwrap();
    assert!(session.effective_ttl_ns().unwrap() > 1_000 * MS, "the server raises it to two ticks");
    session.close().await;
    scene.clean().await;
}

#[tokio::test]
async fn foreign_nodes_stay_untouched_and_nothing_of_ours_stays() {
    let Some(scene) = Scene::new("foreign").await else { return };
    let persistent = CreateMode::Persistent.with_acls(Acls::anyone_all());
    let (far, near) = (format!("/foreign-{}", scene.namespace), format!("/lockbench-{}x", scene.namespace));
    let inside = format!("/lockbench-{}/not-a-key-of-these", scene.namespace);
    let child = format!("{near}/{}", scene.key.name);
    for path in [&far, &near, &inside, &child] {
        scene.direct.create(path, b"theirs", &persistent).await.unwrap();
    }
    scene.system.prepare(std::slice::from_ref(&scene.key)).await.unwrap();
    let mut session = scene.open(0).await;
    let grant = scene.granted(&mut session).await;
    // Cleaned under a holder: what is left of it goes too.
    scene.system.clean(std::slice::from_ref(&scene.key)).await.unwrap();
    assert_eq!(session.release(grant).await, Release::NotOwner);
    session.close().await;
    for path in [&far, &inside, &child, &near] {
        let (data, stat) = scene.direct.get_data(path).await.unwrap();
        assert_eq!((data.as_slice(), stat.version), (&b"theirs"[..], 0), "{path}");
    }
    for path in [&far, &inside, &child, &near] {
        scene.direct.delete(path, None).await.unwrap();
    }
    scene.clean().await;
}

#[tokio::test]
async fn the_lock_of_a_dead_session_is_freed_after_its_holder_was_told() {
    let Some(scene) = Scene::new("dead").await else { return };
    let (mut holder, cut) = scene.open_behind_proxy(0, 1_000 * MS).await;
    let mut waiter = scene.open(1).await;
    let mut held = scene.granted(&mut holder).await;
    let start = scene.timer.now();
    cut.pass(Pass::Nothing);
    let outcome = waiter.acquire(&scene.key, &scene.within(4 * TTL_NS)).await;
    let Acquire::Acquired(grant) = outcome else { panic!("{outcome:?}") };
    let granted = scene.timer.now();
    assert!(granted >= start + TTL_NS / 2, "freed without waiting for the session");
    assert!(granted >= held.validity_ns(), "granted inside the holder's validity");
    let lost = holder.lost_at().expect("the holder was never told");
    assert!(lost > start && lost < granted, "told at {lost}, granted at {granted}");
    assert!(grant.token() > held.token());
    // Connected again, the holder learns that its session is over.
    cut.break_all();
    cut.pass(Pass::All);
    assert!(matches!(holder.renew(&mut held).await, Renewal::Refused | Renewal::Unknown(_)));
    assert_ne!(holder.release(held).await, Release::Confirmed);
    let outcome = holder.acquire(&scene.key, &Patience::Try).await;
    assert_eq!(outcome, Acquire::Refused, "with a new session");
    assert_eq!(waiter.release(grant).await, Release::Confirmed);
    for session in [holder, waiter] {
        session.close().await;
    }
    scene.clean().await;
}

#[tokio::test]
async fn a_lost_create_answer_leaves_no_ghost() {
    let Some(scene) = Scene::new("ghost").await else { return };
    let (mut session, proxy) = scene.open_behind_proxy(0, 3_000 * MS).await;
    proxy.pass(Pass::Requests);
    let breaking = async {
        scene.until_waiters(1).await;
        proxy.break_all();
        proxy.pass(Pass::All);
    };
    let (outcome, ()) = tokio::join!(session.acquire(&scene.key, &Patience::Try), breaking);
    let Acquire::Acquired(grant) = outcome else { panic!("the node was not found again: {outcome:?}") };
    let seen = scene.system.peek(&scene.key).await.unwrap().expect("nobody holds it");
    assert_eq!(seen.token, grant.token());
    assert_eq!(scene.waiters().await.len(), 1, "one attempt, one node");
    assert_eq!(session.lost_at(), None, "connected again with the same session");
    assert_eq!(session.release(grant).await, Release::Confirmed);
    assert_eq!(scene.waiters().await.len(), 0);
    session.close().await;
    scene.clean().await;
}

#[tokio::test]
async fn a_waiter_survives_a_broken_connection() {
    let Some(scene) = Scene::new("survive").await else { return };
    let mut holder = scene.open(0).await;
    let (mut waiter, proxy) = scene.open_behind_proxy(1, 3_000 * MS).await;
    let grant = scene.granted(&mut holder).await;
    let patience = scene.within(10_000 * MS);
    let releasing = async {
        scene.until_waiters(2).await;
        scene.timer.sleep(50 * MS).await;
        proxy.break_all();
        assert_eq!(holder.release(grant).await, Release::Confirmed);
    };
    let (outcome, ()) = tokio::join!(waiter.acquire(&scene.key, &patience), releasing);
    let Acquire::Acquired(grant) = outcome else { panic!("{outcome:?}") };
    assert_eq!(waiter.release(grant).await, Release::Confirmed);
    for session in [holder, waiter] {
        session.close().await;
    }
    scene.clean().await;
}

#[tokio::test]
async fn waiters_are_served_in_order_and_watch_only_their_predecessor() {
    let Some(scene) = Scene::new("order").await else { return };
    let mut holder = scene.open(0).await;
    let grant = scene.granted(&mut holder).await;
    let mut waiters = [scene.open(1).await, scene.open(2).await, scene.open(3).await];
    let patience = scene.within(20_000 * MS);
    let served = std::cell::RefCell::new(Vec::new());
    let [a, b, c] = &mut waiters;
    let turn = async |session: &mut Box<dyn Session>, number: usize| {
        scene.until_waiters(number).await;
        let before = session.requests();
        match session.acquire(&scene.key, &patience).await {
            Acquire::Acquired(grant) => {
                served.borrow_mut().push(number);
                // Create, list, watch, list again: no more, however many others come and go.
                assert_eq!(session.requests() - before, 4);
                assert_eq!(session.release(grant).await, Release::Confirmed);
            }
            other => panic!("waiter {number}: {other:?}"),
        }
    };
    let releasing = async {
        scene.until_waiters(4).await;
        scene.timer.sleep(100 * MS).await;
        assert_eq!(holder.release(grant).await, Release::Confirmed);
    };
    tokio::join!(turn(a, 1), turn(b, 2), turn(c, 3), releasing);
    assert_eq!(*served.borrow(), [1, 2, 3]);
    for session in waiters {
        session.close().await;
    }
    holder.close().await;
    scene.clean().await;
}

#[tokio::test]
async fn digest_authentication_protects_our_nodes_and_opens_a_protected_chroot() {
    let Some(scene) = Scene::new("auth").await else { return };
    let owner = Client::connector().with_auth("digest", b"me:s/cret").connect(&scene.server).await.unwrap();
    let chroot = format!("/protected-{}", scene.namespace);
    owner.create(&chroot, b"", &CreateMode::Persistent.with_acls(Acls::creator_all())).await.unwrap();
    let url = |user: &str| Endpoint::new(format!("zookeeper://{user}@{}{chroot}", scene.server));
    let keys = std::slice::from_ref(&scene.key);
    let clock = scene.timer.clock();

    let stranger = connect(vec![url("me:wr0ng")], "auth", clock).unwrap();
    let refused = stranger.prepare(keys).await.unwrap_err().to_string();
    assert!(refused.contains("login") && !refused.contains("wr0ng"), "{refused}");

    let system = connect(vec![url("me:s%2Fcret")], "auth", clock).unwrap();
    system.prepare(keys).await.unwrap();
    let mut session = system.open(scene.opening(0, 2_000 * MS)).await.unwrap();
    let grant = scene.granted(&mut session).await;
    assert_eq!(session.release(grant).await, Release::Confirmed);
    session.close().await;
    system.clean(keys).await.unwrap();
    assert_eq!(owner.list_children(&chroot).await.unwrap(), [""; 0]);
    owner.delete(&chroot, None).await.unwrap();
    scene.clean().await;
}

#[tokio::test]
async fn an_unreachable_server_or_a_missing_chroot_is_named_in_the_message() {
    let endpoint = Endpoint::new("zookeeper://me:s3cret@127.0.0.1:1");
    let system = connect(vec![endpoint], "test-unreachable", Clock::monotonic()).unwrap();
    let error = system.facts().await.unwrap_err().to_string();
    assert!(error.contains("127.0.0.1:1") && !error.contains("s3cret"), "{error}");
    let error = system.prepare(&[]).await.unwrap_err().to_string();
    assert!(error.contains("is ZooKeeper running there?") && !error.contains("s3cret"), "{error}");

    let Some(scene) = Scene::new("no-chroot").await else { return };
    let endpoint = Endpoint::new(format!("zookeeper://{}/no/such/chroot", scene.server));
    let system = connect(vec![endpoint], "test", Clock::monotonic()).unwrap();
    let error = system.prepare(&[]).await.unwrap_err().to_string();
    assert!(error.contains("chroot"), "{error}");
    scene.clean().await;
}
