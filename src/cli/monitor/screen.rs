//! The screen of a monitor run, on a thread of its own.

use std::io::{self, IsTerminal};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use super::monitor_context::lock;
use crate::cli::args::UiChoice;
use crate::cli::dashboard::{Surroundings, wants_tui};
use crate::cli::frontend::Frontend;
use crate::cli::signal::Interrupt;
use crate::cli::tell;
use crate::cli::terminal::Taken;
use lockbench_dashboard::monitor::{App, MonitorControls};
use lockbench_dashboard::user_view::UserView;
use lockbench_report::monitor::Status;

/// Returns whether a screen is wanted, and there is a terminal for it.
pub fn wanted(choice: UiChoice) -> bool {
    match (choice, wants_tui(choice, &Surroundings::read())) {
        (_, Ok(())) => true,
        (UiChoice::Tui, Err(reason)) => {
            tell(&format!("lockbench: no screen, plain lines instead: {reason}"));
            false
        }
        (UiChoice::Auto | UiChoice::Plain | UiChoice::None, Err(_)) => false,
    }
}

/// The screen while it is up. Dropping it gives the terminal back.
pub struct Screen {
    taken: Taken,
    thread: Option<JoinHandle<()>>,
    over: Arc<AtomicBool>,
}

impl Screen {
    /// Takes the terminal and begins to draw what is in `shown`.
    ///
    /// # Errors
    /// If the terminal does not let itself be taken.
    pub fn open(frontend: &Frontend, shown: Arc<Mutex<Status>>) -> io::Result<Self> {
        let options = frontend.ui;
        let taken = Taken::take(&options)?;
        frontend.log.take_screen();
        frontend.display.keep();
        let over = Arc::new(AtomicBool::new(false));
        let (mine, interrupt, ends) = (taken.clone(), frontend.steer.interrupt.clone(), Arc::clone(&over));
        let draw = move || {
            let hands = Keys { interrupt, over: ends, shown };
            let mut app = App::new(UserView::new(options.theme.theme(), options.ascii), &hands);
            let pace = Duration::from_secs(1) / options.fps;
            if let Err(error) = mine.lend(|terminal, events| app.run(terminal, events, pace)) {
                tracing::warn!(target: super::MONITOR, "the screen is gone: {error}");
            }
        };
        let thread = Some(std::thread::Builder::new().name("display".to_owned()).spawn(draw)?);
        Ok(Self { taken, thread, over })
    }

    /// Returns whether the terminal was given back already.
    pub fn gone(&self) -> bool {
        self.taken.gone()
    }

    /// Gives the terminal back; returns whether there is none any more: then the user has left.
    pub fn close(self) -> bool {
        drop(self);
        !io::stdin().is_terminal()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            // A panic was printed already, and must not end the monitor run.
            let _ = thread.join();
        }
    }
}

/// What the keys can do.
struct Keys {
    interrupt: Interrupt,
    over: Arc<AtomicBool>,
    shown: Arc<Mutex<Status>>,
}

impl MonitorControls for Keys {
    fn status(&self) -> Status {
        lock(&self.shown).clone()
    }

    fn end(&self) {
        self.interrupt.interrupt();
    }

    fn over(&self) -> bool {
        self.over.load(Ordering::SeqCst)
    }

    fn ending(&self) -> bool {
        self.interrupt.stop.draining()
    }
}
