//! `--stack docker` on a real engine: every system over the compose file, and what
//! clients see when a node is paused, killed, restarted or cut off from its peers.

use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::support::cli::{Place, Running};
use crate::support::disturbed::{Load, SILENCE, silences};
use crate::support::docker::Docker;
use crate::support::docker::servers::{LIMIT, endpoints, leader, run, server, start};
use lockbench::stack::Node;
use rustix::process::Signal;

#[test]
fn every_system_is_compared_in_containers_and_nothing_stays() {
    let Some(docker) = Docker::or_skip("compare").map(Docker::in_memory) else { return };
    let (place, workload) = (Place::new(), Place::shipped("hot-key.toml"));
    let backends = "redis,redlock,zookeeper,etcd,postgres:advisory,postgres:lease";
    let mut arguments = vec!["run", &workload, "-b", backends, "--stack", "docker", "--ui", "plain"];
    // A node of a loaded machine may need longer than 50 ms.
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
fn a_program_that_does_not_start_gives_way_to_a_container() {
    let Some(docker) = Docker::or_skip("gives-way") else { return };
    let (place, workload) = (Place::new(), Place::shipped("hot-key.toml"));
    let fake = place.file("redis-server", "#!/bin/sh\necho 'no such luck'\nexit 1\n");
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(&fake, std::fs::Permissions::from_mode(0o755)).unwrap();
    let arguments = ["run", &workload, "-b", "redis", "--clients", "4", "--duration", "1s", "--warmup", "0s"];
    let mut command = docker.command(&place, &arguments);
    command.env("LOCKBENCH_REDIS_SERVER", &fake);
    let ran = Running::start(&mut command).finish(LIMIT).exits(0);
    let said = "redis: its program here did not start, a container is tried instead: redis: ";
    ran.complains(&[said, "exit status 1"]);
    docker.assert_nothing_left();
    let report = place.report();
    let notes = report["notes"].as_array().unwrap();
    assert!(notes.iter().any(|note| note.as_str().unwrap().starts_with(said)), "{notes:?}");
    assert!(report["environment"]["placement"].as_str().unwrap().contains("Docker containers"));
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
    // By their names alone, like those that run as programs.
    for (kind, servers) in [("redis", 1), ("etcd", 3)] {
        let looked = run(&docker, &home, &["inspect", kind, "--format", "json"]).exits(0).out;
        let looked: serde_json::Value = serde_json::from_str(&looked).unwrap();
        assert_eq!(looked["servers"].as_array().unwrap().len(), servers, "{looked:#}");
    }
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

fn load(docker: &Docker, kind: &str, endpoints: &str) -> Load {
    Load::on(|place, arguments| docker.command(place, arguments), kind, endpoints, &[])
}

fn redis_paused_and_killed(docker: &Docker, url: &str) {
    let load = load(docker, "redis", url);
    let redis = server(docker, lockbench::backend::redis::KIND);
    let node = redis.nodes().next().unwrap();
    let before = node.usage().unwrap();
    assert!(before.cpu_s > 0.0 && before.rss_bytes > 1 << 20, "{before:?}");
    node.pause().unwrap();
    node.pause().unwrap();
    load.fails("while the server is paused");
    sleep(SILENCE);
    assert_eq!(node.died(), None, "paused is not dead");
    node.resume().unwrap();
    load.goes_on("after the pause");
    let old = node.pids();
    node.kill().unwrap();
    assert_eq!((node.died(), node.pids()), (None, Vec::new()), "it was told to");
    load.fails("while the server is dead");
    sleep(SILENCE);
    node.restart().unwrap();
    assert!(node.pids() != old && node.died().is_none());
    assert!(node.usage().unwrap().cpu_s >= before.cpu_s, "what the killed one used is forgotten");
    assert!(node.disconnect().unwrap_err().to_string().contains("no network of its peers"));
    load.goes_on("after the restart");
    let seconds = load.end(130);
    assert!(silences(&seconds) >= 2, "a pause and a kill are two silences: {seconds:?}");
}

fn etcd_leader_cut_off(docker: &Docker, urls: &[String]) {
    assert_eq!(urls.len(), 3);
    let etcd = server(docker, lockbench::backend::etcd::KIND);
    let nodes: Vec<&dyn Node> = etcd.nodes().collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let lead = runtime.block_on(leader(&nodes)).unwrap();
    // Clients that know all members, and clients that know the leader only.
    let all = load(docker, "etcd", &urls.join(","));
    let one = load(docker, "etcd", lead.endpoint().secret_url());
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
    sleep(SILENCE);
    lead.connect().unwrap();
    lead.connect().unwrap();
    one.goes_on("after the cut, for clients of the member that was cut off");
    all.goes_on("after the cut, for clients of all members");
    let (one, all) = (one.end(130), all.end(130));
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
