//! Locks that readers share, and semaphores.

use serde_json::Value;

use crate::support::cli::Place;

fn run(workload: &str, backend: &str, exit: i32) -> (Place, Value) {
    let place = Place::new();
    let workload = Place::shipped(workload);
    let short = ["--set", "warmup=0s", "--set", "duration=1s", "--run-id", "one"];
    place.run(&[&["run", &workload, "-b", backend], &short[..]].concat()).exits(exit);
    let result = place.report()["results"][0].clone();
    place.run(&["verify", "one"]).exits(exit).tells(&["agrees on all"]);
    (place, result)
}

#[test]
fn readers_hold_a_lock_together_and_writers_alone() {
    let (place, result) = run("read-mostly.toml", "memory", 0);
    let modes = &result["modes"];
    assert!(modes["most_at_once"].as_u64().unwrap() > 1, "{modes}");
    let grants = |mode: &str| modes[mode]["grants"].as_u64().unwrap();
    assert!(grants("reads") > 2 * grants("writes") && grants("writes") > 0, "{modes}");
    assert_eq!(result["safety"]["verdict"], "valid", "{}", result["safety"]);
    // Who only reads undoes nothing.
    assert_eq!(result["safety"]["harm"]["lost_updates"].as_u64().unwrap_or(0), 0, "{}", result["safety"]);
    place.run(&["show", "one", "--full"]).tells(&["Readers and writers, or permits", "write"]);
}

#[test]
fn a_semaphore_gives_as_many_permits_as_it_has() {
    let (place, result) = run("resource-pool.toml", "memory", 0);
    assert_eq!(result["modes"]["most_at_once"], 8, "{}", result["modes"]);
    assert_eq!(result["safety"]["double_grants_certain"], 0);
    place.run(&["show", "one", "--full"]).tells(&["permit"]);
}

#[test]
fn clients_of_worker_processes_share_them_too() {
    let place = Place::new();
    let workload = Place::shipped("resource-pool.toml");
    let short = ["--set", "warmup=0s", "--set", "duration=1s", "--set", "processes=3", "--set", "clients=12"];
    place.run(&[&["run", &workload, "-b", "memory,control:one-too-many"], &short[..]].concat()).exits(100);
    let report = place.report();
    let of = |name: &str| report["results"].as_array().unwrap().iter().find(|one| one["backend"] == name).unwrap();
    let (sound, broken) = (of("memory"), of("control:one-too-many"));
    let most = |result: &Value| result["modes"]["most_at_once"].as_u64().unwrap();
    assert_eq!((most(sound), most(broken)), (8, 9));
    assert_eq!(sound["safety"]["double_grants_certain"], 0, "{}", sound["safety"]);
    let first = &broken["safety"]["violations"][0];
    assert_eq!(
        (&first["later"]["mode"], &first["missing"]),
        (&"permits:8".into(), &"several-holders".into()),
        "{first}"
    );
    assert!(first["story"].as_str().unwrap().contains("held one of its 8 permits"), "{first}");
}

#[test]
fn a_system_that_does_not_offer_them_is_refused_by_name() {
    let place = Place::new();
    for (workload, what) in [("read-mostly.toml", "locks that readers share"), ("resource-pool.toml", "semaphores")] {
        let workload = Place::shipped(workload);
        for command in ["run", "check"] {
            let told = format!("redlock does not offer {what}");
            place.run(&[command, &workload, "-b", "memory,redlock"]).exits(2).complains(&[&told, "access"]);
        }
    }
    // Of those that are meant where none is named, they are left out.
    place.file("w.toml", "clients = 4\naccess = { kind = \"permits\", count = 2 }\n");
    place.run(&["check", "w.toml"]).exits(0).tells(&["zookeeper"]);
}
