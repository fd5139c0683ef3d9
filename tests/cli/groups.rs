//! Groups of clients in one workload, shown apart and together.

use serde_json::Value;

use crate::support::cli::Place;

const LOAD: &str = "clients = 8\nkeys = { kind = \"uniform\", count = 4 }\nhold = \"1ms\"\nthink = \"5ms\"\nwarmup = \"0s\"\n\
                    duration = \"1s\"\n[[groups]]\nname = \"web\"\nclients = 4\narrival = { rate = 50 }\n[[groups]]\n\
                    name = \"batch\"\nclients = 2\nkeys = \"single\"\nkey_space = \"own\"\nhold = \"20ms\"\nacquire = \"try\"\n";

fn run(more: &[&str]) -> (Place, Value) {
    let place = Place::new();
    place.file("w.toml", LOAD);
    // On a busy machine lockbench may be late itself, and says so: its figures are there all the same.
    let ran = place.run(&[&["run", "w.toml", "-b", "memory", "--run-id", "one"], more].concat());
    assert!([0, 97].contains(&ran.code), "{}{}", ran.out, ran.err);
    let result = place.report()["results"][0].clone();
    (place, result)
}

#[test]
fn each_group_has_its_own_load_and_its_own_figures() {
    for more in [&[][..], &["--set", "processes=3"], &["--set", "processes=per-group"]] {
        let (place, result) = run(more);
        let groups = result["groups"].as_array().unwrap();
        let names: Vec<&str> = groups.iter().map(|group| group["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["web", "batch", "others"]);
        let count = |group: usize, of: &str| groups[group][of].as_u64().unwrap();
        // Where lockbench kept up itself there is no excuse.
        let kept_up = place.report()["verdict"]["exit_code"] == 0;
        let least = |kept: u64, late: u64| if kept_up { kept } else { late };
        assert!((least(40, 20)..=51).contains(&count(0, "attempts")), "by the clock, 50 in a second: {groups:?}");
        // Two clients that try once for the one lock of their own: at most one holds it, for 20 ms.
        assert!((least(10, 3)..=51).contains(&count(1, "grants")) && count(1, "denied") > 0, "{groups:?}");
        assert!(count(2, "grants") > least(50, 10), "{groups:?}");
        let all: u64 = (0..3).map(|group| count(group, "grants")).sum();
        assert_eq!(result["grants"].as_u64(), Some(all), "apart they are what they are together");
        // Only those that come by the clock are of the open loop.
        assert_eq!(result["open_loop"]["due"].as_u64(), Some(50), "{}", result["open_loop"]);
        place.run(&["show", "one", "--full"]).tells(&["Groups of clients", "batch"]);
        place.run(&["verify", "one"]).exits(0).tells(&["agrees on all"]);
    }
}

#[test]
fn a_group_with_a_process_of_its_own_stands_still_alone() {
    let place = Place::new();
    place.file(
        "w.toml",
        &format!(
            "processes = \"per-group\"\n{LOAD}[[faults]]\nkind = \"client-pause\"\ntarget = \"client-4\"\nat = \"500ms\"\n\
             for = \"1s\"\n"
        ),
    );
    let ran = place.run(&["run", "w.toml", "-b", "memory", "--run-id", "one", "--set", "duration=3s"]);
    assert!([0, 97].contains(&ran.code), "{}{}", ran.out, ran.err);
    let report = place.report();
    let faults = report["faults"].as_array().unwrap();
    let stood: Vec<&str> = faults.iter().map(|fault| fault["node"].as_str().unwrap()).collect();
    assert_eq!(stood, ["client-4", "client-5"], "the group \"batch\", whole, and no other: {faults:?}");
    assert!(faults.iter().all(|fault| fault["bit"] == true), "{faults:?}");
    place.run(&["verify", "one"]).tells(&["agrees on all"]);
}

#[test]
fn what_groups_do_is_said_before_and_where_they_have_no_place() {
    let place = Place::new();
    place.file("w.toml", LOAD);
    place.run(&["check", "w.toml", "-b", "memory"]).exits(0).tells(&[
        "groups of clients:",
        "web (4): 4 keys, hold 1.00 ms, due at 50.0/s",
        "batch (2): one key of its own, hold 20.0 ms, think 5.00 ms, tries once",
        "others (2): 4 keys",
    ]);
    let slo = ["--slo", "acquire_response.p99 < 50ms"];
    place
        .run(&[&["search", "w.toml", "-b", "memory"], &slo[..]].concat())
        .exits(2)
        .complains(&["groups", "take the groups out"]);
    place.run(&["monitor", "w.toml", "-b", "memory"]).exits(2).complains(&["groups"]);
}
