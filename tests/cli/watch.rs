//! `lockbench watch` without a terminal: a stored run in lines, a run under way followed
//! to its end, and what cannot be watched.

use std::fs;
use std::time::{Duration, Instant};

use crate::support::cli::{Place, Ran, Running};
use lockbench::clock::Clock;
use lockbench::report::live::{Followed, Follower, Player, Subscriber, Tempo, feed};
use lockbench::report::{RecordedRun, Report, Writer, writer};
use lockbench::tui::app::App;
use lockbench::tui::controls::{Controls, Paused, Saved};
use lockbench::tui::state::State;
use lockbench::tui::theme::Theme;
use lockbench::tui::user_view::UserView;
use rustix::process::Signal;
use serde_json::Value;

/// A run of a lock that locks and of one that does not, twice each.
fn two_systems() -> Place {
    let place = Place::new();
    let text = "clients = 4\nhold = \"1ms\"\nttl = \"4s\"\ntrials = 2\nwarmup = \"100ms\"\nduration = \"300ms\"\n\
                backends = [\"memory\", \"control:no-lock\"]\n";
    place.file("both.toml", text);
    place.run(&["run", "both.toml", "--run-id", "both"]).exits(100);
    place
}

/// Lines that begin or end a trial, of so many.
fn trials(ran: &Ran, of: usize) -> (Vec<&str>, Vec<&str>) {
    let begins = ran.out.lines().filter(|line| line.starts_with('[') && line.contains(&format!("/{of}] "))).collect();
    let ends = ran.out.lines().filter(|line| line.starts_with("      ") && line.contains(", trial ")).collect();
    (begins, ends)
}

#[test]
fn a_stored_run_is_told_in_lines_and_ends_with_what_show_prints() {
    let place = two_systems();
    let ran = place.run(&["watch", "both"]).exits(0);
    let (begins, ends) = trials(&ran, 4);
    assert_eq!((begins.len(), ends.len()), (4, 4), "{}", ran.out);
    for (i, result) in place.report()["results"].as_array().unwrap().iter().enumerate() {
        let name = format!("{}, trial {}", result["backend"].as_str().unwrap(), result["trial"]);
        assert!(begins[i].ends_with(&name) && ends[i].contains(&name), "{name}: {begins:?} {ends:?}");
        let doubles = result["safety"]["double_grants_certain"].as_u64().unwrap();
        assert_eq!(ends[i].contains("VIOLATED"), doubles > 0, "{}", ends[i]);
    }
    assert!(ran.out.contains("      double grant: "), "{}", ran.out);
    let shown = place.run(&["show", "both"]).exits(0).out;
    assert!(ran.out.ends_with(&format!("\n{shown}")), "{}", ran.out);
    // Watching is not judging, and leaves everything as it was.
    assert_eq!(place.entries(), ["both"]);
    assert!(ran.err.contains("the time between its trials is left out"), "{}", ran.err);
    place.run(&["watch", "results/both"]).exits(0);
}

#[test]
fn a_replay_takes_the_time_that_was_asked_for() {
    let place = Place::new();
    place.file("one.toml", "clients = 2\nwarmup = \"0s\"\nduration = \"1s\"\nbackends = [\"memory\"]\n");
    place.run(&["run", "one.toml", "--run-id", "one"]).exits(0);
    let took = |arguments: &[&str]| {
        let begin = Instant::now();
        place.run(arguments).exits(0);
        begin.elapsed()
    };
    // No more than a lower bound: a machine may be busy.
    assert!(took(&["watch", "one", "--speed", "0.5x"]) >= Duration::from_millis(1_900));
    assert!(took(&["watch", "one", "--speed", "1"]) >= Duration::from_millis(900));
    place.run(&["watch", "one", "--speed", "1000x"]).exits(0);
}

#[test]
fn a_speed_that_is_none_is_answered_with_an_example() {
    let place = Place::new();
    for speed in ["0", "fast", "-1x", "1001x", "0.001x", "x"] {
        let ran = place.run(&["watch", "any", &format!("--speed={speed}")]).exits(2).in_one_message();
        ran.complains(&[&format!("--speed {speed} is no speed"), "0.01 to 1000", "--speed 10x"]);
    }
    place.run(&["watch", "--help"]).exits(0).tells(&["--speed", "does not judge", "lockbench verify"]);
}

#[test]
fn what_is_no_run_is_refused_as_show_refuses_it() {
    let place = two_systems();
    let results = place.results();
    let text = fs::read_to_string(results.join("both/report.json")).unwrap();
    for (id, text) in [
        ("newer", text.replace("\"schema_version\": 3", "\"schema_version\": 99")),
        ("half", text[..text.len() / 2].to_owned()),
        ("other", text.replace("\"name\": \"lockbench\"", "\"name\": \"other\"")),
        ("bare", text.clone()),
    ] {
        fs::create_dir(results.join(id)).unwrap();
        fs::write(results.join(id).join("report.json"), text).unwrap();
    }
    fs::create_dir(results.join("foreign")).unwrap();
    // Killed before it wrote a history: there is a plan, and nothing to tell.
    fs::create_dir(results.join(".killed.partial")).unwrap();
    fs::write(results.join(".killed.partial/plan.toml"), "clients = 2\n").unwrap();
    for id in ["none", "newer", "half", "other", "foreign", "killed"] {
        let (shown, watched) = (place.run(&["show", id]), place.run(&["watch", id]));
        assert!(shown.code != 0 && shown.code == watched.code && shown.err == watched.err, "{id}: {}", watched.err);
        watched.in_one_message();
    }
    // Its report can be shown; what was measured is missing, and so it cannot be played.
    place.run(&["watch", "bare"]).exits(1).in_one_message().complains(&["measured.json.gz is damaged", "missing"]);
}

#[test]
fn a_run_without_a_history_and_a_bounded_one_are_played_from_their_seconds() {
    let place = Place::new();
    let text = "clients = 4\nwarmup = \"0s\"\nduration = \"1200ms\"\nbackends = [\"memory\"]\n";
    for (id, history) in [("off", "history=off"), ("cut", "history={ kind = \"window\", attempts = 50 }")] {
        place.file("one.toml", text);
        place.run(&["run", "one.toml", "--run-id", id, "--set", history]).exits(0);
        let ran = place.run(&["watch", id]).exits(0).tells(&["[1/1] memory, trial 1", "verdict: pass"]);
        let why = if id == "off" { "no history was kept" } else { "its history was bounded" };
        ran.complains(&[why]);
    }
}

#[test]
fn a_history_that_is_damaged_is_told_and_the_rest_shown() {
    let place = two_systems();
    fs::write(place.results().join("both/history.jsonl.gz"), "no history at all").unwrap();
    // A run without violations is opened without a look at its history.
    let json = fs::read_to_string(place.results().join("both/report.json")).unwrap();
    let mut report: Value = serde_json::from_str(&json).unwrap();
    for result in report["results"].as_array_mut().unwrap() {
        result["safety"]["violations"] = Value::Array(Vec::new());
    }
    fs::write(place.results().join("both/report.json"), report.to_string()).unwrap();
    let ran = place.run(&["watch", "both"]).exits(1);
    let ran = ran.complains(&["history.jsonl.gz", "only what was measured is told"]);
    assert_eq!(trials(&ran, 4).1.len(), 4, "{}", ran.out);
}

/// Waits until the run in this place can be watched.
fn under_way(place: &Place, id: &str) {
    let partial = place.results().join(format!(".{id}.partial"));
    let begin = Instant::now();
    while writer(&partial) != Writer::Alive {
        assert!(begin.elapsed() < Duration::from_secs(20), "no run is under way");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_run_under_way_is_followed_to_its_end_and_has_the_figures_of_its_report() {
    let place = Place::new();
    let text = "clients = 4\nhold = \"1ms\"\ntrials = 2\nwarmup = \"200ms\"\nduration = \"2500ms\"\n\
                backends = [\"memory\"]\n";
    place.file("w.toml", text);
    let run = Running::start(&mut place.command(&["run", "w.toml", "--run-id", "live"]));
    under_way(&place, "live");
    let refused = place.run(&["watch", "live", "--speed", "10x"]).exits(2).in_one_message();
    refused.complains(&["still under way", "no --speed"]);
    let watched = place.run(&["watch", "live"]).exits(0);
    run.finish(Duration::from_secs(30)).exits(0);
    let (begins, ends) = trials(&watched, 2);
    assert_eq!(begins, ["[1/2] memory, trial 1", "[2/2] memory, trial 2"], "{}", watched.out);
    assert!(ends.len() >= 2 && ends[0].contains("memory, trial 1"), "{ends:?}");
    // It was told when it was over, not when the run was.
    let place_of = |text: &str| watched.out.find(text).unwrap();
    assert!(place_of("memory, trial 1: ") < place_of("[2/2]"), "{}", watched.out);
    assert!(watched.out.ends_with(&format!("\n{}", place.run(&["show", "live"]).exits(0).out)), "{}", watched.out);
    // The last word on each trial is that of the report, and what the history told was the same.
    let again = place.run(&["watch", "live"]).exits(0);
    for end in trials(&again, 2).1 {
        assert!(ends.contains(&end), "{end} is not in {ends:?}");
    }
    assert_eq!(ends.len(), 2, "the history told other figures than the report: {ends:?}");
}

#[test]
fn a_run_that_is_killed_while_it_is_followed_is_told_as_far_as_its_history_goes() {
    let place = Place::new();
    place.file("w.toml", "clients = 2\nhold = \"1ms\"\nwarmup = \"0s\"\nduration = \"60s\"\nbackends = [\"memory\"]\n");
    let mut run = Running::start(&mut place.command(&["run", "w.toml", "--run-id", "killed"]));
    run.until("[1/1] memory");
    let watcher = Running::start(&mut place.command(&["watch", "killed"]));
    std::thread::sleep(Duration::from_millis(2_500));
    run.signal(Signal::KILL);
    let watched = watcher.finish(Duration::from_secs(20)).exits(0);
    let watched = watched.complains(&["the process that wrote this run is gone"]);
    watched.tells(&["[1/1] memory, trial 1", "verdict: exit 97", "files: results/.killed.partial"]);
    // Afterwards it is played as any other.
    place.run(&["watch", "killed"]).exits(0).tells(&["[1/1] memory, trial 1", "verdict: exit 97"]);
    assert!(!place.results().join(".killed.partial/report.json").exists(), "nothing is written into it");
}

/// Controls that nobody uses.
struct Hands;

impl Controls for Hands {
    fn pause(&self, _paused: bool) {}
    fn paused(&self) -> Paused {
        Paused::No
    }
    fn mark(&self) -> Result<(), String> {
        Ok(())
    }
    fn finish(&self) {}
    fn abort(&self) {}
    fn leaving(&self) -> bool {
        false
    }
    fn look_at_servers(&self, _wanted: bool) {}
    fn set_speed(&self, _speed: f64) {}
    fn save(&self, _files: &[Saved]) -> Result<String, String> {
        Ok(String::new())
    }
    fn suspend(&self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Shows everything that comes to the terminal UI; what it knows in the end.
fn shown(app: &mut App<'_>, mut updates: Subscriber) -> State {
    while !app.over(false) {
        app.take(&mut updates);
        std::thread::sleep(Duration::from_millis(5));
    }
    app.shown().clone()
}

/// What the screens show of each system is the last trial's entry of the report.
fn is_the_report(state: &State, report: &Report) {
    let json = |value: &Report| serde_json::to_value(value).unwrap();
    assert_eq!(json(state.over.as_ref().unwrap()), json(report));
    assert!(!state.systems.is_empty());
    for system in &state.systems {
        let mut of = report.results.iter().filter(|result| result.backend == system.name);
        let last = of.next_back().unwrap();
        let shown = system.result.as_ref().unwrap();
        assert_eq!(serde_json::to_value(shown).unwrap(), serde_json::to_value(last).unwrap());
        let doubles: u64 = of.chain([last]).map(|result| result.safety.double_grants_certain).sum();
        assert_eq!(system.double_grants(), doubles, "{}", system.name);
        let facts = system.facts.as_ref().unwrap();
        assert_eq!(facts.facts.version, last.server_version);
    }
}

#[test]
fn what_the_screens_show_at_the_end_of_a_replay_is_the_report() {
    let place = two_systems();
    let directory = place.only_run();
    let run = RecordedRun::open(&directory).unwrap();
    let (publisher, updates) = feed();
    let player = Player::start(run.clone(), directory, Tempo::new(100.0), publisher).unwrap();
    let state = shown(&mut App::new(UserView::new(Theme::default(), false), &Hands, Clock::monotonic()), updates);
    player.finish().unwrap();
    is_the_report(&state, &run.report);
}

#[test]
fn what_the_screens_show_at_the_end_of_a_run_that_was_followed_is_its_report() {
    let place = Place::new();
    let text = "clients = 3\nhold = \"1ms\"\ntrials = 2\nwarmup = \"100ms\"\nduration = \"1s\"\n\
                backends = [\"memory\", \"control:no-lock\"]\n";
    place.file("w.toml", text);
    let run = Running::start(&mut place.command(&["run", "w.toml", "--run-id", "live"]));
    under_way(&place, "live");
    let (publisher, updates) = feed();
    let partial = place.results().join(".live.partial");
    let follower = Follower::start(partial, |_| None, Tempo::new(1.0), publisher).unwrap();
    let state = shown(&mut App::new(UserView::new(Theme::default(), false), &Hands, Clock::monotonic()), updates);
    run.finish(Duration::from_secs(30)).exits(100);
    let complete = place.results().join("live");
    assert_eq!(follower.finish().unwrap(), Followed::Reported(complete.clone()));
    is_the_report(&state, &RecordedRun::open(&complete).unwrap().report);
}

#[test]
fn whoever_follows_a_run_can_leave_at_once_and_the_run_goes_on() {
    let place = Place::new();
    place.file("w.toml", "clients = 2\nhold = \"1ms\"\nwarmup = \"0s\"\nduration = \"3s\"\nbackends = [\"memory\"]\n");
    let run = Running::start(&mut place.command(&["run", "w.toml", "--run-id", "live"]));
    under_way(&place, "live");
    let (publisher, _updates) = feed();
    let tempo = Tempo::new(1.0);
    let partial = place.results().join(".live.partial");
    let follower = Follower::start(partial, |_| None, tempo.clone(), publisher).unwrap();
    tempo.stop();
    assert_eq!(follower.finish().unwrap(), Followed::Left);
    assert_eq!(place.entries(), [".live.partial"]);
    run.finish(Duration::from_secs(30)).exits(0);
}
