//! Servers that are missing, unreachable or die: the message names them and says
//! what to do, the exit code is 3, and the others still run.

use crate::support;
use crate::support::cli;
use std::time::Duration;

use crate::support::cli::{Place, Running, SHORT, assert_gone};
use crate::support::cluster::Cluster;
use crate::support::disturbed::Load;
use crate::support::redis_server::RedisServer;
use rustix::process::Signal;
use serde_json::Value;

#[test]
fn an_unreachable_endpoint_is_named_without_its_password() {
    let place = Place::new();
    let workload = Place::shipped("hot-key.toml");
    let mut arguments = vec!["run", workload.as_str(), "-b", "redis,memory"];
    arguments.extend(["--endpoint", "redis=redis://me:Zq7-pass@127.0.0.1:1"]);
    arguments.extend(SHORT);
    let ran =
        place.run(&arguments).exits(3).tells(&["redis://127.0.0.1:1", "verdict: exit 3", "is the server running?"]);
    let ran = ran.complains(&["redis://127.0.0.1:1", "Connection refused"]);
    assert!(!ran.out.contains("Zq7") && !ran.err.contains("Zq7"));
    let report = place.report();
    assert_eq!(report["results"].as_array().unwrap().len(), 1, "the other system still ran");
    assert_eq!(report["results"][0]["backend"], "memory");
    assert!(report["results"][0]["grants"].as_u64().unwrap() > 0);
    assert_eq!(report["skipped"][0]["backend"], "redis");
    for file in cli::files_below(&place.only_run()) {
        assert!(!String::from_utf8_lossy(&std::fs::read(&file).unwrap()).contains("Zq7"), "{}", file.display());
    }
}

#[test]
fn every_kind_of_unreachable_endpoint_is_exit_3() {
    for (backend, endpoint) in [
        ("redlock", "redlock=redis://127.0.0.1:1,redis://127.0.0.1:2,redis://127.0.0.1:3"),
        ("etcd", "etcd=etcd://127.0.0.1:1"),
        ("zookeeper", "zookeeper=zookeeper://127.0.0.1:1"),
        ("postgres:advisory", "postgres=postgres://me@127.0.0.1:1/x"),
        ("postgres:lease", "postgres=postgres://me@127.0.0.1:1/x"),
    ] {
        let place = Place::new();
        let workload = Place::shipped("hot-key.toml");
        let ran = place.run(&["run", &workload, "-b", backend, "--endpoint", endpoint]);
        ran.exits(3).tells(&[backend, "127.0.0.1:1"]);
    }
}

#[test]
fn an_endpoint_that_must_be_given_is_asked_for() {
    let place = Place::new();
    let workload = Place::shipped("hot-key.toml");
    let ran = place.run(&["run", &workload, "-b", "etcd", "--stack", "external"]).exits(3);
    ran.tells(&["etcd: --stack external and no --endpoint etcd=URL"]);
}

#[test]
fn a_missing_program_asked_for_by_name_is_exit_3_with_its_remedy() {
    let place = Place::new();
    let workload = Place::shipped("hot-key.toml");
    let mut command = place.command(&["run", &workload, "-b", "redis"]);
    command.env("LOCKBENCH_REDIS_SERVER", "/nonexistent/redis-server");
    let ran = Running::start(&mut command).finish(Duration::from_secs(20)).exits(3);
    ran.tells(&["/nonexistent/redis-server", "was not found", "apt-get install redis-server", "--endpoint redis=URL"]);
}

#[test]
fn quick_lists_what_it_cannot_run_and_passes() {
    let place = Place::new();
    let mut command = place.command(&["quick", "--set", "duration=300ms", "--set", "warmup=100ms"]);
    // Nothing is found anywhere: memory and sqlite are left.
    for variable in lockbench::stack::Search::variables() {
        command.env(variable, "/nonexistent");
    }
    let ran = Running::start(&mut command).finish(Duration::from_secs(30)).exits(0).tells(&["verdict: pass, exit 0"]);
    let first = ran.out.lines().next().unwrap_or_default();
    assert!(first.starts_with("2 of 8 systems ran: memory, sqlite"), "{first}");
    ran.out.lines().find(|line| line.contains("verdict: pass, exit 0; 2 of 8 systems ran: memory, sqlite")).unwrap();
    for backend in ["redis", "redlock", "zookeeper", "etcd", "postgres:advisory", "postgres:lease"] {
        let line = ran.out.lines().find(|line| line.starts_with(&format!("not run: {backend}: ")));
        let line = line.unwrap_or_else(|| panic!("{backend} is not listed:\n{}", ran.out));
        assert!(line.contains("apt-get install"), "{line}");
    }
    let report = place.report();
    let ran: Vec<&str> =
        report["aggregates"].as_array().unwrap().iter().map(|row| row["backend"].as_str().unwrap()).collect();
    assert_eq!(ran, ["memory", "sqlite"]);
}

#[test]
fn a_server_that_dies_in_the_middle_is_named_and_the_others_run() {
    if !support::live("no server was started") {
        return;
    }
    let place = Place::new();
    let workload = Place::shipped("hot-key.toml");
    let arguments = ["run", &workload, "-b", "redis,sqlite", "--set", "duration=3s", "--set", "warmup=200ms"];
    let mut run = Running::start(&mut place.command(&arguments));
    run.until("] redis");
    std::thread::sleep(Duration::from_millis(800));
    let family = run.family();
    family.iter().find(|process| process.name == "redis-server").unwrap().signal(Signal::KILL);
    let ran = run.finish(Duration::from_secs(30)).exits(3).tells(&["verdict: exit 3", "redis on 127.0.0.1:"]);
    ran.tells(&["killed by signal 9", "sqlite"]);
    assert_gone(&family);
    assert!(place.server_files().is_empty(), "{:?}", place.server_files());
    let report = place.report();
    assert_eq!(report["complete"], false);
    let of = |name: &str| report["results"].as_array().unwrap().iter().find(|r| r["backend"] == name).unwrap().clone();
    assert!(of("redis")["error"].as_str().unwrap().contains("killed by signal 9"));
    assert_eq!(of("sqlite")["error"], Value::Null);
    assert_eq!(of("sqlite")["complete"], true);
    assert!(of("sqlite")["grants"].as_u64().unwrap() > 0);
}

#[test]
fn a_server_that_dies_at_start_is_quoted() {
    let place = Place::new();
    let fake = place.file("redis-server", "#!/bin/sh\necho 'Fatal config file error: nobody likes me'\nexit 7\n");
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(&fake, std::fs::Permissions::from_mode(0o755)).unwrap();
    let workload = Place::shipped("hot-key.toml");
    let mut command = place.command(&["run", &workload, "-b", "redis"]);
    command.env("LOCKBENCH_REDIS_SERVER", &fake);
    let ran = Running::start(&mut command).finish(Duration::from_secs(30)).exits(3);
    ran.tells(&["nobody likes me", "exit status 7", "and no container: ", "port ", "--endpoint redis=URL"]);
    assert!(place.server_files().is_empty(), "{:?}", place.server_files());
}

#[test]
fn a_given_server_that_goes_away_is_told() {
    if !support::live("no server was started") {
        return;
    }
    let Some(mut server) = RedisServer::start(&[]) else { return };
    let place = Place::new();
    let workload = Place::shipped("quickstart.toml");
    let endpoint = format!("redis=redis://127.0.0.1:{}", server.port);
    let arguments = ["run", &workload, "-b", "redis,memory", "--endpoint", &endpoint, "--set", "duration=2s"];
    let mut run = Running::start(&mut place.command(&arguments));
    run.until("] redis");
    std::thread::sleep(Duration::from_millis(2_800));
    server.kill();
    let ran = run.finish(Duration::from_secs(30)).exits(3);
    ran.tells(&["verdict: exit 3", "redis trial 1: the server did not answer at the end", "it is named \"", "memory"]);
    assert_eq!(place.report()["complete"], false);
}

/// Clients that notice a server that stands still, in a run that goes on behind it.
const STALLED: &str = "clients = 8\nkeys = \"single\"\nhold = \"2ms\"\nttl = \"10s\"\nrequest_timeout = \"1s\"\n\
    acquire = { mode = \"wait\", timeout = \"2s\" }\nwarmup = \"0s\"\nduration = \"8s\"\n";

#[test]
fn a_server_that_stands_still_is_a_finding_and_a_band_and_no_pass_where_that_is_denied() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let endpoint = format!("redis=redis://127.0.0.1:{}", server.port);
    for (flags, code, level) in [(&[][..], 0, "warning"), (&["--deny", "unserved-attempts"], 99, "error")] {
        let place = Place::new();
        place.file("w.toml", STALLED);
        let arguments = [&["run", "w.toml", "-b", "redis", "--endpoint", &endpoint][..], flags].concat();
        let mut run = Running::start(&mut place.command(&arguments));
        run.until("] redis");
        std::thread::sleep(Duration::from_millis(1_500));
        server.stop();
        // At least two whole seconds of the series.
        std::thread::sleep(Duration::from_secs(3));
        server.resume();
        let ran = run.finish(Duration::from_secs(60)).exits(code);
        ran.tells(&[
            &format!("{level}[unserved-attempts]"),
            "were not served or not answered; nothing was granted for",
        ]);
        assert!(found(&place.report(), "unserved-attempts").is_some());
        for chart in ["timeline.svg", "heatmap.svg"] {
            let svg = std::fs::read_to_string(place.only_run().join("charts").join(chart)).unwrap();
            assert!(svg.contains("attempts not served"), "{chart}");
        }
        let summary = std::fs::read_to_string(place.only_run().join("summary.md")).unwrap();
        assert!(summary.contains("Not served: !"), "{summary}");
    }
}

/// Long enough for a slow machine to see grants before and after a node is killed.
const LASTS: [&str; 2] = ["--set", "duration=20s"];

fn five() -> Option<Vec<RedisServer>> {
    (0..5).map(|_| RedisServer::start(&[])).collect()
}

fn urls(servers: &[RedisServer]) -> String {
    servers.iter().map(|server| format!("redis://127.0.0.1:{}", server.port)).collect::<Vec<_>>().join(",")
}

/// `serving of total` before the load and after it.
fn nodes(report: &Value) -> [String; 2] {
    ["start", "end"].map(|when| {
        let nodes = &report["results"][0]["nodes"][when];
        format!("{} of {}", nodes["serving"], nodes["total"])
    })
}

fn found(report: &Value, lint: &str) -> Option<String> {
    let lints = report["lints"].as_array().unwrap();
    lints.iter().find(|found| found["name"] == lint).map(|found| found["message"].as_str().unwrap().to_owned())
}

#[test]
fn a_minority_of_nodes_that_dies_is_a_note_and_the_table_is_kept() {
    let Some(mut servers) = five() else { return };
    let load = Load::on(Place::command, "redlock", &urls(&servers), &LASTS);
    let killed = servers[3].port;
    servers[1].kill();
    servers[3].kill();
    load.goes_on("with two of five nodes killed");
    let (ran, report) = load.ends_by_itself(0);
    assert_eq!(nodes(&report), ["5 of 5", "3 of 5"]);
    let told = found(&report, "nodes-lost").unwrap();
    assert!(told.contains("3 of 5 nodes at the end") && told.contains(&killed.to_string()), "{told}");
    assert!(report["aggregates"][0]["throughput_per_s"].as_f64().unwrap() > 0.0);
    ran.tells(&["3 of 5; 3 of 5 nodes at the end", "note: redlock, trial 1: 3 of 5 nodes at the end"]);
}

#[test]
fn a_majority_of_nodes_that_dies_is_exit_3_and_the_figures_until_then_are_kept() {
    let Some(mut servers) = five() else { return };
    let load = Load::on(Place::command, "redlock", &urls(&servers), &LASTS);
    servers[..3].iter_mut().for_each(RedisServer::kill);
    load.fails("with three of five nodes killed");
    let (ran, report) = load.ends_by_itself(3);
    assert_eq!(nodes(&report), ["5 of 5", "2 of 5"]);
    let result = &report["results"][0];
    assert!(result["error"].as_str().unwrap().contains("2 of 5 nodes answer, 3 must"), "{result}");
    assert!(result["grants"].as_u64().unwrap() > 50 && report["aggregates"][0]["grants"].as_u64().unwrap() > 50);
    ran.tells(&["3 of 5; 2 of 5 nodes at the end", "verdict: exit 3"]);
}

#[test]
fn a_run_opens_with_the_nodes_that_it_needs_and_not_with_fewer() {
    let Some(mut servers) = five() else { return };
    let place = Place::new();
    let endpoint = format!("redlock={}", urls(&servers));
    let workload = Place::shipped("hot-key.toml");
    let mut arguments = vec!["run", workload.as_str(), "-b", "redlock", "--endpoint", endpoint.as_str()];
    arguments.extend(SHORT);
    servers[0].kill();
    servers[1].kill();
    place.run(&[&arguments[..], &["-o", "two"]].concat()).exits(0).tells(&["warning[nodes-lost]", "valid"]);
    place.run(&[&arguments[..], &["-D", "nodes-lost", "-o", "denied"]].concat()).exits(99);
    servers[2].kill();
    let ran = place.run(&[&arguments[..], &["-o", "three"]].concat()).exits(3);
    ran.tells(&["2 of 5 nodes answer, 3 must", &servers[2].port.to_string()]);
}

#[test]
fn one_redis_under_three_names_is_refused_as_redlock() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let place = Place::new();
    let port = server.port;
    let endpoint = format!("redlock=redis://127.0.0.1:{port},redis://localhost:{port},redis://127.0.0.2:{port}");
    let workload = Place::shipped("hot-key.toml");
    let ran = place.run(&["run", &workload, "-b", "redlock", "--endpoint", &endpoint]).exits(3);
    ran.tells(&["are one server (one run_id in INFO)", "give independent servers"]);
}

/// One node killed in the middle, then a run that begins without it.
fn survives_the_loss_of_one(mut cluster: Cluster, backend: &str) {
    let endpoint = cluster.endpoint();
    let urls = endpoint.split_once('=').unwrap().1.to_owned();
    let load = Load::on(Place::command, backend, &urls, &LASTS);
    let killed = cluster.kill(1);
    load.goes_on("with one of three nodes killed");
    let (ran, report) = load.ends_by_itself(0);
    assert_eq!(nodes(&report), ["3 of 3", "2 of 3"]);
    let told = found(&report, "nodes-lost").unwrap();
    assert!(told.contains("2 of 3 nodes at the end") && told.contains(&killed), "{told}");
    ran.tells(&["2 of 3; 2 of 3 nodes at the end"]);
    let place = Place::new();
    let workload = Place::shipped("hot-key.toml");
    let mut arguments = vec!["run", workload.as_str(), "-b", backend, "--endpoint", endpoint.as_str()];
    arguments.extend(SHORT);
    place.run(&arguments).exits(0).tells(&["warning[nodes-lost]", "valid"]);
    let report = place.report();
    assert_eq!(nodes(&report), ["2 of 3", "2 of 3"]);
    let failed = report["results"][0]["unavailable"].as_u64().unwrap();
    assert_eq!(failed, 0, "a node that was away from the start costs no attempt: {}", report["results"][0]["failures"]);
    cluster.kill(2);
    let place = Place::new();
    place.run(&arguments).exits(3).tells(&["verdict: exit 3"]);
}

#[test]
fn etcd_goes_on_without_one_of_three() {
    let Some(cluster) = Cluster::etcd() else { return };
    survives_the_loss_of_one(cluster, "etcd");
}

#[test]
fn zookeeper_goes_on_without_one_of_three() {
    let Some(cluster) = Cluster::zookeeper() else { return };
    survives_the_loss_of_one(cluster, "zookeeper");
}

#[test]
fn a_watch_of_three_nodes_goes_on_without_one_and_names_it() {
    let Some(mut cluster) = Cluster::etcd() else { return };
    let place = Place::new();
    place.file("w.toml", "clients = 4\nhold = \"2ms\"\nttl = \"10s\"\nthresholds = [\"double_grants == 0\"]\n");
    let endpoint = cluster.endpoint();
    let mut arguments = vec!["monitor", "w.toml", "-b", "etcd", "--endpoint", endpoint.as_str()];
    arguments.extend(["--rate", "50/s", "--round", "2s", "--window", "5s", "--every", "2s", "--ui", "plain"]);
    let mut running = Running::start(&mut place.command(&arguments));
    running.until("up, 3 of 3 nodes");
    let killed = cluster.kill(cluster.follower());
    running.until(&format!("2 of 3 nodes serve; away: {killed}"));
    running.until(&format!("up, 2 of 3 nodes ({killed} away)"));
    running.signal(Signal::INT);
    let ran = running.finish(Duration::from_secs(60)).exits(0);
    assert!(!ran.err.contains("it does not answer"), "{}", ran.err);
    let status = std::fs::read(place.only_run().join("monitor.json")).unwrap();
    let status: Value = serde_json::from_slice(&status).unwrap();
    assert_eq!(status["systems"][0]["nodes"]["serving"], 2);
    assert_eq!(status["systems"][0]["outages"], 0);
}
