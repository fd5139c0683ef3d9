//! Runs made by hand, stored as a run stores them, and played again.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::path::Path;

use super::by_hand::{events, stored, watched};
use super::scripted::Scripted;
use super::{BEAT_NS, Fold, Listener, Tempo, replay};
use crate::live::{KeyHold, LiveTrial, Origin, Snapshot, Update};
use crate::{HoldEnd, Measurements, RecordedRun, history_path, open_broken_off};
use lockbench_core::oracle::{JudgedHistory, Oracle};
use lockbench_core::record::Phase;
use lockbench_core::record::figures::{Figures, Schedule};
use lockbench_core::record::history::Header;
use lockbench_core::record::{Event, Observer, What};
use lockbench_core::units::{MILLISECOND as MS, SECOND};

/// A listener with all the time in the world.
#[derive(Default)]
struct Heard(Vec<Update>);

impl Listener for Heard {
    fn tell(&mut self, update: Update) {
        self.0.push(update);
    }

    fn wants_snapshot(&self) -> bool {
        true
    }
}

impl Heard {
    fn snapshots(&self) -> Vec<&Snapshot> {
        self.0.iter().filter_map(|update| if let Update::Live(live) = update { Some(&**live) } else { None }).collect()
    }

    /// The kinds of the updates, snapshots left out.
    fn kinds(&self) -> Vec<&'static str> {
        let kind = |update: &Update| match update {
            Update::Run(_) => "run",
            Update::Note(_) => "note",
            Update::Log(_) => "log",
            Update::System(_) => "system",
            Update::Skipped(_) => "skipped",
            Update::Trial(_) => "trial",
            Update::Live(_) => "live",
            Update::Ended(_) => "ended",
            Update::Servers(_) => "servers",
            Update::Over(_) => "over",
            Update::Rewound => "rewound",
        };
        self.0.iter().map(kind).filter(|kind| *kind != "live").collect()
    }

    fn notes(&self) -> String {
        let note = |update: &Update| if let Update::Note(text) = update { Some(text.clone()) } else { None };
        self.0.iter().filter_map(note).collect::<Vec<_>>().join("\n")
    }
}

/// Plays it at a speed; returns what was told, and how long that took.
fn played(run: &RecordedRun, directory: &Path, speed: f64) -> (Heard, u64) {
    let (wall, mut heard) = (Scripted::default(), Heard::default());
    replay(run, directory, &Tempo::new(speed), &wall, &mut heard).unwrap();
    (heard, wall.passed())
}

fn json(value: &impl serde::Serialize) -> serde_json::Value {
    serde_json::to_value(value).unwrap()
}

#[test]
fn every_snapshot_of_a_stored_run_is_the_one_that_was_shown_live() {
    let stored = stored(2, Some(u64::MAX));
    let (heard, took) = played(&stored.run, stored.directory.path(), 1.0);
    let replayed = heard.snapshots();
    assert_eq!(replayed.len(), stored.live.len());
    for (replayed, live) in replayed.iter().zip(&stored.live) {
        assert_eq!(json(replayed), json(live), "{} ns", live.elapsed_ns);
    }
    assert!(stored.live.iter().any(|live| !live.double_grants.is_empty() && !live.holds.is_empty()));
    // Each hold that ended is told once.
    let ended = |live: &Snapshot| live.holds.iter().filter(|hold| hold.hold.ended != HoldEnd::Open).copied().collect();
    let told: Vec<_> = stored.live.iter().flat_map(|live| -> Vec<KeyHold> { ended(live) }).collect();
    let each: BTreeSet<_> = told.iter().map(|hold| (hold.hold.client, hold.hold.start_ns)).collect();
    let granted: u64 = stored.run.measured.iter().map(|measured| measured.counts.grants_all).sum();
    assert_eq!((told.len(), each.len()), (granted as usize, granted as usize));
    // Two trials of a little more than three seconds; the time between them is left out.
    assert!((6 * SECOND..7 * SECOND).contains(&took), "{took}");
}

/// A trial that is paused in its warm-up and in its measure phase, and stopped before its
/// end, as the engine moves its phases; after each pause and stop a look.
#[test]
fn a_trial_that_was_paused_and_stopped_is_shown_as_it_was_then() {
    let start = 1_000 * SECOND;
    let at = |ms: u64| start + ms * MS;
    let (pauses, stop) = ([(at(400), at(700)), (at(1_500), at(2_400))], at(2_900));
    let schedule = Schedule::new(start, SECOND, 2 * SECOND);
    let (measure, end) = (schedule.measure(), schedule.end());
    let header = Header { backend: "no-lock".to_owned(), trial: 1, clients: 3, keys: 2, start, measure, end };
    let (_, measured, _) = watched(1, start, None);
    let measured = Measurements { warmup_ns: 1_300 * MS, measured_ns: 1_600 * MS, ..measured };
    let mut fold = Fold::new(header, Some(&measured));
    let figures = Figures::new(schedule.clone(), 3, 2);
    let judged = JudgedHistory::new(Oracle::new(3, 2, start), None);
    let mut live = LiveTrial::new(("no-lock", 1), schedule.clone(), figures, judged, true);
    let mut all = events(start);
    for (from, to) in pauses {
        all.push(Event { t: from, client: Event::NOBODY, attempt: 0, key: 0, what: What::PauseBegins });
        all.push(Event { t: to, client: Event::NOBODY, attempt: 0, key: 0, what: What::Paused { from } });
    }
    all.sort_by_key(|event| (event.t, event.client));
    let (mut pause, mut next, mut looks) = (None, start, Vec::new());
    for event in all {
        while event.t > next {
            if next >= stop {
                schedule.stop_at(stop);
            }
            let shown = live.snapshot(next, false, None);
            assert_eq!(json(&fold.snapshot(next - start)), json(&shown), "{} ms", shown.elapsed_ns / MS);
            let loaded = shown.loaded_ns / MS;
            looks.push((shown.elapsed_ns / MS, shown.paused, shown.warmup_ns / MS, shown.left_ns / MS, loaded));
            next += BEAT_NS;
        }
        match event.what {
            What::PauseBegins => pause = Some(schedule.pause(event.t)),
            What::Paused { .. } => schedule.resume(&pause.take().unwrap(), event.t),
            _ if event.t >= stop => schedule.stop_at(stop),
            _ => {}
        }
        live.observe(&event);
        fold.observe(&event);
    }
    for look in [
        (300, false, 1_000, 2_700, 0),
        (500, true, 1_100, 2_600, 0),
        (600, true, 1_200, 2_600, 0),
        (800, false, 1_300, 2_500, 0),
        (2_300, true, 1_300, 1_800, 200),
        (2_500, false, 1_300, 1_700, 300),
        (3_000, false, 1_300, 0, 700),
    ] {
        assert!(looks.contains(&look), "{look:?} is not in {looks:?}");
    }
}

/// A pause asked for before the trial, and one asked for in its drain.
#[test]
fn a_trial_that_begins_paused_is_all_to_come_and_one_that_drains_is_not_paused() {
    let schedule = Schedule::new(SECOND, SECOND, 2 * SECOND);
    let figures = Figures::new(schedule.clone(), 3, 2);
    let judged = JudgedHistory::new(Oracle::new(3, 2, SECOND), None);
    let mut live = LiveTrial::new(("no-lock", 1), schedule.clone(), figures, judged, true);
    let pause = schedule.pause(SECOND);
    let begun = Event { t: SECOND, client: Event::NOBODY, attempt: 0, key: 0, what: What::PauseBegins };
    live.observe(&begun);
    let first = live.snapshot(9 * SECOND, true, None);
    assert_eq!((first.warmup_ns, first.left_ns, first.paused), (9 * SECOND, 3 * SECOND, true));
    schedule.resume(&pause, 10 * SECOND);
    live.observe(&Event { t: 10 * SECOND, what: What::Paused { from: SECOND }, ..begun });
    let last = live.snapshot(14 * SECOND, true, None);
    assert_eq!((last.phase, last.left_ns, last.paused), (Phase::Drain, 0, false));
}

#[test]
fn the_end_of_a_replay_is_the_report() {
    let stored = stored(2, Some(u64::MAX));
    let (heard, _) = played(&stored.run, stored.directory.path(), 10.0);
    assert_eq!(heard.kinds(), ["run", "system", "note", "trial", "ended", "trial", "ended", "over"]);
    let Some(Update::Run(facts)) = heard.0.first() else { panic!() };
    assert_eq!((facts.origin, facts.clients, facts.trials), (Origin::Replayed { speed: 10.0 }, 3, 2));
    for result in &stored.run.report.results {
        let last = heard.snapshots().into_iter().rfind(|live| live.trial == result.trial).unwrap();
        assert_eq!(json(&last.latency), json(&result.latency));
        assert_eq!(last.judged.double_grants, result.safety.double_grants_certain);
        assert_eq!((last.counts.grants, last.counts.timed_out), (result.grants, result.timed_out));
        assert!(result.safety.double_grants_certain > 0 && last.detail_until_ns.is_none());
    }
    let Some(Update::Over(over)) = heard.0.last() else { panic!() };
    assert_eq!(json(over), json(&stored.run.report));
}

#[test]
fn a_faster_replay_takes_less_time_and_shows_less_between() {
    let stored = stored(1, Some(u64::MAX));
    let at = |speed| {
        let (heard, took) = played(&stored.run, stored.directory.path(), speed);
        (heard.snapshots().len(), took / MS)
    };
    assert_eq!(at(1.0), (32, 3_100));
    assert_eq!(at(10.0), (5, 400));
    assert_eq!(at(1_000.0), (2, 100));
}

#[test]
fn a_replay_that_nobody_wants_any_more_ends_without_a_report() {
    let stored = stored(1, Some(u64::MAX));
    let (wall, mut heard) = (Scripted::default(), Heard::default());
    wall.then(500 * MS, |tempo| tempo.pause(true));
    wall.then(9 * SECOND, Tempo::stop);
    replay(&stored.run, stored.directory.path(), &Tempo::new(1.0), &wall, &mut heard).unwrap();
    assert_eq!(wall.passed(), 9 * SECOND);
    assert_eq!(heard.kinds().last(), Some(&"trial"));
    assert_eq!(heard.snapshots().last().unwrap().elapsed_ns, 400 * MS);
}

#[test]
fn after_the_cut_of_a_history_the_seconds_go_on_and_the_rest_stands_still() {
    let stored = stored(1, Some(100));
    assert!(!stored.run.report.results[0].history.complete);
    let (heard, took) = played(&stored.run, stored.directory.path(), 1.0);
    let snapshots = heard.snapshots();
    let at_cut = snapshots.iter().position(|live| live.detail_until_ns.is_some()).unwrap();
    for (replayed, live) in snapshots[..at_cut].iter().zip(&stored.live) {
        assert_eq!(json(replayed), json(live));
    }
    let (cut, last) = (snapshots[at_cut], snapshots.last().unwrap());
    assert_eq!(cut.detail_until_ns, Some(cut.elapsed_ns));
    assert_eq!((last.detail_until_ns, last.counts), (cut.detail_until_ns, cut.counts));
    let seconds: Vec<_> = snapshots[at_cut + 1..].iter().flat_map(|live| &live.seconds).collect();
    let windows = &stored.run.measured[0].windows;
    let first = (cut.elapsed_ns / SECOND) as usize;
    assert_eq!(seconds.iter().map(|s| s.grants).collect::<Vec<_>>(), {
        windows[first..].iter().map(|window| window.grants).collect::<Vec<_>>()
    });
    let live = stored.live.last().unwrap();
    assert_eq!((last.judged.grants, last.judged.double_grants), (live.judged.grants, live.judged.double_grants));
    assert!(last.judged.grants > cut.judged.grants);
    assert!(heard.notes().contains("no-lock, trial 1: its history was bounded"), "{}", heard.notes());
    assert!(took >= 3 * SECOND);
}

#[test]
fn without_a_history_the_seconds_alone_are_played() {
    let stored = stored(2, None);
    let (heard, took) = played(&stored.run, stored.directory.path(), 1.0);
    let snapshots = heard.snapshots();
    let seconds = stored.run.measured[0].windows.len();
    assert_eq!(snapshots.len(), 2 * seconds);
    assert!(snapshots.iter().all(|live| live.detail_until_ns == Some(0) && live.seconds.len() == 1));
    let last = &snapshots[seconds - 1];
    assert_eq!(last.judged.grants, stored.live.iter().rfind(|live| live.trial == 1).unwrap().judged.grants);
    assert!(heard.notes().contains("no history was kept"));
    assert!(took >= 2 * seconds as u64 * SECOND);
    assert_eq!(heard.kinds().last(), Some(&"over"));
}

#[test]
fn without_what_was_measured_the_history_alone_is_played() {
    let mut stored = stored(1, Some(u64::MAX));
    stored.run.measured.clear();
    stored.run.report.schema_version = 1;
    let (heard, _) = played(&stored.run, stored.directory.path(), 1.0);
    assert_eq!(json(heard.snapshots().last().unwrap()), json(stored.live.last().unwrap()));
    // Version 1 did not mark where the holes of a bounded history begin.
    stored.run.report.results[0].history.complete = false;
    let (heard, _) = played(&stored.run, stored.directory.path(), 1.0);
    assert_eq!((heard.snapshots().len(), heard.kinds().last()), (0, Some(&"over")));
}

#[test]
fn a_history_that_makes_no_sense_is_told_and_costs_only_itself() {
    let stored = stored(2, Some(u64::MAX));
    std::fs::write(history_path(stored.directory.path()), "no history").unwrap();
    let (wall, mut heard) = (Scripted::default(), Heard::default());
    let failure = replay(&stored.run, stored.directory.path(), &Tempo::new(1.0), &wall, &mut heard).unwrap_err();
    assert!(heard.notes().contains(&failure.to_string()), "{}", heard.notes());
    assert!(heard.snapshots().iter().all(|live| live.detail_until_ns == Some(0)));
    assert_eq!(heard.kinds().last(), Some(&"over"));
}

#[test]
fn a_run_that_broke_off_is_played_as_far_as_its_history_goes() {
    let stored = stored(1, Some(u64::MAX));
    let path = history_path(stored.directory.path());
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(&path, &bytes[..bytes.len() * 2 / 3]).unwrap();
    std::fs::write(stored.directory.path().join("plan.toml"), "clients = 3\nname = \"by-hand\"\n").unwrap();
    let run = open_broken_off(stored.directory.path(), &|_| None).unwrap();
    let (heard, _) = played(&run, stored.directory.path(), 1.0);
    let last = heard.snapshots().into_iter().next_back().unwrap();
    assert!(last.elapsed_ns < 3 * SECOND && last.judged.grants > 0);
    assert_eq!(last.counts.grants, run.report.results[0].grants);
    assert!(heard.notes().contains("the run broke off"));
    let Some(Update::Over(over)) = heard.0.last() else { panic!() };
    assert!(!over.complete);
}

#[test]
fn a_trial_that_failed_before_it_began_is_told_in_its_place() {
    let mut stored = stored(2, Some(u64::MAX));
    let failed = crate::failed("redis", "by-hand", 1, "it died".to_owned());
    stored.run.report.results.insert(1, failed);
    let (heard, _) = played(&stored.run, stored.directory.path(), 1.0);
    let told: Vec<_> = heard
        .0
        .iter()
        .filter_map(|update| if let Update::Ended(end) = update { Some(end.result.backend.as_str()) } else { None })
        .collect();
    assert_eq!(told, ["no-lock", "redis", "no-lock"]);
    let places = heard.0.iter().filter_map(|update| if let Update::Trial(at) = update { Some(at.place) } else { None });
    assert_eq!(places.collect::<Vec<_>>(), [1, 2, 3]);
}

#[test]
fn who_goes_back_or_on_sees_what_was_there() {
    let stored = stored(2, Some(u64::MAX));
    let (whole, _) = played(&stored.run, stored.directory.path(), 1.0);
    let at = |heard: &[Update], trial: u32, ns: u64| {
        let found = heard.iter().rev().find_map(|update| match update {
            Update::Live(live) if live.trial == trial && live.elapsed_ns == ns => Some((**live).clone()),
            _ => None,
        });
        found.unwrap_or_else(|| panic!("trial {trial} at {ns} was not shown"))
    };
    let (wall, tempo, mut heard) = (Scripted::default(), Tempo::new(1.0), Heard::default());
    tempo.stay();
    // On into the second trial, back into the first one, and from its end to its start.
    let reached = stored.live.iter().rfind(|live| live.trial == 1).unwrap().elapsed_ns;
    wall.then(500 * MS, move |tempo| tempo.seek(reached + 2 * SECOND));
    wall.then(600 * MS, |tempo| tempo.seek(1_200 * MS));
    wall.then(650 * MS, |tempo| tempo.seek(9_999 * SECOND));
    wall.then(700 * MS, |tempo| tempo.seek(0));
    wall.then(800 * MS, |tempo| tempo.seek(9_999 * SECOND));
    wall.then(900 * MS, Tempo::stop);
    replay(&stored.run, stored.directory.path(), &tempo, &wall, &mut heard).unwrap();
    let rewound: Vec<usize> = (0..heard.0.len()).filter(|at| matches!(heard.0[*at], Update::Rewound)).collect();
    assert_eq!(rewound.len(), 2, "{:?}", heard.kinds());
    let parts = [&heard.0[..rewound[0]], &heard.0[rewound[0]..rewound[1]], &heard.0[rewound[1]..]];
    for (part, trial, ns) in [(parts[0], 2, 2 * SECOND), (parts[1], 1, 1_200 * MS)] {
        let (there, then) = (at(part, trial, ns), at(&whole.0, trial, ns));
        assert_eq!((json(&there.counts), there.judged), (json(&then.counts), then.judged));
        assert_eq!(json(&there.latency), json(&then.latency));
    }
    let kinds = |part: &[Update]| part.iter().filter(|update| matches!(update, Update::Over(_))).count();
    assert_eq!([kinds(parts[0]), kinds(parts[1]), kinds(parts[2])], [0, 1, 1]);
}
