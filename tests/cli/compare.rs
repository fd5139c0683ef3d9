//! Baselines as a person uses them: `compare`, `--save-baseline`, `--baseline`, each
//! with its exit code. The figures compared are written by the tests: a loaded
//! machine must not decide.

use std::fs;

use crate::support::cli::{Place, Ran};
use serde_json::{Value, json};

/// A run of `trials` short trials of the in-process lock.
fn run(place: &Place, id: &str, trials: &str, more: &[&str]) -> Ran {
    let workload = Place::shipped("hot-key.toml");
    let mut all = vec!["run", &workload, "-b", "memory", "--run-id", id, "--trials", trials, "--ui", "plain"];
    all.extend(["--set", "duration=400ms", "--set", "warmup=0s"]);
    all.extend(more);
    place.run(&all)
}

fn read(place: &Place, path: &str) -> Value {
    serde_json::from_slice(&fs::read(place.results().join(path).join("report.json")).unwrap()).unwrap()
}

/// Stores a report as a run directory of its own.
fn store(place: &Place, path: &str, mut report: Value) {
    report["run_id"] = json!(path.rsplit('/').next().unwrap());
    let directory = place.results().join(path);
    fs::create_dir_all(&directory).unwrap();
    fs::write(directory.join("report.json"), report.to_string()).unwrap();
}

/// The run `from` with a throughput near `rate`, stored as `to`.
fn paced(place: &Place, from: &str, to: &str, rate: f64) {
    let mut report = read(place, from);
    for (i, result) in report["results"].as_array_mut().unwrap().iter_mut().enumerate() {
        result["throughput_per_s"] = json!(rate * (1.0 + i as f64 / 100.0));
        result["latency"]["acquire_service"]["p99_ns"] = json!(null);
    }
    store(place, to, report);
}

/// Runs that differ in nothing but their pace.
fn three_paces() -> Place {
    let place = Place::new();
    run(&place, "first", "5", &[]).exits(0);
    for (id, rate) in [("usual", 800.0), ("again", 790.0), ("slow", 560.0)] {
        paced(&place, "first", id, rate);
    }
    place
}

#[test]
fn the_same_pace_passes_and_a_slower_one_is_a_regression() {
    let place = three_paces();
    place.run(&["compare", "usual", "again"]).exits(0).tells(&["comparison: no regression", "within noise"]);
    let ran = place.run(&["compare", "usual", "slow"]).exits(98);
    ran.tells(&["comparison: REGRESSION", "memory throughput: -30 %", "beyond 15 % noise", "571/s"]);
    place.run(&["compare", "slow", "usual", "--html", "page.html"]).exits(0).tells(&["improvement"]);
    let page = fs::read_to_string(place.path().join("page.html")).unwrap();
    assert!(
        page.contains("No regression") && page.contains("compared with the baseline slow") && page.contains("better")
    );
    place.run(&["compare", "slow", "usual", "--html", "no/page.html"]).exits(1).complains(&["--html no/page.html"]);
    place.run(&["compare", "usual", "slow", "--noise", "40%"]).exits(0);
    place.run(&["compare", "results/usual,again", "slow"]).exits(98).tells(&["(usual, again)", "10 / 5"]);
}

#[test]
fn a_comparison_can_be_read_by_a_program() {
    let place = three_paces();
    let ran = place.run(&["compare", "usual", "slow", "--format", "json"]).exits(98);
    let found: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(found["outcome"], "regression");
    let changes = found["changes"].as_array().unwrap();
    let change = changes.iter().find(|change| change["figure"] == "throughput").unwrap();
    assert_eq!((&change["verdict"], &change["gated"]), (&json!("regression"), &json!(true)));
    assert!(change["high"].as_f64().unwrap() < -0.15, "{change}");
}

#[test]
fn too_few_trials_and_gates_without_a_figure_are_inconclusive() {
    let place = three_paces();
    let mut few = read(&place, "slow");
    few["results"].as_array_mut().unwrap().truncate(4);
    store(&place, "few", few);
    let ran = place.run(&["compare", "usual", "few"]).exits(97);
    ran.tells(&["comparison: inconclusive", "no evidence", "the new side has 4 trials, 5 are needed"]);
    place.run(&["compare", "usual", "again", "--gate", "acquire_service.p99"]).exits(97).tells(&["not comparable"]);
    place.run(&["compare", "usual", "again", "--gate", "renew.p99,throughput"]).exits(97);
}

#[test]
fn unlike_runs_are_refused_and_forced_ones_marked() {
    let place = three_paces();
    let mut other = read(&place, "again");
    other["plan"]["clients"] = json!(8);
    other["environment"]["cores"] = json!(512);
    other["plan"]["seed"] = json!(77);
    store(&place, "other", other);
    let ran = place.run(&["compare", "usual", "other"]).exits(2);
    assert_eq!(ran.out, "");
    let ran = ran.complains(&["unlike", "plan, clients: 64 / 8", "machine, processors in use", "/ 512", "--force"]);
    assert!(!ran.err.contains("seed"), "{}", ran.err);
    let ran = place.run(&["compare", "usual", "other", "--force"]).exits(0);
    ran.tells(&["UNLIKE SIDES", "plan, clients: 64 / 8", "no regression (unlike sides, forced)"]);
}

#[test]
fn a_double_grant_that_the_baseline_had_not_is_a_regression() {
    let place = three_paces();
    let mut unsafe_run = read(&place, "again");
    unsafe_run["results"][1]["safety"]["double_grants_certain"] = json!(2);
    store(&place, "unsafe", unsafe_run);
    let ran = place.run(&["compare", "usual", "unsafe", "--gate", "throughput"]).exits(98);
    ran.tells(&["memory double_grants: 2 in "]);
}

#[test]
fn mistakes_in_a_comparison_are_told_in_one_message() {
    let place = three_paces();
    store(&place, "baselines/main/x", read(&place, "usual"));
    fs::create_dir(place.path().join("empty")).unwrap();
    for (arguments, parts) in [
        (vec!["usual", "gone"], &["no run or baseline \"gone\"", "main", "--save-baseline"][..]),
        (vec!["usual", "empty"], &["empty is not from a run of lockbench: it has no report.json"]),
        (vec!["usual,usual", "slow"], &["usual is given twice"]),
        (vec!["usual", ","], &["give a run directory, an id or a baseline"]),
        (vec!["usual", "slow", "--gate", "acquire.p99"], &["--gate", "acquire_service.p99 or acquire_response.p99"]),
        (vec!["usual", "slow", "--gate", "double_grants"], &["decides always"]),
        (vec!["usual", "slow", "--gate", "overtakes"], &["is a count"]),
        (vec!["usual", "slow", "--noise", "much"], &["--noise \"much\"", "15%"]),
    ] {
        let mut all = vec!["compare"];
        all.extend(arguments);
        place.run(&all).exits(2).in_one_message().complains(parts);
    }
}

#[test]
fn a_baseline_that_cannot_be_used_is_told_before_anything_runs() {
    let place = three_paces();
    let before = place.entries();
    run(&place, "new", "5", &["--baseline", "gone"]).exits(2).in_one_message().complains(&["\"gone\""]);
    let ran = run(&place, "new", "5", &["--baseline", "usual", "--set", "clients=3", "--set", "hold=2ms"]).exits(2);
    ran.complains(&["--baseline usual: the sides are unlike", "plan, clients: 64 / 3", "plan, hold", "--force"]);
    for name in ["a/b", "..", "", "baselines"] {
        run(&place, "new", "5", &["--save-baseline", name]).exits(2).in_one_message().complains(&["not usable"]);
    }
    assert_eq!(place.entries(), before);
}

#[test]
fn a_baseline_is_saved_used_and_never_overwritten() {
    let place = Place::new();
    run(&place, "one", "5", &["--save-baseline", "main"]).exits(0).complains(&["saved as the baseline \"main\""]);
    assert_eq!(read(&place, "baselines/main/one"), read(&place, "one"));
    // What the machine does now must not decide: a baseline far slower, then one far faster.
    paced(&place, "one", "baselines/main/one", 10.0);
    let ran = run(&place, "two", "5", &["--baseline", "main", "--save-baseline", "main"]).exits(0);
    ran.tells(&["Compared with the baseline main (one)", "comparison: no regression", "verdict: pass"]);
    let stored = read(&place, "two");
    assert_eq!(stored["comparison"]["outcome"], "no-regression");
    assert_eq!(stored["comparison"]["baseline_runs"], json!(["one"]));
    // The newest counts, the older one is still there.
    let mut newest = read(&place, "two");
    newest["environment"]["started_at"] = json!("2999-01-01T00:00:00Z");
    store(&place, "baselines/main/two", newest);
    paced(&place, "baselines/main/two", "baselines/main/two", 90_000.0);
    assert!(place.results().join("baselines/main/one/report.json").exists());
    let ran = run(&place, "three", "5", &["--baseline", "main", "--save-baseline", "main"]).exits(98);
    let ran = ran.tells(&["verdict: exit 98", "compared with the baseline main: memory throughput: "]);
    ran.complains(&["not saved as the baseline \"main\": the run does not pass (exit 98)"]);
    assert_eq!(read(&place, "three")["verdict"]["exit_code"], 98);
    assert!(!place.results().join("baselines/main/three").exists());
    for (file, said) in [
        ("junit.xml", "classname=\"lockbench.baseline\" name=\"against main\""),
        ("summary.md", "comparison: REGRESSION"),
        ("report.html", "comparison: REGRESSION"),
    ] {
        let text = fs::read_to_string(place.results().join("three").join(file)).unwrap();
        assert!(text.contains(said), "{file}");
    }
    place.run(&["compare", "main", "three"]).exits(98);
    place.run(&["compare", "results/baselines/main/one", "three"]).exits(0);
}

#[test]
fn a_baseline_with_too_few_trials_passes_nothing_and_says_so_early() {
    let place = three_paces();
    let ran = run(&place, "short", "2", &["--baseline", "usual"]).exits(97);
    let ran = ran.tells(&["verdict: exit 97", "the new side has 2 trials, 5 are needed"]);
    ran.complains(&["warning: --baseline with 2 trials", "--trials 5"]);
}

#[test]
fn an_unlike_baseline_by_force_is_marked_in_the_report() {
    let place = three_paces();
    paced(&place, "first", "usual", 10.0);
    run(&place, "forced", "5", &["--baseline", "usual", "--force", "--set", "clients=4"])
        .exits(0)
        .tells(&["UNLIKE SIDES, compared by force", "plan, clients: 64 / 4"]);
    assert_eq!(read(&place, "forced")["comparison"]["unlike"], json!(["plan, clients: 64 / 4"]));
}
