//! The files of a run that is over. A run that lacks any of them keeps the name of a partial one:
//! a full disk must not cost the measurements.

use std::fs;
use std::path::{Path, PathBuf};

use super::options::{RunError, Store};
use super::watcher::{Topic, Watcher};
use lockbench_core::record::LogLevel;
use lockbench_core::workload::plan::HistoryLimit;
use lockbench_core::workload::{Plan, to_toml};
use lockbench_report::{
    HISTORY, MEASURED, Measurements, PLAN, REPORT, RecordedRun, Report, json, write_file, write_measured,
};

/// A run on disk.
#[derive(Debug)]
pub struct Stored {
    /// The run directory, a partial one if something could not be written.
    pub place: PathBuf,
    /// The report as it was stored.
    pub report_json: Vec<u8>,
}

/// Writes every file and gives the run its name. What could not be written is in the verdict
/// afterwards. `unwritten`: why the history is not on disk, where it should be.
pub fn store(
    plan: &Plan,
    report: &mut Report,
    measured: &[Measurements],
    unwritten: Option<&str>,
    store: Store<'_>,
    watcher: &dyn Watcher,
) -> Result<Stored, RunError> {
    let partial = store.directory.path("");
    let mut report_json = json(report).map_err(RunError::Json)?;
    let problem = match write(plan, &report_json, measured, unwritten, store, watcher) {
        Ok(place) => return Ok(Stored { place, report_json }),
        Err(problem) => problem,
    };
    watcher.insist(&format!("lockbench: {problem}; what could be written is in {}", partial.display()));
    if unwritten != Some(problem.as_str()) {
        report.complete = false;
        report.verdict.unstored(problem);
        report_json = json(report).map_err(RunError::Json)?;
        replace(&partial, &report_json);
    }
    Ok(Stored { place: partial, report_json })
}

/// Writes the report again: a later reader must not take the run for one that passed.
fn replace(partial: &Path, report_json: &[u8]) {
    if write_file(partial, REPORT, report_json).is_err() {
        // On a full disk the former one makes room for itself; better none than one that says else.
        let _ = fs::remove_file(partial.join(REPORT));
        let _ = write_file(partial, REPORT, report_json);
    }
}

/// Writes the files; the first problem is returned. First what was measured, then what is drawn
/// from it, read back from the disk: so `lockbench report` gives the same bytes later.
fn write(
    plan: &Plan,
    report_json: &[u8],
    measured: &[Measurements],
    unwritten: Option<&str>,
    store: Store<'_>,
    watcher: &dyn Watcher,
) -> Result<PathBuf, String> {
    let Store { directory, draw, sync } = store;
    let mut problem = unwritten.map(str::to_owned);
    let mut write = |name: &str, bytes: Result<Vec<u8>, String>| {
        let written = bytes.and_then(|bytes| directory.write(name, &bytes).map_err(|error| error.to_string()));
        match written {
            Ok(()) => watcher.log(Topic::Files, LogLevel::Debug, &format!("written: {name}")),
            Err(error) => {
                watcher.log(Topic::Files, LogLevel::Warn, &format!("not written: {name}: {error}"));
                problem.get_or_insert(error);
            }
        }
    };
    write(PLAN, Ok(to_toml(plan).into_bytes()));
    write(MEASURED, write_measured(measured).map_err(|error| format!("{MEASURED}: {error}")));
    write(REPORT, Ok(report_json.to_vec()));
    match RecordedRun::open(&directory.path("")) {
        Ok(run) => draw(&run, &mut write),
        Err(error) => write(REPORT, Err(error.to_string())),
    }
    let kept = !matches!(plan.history, HistoryLimit::Off);
    if kept && problem.is_none() && !directory.path(HISTORY).is_file() {
        problem = Some(format!("{} was there and is gone: who removed it?", directory.path(HISTORY).display()));
    }
    // Last, so that a log tells of every other file.
    if let Err(error) = sync() {
        problem.get_or_insert(error);
    }
    match problem {
        None => directory.complete().map_err(|error| error.to_string()),
        Some(problem) => Err(problem),
    }
}
