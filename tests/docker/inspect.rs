//! `lockbench inspect` on three nodes of etcd and of ZooKeeper: every way to name them, a
//! node that is silent, and a cluster that cannot decide. Because these servers are up
//! anyway: what clients of all ZooKeeper servers see when one is paused, and when the
//! leader is cut off from the others.

use crate::support::docker;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::support::cli::{Place, Ran, Running};
use crate::support::disturbed::Load;
use crate::support::docker::Docker;
use crate::support::docker::servers::{endpoints, leader, run, server, start};
use etcd_client::{Client as Etcd, PutOptions};
use lockbench::stack::Node;
use serde_json::Value;

/// Well above the longest look, well below for ever.
const LOOK: Duration = Duration::from_secs(40);

/// A holder and a waiter that stay so.
const HELD: &str = "clients = 2\nkeys = \"single\"\nhold = \"10m\"\nttl = \"30s\"\nduration = \"10m\"\nwarmup = \"0s\"\n\
    acquire = { mode = \"wait\", timeout = \"10m\" }\n";

fn look(place: &Place, servers: &[&str]) -> Ran {
    let arguments: Vec<&str> = ["inspect", "--format", "json"].iter().chain(servers).copied().collect();
    Running::start(&mut place.command(&arguments)).finish(LOOK)
}

/// One lock with a holder and a waiter, whoever else is there, and how many servers told of it.
fn sees_the_lock(ran: Ran, name: &str, telling: usize) {
    let ran = ran.exits(0);
    let seen: Value = serde_json::from_str(&ran.out).unwrap();
    let servers = seen["servers"].as_array().unwrap();
    let told = servers.iter().filter(|server| server["problem"].is_null()).count();
    assert_eq!((servers.len(), told), (3, telling), "{seen:#}");
    let lock = seen["locks"].as_array().unwrap().iter().find(|lock| lock["name"].as_str().unwrap().starts_with(name));
    let lock = lock.unwrap_or_else(|| panic!("no {name} in {seen:#}"));
    let counts = (lock["holders"].as_array().unwrap().len(), lock["waiting"].as_u64());
    assert_eq!(counts, (1, Some(1)), "{seen:#}");
}

/// Nothing that reads as "no locks".
fn refuses(ran: Ran, parts: &[&str]) {
    ran.exits(3).in_one_message().complains(parts);
}

/// Every way to name three servers.
fn spellings(urls: &[String], scheme: &str) -> Vec<Vec<String>> {
    let (all, short) = (urls.join(","), urls.join(",").replace(&format!(",{scheme}://"), ","));
    let named = [format!("{scheme}={all}"), format!("{scheme}={short}")].map(|list| vec![list]);
    [vec![vec![all], vec![short], urls.to_vec()], named.to_vec()].concat()
}

fn soon(what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(60);
    while !holds() {
        assert!(Instant::now() < end, "{what}");
        sleep(Duration::from_millis(100));
    }
}

/// What a ZooKeeper server says that it is: `leader`, `follower`; `None` without a quorum.
fn mode(node: &dyn Node) -> Option<String> {
    let mut stream = TcpStream::connect(node.endpoint().host_port()).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
    stream.write_all(b"srvr").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    answer.lines().find_map(|line| line.strip_prefix("Mode: ").map(str::to_owned))
}

#[test]
fn ensembles_are_looked_at_and_disturbed() {
    let Some(docker) = Docker::or_skip("inspect") else { return };
    let home = Place::new();
    let listed = run(
        &docker,
        &home,
        &["up", "etcd", "zookeeper", "--stack", "docker", "--durability", "fast", "--format", "json"],
    )
    .exits(0)
    .out;
    let urls = endpoints(&listed, "zookeeper");
    let (list, held) = (urls.join(","), Place::new());
    held.file("w.toml", HELD);
    let endpoint = format!("zookeeper={list}");
    let arguments = ["run", "w.toml", "-b", "zookeeper", "--endpoint", &endpoint, "--ui", "plain", "--run-id", "held"];
    let holder = start(&docker, &held, &arguments);
    let clients =
        Load::on(|place, arguments| docker.command(place, arguments), "zookeeper", &list, &["--run-id", "load"]);
    let (zookeeper, etcd) =
        (server(&docker, lockbench::backend::zookeeper::KIND), server(&docker, lockbench::backend::etcd::KIND));
    let nodes: Vec<&dyn Node> = zookeeper.nodes().collect();
    zookeeper_looks(&nodes, &home, &urls, &holder);
    let led = |nodes: &[&dyn Node]| nodes.iter().position(|node| mode(*node).as_deref() == Some("leader"));
    soon("no quorum after the pauses", || nodes.iter().all(|node| mode(*node).is_some()));
    let lead = nodes[led(&nodes).unwrap()];
    lead.disconnect().unwrap();
    // It takes the others 10 s to miss it.
    etcd_looks(&docker, &etcd.nodes().collect::<Vec<_>>(), &home, &endpoints(&listed, "etcd"));
    let others: Vec<&dyn Node> = nodes.iter().copied().filter(|node| node.name() != lead.name()).collect();
    soon("no new leader", || led(&others).is_some());
    soon("who is cut off still serves", || mode(lead).is_none());
    comes_back(&docker, lead, others[0]);
    clients.goes_on("while all three are there again");
    let seconds = clients.end(130);
    assert!(seconds.iter().any(|second| second.failed > 0), "clients saw nothing: {seconds:?}");
}

/// While clients use all three: a silent one is named, and without a quorum nothing is told.
fn zookeeper_looks(nodes: &[&dyn Node], home: &Place, urls: &[String], holder: &Running) {
    const LOCK: &str = "/lockbench-held";
    let list = urls.join(",");
    let end = Instant::now() + Duration::from_secs(60);
    loop {
        let looked = look(home, &[&list, "--prefix", LOCK]);
        if serde_json::from_str::<Value>(&looked.out).is_ok_and(|seen| seen["locks"][0]["waiting"] == 1) {
            break;
        }
        let said = || format!("{}{}\nthe holder: {}", looked.out, looked.err, holder.said());
        assert!(Instant::now() < end, "nobody waits for the held lock: {}", said());
        sleep(Duration::from_millis(100));
    }
    for spelling in spellings(urls, "zookeeper") {
        sees_the_lock(look(home, &spelling.iter().map(String::as_str).collect::<Vec<_>>()), LOCK, 3);
    }
    let lead = nodes.iter().position(|node| mode(*node).as_deref() == Some("leader")).unwrap();
    let followers: Vec<&dyn Node> =
        nodes.iter().enumerate().filter(|(at, _)| *at != lead).map(|(_, node)| *node).collect();
    followers[0].pause().unwrap();
    sees_the_lock(look(home, &[&list]), LOCK, 2);
    followers[1].pause().unwrap();
    refuses(look(home, &[&list]), &["quorum"]);
    followers.iter().for_each(|node| node.resume().unwrap());
    soon("no quorum after two pauses", || look(home, &[&list]).code == 0);
    sees_the_lock(look(home, &[&list]), LOCK, 3);
}

/// The leader is paused, then a second member: the last one has no leader and tells nothing.
fn etcd_looks(docker: &Docker, nodes: &[&dyn Node], home: &Place, urls: &[String]) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut client = Etcd::connect([nodes[0].endpoint().host_port()], None).await.unwrap();
        for identity in ["first", "second"] {
            let lease = client.lease_grant(600, None).await.unwrap().id();
            let held = Some(PutOptions::new().with_lease(lease));
            client.put(format!("orders/{lease:x}"), identity, held).await.unwrap();
        }
    });
    for spelling in spellings(urls, "etcd") {
        sees_the_lock(look(home, &spelling.iter().map(String::as_str).collect::<Vec<_>>()), "orders", 3);
    }
    let list = urls.join(",");
    let lead = runtime.block_on(leader(nodes)).unwrap();
    let others: Vec<&dyn Node> = nodes.iter().copied().filter(|node| node.name() != lead.name()).collect();
    // At once: no successor is elected yet.
    lead.pause().unwrap();
    sees_the_lock(look(home, &[&list]), "orders", 2);
    others[0].pause().unwrap();
    refuses(look(home, &[&list]), &["no leader: what is held cannot be told", nodes[2].endpoint().host_port()]);
    // Asked alone it says the same.
    refuses(look(home, &[others[1].endpoint().secret_url()]), &["no leader"]);
    lead.resume().unwrap();
    others[0].kill().unwrap();
    soon("no leader among two of three", || look(home, &[&list]).code == 0);
    sees_the_lock(look(home, &[&list]), "orders", 2);
    // By name it is three as well, also those that do not run.
    sees_the_lock(run(docker, home, &["inspect", "etcd", "--format", "json"]), "orders", 2);
    others[0].restart().unwrap();
    sees_the_lock(look(home, &[&list]), "orders", 3);
}

/// The network gives the node the name back by which its peers know it, and it is one of them.
fn comes_back(docker: &Docker, node: &dyn Node, peer: &dyn Node) {
    let alias = format!("{}.peers", node.name());
    let resolves = || {
        let (project, service) = (&docker.project, peer.name());
        let of = [
            format!("label=com.docker.compose.project={project}"),
            format!("label=com.docker.compose.service={service}"),
        ];
        let id = docker::text(&docker::docker(&["ps", "--quiet", "--filter", &of[0], "--filter", &of[1]]));
        docker::docker(&["exec", id.trim(), "getent", "hosts", &alias]).status.success()
    };
    assert!(!resolves(), "{alias} is known while it is cut off");
    node.connect().unwrap();
    assert!(resolves(), "{alias} is not known any more");
    soon("it is in no quorum", || mode(node).as_deref() == Some("follower"));
}
