//! The log of a run: what lockbench and the libraries that it uses say while it
//! runs, as lines in a ring (for the screen), in `run.log` of the run directory, and
//! on stderr where the user asked for a filter. The filter is in `filter`, the way
//! from an event to a line in `layer`, the file in `file`, the removal of secrets in
//! `redaction`.
//!
//! Nothing on the measuring path speaks. An event of a library that the filter does
//! not want costs that library one comparison of levels.

mod file;
mod filter;
mod layer;
mod redaction;

use std::io;
use std::path::Path;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime};

use tracing::level_filters::LevelFilter;
use tracing_log::{AsLog, LogTracer};
use tracing_subscriber::layer::SubscriberExt;

use self::file::{LogFile, text_of};
use self::layer::{Lines, one_line};
use self::redaction::redacted;
use super::{Failure, lock, tell};
use lockbench_core::clock::Clock;
use lockbench_core::lock::Endpoint;
use lockbench_core::record::{LogLevel, LogLine, LogRing};

/// Target of lines about the run as a whole; a filter can name it.
pub const RUN: &str = "lockbench::run";
/// Target of lines about systems and their servers; `stack` uses it as well.
pub const SERVERS: &str = "lockbench::servers";
/// Target of lines about one trial.
pub const TRIAL: &str = "lockbench::trial";
/// Target of lines about files.
pub const FILES: &str = "lockbench::files";

/// How long a line waits in memory at most before it is in the file.
const FLUSH: Duration = Duration::from_secs(1);

/// Writes a line to stderr, or through what draws there.
type Show = Box<dyn Fn(&str) + Send>;

/// The log of this process. Lines come from any thread; dropping it writes the last
/// ones out.
pub struct Log {
    inner: Arc<Inner>,
    /// Whether the user asked for lines: then they are on stderr too.
    asked: bool,
    /// Libraries that speak while attempts are under way: what the figures must be
    /// read with.
    warning: Option<String>,
    flusher: Mutex<Option<Flusher>>,
}

/// What lines go through; the subscriber, which is global, holds it as well.
struct Inner {
    clock: Clock,
    start_ns: u64,
    /// Wall time of the start. Later lines count from it by the monotonic clock: they
    /// stay in order where the wall clock is set meanwhile.
    started: SystemTime,
    ring: LogRing,
    secrets: Mutex<Vec<Endpoint>>,
    filed: Mutex<Filed>,
    show: Mutex<Option<Show>>,
}

/// Where lines are stored.
#[derive(Default)]
struct Filed {
    file: Option<LogFile>,
    /// Lines of the ring that were stored, or are of a run before: the next file
    /// begins after them.
    until: u64,
}

/// Writes out once per second what waits in memory.
struct Flusher {
    /// Its end is that of the thread.
    end: Sender<()>,
    thread: JoinHandle<()>,
}

impl Log {
    /// Starts to listen, with the filter as typed, or the default one.
    ///
    /// A second log in one process (tests) hears nothing, since a subscriber is for
    /// good; it breaks nothing either.
    ///
    /// # Errors
    /// If the filter makes no sense.
    pub fn start(filter: Option<&str>) -> Result<Self, Failure> {
        let targets = filter::parse(filter)?;
        let mut log = Self::new(filter.is_some());
        log.warning = filter::warning(&targets);
        let subscriber = tracing_subscriber::registry().with(targets).with(Lines(Arc::clone(&log.inner)));
        if tracing::subscriber::set_global_default(subscriber).is_ok() {
            // Another logger may be set already; this one only brings more lines.
            let _ = LogTracer::builder().with_max_level(LevelFilter::current().as_log()).init();
        }
        log.give_screen_back();
        Ok(log)
    }

    fn new(asked: bool) -> Self {
        let clock = Clock::monotonic();
        let inner = Inner {
            clock,
            start_ns: clock.now(),
            started: SystemTime::now(),
            ring: LogRing::default(),
            secrets: Mutex::default(),
            filed: Mutex::default(),
            show: Mutex::default(),
        };
        Self { inner: Arc::new(inner), asked, warning: None, flusher: Mutex::default() }
    }

    /// Returns the ring of the last lines, for a screen.
    pub fn ring(&self) -> LogRing {
        self.inner.ring.clone()
    }

    /// Returns what the log itself does to the figures, if anything.
    pub fn warning(&self) -> Option<&str> {
        self.warning.as_deref()
    }

    /// Hides the passwords of these endpoints in every line.
    pub fn keep_secret<'a>(&self, endpoints: impl Iterator<Item = &'a Endpoint>) {
        let mut secrets = lock(&self.inner.secrets);
        for endpoint in endpoints {
            if !secrets.contains(endpoint) {
                secrets.push(endpoint.clone());
            }
        }
    }

    /// Writes lines to `run.log` in this directory from now on, beginning with the first line
    /// that was in no file yet. From `limit` bytes on the file begins anew, and the one before is
    /// `run.log.1`.
    ///
    /// # Errors
    /// If the file cannot be made; names it.
    pub fn write_to(&self, directory: &Path, limit: u64) -> io::Result<()> {
        let mut file = LogFile::create(directory, limit)?;
        let mut filed = lock(&self.inner.filed);
        let missed = self.inner.ring.since(filed.until);
        for line in &missed.lines {
            file.write(&text_of(line, self.inner.started), line.level);
        }
        *filed = Filed { file: Some(file), until: missed.next };
        drop(filed);
        let mut flusher = lock(&self.flusher);
        if flusher.is_none() {
            *flusher = Flusher::start(Arc::clone(&self.inner));
        }
        Ok(())
    }

    /// Has the disk take what waits in memory.
    ///
    /// # Errors
    /// If a line could not be written, now or before; names the file.
    pub fn sync(&self) -> io::Result<()> {
        lock(&self.inner.filed).file.as_mut().map_or(Ok(()), LogFile::sync)
    }

    /// Ends the file of a run: later lines belong to the next one, if there is one.
    pub fn close(&self) {
        if let Some(mut file) = lock(&self.inner.filed).file.take() {
            // `sync` reported already whether the run has all its files.
            let _ = file.flush();
        }
    }

    /// Stops writing lines to stderr: the terminal UI draws on the whole screen.
    pub fn take_screen(&self) {
        *lock(&self.inner.show) = None;
    }

    /// Writes lines to stderr again, if the user asked for them.
    pub fn give_screen_back(&self) {
        self.show_through(tell);
    }

    /// Writes lines through something that draws on stderr too, if the user asked for
    /// them.
    pub fn show_through(&self, show: impl Fn(&str) + Send + 'static) {
        if self.asked {
            *lock(&self.inner.show) = Some(Box::new(show));
        }
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        if let Some(Flusher { end, thread }) = lock(&self.flusher).take() {
            drop(end);
            let _ = thread.join();
        }
        self.close();
    }
}

impl Flusher {
    /// `None` where no thread can be had: lines then wait for more lines, or the end.
    fn start(inner: Arc<Inner>) -> Option<Self> {
        let (end, ended) = mpsc::channel();
        let run = move || {
            while ended.recv_timeout(FLUSH) == Err(RecvTimeoutError::Timeout) {
                if let Some(file) = lock(&inner.filed).file.as_mut() {
                    // `sync` reports what went wrong.
                    let _ = file.flush();
                }
            }
        };
        let thread = std::thread::Builder::new().name("log".to_owned()).spawn(run).ok()?;
        Some(Self { end, thread })
    }
}

impl Inner {
    /// Takes a line: to the ring, to the file, to the screen.
    fn take(&self, level: LogLevel, target: &str, message: &str) {
        // Secrets first: the rest of one that is cut could not be recognised.
        let message = one_line(&redacted(message, &lock(&self.secrets)));
        let since_start_ns = self.clock.now().saturating_sub(self.start_ns);
        let line = LogLine { since_start_ns, level, target: target.to_owned(), message };
        let text = text_of(&line, self.started);
        // Held meanwhile: lines are in the file in the order of the ring.
        let mut filed = lock(&self.filed);
        self.ring.push(line);
        if let Some(file) = filed.file.as_mut() {
            file.write(&text, level);
            filed.until = self.ring.written();
        }
        drop(filed);
        if let Some(show) = lock(&self.show).as_ref() {
            show(text.trim_end());
        }
    }
}

#[cfg(test)]
mod tests;
