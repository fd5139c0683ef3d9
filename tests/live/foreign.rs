//! Servers that belong to somebody else: whatever was there before a run is there
//! after it, and nothing of ours is.

use crate::support;
use crate::support::postgres;
use std::time::Duration;

use crate::support::cli::{Place, Ran, Running, SHORT};
use lockbench::backend::ServerKind;
use lockbench::stack::{LocalStack, Options, Server, StartError};
use rustix::process::Signal;
use serde_json::Value;

/// Longer than any server's names may be.
const LONG_ID: &str = "a-very-long-run-id.of-a_careful-Person.who-wants-to-find-it-again.a-year-later";

/// Runs the binary while the test's own connections stay alive.
async fn run(backends: &str, endpoint: String) {
    let backends = backends.to_owned();
    let ran = tokio::task::spawn_blocking(move || {
        let place = Place::new();
        let workload = Place::shipped("quickstart.toml");
        let mut arguments = vec!["run", workload.as_str(), "-b", backends.as_str(), "--endpoint", endpoint.as_str()];
        arguments.extend(["--run-id", LONG_ID]);
        arguments.extend(SHORT);
        place.run(&arguments).exits(0);
        for result in place.report()["results"].as_array().unwrap() {
            assert!(result["grants"].as_u64().unwrap() > 0, "it did use the server: {result}");
        }
    });
    ran.await.unwrap();
}

/// The same, ended by Ctrl-C in the middle.
async fn interrupted(backends: &str, endpoint: String) {
    let backends = backends.to_owned();
    let ended = tokio::task::spawn_blocking(move || {
        let place = Place::new();
        let workload = Place::shipped("hot-key.toml");
        let mut arguments = vec!["run", workload.as_str(), "-b", backends.as_str(), "--endpoint", endpoint.as_str()];
        arguments.extend(["--set", "warmup=0s", "--set", "duration=20s", "--set", "clients=8"]);
        let mut run = Running::start(&mut place.command(&arguments));
        run.until("[1/1] ");
        std::thread::sleep(Duration::from_millis(800));
        run.signal(Signal::INT);
        run.finish(Duration::from_secs(10)).exits(130);
        assert_eq!(place.report()["complete"], false);
    });
    ended.await.unwrap();
}

/// Every key of a redis with its type and serialized value.
async fn redis_keys(connection: &mut redis::aio::MultiplexedConnection) -> Vec<(String, Vec<u8>)> {
    let mut keys: Vec<String> = redis::cmd("KEYS").arg("*").query_async(connection).await.unwrap();
    keys.sort();
    let mut all = Vec::new();
    for key in keys {
        let value: Vec<u8> = redis::cmd("DUMP").arg(&key).query_async(connection).await.unwrap();
        all.push((key, value));
    }
    all
}

#[tokio::test]
async fn foreign_redis_keys_are_untouched() {
    let Some(endpoints) = support::endpoints_apart(lockbench::backend::redis::KIND, "foreign") else { return };
    let url = endpoints[0].secret_url().to_owned();
    let client = redis::Client::open(url.as_str()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    for line in ["SET theirs 1", "SET lockbench 2", "SET lockbench:theirs 3", "SET lockbench-x/k 4", "SET lock 5"]
        .into_iter()
        .chain(["HSET h a 1 b 2", "RPUSH list x y", "SET redis-t1-k0 6", "SET {lockbench} 7"])
    {
        let mut words = line.split(' ');
        let mut command = redis::cmd(words.next().unwrap());
        words.for_each(|word| {
            command.arg(word);
        });
        command.exec_async(&mut connection).await.unwrap();
    }
    let before = redis_keys(&mut connection).await;
    assert!(before.len() >= 9);
    run("redis", format!("redis={url}")).await;
    assert_eq!(redis_keys(&mut connection).await, before);
    interrupted("redis", format!("redis={url}")).await;
    assert_eq!(redis_keys(&mut connection).await, before);
}

#[tokio::test]
async fn foreign_postgres_objects_rows_and_locks_are_untouched() {
    const LOCKS: &str = "select coalesce(string_agg(format('%s/%s/%s/%s', classid, objid, objsubid, granted), ' ' order by classid, objid), '') \
                         from pg_locks where locktype = 'advisory'";
    const OBJECTS: &str = "select coalesce(string_agg(n.nspname || '.' || coalesce(c.relname, ''), ' ' order by n.nspname, c.relname), '') \
                           from pg_namespace n left join pg_class c on c.relnamespace = n.oid \
                           where n.nspname !~ '^(pg_|information_schema)'";
    const ROWS: &str = "select string_agg(t.id || ':' || t.note, ' ' order by t.id) from foreign_app.jobs t";
    let Some(endpoints) = support::endpoints_apart(lockbench::backend::postgres::KIND, "foreign") else { return };
    let url = endpoints[0].secret_url().to_owned();
    let (admin, driver) = tokio_postgres::connect(&url, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(driver);
    let setup = "create schema foreign_app; create table foreign_app.jobs (id int primary key, note text); \
                 insert into foreign_app.jobs values (1, 'one'), (2, 'two'); create schema lockbench; \
                 create schema lockbench_theirs; create table lockbench_theirs.leases (k text); \
                 select pg_advisory_lock(1), pg_advisory_lock(7, 9), pg_advisory_lock(0)";
    admin.batch_execute(setup).await.unwrap();
    let look = async || {
        let mut seen = Vec::new();
        for sql in [LOCKS, OBJECTS, ROWS] {
            seen.push(admin.query_one(sql, &[]).await.unwrap().get::<_, String>(0));
        }
        seen
    };
    let before = look().await;
    assert!(before[0].contains("7/9") && before[1].contains("lockbench_theirs.leases"), "{before:?}");
    run("postgres:advisory,postgres:lease", format!("postgres={url}")).await;
    assert_eq!(look().await, before);
    for backend in ["postgres:lease", "postgres:advisory"] {
        interrupted(backend, format!("postgres={url}")).await;
        assert_eq!(look().await, before, "after an interrupted {backend}");
    }
    admin.batch_execute("drop schema foreign_app, lockbench, lockbench_theirs cascade").await.unwrap();
}

/// Every node below a path with its data and version, the server's own left out.
async fn znodes(client: &zookeeper_client::Client) -> Vec<(String, Vec<u8>, i32)> {
    let (mut open, mut all) = (vec!["/".to_owned()], Vec::new());
    while let Some(path) = open.pop() {
        for name in client.list_children(&path).await.unwrap() {
            let child = format!("{}/{name}", path.trim_end_matches('/'));
            if child != "/zookeeper" {
                let (data, stat) = client.get_data(&child).await.unwrap();
                all.push((child.clone(), data, stat.version));
                open.push(child);
            }
        }
    }
    all.sort();
    all
}

#[tokio::test]
async fn foreign_znodes_are_untouched() {
    use zookeeper_client::{Acls, Client, CreateMode};
    let Some(endpoints) = support::endpoints_apart(lockbench::backend::zookeeper::KIND, "foreign") else { return };
    let server = endpoints[0].host_port().to_owned();
    let client = Client::connect(&server).await.unwrap();
    let mode = CreateMode::Persistent.with_acls(Acls::anyone_all());
    for path in ["/theirs", "/theirs/below", "/lockbench", "/lockbench/k0", "/lockbench-theirs", "/zookeeper-t1-k0"] {
        client.create(path, b"theirs", &mode).await.unwrap();
    }
    let before = znodes(&client).await;
    assert!(before.len() >= 6);
    run("zookeeper", format!("zookeeper=zookeeper://{server}")).await;
    assert_eq!(znodes(&client).await, before);
    interrupted("zookeeper", format!("zookeeper=zookeeper://{server}")).await;
    assert_eq!(znodes(&client).await, before);
}

/// Every key with its value and version, and every lease.
async fn etcd_state(client: &mut etcd_client::Client) -> (Vec<(String, String, i64)>, Vec<i64>) {
    let options = etcd_client::GetOptions::new().with_all_keys();
    let found = client.get("", Some(options)).await.unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let keys = found.kvs().iter().map(|kv| (text(kv.key()), text(kv.value()), kv.version())).collect();
    let mut leases: Vec<i64> = client.leases().await.unwrap().leases().iter().map(|lease| lease.id()).collect();
    leases.sort_unstable();
    (keys, leases)
}

#[tokio::test]
async fn foreign_etcd_keys_and_leases_are_untouched() {
    let Some(endpoints) = support::endpoints_apart(lockbench::backend::etcd::KIND, "foreign") else { return };
    let server = endpoints[0].host_port().to_owned();
    let mut client = etcd_client::Client::connect([&server], None).await.unwrap();
    for key in ["theirs", "lockbench", "lockbench/", "lockbench-theirs/k0/1", "etcd-t1-k0"] {
        client.put(key, "theirs", None).await.unwrap();
    }
    let lease = client.lease_grant(600, None).await.unwrap().id();
    let leased = etcd_client::PutOptions::new().with_lease(lease);
    client.put("theirs-leased", "theirs", Some(leased)).await.unwrap();
    let before = etcd_state(&mut client).await;
    assert!(before.0.len() >= 6 && before.1.contains(&lease));
    run("etcd", format!("etcd=etcd://{server}")).await;
    assert_eq!(etcd_state(&mut client).await, before);
    interrupted("etcd", format!("etcd=etcd://{server}")).await;
    assert_eq!(etcd_state(&mut client).await, before);
}

/// Starts a long run with such a lock on a server that is not its own.
fn long_run(place: &Place, backend: &str, endpoint: &str, id: &str) -> Running {
    let workload = Place::shipped("hot-key.toml");
    let mut arguments = vec!["run", workload.as_str(), "-b", backend, "--endpoint", endpoint, "--run-id", id];
    arguments.extend(["--set", "warmup=0s", "--set", "duration=60s", "--set", "clients=4", "--set", "keys=\"single\""]);
    let mut run = Running::start(&mut place.command(&arguments));
    run.until("[1/1] ");
    // From here on its keys are there; some grants make the fence counters too.
    std::thread::sleep(Duration::from_millis(1_500));
    run
}

/// What the sweep says of a run: its entry in the list.
fn told<'a>(ran: &'a Ran, run: &str) -> Option<&'a str> {
    let at = ran.out.find(run)?;
    Some(ran.out[at..].lines().nth(2).unwrap())
}

/// A run is killed and one lives: the first one's remains are found and removed, the second is left alone.
fn swept(backend: &str, endpoint: String) {
    let (place, other) = (Place::new(), Place::new());
    let killed = long_run(&place, backend, &endpoint, "the-killed-one");
    killed.signal(Signal::KILL);
    drop(killed);
    let live = long_run(&other, backend, &endpoint, "the-live-one");
    let url = endpoint.split_once('=').unwrap().1;
    // A session of ZooKeeper outlives its client by its timeout.
    let begin = std::time::Instant::now();
    let listed = loop {
        let listed = place.run(&["sweep-up", url]).exits(0);
        if told(&listed, "the-killed-one").is_some_and(|state| state == "  dead") {
            break listed;
        }
        assert!(begin.elapsed() < Duration::from_secs(60), "never dead:\n{}", listed.out);
    };
    assert!(told(&listed, "the-live-one").unwrap().contains("left alone"), "{}", listed.out);
    assert!(listed.out.contains("1 dead run; nothing was removed"), "{}", listed.out);
    let removed = place.run(&["sweep-up", url, "--yes"]).exits(0);
    assert_eq!(told(&removed, "the-killed-one"), Some("  dead: removed"), "{}", removed.out);
    let after = place.run(&["sweep-up", url]).exits(0);
    assert!(!after.out.contains("the-killed-one") && after.out.contains("the-live-one"), "{}", after.out);
    live.signal(Signal::INT);
    live.finish(Duration::from_secs(20)).exits(130);
    let result = &other.report()["results"][0];
    assert_eq!((&result["safety"]["token_regressions"], &result["error"]), (&0.into(), &Value::Null));
    assert_eq!(place.run(&["sweep-up", url]).exits(0).out, "nothing of ours is there\n");
}

/// A server of one test: the others of this program look at everything on theirs.
fn own_server(kind: ServerKind) -> Option<Server> {
    support::live("no server was started").then(|| LocalStack::start(&[kind], &Options::default()).remove(0).1.unwrap())
}

#[test]
fn what_a_killed_run_left_on_redis_is_swept_up_and_a_live_runs_is_not() {
    if let Some(server) = own_server(lockbench::backend::redis::KIND) {
        swept("redis", format!("redis={}", server.endpoints()[0].secret_url()));
    }
}

#[test]
fn what_a_killed_run_left_on_postgres_is_swept_up_and_a_live_runs_is_not() {
    if let Some(server) = own_server(lockbench::backend::postgres::KIND) {
        swept("postgres:lease", format!("postgres={}", server.endpoints()[0].secret_url()));
    }
}

#[test]
fn what_a_killed_run_left_on_zookeeper_is_swept_up_and_a_live_runs_is_not() {
    if let Some(server) = own_server(lockbench::backend::zookeeper::KIND) {
        swept("zookeeper", format!("zookeeper=zookeeper://{}", server.endpoints()[0].host_port()));
    }
}

#[test]
fn what_a_killed_run_left_on_etcd_goes_by_itself_and_the_sweep_says_so() {
    let Some(server) = own_server(lockbench::backend::etcd::KIND) else { return };
    let endpoint = format!("etcd=etcd://{}", server.endpoints()[0].host_port());
    let place = Place::new();
    let killed = long_run(&place, "etcd", &endpoint, "the-killed-one");
    killed.signal(Signal::KILL);
    drop(killed);
    let look = || place.run(&["sweep-up", &endpoint, "--yes"]).exits(0);
    let first = look();
    assert!(told(&first, "the-killed-one").unwrap().contains("its leases run"), "{}", first.out);
    let begin = std::time::Instant::now();
    while look().out.contains("the-killed-one") {
        assert!(begin.elapsed() < Duration::from_secs(60), "its leases never ended");
    }
}

#[tokio::test]
async fn keys_of_runs_of_before_the_prefix_are_told_and_left_alone() {
    let Some(server) = own_server(lockbench::backend::redis::KIND) else { return };
    let url = server.endpoints()[0].secret_url().to_owned();
    let client = redis::Client::open(url.as_str()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let run = "hot-key-20261101t100000-0a1b2c3d";
    for name in
        [format!("{{{run}:redis-t1-k0}}:fence"), format!("{{{run}:redis-t1-k1}}:fence"), "{a-t1-k0}:fence".into()]
    {
        redis::cmd("SET").arg(name).arg(7).exec_async(&mut connection).await.unwrap();
    }
    let before = redis_keys(&mut connection).await;
    let place = Place::new();
    let ran = place.run(&["sweep-up", &url, "--yes"]).exits(0).tells(&["nothing that can be swept up is there"]);
    ran.complains(&[&format!("left alone: 2 keys of run {run}"), "whether it lives cannot be told"]);
    assert_eq!(redis_keys(&mut connection).await, before);
}

/// Did the run find what this lint looks for?
fn has_lint(report: &Value, name: &str) -> bool {
    report["lints"].as_array().unwrap().iter().any(|lint| lint["name"] == name)
}

/// The report of a run of `postgres:advisory` at this endpoint, which ends with this code.
fn advisory_at(endpoint: &str, code: i32) -> Value {
    let place = Place::new();
    let workload = Place::shipped("hot-key.toml");
    let mut arguments = vec!["run", workload.as_str(), "-b", "postgres:advisory", "--endpoint", endpoint];
    arguments.extend(SHORT);
    // Few clients that hold it long: however slowly a loaded machine passes statements on, one client asks
    // within the hold of another.
    arguments.extend(["--set", "clients=4", "--set", "hold=100ms", "--set", "duration=2s"]);
    place.run(&arguments).exits(code);
    place.report()
}

#[test]
fn double_grants_through_a_pooler_name_the_pooler_and_not_the_service() {
    let Some(server) = own_postgres() else { return };
    let endpoint = server.endpoints().remove(0);
    let pooler = postgres::Pooler::before(&endpoint);
    let report = advisory_at(&pooler.endpoint(), 100);
    let reasons = report["verdict"]["reasons"].to_string();
    assert!(reasons.contains("the cause is the pooler that stands between, not the service"), "{reasons}");
    assert!(has_lint(&report, "pooled-connection"), "{}", report["lints"]);
    let result = &report["results"][0];
    assert!(result["caveats"]["pooler"].as_str().unwrap().contains("one server process"), "{result}");
    // The server itself is no pooler.
    let report = advisory_at(&format!("postgres={}", endpoint.secret_url()), 0);
    assert_eq!(report["results"][0]["caveats"]["pooler"], Value::Null);
    assert_eq!(report["results"][0]["server_role"], "primary (not in recovery)");
}

#[test]
fn advisory_locks_on_a_standby_are_a_lint_and_its_role_is_stored() {
    let Some(server) = own_postgres() else { return };
    let standby = postgres::Standby::of(&server.endpoints()[0]);
    let report = advisory_at(&standby.endpoint(), 0);
    assert!(has_lint(&report, "standby"), "{}", report["lints"]);
    let result = &report["results"][0];
    assert_eq!(result["caveats"]["standby"], true);
    assert_eq!(result["server_role"], "standby (in recovery)");
}

/// A server of its own: what a pooler leaks there is no other test's business.
fn own_postgres() -> Option<Server> {
    if !support::live("and this test starts a PostgreSQL server") {
        return None;
    }
    match LocalStack::start(&[lockbench::backend::postgres::KIND], &Options::default()).remove(0).1 {
        Ok(server) => Some(server),
        Err(missing @ StartError::Missing { .. }) => {
            support::skip(&missing.to_string());
            None
        }
        Err(error) => panic!("{error}"),
    }
}
