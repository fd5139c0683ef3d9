//! For tests, of this crate and of those above: a run made by hand, stored as a run stores it.
#![allow(clippy::unwrap_used, missing_docs, clippy::missing_panics_doc)]

use super::pace::{BEAT_NS, Wall};
use super::scripted::Scripted;
use crate::fixture::report;
use crate::live::{LiveTrial, Snapshot};
use crate::{Measured, Measurements, RecordedRun, Resources, TrialResult, UNPROMISED, history_path, result};
use lockbench_core::lock::Facts;
use lockbench_core::oracle::{JudgedHistory, Oracle};
use lockbench_core::record::figures::{Figures, Schedule};
use lockbench_core::record::history::{Header, HistoryFile, TrialHistory};
use lockbench_core::record::{Denial, Event, Observer, ReleaseKind, TrialReport, What, WitnessReading};
use lockbench_core::units::{MILLISECOND as MS, SECOND};

/// Three clients of two locks that do not lock: 1 s of warm-up, 2 s of measuring, and a
/// drain.
pub(super) fn events(start: u64) -> Vec<Event> {
    let mut events = Vec::new();
    for client in 0..3_u32 {
        let mut t = start + u64::from(client) * 7 * MS + 1;
        for round in 0_u32.. {
            if t >= start + 3 * SECOND {
                break;
            }
            let key = (round + client) % 2;
            let mut at = |t: u64, what: What| events.push(Event { t, client, attempt: 0, key, what });
            at(t, What::Invoke { due: t - 1 });
            if round % 7 == 3 {
                at(t + 4 * MS, What::Denied { denial: Denial::TimedOut, surely_ended: 0, requests: 2, wakeups: 0 });
                t += 5 * MS;
                continue;
            }
            let granted = t + u64::from(1 + round % 3) * MS;
            let hold = u64::from(3 + (round * 5 + client) % 11) * MS;
            at(granted, What::Acquired { token: None, validity: u64::MAX, requests: 1, waited: None, wakeups: 0 });
            at(
                granted + hold,
                What::ReleaseInvoke { enter: granted, exit: granted + hold, seen: WitnessReading::default(), asked: 0 },
            );
            let released = What::Released { release: ReleaseKind::Confirmed, surely_ended: 0, requests: 1 };
            at(granted + hold + MS / 2, released);
            t = granted + hold + MS;
        }
    }
    events.sort_by_key(|event| (event.t, event.client));
    events
}

/// A run as it was stored, and what a watcher was told of it.
pub struct Stored {
    pub directory: tempfile::TempDir,
    pub run: RecordedRun,
    pub live: Vec<Snapshot>,
}

/// How much of the history is kept, of attempts; `None`: nothing.
pub type HistoryKept = Option<u64>;

pub fn stored(trials: u32, kept: HistoryKept) -> Stored {
    // The name of a partial run, so that one can be made of it.
    let directory = tempfile::Builder::new().prefix(".").suffix(".partial").tempdir().unwrap();
    let mut file = kept.map(|_| HistoryFile::create(&history_path(directory.path())).unwrap());
    let (mut results, mut measured, mut live) = (Vec::new(), Vec::new(), Vec::new());
    for trial in 1..=trials {
        let start = u64::from(trial) * 1_000 * SECOND;
        let history = file.as_mut().map(|file| (file, kept.unwrap()));
        let (result, measurements, snapshots) = watched(trial, start, history);
        results.push(result);
        measured.push(measurements);
        live.extend(snapshots);
    }
    file.into_iter().for_each(|file| file.finish().unwrap());
    let mut report = report(results);
    report.plan = serde_json::json!({ "name": "by-hand", "clients": 3, "trials": trials, "history": "full" });
    Stored { directory, run: RecordedRun { report, measured, scenes: Vec::new() }, live }
}

/// One trial, as `cli` runs it.
pub(super) fn watched(
    trial: u32,
    start: u64,
    history: Option<(&mut HistoryFile, u64)>,
) -> (TrialResult, Measurements, Vec<Snapshot>) {
    let schedule = Schedule::new(start, SECOND, 2 * SECOND);
    let (measure, end) = (start + SECOND, start + 3 * SECOND);
    let header = Header { backend: "no-lock".to_owned(), trial, clients: 3, keys: 2, start, measure, end };
    let oracle = Oracle::new(3, 2, start);
    let history = history.map(|(file, limit)| TrialHistory::begin(file, &header, limit, oracle.violations()));
    let judged = JudgedHistory::new(oracle, history);
    let figures = Figures::new(schedule.clone(), 3, 2);
    let mut live = LiveTrial::new(("no-lock", trial), schedule, figures, judged, true);
    let (mut snapshots, mut next, mut all, mut last) = (Vec::new(), start, 0, start);
    for event in events(start) {
        while event.t > next {
            snapshots.push(live.snapshot(next, false, None));
            next += BEAT_NS;
        }
        live.observe(&event);
        (all, last) = (all + 1, event.t);
    }
    snapshots.push(live.snapshot(last, false, None));
    let (mut figures, findings, recorded) = live.finish();
    let mut engine = TrialReport::default();
    engine.reader.events = all;
    let result = result(&Measured {
        backend: "no-lock",
        workload: "by-hand",
        trial,
        guarantees: &UNPROMISED,
        facts: &Facts::default(),
        origin: start,
        measured_ns: 2 * SECOND,
        figures: &figures,
        findings: &findings,
        engine: &engine,
        recorded,
        resources: Resources::default(),
        ttl_raised: false,
        workers: 1,
        clients: 1,
        section: Default::default(),
        access: Default::default(),
    });
    let measured = Measurements {
        backend: "no-lock".to_owned(),
        trial,
        start_ns: start,
        warmup_ns: SECOND,
        measured_ns: 2 * SECOND,
        clients: 3,
        keys: 2,
        marks: Vec::new(),
        counts: *figures.counts(),
        latencies: figures.latencies().clone(),
        windows: figures.series(),
        double_grants: findings.per_second.clone(),
        grants_of: figures.grants_per_client().to_vec(),
        longest_wait_of: figures.longest_waits().to_vec(),
    };
    (result, measured, snapshots)
}

/// Time that nobody waits for.
pub fn wall() -> impl Wall {
    Scripted::default()
}
