//! The terminal UI on this terminal, for a run under way and for a stored one alike.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::event::Event;
use rustix::termios::{LocalModes, tcgetattr};
use rustix::time::{ClockId, clock_gettime};

use super::config::UiOptions;
use super::tell;
use lockbench_core::clock::Clock;
use lockbench_dashboard::app::{App, Events, Pace, Updates};
use lockbench_dashboard::controls::Controls;
use lockbench_dashboard::term::{Keyboard, Screen, Term};
use lockbench_dashboard::user_view::UserView;

/// Returns the columns of the terminal on stdout; `None` for a file or pipe.
pub fn terminal_width() -> Option<u16> {
    rustix::termios::tcgetwinsize(io::stdout()).ok().map(|size| size.ws_col).filter(|columns| *columns > 0)
}

/// A terminal that was taken. Clones are the same; dropping the last one gives it back.
#[derive(Clone)]
pub struct Taken {
    term: Arc<Term>,
    gone: Arc<AtomicBool>,
    cost: Arc<Cost>,
}

/// What drawing cost so far.
#[derive(Default)]
struct Cost {
    cpu_ns: AtomicU64,
    frames: AtomicU64,
}

impl Taken {
    /// Takes the terminal.
    ///
    /// # Errors
    /// If it does not let itself be taken.
    pub fn take(options: &UiOptions) -> io::Result<Self> {
        if left_raw() {
            tell(
                "lockbench: this terminal shows nothing of what is typed, as after a program that was killed: `reset` mends it",
            );
        }
        let term = Arc::new(Term::enter(options.mouse)?);
        let gone = Arc::new(AtomicBool::new(false));
        term.install_panic_hook(Arc::clone(&gone));
        Ok(Self { term, gone, cost: Arc::default() })
    }

    /// Returns whether it was given back, by a panic or because drawing ended.
    pub fn gone(&self) -> bool {
        self.gone.load(Ordering::SeqCst)
    }

    /// Goes back to the shell until it continues this process.
    ///
    /// # Errors
    /// If the terminal cannot be taken again.
    pub fn suspend(&self) -> io::Result<()> {
        self.term.suspend()
    }

    /// Returns the processor nanoseconds of the thread that draws, and the frames drawn.
    pub fn cost(&self) -> (u64, u64) {
        (self.cost.cpu_ns.load(Ordering::Relaxed), self.cost.frames.load(Ordering::Relaxed))
    }

    /// Lends the terminal to `draw`, and gives it back, also when drawing panics.
    ///
    /// # Errors
    /// If the terminal is gone.
    pub fn lend(
        &self,
        draw: impl FnOnce(&mut Terminal<CrosstermBackend<Screen>>, &mut Keys<'_>) -> io::Result<()>,
    ) -> io::Result<()> {
        let _back = Back(self);
        let mut terminal = Terminal::new(CrosstermBackend::new(self.term.screen()))?;
        draw(&mut terminal, &mut Keys { keyboard: self.term.keyboard(), taken: self })
    }

    /// Draws on this thread until the user has left.
    ///
    /// # Errors
    /// If the terminal is gone.
    pub fn draw(
        &self,
        options: &UiOptions,
        controls: &dyn Controls,
        clock: Clock,
        updates: &mut dyn Updates,
    ) -> io::Result<()> {
        let mut app = App::new(UserView::new(options.theme.theme(), options.ascii), controls, clock);
        let pace = Pace { fps: options.fps, stay: options.stay, panic_at: options.panic_at };
        self.lend(|terminal, events| {
            let shown = app.run(terminal, events, updates, pace);
            self.cost.measure(app.frames());
            shown
        })
    }
}

/// Returns whether the terminal was left raw, as by a dashboard that was killed. A program that
/// reads a password turns off the echo alone.
fn left_raw() -> bool {
    let modes = LocalModes::ICANON | LocalModes::ECHO;
    tcgetattr(io::stdin()).is_ok_and(|now| !now.local_modes.intersects(modes))
}

/// Gives the terminal back when it is dropped.
struct Back<'a>(&'a Taken);

impl Drop for Back<'_> {
    fn drop(&mut self) {
        self.0.gone.store(true, Ordering::SeqCst);
        self.0.term.leave();
    }
}

impl Cost {
    /// Reads the clock of this thread.
    fn measure(&self, frames: u64) {
        let t = clock_gettime(ClockId::ThreadCPUTime);
        self.cpu_ns.store(t.tv_sec as u64 * 1_000_000_000 + t.tv_nsec as u64, Ordering::Relaxed);
        self.frames.store(frames, Ordering::Relaxed);
    }
}

/// Keys, clicks and changes of size.
pub struct Keys<'a> {
    keyboard: Keyboard,
    taken: &'a Taken,
}

impl Events for Keys<'_> {
    fn next(&mut self, wait: Duration) -> io::Result<Option<Event>> {
        if !wait.is_zero() {
            let cost = &self.taken.cost;
            cost.measure(cost.frames.load(Ordering::Relaxed) + 1);
        }
        match self.keyboard.next(wait)? {
            // As after a change of size: what is on the screen is unknown.
            None if self.taken.term.torn() => Ok(Some(Event::Resize(0, 0))),
            event => Ok(event),
        }
    }
}
