//! What a comparison is of: a saved baseline, a run, or several runs joined.
//!
//! A baseline of the name NAME lives in `baselines/NAME/RUN-ID` under the results
//! directory, one directory per run that was saved under it, laid out as a run directory.
//! The newest one counts; the older ones stay, since nothing is ever overwritten, and
//! can be named by their path.

use std::fs;
use std::path::{Path, PathBuf};

use super::Failure;
use super::stored::locate;
use lockbench_report::compare::Side;
use lockbench_report::{Report, read_report, usable_id};

/// One side of a comparison.
pub struct Runs {
    /// As it was given.
    pub name: String,
    pub reports: Vec<Report>,
}

impl Runs {
    /// Opens what `text` names, one or several separated by commas: a saved baseline
    /// under `root`, else a run directory, else an id under `root`.
    pub fn open(text: &str, root: &Path) -> Result<Self, Failure> {
        let parts: Vec<&str> = text.split(',').map(str::trim).filter(|part| !part.is_empty()).collect();
        if parts.is_empty() {
            return Err(Failure::usage(
                "there is no run without a name: give a run directory, an id or a baseline".to_owned(),
            ));
        }
        let mut reports: Vec<Report> = Vec::new();
        for part in parts {
            let report = one(part, root)?;
            if reports.iter().any(|known| known.run_id == report.run_id) {
                return Err(Failure::usage(format!(
                    "{text}: the run {} is given twice: its trials would count double",
                    report.run_id
                )));
            }
            reports.push(report);
        }
        Ok(Self { name: text.to_owned(), reports })
    }

    /// Calls `with` with this side as the comparison takes it.
    pub fn as_side<T>(&self, with: impl FnOnce(Side<'_>) -> T) -> T {
        let runs: Vec<&Report> = self.reports.iter().collect();
        with(Side { name: &self.name, runs: &runs })
    }
}

/// Returns the directory of the baselines of a results directory.
pub fn baselines(root: &Path) -> PathBuf {
    root.join("baselines")
}

fn one(name: &str, root: &Path) -> Result<Report, Failure> {
    let saved = baselines(root).join(name);
    if usable_id(name) && saved.is_dir() {
        return newest(&saved)?.ok_or_else(|| {
            Failure::usage(format!("the baseline \"{name}\" holds no run: {} is empty", saved.display()))
        });
    }
    let directory = locate(name, root).map_err(|_| unknown(name, root))?;
    if !directory.join("report.json").exists()
        && let Some(report) = newest(&directory)?
    {
        return Ok(report);
    }
    Ok(read_report(&directory)?)
}

/// The newest run among the directories in here, by its start.
fn newest(directory: &Path) -> Result<Option<Report>, Failure> {
    let mut found: Option<Report> = None;
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        // A name with a dot in front is a save that did not finish.
        let hidden = entry.file_name().to_string_lossy().starts_with('.');
        if hidden || !entry.path().join("report.json").is_file() {
            continue;
        }
        let report = read_report(&entry.path())?;
        let key = |report: &Report| (report.environment.started_at.clone(), report.run_id.clone());
        if found.as_ref().is_none_or(|other| key(other) < key(&report)) {
            found = Some(report);
        }
    }
    Ok(found)
}

fn unknown(name: &str, root: &Path) -> Failure {
    let mut saved: Vec<String> = fs::read_dir(baselines(root))
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    saved.sort();
    let saved = if saved.is_empty() { "none".to_owned() } else { saved.join(", ") };
    Failure::usage(format!(
        "there is no run or baseline \"{name}\", nor {}; baselines saved in {}: {saved}; --save-baseline NAME saves one, \
         `lockbench ls` lists the runs",
        root.join(name).display(),
        baselines(root).display()
    ))
}
