//! Writes the history, bounded: of each result the first N attempts, and
//! everything within a second of each of the first hundred violations.

use std::cell::Cell;
use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::rc::Rc;
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;

use super::line::{Cut, Header, Judged};
use super::text_write::{write, write_cut, write_header};
use crate::record::event::{Event, What};
use crate::record::merge::Observer;

/// What surrounds a violation: this long before and after it.
const AROUND_NS: u64 = 1_000_000_000;
/// Only the first violations are surrounded: those that the report keeps in full.
const SURROUNDED: u64 = 100;
/// At most so many events are remembered for that. It is more than a second of
/// most runs; older ones stay too, because a double grant is found only when the
/// holds around it have ended.
const RECENT: usize = 100_000;
/// Bytes collected before they go through the compressor.
const CHUNK: usize = 64 * 1024;

/// The open file `history.jsonl.gz`.
pub struct HistoryFile {
    out: GzEncoder<BufWriter<File>>,
    buffer: Vec<u8>,
    flushed: Instant,
    failure: Option<io::Error>,
}

impl HistoryFile {
    /// Creates the file.
    ///
    /// # Errors
    /// If it cannot be created.
    pub fn create(path: &Path) -> io::Result<Self> {
        let out = GzEncoder::new(BufWriter::new(File::create(path)?), Compression::fast());
        Ok(Self { out, buffer: Vec::with_capacity(2 * CHUNK), flushed: Instant::now(), failure: None })
    }

    /// Why nothing more is written, if something failed: a full disk, for example. Told
    /// by the end of the run as well; whoever watches should know before.
    #[must_use]
    pub fn failure(&self) -> Option<&io::Error> {
        self.failure.as_ref()
    }

    /// Finishes the file.
    ///
    /// # Errors
    /// The first error of any write to it: a full disk, for example.
    pub fn finish(mut self) -> io::Result<()> {
        self.drain();
        if let Some(failure) = self.failure.take() {
            return Err(failure);
        }
        self.out.finish()?.flush()
    }

    fn drain(&mut self) {
        if self.failure.is_none()
            && let Err(error) = self.out.write_all(&self.buffer)
        {
            self.failure = Some(error);
        }
        self.buffer.clear();
    }

    fn flush_every_second(&mut self) {
        if self.flushed.elapsed() >= Duration::from_secs(1) {
            self.drain();
            if self.failure.is_none()
                && let Err(error) = self.out.flush().and_then(|()| self.out.get_mut().flush())
            {
                self.failure = Some(error);
            }
            self.flushed = Instant::now();
        }
    }

    fn event(&mut self, event: &Event) {
        write(event, &mut self.buffer);
        if self.buffer.len() >= CHUNK {
            self.drain();
        }
    }
}

/// What the oracle found so far, for the history to surround.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Alarm {
    /// Violations so far.
    pub count: u64,
    /// Of these: fencing tokens that went back. The others are double grants.
    pub regressions: u64,
    /// Instant of the first one found since it was last raised: the grant that should not have been.
    pub at: u64,
}

/// How much of a result is in the history.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recorded {
    /// Attempts written in full.
    pub attempts: u64,
    /// Is every attempt written?
    pub complete: bool,
}

/// Writes the events of one result.
pub struct TrialHistory<'a> {
    file: &'a mut HistoryFile,
    limit: u64,
    attempts: u64,
    complete: bool,
    /// Per client: is its open attempt being written?
    open: Vec<bool>,
    /// From the first event that is not simply written on: a delay line, so that
    /// the file stays in order of time. Marked are those that will be written
    /// whatever comes.
    recent: VecDeque<(Event, bool)>,
    violations: Rc<Cell<Alarm>>,
    violations_seen: u64,
    write_all_until: u64,
}

impl<'a> TrialHistory<'a> {
    /// Starts a result: writes its header. `limit`: attempts to write in full.
    /// `violations` is counted up by the oracle, which sees each event first.
    pub fn begin(file: &'a mut HistoryFile, header: &Header, limit: u64, violations: Rc<Cell<Alarm>>) -> Self {
        write_header(header, &mut file.buffer);
        let open = vec![false; header.clients as usize];
        Self {
            file,
            limit,
            attempts: 0,
            complete: true,
            open,
            recent: VecDeque::new(),
            violations,
            violations_seen: 0,
            write_all_until: 0,
        }
    }

    /// Ends the result.
    #[must_use]
    pub fn end(mut self) -> Recorded {
        self.recall(u64::MAX);
        Recorded { attempts: self.attempts, complete: self.complete }
    }

    /// Is this the first event that will not simply be written? Everything before it
    /// is in the file, whole and in order; afterwards the file has holes.
    #[must_use]
    pub fn cuts(&self, event: &Event) -> bool {
        self.complete && event.what.begins() && (event.client as usize) < self.open.len() && self.attempts >= self.limit
    }

    /// Notes what the oracle has found in everything before `t`, so that a replay of
    /// the whole part of the file has something to agree with.
    pub fn cut(&mut self, t: u64, judged: Judged) {
        write_cut(Cut { t, judged }, &mut self.file.buffer);
    }

    /// Should this event be written by the rule of the first N attempts?
    fn within_limit(&mut self, event: &Event) -> bool {
        let Some(open) = self.open.get_mut(event.client as usize) else { return true };
        if matches!(event.what, What::InvokeAs { first: 1.., .. }) {
            // A transaction is written whole.
            self.attempts += u64::from(*open);
        }
        if event.what.begins() {
            *open = self.attempts < self.limit;
            self.attempts += u64::from(*open);
            self.complete &= *open;
        }
        *open
    }

    fn remember(&mut self, event: &Event, write: bool) {
        self.recent.push_back((*event, write));
        if self.recent.len() > RECENT
            && let Some((old, true)) = self.recent.pop_front()
        {
            self.file.event(&old);
        }
    }

    /// Writes what is remembered from `since` on, and what must be written anyway.
    fn recall(&mut self, since: u64) {
        for (old, write) in std::mem::take(&mut self.recent) {
            if write || old.t >= since {
                self.file.event(&old);
            }
        }
    }
}

impl Observer for TrialHistory<'_> {
    fn observe(&mut self, event: &Event) {
        let found = self.violations.get();
        if found.count > self.violations_seen && self.violations_seen < SURROUNDED {
            self.violations_seen = found.count;
            self.write_all_until = event.t + AROUND_NS;
            self.recall(found.at.saturating_sub(AROUND_NS));
        }
        let write = self.within_limit(event) || event.t <= self.write_all_until;
        if write && self.recent.is_empty() {
            self.file.event(event);
        } else {
            self.remember(event, write);
        }
    }

    fn pause(&mut self) {
        self.file.flush_every_second();
    }
}

#[cfg(test)]
mod tests;
