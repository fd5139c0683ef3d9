//! A run that grows while it is followed, in time that passes only where somebody waits.
#![allow(clippy::unwrap_used)]

use std::cell::RefCell;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::place::Place;
use super::{Followed, follow_in};
use crate::fixture::{measured, report, trial};
use crate::live::player::scripted::Scripted;
use crate::live::{Listener, Snapshot, Tempo, Update};
use crate::{MEASURED, OpenError, PLAN, REPORT, Writer, history_path, write_measured};
use lockbench_core::units::{MILLISECOND as MS, SECOND};

/// A run directory and its writer's open history.
#[derive(Clone)]
struct Run {
    root: Rc<tempfile::TempDir>,
    history: Rc<RefCell<Option<GzEncoder<File>>>>,
}

impl Run {
    fn new() -> Self {
        let run = Self { root: Rc::new(tempfile::tempdir().unwrap()), history: Rc::default() };
        fs::create_dir(run.partial()).unwrap();
        fs::write(run.partial().join(PLAN), "").unwrap();
        run
    }

    fn partial(&self) -> PathBuf {
        self.root.path().join(".r.partial")
    }

    fn complete(&self) -> PathBuf {
        self.root.path().join("r")
    }

    fn plan(&self) {
        let text = "clients = 1\ntrials = 2\nwarmup = \"0s\"\nduration = \"1s\"\nbackends = [\"memory\"]\n";
        fs::write(self.partial().join(PLAN), text).unwrap();
    }

    /// Appends to the history and flushes it.
    fn writes(&self, text: &str) {
        let mut history = self.history.borrow_mut();
        let out = history.get_or_insert_with(|| {
            GzEncoder::new(File::create(history_path(&self.partial())).unwrap(), Compression::fast())
        });
        out.write_all(text.as_bytes()).unwrap();
        out.flush().unwrap();
    }

    /// Its end: the report, and its name.
    fn ends(&self) {
        let results = vec![trial("memory", 1), trial("memory", 2)];
        let all = [measured("memory", 1, &[1]), measured("memory", 2, &[1])];
        if let Some(history) = self.history.borrow_mut().take() {
            history.finish().unwrap();
        }
        fs::write(self.partial().join(MEASURED), write_measured(&all).unwrap()).unwrap();
        fs::write(self.partial().join(REPORT), serde_json::to_vec(&report(results)).unwrap()).unwrap();
        fs::rename(self.partial(), self.complete()).unwrap();
    }
}

fn header(trial: u32) -> String {
    let start = u64::from(trial) * 100 * SECOND;
    let end = start + SECOND;
    format!(
        "{{\"result\":{{\"backend\":\"memory\",\"trial\":{trial},\"clients\":1,\"keys\":1,\"start\":{start},\
         \"measure\":{start},\"end\":{end}}}}}\n"
    )
}

/// One cycle that begins so long after the start.
fn cycle(trial: u32, at_ms: u64) -> String {
    let t = u64::from(trial) * 100 * SECOND + at_ms * MS;
    let event = |t: u64, rest: &str| format!("{{\"t\":{t},\"c\":0,\"k\":0,{rest}}}\n");
    event(t, &format!("\"e\":\"invoke\",\"due\":{t}"))
        + &event(t + 1, "\"e\":\"acquired\",\"requests\":1")
        + &event(t + 2, &format!("\"e\":\"release_invoke\",\"enter\":{t},\"exit\":{t},\"occupancy\":1"))
        + &event(t + 3, "\"e\":\"released\",\"requests\":1")
}

/// As a file system without locks says it, until there is a mark.
fn untold(directory: &Path) -> Writer {
    if directory.join("dead").exists() { Writer::Gone } else { Writer::Unknown }
}

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

    fn notes(&self) -> Vec<&str> {
        self.0.iter().filter_map(|update| if let Update::Note(text) = update { Some(&**text) } else { None }).collect()
    }

    /// Trial and grants of each entry of a report that was told.
    fn ends(&self) -> Vec<(u32, u64)> {
        let end = |update: &Update| match update {
            Update::Ended(end) => Some((end.result.trial, end.result.grants)),
            _ => None,
        };
        self.0.iter().filter_map(end).collect()
    }

    fn over(&self) -> bool {
        matches!(self.0.last(), Some(Update::Over(_)))
    }
}

fn followed(run: &Run, wall: &Scripted) -> (Heard, Result<Followed, OpenError>) {
    let mut heard = Heard::default();
    let place = Place::of(&run.partial(), untold);
    let ended = follow_in(&place, &|_: &str| None, &Tempo::new(1.0), wall, &mut heard);
    (heard, ended)
}

/// What the writer does at an instant.
fn at(wall: &Scripted, ms: u64, run: &Run, deed: impl Fn(&Run) + 'static) {
    let run = run.clone();
    wall.then(ms * MS, move |_| deed(&run));
}

#[test]
fn a_run_is_shown_as_it_grows_and_told_as_its_report_has_it_at_the_end() {
    let (run, wall) = (Run::new(), Scripted::default());
    at(&wall, 200, &run, Run::plan);
    at(&wall, 1_000, &run, |run| run.writes(&(header(1) + &cycle(1, 10))));
    at(&wall, 2_000, &run, |run| run.writes(&(cycle(1, 500) + &cycle(1, 900))));
    at(&wall, 3_000, &run, |run| run.writes(&(header(2) + &cycle(2, 300) + "{\"t\":200")));
    // Half a line waits for its rest.
    at(&wall, 4_000, &run, |run| run.writes("900000000,\"c\":0,\"k\":0,\"e\":\"invoke\",\"due\":200900000000}\n"));
    at(&wall, 5_000, &run, Run::ends);
    let (heard, ended) = followed(&run, &wall);
    assert_eq!(ended.unwrap(), Followed::Reported(run.complete()));
    let mut shown: Vec<_> = heard.snapshots().iter().map(|s| (s.trial, s.elapsed_ns / MS, s.judged.grants)).collect();
    shown.dedup();
    assert_eq!(shown, [(1, 10, 1), (1, 900, 3), (2, 300, 1), (2, 900, 1)]);
    // The first trial by its history when it was over, then both by the report.
    assert_eq!(heard.ends(), [(1, 3), (1, 20_000), (2, 20_000)]);
    assert!(heard.over() && heard.notes().is_empty(), "{:?}", heard.notes());
    assert!(wall.passed() < 6 * SECOND);
}

#[test]
fn whoever_comes_late_catches_up_without_waiting() {
    let (run, wall) = (Run::new(), Scripted::default());
    run.plan();
    run.writes(&(header(1) + &(0..900).map(|ms| cycle(1, ms)).collect::<String>() + &header(2) + &cycle(2, 1)));
    run.ends();
    let (heard, ended) = followed(&run, &wall);
    assert_eq!((ended.unwrap(), wall.passed()), (Followed::Reported(run.complete()), 0));
    assert_eq!(heard.ends()[0], (1, 900));
    assert!(heard.over());
}

#[test]
fn a_bounded_history_stands_still_after_its_cut_and_says_so() {
    let (run, wall) = (Run::new(), Scripted::default());
    run.plan();
    let judged = "\"grants\":1,\"double_grants\":0,\"inside\":0,\"outside\":0,\"deadline\":0,\"evidence\":0,\
        \"overlaps_possible\":0,\"token_regressions\":0,\"token_inversions\":0,\"lost_updates\":0,\
        \"stale_writes_seen\":0,\"stale_writes_refused\":0";
    let cut = format!("{{\"cut\":{{\"t\":{},\"judged\":{{{judged}}}}}}}\n", 100 * SECOND + 500 * MS);
    run.writes(&(header(1) + &cycle(1, 10) + &cut));
    at(&wall, 1_000, &run, |run| run.writes(&(cycle(1, 800) + &header(2) + &cycle(2, 10))));
    at(&wall, 2_000, &run, Run::ends);
    let (heard, _) = followed(&run, &wall);
    let last = heard.snapshots().into_iter().rfind(|live| live.trial == 1).unwrap();
    assert_eq!((last.judged.grants, last.detail_until_ns), (1, Some(500 * MS)));
    assert!(heard.notes()[0].contains("memory, trial 1: its history is bounded: there is nothing more to follow"));
    // Of a trial that was not seen whole only the report tells the end.
    assert_eq!(heard.ends(), [(1, 20_000), (2, 20_000)]);
}

#[test]
fn silence_is_told_once_where_nobody_knows_of_the_writer_and_waited_out() {
    let (run, wall) = (Run::new(), Scripted::default());
    run.plan();
    run.writes(&(header(1) + &cycle(1, 10)));
    at(&wall, 60_000, &run, |run| run.writes(&cycle(1, 500)));
    at(&wall, 90_000, &run, Run::ends);
    let (heard, ended) = followed(&run, &wall);
    assert_eq!(ended.unwrap(), Followed::Reported(run.complete()));
    let told = "no new events for 10 s: the run may have been killed; q leaves";
    assert_eq!(heard.notes(), [told, told]);
}

#[test]
fn a_run_whose_writer_is_gone_is_told_by_its_history_and_one_without_a_directory_not_at_all() {
    let (run, wall) = (Run::new(), Scripted::default());
    run.plan();
    run.writes(&(header(1) + &cycle(1, 10)));
    at(&wall, 3_000, &run, |run| fs::write(run.partial().join("dead"), "").unwrap());
    let (heard, ended) = followed(&run, &wall);
    assert_eq!(ended.unwrap(), Followed::BrokenOff(run.partial()));
    assert_eq!((heard.ends(), heard.over()), (vec![(1, 1)], true));
    let (run, wall) = (Run::new(), Scripted::default());
    run.plan();
    at(&wall, 3_000, &run, |run| fs::remove_dir_all(run.partial()).unwrap());
    assert_eq!(followed(&run, &wall).1.unwrap(), Followed::GivenUp);
}

#[test]
fn a_run_is_left_at_any_time() {
    for ms in [50, 1_500, 30_000] {
        let (run, wall) = (Run::new(), Scripted::default());
        at(&wall, 40, &run, |_| ());
        wall.then(ms * MS, Tempo::stop);
        if ms > 50 {
            run.plan();
            run.writes(&(header(1) + &cycle(1, 10)));
        }
        assert_eq!(followed(&run, &wall).1.unwrap(), Followed::Left);
        assert_eq!(wall.passed(), ms * MS);
    }
}
