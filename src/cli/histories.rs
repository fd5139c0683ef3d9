//! A stored history in the formats of judges outside: one result in memory at a time,
//! for `lockbench export`.

use std::path::{Path, PathBuf};

use super::stored::write;
use super::{Failure, tell};
use lockbench_core::record::history::{HistoryError, HistoryReader, WholePart, WholeParts};
use lockbench_output::history::{HISTORY_EXPORTS, HistoryExport, left_out};
use lockbench_report::{HISTORY, OpenError, broke_off, history_path, is_partial, read_report};

/// Refuses a run without a history to export. A run that broke off before its report has one too.
///
/// Reads it once to its end: a damaged one is refused before anything is written.
pub fn readable(directory: &Path) -> Result<(), Failure> {
    match read_report(directory) {
        Ok(_) | Err(OpenError::Unfinished { .. }) => {}
        Err(error) => return Err(error.into()),
    }
    let path = history_path(directory);
    if !path.exists() {
        let names: Vec<&str> = HISTORY_EXPORTS.iter().map(|export| export.name).collect();
        return Err(Failure::usage(format!(
            "{} has no {HISTORY} (history = \"off\" in its plan?), which {} are made of; run it again with --set \
             history=full",
            directory.display(),
            names.join(", ")
        )));
    }
    let mut reader = HistoryReader::open(&path).map_err(|error| failure(directory, error))?;
    for line in reader.by_ref() {
        line.map_err(|error| failure(directory, error))?;
    }
    if reader.broken_off() && !is_partial(directory) && !broke_off(directory) {
        let problem = "it breaks off in the middle".to_owned();
        return Err(OpenError::Damaged { path: path.display().to_string(), problem }.into());
    }
    Ok(())
}

/// Writes the files below `place`; the paths.
pub fn export(directory: &Path, exports: &[&HistoryExport], place: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut paths = Vec::new();
    for part in WholeParts::open(&history_path(directory)).map_err(|error| failure(directory, error))? {
        let part = part.map_err(|error| failure(directory, error))?;
        remarks(&part).iter().for_each(|remark| tell(&format!("note: {remark}")));
        for export in exports {
            for file in (export.convert)(&part.header, &part.events) {
                paths.push(write(place, &file, "--into")?);
            }
        }
    }
    Ok(paths)
}

/// What a person who gives the files to another judge must know of them.
fn remarks(part: &WholePart) -> Vec<String> {
    let of = format!("{} trial {}", part.header.backend, part.header.trial);
    let mut remarks: Vec<String> = left_out(&part.header, &part.events).into_iter().collect();
    if part.cut.is_some() {
        remarks.push(format!(
            "{of}: the history on disk was bounded; its whole part ends at event {} (run with --set history=full for all)",
            part.events.len()
        ));
    }
    if part.broken_off {
        remarks.push(format!("{of}: the history breaks off after event {}", part.events.len()));
    }
    remarks
}

fn failure(directory: &Path, error: HistoryError) -> OpenError {
    match error {
        HistoryError::Io { path, cause } => OpenError::Io { path, cause },
        line @ HistoryError::Line { .. } => {
            OpenError::Damaged { path: history_path(directory).display().to_string(), problem: line.to_string() }
        }
    }
}
