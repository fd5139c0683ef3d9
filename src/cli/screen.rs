//! The terminal UI on a thread of its own, and what it may do to the run.

use std::collections::VecDeque;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::event::{self, Event};
use rustix::time::{ClockId, clock_gettime};

use super::config::UiOptions;
use super::narrate::RUN;
use super::session::Interrupt;
use crate::clock::Clock;
use crate::load::Steering;
use crate::record::{LogLine, LogRing};
use crate::report::live::{Closed, Publisher, Subscriber, Update, feed};
use crate::report::write_file;
use crate::tui::app::{App, Events, Pace, Updates};
use crate::tui::controls::{Controls, Saved};
use crate::tui::look::Look;
use crate::tui::term::{Keyboard, Term};

/// What the user may steer from the screen.
#[derive(Clone)]
pub struct Steer {
    pub interrupt: Interrupt,
    pub steering: Steering,
    pub clock: Clock,
    /// Somebody wants to know what the servers say.
    pub servers_wanted: Arc<AtomicBool>,
    /// The run directory, which changes its name at the end; `None` before there is one.
    pub directory: Arc<Mutex<Option<PathBuf>>>,
    pub log: LogRing,
}

/// The screen while it is up.
pub struct Screen {
    publisher: Publisher,
    thread: Option<JoinHandle<()>>,
    cost: Arc<Cost>,
    /// It is gone, whether or not anybody asked for that.
    gone: Arc<AtomicBool>,
    pace: Duration,
}

/// What drawing cost so far.
#[derive(Default)]
struct Cost {
    cpu_ns: AtomicU64,
    frames: AtomicU64,
}

impl Screen {
    /// Takes the terminal and begins to draw.
    ///
    /// # Errors
    /// If the terminal does not let itself be taken.
    pub fn open(options: &UiOptions, steer: Steer) -> io::Result<Self> {
        let term = Arc::new(Term::enter(options.mouse)?);
        let gone = Arc::new(AtomicBool::new(false));
        term.install_panic_hook(Arc::clone(&gone));
        let (publisher, subscriber) = feed();
        let cost = Arc::<Cost>::default();
        let drawing = Drawing { options: *options, term, steer, cost: Arc::clone(&cost), gone: Arc::clone(&gone) };
        let thread = std::thread::Builder::new().name("display".to_owned()).spawn(move || drawing.run(subscriber))?;
        let pace = Duration::from_secs(1) / options.fps;
        Ok(Self { publisher, thread: Some(thread), cost, gone, pace })
    }

    /// Where updates go.
    pub fn publisher(&self) -> Publisher {
        self.publisher.clone()
    }

    /// Time between the snapshots that it shows.
    pub fn pace(&self) -> Duration {
        self.pace
    }

    /// Has it gone by itself?
    pub fn gone(&self) -> bool {
        self.gone.load(Ordering::SeqCst)
    }

    /// Waits until the user has left, and gives the terminal back. Doing it again is
    /// harmless.
    pub fn close(&mut self) {
        self.publisher.close();
        if let Some(thread) = self.thread.take() {
            // A panic has told its story already, and must not cost the run.
            let _ = thread.join();
        }
    }

    /// Processor nanoseconds of the drawing thread, and frames drawn, up to now or to
    /// its end.
    pub fn cost(&self) -> (u64, u64) {
        (self.cost.cpu_ns.load(Ordering::Relaxed), self.cost.frames.load(Ordering::Relaxed))
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.close();
    }
}

/// The drawing thread's own.
struct Drawing {
    options: UiOptions,
    term: Arc<Term>,
    steer: Steer,
    cost: Arc<Cost>,
    gone: Arc<AtomicBool>,
}

/// Says that the screen is gone, also when the thread panics.
struct Gone(Arc<AtomicBool>, Arc<Term>);

impl Drop for Gone {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
        self.1.leave();
    }
}

impl Drawing {
    fn run(self, updates: Subscriber) {
        let gone = Gone(Arc::clone(&self.gone), Arc::clone(&self.term));
        let Ok(mut terminal) = Terminal::new(CrosstermBackend::new(self.term.screen())) else { return };
        let hands = Hands { steer: self.steer.clone(), gone: Arc::clone(&self.gone), term: Arc::clone(&self.term) };
        let mut app = App::new(Look::new(self.options.theme.theme(), self.options.ascii), &hands, self.steer.clock);
        let pace = Pace { fps: self.options.fps, stay: self.options.stay, panic_at: self.options.panic_at };
        let mut updates = Told { updates, log: self.steer.log.clone(), next: 0, lines: VecDeque::new() };
        let mut events =
            Keys { keyboard: self.term.keyboard(), gone: Arc::clone(&self.gone), cost: Arc::clone(&self.cost) };
        let shown = app.run(&mut terminal, &mut events, &mut updates, pace);
        if let Err(error) = shown
            && !self.gone.load(Ordering::SeqCst)
        {
            tracing::warn!(target: RUN, "the display is gone: {error}");
        }
        self.cost.measure();
        drop(gone);
    }
}

impl Cost {
    fn measure(&self) {
        let t = clock_gettime(ClockId::ThreadCPUTime);
        self.cpu_ns.store(t.tv_sec as u64 * 1_000_000_000 + t.tv_nsec as u64, Ordering::Relaxed);
    }
}

/// Updates of the run, and the lines of its log.
struct Told {
    updates: Subscriber,
    log: LogRing,
    next: u64,
    lines: VecDeque<LogLine>,
}

impl Updates for Told {
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

/// Keys, clicks and changes of size of this terminal.
struct Keys {
    keyboard: Keyboard,
    gone: Arc<AtomicBool>,
    cost: Arc<Cost>,
}

impl Events for Keys {
    fn next(&mut self, wait: Duration) -> io::Result<Option<Event>> {
        if self.gone.load(Ordering::SeqCst) {
            return Err(io::Error::other("a thread panicked"));
        }
        if !wait.is_zero() {
            self.cost.frames.fetch_add(1, Ordering::Relaxed);
            self.cost.measure();
        }
        // Crossterm never comes back from a terminal that is gone; the keyboard does.
        self.keyboard.wait(wait)?;
        if event::poll(Duration::ZERO)? { Ok(Some(event::read()?)) } else { Ok(None) }
    }
}

/// What the keys can do.
struct Hands {
    steer: Steer,
    gone: Arc<AtomicBool>,
    term: Arc<Term>,
}

impl Controls for Hands {
    fn pause(&self, paused: bool) {
        if paused {
            self.steer.steering.pause();
        } else {
            self.steer.steering.resume();
        }
    }

    fn paused(&self) -> bool {
        self.steer.steering.paused()
    }

    fn mark(&self) -> Result<(), String> {
        if self.steer.steering.mark(self.steer.clock.now()) {
            Ok(())
        } else {
            Err("too many markers at once".to_owned())
        }
    }

    fn finish(&self) {
        self.steer.interrupt.signals.interrupt(&self.steer.interrupt.stop);
    }

    fn abort(&self) {
        self.steer.interrupt.signals.interrupt(&self.steer.interrupt.stop);
    }

    fn look_at_servers(&self, wanted: bool) {
        self.steer.servers_wanted.store(wanted, Ordering::Relaxed);
    }

    fn set_speed(&self, _speed: f64) {}

    fn leave(&self) -> bool {
        self.gone.load(Ordering::SeqCst)
    }

    fn leaving(&self) -> bool {
        self.steer.interrupt.signals.terminated()
    }

    fn save(&self, files: &[Saved]) -> Result<String, String> {
        let directory = self.steer.directory.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(directory) = directory.as_ref() else { return Err("the run has no directory yet".to_owned()) };
        let place = directory.join("screens");
        for file in files {
            write_file(&place, &file.name, &file.bytes).map_err(|error| error.to_string())?;
        }
        Ok(place.display().to_string())
    }

    fn suspend(&self) -> io::Result<()> {
        self.term.suspend()
    }
}
