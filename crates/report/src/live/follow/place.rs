//! Where a run is that is being written, under which of its names, and by whom.

use std::path::{Path, PathBuf};

use crate::{REPORT, Writer};

/// Both names of a run directory.
pub struct Place {
    /// The run's.
    pub id: String,
    /// While it is under way.
    pub partial: PathBuf,
    /// Afterwards.
    pub complete: PathBuf,
    /// Who writes it.
    writer: fn(&Path) -> Writer,
}

impl Place {
    /// Of a partial directory.
    pub fn of(partial: &Path, writer: fn(&Path) -> Writer) -> Self {
        let name = partial.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let id = name.trim_start_matches('.').trim_end_matches(".partial").to_owned();
        Self { complete: partial.with_file_name(&id), partial: partial.to_owned(), id, writer }
    }

    /// Where the report is, once it is.
    pub fn report(&self) -> Option<&Path> {
        [&self.complete, &self.partial].into_iter().map(PathBuf::as_path).find(|path| path.join(REPORT).is_file())
    }

    /// Who writes it now.
    pub fn writer(&self) -> Writer {
        (self.writer)(&self.partial)
    }

    /// Will the history not grow any more?
    pub fn over(&self) -> bool {
        self.report().is_some() || !self.partial.exists() || self.writer() == Writer::Gone
    }
}
