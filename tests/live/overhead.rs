//! What lockbench itself costs, beside bare loops over the client libraries.

use std::time::Duration;

use serde_json::Value;

use crate::support;
use crate::support::cli::{Place, Running, SHORT};

/// Of every system that has a bare loop.
#[test]
fn every_bare_loop_runs_beside_lockbench_and_later_runs_tell_what_that_costs() {
    if !support::live("nothing was measured") {
        return;
    }
    let place = Place::new();
    let short = ["--rounds", "1", "--clients", "16", "--duration", "3s", "--warmup", "200ms"];
    let measure = [&["overhead", "--run-id", "cost", "--format", "json"], &short[..]].concat();
    let ran = Running::start(&mut place.command(&measure)).finish(Duration::from_secs(180));
    // A busy machine may grant too few, and says so.
    assert!([0, 97].contains(&ran.code), "{}{}", ran.out, ran.err);
    let costs: Vec<Value> = serde_json::from_str(&ran.out).unwrap();
    let names: Vec<&str> = costs.iter().map(|cost| cost["backend"].as_str().unwrap()).collect();
    assert!(names.contains(&"redis") && names.contains(&"postgres:advisory"), "{names:?}: {}", ran.err);
    if ran.code == 0 {
        assert_eq!(names, ["redis", "zookeeper", "etcd", "postgres:advisory", "postgres:lease"]);
    }
    for cost in &costs {
        let turn = &cost["turns"][0];
        for pace in [&turn["bare"], &turn["run"]] {
            for figure in ["cycles_per_s", "p50_ns", "cpu_ns"] {
                assert!(pace[figure].as_f64().unwrap() > 0.0, "{cost:#}");
            }
        }
        assert!(turn["recorder_cpu_ns"].as_f64().unwrap() > 0.0, "{cost:#}");
    }
    let workload = Place::shipped("uncontended.toml");
    let run = [&["run", &workload, "-b", "redis,memory", "--run-id", "later"], &SHORT[..]].concat();
    assert!([0, 97].contains(&place.run(&run).code));
    let report = std::fs::read(place.results().join("later/report.json")).unwrap();
    let report: Value = serde_json::from_slice(&report).unwrap();
    let told = report["tool"]["own_costs"].as_array().unwrap();
    assert_eq!(told.iter().map(|cost| &cost["backend"]).collect::<Vec<_>>(), ["redis"], "of the systems of the run");
    assert!(report["results"][0]["resources"]["recorder_cpu_s"].as_f64().unwrap() > 0.0, "{report}");
    assert!(place.server_files().is_empty());
}
