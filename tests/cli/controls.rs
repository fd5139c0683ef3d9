//! The negative controls as a person runs them: each is caught on its own
//! workload, none is called caught where it cannot be, and the correct sibling
//! passes where the control fails.

use crate::support::cli::Place;

/// Runs a control's own workload for the shortest time in which it is caught.
fn is_caught(name: &str, sets: &[&str], kind: &str) {
    let place = Place::new();
    let workload = Place::shipped(&format!("controls/{name}.toml"));
    let mut arguments = vec!["run", workload.as_str()];
    sets.iter().for_each(|set| arguments.extend(["--set", set]));
    let ran = place.run(&arguments).exits(100).tells(&["verdict: exit 100", "VIOLATED"]);
    // The story: one key, two clients, two spans of time, and how long both were in.
    let reason = ran.out.lines().find(|line| line.contains("; for example ")).unwrap_or_else(|| panic!("{}", ran.out));
    let (_, story) = reason.split_once("; for example ").unwrap();
    let story = story.split(" Cause ").next().unwrap();
    let held: Vec<&str> = story.split("client ").skip(1).filter_map(|rest| rest.split(' ').next()).collect();
    assert_eq!(held.len(), 2, "{story}");
    assert_ne!(held[0], held[1], "{story}");
    // Of locks that several may hold it is told what each of the two had.
    let alone = !["overlooks-readers", "one-too-many"].contains(&name);
    let (held, granted) = if alone { (" held it from ", " was granted it at ") } else { (" from ", " at ") };
    for part in ["key 0: ", held, granted, " and held it to ", "both were inside for ", kind] {
        assert!(story.contains(part), "\"{part}\" is not in: {story}");
    }
    let report = place.report();
    let safety = &report["results"][0]["safety"];
    assert_eq!(report["verdict"]["exit_code"], 100);
    assert_eq!(report["complete"], true);
    assert_eq!(safety["verdict"], "violated");
    assert!(safety["inside"].as_u64().unwrap() > 0, "{safety}");
    let first = &safety["violations"][0];
    let time = |hold: &str, end: &str| first[hold][end].as_u64().unwrap();
    assert!(time("earlier", "start_ns") < time("later", "end_ns"), "{first}");
    assert!(time("later", "start_ns") < time("earlier", "end_ns"), "{first}");
}

#[test]
fn a_lock_that_locks_nothing_is_caught() {
    is_caught("no-lock", &["duration=500ms"], "(inside)");
}

#[test]
fn a_renewal_that_is_never_made_is_caught() {
    is_caught("no-renew", &["duration=1s"], "(inside)");
}

#[test]
fn a_refusal_taken_for_a_grant_is_caught() {
    is_caught("swallow-error", &["duration=500ms"], "(inside)");
}

#[test]
fn two_clients_that_are_one_to_the_lock_are_caught() {
    is_caught("shared-identity", &["duration=500ms"], "(inside)");
}

#[test]
fn a_writer_beside_readers_and_one_permit_too_many_are_caught() {
    is_caught("overlooks-readers", &["duration=500ms"], "(inside)");
    is_caught("one-too-many", &["duration=500ms"], "(inside)");
}

#[test]
fn a_stale_lock_file_that_two_clients_remove_is_caught() {
    is_caught("lockfile", &["duration=3s"], "(inside)");
}

#[test]
fn a_release_of_somebody_elses_lock_is_caught() {
    is_caught("wrong-release", &["duration=1s"], "(inside)");
}

#[test]
fn what_the_server_admits_to_two_holders_is_not_excused_by_an_expectation() {
    // Two clients, of which one is away for longer than the other holds: nobody is let in
    // within a living lease, so that what gives the wrong release away is what it confirms.
    let sets =
        ["clients=2", "hold=600ms", "ttl=400ms", "think=2s", "duration=4s", "expect=[\"outside\", \"withdrawn\"]"];
    let run = |backend: &str, code: i32| {
        let place = Place::new();
        let workload = Place::shipped("controls/wrong-release.toml");
        let mut arguments = vec!["run", workload.as_str(), "-b", backend];
        sets.iter().for_each(|set| arguments.extend(["--set", set]));
        let ran = place.run(&arguments).exits(code);
        let report = place.report();
        (ran.out.clone(), report["results"][0]["safety"].clone())
    };
    let (told, safety) = run("control:wrong-release", 100);
    assert_eq!((&safety["inside"], &safety["withdrawn"]), (&0.into(), &0.into()), "{safety}");
    assert!(safety["outside_admitted"].as_u64().unwrap() > 0, "{safety}");
    assert_eq!(safety["outside_admitted"], safety["policies"]["evidence"], "{safety}");
    assert!(told.contains("admitted by the server itself") && told.contains("excuses no double grant"), "{told}");
    let violations = safety["violations"].as_array().unwrap();
    assert!(violations.iter().any(|one| one["admitted"] == true && one["kind"] == "outside"), "{safety}");
    // The same with a lock that looks whose it is.
    let (_, safety) = run("memory", 0);
    assert_eq!(safety["policies"]["evidence"], 0, "{safety}");
}

#[test]
fn the_correct_lock_passes_where_each_control_fails() {
    // Those that would queue for many long holds give up earlier.
    for (name, sets) in [
        ("no-lock", &["duration=500ms"][..]),
        ("no-renew", &["duration=1s", "acquire.timeout=500ms"]),
        ("swallow-error", &["duration=500ms"]),
        ("shared-identity", &["duration=500ms"]),
        ("overlooks-readers", &["duration=500ms"]),
        ("one-too-many", &["duration=500ms"]),
        ("wrong-release", &["duration=1s", "acquire.timeout=2s"]),
        ("lockfile", &["duration=1s", "acquire.timeout=2s"]),
    ] {
        let place = Place::new();
        let workload = Place::shipped(&format!("controls/{name}.toml"));
        let mut arguments = vec!["run", workload.as_str(), "-b", "memory"];
        sets.iter().for_each(|set| arguments.extend(["--set", set]));
        place.run(&arguments).exits(0);
        assert_eq!(place.report()["results"][0]["safety"]["inside"], 0, "{name}");
    }
}

#[test]
fn a_control_that_a_workload_cannot_expose_is_inconclusive_and_says_so() {
    let place = Place::new();
    let workload = Place::shipped("hot-key.toml");
    let ran = place
        .run(&["run", &workload, "-b", "control:no-renew", "--set", "duration=300ms", "--set", "warmup=0s"])
        .exits(97);
    ran.tells(&["verdict: exit 97", "control:no-renew", "not caught", "workloads/controls"]);
}

#[test]
fn a_caught_control_outweighs_one_that_was_not() {
    let place = Place::new();
    let workload = Place::shipped("hot-key.toml");
    let backends = "memory,control:no-renew,control:no-lock";
    let ran =
        place.run(&["run", &workload, "-b", backends, "--set", "duration=300ms", "--set", "warmup=0s"]).exits(100);
    ran.tells(&["control:no-renew trial 1: a negative control was not caught", "control:no-lock trial 1: "]);
    assert_eq!(place.report()["results"].as_array().unwrap().len(), 3);
}
