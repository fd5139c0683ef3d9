//! Reads a history back, line by line. A file that breaks off (a crash, a run that
//! is still being written) is read up to its last whole line. Every event that comes
//! out belongs to a client and a key of its result and is in order of time, so that
//! whoever folds the events need not look.

use std::fs::File;
use std::io::{self, BufRead, BufReader, ErrorKind};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;

use super::line::{Header, Line, parse};
use crate::record::event::Event;

/// Why a history cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// The file cannot be opened or read.
    #[error("cannot read {path}: {cause}")]
    Io {
        /// The file.
        path: String,
        /// The cause.
        cause: io::Error,
    },
    /// A line makes no sense.
    #[error("{path}, line {line}: {problem}; was it changed by hand, or written by another version?")]
    Line {
        /// The file.
        path: String,
        /// Line number, from 1.
        line: u64,
        /// What is wrong with it.
        problem: String,
    },
}

/// An iterator over the lines of `history.jsonl.gz`.
pub struct HistoryReader {
    path: PathBuf,
    input: BufReader<MultiGzDecoder<BufReader<File>>>,
    text: String,
    line: u64,
    /// Of the current result: clients, keys, latest sensible instant.
    bounds: Option<(u32, u32, u64)>,
    /// Instant of the result's last event.
    last: u64,
    broken_off: bool,
    done: bool,
}

/// No trial goes on for so long after its planned end.
const LATEST_NS: u64 = 24 * 3_600 * 1_000_000_000;
/// More clients or keys than any plan can have.
const MOST: u32 = 10_000_000;

impl HistoryReader {
    /// Opens the file.
    ///
    /// # Errors
    /// If it cannot be opened.
    pub fn open(path: &Path) -> Result<Self, HistoryError> {
        let file = File::open(path).map_err(|cause| HistoryError::Io { path: path.display().to_string(), cause })?;
        let input = BufReader::with_capacity(1 << 16, MultiGzDecoder::new(BufReader::with_capacity(1 << 16, file)));
        Ok(Self {
            path: path.to_owned(),
            input,
            text: String::new(),
            line: 0,
            bounds: None,
            last: 0,
            broken_off: false,
            done: false,
        })
    }

    /// Did the file break off in the middle? Known once the iterator has ended.
    #[must_use]
    pub fn broken_off(&self) -> bool {
        self.broken_off
    }

    /// The error that the line just read makes no sense in its place.
    #[must_use]
    pub fn refuse(&self, problem: String) -> HistoryError {
        HistoryError::Line { path: self.path.display().to_string(), line: self.line, problem }
    }

    /// Does it fit its result, and what came before it?
    fn check(&mut self, line: &Line) -> Result<(), String> {
        match line {
            Line::Result(header) => self.begin(header),
            Line::Cut(_) if self.bounds.is_none() => Err("a cut before the first result".to_owned()),
            Line::Cut(_) => Ok(()),
            Line::Event(event) => self.event(event),
        }
    }

    fn begin(&mut self, header: &Header) -> Result<(), String> {
        if header.clients > MOST || header.keys > MOST || header.start > header.measure || header.measure > header.end {
            return Err("a result of impossible size or phases".to_owned());
        }
        self.bounds = Some((header.clients, header.keys, header.end.saturating_add(LATEST_NS)));
        self.last = 0;
        Ok(())
    }

    fn event(&mut self, event: &Event) -> Result<(), String> {
        let Some((clients, keys, latest)) = self.bounds else {
            return Err("an event before the first result".to_owned());
        };
        if event.client != Event::NOBODY && (event.client >= clients || event.key >= keys) {
            return Err(format!("client {} or key {} is none of this result", event.client, event.key));
        }
        if event.t < self.last || event.t > latest {
            return Err(format!("instant {} after {}", event.t, self.last));
        }
        self.last = event.t;
        Ok(())
    }

    fn read(&mut self) -> Option<Result<Line, HistoryError>> {
        self.text.clear();
        match self.input.read_line(&mut self.text) {
            Ok(0) => return None,
            // Half a line is the end of a file that broke off.
            Ok(_) if !self.text.ends_with('\n') => {
                self.broken_off = true;
                return None;
            }
            Ok(_) => {}
            Err(cause) if cause.kind() == ErrorKind::UnexpectedEof => {
                self.broken_off = true;
                return None;
            }
            Err(cause) => return Some(Err(HistoryError::Io { path: self.path.display().to_string(), cause })),
        }
        self.line += 1;
        let parsed = parse(self.text.trim_end()).and_then(|line| self.check(&line).map(|()| line));
        Some(parsed.map_err(|problem| self.refuse(problem)))
    }
}

impl Iterator for HistoryReader {
    type Item = Result<Line, HistoryError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let item = self.read();
        self.done = !matches!(item, Some(Ok(_)));
        item
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::{HistoryError, HistoryReader};
    use crate::record::history::Line;

    const TEXT: &str = "{\"result\":{\"backend\":\"memory\",\"trial\":1,\"clients\":2,\"keys\":1,\"start\":0,\"measure\":1,\"end\":9}}\n\
        {\"t\":1,\"c\":0,\"k\":0,\"e\":\"invoke\",\"due\":1}\n";

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        out.write_all(text).unwrap();
        out.finish().unwrap()
    }

    /// Lines read, broken off, error.
    fn read(bytes: &[u8]) -> (usize, bool, Option<HistoryError>) {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        let mut reader = HistoryReader::open(file.path()).unwrap();
        let (mut lines, mut error) = (0, None);
        for line in reader.by_ref() {
            match line {
                Ok(Line::Result(_) | Line::Event(_) | Line::Cut(_)) => lines += 1,
                Err(problem) => error = Some(problem),
            }
        }
        (lines, reader.broken_off(), error)
    }

    #[test]
    fn a_whole_file_is_read_to_its_end() {
        let (lines, broken_off, error) = read(&gzip(TEXT.as_bytes()));
        assert_eq!((lines, broken_off), (2, false));
        assert!(error.is_none());
    }

    #[test]
    fn a_file_that_breaks_off_is_read_to_its_last_whole_line() {
        let half_a_line = format!("{TEXT}{{\"t\":2,");
        let (lines, broken_off, error) = read(&gzip(half_a_line.as_bytes()));
        assert_eq!((lines, broken_off), (2, true));
        assert!(error.is_none());
        let whole = gzip(TEXT.as_bytes());
        let (lines, broken_off, error) = read(&whole[..whole.len() - 12]);
        assert!(lines <= 2 && broken_off && error.is_none());
    }

    #[test]
    fn a_line_that_makes_no_sense_is_named() {
        let (_, _, error) = read(&gzip(format!("{TEXT}{{\"t\":2}}\n").as_bytes()));
        assert!(matches!(error, Some(HistoryError::Line { line: 3, .. })));
        assert!(read(b"not gzip at all").2.is_some());
    }

    #[test]
    fn an_event_that_fits_nothing_is_refused_before_it_can_do_harm() {
        let event = |t: u64, c: u32, k: u32| format!("{{\"t\":{t},\"c\":{c},\"k\":{k},\"e\":\"invoke\",\"due\":1}}\n");
        for line in [event(0, 0, 0), event(2, 2, 0), event(2, 0, 1), event(1 << 60, 0, 0)] {
            assert!(read(&gzip(format!("{TEXT}{line}").as_bytes())).2.is_some(), "{line}");
        }
        assert!(read(&gzip(event(1, 0, 0).as_bytes())).2.is_some());
        assert!(read(&gzip(format!("{TEXT}{}", event(2, 1, 0)).as_bytes())).2.is_none());
    }
}
