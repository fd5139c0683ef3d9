//! The terminal UI of a run under way, on a thread of its own, and what it may do to the
//! run.

use std::collections::VecDeque;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use super::config::UiOptions;
use super::lock;
use super::log::RUN;
use super::signal::Interrupt;
use super::terminal::Taken;
use lockbench_core::clock::Clock;
use lockbench_core::record::{LogLine, LogRing};
use lockbench_dashboard::app::Updates;
use lockbench_dashboard::controls::{Controls, Paused, Saved};
use lockbench_engine::Steering;
use lockbench_report::live::{Closed, Publisher, Subscriber, Update, feed};
use lockbench_report::write_file;

/// What the user may steer from the screen.
#[derive(Clone)]
pub struct Steer {
    pub interrupt: Interrupt,
    pub steering: Steering,
    pub clock: Clock,
    /// Whether the screen shows what the servers say.
    pub servers_wanted: Arc<AtomicBool>,
    /// The run directory, which changes its name at the end; `None` before there is one.
    pub directory: Arc<Mutex<Option<PathBuf>>>,
    pub log: LogRing,
}

impl Steer {
    /// Returns the controls of a session: no run directory yet, and nothing asked.
    pub fn new(interrupt: Interrupt, log: LogRing) -> Self {
        Self {
            interrupt,
            steering: Steering::default(),
            clock: Clock::monotonic(),
            servers_wanted: Arc::default(),
            directory: Arc::default(),
            log,
        }
    }
}

/// The screen while it is up. Dropping it waits until the user has left.
pub struct Screen {
    publisher: Publisher,
    thread: Option<JoinHandle<()>>,
    taken: Taken,
    pace: Duration,
}

impl Screen {
    /// Takes the terminal and begins to draw.
    ///
    /// # Errors
    /// If the terminal does not let itself be taken.
    pub fn open(options: &UiOptions, steer: Steer) -> io::Result<Self> {
        let taken = Taken::take(options)?;
        let (publisher, subscriber) = feed();
        let (options, mine) = (*options, taken.clone());
        let draw = move || {
            let mut updates =
                RunUpdates { updates: subscriber, log: steer.log.clone(), next: 0, lines: VecDeque::new() };
            let clock = steer.clock;
            let hands = Hands { steer, taken: mine.clone() };
            if let Err(error) = mine.draw(&options, &hands, clock, &mut updates) {
                tracing::warn!(target: RUN, "the display is gone: {error}");
            }
        };
        let thread = std::thread::Builder::new().name("display".to_owned()).spawn(draw)?;
        Ok(Self { publisher, thread: Some(thread), taken, pace: Duration::from_secs(1) / options.fps })
    }

    /// Returns the feed that updates go to.
    pub fn publisher(&self) -> Publisher {
        self.publisher.clone()
    }

    /// Returns the time between the snapshots that it shows.
    pub fn pace(&self) -> Duration {
        self.pace
    }

    /// Returns whether the terminal was given back already.
    pub fn gone(&self) -> bool {
        self.taken.gone()
    }

    /// Returns the processor nanoseconds of the drawing thread, and the frames drawn.
    pub fn cost(&self) -> (u64, u64) {
        self.taken.cost()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.publisher.close();
        if let Some(thread) = self.thread.take() {
            // A panic was printed already, and must not end the run.
            let _ = thread.join();
        }
    }
}

/// Updates of the run, and the lines of its log.
struct RunUpdates {
    updates: Subscriber,
    log: LogRing,
    next: u64,
    lines: VecDeque<LogLine>,
}

impl Updates for RunUpdates {
    fn take(&mut self) -> Result<Option<Update>, Closed> {
        if self.lines.is_empty() {
            let news = self.log.since(self.next);
            self.next = news.next;
            self.lines.extend(news.lines);
        }
        match self.lines.pop_front() {
            Some(line) => Ok(Some(Update::Log(line))),
            None => self.updates.take(),
        }
    }
}

/// What the keys can do.
struct Hands {
    steer: Steer,
    taken: Taken,
}

impl Hands {
    /// Returns the directory of the user's files.
    fn screens(&self) -> Option<PathBuf> {
        lock(&self.steer.directory).as_ref().map(|directory| directory.join("screens"))
    }
}

impl Controls for Hands {
    fn pause(&self, paused: bool) {
        if paused {
            self.steer.steering.pause();
        } else {
            self.steer.steering.resume();
        }
    }

    fn paused(&self) -> Paused {
        let steering = &self.steer.steering;
        match (steering.paused(), steering.held()) {
            (true, true) => Paused::InForce,
            (true, false) => Paused::Asked,
            (false, _) => Paused::No,
        }
    }

    fn mark(&self) -> Result<(), String> {
        if self.steer.steering.mark(self.steer.clock.now()) {
            Ok(())
        } else {
            Err("no load runs that could take a marker now".to_owned())
        }
    }

    fn finish(&self) {
        self.steer.interrupt.interrupt();
    }

    fn abort(&self) {
        self.finish();
    }

    fn leave(&self) -> bool {
        self.taken.gone()
    }

    fn leaving(&self) -> bool {
        self.steer.interrupt.must_leave()
    }

    fn look_at_servers(&self, wanted: bool) {
        self.steer.servers_wanted.store(wanted, Ordering::Relaxed);
    }

    fn set_speed(&self, _speed: f64) {}

    fn taken(&self, name: &str) -> bool {
        self.screens().is_some_and(|place| place.join(name).exists())
    }

    fn save(&self, files: &[Saved]) -> Result<String, String> {
        let place = self.screens().ok_or("the run has no directory yet")?;
        for file in files {
            write_file(&place, &file.name, &file.bytes).map_err(|error| error.to_string())?;
        }
        Ok(place.display().to_string())
    }

    fn suspend(&self) -> io::Result<()> {
        self.taken.suspend()
    }
}
