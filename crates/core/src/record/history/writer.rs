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
        self.complete
            && matches!(event.what, What::Invoke { .. })
            && (event.client as usize) < self.open.len()
            && self.attempts >= self.limit
    }

    /// Notes what the oracle has found in everything before `t`, so that a replay of
    /// the whole part of the file has something to agree with.
    pub fn cut(&mut self, t: u64, judged: Judged) {
        write_cut(Cut { t, judged }, &mut self.file.buffer);
    }

    /// Should this event be written by the rule of the first N attempts?
    fn within_limit(&mut self, event: &Event) -> bool {
        let Some(open) = self.open.get_mut(event.client as usize) else { return true };
        if matches!(event.what, What::Invoke { .. }) {
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
mod tests {
    use std::cell::Cell;
    use std::io::Read;
    use std::rc::Rc;

    use super::{Alarm, HistoryFile, Recorded, TrialHistory};
    use crate::record::history::{Header, Line, Parser};
    use crate::record::{Event, Observer, ReleaseKind, What, WitnessReading};

    const S: u64 = 1_000_000_000;
    const CYCLE: [What; 4] = [
        What::Invoke { due: 0 },
        What::Acquired { token: None, validity: u64::MAX, requests: 1, waited: None },
        What::ReleaseInvoke {
            enter: 0,
            exit: 0,
            seen: WitnessReading {
                occupancy: 1,
                lost_update: false,
                stale_write: false,
                refused_write: false,
                challenged: None,
            },
        },
        What::Released { release: ReleaseKind::Confirmed, surely_ended: 0, requests: 1 },
    ];

    /// Writes events; an alarm is raised before the event at its position. Reads the file back.
    fn written(limit: u64, events: &[Event], alarms: &[(usize, Alarm)]) -> (Vec<Event>, Recorded) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("history.jsonl.gz");
        let mut file = HistoryFile::create(&path).unwrap();
        let header =
            Header { backend: "memory".to_owned(), trial: 1, clients: 3, keys: 1, start: 0, measure: 0, end: 99 };
        let found = Rc::new(Cell::new(Alarm::default()));
        let mut history = TrialHistory::begin(&mut file, &header, limit, Rc::clone(&found));
        for (i, event) in events.iter().enumerate() {
            if let Some((_, alarm)) = alarms.iter().find(|(at, _)| *at == i) {
                found.set(*alarm);
            }
            history.observe(event);
            history.pause();
        }
        let recorded = history.end();
        file.finish().unwrap();
        let mut text = String::new();
        flate2::read::GzDecoder::new(std::fs::File::open(&path).unwrap()).read_to_string(&mut text).unwrap();
        let mut parser = Parser::default();
        let mut lines = text.lines().map(|line| parser.parse(line).unwrap());
        assert_eq!(lines.next(), Some(Line::Result(header)));
        let events = lines.map(|line| if let Line::Event(event) = line { event } else { panic!("{line:?}") });
        (events.collect(), recorded)
    }

    /// Client 0 holds from 0 s to 50 s; client 1 makes a cycle a second.
    fn long_and_short() -> Vec<Event> {
        let event = |t, client, what| Event { t, client, attempt: 0, key: 0, what };
        let mut events = vec![event(0, 0, CYCLE[0]), event(1, 0, CYCLE[1])];
        for second in 1..50_u64 {
            for (i, what) in (0_u64..).zip(CYCLE) {
                events.push(event(second * S + i, 1, what));
            }
        }
        events.extend([event(50 * S, 0, CYCLE[2]), event(50 * S + 1, 0, CYCLE[3])]);
        events
    }

    fn same(a: &[Event], b: &[Event]) -> bool {
        let shape = |e: &Event| (e.t, e.client, std::mem::discriminant(&e.what));
        a.iter().map(shape).eq(b.iter().map(shape))
    }

    #[test]
    fn within_the_limit_everything_is_written() {
        let events = long_and_short();
        let (read, recorded) = written(50, &events, &[]);
        assert!(same(&read, &events));
        assert_eq!(recorded, Recorded { attempts: 50, complete: true });
        assert!(!written(49, &events, &[]).1.complete);
    }

    #[test]
    fn beyond_the_limit_only_the_first_attempts_are_written_each_to_its_end() {
        let (read, recorded) = written(2, &long_and_short(), &[]);
        let times: Vec<u64> = read.iter().map(|event| event.t).collect();
        assert_eq!(times, [0, 1, S, S + 1, S + 2, S + 3, 50 * S, 50 * S + 1]);
        assert_eq!(recorded, Recorded { attempts: 2, complete: false });
    }

    #[test]
    fn what_a_person_did_is_written_beyond_the_limit_too() {
        let mut events = long_and_short();
        let by_hand = [
            (10 * S, What::PauseBegins),
            (12 * S, What::Marker { number: 1, at: 11 * S }),
            (15 * S, What::Paused { from: 10 * S }),
        ];
        events.retain(|event| !(10 * S..15 * S).contains(&event.t));
        events.extend(by_hand.map(|(t, what)| Event { t, client: Event::NOBODY, attempt: 0, key: 0, what }));
        events.sort_by_key(|event| event.t);
        let (read, recorded) = written(2, &events, &[]);
        assert!(!recorded.complete);
        let nobody: Vec<What> = read.iter().filter(|e| e.client == Event::NOBODY).map(|e| e.what).collect();
        assert_eq!(nobody, by_hand.map(|(_, what)| what));
    }

    #[test]
    fn a_violation_found_late_is_surrounded_and_the_file_stays_in_order() {
        let events = long_and_short();
        // The grant at 20 s is found to be a double one when client 0 leaves at 50 s.
        let last = events.len() - 1;
        let (read, _) = written(2, &events, &[(last, Alarm { count: 1, at: 20 * S + 1, ..Alarm::default() })]);
        assert!(read.is_sorted_by_key(|event| event.t));
        for second in 20..22 {
            assert_eq!(read.iter().filter(|e| e.t / S == second).count(), 4, "{second}");
        }
        assert_eq!(read.iter().filter(|e| e.t < S).count(), 2);
        assert_eq!(read.last().map(|e| e.t), Some(50 * S + 1));
        assert!(!read.iter().any(|e| e.t / S > 1 && e.t / S < 19));
    }
}
