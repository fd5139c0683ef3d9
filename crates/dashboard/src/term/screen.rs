//! Frames on their way to the terminal.

use std::io::{self, Write};
use std::sync::Arc;

use super::Shared;

/// What a frame is written into, for ratatui's `CrosstermBackend`. It reaches the
/// terminal whole, when it is flushed, and only while the terminal is ours: a frame
/// that comes after a panic is dropped.
///
/// To draw everything anew, call `resize` of ratatui's `Terminal` with the size that it
/// has. Its `clear` asks the terminal where the cursor is: on stdout, where the results
/// go, and it waits two seconds for the answer.
pub struct Screen {
    shared: Arc<Shared>,
    frame: Vec<u8>,
}

impl Screen {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared, frame: Vec::new() }
    }
}

impl Write for Screen {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.frame.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    /// # Errors
    /// `TimedOut` if the terminal is given back meanwhile. Anything else: it is gone, and
    /// what is drawn from now on is dropped. Where it hangs there is none: see
    /// [`Term::torn`](super::Term::torn).
    fn flush(&mut self) -> io::Result<()> {
        let drawn = self.shared.draw(&self.frame);
        self.frame.clear();
        drawn
    }
}
