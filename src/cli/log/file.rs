//! `run.log`: the lines of one run, in its directory.

use std::fs::File;
use std::io::{BufWriter, Error, Result, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use lockbench_core::record::{LogLevel, LogLine};
use lockbench_report::RUN_LOG;

/// The file while it grows. The first error of a write is kept for
/// [`LogFile::sync`]; no line is tried after it.
pub(super) struct LogFile {
    out: BufWriter<File>,
    path: PathBuf,
    problem: Option<String>,
    /// Bytes that it may have before it begins anew; the one before stays beside it.
    limit: u64,
    written: u64,
}

impl LogFile {
    pub(super) fn create(directory: &Path, limit: u64) -> Result<Self> {
        let path = directory.join(RUN_LOG);
        let file = File::create(&path).map_err(|error| Error::other(problem(&path, &error)))?;
        Ok(Self { out: BufWriter::new(file), path, problem: None, limit, written: 0 })
    }

    /// Takes a line with its end. One that warns is on its way at once: whatever
    /// happens next may be the end of this process.
    pub(super) fn write(&mut self, text: &str, level: LogLevel) {
        if self.problem.is_some() {
            return;
        }
        if self.written > 0 && self.written + text.len() as u64 > self.limit {
            let begun = self.begin_anew();
            self.note(begun);
        }
        self.written += text.len() as u64;
        let written = self.out.write_all(text.as_bytes());
        let flushed = if level <= LogLevel::Warn { self.out.flush() } else { Ok(()) };
        self.note(written.and(flushed));
    }

    pub(super) fn flush(&mut self) -> Result<()> {
        if self.problem.is_none() {
            let flushed = self.out.flush();
            self.note(flushed);
        }
        self.problem.as_ref().map_or(Ok(()), |problem| Err(Error::other(problem.clone())))
    }

    pub(super) fn sync(&mut self) -> Result<()> {
        self.flush()?;
        let synced = self.out.get_ref().sync_all();
        self.note(synced);
        self.problem.as_ref().map_or(Ok(()), |problem| Err(Error::other(problem.clone())))
    }

    /// The file is full: it becomes the one before, whose place it takes.
    fn begin_anew(&mut self) -> Result<()> {
        self.out.flush()?;
        std::fs::rename(&self.path, self.path.with_extension("log.1"))?;
        self.out = BufWriter::new(File::create(&self.path)?);
        self.written = 0;
        Ok(())
    }

    fn note(&mut self, result: Result<()>) {
        if let Err(error) = result {
            self.problem.get_or_insert(problem(&self.path, &error));
        }
    }
}

fn problem(path: &Path, error: &Error) -> String {
    format!("cannot write {}: {error}; is the directory writable and is there space left?", path.display())
}

/// A line as it stands in the file, with its end: wall time, level, target, message.
pub(super) fn text_of(line: &LogLine, started: SystemTime) -> String {
    let at = started + Duration::from_nanos(line.since_start_ns);
    let level = line.level.name().to_ascii_uppercase();
    format!("{} {level:>5} {}: {}\n", humantime::format_rfc3339_millis(at), line.target, line.message)
}
