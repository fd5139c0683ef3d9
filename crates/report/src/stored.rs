//! A stored run, read back: what every output, and every command on a finished run,
//! works from. A run draws its own files from here too, so that drawing them again
//! later gives the same bytes.

use std::io;
use std::path::{Path, PathBuf};

use super::intake::sane;
use super::measured::{MEASURED, Measurements, read_measured};
use super::monitor::STATUS;
use super::outage::unserved_stretches;
use super::scene::{Scene, SceneFold};
use super::schema::{Report, SCHEMA_VERSION, TrialResult};
use lockbench_core::record::history::{HistoryError, HistoryReader, Line};
use lockbench_core::record::read_regular;

/// Name of the history file.
pub const HISTORY: &str = "history.jsonl.gz";

/// Name of the report.
pub const REPORT: &str = "report.json";

/// Name of the resolved plan.
pub const PLAN: &str = "plan.toml";

/// Name of the log.
pub const RUN_LOG: &str = "run.log";

/// What the directory of a sweep has in its place.
pub const SWEEP: &str = "sweep.json";

/// The files that only the run itself can write, with what they hold. Everything else
/// in a run directory is drawn from them, though nothing from the log.
pub static RAW_FILES: &[(&str, &str)] = &[
    (REPORT, "everything that was found, versioned; a figure that does not exist is `null` with its reason"),
    (PLAN, "the workload with every default written out; runs again as it is"),
    (MEASURED, "histograms, the series with a histogram per second, grants per client: what charts are drawn from"),
    (HISTORY, "every event of the first million attempts a result, and what surrounds violations"),
    (RUN_LOG, "what happened, line by line, as far as `--log` lets it through: servers, trials, warnings of libraries"),
];

/// Why a run cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// There is nothing of that name.
    #[error("there is no run {0}; `lockbench ls` lists what there is, -o DIR names another results directory")]
    Missing(String),
    /// It is something else.
    #[error("{path} is not from a run of lockbench: {problem}")]
    Foreign {
        /// The directory or file.
        path: String,
        /// What is wrong.
        problem: String,
    },
    /// It has no report yet, or never will.
    #[error(
        "{path} has no report.json: the run is still under way, or broke off (killed, out of memory); it kept no history either (history = \"off\"), so that nothing can be told of it"
    )]
    Unfinished {
        /// The directory.
        path: String,
    },
    /// It is a watch, not a run.
    #[error(
        "{path} is a run of `lockbench monitor`, which has no report. `lockbench show` prints how it stands; `lockbench explain` and `lockbench verify` read the rounds with a violation that it kept"
    )]
    Watch {
        /// The directory.
        path: String,
    },
    /// A newer lockbench wrote it.
    #[error(
        "{path} has schema version {found}, this lockbench reads up to {reads}: use the lockbench that wrote it, or a newer one"
    )]
    Newer {
        /// The file.
        path: String,
        /// Its version.
        found: u64,
        /// The newest that this program reads.
        reads: u32,
    },
    /// It is damaged.
    #[error("{path} is damaged: {problem}; copy the run again from where it was made")]
    Damaged {
        /// The file.
        path: String,
        /// What is wrong.
        problem: String,
    },
    /// The file system refused.
    #[error("cannot read {path}: {cause}")]
    Io {
        /// The file.
        path: String,
        /// The cause.
        cause: io::Error,
    },
}

/// A run in memory: the report and everything that is drawn from it.
#[derive(Clone, Debug)]
pub struct RecordedRun {
    /// `report.json`.
    pub report: Report,
    /// Histograms, series and clients, one entry a trial that ran.
    pub measured: Vec<Measurements>,
    /// The surroundings of the violations that are kept in full.
    pub scenes: Vec<Scene>,
}

impl RecordedRun {
    /// What was measured of a backend, in order of trial.
    pub fn of<'a>(&'a self, backend: &'a str) -> impl Iterator<Item = &'a Measurements> {
        self.measured.iter().filter(move |measured| measured.backend == backend)
    }

    /// Opens a run directory, complete or partial.
    ///
    /// # Errors
    /// If it is missing, something else, newer than this program, or damaged.
    pub fn open(directory: &Path) -> Result<Self, OpenError> {
        let report = read_report(directory)?;
        let measured = match measurements(directory)? {
            Some(measured) => measured,
            // Version 1 had none: what needs it says so.
            None if report.schema_version < 2 => Vec::new(),
            None => {
                let problem = "it is missing, and nothing can be drawn without it".to_owned();
                return Err(OpenError::Damaged { path: directory.join(MEASURED).display().to_string(), problem });
            }
        };
        let scenes = scenes(directory, is_partial(directory), &report.results, &measured)?;
        Ok(Self { report, measured, scenes })
    }
}

/// What was measured, if the file is there.
///
/// # Errors
/// If it cannot be read, or is damaged.
pub fn measurements(directory: &Path) -> Result<Option<Vec<Measurements>>, OpenError> {
    let path = directory.join(MEASURED);
    let damaged = |problem| OpenError::Damaged { path: path.display().to_string(), problem };
    read(&path)?.map(|bytes| read_measured(&bytes).map_err(damaged)).transpose()
}

/// The report of a run directory, without what was measured.
///
/// # Errors
/// If the directory is missing, something else, newer than this program, or damaged.
pub fn read_report(directory: &Path) -> Result<Report, OpenError> {
    let foreign =
        |problem: &str| OpenError::Foreign { path: directory.display().to_string(), problem: problem.to_owned() };
    if !directory.is_dir() {
        return Err(if directory.exists() {
            foreign("it is a file; give the directory that report.json is in")
        } else {
            OpenError::Missing(directory.display().to_string())
        });
    }
    let path = directory.join(REPORT);
    match read(&path)? {
        Some(bytes) => parse_report(&path, &bytes),
        None if directory.join(STATUS).exists() => Err(OpenError::Watch { path: directory.display().to_string() }),
        None if directory.join(SWEEP).exists() => Err(foreign("it is a sweep; sweep.json names its runs")),
        None if directory.join(PLAN).exists() => Err(OpenError::Unfinished { path: directory.display().to_string() }),
        None => Err(foreign("it has no report.json")),
    }
}

/// Largest file of a run that is read whole.
const MOST_BYTES: u64 = 1 << 30;

/// A file's bytes; `None` if there is no such file.
///
/// # Errors
/// If it is a pipe or a device, too large, or cannot be read.
pub fn read(path: &Path) -> Result<Option<Vec<u8>>, OpenError> {
    match read_regular(path, MOST_BYTES) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(cause) => Err(OpenError::Io { path: path.display().to_string(), cause }),
    }
}

/// Reads `report.json` of this version or an older one.
///
/// # Errors
/// If it is none, newer, or damaged.
pub fn parse_report(path: &Path, bytes: &[u8]) -> Result<Report, OpenError> {
    let damaged = |problem: String| OpenError::Damaged { path: path.display().to_string(), problem };
    let mut value: serde_json::Value = serde_json::from_slice(bytes).map_err(|error| damaged(error.to_string()))?;
    let foreign = |problem: &str| OpenError::Foreign { path: path.display().to_string(), problem: problem.to_owned() };
    if value["tool"]["name"] != "lockbench" {
        return Err(foreign("another program wrote it"));
    }
    let Some(found) = value["schema_version"].as_u64() else {
        return Err(foreign("it has no schema_version"));
    };
    if found > u64::from(SCHEMA_VERSION) {
        return Err(OpenError::Newer { path: path.display().to_string(), found, reads: SCHEMA_VERSION });
    }
    sane(&value).map_err(damaged)?;
    if found < 2 {
        // Version 1: lints were sentences, and there were no notes.
        let sentences = value["lints"].take();
        value["lints"] = serde_json::Value::Array(Vec::new());
        value["notes"] = sentences;
    }
    serde_json::from_value(value).map_err(|error| damaged(error.to_string()))
}

/// Is this the directory of a run that lacks some of its files, or is still under way?
#[must_use]
pub fn is_partial(directory: &Path) -> bool {
    let name = directory.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    name.starts_with('.') && name.ends_with(".partial")
}

/// Path of a run's history.
#[must_use]
pub fn history_path(directory: &Path) -> PathBuf {
    directory.join(HISTORY)
}

/// What a history that cannot be read means for its run.
#[must_use]
pub fn history_failure(error: HistoryError) -> OpenError {
    match error {
        HistoryError::Io { path, cause } => OpenError::Io { path, cause },
        HistoryError::Line { path, line, problem } => {
            OpenError::Damaged { path, problem: format!("line {line}: {problem}") }
        }
    }
}

/// The surroundings of every violation of a run: from the history where there is one,
/// else from the violations alone. `partial`: may the history break off in the middle?
pub(super) fn scenes(
    directory: &Path,
    partial: bool,
    results: &[TrialResult],
    measured: &[Measurements],
) -> Result<Vec<Scene>, OpenError> {
    let path = history_path(directory);
    let histories: &[PathBuf] = if path.exists() { &[path] } else { &[] };
    scenes_in(histories, partial, results, measured)
}

/// As [`scenes`], from several histories.
pub(super) fn scenes_in(
    histories: &[PathBuf],
    partial: bool,
    results: &[TrialResult],
    measured: &[Measurements],
) -> Result<Vec<Scene>, OpenError> {
    let mut number = 0;
    let mut scenes: Vec<Vec<Scene>> = Vec::new();
    for result in results {
        let of = |one: &&Measurements| one.backend == result.backend && one.trial == result.trial;
        let trial = measured.iter().find(of);
        let origin = trial.map_or(0, |measured| measured.start_ns);
        let marks = trial.map_or(&[][..], |measured| &measured.marks);
        let unserved = trial.map_or_else(Vec::new, unserved_stretches);
        let mut bare = Vec::new();
        for violation in &result.safety.violations {
            number += 1;
            let scene = Scene::bare(&result.backend, result.trial, number, origin, violation);
            bare.push(Scene { marks: marks.to_vec(), unserved: unserved.clone(), ..scene });
        }
        if !bare.is_empty() {
            scenes.push(bare);
        }
    }
    let mut done = Vec::new();
    for path in histories {
        if scenes.is_empty() {
            break;
        }
        let whole = fold_scenes(path, &mut scenes, &mut done)?;
        if !whole && !partial {
            let problem = "it breaks off in the middle".to_owned();
            return Err(OpenError::Damaged { path: path.display().to_string(), problem });
        }
    }
    done.extend(scenes);
    let mut all: Vec<Scene> = done.into_iter().flatten().collect();
    all.sort_by_key(|scene| scene.number);
    Ok(all)
}

/// Moves the scenes that a history tells of from `bare` to `done`. Is it whole, as far as
/// it was read?
fn fold_scenes(path: &Path, bare: &mut Vec<Vec<Scene>>, done: &mut Vec<Vec<Scene>>) -> Result<bool, OpenError> {
    let mut fold: Option<SceneFold> = None;
    let mut reader = HistoryReader::open(path).map_err(history_failure)?;
    for line in reader.by_ref() {
        match line.map_err(history_failure)? {
            Line::Result(header) => {
                done.extend(fold.take().map(SceneFold::finish));
                let of = |bare: &Vec<Scene>| bare[0].backend == header.backend && bare[0].trial == header.trial;
                fold = bare.iter().position(of).map(|at| SceneFold::new(bare.swap_remove(at)));
                if fold.is_none() && bare.is_empty() {
                    break;
                }
            }
            Line::Event(event) => {
                if let Some(fold) = &mut fold {
                    fold.observe(&event);
                }
            }
            Line::Cut(_) | Line::Unjudged(_) => {}
        }
    }
    done.extend(fold.map(SceneFold::finish));
    Ok(!reader.broken_off())
}
