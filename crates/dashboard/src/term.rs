//! The terminal, taken and given back: raw mode, alternate screen, hidden cursor and
//! the mouse, on stderr, so that stdout stays free for results. Whatever ends the
//! dashboard (its end, Ctrl-Z, a panic on any thread) goes through [`Term::leave`],
//! which may be called by any thread, at any time, twice. None of it blocks for longer
//! than fractions of a second, or panics, where the terminal hangs or is gone.
//!
//! What is drawn on it is the affair of others. Signals are, too: a process that is
//! killed by one it does not handle cannot restore anything.

mod keyboard;
mod output;
mod screen;

use std::fs::File;
use std::io::{self, IsTerminal};
use std::os::fd::AsFd;
use std::panic;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, TryLockError};
use std::time::{Duration, Instant};

use ratatui::crossterm::Command;
use ratatui::crossterm::cursor::{Hide, Show};
use ratatui::crossterm::event::DisableMouseCapture;
use ratatui::crossterm::style::ResetColor;
use ratatui::crossterm::terminal::{
    Clear, ClearType, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen,
};
use rustix::process::getpgrp;
use rustix::termios::{OptionalActions, QueueSelector, Termios, tcflush, tcgetattr, tcgetpgrp, tcsetattr};
use signal_hook::consts::SIGTSTP;

pub use self::keyboard::Keyboard;
use self::output::Output;
pub use self::screen::Screen;

/// Clicks and the wheel, with coordinates beyond 223. Not crossterm's
/// `EnableMouseCapture`, which has every movement of the mouse reported as well.
const MOUSE: &str = "\x1b[?1000h\x1b[?1006h";

/// Longest time for a frame: a slow line takes seconds for a large one.
const FRAME_LIMIT: Duration = Duration::from_secs(5);
/// Longest time to take a terminal or to give it back.
const TURN_LIMIT: Duration = Duration::from_millis(250);
/// Longest wait for another thread that takes it or gives it back.
const PEER_LIMIT: Duration = Duration::from_millis(500);

/// The terminal while it is ours. Dropping it gives it back. One a process.
pub struct Term {
    shared: Arc<Shared>,
}

struct Shared {
    /// Where keys come from; its modes are the terminal's.
    input: File,
    output: Output,
    mouse: bool,
    /// How many want to give the terminal back: a frame under way is broken off.
    leaving: AtomicUsize,
    /// The terminal took a part of a frame only: what is on it is unknown.
    torn: AtomicBool,
    /// A thread panicked: the terminal is not taken again.
    over: AtomicBool,
    /// The modes to go back to; `None` while the terminal is not ours.
    before: Mutex<Option<Termios>>,
}

impl Term {
    /// Takes the terminal: keys from stdin, if that is a terminal, the screen on
    /// stderr.
    ///
    /// # Errors
    /// If there is no terminal, or it does not take what is written to it. It is left
    /// as it was then.
    pub fn enter(mouse: bool) -> io::Result<Self> {
        let stderr = io::stderr().as_fd().try_clone_to_owned()?;
        let stdin = io::stdin();
        let input = if stdin.is_terminal() { stdin.as_fd().try_clone_to_owned()? } else { stderr.try_clone()? };
        let shared = Shared {
            input: input.into(),
            output: Output::of(stderr),
            mouse,
            leaving: AtomicUsize::new(0),
            torn: AtomicBool::new(false),
            over: AtomicBool::new(false),
            before: Mutex::new(None),
        };
        shared.enter()?;
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Gives the terminal back. Doing it again is harmless.
    pub fn leave(&self) {
        self.shared.leave();
    }

    /// Where frames are written.
    #[must_use]
    pub fn screen(&self) -> Screen {
        Screen::new(Arc::clone(&self.shared))
    }

    /// What waits for keys.
    #[must_use]
    pub fn keyboard(&self) -> Keyboard {
        Keyboard { shared: Arc::clone(&self.shared) }
    }

    /// Returns whether everything must be drawn anew, because the line hung and a frame was
    /// torn off; the next call returns `false`.
    #[must_use]
    pub fn torn(&self) -> bool {
        self.shared.torn.swap(false, Ordering::SeqCst)
    }

    /// Ctrl-Z: gives the terminal back, stops this process as the terminal itself
    /// would, and takes the terminal again once the shell continues it. The screen is
    /// empty then: draw everything. Where no shell could continue it the kernel does not stop it.
    ///
    /// All threads stop, the clients of the load as well: say so before.
    ///
    /// # Errors
    /// If the terminal cannot be taken again.
    pub fn suspend(&self) -> io::Result<()> {
        self.shared.leave();
        // To this very thread, so that it is stopped when `raise` returns. A signal to
        // the process may be taken by another thread, and this one would draw on.
        signal_hook::low_level::raise(SIGTSTP)?;
        // Continued in the background (`bg`), the kernel stops us here until `fg`.
        self.shared.enter()
    }

    /// From now on a panic of any thread gives the terminal back before its message is
    /// printed, and sets `stopped`, so that no thread goes on drawing. The hook that was
    /// there prints the message.
    pub fn install_panic_hook(&self, stopped: Arc<AtomicBool>) {
        let shared = Arc::clone(&self.shared);
        let previous = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            stopped.store(true, Ordering::SeqCst);
            shared.over.store(true, Ordering::SeqCst);
            shared.leave();
            previous(info);
        }));
    }
}

impl Drop for Term {
    fn drop(&mut self) {
        self.shared.leave();
    }
}

impl Shared {
    fn enter(&self) -> io::Result<()> {
        let mut before = self.before().ok_or_else(|| io::Error::from(io::ErrorKind::WouldBlock))?;
        if self.over.load(Ordering::SeqCst) {
            return Err(io::Error::other("a thread panicked"));
        }
        if before.is_some() {
            return Ok(());
        }
        let modes = tcgetattr(&self.input)?;
        let mut raw = modes.clone();
        raw.make_raw();
        tcsetattr(&self.input, OptionalActions::Now, &raw)?;
        *before = Some(modes);
        let mut text = [ansi(EnterAlternateScreen), ansi(Clear(ClearType::All)), ansi(Hide)].concat();
        if self.mouse {
            text.push_str(MOUSE);
        }
        let entered = self.output.write(text.as_bytes(), TURN_LIMIT, &|| false);
        if entered.is_err() {
            self.give_back(&mut before);
        }
        entered
    }

    fn leave(&self) {
        self.leaving.fetch_add(1, Ordering::SeqCst);
        if let Some(mut before) = self.before() {
            self.give_back(&mut before);
        }
        self.leaving.fetch_sub(1, Ordering::SeqCst);
    }

    fn give_back(&self, before: &mut Option<Termios>) {
        let Some(modes) = before.take() else { return };
        // A frame may have been broken off anywhere: the first escape ends what it began.
        let text = [
            ansi(EndSynchronizedUpdate),
            ansi(ResetColor),
            ansi(DisableMouseCapture),
            ansi(LeaveAlternateScreen),
            ansi(Show),
        ];
        // Nothing can be done for a terminal that does not take it, or is gone.
        let _ = self.output.write(text.concat().as_bytes(), TURN_LIMIT, &|| false);
        // In the background the terminal is the shell's already, and the kernel would
        // stop us for touching its modes.
        if tcgetpgrp(&self.input).is_ok_and(|foreground| foreground != getpgrp()) {
            return;
        }
        if self.mouse {
            // What the mouse did last is not for the shell to read.
            let _ = tcflush(&self.input, QueueSelector::IFlush);
        }
        let _ = tcsetattr(&self.input, OptionalActions::Now, &modes);
    }

    fn draw(&self, frame: &[u8]) -> io::Result<()> {
        let Some(mut before) = self.before().filter(|before| before.is_some()) else { return Ok(()) };
        let leaving = || self.leaving.load(Ordering::SeqCst) > 0;
        let drawn = self.output.write(frame, FRAME_LIMIT, &leaving);
        let late = drawn.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::TimedOut);
        if late && !leaving() {
            // A line that hangs may come back: it is no reason to give the screen up.
            self.torn.store(true, Ordering::SeqCst);
            return Ok(());
        }
        if drawn.is_err() && !late {
            // Reported once and not for later frames: ratatui prints what it cannot do when
            // it is dropped, on the very terminal that is gone.
            self.give_back(&mut before);
        }
        drawn
    }

    /// Held by the thread that takes the terminal, gives it back or draws. A thread that
    /// panics while it holds it must not wait for itself, so no thread waits for long.
    fn before(&self) -> Option<MutexGuard<'_, Option<Termios>>> {
        let limit = Instant::now() + PEER_LIMIT;
        loop {
            match self.before.try_lock() {
                Ok(before) => return Some(before),
                Err(TryLockError::Poisoned(error)) => return Some(error.into_inner()),
                Err(TryLockError::WouldBlock) if Instant::now() >= limit => return None,
                Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(1)),
            }
        }
    }
}

/// A command as the terminal reads it.
fn ansi(command: impl Command) -> String {
    let mut text = String::new();
    // Writing to a text never fails.
    let _ = command.write_ansi(&mut text);
    text
}
