//! Scenarios as a person runs them, where no server is needed: the list, and the exit code of each outcome, on
//! `memory` and on locks that are broken on purpose.

use serde_json::Value;

use crate::support::cli::Place;

const LOAD: &str = "clients = 4\nhold = \"2ms\"\nttl = \"4s\"\nwarmup = \"0s\"\nduration = \"400ms\"\n";

/// A scenario that expects this of `memory` and of the control that locks nothing.
fn scenario(more: &str, memory: &str, no_lock: &str) -> String {
    format!(
        "{LOAD}{more}\n[scenario]\ntitle = \"A story.\"\nsource = \"this test\"\n\
         [[scenario.expected]]\nsystems = [\"memory\"]\n{memory}\nreason = \"r\"\nsource = \"s\"\n\
         [[scenario.expected]]\nsystems = [\"control:no-lock\"]\n{no_lock}\nreason = \"r\"\nsource = \"s\"\n"
    )
}

const SAFE: &str = "verdict = \"safe\"";
const INSIDE: &str = "verdict = \"double-grant\"\nkind = \"inside\"";
const OUTSIDE: &str = "verdict = \"double-grant\"\nkind = \"outside\"";

fn exit_of(text: &str, system: &str) -> (i32, Value) {
    let place = Place::new();
    place.file("story.toml", text);
    let ran = place.run(&["scenario", "run", "story.toml", "-b", system, "--json"]);
    let document: Value =
        serde_json::from_str(&ran.out).unwrap_or_else(|error| panic!("{error}: {}{}", ran.out, ran.err));
    (ran.code, document["cells"][0].clone())
}

#[test]
fn the_exit_code_says_whether_exactly_the_expected_was_seen() {
    for (memory, no_lock, system, code) in [
        (SAFE, INSIDE, "memory", 0),
        (SAFE, INSIDE, "control:no-lock", 0),
        // The expected violation is missing.
        (INSIDE, INSIDE, "memory", 99),
        ("verdict = \"stuck\"\nat_least = \"1s\"", INSIDE, "memory", 99),
        // Another one was seen.
        (SAFE, SAFE, "control:no-lock", 100),
        (SAFE, OUTSIDE, "control:no-lock", 100),
        ("verdict = \"not-offered\"", INSIDE, "memory", 0),
    ] {
        let (exit, cell) = exit_of(&scenario("", memory, no_lock), system);
        assert_eq!(exit, code, "{system}: {memory}, {no_lock}: {cell}");
        assert_eq!(cell["exit"], code, "{cell}");
    }
}

#[test]
fn the_run_keeps_its_true_verdict_and_the_expectation_in_its_plan() {
    let place = Place::new();
    place.file("story.toml", &scenario("", SAFE, INSIDE));
    let ran = place.run(&["scenario", "run", "story.toml", "-b", "control:no-lock"]).exits(0);
    let ran = ran.tells(&["double grant inside", "yes", "expected because r [s]"]);
    assert!(ran.err.contains("story on control:no-lock: expected double grant inside"), "{}", ran.err);
    let report = place.report();
    assert_eq!(report["verdict"]["exit_code"], 100);
    assert_eq!(report["plan"]["scenario"]["title"], "A story.");
    assert!(report["results"][0]["safety"]["double_grants_certain"].as_u64().unwrap() > 0);
}

#[test]
fn an_ordinary_run_takes_a_scenario_and_excuses_nothing() {
    let place = Place::new();
    place.file("story.toml", &scenario("", SAFE, INSIDE));
    place.run(&["run", "story.toml", "-b", "control:no-lock"]).exits(100);
    place.run(&["run", "story.toml", "-b", "memory"]).exits(0);
}

#[test]
fn a_condition_that_was_not_reached_is_inconclusive_and_never_safe() {
    // Without a fault nobody is hit.
    let (exit, cell) = exit_of(&scenario("sometimes = [\"contender-asked\"]", SAFE, INSIDE), "memory");
    assert_eq!(exit, 97, "{cell}");
    assert!(cell["because"].as_str().unwrap().contains("\"contender-asked\" of the plan was not reached"), "{cell}");
    assert_eq!((&cell["tone"], &cell["matches"]), (&"inconclusive".into(), &Value::Null));
}

#[test]
fn trials_are_counted_with_their_interval() {
    let place = Place::new();
    place.file("story.toml", &scenario("", SAFE, INSIDE));
    let ran = place.run(&["scenario", "run", "story.toml", "-b", "control:no-lock", "--trials", "2"]).exits(0);
    ran.tells(&["expected in 2 of 2 trials (34 to 100 %)"]);
}

#[test]
fn every_scenario_is_listed_with_its_story_and_its_systems() {
    let place = Place::new();
    let ran = place.run(&["scenario", "ls"]).exits(0);
    for entry in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/workloads/scenarios")).unwrap() {
        let name = entry.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned();
        assert!(ran.out.lines().any(|line| line == name), "{name} is not in:\n{}", ran.out);
    }
    let listed: Value = serde_json::from_str(&place.run(&["scenario", "ls", "--json"]).exits(0).out).unwrap();
    for told in listed["scenarios"].as_array().unwrap() {
        assert!(!told["title"].as_str().unwrap().is_empty() && !told["source"].as_str().unwrap().is_empty(), "{told}");
        assert!(!told["expected"].as_array().unwrap().is_empty(), "{told}");
    }
}

#[test]
fn what_is_no_scenario_is_refused_with_what_to_do() {
    let place = Place::new();
    place.file("w.toml", LOAD);
    place.file("story.toml", &scenario("", SAFE, INSIDE));
    let wrong = scenario("", SAFE, INSIDE).replacen("[\"memory\"]", "[\"memroy\"]", 1);
    place.file("wrong.toml", &wrong);
    for (arguments, said) in [
        (&["scenario", "run", "norml"][..], "norml is no scenario and no file; there are: normal"),
        (&["scenario", "run", "w.toml"], "it has no [scenario]"),
        (&["scenario", "run", "story.toml", "-b", "sqlite"], "expects nothing of sqlite: add a [[scenario.expected]]"),
        (&["scenario", "run", "wrong.toml"], "memroy"),
        (&["scenario", "matrix", "--scenarios", "nothing"], "nothing is no scenario"),
        (&["scenario", "run", "normal", "-b", "etcd", "--server", "etcd"], "write NAME=PATH"),
        (&["scenario", "run", "normal", "-b", "etcd", "--server", "ectd=/x"], "ectd"),
        (
            &["scenario", "run", "normal", "-b", "etcd", "--server", "redis=/bin/sh"],
            "/bin/sh does not give a version as redis does",
        ),
        (&["scenario", "run", "normal", "-b", "etcd", "--server", "etcd=/bin/sh"], "is another program, or cannot run"),
        (&["scenario", "run", "normal", "-b", "etcd", "--server", "etcd=/nowhere/etcd"], "there is no /nowhere/etcd"),
        (&["scenario", "run", "normal", "-b", "memory", "--server", "memory=/bin/sh"], "memory has no servers"),
    ] {
        place.run(arguments).exits(2).complains(&[said]);
    }
}

#[test]
fn a_matrix_is_drawn_and_its_finished_cells_are_kept() {
    let place = Place::new();
    place.file("story.toml", &scenario("", SAFE, INSIDE));
    let arguments = ["scenario", "matrix", "--scenarios", "story.toml", "-b", "memory,control:no-lock", "-o", "m"];
    let ran = place.run(&arguments).exits(0).tells(&["✓ safe", "✗ inside", "2 cells, 0 of them not as expected"]);
    assert!(ran.err.contains("2/2"), "{}", ran.err);
    for file in ["matrix.json", "matrix.svg", "matrix.png", "matrix.html", "matrix.txt"] {
        assert!(place.path().join("m").join(file).is_file(), "{file}");
    }
    let read =
        || -> Value { serde_json::from_slice(&std::fs::read(place.path().join("m/matrix.json")).unwrap()).unwrap() };
    let first = read();
    let run = first["rows"][0]["cells"][0]["run"].as_str().unwrap();
    assert!(place.path().join("m").join(run).join("report.html").is_file(), "{run}");
    // The same call runs nothing again.
    let again = place.run(&arguments).exits(0);
    assert!(again.err.contains("2 of 2 cells are there already"), "{}", again.err);
    assert_eq!(read(), first);
    // Another expectation is another cell.
    place.file("story.toml", &scenario("", INSIDE, INSIDE));
    place.run(&arguments).exits(99);
    assert_eq!(read()["rows"][0]["cells"][0]["matches"], false);
}

#[test]
fn what_is_expected_of_one_redis_is_not_expected_of_one_with_sentinels() {
    let place = Place::new();
    let run = ["scenario", "run", "restart-empty", "-b", "redis:sentinel"];
    place.run(&run).exits(2).complains(&["expects nothing of redis:sentinel"]);
}
