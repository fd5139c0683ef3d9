//! Attempts that are due by the clock, as a user asks for them and reads what came of it.

use std::fs::{self, File};
use std::io::Read as _;

use flate2::read::MultiGzDecoder;
use serde_json::Value;

use crate::support::cli::Place;

const LOAD: &str = "clients = 4\nkeys = { kind = \"uniform\", count = 20 }\nhold = \"200us\"\nwarmup = \"200ms\"\n\
    duration = \"1s\"\narrival = { kind = \"poisson\", rate = 150 }\n";

fn place(text: &str) -> Place {
    let place = Place::new();
    place.file("w.toml", text);
    place
}

/// What each attempt wanted: nanoseconds from the start of the load to its due instant, and the key, in that order.
fn wanted(place: &Place, run: &str) -> Vec<(u64, u64)> {
    let mut text = String::new();
    let history = File::open(place.results().join(run).join("history.jsonl.gz")).unwrap();
    MultiGzDecoder::new(history).read_to_string(&mut text).unwrap();
    let mut lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let start = lines.next().unwrap()["result"]["start"].as_u64().unwrap();
    let invokes = lines.filter(|line| line["e"] == "invoke");
    let mut wanted: Vec<(u64, u64)> = invokes
        .map(|line| {
            let due = line["due"].as_u64().or_else(|| line["t"].as_u64()).unwrap();
            (due - start, line["k"][0].as_u64().unwrap_or(0))
        })
        .collect();
    wanted.sort_unstable();
    wanted
}

#[test]
fn processes_share_out_the_load_that_threads_get() {
    let place = place(LOAD);
    for (run, set) in [("threads", "seed=1"), ("processes", "processes=3"), ("other", "seed=2")] {
        // A machine that is busy makes it inconclusive, and the load is the same.
        let ran = place.run(&["run", "w.toml", "-b", "memory", "--set", set, "--run-id", run]);
        assert!(matches!(ran.code, 0 | 97), "{}", ran.err);
    }
    // Those that are due shortly before the end of the load may not have begun by then: clients are late on a busy machine.
    let early = |run: &str| -> Vec<(u64, u64)> {
        wanted(&place, run).into_iter().filter(|(due, _)| *due < 1_000_000_000).collect()
    };
    let (threads, processes) = (early("threads"), early("processes"));
    assert!(threads.len() > 100, "{}", threads.len());
    assert_eq!(threads, processes, "shares of the same instants, with the same keys");
    assert_ne!(wanted(&place, "other")[..20], threads[..20]);
}

#[test]
fn a_rate_that_is_not_served_is_inconclusive_and_hides_no_wait() {
    let place = place(
        "clients = 1\nhold = \"50ms\"\nwarmup = \"0s\"\nduration = \"1s\"\narrival = { rate = 100, queue = 5 }\n",
    );
    let ran = place.run(&["run", "w.toml", "-b", "memory", "--run-id", "over"]).exits(97);
    ran.tells(&["of 100 due attempts began, the others found that the one client was busy", "100 per second are more"]);
    let report = place.report();
    let (result, load) = (&report["results"][0], &report["results"][0]["open_loop"]);
    let (begun, dropped) = (load["begun"].as_u64().unwrap(), result["dropped"].as_u64().unwrap());
    assert_eq!((load["due"].as_u64(), begun + dropped), (Some(100), 100), "{load}");
    let response = &result["latency"]["acquire_response"];
    assert_eq!((response["in_vain"].as_u64(), response["p90_ns"].is_null()), (Some(dropped), true), "{response}");
    place.run(&["show", "over", "--full"]).exits(0).tells(&["The load, by the clock", "dropped"]);
    place.run(&["verify", "over"]).exits(97).tells(&["agrees on all"]);
}

#[test]
fn what_is_due_is_set_by_flags_and_checked_before_it_runs() {
    let place = place("clients = 4\nhold = \"1ms\"\n");
    let check = |arguments: &[&str]| place.run(&[&["check", "w.toml", "-b", "memory"], arguments].concat());
    check(&["--rate", "500"]).exits(0).tells(&[
        "load by the clock",
        "5 000 attempts are due while it measures, 500 per second on average",
        "the busiest key is held for 50 % of the time",
        "arrival = { kind = \"constant\", rate = 500.0 }",
    ]);
    check(&["--rate", "2000"]).exits(0).tells(&["200 % of the time: no lock system can serve that"]);
    check(&["--arrival", "poisson", "--rate", "50"]).exits(0).tells(&["kind = \"poisson\", rate = 50.0"]);
    check(&["--arrival", "poisson"]).exits(2).complains(&["arrival.rate is missing"]);
    check(&["--arrival", "poison", "--rate", "5"]).exits(2).complains(&["did you mean \"poisson\"?"]);
    check(&["--rate", "0"]).exits(2).complains(&["--set arrival.rate=0", "above 0"]);
    check(&["--rate", "5", "--set", "think=1ms"]).exits(2).complains(&["has no place beside \"arrival\""]);
    check(&["--rate", "5", "--set", "arrival=closed"]).exits(2).complains(&["--rate 5 both set arrival"]);
    assert!(!fs::read_to_string(place.path().join("w.toml")).unwrap().contains("arrival"));
}

#[test]
fn a_search_says_what_it_found_and_where_it_found_no_end() {
    let place = place("clients = 8\nkeys = \"per-client\"\nhold = \"0s\"\nwarmup = \"0s\"\nduration = \"300ms\"\n");
    let search = |slo: &str, id: &str| {
        let flags = ["--longest", "300ms", "--highest", "400", "--run-id", id, "-b", "memory", "--slo", slo];
        place.run(&[&["search", "w.toml"], &flags[..]].concat())
    };
    // Never, whether the machine is busy or not: so many are not due.
    let never = search("throughput > 1000000/s", "never").exits(0);
    never.tells(&["memory", "not even at the lowest rate", "throughput of memory is", "files: results/never"]);
    let found: Value = serde_json::from_slice(&fs::read(place.results().join("never/search.json")).unwrap()).unwrap();
    assert_eq!(found["results"][0]["found"], "never");
    let probes = found["results"][0]["probes"].as_array().unwrap();
    assert!(!probes.is_empty() && probes.iter().all(|probe| probe[1]["ruling"] == "breached"), "{found}");
    assert!(place.results().join(probes[0][0].as_str().unwrap()).join("report.json").exists(), "a run per probe");
    let open = search("acquire_response.p50 < 10s and double_grants == 0", "open").exits(97);
    open.tells(&["400/s", "inconclusive: no end was found"]);
    for (slo, problem) in [("p99 < 5", "p99 < 5"), ("jain{redis} > 0.5", "names systems")] {
        search(slo, "wrong").exits(2).complains(&["--slo", problem]);
    }
    place.run(&["search", "w.toml", "--sweep", "clients=1,2"]).exits(2).complains(&["--sweep has no place"]);
}

#[test]
fn advice_on_a_lease_says_what_it_knows_and_from_what() {
    let place = place("clients = 4\nhold = \"2ms\"\nwarmup = \"0s\"\nduration = \"500ms\"\n");
    let advise = |arguments: &[&str]| place.run(&[&["advise", "ttl", "--watch", "50ms"], arguments].concat());
    advise(&["--hold", "p50=2ms,p99=40ms", "--rate", "20", "--ttl", "1ms,1s"]).exits(0).tells(&[
        "renewed 3 times per ttl",
        "shortest with surely no more than 1.00 per hour: none of these without renewal",
        "holds as given: p50=2ms,p99=40ms",
        "this host, watched for 0.",
        "zookeeper 4.00 s",
    ]);
    place.run(&["run", "w.toml", "-b", "memory", "--run-id", "held"]).exits(0);
    advise(&["held", "--at-most", "1e9"]).exits(0).tells(&["holds of the run held", "1.00 s without renewal"]);
    advise(&["--hold", "p99=40"]).exits(2).complains(&["--hold p99=40: ", "has no unit"]);
    advise(&["--hold", "99=40ms"]).exits(2).complains(&["no quantile"]);
    advise(&["--hold", "p99=1s", "--ttl", "0s"]).exits(2).complains(&["--ttl 0s: that is no time at all"]);
    advise(&["nowhere"]).exits(2).complains(&["nowhere"]);
    advise(&[]).exits(2).complains(&["<RUN>"]);
}
