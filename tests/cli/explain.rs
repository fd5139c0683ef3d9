//! `explain` as a person runs it.

use std::fs;

use crate::support::cli::Place;

#[test]
fn a_double_grant_is_told_explained_and_drawn() {
    let place = Place::new();
    let workload = Place::shipped("controls/wrong-release.toml");
    place.run(&["run", &workload, "--run-id", "r", "--set", "duration=2s"]).exits(100);
    let kept = place.report()["results"][0]["safety"]["violations"].as_array().unwrap().clone();
    let number = |kind: &str| kept.iter().position(|one| one["kind"] == kind).unwrap() + 1;

    let outside = place.run(&["explain", "r", &number("outside").to_string()]).exits(0).tells(&[
        "control:wrong-release trial 1, outside a lease",
        "worked on.",
        "would have\n  prevented it",
        "a resource that checks tokens refuses client",
    ]);
    assert!(outside.out.contains(kept[number("outside") - 1]["story"].as_str().unwrap()), "{}", outside.out);
    let inside = place.run(&["explain", "r", &number("inside").to_string()]).exits(0).tells(&[
        "inside a lease",
        "the service's fault",
        "it had not come yet",
    ]);
    for text in [&outside.out, &inside.out] {
        let lanes: Vec<&str> = text.lines().filter(|line| line.starts_with("client ")).collect();
        assert!(lanes.len() >= 2 && lanes.iter().filter(|lane| lane.contains('#')).count() >= 2, "{text}");
        assert!(lanes.iter().any(|lane| lane.contains('[')) && text.contains("\nat once "), "{text}");
        let drawing =
            text.lines().skip_while(|line| !line.contains("--+")).take_while(|line| !line.starts_with("pict"));
        assert!(drawing.clone().count() > 5 && drawing.map(str::len).max().unwrap() <= 100, "{text}");
    }
    let name = format!("violation-{}.svg", number("outside"));
    outside.tells(&[&format!("picture: {name}")]);
    let svg = fs::read_to_string(place.path().join(name)).unwrap();
    assert!(svg.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\"") && svg.trim_end().ends_with("</svg>"));
    place.run(&["explain", "r", "1", "--svg", "elsewhere.svg"]).exits(0).tells(&["picture: elsewhere.svg"]);
    assert!(place.path().join("elsewhere.svg").exists());
}

#[test]
fn a_number_that_is_none_says_which_there_are() {
    let place = Place::new();
    let workload = Place::shipped("controls/no-lock.toml");
    place.run(&["run", &workload, "--run-id", "r", "--set", "duration=300ms"]).exits(100);
    for number in ["0", "101"] {
        let ran = place.run(&["explain", "r", number]).exits(2).in_one_message();
        ran.complains(&[&format!("there is no double grant {number}: of "), "numbered 1 to 100"]);
    }
    place.run(&["explain", "r", "x"]).exits(2);
    let ran = place.run(&["explain", "r", "1", "--svg", "no/such/place.svg"]).exits(1);
    // The story is told all the same.
    ran.tells(&["double grant 1 of 100"]).complains(&["cannot write no/such/place.svg", "--svg names another"]);
}

#[test]
fn a_run_without_double_grants_has_nothing_to_explain() {
    let place = Place::new();
    place.file("plan.toml", "clients = 2\nbackends = [\"memory\"]\nwarmup = \"0s\"\nduration = \"100ms\"\n");
    place.run(&["run", "plan.toml", "--run-id", "r"]).exits(0);
    place.run(&["explain", "r", "1"]).exits(2).complains(&["this run has none"]).in_one_message();
    place.run(&["explain", "nothing", "1"]).exits(2).complains(&["there is no run nothing"]).in_one_message();
}
