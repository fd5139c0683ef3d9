//! Both PostgreSQL recipes against a real server.

use crate::support;
use std::sync::Arc;

use lockbench::backend::conformance::{Setting, suite};
use lockbench::backend::{self, Target};
use lockbench::clock::{Clock, Timer};
use lockbench::lock::{
    Acquire, Deadline, Endpoint, Grant, Key, LockSystem, Opening, Patience, Release, Renewal, Retry, Session,
};
use lockbench::stack::{LocalStack, Options, Server};
use lockbench::stop::Stop;
use tokio_postgres::{Client, NoTls};

const MS: u64 = 1_000_000;

/// One test's view of the server: its own namespace, and a look behind the scenes.
struct Live {
    endpoint: Endpoint,
    namespace: String,
    timer: Timer,
    admin: Client,
}

impl Live {
    async fn start(test: &str) -> Option<Self> {
        let endpoint = support::endpoints_apart(backend::postgres::KIND, "postgres")?.remove(0);
        let (admin, driver) = tokio_postgres::connect(endpoint.secret_url(), NoTls).await.unwrap();
        tokio::spawn(driver);
        let namespace = format!("test-{}-{test}", std::process::id());
        Some(Self { endpoint, namespace, timer: Timer::new(Clock::monotonic()), admin })
    }

    fn system(&self, name: &str) -> Arc<dyn LockSystem> {
        let entry = backend::Registry::builtin().find(name).unwrap();
        (entry.connect)(self.target(self.endpoint.clone())).unwrap()
    }

    fn target(&self, endpoint: Endpoint) -> Target {
        Target {
            endpoints: vec![endpoint],
            namespace: self.namespace.clone(),
            ours: false,
            scratch: std::env::temp_dir(),
            clock: self.timer.clock(),
            options: Default::default(),
        }
    }

    fn key(&self) -> Key {
        Key { index: 0, name: format!("{}-0", self.namespace).into() }
    }

    fn opening(&self, client: u32) -> Opening {
        Opening {
            client,
            ttl_ns: 2_000 * MS,
            timer: self.timer.clone(),
            retry: Retry::Fixed { delay_ns: 2 * MS },
            seed: 1,
            request_timeout_ns: 500 * MS,
        }
    }

    fn within(&self, ns: u64) -> Patience {
        Patience::Until(Deadline::new(self.timer.now() + ns, self.timer.clone(), Stop::new()))
    }

    /// Rows of `pg_locks` of our clients, granted or waiting.
    async fn advisory_locks(&self, condition: &str) -> i64 {
        let sql = format!(
            "select count(*) from pg_locks l join pg_stat_activity a using (pid) \
             where l.locktype = 'advisory' and a.application_name like 'lockbench client %' and {condition}"
        );
        self.admin.query_one(&sql, &[]).await.unwrap().get(0)
    }

    /// Server process of one of our clients.
    async fn pid(&self, application: &str) -> i32 {
        let sql = "select pid from pg_stat_activity where split_part(application_name, ' of ', 1) = $1";
        self.admin.query_one(sql, &[&application]).await.unwrap().get(0)
    }

    async fn terminate(&self, application: &str) {
        let pid = self.pid(application).await;
        self.admin.execute("select pg_terminate_backend($1, 5000)", &[&pid]).await.unwrap();
    }
}

fn granted(outcome: Acquire) -> Grant {
    match outcome {
        Acquire::Acquired(grant) => grant,
        other => panic!("expected a grant, got {other:?}"),
    }
}

/// Client numbers are the identity on the server: each test takes its own, so
/// that tests running at once do not see each other's.
async fn open(live: &Live, system: &dyn LockSystem, client: u32) -> Box<dyn Session> {
    system.open(live.opening(client)).await.unwrap()
}

#[tokio::test]
async fn facts_are_read_from_the_server() {
    let Some(live) = Live::start("facts").await else { return };
    for name in ["postgres:advisory", "postgres:lease"] {
        let facts = live.system(name).facts().await.unwrap();
        assert!(
            facts.durability.as_str().contains("fsync") && facts.quorum.to_string().starts_with("1 of 1"),
            "{facts:?}"
        );
        assert_eq!(facts.role, "primary (not in recovery)");
    }
}

#[tokio::test]
async fn somebody_elses_row_in_our_table_survives_our_cleaning() {
    let Some(live) = Live::start("row").await else { return };
    let system = live.system("postgres:lease");
    let key = live.key();
    system.prepare(std::slice::from_ref(&key)).await.unwrap();
    let table = format!("\"lockbench_{}\".leases", live.namespace);
    let insert = format!("insert into {table} (key, fence, expires) values ('other', 7, now())");
    live.admin.batch_execute(&insert).await.unwrap();
    system.clean(std::slice::from_ref(&key)).await.unwrap();
    let rows = live.admin.query(&format!("select key from {table}"), &[]).await.unwrap();
    assert_eq!(rows.iter().map(|row| row.get::<_, String>(0)).collect::<Vec<_>>(), ["other"]);
    live.admin.batch_execute(&format!("drop schema \"lockbench_{}\" cascade", live.namespace)).await.unwrap();
}

#[tokio::test]
async fn a_killed_connection_is_noticed_while_holding() {
    let Some(live) = Live::start("killed").await else { return };
    let system = live.system("postgres:advisory");
    let key = live.key();
    system.prepare(std::slice::from_ref(&key)).await.unwrap();
    let (mut a, mut b) = (open(&live, &*system, 200).await, open(&live, &*system, 201).await);
    let grant = granted(a.acquire(&key, &Patience::Try).await);
    assert_eq!(a.lost_at(), None);
    let holder = system.peek(&key).await.unwrap().unwrap();
    assert!(holder.identity.starts_with("lockbench client 200 of "), "{holder:?}");
    let killed_at = live.timer.now();
    live.terminate("lockbench client 200").await;
    live.timer.sleep(100 * MS).await;
    let lost_at = a.lost_at().expect("the loss was not noticed");
    assert!(lost_at >= killed_at && lost_at <= live.timer.now());
    let other = granted(b.acquire(&key, &Patience::Try).await);
    assert_eq!(a.release(grant).await, Release::NotOwner);
    assert_eq!(b.release(other).await, Release::Confirmed);
    // The next acquire has a new connection, and no old loss to report.
    let grant = granted(a.acquire(&key, &live.within(1_000 * MS)).await);
    assert_eq!(a.lost_at(), None);
    assert_eq!(a.release(grant).await, Release::Confirmed);
    a.close().await;
    b.close().await;
}

#[tokio::test]
async fn a_lease_survives_its_connection() {
    let Some(live) = Live::start("survives").await else { return };
    let system = live.system("postgres:lease");
    let key = live.key();
    system.prepare(std::slice::from_ref(&key)).await.unwrap();
    let mut a = open(&live, &*system, 300).await;
    let mut grant = granted(a.acquire(&key, &Patience::Try).await);
    live.terminate("lockbench client 300").await;
    live.timer.sleep(50 * MS).await;
    assert_eq!(a.lost_at(), None);
    assert_eq!(a.renew(&mut grant).await, Renewal::Confirmed);
    assert_eq!(a.release(grant).await, Release::Confirmed);
    a.close().await;
    system.clean(std::slice::from_ref(&key)).await.unwrap();
}

#[tokio::test]
async fn a_waiter_whose_connection_is_killed_does_not_know_and_leaves_no_ghost() {
    let Some(live) = Live::start("waiter").await else { return };
    let system = live.system("postgres:advisory");
    let key = live.key();
    system.prepare(std::slice::from_ref(&key)).await.unwrap();
    let (mut a, mut b) = (open(&live, &*system, 400).await, open(&live, &*system, 401).await);
    let grant = granted(a.acquire(&key, &Patience::Try).await);
    let patience = live.within(10_000 * MS);
    let killing = async {
        live.timer.sleep(100 * MS).await;
        live.terminate("lockbench client 401").await;
    };
    let (outcome, ()) = tokio::join!(b.acquire(&key, &patience), killing);
    match outcome {
        // The server confirmed that the session is gone.
        Acquire::Unknown { surely_ended_ns, .. } => assert!(surely_ended_ns <= live.timer.now()),
        other => panic!("expected Unknown, got {other:?}"),
    }
    assert_eq!(live.advisory_locks("a.application_name like 'lockbench client 401 of %'").await, 0);
    assert_eq!(a.release(grant).await, Release::Confirmed);
    let grant = granted(b.acquire(&key, &live.within(1_000 * MS)).await);
    assert_eq!(b.release(grant).await, Release::Confirmed);
    a.close().await;
    b.close().await;
}

#[tokio::test]
async fn timeouts_and_withdrawals_leave_no_ghost_in_the_servers_lock_table() {
    let Some(live) = Live::start("ghost").await else { return };
    let system = live.system("postgres:advisory");
    let key = live.key();
    system.prepare(std::slice::from_ref(&key)).await.unwrap();
    let mut a = open(&live, &*system, 500).await;
    let grant = granted(a.acquire(&key, &Patience::Try).await);
    let mut waiters = Vec::new();
    for client in 501..521 {
        waiters.push(open(&live, &*system, client).await);
    }
    let ours = "a.application_name like 'lockbench client 5__ of %'";
    // Half time out by themselves, half are withdrawn.
    let stop = Stop::new();
    let far = Patience::Until(Deadline::new(live.timer.now() + 60_000 * MS, live.timer.clone(), stop.clone()));
    let near = live.within(2_000 * MS);
    let waits = waiters.iter_mut().enumerate().map(|(i, b)| b.acquire(&key, if i % 2 == 0 { &far } else { &near }));
    let stopping = async {
        let waiting = format!("{ours} and not granted");
        let (begun, mut seen) = (live.timer.now(), 0);
        while seen < 20 && live.timer.now() < begun + 1_900 * MS {
            seen = live.advisory_locks(&waiting).await;
        }
        assert_eq!(seen, 20);
        stop.drain();
    };
    let (outcomes, ()) = tokio::join!(futures_util::future::join_all(waits), stopping);
    assert!(outcomes.iter().all(|outcome| *outcome == Acquire::TimedOut), "{outcomes:?}");
    assert_eq!(live.advisory_locks(ours).await, 1, "only the holder is left");
    assert_eq!(a.release(grant).await, Release::Confirmed);
    assert_eq!(live.advisory_locks(ours).await, 0);
    for session in waiters.into_iter().chain([a]) {
        session.close().await;
    }
}

/// The lock may be handed over in the very moment in which the wait is given up:
/// the server then reports the failure and keeps the session lock.
#[tokio::test]
async fn a_timeout_in_the_moment_of_the_grant_leaves_no_ghost() {
    let Some(live) = Live::start("race").await else { return };
    let system = live.system("postgres:advisory");
    let key = live.key();
    system.prepare(std::slice::from_ref(&key)).await.unwrap();
    let (mut a, mut b) = (open(&live, &*system, 600).await, open(&live, &*system, 601).await);
    for round in 0..200_u64 {
        let grant = granted(a.acquire(&key, &live.within(1_000 * MS)).await);
        let patience = live.within(5 * MS);
        let releasing = async {
            live.timer.sleep(4 * MS + round * 10_000).await;
            assert_eq!(a.release(grant).await, Release::Confirmed);
        };
        let (outcome, ()) = tokio::join!(b.acquire(&key, &patience), releasing);
        match outcome {
            Acquire::Acquired(grant) => assert_eq!(b.release(grant).await, Release::Confirmed),
            Acquire::TimedOut => {}
            other => panic!("{other:?}"),
        }
        assert_eq!(
            live.advisory_locks("a.application_name like 'lockbench client 60_ of %'").await,
            0,
            "round {round}"
        );
    }
    a.close().await;
    b.close().await;
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_unknown_after_the_backstop() {
    let Some(live) = Live::start("silent").await else { return };
    for (name, client) in [("postgres:advisory", 700), ("postgres:lease", 701)] {
        let system = live.system(name);
        let key = live.key();
        system.prepare(std::slice::from_ref(&key)).await.unwrap();
        let mut a = open(&live, &*system, client).await;
        let pid = live.pid(&format!("lockbench client {client}")).await;
        let pid = rustix::process::Pid::from_raw(pid).unwrap();
        if rustix::process::kill_process(pid, rustix::process::Signal::STOP).is_err() {
            eprintln!("SKIPPED: the server's processes are not on this machine, or not ours to stop");
            return;
        }
        let start = live.timer.now();
        let outcome = a.acquire(&key, &live.within(300 * MS)).await;
        let took = live.timer.now() - start;
        rustix::process::kill_process(pid, rustix::process::Signal::CONT).unwrap();
        match outcome {
            // Its session still stood when we asked, so nothing bounds the hold.
            Acquire::Unknown { surely_ended_ns, .. } => assert_eq!(surely_ended_ns, lockbench::lock::NEVER),
            other => panic!("{name}: expected Unknown, got {other:?}"),
        }
        // Advisory: deadline + 1 s; lease: the request timeout; then at most a second of confirming.
        assert!(took < 3_000 * MS, "{name}: took {took} ns");
        // The woken process finds its client gone; whatever it had taken ends with session or ttl.
        let grant = granted(a.acquire(&key, &live.within(4_000 * MS)).await);
        assert_eq!(a.release(grant).await, Release::Confirmed);
        a.close().await;
        system.clean(std::slice::from_ref(&key)).await.unwrap();
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_a_clear_message_without_the_password() {
    let Some(live) = Live::start("absent").await else { return };
    let target = live.target(Endpoint::new("postgres://me:s3cret@127.0.0.1:1/db"));
    let system = (backend::Registry::builtin().find("postgres").unwrap().connect)(target).unwrap();
    let error = system.facts().await.unwrap_err().to_string();
    assert!(error.starts_with("postgres:advisory at 127.0.0.1:1: "), "{error}");
    assert!(error.contains("refused") && !error.contains("s3cret"), "{error}");
}

#[tokio::test]
async fn too_many_clients_is_said_with_what_to_do() {
    let Some(live) = Live::start("many").await else { return };
    let role = format!("limited_{}", std::process::id());
    live.admin.batch_execute(&format!("create role {role} login password 'l1mited' connection limit 1")).await.unwrap();
    let url = format!("postgres://{role}:l1mited@{}/postgres", live.endpoint.host_port());
    let system =
        (backend::Registry::builtin().find("postgres").unwrap().connect)(live.target(Endpoint::new(url))).unwrap();
    // A login costs a loaded machine more than the half second that a request may take elsewhere here.
    let opening = |client| Opening { request_timeout_ns: 2_000 * MS, ..live.opening(client) };
    let first = system.open(opening(800)).await.unwrap();
    let error = system.open(opening(801)).await.err().expect("the second client fits").to_string();
    // It is the role that is full, and not the server.
    assert!(error.contains("raise the role's limit") && error.contains("fewer clients"), "{error}");
    first.close().await;
    // The closed session's place is waited for.
    system.open(opening(802)).await.unwrap().close().await;
    live.timer.sleep(200 * MS).await;
    live.admin.batch_execute(&format!("drop role {role}")).await.unwrap();
}

/// A server of the test's own that takes only TLS and SCRAM, with a certificate
/// for `localhost` from an authority of the test's own.
struct TlsServer {
    _server: Server,
    _certificates: tempfile::TempDir,
    admin: Client,
    url: String,
    ca: String,
}

impl TlsServer {
    async fn start() -> Option<Self> {
        if !support::live("no server was started") {
            return None;
        }
        let certificates = tempfile::tempdir().unwrap();
        if !make_certificates(certificates.path()) {
            support::skip("openssl could not make certificates");
            return None;
        }
        let server = match LocalStack::start(&[backend::postgres::KIND], &Options::default()).remove(0).1 {
            Ok(server) => server,
            Err(error) => {
                support::skip(&error.to_string());
                return None;
            }
        };
        let plain = server.endpoints().remove(0).secret_url().to_owned();
        let (admin, driver) = tokio_postgres::connect(&plain, NoTls).await.unwrap();
        tokio::spawn(driver);
        let data: String = admin.query_one("show data_directory", &[]).await.unwrap().get(0);
        for name in ["server.key", "server.crt", "ca.crt"] {
            let text = std::fs::read_to_string(certificates.path().join(name)).unwrap();
            write_line_by_line(&admin, &text, &format!("{data}/{name}")).await;
        }
        let hba = "hostssl all certified 127.0.0.1/32 cert\nhostssl all all 127.0.0.1/32 scram-sha-256";
        write_line_by_line(&admin, hba, &format!("{data}/pg_hba.conf")).await;
        admin.batch_execute("create role certified superuser login").await.unwrap();
        admin.batch_execute("alter system set ssl_ca_file = 'ca.crt'").await.unwrap();
        admin.batch_execute("alter system set ssl = on").await.unwrap();
        admin.batch_execute("select pg_reload_conf()").await.unwrap();
        let url = plain.replace("127.0.0.1", "localhost");
        let ca = certificates.path().join("ca.crt").display().to_string();
        // The reload is a signal: it takes effect a little later.
        for _ in 0..100 {
            if tokio_postgres::connect(&plain, NoTls).await.is_err() {
                return Some(Self { _server: server, _certificates: certificates, admin, url, ca });
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        panic!("the server still takes connections without TLS");
    }
}

/// Writes a file as the server's user, readable by that user only (PostgreSQL
/// refuses a key that others can read).
async fn write_line_by_line(admin: &Client, text: &str, path: &str) {
    let copy = format!(
        "copy (select unnest(string_to_array('{}', E'\\n'))) to program 'umask 077; cat >{path}'",
        text.trim_end()
    );
    admin.batch_execute(&copy).await.unwrap();
}

fn make_certificates(directory: &std::path::Path) -> bool {
    std::fs::write(directory.join("san"), "subjectAltName=DNS:localhost\n").unwrap();
    let openssl = |line: &str| {
        let done = std::process::Command::new("openssl").args(line.split(' ')).current_dir(directory).output();
        done.is_ok_and(|output| output.status.success())
    };
    openssl("req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.crt -subj /CN=test-authority -days 2")
        && openssl("req -newkey rsa:2048 -nodes -keyout server.key -out server.csr -subj /CN=localhost")
        && openssl(
            "x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -out server.crt -days 2 -extfile san",
        )
        // The library of rustls takes certificates of version 3 only: those with an extension.
        && openssl("req -newkey rsa:2048 -nodes -keyout client.key -out client.csr -subj /CN=certified")
        && openssl(
            "x509 -req -in client.csr -CA ca.crt -CAkey ca.key -CAcreateserial -out client.crt -days 2 -extfile san",
        )
}

#[tokio::test]
async fn tls_and_passwords_mean_what_libpq_means() {
    let Some(server) = TlsServer::start().await else { return };
    let (url, ca) = (&server.url, &server.ca);
    let wrong_host = url.replace("localhost", "127.0.0.1");
    let certified = format!("postgres://certified@{}", url.split_once('@').unwrap().1);
    let (cert, key) = (ca.replace("ca.crt", "client.crt"), ca.replace("ca.crt", "client.key"));
    let password = url.split_once("://").unwrap().1.split_once(':').unwrap().1.split_once('@').unwrap().0.to_owned();
    let cases = [
        (format!("{url}?sslmode=require"), None),
        (format!("{url}?sslmode=prefer"), None),
        (url.to_owned(), None),
        (format!("{url}?sslmode=verify-full&sslrootcert={ca}"), None),
        (format!("{wrong_host}?sslmode=verify-ca&sslrootcert={ca}"), None),
        (format!("{wrong_host}?sslmode=require&sslrootcert={ca}"), None),
        (format!("{wrong_host}?sslmode=verify-full&sslrootcert={ca}"), Some("not valid for name")),
        (format!("{url}?sslmode=verify-full"), Some("certificate")),
        (format!("{url}?sslmode=disable"), Some("no pg_hba.conf entry")),
        (format!("{certified}?sslmode=verify-full&sslrootcert={ca}"), Some("sslcert=FILE&sslkey=FILE")),
        (format!("{certified}?sslmode=verify-full&sslrootcert={ca}&sslcert={cert}&sslkey={key}"), None),
        (format!("{certified}?sslmode=require&sslcert={cert}&sslkey={key}"), None),
        (format!("{}?sslmode=require", url.replace(&password, "wr0ng")), Some("password authentication failed")),
    ];
    for (url, problem) in cases {
        let endpoint = Endpoint::new(url);
        let shown = endpoint.redact(endpoint.secret_url());
        let target = Target {
            endpoints: vec![endpoint],
            namespace: "test-tls".to_owned(),
            ours: false,
            scratch: std::env::temp_dir(),
            clock: Clock::monotonic(),
            options: Default::default(),
        };
        let result =
            (backend::Registry::builtin().find("postgres:lease").unwrap().connect)(target).unwrap().facts().await;
        eprintln!("{shown}: {result:?}");
        match (result, problem) {
            (Ok(_), None) => {}
            (Err(error), Some(problem)) => {
                let error = error.to_string();
                assert!(error.contains(problem) && !error.contains(&password) && !error.contains("wr0ng"), "{error}");
            }
            (result, _) => panic!("{shown}: {result:?}"),
        }
    }
    // Waiting, cancelling and releasing over TLS.
    let live = Live {
        endpoint: Endpoint::new(format!("{url}?sslmode=require")),
        namespace: "test-tls".to_owned(),
        timer: Timer::new(Clock::monotonic()),
        admin: server.admin,
    };
    for name in ["postgres:advisory", "postgres:lease"] {
        let setting = Setting { timer: live.timer.clone(), ttl_ns: 2_000 * MS, prefix: "tls".to_owned() };
        assert_eq!(suite(&*live.system(name), &setting).await, Ok(()), "{name}");
    }
}
