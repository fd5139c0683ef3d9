//! The etcd recipe against a real server.

use crate::support;
use std::sync::Arc;

use crate::support::proxy::{Pass, Proxy};
use etcd_client::{Client, GetOptions, LeaseLeasesResponse, LockOptions};
use lockbench::backend::{Registry, Target};
use lockbench::clock::{Clock, Timer};
use lockbench::lock::{
    Acquire, Deadline, Endpoint, Key, LockSystem, Opening, Patience, Release, Renewal, Retry, Session,
};
use lockbench::stop::Stop;

const MS: u64 = 1_000_000;
const TTL_NS: u64 = 4_000 * MS;

/// A system of its own on the test server, with a key and a direct connection.
struct Scene {
    system: Arc<dyn LockSystem>,
    timer: Timer,
    keys: [Key; 1],
    direct: Client,
    namespace: String,
}

impl Scene {
    async fn new(name: &str) -> Option<Self> {
        Self::with("etcd", name).await
    }

    async fn with(recipe: &str, name: &str) -> Option<Self> {
        let endpoints = support::endpoints(lockbench::backend::etcd::KIND)?;
        let namespace = format!("test-{name}-{}", std::process::id());
        let direct = Client::connect([endpoints[0].host_port()], None).await.unwrap();
        let clock = Clock::monotonic();
        let system = connect_as(recipe, endpoints, &namespace, clock).unwrap();
        let keys = [Key { index: 0, name: format!("{name}-key").into() }];
        system.prepare(&keys).await.unwrap();
        Some(Self { system, timer: Timer::new(clock), keys, direct, namespace })
    }

    async fn open(&self, client: u32) -> Box<dyn Session> {
        self.system.open(self.opening(client)).await.unwrap()
    }

    /// A session through a proxy of its own.
    async fn open_behind_proxy(&self, client: u32, request_timeout_ns: u64) -> (Box<dyn Session>, Proxy) {
        let proxy = Proxy::start(&self.system.addresses()[0]).await;
        let endpoint = Endpoint::new(format!("etcd://{}", proxy.address));
        let system = connect(vec![endpoint], &self.namespace, self.timer.clock()).unwrap();
        let opening = Opening { request_timeout_ns, ..self.opening(client) };
        (system.open(opening).await.unwrap(), proxy)
    }

    fn opening(&self, client: u32) -> Opening {
        Opening {
            client,
            ttl_ns: TTL_NS,
            timer: self.timer.clone(),
            retry: Retry::Fixed { delay_ns: MS },
            seed: 1,
            request_timeout_ns: 2_000 * MS,
        }
    }

    fn within(&self, ns: u64) -> Patience {
        Patience::Until(Deadline::new(self.timer.now() + ns, self.timer.clone(), Stop::new()))
    }

    /// Leases behind our keys, in the order of their creation.
    async fn leases(&mut self) -> Vec<i64> {
        let prefix = format!("lockbench-{}/", self.namespace);
        let all = self.direct.get(prefix, Some(GetOptions::new().with_prefix())).await.unwrap();
        let mut found: Vec<_> = all.kvs().iter().map(|kv| (kv.create_revision(), kv.lease())).collect();
        found.sort_unstable();
        found.into_iter().map(|(_, lease)| lease).collect()
    }

    async fn until_leases(&mut self, count: usize) -> Vec<i64> {
        for _ in 0..200 {
            let leases = self.leases().await;
            if leases.len() == count {
                return leases;
            }
            self.timer.sleep(10 * MS).await;
        }
        panic!("there never were {count} keys below our namespace");
    }
}

fn connect(
    endpoints: Vec<Endpoint>,
    namespace: &str,
    clock: Clock,
) -> Result<Arc<dyn LockSystem>, lockbench::lock::SystemError> {
    connect_as("etcd", endpoints, namespace, clock)
}

fn connect_as(
    recipe: &str,
    endpoints: Vec<Endpoint>,
    namespace: &str,
    clock: Clock,
) -> Result<Arc<dyn LockSystem>, lockbench::lock::SystemError> {
    let target = Target {
        endpoints,
        namespace: namespace.to_owned(),
        ours: false,
        scratch: std::env::temp_dir(),
        clock,
        options: Default::default(),
    };
    (Registry::builtin().find(recipe).unwrap().connect)(target)
}

#[tokio::test]
async fn facts_are_read_from_the_server() {
    let Some(scene) = Scene::new("facts").await else { return };
    let facts = scene.system.facts().await.unwrap();
    assert!(facts.version.starts_with("3."), "{facts:?}");
    assert!(facts.quorum.to_string().contains(" of "), "{facts:?}");
    assert_eq!(facts.role.matches("leader").count(), 1, "{facts:?}");
}

#[tokio::test]
async fn a_ttl_is_rounded_up_to_whole_seconds_and_read_back() {
    let Some(scene) = Scene::new("ttl").await else { return };
    let opening = Opening { ttl_ns: 2_100 * MS, ..scene.opening(0) };
    let session = scene.system.open(opening).await.unwrap();
    assert_eq!(session.effective_ttl_ns(), Some(3_000 * MS));
    session.close().await;
    let opening = Opening { ttl_ns: 500 * MS, ..scene.opening(0) };
    let session = scene.system.open(opening).await.unwrap();
    assert_eq!(session.effective_ttl_ns(), Some(2_000 * MS), "the server's floor at stock settings");
    session.close().await;
}

#[tokio::test]
async fn closing_a_session_revokes_its_lease() {
    let Some(mut scene) = Scene::new("close").await else { return };
    let mut session = scene.open(0).await;
    let Acquire::Acquired(_held) = session.acquire(&scene.keys[0], &Patience::Try).await else { panic!("not granted") };
    let lease = scene.until_leases(1).await[0];
    session.close().await;
    assert_eq!(scene.leases().await, [0_i64; 0]);
    let known: LeaseLeasesResponse = scene.direct.leases().await.unwrap();
    assert!(known.leases().iter().all(|status| status.id() != lease), "the lease outlived its session");
}

#[tokio::test]
async fn a_lease_revoked_while_waiting_never_yields_a_grant() {
    let Some(mut scene) = Scene::new("phantom").await else { return };
    let (mut holder, mut waiter) = (scene.open(0).await, scene.open(1).await);
    let key = scene.keys[0].clone();
    let Acquire::Acquired(grant) = holder.acquire(&key, &Patience::Try).await else { panic!("not granted") };
    let patience = scene.within(20_000 * MS);
    let timer = scene.timer.clone();
    let revoking = async {
        let leases = scene.until_leases(2).await;
        scene.direct.lease_revoke(leases[1]).await.unwrap();
        // Releasing at once: the waiter finds nobody before it, and must not believe that.
        holder.release(grant).await
    };
    let (outcome, released) = tokio::join!(waiter.acquire(&key, &patience), revoking);
    assert_eq!(released, Release::Confirmed);
    assert!(matches!(outcome, Acquire::Unavailable(_)), "{outcome:?}");
    assert_eq!(scene.system.peek(&key).await.unwrap(), None);
    // A new lease comes by itself.
    let again = waiter.acquire(&key, &scene.within(2_000 * MS)).await;
    let Acquire::Acquired(grant) = again else { panic!("{again:?}") };
    assert!(grant.validity_ns() > timer.now());
    assert_eq!(waiter.lost_at(), None);
    assert_eq!(waiter.release(grant).await, Release::Confirmed);
    for session in [holder, waiter] {
        session.close().await;
    }
}

/// What the lock service of 3.4 does, and why the recipe reads the key back (etcd#11456).
#[tokio::test]
async fn the_lock_service_grants_to_a_waiter_whose_lease_was_revoked_and_the_recipe_does_not_believe_it() {
    let Some(mut scene) = Scene::with("etcd:lock-rpc", "service").await else { return };
    let key = scene.keys[0].clone();
    let (mut holder, mut waiter) = (scene.open(0).await, scene.open(1).await);
    let outcome = holder.acquire(&key, &scene.within(5_000 * MS)).await;
    let Acquire::Acquired(grant) = outcome else { panic!("{outcome:?}") };
    let patience = scene.within(20_000 * MS);
    let revoking = async {
        let leases = scene.until_leases(2).await;
        // Beside it somebody who believes the service.
        let believer = scene.direct.lease_grant(30, None).await.unwrap().id();
        let name = format!("lockbench-{}/{}", scene.namespace, key.name);
        let mut service = scene.direct.clone();
        let believing = tokio::spawn(async move {
            service.lock(name, Some(LockOptions::new().with_lease(believer))).await.map(|answer| answer.key().to_vec())
        });
        scene.until_leases(3).await;
        for lease in [leases[1], believer] {
            scene.direct.lease_revoke(lease).await.unwrap();
        }
        assert_eq!(holder.release(grant).await, Release::Confirmed);
        believing.await.unwrap()
    };
    let (outcome, believed) = tokio::join!(waiter.acquire(&key, &patience), revoking);
    assert!(matches!(outcome, Acquire::Unavailable(_)), "{outcome:?}");
    let version = scene.system.facts().await.unwrap().version;
    // Later versions say that the session has expired.
    if version.starts_with("3.4") {
        let place = believed.unwrap();
        assert_eq!(scene.direct.get(place, None).await.unwrap().count(), 0, "granted, and not there");
    }
    assert_eq!(scene.system.peek(&key).await.unwrap(), None);
    for session in [holder, waiter] {
        session.close().await;
    }
}

#[tokio::test]
async fn a_waiter_hears_of_its_lost_lease_while_the_holder_goes_on() {
    let Some(mut scene) = Scene::new("waiter-lost").await else { return };
    let (mut holder, mut waiter) = (scene.open(0).await, scene.open(1).await);
    let key = scene.keys[0].clone();
    let Acquire::Acquired(grant) = holder.acquire(&key, &Patience::Try).await else { panic!("not granted") };
    let patience = scene.within(30_000 * MS);
    let start = scene.timer.now();
    let revoking = async {
        let leases = scene.until_leases(2).await;
        scene.direct.lease_revoke(leases[1]).await.unwrap();
    };
    let (outcome, ()) = tokio::join!(waiter.acquire(&key, &patience), revoking);
    assert!(matches!(outcome, Acquire::Unavailable(_)), "{outcome:?}");
    assert!(scene.timer.now() < start + TTL_NS, "the keep-alive at a third of the ttl did not end the wait");
    assert_eq!(holder.release(grant).await, Release::Confirmed);
    for session in [holder, waiter] {
        session.close().await;
    }
}

#[tokio::test]
async fn a_holder_is_told_that_its_lease_was_revoked() {
    let Some(mut scene) = Scene::new("holder-lost").await else { return };
    let mut holder = scene.open(0).await;
    let key = scene.keys[0].clone();
    let Acquire::Acquired(mut grant) = holder.acquire(&key, &Patience::Try).await else { panic!("not granted") };
    assert_eq!(holder.lost_at(), None);
    let lease = scene.until_leases(1).await[0];
    let revoked_at = scene.timer.now();
    scene.direct.lease_revoke(lease).await.unwrap();
    while holder.lost_at().is_none() {
        assert!(scene.timer.now() < revoked_at + TTL_NS, "the keeper never noticed");
        scene.timer.sleep(20 * MS).await;
    }
    assert!(holder.lost_at().unwrap() >= revoked_at);
    assert_eq!(holder.renew(&mut grant).await, Renewal::Refused);
    assert_eq!(holder.release(grant).await, Release::NotOwner);
    holder.close().await;
}

#[tokio::test]
async fn a_renewal_finds_a_revoked_lease_by_itself() {
    let Some(mut scene) = Scene::new("renew-lost").await else { return };
    let mut holder = scene.open(0).await;
    let key = scene.keys[0].clone();
    let Acquire::Acquired(mut grant) = holder.acquire(&key, &Patience::Try).await else { panic!("not granted") };
    let lease = scene.until_leases(1).await[0];
    scene.direct.lease_revoke(lease).await.unwrap();
    let before = grant.validity_ns();
    assert_eq!(holder.renew(&mut grant).await, Renewal::Refused);
    assert_eq!(grant.validity_ns(), before);
    // The next acquire has a lease of its own and a larger token.
    let token = grant.token();
    let Acquire::Acquired(next) = holder.acquire(&key, &Patience::Try).await else { panic!("not granted") };
    assert!(next.token() > token);
    assert_eq!(holder.release(next).await, Release::Confirmed);
    holder.close().await;
}

#[tokio::test]
async fn waiters_are_served_in_order() {
    let Some(mut scene) = Scene::new("order").await else { return };
    let key = scene.keys[0].clone();
    let mut holder = scene.open(0).await;
    let Acquire::Acquired(grant) = holder.acquire(&key, &Patience::Try).await else { panic!("not granted") };
    let mut waiters = [scene.open(1).await, scene.open(2).await, scene.open(3).await];
    let patience = scene.within(20_000 * MS);
    let served = std::cell::RefCell::new(Vec::new());
    let queued = |count| {
        let mut direct = scene.direct.clone();
        let (timer, prefix) = (scene.timer.clone(), format!("lockbench-{}/", scene.namespace));
        async move {
            let options = || Some(GetOptions::new().with_prefix().with_count_only());
            while direct.get(prefix.as_str(), options()).await.unwrap().count() < count {
                timer.sleep(5 * MS).await;
            }
        }
    };
    let [a, b, c] = &mut waiters;
    let turn = async |session: &mut Box<dyn Session>, number: i64| {
        queued(number).await;
        match session.acquire(&key, &patience).await {
            Acquire::Acquired(grant) => {
                served.borrow_mut().push(number);
                assert_eq!(session.release(grant).await, Release::Confirmed);
            }
            other => panic!("waiter {number}: {other:?}"),
        }
    };
    let releasing = async {
        queued(4).await;
        assert_eq!(holder.release(grant).await, Release::Confirmed);
    };
    tokio::join!(turn(a, 1), turn(b, 2), turn(c, 3), releasing);
    assert_eq!(*served.borrow(), [1, 2, 3]);
    scene.until_leases(0).await;
}

#[tokio::test]
async fn an_unreachable_server_is_named_without_its_password() {
    let endpoint = Endpoint::new("etcd://me:s3cret%21@127.0.0.1:1");
    let system = connect(vec![endpoint], "test-unreachable", Clock::monotonic()).unwrap();
    let error = system.facts().await.unwrap_err().to_string();
    assert!(error.contains("127.0.0.1:1") && error.contains("refused"), "{error}");
    assert!(!error.contains("s3cret"), "{error}");
}

#[tokio::test]
async fn a_lost_create_answer_is_withdrawn_with_its_lease() {
    let Some(mut scene) = Scene::new("ghost").await else { return };
    let (mut session, proxy) = scene.open_behind_proxy(0, 3_000 * MS).await;
    let key = scene.keys[0].clone();
    proxy.pass(Pass::Requests);
    let breaking = async {
        scene.until_leases(1).await;
        proxy.break_all();
        proxy.pass(Pass::All);
    };
    let (outcome, ()) = tokio::join!(session.acquire(&key, &Patience::Try), breaking);
    assert!(matches!(outcome, Acquire::Unavailable(_)), "{outcome:?}");
    assert_eq!(scene.leases().await, [0_i64; 0], "surely no effect, but there is a key");
    assert!(session.lost_at().is_some());
    let Acquire::Acquired(grant) = session.acquire(&key, &Patience::Try).await else { panic!("not granted") };
    assert_eq!(session.lost_at(), None);
    assert_eq!(session.release(grant).await, Release::Confirmed);
    session.close().await;
}

#[tokio::test]
async fn a_holder_cut_off_is_told_before_another_is_granted() {
    let Some(scene) = Scene::new("cut").await else { return };
    let (mut holder, proxy) = scene.open_behind_proxy(0, 1_000 * MS).await;
    let mut waiter = scene.open(1).await;
    let key = scene.keys[0].clone();
    let Acquire::Acquired(mut held) = holder.acquire(&key, &Patience::Try).await else { panic!("not granted") };
    let start = scene.timer.now();
    proxy.pass(Pass::Nothing);
    let outcome = waiter.acquire(&key, &scene.within(4 * TTL_NS)).await;
    let Acquire::Acquired(grant) = outcome else { panic!("{outcome:?}") };
    let granted = scene.timer.now();
    assert!(granted >= held.validity_ns(), "granted inside the holder's validity");
    let lost = holder.lost_at().expect("the holder was never told");
    assert!(lost > start && lost <= granted, "told at {lost}, granted at {granted}");
    assert!(grant.token() > held.token());
    proxy.break_all();
    proxy.pass(Pass::All);
    assert_eq!(holder.renew(&mut held).await, Renewal::Refused);
    // Not owner; or unknown, as the first try may meet the broken connection.
    assert_ne!(holder.release(held).await, Release::Confirmed);
    assert_eq!(holder.acquire(&key, &Patience::Try).await, Acquire::Refused, "with a new lease");
    assert_eq!(waiter.release(grant).await, Release::Confirmed);
    for session in [holder, waiter] {
        session.close().await;
    }
}

#[tokio::test]
async fn a_compaction_while_a_client_waits_leaves_it_its_turn() {
    let Some(mut scene) = Scene::new("compacted").await else { return };
    let mut holder = scene.open(0).await;
    let (mut waiter, proxy) = scene.open_behind_proxy(1, 3_000 * MS).await;
    let key = scene.keys[0].clone();
    let Acquire::Acquired(grant) = holder.acquire(&key, &Patience::Try).await else { panic!("not granted") };
    let patience = scene.within(20_000 * MS);
    let timer = scene.timer.clone();
    let releasing = async {
        scene.until_leases(2).await;
        timer.sleep(50 * MS).await;
        // The revisions that the waiter's watch began at are gone, and so is its connection (etcd#9715).
        let beside = format!("beside-{}", scene.namespace);
        scene.direct.put(beside.as_str(), "", None).await.unwrap();
        let deleted = scene.direct.delete(beside.as_str(), None).await.unwrap();
        let revision = deleted.header().unwrap().revision();
        scene.direct.compact(revision, None).await.unwrap();
        proxy.break_all();
        timer.sleep(50 * MS).await;
        let released = timer.now();
        assert_eq!(holder.release(grant).await, Release::Confirmed);
        released
    };
    let (outcome, released) = tokio::join!(waiter.acquire(&key, &patience), releasing);
    let Acquire::Acquired(grant) = outcome else { panic!("{outcome:?}") };
    let waited = timer.now() - released;
    assert!(waited < TTL_NS / 2, "the waiter was granted the lock {waited} ns after its release: it was stuck");
    assert_eq!(waiter.release(grant).await, Release::Confirmed);
    for session in [holder, waiter] {
        session.close().await;
    }
}

#[tokio::test]
async fn a_waiter_survives_a_broken_connection() {
    let Some(mut scene) = Scene::new("survive").await else { return };
    let mut holder = scene.open(0).await;
    let (mut waiter, proxy) = scene.open_behind_proxy(1, 3_000 * MS).await;
    let key = scene.keys[0].clone();
    let Acquire::Acquired(grant) = holder.acquire(&key, &Patience::Try).await else { panic!("not granted") };
    let patience = scene.within(10_000 * MS);
    let timer = scene.timer.clone();
    let releasing = async {
        scene.until_leases(2).await;
        timer.sleep(50 * MS).await;
        proxy.break_all();
        timer.sleep(50 * MS).await;
        assert_eq!(holder.release(grant).await, Release::Confirmed);
    };
    let (outcome, ()) = tokio::join!(waiter.acquire(&key, &patience), releasing);
    let Acquire::Acquired(grant) = outcome else { panic!("{outcome:?}") };
    assert_eq!(waiter.release(grant).await, Release::Confirmed);
    for session in [holder, waiter] {
        session.close().await;
    }
}

/// What a server asks of its clients.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Asks {
    ForNothing,
    ForCertificate,
}

/// An etcd of the test's own, where it may turn on authentication and TLS.
struct OwnServer {
    process: std::process::Child,
    directory: tempfile::TempDir,
    address: String,
}

impl OwnServer {
    /// `None` (with a visible reason) where no etcd is installed.
    async fn start(scheme: &str, asks: Asks) -> Option<Self> {
        support::endpoints(lockbench::backend::etcd::KIND)?;
        let directory = tempfile::tempdir().unwrap();
        if scheme == "https" && !certificate(directory.path()) {
            eprintln!("SKIPPED: openssl is not installed");
            return None;
        }
        let port = || std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let (client, peer) = (format!("127.0.0.1:{}", port()), format!("http://127.0.0.1:{}", port()));
        let url = format!("{scheme}://{client}");
        let mut command = std::process::Command::new("etcd");
        command.arg("--data-dir").arg(directory.path().join("data"));
        for (flag, value) in [
            ("--listen-client-urls", &url),
            ("--advertise-client-urls", &url),
            ("--listen-peer-urls", &peer),
            ("--initial-advertise-peer-urls", &peer),
            ("--initial-cluster", &format!("default={peer}")),
        ] {
            command.args([flag, value]);
        }
        if scheme == "https" {
            // Its own --auto-tls makes keys on P-521, which rustls with ring does not speak.
            command.arg("--cert-file").arg(directory.path().join("cert.pem"));
            command.arg("--key-file").arg(directory.path().join("key.pem"));
            if asks == Asks::ForCertificate {
                command.arg("--client-cert-auth").arg("--trusted-ca-file").arg(directory.path().join("cert.pem"));
            }
        }
        command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
        let Ok(process) = command.spawn() else {
            eprintln!("SKIPPED: etcd is not installed");
            return None;
        };
        let server = Self { process, directory, address: client };
        for _ in 0..200 {
            if tokio::net::TcpStream::connect(&server.address).await.is_ok() {
                return Some(server);
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        panic!("our own etcd did not start");
    }
}

/// Makes `cert.pem`, signed by itself, and `key.pem`; false where openssl is not installed.
fn certificate(directory: &std::path::Path) -> bool {
    let made = std::process::Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"])
        .args(["-subj", "/CN=lockbench-test", "-addext", "subjectAltName=IP:127.0.0.1"])
        .args(["-addext", "basicConstraints=critical,CA:FALSE"])
        .args(["-keyout", "key.pem", "-out", "cert.pem"])
        .current_dir(directory)
        .stderr(std::process::Stdio::null())
        .status();
    made.is_ok_and(|status| status.success())
}

impl Drop for OwnServer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Prepares, locks, looks, releases and cleans at this address.
async fn full_circle(url: &str) -> Result<(), String> {
    let clock = Clock::monotonic();
    let system = connect(vec![Endpoint::new(url)], "circle", clock).map_err(|error| error.to_string())?;
    let keys = [Key { index: 0, name: "circle".into() }];
    system.prepare(&keys).await.map_err(|error| error.to_string())?;
    system.facts().await.map_err(|error| error.to_string())?;
    let opening = Opening {
        client: 0,
        ttl_ns: TTL_NS,
        timer: Timer::new(clock),
        retry: Retry::Fixed { delay_ns: MS },
        seed: 1,
        request_timeout_ns: 2_000 * MS,
    };
    let mut session = system.open(opening).await.map_err(|error| error.to_string())?;
    match session.acquire(&keys[0], &Patience::Try).await {
        Acquire::Acquired(mut grant) => {
            assert!(system.peek(&keys[0]).await.map_err(|error| error.to_string())?.is_some());
            assert_eq!(session.renew(&mut grant).await, Renewal::Confirmed);
            assert_eq!(session.release(grant).await, Release::Confirmed);
        }
        other => return Err(format!("{other:?}")),
    }
    session.close().await;
    system.clean(&keys).await.map_err(|error| error.to_string())
}

#[tokio::test]
async fn a_user_with_rights_on_our_prefix_alone_can_run_it() {
    let Some(server) = OwnServer::start("http", Asks::ForNothing).await else { return };
    let mut root = Client::connect([&server.address], None).await.unwrap();
    root.user_add("root", "r00t", None).await.unwrap();
    root.user_grant_role("root", "root").await.unwrap();
    root.role_add("bench").await.unwrap();
    let ours = etcd_client::Permission::read_write("lockbench-").with_prefix();
    root.role_grant_permission("bench", ours).await.unwrap();
    root.user_add("me", "s/cr:et", None).await.unwrap();
    root.user_grant_role("me", "bench").await.unwrap();
    root.auth_enable().await.unwrap();

    assert_eq!(full_circle(&format!("etcd://me:s%2Fcr%3Aet@{}", server.address)).await, Ok(()));
    for (login, secret) in [("me:wr0ng@", "wr0ng"), ("", "nothing")] {
        let refused = full_circle(&format!("etcd://{login}{}", server.address)).await.unwrap_err();
        assert!(refused.contains(&server.address) && !refused.contains(secret), "{refused}");
    }
}

#[tokio::test]
async fn tls_works_with_a_ca_certificate_and_refuses_an_unknown_one() {
    let Some(server) = OwnServer::start("https", Asks::ForNothing).await else { return };
    let certificate = server.directory.path().join("cert.pem");
    let url = format!("etcds://{}?ca={}", server.address, certificate.display());
    assert_eq!(full_circle(&url).await, Ok(()));
    let refused = full_circle(&format!("etcds://{}", server.address)).await.unwrap_err();
    assert!(refused.to_lowercase().contains("certificate"), "{refused}");
}

#[tokio::test]
async fn a_server_that_asks_for_a_certificate_gets_the_one_that_is_named() {
    let Some(server) = OwnServer::start("https", Asks::ForCertificate).await else { return };
    let file = |name: &str| server.directory.path().join(name).display().to_string();
    let (cert, key) = (file("cert.pem"), file("key.pem"));
    let bare = format!("etcds://{}?ca={cert}", server.address);
    let refused = full_circle(&bare).await.unwrap_err();
    assert!(refused.contains("cert=FILE&key=FILE"), "{refused}");
    // Percent-encoded, as a path with a space would be.
    let encoded = cert.replace('/', "%2F");
    full_circle(&format!("{bare}&cert={encoded}&key={key}")).await.unwrap();
}
