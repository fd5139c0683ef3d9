//! Waiting for keys of a terminal that may go away.

use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::time::Duration;

use ratatui::crossterm::event::{self, Event};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::Shared;

/// How long crossterm looks for what is there already. It looks for nothing at all where
/// it is given no time.
const GLANCE: Duration = Duration::from_millis(1);

/// Keys, clicks and changes of size, read by crossterm.
///
/// It waits here and not in crossterm, which on a terminal that is gone may not come
/// back. And crossterm must be built to ask the terminal by `poll` (its feature
/// `use-dev-tty`): its other way, edge-triggered, loses a key that comes together with a
/// change of size until the next key is pressed (version 0.29).
pub struct Keyboard {
    pub(super) shared: Arc<Shared>,
}

impl Keyboard {
    /// The next event, waiting so long at most.
    ///
    /// # Errors
    /// If the terminal is gone.
    pub fn next(&self, within: Duration) -> io::Result<Option<Event>> {
        self.wait(within)?;
        if event::poll(GLANCE)? { Ok(Some(event::read()?)) } else { Ok(None) }
    }

    /// Waits until keys were pressed or the time is over; `true` if keys were. A new
    /// size of the terminal does not end it: look at crossterm's events either way.
    ///
    /// # Errors
    /// If the terminal is gone. No key will ever come.
    pub fn wait(&self, within: Duration) -> io::Result<bool> {
        let limit = Timespec::try_from(within).map_err(|_| io::Error::from(ErrorKind::InvalidInput))?;
        let mut ready = [PollFd::new(&self.shared.input, PollFlags::IN)];
        match poll(&mut ready, Some(&limit)) {
            Ok(0) | Err(rustix::io::Errno::INTR) => Ok(false),
            Ok(_) if ready[0].revents().intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL) => {
                Err(io::Error::new(ErrorKind::UnexpectedEof, "the terminal is gone"))
            }
            Ok(_) => Ok(true),
            Err(error) => Err(error.into()),
        }
    }
}
