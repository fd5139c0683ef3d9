//! What happened around a run, in words: the lines of its log, kept in a bounded
//! ring that any number of readers follow at their own pace. Nothing on the
//! measuring path writes lines, so a mutex is all that the ring needs. Where the
//! lines come from is `cli`'s affair.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

/// Lines that a ring keeps unless told otherwise: some screens full, well below a
/// megabyte.
pub const LOG_LINES: usize = 2_000;

/// How much a line matters, the gravest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum LogLevel {
    /// Something failed.
    Error,
    /// Something is odd.
    Warn,
    /// What a person who follows a run wants to know.
    Info,
    /// Details.
    Debug,
    /// Details of details.
    Trace,
}

impl LogLevel {
    /// Every level, the gravest first.
    pub const ALL: [Self; 5] = [Self::Error, Self::Warn, Self::Info, Self::Debug, Self::Trace];

    /// Its name, as filters spell it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}

impl fmt::Display for LogLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// One line. Its texts have no control characters and no secrets: who writes it
/// sees to that.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// Nanoseconds since the log began.
    pub since_start_ns: u64,
    /// How much it matters.
    pub level: LogLevel,
    /// The part of the program or library that speaks, as a module path.
    pub target: String,
    /// What it says, fields included.
    pub message: String,
}

/// What a reader of a [`LogRing`] has not seen yet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogNews {
    /// The lines, oldest first.
    pub lines: Vec<LogLine>,
    /// What to ask for next time.
    pub next: u64,
    /// Lines that were asked for and had to make room before they were taken.
    pub dropped: u64,
}

/// The last lines of a log. Clones are the same ring.
#[derive(Clone, Debug)]
pub struct LogRing(Arc<Mutex<Ring>>);

#[derive(Debug)]
struct Ring {
    capacity: usize,
    lines: VecDeque<LogLine>,
    /// Number of the oldest line in here, which is how many were dropped.
    first: u64,
}

impl LogRing {
    /// A ring of that many lines, one at least.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        let capacity = capacity.max(1);
        Self(Arc::new(Mutex::new(Ring { capacity, lines: VecDeque::new(), first: 0 })))
    }

    /// Adds a line; the oldest makes room where there is none.
    pub fn push(&self, line: LogLine) {
        let mut ring = self.ring();
        if ring.lines.len() == ring.capacity {
            ring.lines.pop_front();
            ring.first += 1;
        }
        ring.lines.push_back(line);
    }

    /// The lines from number `n` on, counted from 0: everything new to a reader who
    /// gives what the last answer had as `next`.
    #[must_use]
    pub fn since(&self, n: u64) -> LogNews {
        let ring = self.ring();
        let next = ring.first + ring.lines.len() as u64;
        let from = n.clamp(ring.first, next);
        let lines = ring.lines.iter().skip((from - ring.first) as usize).cloned().collect();
        LogNews { lines, next, dropped: ring.first.saturating_sub(n) }
    }

    /// Number that the next line will have: how many there were so far.
    #[must_use]
    pub fn written(&self) -> u64 {
        let ring = self.ring();
        ring.first + ring.lines.len() as u64
    }

    /// Lines that made room for others so far.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.ring().first
    }

    /// A writer that panicked left whole lines behind: they are good.
    fn ring(&self) -> MutexGuard<'_, Ring> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for LogRing {
    fn default() -> Self {
        Self::new(LOG_LINES)
    }
}

#[cfg(test)]
mod tests {
    use super::{LogLevel, LogLine, LogRing};

    fn line(number: u64) -> LogLine {
        LogLine {
            since_start_ns: number,
            level: LogLevel::Info,
            target: "lockbench".to_owned(),
            message: format!("line {number}"),
        }
    }

    fn numbers(lines: &[LogLine]) -> Vec<u64> {
        lines.iter().map(|line| line.since_start_ns).collect()
    }

    #[test]
    fn a_reader_takes_only_what_is_new() {
        let ring = LogRing::new(10);
        assert_eq!((ring.since(0).lines.len(), ring.since(0).next), (0, 0));
        (0..3).for_each(|number| ring.push(line(number)));
        let news = ring.since(0);
        assert_eq!((numbers(&news.lines), news.next, news.dropped), (vec![0, 1, 2], 3, 0));
        assert!(ring.since(news.next).lines.is_empty());
        ring.clone().push(line(3));
        assert_eq!(numbers(&ring.since(news.next).lines), [3]);
        assert_eq!(ring.written(), 4);
    }

    #[test]
    fn a_full_ring_drops_the_oldest_and_counts_them() {
        let ring = LogRing::new(3);
        (0..8).for_each(|number| ring.push(line(number)));
        let news = ring.since(0);
        assert_eq!((numbers(&news.lines), news.next, news.dropped), (vec![5, 6, 7], 8, 5));
        // A reader who had seen some of them missed fewer.
        assert_eq!((ring.since(4).dropped, ring.since(7).dropped, ring.dropped()), (1, 0, 5));
    }

    #[test]
    fn a_reader_from_the_future_waits_and_breaks_nothing() {
        let ring = LogRing::new(3);
        ring.push(line(0));
        let news = ring.since(99);
        assert_eq!((news.lines.len(), news.next, news.dropped), (0, 1, 0));
    }

    #[test]
    fn levels_are_in_order_of_gravity_and_spelled_as_filters_do() {
        assert!(LogLevel::Error < LogLevel::Warn && LogLevel::Debug < LogLevel::Trace);
        assert_eq!(LogLevel::ALL.map(LogLevel::name), ["error", "warn", "info", "debug", "trace"]);
        assert_eq!(format!("[{:<5}]", LogLevel::Info), "[info ]");
    }
}
