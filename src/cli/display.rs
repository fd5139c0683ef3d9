//! Where updates of a run go: to the terminal UI, to a printer, or nowhere. Handles are
//! cheap, and an update never waits for a drawing thread.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use super::printer::Printer;
use super::screen::Screen;
use super::{lock, tell};
use lockbench_report::live::{Publisher, Update};

/// A handle; clones speak to the same.
#[derive(Clone, Default)]
pub struct Display {
    inner: Arc<Inner>,
}

#[derive(Default)]
struct Inner {
    front: Mutex<Front>,
    /// Nanoseconds between the snapshots that it wants; 0: none.
    pace_ns: AtomicU64,
    /// What must be read also after the screen is gone.
    kept: Mutex<Vec<String>>,
    /// A screen that went by itself: its thread is awaited when the run is over.
    gone: Mutex<Option<Front>>,
}

#[derive(Default)]
enum Front {
    #[default]
    Nowhere,
    Printer(Printer),
    Screen(Box<Screen>, Publisher),
    /// The screen is being given back: messages are kept meanwhile.
    Closing,
}

impl Display {
    /// Sends updates to a printer from now on.
    pub fn print(&self, printer: Printer) {
        self.set_pace(printer.pace());
        *self.front() = Front::Printer(printer);
    }

    /// Sends updates to the terminal UI from now on.
    pub fn take_screen(&self, screen: Screen) {
        self.set_pace(Some(screen.pace()));
        let publisher = screen.publisher();
        *self.front() = Front::Screen(Box::new(screen), publisher);
    }

    /// Shows nothing from now on; what must be read is kept until [`Self::close`].
    pub fn keep(&self) {
        *self.front() = Front::Closing;
    }

    fn set_pace(&self, pace: Option<Duration>) {
        self.inner.pace_ns.store(pace.map_or(0, |pace| pace.as_nanos() as u64), Ordering::Relaxed);
    }

    fn front(&self) -> MutexGuard<'_, Front> {
        lock(&self.inner.front)
    }

    /// Nanoseconds between the snapshots that it wants; `None`: none.
    pub fn pace_ns(&self) -> Option<u64> {
        Some(self.inner.pace_ns.load(Ordering::Relaxed)).filter(|pace| *pace > 0)
    }

    /// The feed of the terminal UI, while it is up.
    pub fn publisher(&self) -> Option<Publisher> {
        match &*self.front() {
            Front::Screen(_, publisher) => Some(publisher.clone()),
            Front::Nowhere | Front::Printer(_) | Front::Closing => None,
        }
    }

    /// Returns whether it is ready for another snapshot.
    pub fn wants_snapshot(&self) -> bool {
        self.publisher().is_none_or(|publisher| publisher.wants_snapshot())
    }

    /// Processor nanoseconds of the drawing thread so far, and frames drawn, while the
    /// terminal UI is up.
    pub fn cost(&self) -> Option<(u64, u64)> {
        match &*self.front() {
            Front::Screen(screen, _) => Some(screen.cost()),
            Front::Nowhere | Front::Printer(_) | Front::Closing => None,
        }
    }

    /// Sends an update.
    pub fn update(&self, update: Update) {
        let mut front = self.front();
        if matches!(&*front, Front::Screen(screen, _) if screen.gone()) {
            // The terminal went away, or the UI failed: the run goes on in lines.
            let gone = std::mem::replace(&mut *front, Front::Printer(Printer::lines()));
            *lock(&self.inner.gone) = Some(gone);
            self.set_pace(None);
        }
        match &*front {
            Front::Nowhere => {}
            Front::Printer(printer) => printer.update(&update),
            Front::Screen(_, publisher) => publisher.publish(update),
            Front::Closing => {
                if let Update::Note(text) = update {
                    lock(&self.inner.kept).push(text);
                }
            }
        }
    }

    /// Says something worth knowing.
    pub fn say(&self, text: &str) {
        self.update(Update::Note(text.to_owned()));
    }

    /// Says what is done now, where lines are read: the screen shows it itself, and among
    /// its notes it would soon be no longer true.
    pub fn step(&self, text: &str) {
        if let Front::Printer(printer) = &*self.front() {
            printer.update(&Update::Note(text.to_owned()));
        }
    }

    /// Says where something is that is there for as long as the run: on the screen, or
    /// on stderr if nothing is shown.
    pub fn announce(&self, text: &str) {
        match &*self.front() {
            Front::Nowhere => return tell(&format!("lockbench: {text}")),
            Front::Printer(_) | Front::Screen(..) | Front::Closing => {}
        }
        self.say(text);
    }

    /// Says something that must be read: also after the screen is gone, and where nothing
    /// else is shown.
    pub fn insist(&self, text: &str) {
        match &*self.front() {
            Front::Nowhere => return tell(text),
            Front::Screen(..) => lock(&self.inner.kept).push(text.to_owned()),
            Front::Printer(_) | Front::Closing => {}
        }
        self.say(text);
    }

    /// Ends the run: waits until the user has left the screen, gives the terminal
    /// back, and says again what must be read. From then on, lines.
    pub fn close(&self) {
        let up = matches!(&*self.front(), Front::Screen(..));
        // Not under the lock: a signal that comes meanwhile has something to say.
        let screen = if up {
            Some(std::mem::replace(&mut *self.front(), Front::Closing))
        } else {
            lock(&self.inner.gone).take()
        };
        if up {
            self.set_pace(None);
        }
        drop(screen);
        for text in lock(&self.inner.kept).drain(..) {
            tell(&text);
        }
        if up {
            *self.front() = Front::Printer(Printer::lines());
        }
    }
}
