//! `--stack docker` on a real engine: every system over the compose file, and what
//! clients see when a node is paused, killed, restarted or cut off from its peers.
#![allow(clippy::unwrap_used)] // clippy allows it in test functions only, not in their helpers

mod cli;
mod docker;
mod http;
mod support;

use std::thread::sleep;
use std::time::{Duration, Instant};

use cli::{Place, Ran, Running};
use docker::Docker;
use lockbench::lock::ServerKind;
use lockbench::stack::{Node, Project, Server};
use rustix::process::Signal;
use serde_json::Value;

/// Images are there; thirteen containers on a loaded machine.
const LIMIT: Duration = Duration::from_secs(240);

/// A run that outlives what is done to its servers: its test ends it.
const DISTURBED: &str = "clients = 8\nkeys = \"single\"\nhold = \"2ms\"\nttl = \"5s\"\nrequest_timeout = \"1s\"\n\
    acquire = { mode = \"wait\", timeout = \"2s\" }\nwarmup = \"0s\"\nduration = \"10m\"\n";

fn start(docker: &Docker, place: &Place, arguments: &[&str]) -> Running {
    Running::start(&mut docker.command(place, arguments))
}

fn run(docker: &Docker, place: &Place, arguments: &[&str]) -> Ran {
    start(docker, place, arguments).finish(LIMIT)
}

/// `up --format json`: endpoints of a kind, as `--endpoint` takes them.
fn endpoints(listed: &str, kind: &str) -> Vec<String> {
    let listed: Value = serde_json::from_str(listed).unwrap();
    let rows = listed["servers"].as_array().unwrap();
    let row = rows.iter().find(|row| row["kind"] == kind).unwrap_or_else(|| panic!("no {kind} in {listed}"));
    row["endpoints"].as_array().unwrap().iter().map(|url| url.as_str().unwrap().to_owned()).collect()
}

/// A load on servers to which something is done, and what its clients see meanwhile.
struct Load {
    place: Place,
    running: Running,
    metrics: String,
}

/// What clients saw in one second of a run.
#[derive(Debug)]
struct Second {
    grants: u64,
    /// Timed out, unavailable or unknown.
    failed: u64,
}

impl Load {
    fn on(docker: &Docker, kind: &str, endpoints: &str) -> Self {
        let place = Place::new();
        place.file("w.toml", DISTURBED);
        let endpoint = format!("{kind}={endpoints}");
        let mut arguments = vec!["run", "w.toml", "-b", kind, "--endpoint", &endpoint, "--ui", "plain"];
        arguments.extend(["--metrics", "127.0.0.1:0"]);
        let mut running = start(docker, &place, &arguments);
        running.until("/metrics\n");
        let said = running.said();
        let (_, rest) = said.split_once("metrics at http://").unwrap();
        let metrics = rest.split_once('/').unwrap().0.to_owned();
        let load = Self { place, running, metrics };
        load.goes_on("at its start");
        load
    }

    /// The sum of these counters by now.
    fn count(&self, counters: &[&str]) -> u64 {
        let text = http::get(&self.metrics, "/metrics", "*/*").unwrap().text();
        let values = text.lines().filter_map(|line| line.split_once('{').zip(line.rsplit_once(' ')));
        let wanted = values.filter(|((name, _), _)| counters.contains(name));
        wanted.map(|(_, (_, value))| value.parse::<f64>().unwrap() as u64).sum()
    }

    /// Waits until these counters have grown.
    fn grows(&self, counters: &[&str], by: u64, when: &str) {
        let (begin, limit) = (self.count(counters), Instant::now() + LIMIT);
        while self.count(counters) < begin + by {
            assert!(Instant::now() < limit, "{counters:?} stay at {begin} {when}");
            sleep(Duration::from_millis(100));
        }
    }

    /// Waits until locks are granted.
    fn goes_on(&self, when: &str) {
        self.grows(&["lockbench_grants_total"], 50, when);
    }

    /// Waits until attempts fail.
    fn fails(&self, when: &str) {
        self.grows(&["lockbench_timeouts_total", "lockbench_failures_total"], 1, when);
    }

    /// Ends it: nobody was ever granted what another held. Returns its seconds.
    fn end(self) -> Vec<Second> {
        self.running.signal(Signal::INT);
        self.running.finish(LIMIT).exits(130);
        let safety = &self.place.report()["results"][0]["safety"];
        assert_eq!(safety["double_grants_certain"], 0, "{safety}");
        let text = std::fs::read_to_string(self.place.only_run().join("timeseries.csv")).unwrap();
        let names: Vec<&str> = text.lines().next().unwrap().split(',').collect();
        let column = |name: &str| names.iter().position(|column| *column == name).unwrap();
        let (grants, timed_out, failed) = (column("grants"), column("timed_out"), column("failed"));
        let rows = text.lines().skip(1).map(|line| line.split(',').collect::<Vec<_>>());
        rows.map(|row| Second {
            grants: row[grants].parse().unwrap(),
            failed: row[timed_out].parse::<u64>().unwrap() + row[failed].parse::<u64>().unwrap(),
        })
        .collect()
    }
}

/// How often grants ceased for at least a whole second.
fn silences(seconds: &[Second]) -> usize {
    seconds.windows(2).filter(|pair| pair[0].grants > 0 && pair[1].grants == 0).count()
}

/// The running server of a kind in this project.
fn server(docker: &Docker, kind: ServerKind) -> Server {
    let running = Project::find(&docker.project).unwrap().running().unwrap();
    running.into_iter().find(|server| server.kind() == kind).unwrap()
}

/// The member that leads, by its own word.
async fn leader<'a>(nodes: &[&'a dyn Node]) -> Option<&'a dyn Node> {
    for node in nodes {
        let mut client = etcd_client::Client::connect([node.endpoint().host_port()], None).await.unwrap();
        let Ok(status) = client.status().await else { continue };
        if status.leader() != 0 && status.header().unwrap().member_id() == status.leader() {
            return Some(*node);
        }
    }
    None
}

#[test]
fn every_system_is_compared_in_containers_and_nothing_stays() {
    let Some(docker) = Docker::or_skip("compare") else { return };
    let (place, workload) = (Place::new(), Place::shipped("hot-key.toml"));
    let backends = "redis,redlock,zookeeper,etcd,postgres:advisory,postgres:lease";
    let mut arguments = vec!["run", &workload, "-b", backends, "--stack", "docker", "--ui", "plain"];
    // A node of a loaded machine, whose disk syncs every answer, may need longer than 50 ms.
    for set in ["clients=8", "duration=3s", "warmup=500ms", "redlock.node_timeout=1s"] {
        arguments.extend(["--set", set]);
    }
    run(&docker, &place, &arguments).exits(0);
    docker.assert_nothing_left();
    let report = place.report();
    let placement = report["environment"]["placement"].as_str().unwrap();
    assert!(placement.contains("Docker containers") && placement.contains("loopback"), "{placement}");
    let results = report["results"].as_array().unwrap();
    assert_eq!(results.len(), 6);
    for result in results {
        let backend = result["backend"].as_str().unwrap();
        assert!(result["grants"].as_u64().unwrap() > 0, "{result}");
        assert_eq!(result["safety"]["double_grants_certain"], 0, "{result}");
        assert!(result["resources"]["server_cpu_s"].as_f64().unwrap() > 0.0, "{result}");
        assert!(result["resources"]["server_rss_bytes"].as_u64().unwrap() > 1 << 20, "{result}");
        assert!(result["durability"].as_str().unwrap().ends_with("made for durability safe"), "{result}");
        let quorum = match backend {
            "zookeeper" | "etcd" => "2 of 3",
            "redlock" => "3 of 5",
            _ => "1 of 1",
        };
        assert_eq!(result["quorum"], quorum, "{backend}");
    }
    let summary = std::fs::read_to_string(place.only_run().join("summary.md")).unwrap();
    assert_eq!(summary.matches("| 2 of 3 |").count(), 2, "{summary}");
}

#[test]
fn clients_see_a_paused_a_killed_and_a_cut_off_node_and_recover() {
    let Some(docker) = Docker::or_skip("faults") else { return };
    let home = Place::new();
    let listed = run(&docker, &home, &["up", "redis", "etcd", "--stack", "docker", "--format", "json"]).exits(0).out;
    let again = run(&docker, &home, &["up", "redis", "etcd", "--stack", "docker"]).exits(0);
    again.tells(&[
        "redis     runs already (container redis, durability safe)",
        "etcd      runs already (containers etcd-1 to etcd-3",
    ]);
    redis_paused_and_killed(&docker, &endpoints(&listed, "redis")[0]);
    etcd_leader_cut_off(&docker, &endpoints(&listed, "etcd"));
    // A part, then the rest, also where nobody knows the compose file any more.
    run(&docker, &home, &["down", "etcd"]).exits(0).tells(&["stopped etcd-1 (container)\nstopped etcd-2"]);
    run(&docker, &home, &["status"]).exits(0).tells(&["redis     healthy (container redis, durability safe)"]);
    let mut command = docker.command(&home, &["down"]);
    Running::start(command.env_remove("LOCKBENCH_COMPOSE"))
        .finish(LIMIT)
        .exits(0)
        .tells(&["stopped redis (container)"]);
    docker.assert_nothing_left();
}

fn redis_paused_and_killed(docker: &Docker, url: &str) {
    let load = Load::on(docker, "redis", url);
    let redis = server(docker, ServerKind::Redis);
    let node = redis.nodes().next().unwrap();
    let before = node.usage().unwrap();
    assert!(before.cpu_s > 0.0 && before.rss_bytes > 1 << 20, "{before:?}");
    node.pause().unwrap();
    node.pause().unwrap();
    load.fails("while the server is paused");
    sleep(Duration::from_secs(2));
    assert_eq!(node.died(), None, "paused is not dead");
    node.resume().unwrap();
    load.goes_on("after the pause");
    let old = node.pids();
    node.kill().unwrap();
    assert_eq!((node.died(), node.pids()), (None, Vec::new()), "it was told to");
    load.fails("while the server is dead");
    sleep(Duration::from_secs(2));
    node.restart().unwrap();
    assert!(node.pids() != old && node.died().is_none());
    assert!(node.usage().unwrap().cpu_s >= before.cpu_s, "what the killed one used is forgotten");
    assert!(node.disconnect().unwrap_err().to_string().contains("no network of its peers"));
    load.goes_on("after the restart");
    let seconds = load.end();
    assert!(silences(&seconds) >= 2, "a pause and a kill are two silences: {seconds:?}");
}

fn etcd_leader_cut_off(docker: &Docker, urls: &[String]) {
    assert_eq!(urls.len(), 3);
    let etcd = server(docker, ServerKind::Etcd);
    let nodes: Vec<&dyn Node> = etcd.nodes().collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let lead = runtime.block_on(leader(&nodes)).unwrap();
    // Clients that know all members, and clients that know the leader only.
    let all = Load::on(docker, "etcd", &urls.join(","));
    let one = Load::on(docker, "etcd", lead.endpoint().secret_url());
    lead.disconnect().unwrap();
    // The others elect a new one among themselves.
    let others: Vec<&dyn Node> = nodes.iter().copied().filter(|node| node.name() != lead.name()).collect();
    let end = Instant::now() + Duration::from_secs(60);
    while runtime.block_on(leader(&others)).is_none() {
        assert!(Instant::now() < end, "no new leader");
        sleep(Duration::from_millis(200));
    }
    all.fails("while a member is cut off");
    one.fails("while their member is cut off");
    sleep(Duration::from_secs(3));
    lead.connect().unwrap();
    lead.connect().unwrap();
    one.goes_on("after the cut, for clients of the member that was cut off");
    all.goes_on("after the cut, for clients of all members");
    let (one, all) = (one.end(), all.end());
    assert!(silences(&one) >= 1, "clients of the leader that was cut off saw nothing: {one:?}");
    assert!(all.iter().any(|second| second.failed > 0), "clients of all members saw nothing: {all:?}");
    // It is a member again under the name that its peers know it by.
    assert!(runtime.block_on(async {
        let mut client = etcd_client::Client::connect([lead.endpoint().host_port()], None).await.unwrap();
        client.put("after", "the cut", None).await.is_ok()
    }));
}

#[test]
fn an_interrupted_and_a_killed_run_leave_no_container() {
    let Some(docker) = Docker::or_skip("signals") else { return };
    let workload = Place::shipped("hot-key.toml");
    for (signal, while_it) in [
        (Signal::INT, "[1/1] redis"),
        (Signal::KILL, "[1/1] redis"),
        (Signal::KILL, "starting servers"),
        (Signal::TERM, "starting servers"),
    ] {
        let place = Place::new();
        let arguments =
            ["run", &workload, "-b", "redis", "--stack", "docker", "--ui", "plain", "--set", "duration=60s"];
        let mut load = start(&docker, &place, &arguments);
        load.until(while_it);
        sleep(Duration::from_millis(700));
        load.signal(signal);
        match signal {
            Signal::KILL => drop(load),
            _ => drop(load.finish(LIMIT)),
        }
        let end = Instant::now() + Duration::from_secs(60);
        while !docker.left().is_empty() {
            assert!(Instant::now() < end, "{signal:?} while {while_it}: {:?}", docker.left());
            sleep(Duration::from_millis(200));
        }
    }
}
