//! A history as gzipped lines of text.

use std::io::{BufRead, BufReader, ErrorKind, Read};
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;

use super::limits::LONGEST_LINE;
use super::reader::{HistoryError, Next, Storage};
use super::tail::Tail;
use super::text_parse::Parser;

/// The file `history.jsonl.gz`.
pub struct TextFile {
    path: PathBuf,
    input: BufReader<MultiGzDecoder<BufReader<Tail>>>,
    /// The line under way: of a file that grows, as far as it is there.
    text: Vec<u8>,
    line: u64,
    parser: Parser,
    broken_off: bool,
}

impl TextFile {
    /// The lines of an open file.
    pub fn new(path: &Path, tail: Tail) -> Self {
        let input = MultiGzDecoder::new(BufReader::with_capacity(1 << 16, tail));
        Self {
            path: path.to_owned(),
            input: BufReader::with_capacity(1 << 16, input),
            text: Vec::new(),
            line: 0,
            parser: Parser::default(),
            broken_off: false,
        }
    }
}

impl Storage for TextFile {
    fn step(&mut self) -> Result<Next, HistoryError> {
        let left = LONGEST_LINE.saturating_sub(self.text.len() as u64);
        match self.input.by_ref().take(left).read_until(b'\n', &mut self.text) {
            Ok(_) if self.text.ends_with(b"\n") => {}
            Ok(_) if self.text.len() as u64 >= LONGEST_LINE => {
                self.line += 1;
                return Err(self.refuse(format!("a line of more than {LONGEST_LINE} bytes")));
            }
            // Half a line is the end of a file that broke off.
            Ok(_) => {
                self.broken_off = !self.text.is_empty();
                return Ok(Next::End);
            }
            // What was read of the line stays, and goes on next time.
            Err(cause) if cause.kind() == ErrorKind::WouldBlock => return Ok(Next::Wait),
            Err(cause) if cause.kind() == ErrorKind::UnexpectedEof => {
                self.broken_off = true;
                return Ok(Next::End);
            }
            Err(cause) => return Err(HistoryError::Io { path: self.path.display().to_string(), cause }),
        }
        self.line += 1;
        let text = std::str::from_utf8(&self.text).map_err(|error| error.to_string());
        let line = text.and_then(|text| self.parser.parse(text.trim_end()));
        self.text.clear();
        line.map(Next::Line).map_err(|problem| self.refuse(problem))
    }

    fn broken_off(&self) -> bool {
        self.broken_off
    }

    fn refuse(&self, problem: String) -> HistoryError {
        HistoryError::Line { path: self.path.display().to_string(), line: self.line, problem }
    }
}
