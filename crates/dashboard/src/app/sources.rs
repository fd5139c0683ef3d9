//! What the loop is given: events, updates, and how fast to draw.

use std::io;
use std::time::Duration;

use ratatui::crossterm::event::Event;

use lockbench_report::live::{Closed, Subscriber, Update};

/// Where keys, clicks and changes of size come from.
pub trait Events {
    /// The next one, waiting so long at most.
    ///
    /// # Errors
    /// If the terminal is gone.
    fn next(&mut self, wait: Duration) -> io::Result<Option<Event>>;
}

/// Where updates come from.
pub trait Updates {
    /// The next one, if there is one.
    ///
    /// # Errors
    /// There will be no more.
    fn take(&mut self) -> Result<Option<Update>, Closed>;
}

impl Updates for Subscriber {
    fn take(&mut self) -> Result<Option<Update>, Closed> {
        Self::take(self)
    }
}

/// How the loop runs.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Frames per second, 1 to 30.
    pub fps: u32,
    /// Whether to stay after the last update until the user leaves.
    pub stay: bool,
    /// The frame, from 1, at which drawing panics on purpose: a hook for the test that
    /// the terminal is given back even then.
    pub panic_at: Option<u64>,
}

impl Default for Pace {
    fn default() -> Self {
        Self { fps: 5, stay: false, panic_at: None }
    }
}
