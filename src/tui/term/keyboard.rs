//! Waiting for keys of a terminal that may go away.

use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::Shared;

/// Tells when there is something for crossterm to read, and when there never will be.
///
/// Ask it before each look at crossterm's events, and let that look not wait
/// (`event::poll(Duration::ZERO)`): on a terminal that is gone crossterm 0.29 does not
/// come back, whatever its timeout, and keeps a processor busy.
pub struct Keyboard {
    pub(super) shared: Arc<Shared>,
}

impl Keyboard {
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
