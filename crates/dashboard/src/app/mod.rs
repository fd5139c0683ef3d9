//! The loop: updates and keys in, frames out. Terminal, events and updates are given
//! to it, so that tests drive the whole of it. What keys mean is in [`super::input`],
//! what they do in `act`.

mod act;
mod keys;
mod sources;

use std::io;
use std::time::Duration;

use ratatui::Terminal;
use ratatui::backend::Backend;
use ratatui::layout::Rect;

pub use sources::{Events, Pace, Updates};

use super::controls::Controls;
use super::state::State;
use super::user_view::{Ending, UserView};
use super::view::{Room, View, draw};
use lockbench_core::clock::Clock;
use lockbench_core::units::SECOND;
use lockbench_report::live::{Closed, Origin, Update};

/// How long a short message is shown.
const TOAST_NS: u64 = 4 * SECOND;
/// Nothing new is drawn so often nevertheless: ages on the screen grow.
const IDLE_NS: u64 = SECOND;
/// Number of the screen that shows what servers say.
const SERVERS: usize = 5;

/// The whole UI.
pub struct App<'a> {
    state: State,
    /// What is shown instead while the display is frozen.
    frozen: Option<Box<State>>,
    look: UserView,
    controls: &'a dyn Controls,
    clock: Clock,
    /// Whether the user asked for the end of the load.
    asked: bool,
    /// Whether all updates have come.
    ended: bool,
    left: bool,
    size: Rect,
    /// Number of the files that were written last.
    saved: u32,
    /// Whether the servers are asked, as the controls last heard.
    looking: bool,
    /// Whether it is unknown what the terminal shows, so that all of it must be drawn.
    redraw: bool,
    frames: u64,
}

impl<'a> App<'a> {
    /// A UI that looks like this.
    #[must_use]
    pub fn new(look: UserView, controls: &'a dyn Controls, clock: Clock) -> Self {
        Self {
            state: State::default(),
            frozen: None,
            look,
            controls,
            clock,
            asked: false,
            ended: false,
            left: false,
            size: Rect::default(),
            saved: 0,
            looking: false,
            redraw: false,
            frames: 0,
        }
    }

    /// Runs until the run is over and the user has left, or the controls say that the
    /// terminal must be given back.
    ///
    /// # Errors
    /// If the terminal is gone.
    ///
    /// # Panics
    /// At the frame [`Pace::panic_at`].
    pub fn run<B: Backend>(
        &mut self,
        terminal: &mut Terminal<B>,
        events: &mut dyn Events,
        updates: &mut dyn Updates,
        pace: Pace,
    ) -> io::Result<()> {
        let frame_ns = SECOND / u64::from(pace.fps.clamp(1, 30));
        // When the next frame may be drawn, and when it must be.
        let (mut next, mut latest) = (0, 0);
        loop {
            if self.take(updates) {
                latest = next;
            }
            if self.over(pace.stay) || self.controls.leave() {
                break;
            }
            self.look_at_servers();
            let now = self.clock.now();
            if now >= next && now >= latest.min(self.toast_until()) {
                (next, latest) = (now + frame_ns, now + IDLE_NS.max(frame_ns));
                assert!(pace.panic_at != Some(self.frames + 1), "a panic on purpose, as asked for by the test hook");
                self.draw(terminal)?;
            }
            let wait = next.checked_sub(self.clock.now()).filter(|wait| *wait > 0).unwrap_or(frame_ns);
            let mut event = events.next(Duration::from_nanos(wait))?;
            while let Some(happened) = event {
                self.event(&happened);
                // What a key changes is shown at once.
                (next, latest) = (0, 0);
                event = events.next(Duration::ZERO)?;
            }
        }
        self.looking(false);
        Ok(())
    }

    /// Draws a frame.
    ///
    /// # Errors
    /// If the terminal is gone.
    pub fn draw<B: Backend>(&mut self, terminal: &mut Terminal<B>) -> io::Result<()> {
        let failed = |error: B::Error| io::Error::other(error.to_string());
        let now = self.clock.now();
        if now >= self.toast_until() {
            self.look.toast = None;
        }
        if std::mem::take(&mut self.redraw) {
            // Not `clear`, which asks the terminal where its cursor is and so eats keys.
            let size = terminal.size().map_err(failed)?;
            terminal.resize(Rect::from((ratatui::layout::Position::ORIGIN, size))).map_err(failed)?;
        }
        let paused = self.controls.paused();
        let (state, look) = (self.frozen.as_deref().unwrap_or(&self.state), &self.look);
        let mut size = Rect::default();
        let drawn = terminal.draw(|frame| {
            size = frame.area();
            draw(state, look, paused, now, size, frame.buffer_mut());
        });
        drawn.map(|_| ()).map_err(failed)?;
        self.size = size;
        self.frames += 1;
        Ok(())
    }

    /// Takes what there is; returns whether anything is new.
    pub fn take(&mut self, updates: &mut dyn Updates) -> bool {
        let mut new = false;
        while !self.ended {
            match updates.take() {
                Ok(Some(update)) => {
                    self.turn(&update);
                    self.state.update(update);
                    new = true;
                }
                Ok(None) => break,
                Err(Closed) => {
                    self.ended = true;
                    self.look.ending = self.look.ending.max(Ending::Over);
                    new = true;
                }
            }
        }
        new
    }

    /// The end of a replay is not the end of its updates: the user may go back.
    fn turn(&mut self, update: &Update) {
        match update {
            Update::Over(_) if matches!(self.origin(), Origin::Replayed { .. }) => {
                self.look.ending = self.look.ending.max(Ending::Over);
            }
            Update::Rewound => self.look.ending = Ending::Not,
            _ => {}
        }
    }

    /// Returns whether there is nothing more to show. A user who asked for the end does not wait for a
    /// look at what was frozen.
    #[must_use]
    pub fn over(&self, stay: bool) -> bool {
        self.left || self.ended && (self.asked || self.controls.leaving() || !stay && !self.look.frozen)
    }

    /// What is shown: the run, or what it was when the display was frozen.
    #[must_use]
    pub fn shown(&self) -> &State {
        self.frozen.as_deref().unwrap_or(&self.state)
    }

    /// How the user looks at it.
    #[must_use]
    pub fn look(&self) -> &UserView {
        &self.look
    }

    /// Frames drawn so far.
    #[must_use]
    pub fn frames(&self) -> u64 {
        self.frames
    }

    fn origin(&self) -> Origin {
        self.state.origin()
    }

    fn view(&self) -> View<'_> {
        View {
            state: self.shown(),
            look: &self.look,
            panel: self.look.focused(),
            room: Room::of(self.size),
            paused: self.controls.paused(),
            now: self.clock.now(),
        }
    }

    fn toast(&mut self, text: impl Into<String>) {
        self.look.toast = Some((text.into(), self.clock.now() + TOAST_NS));
    }

    fn toast_until(&self) -> u64 {
        self.look.toast.as_ref().map_or(u64::MAX, |(_, until)| *until)
    }

    /// Servers are asked only while the answer is on the screen.
    fn look_at_servers(&mut self) {
        self.looking(self.look.screen == SERVERS && !self.look.frozen && !self.ended);
    }

    fn looking(&mut self, wanted: bool) {
        if self.looking != wanted {
            self.looking = wanted;
            self.controls.look_at_servers(wanted);
        }
    }
}

#[cfg(test)]
mod tests;
