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
mod tests {
    use std::io::Write;

    use super::{HistoryError, HistoryReader, Next};
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
                Ok(_) => lines += 1,
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
    fn a_file_that_grows_is_followed_wherever_it_stops() {
        let whole = gzip(TEXT.as_bytes());
        for chunk in [1, 2, 7, 10, 64] {
            let file = tempfile::NamedTempFile::new().unwrap();
            let (mut reader, ending) = HistoryReader::follow(file.path()).unwrap();
            let (mut lines, mut waits) = (0, 0);
            let mut take = |reader: &mut HistoryReader| loop {
                match reader.step().unwrap() {
                    Next::Line(_) => lines += 1,
                    Next::Wait => {
                        waits += 1;
                        return;
                    }
                    Next::End => return,
                }
            };
            let mut out = file.reopen().unwrap();
            for part in whole.chunks(chunk) {
                out.write_all(part).unwrap();
                take(&mut reader);
            }
            ending.declare();
            take(&mut reader);
            assert_eq!((lines, waits), (2, whole.len().div_ceil(chunk)), "{chunk}");
            assert!(matches!(reader.step(), Ok(Next::End)) && !reader.broken_off());
        }
    }

    #[test]
    fn what_was_flushed_can_be_read_before_the_file_goes_on() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut out = flate2::write::GzEncoder::new(file.reopen().unwrap(), flate2::Compression::fast());
        let (mut reader, ending) = HistoryReader::follow(file.path()).unwrap();
        assert!(matches!(reader.step(), Ok(Next::Wait)));
        for line in TEXT.split_inclusive('\n') {
            let (first, rest) = line.split_at(9);
            out.write_all(first.as_bytes()).unwrap();
            out.flush().unwrap();
            assert!(matches!(reader.step(), Ok(Next::Wait)));
            out.write_all(rest.as_bytes()).unwrap();
            out.flush().unwrap();
            assert!(matches!(reader.step(), Ok(Next::Line(_))));
        }
        // The writer was killed here.
        ending.declare();
        assert!(matches!(reader.step(), Ok(Next::End)) && reader.broken_off());
    }

    #[test]
    fn an_event_that_fits_nothing_is_refused_before_it_can_do_harm() {
        let event = |t: u64, c: u32, k: u32| format!("{{\"t\":{t},\"c\":{c},\"k\":{k},\"e\":\"invoke\",\"due\":1}}\n");
        let nobody = event(2, u32::MAX, 0);
        for line in [event(0, 0, 0), event(2, 2, 0), event(2, 0, 1), event(1 << 60, 0, 0), nobody] {
            assert!(read(&gzip(format!("{TEXT}{line}").as_bytes())).2.is_some(), "{line}");
        }
        assert!(read(&gzip(event(1, 0, 0).as_bytes())).2.is_some());
        assert!(read(&gzip(format!("{TEXT}{}", event(2, 1, 0)).as_bytes())).2.is_none());
    }

    /// What the error says of a history that is TEXT with one part replaced.
    fn problem(from: &str, to: &str) -> String {
        assert!(TEXT.contains(from));
        let (_, _, error) = read(&gzip(TEXT.replace(from, to).as_bytes()));
        error.map_or_else(|| "none".to_owned(), |error| error.to_string())
    }

    #[test]
    fn a_number_is_bounded_by_what_the_file_can_back() {
        for (from, to, line) in [
            ("\"keys\":1", "\"keys\":10000000", 1),
            ("\"clients\":2", "\"clients\":4294967295", 1),
            ("\"end\":9", "\"end\":18446744073709551615", 1),
            ("\"memory\"", "\"../../evil\\u001b\"", 1),
            ("\"due\":1", "\"due\":18446744073709551614", 2),
            ("{\"t\":1", "{\"t\":86400000000008", 0),
        ] {
            let told = problem(from, to);
            match line {
                // A day after the planned end is allowed: one silent day is.
                0 => assert_eq!(told, "none"),
                line => assert!(told.contains(&format!("line {line}:")), "{told}"),
            }
        }
        // An end in a week lets events come so late, not a file that is silent until then.
        let week = 7 * 86_400_000_000_000_u64;
        let late =
            TEXT.replace("\"end\":9", &format!("\"end\":{week}")).replace("{\"t\":1", &format!("{{\"t\":{week}"));
        assert!(read(&gzip(late.as_bytes())).2.unwrap().to_string().contains("line 2: "));
    }

    #[test]
    fn a_file_without_line_breaks_is_read_no_further_than_a_line_may_go() {
        let (lines, _, error) = read(&gzip(format!("{TEXT}{}", " ".repeat(8 << 20)).as_bytes()));
        assert_eq!(lines, 2);
        assert!(error.unwrap().to_string().contains("line 3: a line of more than"), "too long");
    }

    #[test]
    fn a_file_has_no_more_results_than_a_run() {
        let (header, _) = TEXT.split_once('\n').unwrap();
        let (lines, _, error) = read(&gzip(format!("{header}\n").repeat(5_000).as_bytes()));
        assert!(lines < 5_000 && error.unwrap().to_string().contains("results"), "{lines}");
    }

    #[test]
    fn attempts_of_a_first_version_are_numbered_within_their_client() {
        let line = |t: u64, c: u32, rest: &str| format!("{{\"t\":{t},\"c\":{c},\"k\":0,{rest}}}\n");
        let (invoke, refused) = ("\"e\":\"invoke\",\"due\":1", "\"e\":\"refused\",\"requests\":1");
        let more = [line(2, 1, invoke), line(3, 0, refused), line(4, 0, invoke), line(5, 1, refused)].concat();
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), gzip(format!("{TEXT}{more}").as_bytes())).unwrap();
        let events = HistoryReader::open(file.path()).unwrap().filter_map(|line| match line.unwrap() {
            Line::Event(event) => Some((event.client, event.attempt)),
            _ => None,
        });
        assert_eq!(events.collect::<Vec<_>>(), [(0, 1), (1, 1), (0, 1), (0, 2), (1, 1)]);
    }
}
