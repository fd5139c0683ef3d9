//! Reads a history back, line by line. A file that breaks off (a crash) is read up to
//! its last whole line; one that is still being written can be followed as it grows
//! ([`HistoryReader::follow`]). Every event that comes
//! out belongs to a client and a key of its result and is in order of time, so that
//! whoever folds the events need not look.

use std::io;
use std::path::Path;

use super::limits::Limits;
use super::line::Line;
use super::tail::{Ending, Tail};
use super::text_file::TextFile;
use crate::record::event::What;

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

/// What comes next in a history.
#[derive(Debug)]
pub enum Next {
    /// A line.
    Line(Line),
    /// Nothing yet: the file may grow.
    Wait,
    /// Its end.
    End,
}

/// Where the lines of a history come from. Another way to store them is another of these.
pub trait Storage {
    /// The next line, if it is there already. It need not fit what came before.
    ///
    /// # Errors
    /// If it cannot be read, or makes no sense.
    fn step(&mut self) -> Result<Next, HistoryError>;

    /// Did it break off in the middle? Known once its end was reached.
    fn broken_off(&self) -> bool;

    /// The error that the line just read makes no sense in its place.
    fn refuse(&self, problem: String) -> HistoryError;
}

/// An iterator over the lines of a history. Each event that comes out names its attempt,
/// client and key.
pub struct HistoryReader {
    storage: Box<dyn Storage + Send>,
    limits: Limits,
    /// Per client of the result: its attempts so far, to number those that bear no number.
    attempts: Vec<u32>,
    done: bool,
}

impl HistoryReader {
    /// Opens the file.
    ///
    /// # Errors
    /// If it cannot be opened.
    pub fn open(path: &Path) -> Result<Self, HistoryError> {
        Self::of(path, Tail::whole(path))
    }

    /// Opens a file that another process writes. Ask with [`HistoryReader::step`]: it says
    /// that there is nothing yet until the end is declared.
    ///
    /// # Errors
    /// If it cannot be opened.
    pub fn follow(path: &Path) -> Result<(Self, Ending), HistoryError> {
        let tail = Tail::growing(path);
        let ending = tail.as_ref().map(Tail::ending).unwrap_or_default();
        Ok((Self::of(path, tail)?, ending))
    }

    fn of(path: &Path, tail: io::Result<Tail>) -> Result<Self, HistoryError> {
        let tail = tail.map_err(|cause| HistoryError::Io { path: path.display().to_string(), cause })?;
        let storage = Box::new(TextFile::new(path, tail));
        Ok(Self { storage, limits: Limits::default(), attempts: Vec::new(), done: false })
    }

    /// Did the file break off in the middle? Known once the iterator has ended.
    #[must_use]
    pub fn broken_off(&self) -> bool {
        self.storage.broken_off()
    }

    /// The error that the line just read makes no sense in its place.
    #[must_use]
    pub fn refuse(&self, problem: String) -> HistoryError {
        self.storage.refuse(problem)
    }

    /// The next line, if it is there already.
    ///
    /// # Errors
    /// If the file cannot be read, or a line makes no sense; nothing comes after that.
    pub fn step(&mut self) -> Result<Next, HistoryError> {
        if self.done {
            return Ok(Next::End);
        }
        let next = self.read();
        self.done = !matches!(next, Ok(Next::Line(_) | Next::Wait));
        next
    }

    fn read(&mut self) -> Result<Next, HistoryError> {
        let mut next = self.storage.step()?;
        if let Next::Line(line) = &mut next {
            self.limits.check(line).map_err(|problem| self.storage.refuse(problem))?;
            self.number(line);
        }
        Ok(next)
    }

    /// Gives an event that does not name its attempt the number of the one that its client has
    /// open: a client has one at a time.
    fn number(&mut self, line: &mut Line) {
        match line {
            Line::Result(header) => self.attempts = vec![0; header.clients as usize],
            Line::Event(event) => {
                // Events of the tool itself are of no client.
                let Some(attempts) = self.attempts.get_mut(event.client as usize) else { return };
                if event.attempt != 0 {
                    *attempts = event.attempt;
                } else {
                    *attempts = attempts.wrapping_add(u32::from(matches!(event.what, What::Invoke { .. })));
                    event.attempt = *attempts;
                }
            }
            Line::Cut(_) | Line::Unjudged(_) => {}
        }
    }
}

impl Iterator for HistoryReader {
    type Item = Result<Line, HistoryError>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.step() {
            Ok(Next::Line(line)) => Some(Ok(line)),
            Ok(Next::Wait | Next::End) => None,
            Err(error) => Some(Err(error)),
        }
    }
}

#[cfg(test)]
mod tests;
