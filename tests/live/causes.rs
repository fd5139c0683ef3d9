//! What the servers say of who holds a key, and the causes that are told by it, on real servers.

use std::io::{BufRead, BufReader};
use std::path::Path;

use flate2::read::MultiGzDecoder;
use lockbench::record::history::{Line, Parser};
use lockbench::record::{Event, Seen, SeenHolder, What};
use serde_json::Value;

use crate::support;
use crate::support::cli::Place;

/// Long holds, so that each is seen, and clients that wait.
const LOAD: &str = "clients = 3\nkeys = \"single\"\nhold = \"200ms\"\nttl = \"4s\"\nwarmup = \"0s\"\nduration = \"2s\"\n\
    acquire = { mode = \"wait\", timeout = \"10s\" }\n";

fn events(run: &Path) -> Vec<Event> {
    let file = std::fs::File::open(run.join("history.jsonl.gz")).unwrap();
    let mut parser = Parser::default();
    let lines = BufReader::new(MultiGzDecoder::new(file)).lines();
    let parsed = lines.map(|line| parser.parse(&line.unwrap()).unwrap());
    parsed.filter_map(|line| if let Line::Event(event) = line { Some(event) } else { None }).collect()
}

/// The attempts that had the key: client, when it was asked for, and when the release was answered.
fn held(events: &[Event]) -> Vec<(u32, u64, u64)> {
    let mut held = Vec::new();
    let mut asked = std::collections::BTreeMap::new();
    for event in events {
        match event.what {
            What::Invoke { .. } => drop(asked.insert(event.client, event.t)),
            What::Released { .. } => held.push((event.client, asked[&event.client], event.t)),
            _ => {}
        }
    }
    held
}

#[test]
fn every_system_says_truly_who_holds_a_key() {
    if !support::live("servers are asked who holds a key") {
        return;
    }
    for (system, nodes) in
        [("redis", 1), ("redlock", 5), ("zookeeper", 1), ("etcd", 1), ("postgres:advisory", 1), ("postgres:lease", 1)]
    {
        let place = Place::new();
        place.file("w.toml", LOAD);
        place.run(&["run", "w.toml", "-b", system, "--stack", "local", "--set", "truth=on"]).exits(0);
        let events = events(&place.only_run());
        let held = held(&events);
        let identities = events.iter().filter(|event| matches!(event.what, What::Identity { .. })).count();
        assert_eq!(identities, 3, "{system}: each client is somebody to the servers");
        let mut seen = vec![0; nodes];
        for event in &events {
            let What::Seen(Seen { node, holder: SeenHolder::Client(client), before, .. }) = event.what else {
                continue;
            };
            let could = |(of, from, to): &(u32, u64, u64)| *of == client && *from <= event.t && before <= *to;
            assert!(held.iter().any(could), "{system}: {event:?} is none of {held:?}");
            seen[usize::from(node)] += 1;
        }
        assert!(seen.iter().all(|count| *count >= 4), "{system}: {seen:?} of {} holds", held.len());
        let strangers =
            events.iter().filter(|event| matches!(event.what, What::Seen(Seen { holder: SeenHolder::Stranger, .. })));
        assert_eq!(strangers.count(), 0, "{system}: clients are known");
        place.run(&["verify", place.report()["run_id"].as_str().unwrap()]).exits(0).tells(&["agrees on all"]);
    }
}

fn safety(report: &Value) -> &Value {
    &report["results"][0]["safety"]
}

/// A holder is inside when its server, or a majority of them, is killed and comes back without data.
fn forgotten(system: &str, target: &str) -> (Place, Value) {
    let place = Place::new();
    let faults = format!(
        "[[faults]]\nkind = \"server-kill\"\ntarget = \"{target}\"\nat = \"1s\"\nfor = \"200ms\"\ndata = \"lose\"\n"
    );
    place.file("w.toml", &format!("{LOAD}{faults}"));
    let more = ["--set", "hold=3s", "--set", "ttl=20s", "--set", "duration=4s", "--set", "acquire.timeout=20s"];
    place.run(&[&["run", "w.toml", "-b", system, "--stack", "local"][..], &more].concat()).exits(100);
    let report = place.report();
    (place, report)
}

#[test]
fn a_server_that_forgets_while_a_client_holds_is_the_cause() {
    if !support::live("a server is killed under a holder") {
        return;
    }
    for (system, target) in [("redis", "all"), ("redlock", "majority")] {
        let (place, report) = forgotten(system, target);
        let safety = safety(&report);
        assert!(safety["causes"]["V1"].as_u64().unwrap() >= 1, "{system}: {safety}");
        let one = safety["violations"].as_array().unwrap().iter().find(|one| one["cause"] == "V1").unwrap();
        assert_eq!(one["kind"], "inside", "{one}");
        let facts: Vec<&str> =
            one["evidence"].as_array().unwrap().iter().map(|fact| fact["fact"].as_str().unwrap()).collect();
        assert!(facts.contains(&"lost") && facts.contains(&"away") && facts.contains(&"fault"), "{one}");
        let why = one["why"].as_str().unwrap();
        assert!(
            why.starts_with(&format!("Cause V1: {system}: client ")) && why.contains("came back without it"),
            "{why}"
        );
        if system == "redis" {
            assert!(safety["token_regressions"].as_u64().unwrap() > 0, "{safety}");
        }
        let id = report["run_id"].as_str().unwrap();
        place.run(&["verify", id]).exits(100).tells(&["agrees on all"]);
        place.run(&["explain", id, "1"]).exits(0).tells(&["why: Cause V1"]);
    }
}

#[test]
fn a_holder_that_overstays_is_the_cause_itself() {
    if !support::live("holders overstay their leases on real servers") {
        return;
    }
    let place = Place::new();
    place.file("w.toml", LOAD);
    let more = ["--set", "hold=900ms", "--set", "ttl=300ms", "--set", "truth=on"];
    place.run(&[&["run", "w.toml", "-b", "redis", "--stack", "local"][..], &more].concat()).exits(100);
    let report = place.report();
    let causes = safety(&report)["causes"].as_object().unwrap();
    assert!(causes.len() == 1 && causes.contains_key("V2"), "{causes:?}");
}
