//! What a run has of the person in front of it, and what outlives one point of a sweep:
//! what shows it, what interrupts it, what steers it, the log.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::args::{LoadArgs, UiChoice};
use super::config::UiOptions;
use super::dashboard::{Surroundings, in_ci, wants_tui};
use super::display::Display;
use super::endpoints::Endpoints;
use super::log::Log;
use super::printer::Printer;
use super::scoreboard::Scoreboard;
use super::scrape::Scraped;
use super::screen::{Screen, Steer};
use super::signal::{HangUp, Interrupt};
use super::{Failure, lock, tell};
use lockbench_output::metrics::Board;
use lockbench_report::live::Publisher;

/// The frontend of a run, a sweep or a monitor run.
pub struct Frontend {
    pub display: Display,
    /// What interrupts and steers a run, and what a screen needs for it.
    pub steer: Steer,
    pub log: Log,
    pub ui: UiOptions,
    /// What the metrics endpoint shows; `None`: there is none.
    pub board: Option<Board>,
    /// What a run says there.
    pub scoreboard: Scoreboard,
    /// The endpoint that shows it.
    pub scraped: Option<Scraped>,
    /// Whether there is nothing left that a signal would stop.
    over: Arc<AtomicBool>,
}

impl Frontend {
    /// Begins to log and to listen for signals. Nothing is shown before [`Self::show`].
    pub fn open(args: &LoadArgs, endpoints: &Endpoints, on_hangup: HangUp) -> Result<Self, Failure> {
        let ui = UiOptions { stay: args.stay, ..UiOptions::read(&args.look)? };
        let log = Log::start(args.log.as_deref())?;
        log.keep_secret(endpoints.values().flatten());
        let board = Board::default();
        let scraped = Scraped::open(&args.scrape, &board)?;
        let board = scraped.is_some().then_some(board);
        let display = Display::default();
        let (ends, over) = (display.clone(), Arc::<AtomicBool>::default());
        let is_over = Arc::clone(&over);
        let interrupt = Interrupt::listen(on_hangup, move || {
            if !is_over.load(Ordering::SeqCst) {
                ends.insist("lockbench: stopping: releasing locks and writing the report (again to abort)");
            }
        })?;
        Ok(Self {
            display,
            steer: Steer::new(interrupt, log.ring()),
            log,
            ui,
            scoreboard: Scoreboard::new(board.clone()),
            board,
            scraped,
            over,
        })
    }

    /// Shows the run, as chosen, from now on: mistakes in the command line were reported before.
    pub fn show(&self, choice: UiChoice) {
        self.show_on(choice);
        self.announce_metrics();
    }

    /// Prints where the metrics are, if anywhere: with port 0 the user could not know.
    pub fn announce_metrics(&self) {
        if let Some(scraped) = &self.scraped {
            self.display.announce(&scraped.address_line());
        }
    }

    fn show_on(&self, choice: UiChoice) {
        match (choice, wants_tui(choice, &Surroundings::read())) {
            (UiChoice::None, _) => return,
            (UiChoice::Plain, _) => return self.display.print(Printer::lines()),
            (UiChoice::Auto | UiChoice::Tui, Ok(())) => match Screen::open(&self.ui, self.steer.clone()) {
                Ok(screen) => {
                    // The screen shows the log itself.
                    self.log.take_screen();
                    return self.display.take_screen(screen);
                }
                Err(error) => tell(&format!("lockbench: no dashboard, plain lines instead: {error}")),
            },
            (UiChoice::Tui, Err(reason)) => {
                tell(&format!("lockbench: no dashboard, plain lines instead: {reason}"));
            }
            (UiChoice::Auto, Err(_)) => {}
        }
        let bars = std::io::stderr().is_terminal() && !in_ci();
        self.display.print(if bars { Printer::bars(&self.log) } else { Printer::lines() });
    }

    /// Returns where to publish what servers see, if there is a screen to show it on, and whether it
    /// is wanted now.
    pub fn server_poll(&self) -> Option<(Publisher, Arc<AtomicBool>)> {
        Some((self.display.publisher()?, Arc::clone(&self.steer.servers_wanted)))
    }

    /// Sets the directory below which files go that the user asks for.
    pub fn save_in(&self, directory: Option<PathBuf>) {
        *lock(&self.steer.directory) = directory;
    }

    /// Waits for a last scrape, where that was asked for: everything is measured and printed.
    pub fn linger(&self) {
        let Some(scraped) = &self.scraped else { return };
        self.over.store(true, Ordering::SeqCst);
        scraped.linger(|| self.steer.interrupt.came(), tell);
    }

    /// Waits until the user has left the screen, and gives it back: the run is over.
    pub fn close(&self) {
        self.display.close();
        self.log.give_screen_back();
    }
}
