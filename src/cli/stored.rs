//! Finding and opening stored runs: a run directory's path, or an id under `-o`.

use std::path::{Path, PathBuf};

use super::Failure;
use crate::report::{Exit, OpenError, RecordedRun};

/// The directory that RUN means: a path, an id under `root`, or the id of a run that
/// is still partial.
pub fn locate(run: &str, root: &Path) -> Result<PathBuf, Failure> {
    let candidates = [PathBuf::from(run), root.join(run), root.join(format!(".{run}.partial"))];
    candidates
        .into_iter()
        .find(|path| path.exists())
        .ok_or_else(|| Failure::usage(OpenError::Missing(format!("{run} (nor {})", root.join(run).display()))))
}

/// Opens it.
pub fn open(run: &str, root: &Path) -> Result<(PathBuf, RecordedRun), Failure> {
    let directory = locate(run, root)?;
    let recorded = RecordedRun::open(&directory).map_err(|error| open_failure(&error))?;
    Ok((directory, recorded))
}

/// A run that is none, or too new, is a usage error; a damaged or unreadable one is not.
pub fn open_failure(error: &OpenError) -> Failure {
    match error {
        OpenError::Missing(_) | OpenError::Foreign { .. } | OpenError::Newer { .. } => Failure::usage(error),
        OpenError::Damaged { .. } | OpenError::Io { .. } => {
            Failure { exit: Exit::Internal, message: error.to_string() }
        }
    }
}
