//! Clusters of several real members that the local stack starts: what they say of themselves, what a
//! member does that comes back, and what clients see when the leader is disturbed.

use std::io::Read;

use serde_json::Value;

use crate::support;
use crate::support::cli::Place;
use lockbench::backend::{self, Registry, ServerKind, Target};
use lockbench::stack::{LocalStack, Options, Server};
use lockbench::workload::{OptionValue, SystemOptions};

/// Three members.
fn started(kind: ServerKind) -> Server {
    let systems = SystemOptions::default().with(kind.name(), "members", OptionValue::Whole(3));
    LocalStack::start(&[kind], &Options { systems, ..Options::default() }).remove(0).1.unwrap()
}

/// How many must agree of how many, and the roles, as the servers say it to a client of all of them.
async fn facts(server: &Server) -> Result<(String, String), String> {
    let entry = Registry::builtin().find(server.kind().name()).unwrap();
    let system = (entry.connect)(Target::new(server.endpoints(), "clusters")).unwrap();
    let facts = system.facts().await.map_err(|error| error.to_string())?;
    Ok((facts.quorum.to_string(), facts.role))
}

/// Waits until clients are answered; returns how many must agree.
async fn settled(server: &Server) -> String {
    let limit = std::time::Instant::now() + std::time::Duration::from_secs(60);
    loop {
        match facts(server).await {
            Ok((quorum, _)) => return quorum,
            Err(error) => assert!(std::time::Instant::now() < limit, "{}: {error}", server.kind()),
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
}

/// Waits until one member leads and two follow, as after an election; returns how many must agree.
async fn agreed(server: &Server) -> String {
    let limit = std::time::Instant::now() + std::time::Duration::from_secs(60);
    loop {
        let told = facts(server).await;
        if let Ok((quorum, roles)) = &told
            && (roles.matches("leader").count(), roles.matches("follower").count()) == (1, 2)
        {
            return quorum.clone();
        }
        assert!(std::time::Instant::now() < limit, "{}: {told:?}", server.kind());
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
}

#[test]
fn three_members_agree_with_two_and_come_back_with_their_data_and_without() {
    if !support::live("no cluster was started") {
        return;
    }
    let _turn = support::cluster::turn();
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(members_come_back());
}

async fn members_come_back() {
    for kind in [backend::etcd::KIND, backend::zookeeper::KIND] {
        let server = started(kind);
        assert_eq!(server.endpoints().len(), 3, "{kind}");
        let quorum = agreed(&server).await;
        assert!(quorum.contains("2 of 3"), "{kind}: {quorum}");
        let nodes: Vec<_> = server.nodes().collect();
        nodes[1].kill().unwrap();
        assert!(server.out_of_service().is_none(), "{kind}: two of three serve");
        settled(&server).await;
        nodes[1].restart().unwrap();
        nodes[2].kill().unwrap();
        nodes[2].restart_empty().unwrap();
        agreed(&server).await;
        // A majority is gone: the first that comes back waits for the second, and must not be waited for.
        nodes[0].kill().unwrap();
        nodes[1].kill().unwrap();
        nodes[0].restart().unwrap();
        nodes[1].restart().unwrap();
        assert!(settled(&server).await.contains("2 of 3"), "{kind}");
        let pids = server.pids();
        drop(server);
        let lives = |pid: &&u32| std::path::Path::new(&format!("/proc/{pid}/exe")).exists();
        assert_eq!(pids.iter().filter(lives).count(), 0, "{kind}");
    }
}

const LOAD: &str = "clients = 4\nkeys = \"single\"\nhold = \"5ms\"\nttl = \"10s\"\nwarmup = \"0s\"\nduration = \"12s\"\n\
    acquire = { mode = \"wait\", timeout = \"6s\" }\nrequest_timeout = \"2s\"\n[etcd]\nmembers = 3\n[zookeeper]\nmembers = 3\n";

/// The longest time of a run without a grant, in seconds: between two of them, or from the last to the end of the
/// record. Who held the lock at a member that was cut off keeps it until its session ends, which may be after that.
pub fn longest_gap_s(place: &Place) -> f64 {
    let file = std::fs::File::open(place.only_run().join("history.jsonl.gz")).unwrap();
    let mut text = String::new();
    flate2::read::MultiGzDecoder::new(file).read_to_string(&mut text).unwrap();
    let events: Vec<Value> = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let stamp = |event: &Value| event["t"].as_u64();
    let mut stamps: Vec<u64> = events.iter().filter(|event| event["e"] == "acquired").filter_map(stamp).collect();
    assert!(stamps.len() > 10, "{}", stamps.len());
    stamps.extend(events.iter().filter_map(stamp).max());
    stamps.sort_unstable();
    stamps.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap() as f64 / 1e9
}

/// Disturbs the leader of a cluster, and returns what became of the fault and the gap.
fn disturbed(system: &str, kind: &str, lasts: &str) -> (Value, f64) {
    let _turn = support::cluster::turn();
    let place = Place::new();
    let fault = format!("[[faults]]\nkind = \"{kind}\"\ntarget = \"leader\"\nat = \"2s\"\nfor = \"{lasts}\"\n");
    place.file("w.toml", &format!("{LOAD}{fault}"));
    place.run(&["run", "w.toml", "-b", system, "--stack", "local"]);
    let report = place.report();
    let faults = report["faults"].as_array().unwrap();
    assert_eq!(faults.len(), 1, "{faults:?}");
    let fault = &faults[0];
    assert_eq!((&fault["bit"], &fault["problem"]), (&true.into(), &Value::Null), "{fault}");
    let result = &report["results"][0];
    assert_eq!(result["quorum"], "2 of 3", "{result}");
    assert_eq!(result["safety"]["double_grants_certain"], 0, "{result}");
    assert_eq!(result["safety"]["token_regressions"], 0, "{result}");
    let gap = longest_gap_s(&place);
    println!("{system}: {kind} of the leader {}: {fault}, longest gap {gap:.3} s", fault["node"]);
    (fault.clone(), gap)
}

#[test]
fn a_leader_of_etcd_that_is_paused_or_killed_is_followed_by_another_and_nothing_is_granted_twice() {
    if !support::live("no leader was disturbed") {
        return;
    }
    for kind in ["server-pause", "server-kill"] {
        let (fault, gap) = disturbed("etcd", kind, "4s");
        // The others elect after 1 s to 2 s without a heartbeat (`--election-timeout`).
        assert_ne!(fault["leader_after"], fault["node"], "{fault}");
        let elected = fault["elected_after_s"].as_f64().unwrap();
        assert!(elected > 0.1 && gap > 0.1, "{fault} {gap}");
    }
}

#[test]
fn a_leader_of_zookeeper_that_is_killed_is_followed_by_another_and_one_that_is_paused_is_waited_for() {
    if !support::live("no leader was disturbed") {
        return;
    }
    let (fault, gap) = disturbed("zookeeper", "server-kill", "4s");
    // The connection of its followers ends: they elect at once.
    assert_ne!(fault["leader_after"], fault["node"], "{fault}");
    assert!(fault["elected_after_s"].as_f64().unwrap() > 0.0 && gap > 0.0, "{fault}");
    // A silent leader is given up after syncLimit * tickTime, 10 s.
    let (fault, gap) = disturbed("zookeeper", "server-pause", "3s");
    assert_eq!((&fault["leader_after"], &fault["elected_after_s"]), (&fault["node"], &Value::Null), "{fault}");
    assert!(gap >= 2.5, "nothing is agreed on without it: {gap}");
}

#[test]
fn a_leader_where_none_leads_is_refused_before_anything_runs() {
    if !support::live("no leader was looked for") {
        return;
    }
    let place = Place::new();
    let fault = |target: &str| {
        format!(
            "clients = 2\nduration = \"2s\"\n[[faults]]\nkind = \"server-pause\"\ntarget = \"{target}\"\nat = \"1s\"\nfor = \"500ms\"\n"
        )
    };
    place.file("w.toml", &fault("leader"));
    for command in [&["check", "w.toml", "-b", "redlock"][..], &["run", "w.toml", "-b", "redlock", "--stack", "local"]]
    {
        place.run(command).exits(3).tells(&["a leader or a follower, which redlock does not have", "none leads"]);
    }
    // The only node leads, and nobody follows it.
    place
        .run(&["run", "w.toml", "-b", "redis", "--stack", "local", "--run-id", "one"])
        .tells(&["of redis-0", "it bit"]);
    place.file("w.toml", &fault("follower"));
    place.run(&["run", "w.toml", "-b", "etcd", "--stack", "local"]).exits(3).tells(&["there is one node, which leads"]);
}
