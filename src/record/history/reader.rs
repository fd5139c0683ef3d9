//! Reads a history back, line by line. A file that breaks off (a crash, a run that
//! is still being written) is read up to its last whole line.

use std::fs::File;
use std::io::{self, BufRead, BufReader, ErrorKind};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;

use super::line::{Line, parse};

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
    broken_off: bool,
    done: bool,
}

impl HistoryReader {
    /// Opens the file.
    ///
    /// # Errors
    /// If it cannot be opened.
    pub fn open(path: &Path) -> Result<Self, HistoryError> {
        let file = File::open(path).map_err(|cause| HistoryError::Io { path: path.display().to_string(), cause })?;
        let input = BufReader::with_capacity(1 << 16, MultiGzDecoder::new(BufReader::with_capacity(1 << 16, file)));
        Ok(Self { path: path.to_owned(), input, text: String::new(), line: 0, broken_off: false, done: false })
    }

    /// Did the file break off in the middle? Known once the iterator has ended.
    #[must_use]
    pub fn broken_off(&self) -> bool {
        self.broken_off
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
        let parsed = parse(self.text.trim_end());
        Some(parsed.map_err(|problem| HistoryError::Line {
            path: self.path.display().to_string(),
            line: self.line,
            problem,
        }))
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
}
