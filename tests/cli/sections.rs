//! Critical sections that act on what they have read: harm in the unit of the workload, without fencing and with it.

use serde_json::Value;

use crate::support::cli::Place;

const LOAD: &str =
    "clients = 8\nwarmup = \"0s\"\nduration = \"1500ms\"\nacquire = { mode = \"wait\", timeout = \"5s\" }\n";

fn run(system: &str, more: &str, exit: i32) -> (Place, Value) {
    let place = Place::new();
    place.file("w.toml", &format!("{LOAD}{more}\n"));
    place.run(&["run", "w.toml", "-b", system, "--run-id", "one"]).exits(exit);
    let result = place.report()["results"][0].clone();
    (place, result)
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or(0)
}

#[test]
fn a_sound_lock_oversells_nothing_and_none_at_all_oversells() {
    for section in ["\"inventory\"", "\"payment\""] {
        let load = format!("hold = \"1ms\"\ncritical_section = {section}");
        let (_place, sound) = run("memory", &load, 0);
        let harm = &sound["safety"]["harm"];
        assert!(number(&harm["acts"]) > 100 && harm["harmful_acts"].is_null(), "{harm}");
        let (place, broken) = run("control:no-lock", &load, 100);
        let harm = &broken["safety"]["harm"];
        assert!(number(&harm["harmful_acts"]) > 100, "{harm}");
        place
            .run(&["show", "one", "--full"])
            .tells(&["What it did to the work", broken["section"]["harm"].as_str().unwrap()]);
        place.run(&["verify", "one"]).exits(100).tells(&["agrees on all"]);
        assert_eq!(harm["oversold"].is_null(), section != "\"inventory\"");
    }
}

#[test]
fn fencing_keeps_a_holder_that_overstays_from_harm() {
    let load = "hold = \"250ms\"\nttl = \"100ms\"\nexpect = [\"outside\"]\ncritical_section = \"payment\"";
    let (_place, result) = run("memory", load, 0);
    let harm = &result["safety"]["harm"];
    assert!(number(&harm["harmful_acts"]) > 0 && harm["harmful_acts_fenced"].is_null(), "{harm}");
}

#[test]
fn a_job_runs_once_per_period_and_a_bucket_keeps_its_limit() {
    let job = "hold = \"20ms\"\ncritical_section = { kind = \"run-once\", every = \"200ms\" }";
    let (_place, sound) = run("memory", job, 0);
    assert!(sound["safety"]["harm"]["harmful_acts"].is_null());
    assert!(number(&sound["section"]["missed"]) <= 1, "{}", sound["section"]);
    let (_place, broken) = run("control:no-lock", job, 100);
    assert!(number(&broken["safety"]["harm"]["harmful_acts"]) > 5);
    let bucket = "hold = \"1ms\"\ncritical_section = { kind = \"token-bucket\", limit = 5, per = \"300ms\" }";
    let (_place, sound) = run("memory", bucket, 0);
    let acts = number(&sound["safety"]["harm"]["acts"]);
    assert!((20..=35).contains(&acts) && sound["safety"]["harm"]["harmful_acts"].is_null(), "{acts}");
    let (_place, broken) = run("control:no-lock", bucket, 100);
    assert!(number(&broken["safety"]["harm"]["harmful_acts"]) > 0);
}

#[test]
fn leaders_that_follow_each_other_leave_little_time_without_and_two_at_once_are_told() {
    let load = "hold = \"100ms\"\nthink = \"50ms\"\ncritical_section = \"leader\"";
    let (_place, sound) = run("memory", load, 0);
    let section = &sound["section"];
    assert_eq!(section["with_several_leaders_s"], 0.0, "{section}");
    assert!(section["without_leader_s"].as_f64().unwrap() < 1.0, "{section}");
    let (_place, broken) = run("control:no-lock", load, 100);
    assert!(broken["section"]["with_several_leaders_s"].as_f64().unwrap() > 0.5);
}
