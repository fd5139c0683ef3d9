//! `--sweep` and `report RUN RUN ...`: one run a value, and the curve over them.

use crate::support::cli;
use std::fs;

use crate::support::cli::Place;
use serde_json::Value;

const SHORT: [&str; 6] = ["-b", "memory", "--set", "duration=500ms", "--set", "warmup=0s"];

fn sweep(place: &Place, more: &[&str]) -> cli::Ran {
    let workload = Place::shipped("uncontended.toml");
    let mut arguments = vec!["run", &workload, "--ui", "none"];
    arguments.extend(SHORT);
    arguments.extend(more);
    place.run(&arguments)
}

fn json(place: &Place, run: &str, file: &str) -> Value {
    serde_json::from_slice(&fs::read(place.results().join(run).join(file)).unwrap()).unwrap()
}

#[test]
fn a_sweep_leaves_one_run_a_value_and_the_curve_over_them() {
    let place = Place::new();
    let ran = sweep(&place, &["--sweep", "clients=4,1,2", "--run-id", "s"]).exits(0);
    ran.tells(&["uncontended over clients", "grants/s", "memory", "files: results/s"]);
    place.run(&["show", "s"]).exits(2).in_one_message().complains(&["it is a sweep"]);
    assert_eq!(place.entries(), ["s", "s-clients-1", "s-clients-2", "s-clients-4"]);
    for clients in [1, 2, 4] {
        let report = json(&place, &format!("s-clients-{clients}"), "report.json");
        assert_eq!((report["plan"]["clients"].as_u64(), report["complete"].as_bool()), (Some(clients), Some(true)));
    }
    let curve = json(&place, "s", "sweep.json");
    let values: Vec<f64> = curve["points"].as_array().unwrap().iter().map(|p| p["value"].as_f64().unwrap()).collect();
    assert_eq!((curve["key"].as_str(), values), (Some("clients"), vec![1.0, 2.0, 4.0]));
    for file in ["sweep.csv", "summary.md", "sweep.html", "charts/sweep.svg", "charts/sweep.png"] {
        assert!(place.results().join("s").join(file).metadata().unwrap().len() > 0, "{file}");
    }
    assert!(!place.results().join("s/plan.toml").exists(), "one plan of several");
    // The same curve over the same runs, later.
    let again = ["report", "s-clients-4", "s-clients-1", "s-clients-2", "--to", "results/again"];
    place.run(&again).exits(0).tells(&["uncontended over clients"]);
    for file in ["sweep.json", "sweep.csv", "sweep.html", "charts/sweep.svg"] {
        let read = |run: &str| fs::read(place.results().join(run).join(file)).unwrap();
        assert!(read("s") == read("again"), "{file} differs");
    }
}

#[test]
fn a_wrong_sweep_is_refused_before_anything_runs() {
    for (text, problem) in [
        ("clients", "there is no '='"),
        ("clients=4", "one value is no sweep"),
        ("clients=4,4", "given twice"),
        ("clients=1,zero", "clients"),
        ("clents=1,2", "clents"),
        ("ttl=0s,4s", "ttl"),
        ("seed=1,2", "the same plan"),
        ("history=off,full", "is no number"),
    ] {
        let place = Place::new();
        sweep(&place, &["--sweep", text]).exits(2).in_one_message().complains(&[problem]);
        assert!(place.entries().is_empty(), "{text}: {:?}", place.entries());
    }
}

#[test]
fn runs_that_do_not_differ_in_one_number_are_no_sweep() {
    let place = Place::new();
    sweep(&place, &["--run-id", "a"]).exits(0);
    sweep(&place, &["--run-id", "b"]).exits(0);
    sweep(&place, &["--run-id", "c", "--set", "clients=2", "--set", "hold=1ms"]).exits(0);
    place.run(&["report", "a", "b"]).exits(2).in_one_message().complains(&["the same plan"]);
    place.run(&["report", "a", "c"]).exits(2).in_one_message().complains(&["differ in clients, hold"]);
}
