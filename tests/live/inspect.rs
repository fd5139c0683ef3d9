//! `lockbench inspect` on real servers: locks of our own recipes and of others, written
//! here by hand as those clients write them.
mod kinds;

use crate::support;
use std::net::TcpListener;
use std::process::Command;
use std::time::Duration;

use crate::support::cli::{Place, Ran, Running};
use crate::support::pty::Pty;
use crate::support::redis_server::RedisServer;
use etcd_client::{Client as Etcd, PutOptions};
use lockbench::backend::{Registry, Target};
use lockbench::clock::{Clock, Timer};
use lockbench::lock::{Acquire, Endpoint, Grant, Key, Opening, Patience, Retry, Session};
use redis::aio::MultiplexedConnection;
use rustix::process::Signal;
use serde_json::Value;
use tokio_postgres::{Client as Postgres, NoTls};
use zookeeper_client::{Acls, Client as Zookeeper, CreateMode};

const MS: u64 = 1_000_000;
const UUID: &str = "8f2e5a52-6f51-4bd1-a7a5-2f0c2e3d9b11";

/// What it says as JSON, once.
fn json(arguments: &[&str]) -> Value {
    let mut all = vec!["inspect", "--format", "json"];
    all.extend(arguments);
    let ran = Place::new().run(&all).exits(0);
    assert_eq!(ran.err, "");
    serde_json::from_str(&ran.out).unwrap()
}

fn text(arguments: &[&str]) -> Ran {
    let mut all = vec!["inspect"];
    all.extend(arguments);
    Place::new().run(&all).exits(0)
}

fn named<'a>(seen: &'a Value, name: &str) -> &'a Value {
    let lock = seen["locks"].as_array().unwrap().iter().find(|lock| lock["name"] == name);
    lock.unwrap_or_else(|| panic!("no {name} in {seen:#}"))
}

fn names(seen: &Value) -> Vec<&str> {
    seen["locks"].as_array().unwrap().iter().map(|lock| lock["name"].as_str().unwrap()).collect()
}

/// One client of a recipe of ours with a grant.
async fn ours(recipe: &str, endpoints: Vec<Endpoint>, namespace: &str, key: &str) -> (Box<dyn Session>, Grant, Key) {
    let clock = Clock::monotonic();
    let timer = Timer::new(clock);
    let target = Target {
        endpoints,
        namespace: namespace.to_owned(),
        ours: true,
        scratch: std::env::temp_dir(),
        clock,
        options: Default::default(),
    };
    let system = (Registry::builtin().find(recipe).unwrap().connect)(target).unwrap();
    let key = Key { index: 0, name: key.into() };
    system.prepare(std::slice::from_ref(&key)).await.unwrap();
    let opening = Opening {
        client: 7,
        ttl_ns: 60_000 * MS,
        timer,
        retry: Retry::Fixed { delay_ns: MS },
        seed: 1,
        request_timeout_ns: 5_000 * MS,
    };
    let mut session = system.open(opening).await.unwrap();
    match session.acquire(&key, &Patience::Try).await {
        Acquire::Acquired(grant) => (session, grant, key),
        other => panic!("expected a grant, got {other:?}"),
    }
}

async fn redis(url: &str) -> MultiplexedConnection {
    redis::Client::open(url).unwrap().get_multiplexed_async_connection().await.unwrap()
}

async fn send(connection: &mut MultiplexedConnection, line: &str) {
    let mut words = line.split(' ');
    let mut command = redis::cmd(words.next().unwrap());
    for word in words {
        command.arg(word);
    }
    command.exec_async(connection).await.unwrap();
}

#[tokio::test]
async fn redis_tells_of_every_form_of_lock_and_of_nothing_else() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let url = format!("redis://127.0.0.1:{}", server.port);
    let mut raw = redis(&url).await;
    send(&mut raw, "SET lock:orders worker-1 NX PX 60000").await;
    send(&mut raw, "SET lock:stuck somebody NX").await;
    send(&mut raw, &format!("HSET lock:redisson {UUID}:57 2")).await;
    send(&mut raw, "PEXPIRE lock:redisson 30000").await;
    send(&mut raw, &format!("RPUSH redisson_lock_queue:{{lock:redisson}} {UUID}:58 {UUID}:59")).await;
    send(&mut raw, "HSET lock:settings colour red").await;
    send(&mut raw, "SADD lock:set a b").await;
    send(&mut raw, "SET block:7 x").await;
    let (_session, grant, _) = ours("redis", vec![server.endpoint()], "run-9", "hot").await;

    let seen = json(&[&url]);
    assert_eq!(names(&seen), ["lock:orders", "lock:redisson", "lock:stuck", "lockbench:{run-9:hot}:lock"]);
    let orders = &named(&seen, "lock:orders")["holders"][0];
    assert_eq!(orders["client"], "worker-1");
    assert!((1..=60_000).contains(&orders["ttl_left_ms"].as_u64().unwrap()));
    assert!(orders["since_ms"].is_null() && seen["untold"]["since_ms"].as_str().unwrap().contains("does not tell"));
    assert!(named(&seen, "lock:orders")["waiting"].is_null());
    let redisson = named(&seen, "lock:redisson");
    assert_eq!(
        (redisson["holders"][0]["details"]["holds"].as_str(), redisson["waiting"].as_u64()),
        (Some("2"), Some(2))
    );
    assert_eq!(redisson["waiters"][1]["client"], format!("{UUID}:59"));
    assert!(named(&seen, "lock:stuck")["notes"][0].as_str().unwrap().contains("no lease"));
    assert_eq!(named(&seen, "lockbench:{run-9:hot}:lock")["holders"][0]["token"].as_u64(), grant.token());
    assert!(seen["notes"][0].as_str().unwrap().contains("1 set"), "{seen:#}");

    assert_eq!(names(&json(&[&url, "--prefix", "lock:o"])), ["lock:orders"]);
    assert_eq!(names(&json(&[&url, "--prefix", "nothing*"])), Vec::<&str>::new());
    text(&[&url]).tells(&["4 locks held", "lock:stuck", "has no lease", "not always reported by redis"]);
    text(&[&url, "--prefix", "nothing"]).tells(&["0 locks held", "looked for: keys that start with nothing"]);
}

#[tokio::test]
async fn redis_finds_the_locks_of_usual_libraries_and_counts_what_it_cannot_tell() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let url = format!("redis://127.0.0.1:{}", server.port);
    let mut raw = redis(&url).await;
    // ShedLock, Hangfire, npm's redis-semaphore, a name in camel case, one in capitals.
    let named = ["job-lock:prod:nightly", "hangfire:lock:job", "mutex:7", "shop:orderLock", "LOCKS:a"];
    for name in named {
        send(&mut raw, &format!("SET {name} me NX PX 60000")).await;
    }
    // Redisson's are named as their users like; a client may have an id that is no UUID.
    for (name, fields) in [
        ("orders", format!("{UUID}:57 1")),
        ("invoices", "mode read billing-1:57 1".to_owned()),
        ("reportLock", "billing-1:57 1".to_owned()),
        ("opaque", "billing-1:57 1".to_owned()),
        // Data that look alike.
        ("views", "page:17 4 page:18 2".to_owned()),
        ("session:9", "user ann".to_owned()),
    ] {
        send(&mut raw, &format!("HSET {name} {fields}")).await;
        send(&mut raw, &format!("PEXPIRE {name} 30000")).await;
    }
    for data in ["SET app:lock:timeout 30", "SET user:7:lock-attempts 3 PX 60000", "SET cache:7 x PX 60000", "SET n 1"]
    {
        send(&mut raw, data).await;
    }
    send(&mut raw, &format!("HSET lasting {UUID}:57 1")).await;
    let seen = json(&[&url]);
    let mut expected = [named.as_slice(), &["orders", "invoices", "reportLock"]].concat();
    expected.sort_unstable();
    assert_eq!(names(&seen), expected);
    assert_eq!(named_kind(&seen, "reportLock"), "Redisson");
    assert_eq!(named_kind(&seen, "invoices"), "Redisson read-write");
    let notes = seen["notes"].to_string();
    assert!(notes.contains("1 hash with a TTL may be Redisson's"), "{notes}");
    // opaque, views, session:9, user:7:lock-attempts and cache:7
    assert!(notes.contains("5 more keys have a TTL and no name of a lock") && notes.contains("--prefix"), "{notes}");
    text(&[&url]).tells(&["5 more keys have a TTL"]);
    assert_eq!(names(&json(&[&url, "--prefix", "opaq"])), ["opaque"]);
    let of_cache = json(&[&url, "--prefix", "cache:"]);
    assert_eq!((names(&of_cache), of_cache["notes"].as_array().unwrap().len()), (vec!["cache:7"], 0));
    // Another database has keys of its own.
    let other = json(&[&format!("{url}/3")]);
    assert_eq!((names(&other).len(), other["notes"].as_array().unwrap().len()), (0, 0), "{other:#}");
}

fn named_kind<'a>(seen: &'a Value, name: &str) -> &'a str {
    named(seen, name)["kind"].as_str().unwrap()
}

#[tokio::test]
async fn redis_is_only_read_a_page_at_a_time_and_no_more_is_shown_than_asked() {
    let Some(server) = RedisServer::start(&["--requirepass", "adm1n"]) else { return };
    let mut raw = redis(&format!("redis://:adm1n@127.0.0.1:{}", server.port)).await;
    let mut filling = redis::pipe();
    for n in 0..10_000 {
        filling.cmd("SET").arg(format!("lock:{n:05}")).arg(n).arg("PX").arg(600_000).ignore();
    }
    let () = filling.query_async(&mut raw).await.unwrap();
    // A user that may read, and do nothing else.
    send(&mut raw, "ACL SETUSER looker on >zebra-1 ~* -@all +@read +scan").await;
    let url = format!("redis://looker:zebra-1@127.0.0.1:{}", server.port);
    send(&mut raw, "CONFIG RESETSTAT").await;
    let seen = json(&[&url, "--prefix", "lock:"]);
    assert_eq!(names(&seen).len(), 1_000);
    assert!(seen["truncated"].as_str().unwrap().contains("--limit 1000"), "{}", seen["truncated"]);
    let all = json(&[&url, "--prefix", "lock:", "--limit", "20000"]);
    assert_eq!((names(&all).len(), &all["truncated"]), (10_000, &Value::Null));
    assert!(!all.to_string().contains("zebra"));
    // Without a prefix it is the same, though more is looked for.
    let usual = json(&[&url, "--limit", "20000"]);
    assert_eq!((names(&usual).len(), &usual["truncated"]), (10_000, &Value::Null));
    let notes = usual["notes"].as_array().unwrap();
    assert!(notes.len() == 1 && notes[0].as_str().unwrap().contains("may not use INFO"), "{notes:?}");
    let stats: String = redis::cmd("INFO").arg("commandstats").query_async(&mut raw).await.unwrap();
    let mut used: Vec<&str> =
        stats.lines().filter_map(|line| line.strip_prefix("cmdstat_")?.split(':').next()).collect();
    // INFO, CLIENT and what this test sends are counted too, refused or not.
    used.retain(|name| !["config|resetstat", "info", "auth", "hello", "client|setinfo", "client"].contains(name));
    used.sort_unstable();
    assert_eq!(used, ["getrange", "pttl", "scan", "type"], "{stats}");
    // Who may not even read is told what is missing, and no password.
    send(&mut raw, "ACL SETUSER blind on >zebra-2 ~* -@all").await;
    let blind = format!("redis://blind:zebra-2@127.0.0.1:{}", server.port);
    let ran = Place::new().run(&["inspect", &blind]).exits(3).in_one_message();
    assert!(ran.err.contains("+@read") && !ran.err.contains("zebra"), "{}", ran.err);
}

#[tokio::test]
async fn redlock_is_told_node_by_node_and_a_silent_one_is_named() {
    let Some(mut servers) = (0..3).map(|_| RedisServer::start(&[])).collect::<Option<Vec<_>>>() else { return };
    let endpoints: Vec<Endpoint> = servers.iter().map(RedisServer::endpoint).collect();
    let urls: Vec<String> = endpoints.iter().map(|endpoint| endpoint.secret_url().to_owned()).collect();
    for (place, url) in urls.iter().enumerate() {
        let mut raw = redis(url).await;
        send(&mut raw, &format!("SET lock:split client-{place} NX PX 60000")).await;
        if place != 1 {
            send(&mut raw, &format!("SET lock:two client-x NX PX {}", 40_000 + 10_000 * place)).await;
        }
    }
    let (_session, _grant, _) = ours("redlock", endpoints, "run-8", "hot").await;
    let list = urls.join(",");
    let seen = json(&[&list]);
    assert_eq!(seen["system"], "redlock");
    let two = named(&seen, "lock:two");
    let states: Vec<&str> =
        two["nodes"].as_array().unwrap().iter().map(|node| node["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["holds", "free", "holds"]);
    // The quorum of two lasts as long as the shorter of both.
    assert!(two["holders"][0]["ttl_left_ms"].as_u64().unwrap() <= 40_000, "{two:#}");
    let split = named(&seen, "lock:split");
    assert!(split["holders"].as_array().unwrap().is_empty());
    assert!(split["notes"][0].as_str().unwrap().contains("3 values compete"));
    assert_eq!(named(&seen, "lockbench:{run-8:hot}:lock")["quorum"]["holding"], 3);
    let ran = text(&[&urls[0], &urls[1], &urls[2], "--ascii"]).tells(&["#.# 2/3", "### 3/3", "1 without a quorum"]);
    assert!(ran.out.is_ascii(), "{}", ran.out);

    servers[2].kill();
    let seen = json(&[&list]);
    assert!(seen["servers"][2]["problem"].as_str().unwrap().contains("refused"), "{seen:#}");
    assert_eq!(named(&seen, "lock:two")["nodes"][2]["state"], "silent");
    assert!(named(&seen, "lock:two")["notes"][0].as_str().unwrap().contains("1 did not"));
    assert_eq!(named(&seen, "lockbench:{run-8:hot}:lock")["holders"].as_array().unwrap().len(), 1);
    servers[0].kill();
    servers[1].kill();
    let ran = Place::new().run(&["inspect", &list]).exits(3).in_one_message();
    assert!(servers.iter().all(|server| ran.err.contains(&server.port.to_string())), "{}", ran.err);
}

#[tokio::test]
async fn etcd_tells_queues_leases_and_tokens() {
    let Some(endpoints) = support::endpoints_apart(lockbench::backend::etcd::KIND, "inspect") else { return };
    let mut direct = Etcd::connect([endpoints[0].host_port()], None).await.unwrap();
    let root = format!("inspect-{}/", std::process::id());
    let mut leases = Vec::new();
    for client in ["first", "second", "third"] {
        let lease = direct.lease_grant(60, None).await.unwrap().id();
        let key = format!("{root}orders/{lease:x}");
        direct.put(key, client, Some(PutOptions::new().with_lease(lease))).await.unwrap();
        leases.push(lease);
    }
    // The second and the first want what the other has.
    for lease in [leases[1], leases[0]] {
        let key = format!("{root}invoices/{lease:x}");
        direct.put(key, "", Some(PutOptions::new().with_lease(lease))).await.unwrap();
    }
    direct.put(format!("{root}single"), "me", Some(PutOptions::new().with_lease(leases[2]))).await.unwrap();
    direct.put(format!("{root}config"), "x", None).await.unwrap();
    let (_session, grant, _) = ours("etcd", endpoints.clone(), &root[..root.len() - 1], "hot").await;

    let url = endpoints[0].secret_url();
    let seen = json(&[url, "--prefix", &root]);
    assert_eq!(names(&seen), ["invoices", "orders", "single"].map(|name| format!("{root}{name}")));
    let orders = named(&seen, &format!("{root}orders"));
    assert_eq!((orders["holders"][0]["identity"].as_str(), orders["waiting"].as_u64()), (Some("first"), Some(2)));
    let waiters: Vec<&str> =
        orders["waiters"].as_array().unwrap().iter().map(|w| w["identity"].as_str().unwrap()).collect();
    assert_eq!(waiters, ["second", "third"]);
    assert_eq!(orders["holders"][0]["client"], format!("lease {:x}", leases[0]));
    assert_eq!(orders["holders"][0]["ttl_ms"], 60_000);
    assert!(orders["holders"][0]["token"].as_u64() < orders["waiters"][0]["token"].as_u64());
    assert_eq!((seen["cycles"].as_array().unwrap().len(), &seen["cycles"][0]["certain"]), (1, &Value::Bool(false)));
    assert!(seen["notes"][0].as_str().unwrap().contains("1 keys without a lease"));
    text(&[url, "--prefix", &root]).tells(&["1 possible deadlock", "wait 2", "of 1m 00s"]);
    assert_eq!(names(&json(&[url, "--prefix", &root, "--waiting"])).len(), 2);

    // By default what is named as a mutex is.
    let all = json(&[url]);
    let hot = named(&all, &format!("lockbench-{}/hot", &root[..root.len() - 1]));
    assert_eq!(hot["holders"][0]["token"].as_u64(), grant.token());
    assert!(!names(&all).contains(&format!("{root}single").as_str()));
    for lease in leases {
        direct.lease_revoke(lease).await.unwrap();
    }
}

#[tokio::test]
async fn zookeeper_tells_the_nodes_of_every_recipe_in_order() {
    let Some(endpoints) = support::endpoints_apart(lockbench::backend::zookeeper::KIND, "inspect") else { return };
    let server = endpoints[0].host_port();
    let (first, second) = (Zookeeper::connect(server).await.unwrap(), Zookeeper::connect(server).await.unwrap());
    let root = format!("/inspect-{}", std::process::id());
    let lasting = CreateMode::Persistent.with_acls(Acls::anyone_all());
    let waiting = CreateMode::EphemeralSequential.with_acls(Acls::anyone_all());
    for parent in ["", "/curator", "/kazoo", "/rw", "/queue"] {
        first.create(&format!("{root}{parent}"), b"", &lasting).await.unwrap();
    }
    let guid = |n: u8| format!("_c_{UUID}{n}-lock-");
    for (client, path, data) in [
        (&second, format!("{root}/curator/{}", guid(2)), "10.0.0.2"),
        (&first, format!("{root}/curator/{}", guid(1)), "10.0.0.1"),
        (&first, format!("{root}/kazoo/0123456789abcdef0123456789abcdef__lock__"), "host-a"),
        (&second, format!("{root}/kazoo/fedcba9876543210fedcba9876543210__lock__"), "host-b"),
        (&first, format!("{root}/rw/x-__READ__"), ""),
        (&second, format!("{root}/rw/y-__READ__"), ""),
        (&first, format!("{root}/rw/z-__WRIT__"), ""),
    ] {
        client.create(&path, data.as_bytes(), &waiting).await.unwrap();
    }
    let queued = CreateMode::PersistentSequential.with_acls(Acls::anyone_all());
    first.create(&format!("{root}/queue/qn-"), b"job", &queued).await.unwrap();
    let (_session, grant, _) = ours("zookeeper", endpoints.clone(), &root[1..], "hot").await;

    let url = endpoints[0].secret_url();
    let seen = json(&[url, "--prefix", &root]);
    assert_eq!(names(&seen), ["/curator", "/kazoo", "/rw"].map(|name| format!("{root}{name}")));
    let curator = named(&seen, &format!("{root}/curator"));
    assert_eq!(
        (curator["kind"].as_str(), curator["holders"][0]["identity"].as_str()),
        (Some("Curator"), Some("10.0.0.2"))
    );
    assert_eq!(curator["holders"][0]["client"], format!("session {:#x}", second.session_id().0));
    assert_eq!(curator["waiters"][0]["identity"], "10.0.0.1");
    assert!(curator["waiters"][0]["since_ms"].is_u64());
    assert_eq!(named(&seen, &format!("{root}/kazoo"))["kind"], "kazoo");
    let rw = named(&seen, &format!("{root}/rw"));
    assert_eq!((rw["holders"].as_array().unwrap().len(), rw["waiters"][0]["mode"].as_str()), (2, Some("write")));
    // Both hold what the other waits for.
    assert_eq!(seen["cycles"].as_array().unwrap().len(), 1, "{seen:#}");
    assert_eq!(names(&json(&[url, "--prefix", &format!("{root}/kaz")])), [format!("{root}/kazoo")]);

    let all = json(&[url]);
    let hot = named(&all, &format!("/lockbench-{}/hot", &root[1..]));
    assert_eq!((hot["kind"].as_str(), hot["holders"][0]["token"].as_u64()), (Some("lockbench"), grant.token()));
    assert!(names(&all).contains(&format!("{root}/rw").as_str()));
}

#[test]
fn zookeeper_servers_that_say_nothing_do_not_hold_up_those_that_do() {
    let Some(endpoints) = support::endpoints_apart(lockbench::backend::zookeeper::KIND, "inspect") else { return };
    // Their system answers to the connection, they never read from it.
    let silent: Vec<TcpListener> = (0..9).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
    let mut hosts: Vec<String> = silent.iter().map(|silent| silent.local_addr().unwrap().to_string()).collect();
    hosts.push(endpoints[0].host_port().to_owned());
    let seen = json(&[&format!("zookeeper://{}", hosts.join(","))]);
    let problems: Vec<bool> =
        seen["servers"].as_array().unwrap().iter().map(|server| server["problem"].is_string()).collect();
    assert_eq!(problems, [[true; 9].as_slice(), &[false]].concat(), "{seen:#}");
}

async fn postgres(endpoint: &Endpoint, application: &str) -> Postgres {
    let mut config: tokio_postgres::Config = endpoint.secret_url().parse().unwrap();
    config.application_name(application);
    let (client, driver) = config.connect(NoTls).await.unwrap();
    tokio::spawn(driver);
    client
}

/// Begins a statement that will wait.
fn waits(client: Postgres, sql: &'static str) -> tokio::task::JoinHandle<Postgres> {
    tokio::spawn(async move {
        let _ = client.batch_execute(sql).await;
        client
    })
}

#[tokio::test]
async fn postgres_tells_advisory_locks_rows_queries_and_a_deadlock() {
    let Some(endpoints) = support::endpoints_apart(lockbench::backend::postgres::KIND, "inspect") else { return };
    let url = endpoints[0].secret_url();
    let (_, password) = endpoints[0].credentials().unwrap();
    let (a, b) = (postgres(&endpoints[0], "billing").await, postgres(&endpoints[0], "shipping").await);
    let c = postgres(&endpoints[0], "reports").await;
    // Only a superuser may put a deadlock off so long that it can be looked at.
    for client in [&a, &b, &c] {
        client.batch_execute("set deadlock_timeout = '10min'").await.unwrap();
    }
    a.batch_execute("create table inspected (id int primary key); insert into inspected values (1)").await.unwrap();
    a.batch_execute("select pg_advisory_lock(-42), pg_advisory_lock_shared(1, -7), pg_advisory_lock(9000000000)")
        .await
        .unwrap();
    b.batch_execute("select pg_advisory_lock_shared(1, -7), pg_advisory_lock(4711)").await.unwrap();
    a.batch_execute("begin; update inspected set id = 1 where id = 1").await.unwrap();
    let (_session, grant, key) = ours("postgres:lease", endpoints.clone(), "inspected", "hot").await;
    let (a, b) =
        (waits(a, "select pg_advisory_lock(4711)"), waits(b, "select pg_advisory_lock(-42), 'password ''zebra'''"));
    let c = waits(c, "update inspected set id = 1 where id = 1 and 'password' <> 'zebra'");

    let begin = std::time::Instant::now();
    let seen = loop {
        // The statements of this test are sent while it waits here.
        tokio::time::sleep(Duration::from_millis(100)).await;
        let seen = json(&[url]);
        let waiting =
            seen["locks"].as_array().unwrap().iter().filter(|lock| lock["waiting"].as_u64() > Some(0)).count();
        if waiting >= 3 {
            break seen;
        }
        assert!(begin.elapsed() < Duration::from_secs(30), "{seen:#}");
    };
    assert_eq!(named(&seen, "advisory 9000000000")["waiting"], 0);
    let shared = named(&seen, "advisory (1, -7)");
    assert_eq!(
        (shared["holders"].as_array().unwrap().len(), shared["holders"][0]["mode"].as_str()),
        (2, Some("share"))
    );
    let wanted = named(&seen, "advisory -42");
    assert_eq!(
        (wanted["holders"][0]["identity"].as_str(), wanted["waiters"][0]["identity"].as_str()),
        (Some("billing"), Some("shipping"))
    );
    assert!(wanted["waiters"][0]["since_ms"].is_u64() && wanted["holders"][0]["since_ms"].is_null());
    assert_eq!(wanted["waiters"][0]["blocked_by"][0], wanted["holders"][0]["client"]);
    assert!(
        seen["locks"].as_array().unwrap().iter().any(|lock| lock["kind"] == "transaction"
            && lock["waiters"][0]["identity"] == "reports"
            && lock["waiters"][0]["details"]["query"].as_str().unwrap().starts_with("update inspected")),
        "{seen:#}"
    );
    let lease = named(&seen, &format!("lease {}", key.name));
    assert_eq!(lease["holders"][0]["token"].as_u64(), grant.token());
    assert!(lease["holders"][0]["ttl_left_ms"].as_u64().unwrap() <= 60_000);
    assert_eq!((seen["cycles"].as_array().unwrap().len(), &seen["cycles"][0]["certain"]), (1, &Value::Bool(true)));
    assert!(!seen.to_string().contains("zebra") && !seen.to_string().contains(&password));
    let ran =
        text(&[url]).tells(&["1 deadlock", "holds advisory -42 and waits for advisory 4711", "transaction open for"]);
    assert!(!ran.out.contains(&password) && !ran.out.contains("zebra"), "{}", ran.out);
    assert!(names(&json(&[url, "--prefix", "advisory"])).iter().all(|name| name.starts_with("advisory")));

    // Who may not see the sessions of others is told what is hidden and what to grant.
    let admin = postgres(&endpoints[0], "admin").await;
    admin.batch_execute("create role looker login password 'l00ker'").await.unwrap();
    let host = endpoints[0].host_port();
    let database = url.rsplit('/').next().unwrap();
    let looker = format!("postgres://looker:l00ker@{host}/{database}");
    let seen = json(&[&looker]);
    assert_eq!(named(&seen, "advisory -42")["waiting"], 1);
    assert_eq!(seen["cycles"].as_array().unwrap().len(), 1);
    let notes = seen["notes"].to_string();
    assert!(notes.contains("pg_read_all_stats") && notes.contains("postgres:lease"), "{notes}");
    admin.batch_execute("grant pg_read_all_stats to looker").await.unwrap();
    let seen = json(&[&looker]);
    assert_eq!(named(&seen, "advisory -42")["holders"][0]["identity"], "billing");
    assert!(!seen["notes"].to_string().contains("pg_read_all_stats"));

    admin
        .batch_execute("select pg_terminate_backend(pid) from pg_stat_activity where application_name in ('billing', 'shipping', 'reports')")
        .await
        .unwrap();
    for task in [a, b, c] {
        drop(task.await.unwrap());
    }
    admin.batch_execute("drop table inspected; drop role looker").await.unwrap();
}

#[tokio::test]
async fn watching_without_a_terminal_prints_a_line_a_look_and_outlives_the_server() {
    let Some(mut server) = RedisServer::start(&[]) else { return };
    let url = format!("redis://127.0.0.1:{}", server.port);
    let mut raw = redis(&url).await;
    send(&mut raw, "SET lock:a me PX 600000").await;
    let place = Place::new();
    let mut running = Running::start(&mut place.command(&["inspect", &url, "--watch=100ms"]));
    std::thread::sleep(Duration::from_millis(500));
    server.kill();
    running.until("looking again");
    server.start_again();
    std::thread::sleep(Duration::from_millis(500));
    running.signal(Signal::INT);
    let ran = running.finish(Duration::from_secs(20)).exits(0).tells(&["1 lock held", "0 locks held", "≥ "]);
    assert!(ran.out.matches("redis  20").count() >= 3, "{}", ran.out);

    let running = Running::start(&mut place.command(&["inspect", &url, "--watch=100ms", "--format", "json"]));
    std::thread::sleep(Duration::from_millis(500));
    running.signal(Signal::INT);
    let ran = running.finish(Duration::from_secs(20)).exits(0);
    let looks: Vec<Value> = ran.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(looks.len() >= 2 && looks.iter().all(|look| look["schema_version"] == 1), "{}", ran.out);
}

#[test]
fn a_watch_ends_once_nobody_reads_it() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let url = format!("redis://127.0.0.1:{}", server.port);
    let place = Place::new();
    for format in ["json", "text"] {
        let mut command = place.command(&["inspect", &url, "--watch=100ms", "--format", format]);
        let mut child = command.stdout(std::process::Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let limit = std::time::Instant::now() + Duration::from_secs(20);
        let ended = loop {
            match child.try_wait().unwrap() {
                None if std::time::Instant::now() < limit => std::thread::sleep(Duration::from_millis(20)),
                ended => break ended,
            }
        };
        if ended.is_none() {
            child.kill().unwrap();
        }
        assert_eq!(ended.and_then(|status| status.code()), Some(0), "{format}");
    }
}

#[tokio::test]
async fn watching_on_a_terminal_draws_in_place_until_q() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let url = format!("redis://127.0.0.1:{}", server.port);
    let mut raw = redis(&url).await;
    send(&mut raw, "SET lock:first me PX 600000").await;
    let place = Place::new();
    let command: Command = place.command(&["inspect", &url, "--watch=200ms"]);
    let mut pty = Pty::spawn(&command, 80, 24);
    pty.wait_for("lock:first");
    send(&mut raw, "SET lock:second you PX 600000").await;
    pty.wait_for("lock:second");
    send(&mut raw, "DEL lock:first").await;
    pty.wait_for_no("lock:first");
    pty.wait_for("q leave");
    pty.keys("q");
    assert_eq!(pty.exit().code(), Some(0));
}

#[test]
fn what_cannot_be_asked_is_refused_in_one_message() {
    let place = Place::new();
    for (arguments, code, problem) in [
        (&["inspect", "mysql://u:zebra@a:1"][..], 2, "unknown scheme"),
        (&["inspect", "redis://u:zebra@127.0.0.1:1/x"], 2, "Invalid database number"),
        (&["inspect", "redis://127.0.0.1:1", "etcd://127.0.0.1:2"], 2, "one system"),
        (&["inspect", "redis://127.0.0.1:1", "--watch=soon"], 2, "--watch=soon"),
        (&["inspect", "redis://127.0.0.1:1", "--watch=1ms"], 2, "too often"),
        (&["inspect", "redis://127.0.0.1:1", "--older-than", "5"], 2, "--older-than 5 has no unit"),
        (&["inspect", "zookeeper://127.0.0.1:1", "--prefix", "locks"], 2, "write /locks"),
        (&["inspect", "redis://u:zebra@127.0.0.1:1"], 3, "127.0.0.1:1"),
        (&["inspect", "redis://u:zebra@127.0.0.1:1", "--watch"], 3, "127.0.0.1:1"),
        (&["inspect", "etcd://u:zebra@127.0.0.1:1"], 3, "is etcd running there?"),
        (&["inspect", "zookeeper://u:zebra@127.0.0.1:1"], 3, "is ZooKeeper running there?"),
        (&["inspect", "postgres://u:zebra@127.0.0.1:1/x"], 3, "127.0.0.1:1"),
    ] {
        let ran = place.run(arguments).exits(code).in_one_message();
        assert!(ran.err.contains(problem) && !ran.err.contains("zebra"), "{arguments:?}: {}", ran.err);
    }
}
