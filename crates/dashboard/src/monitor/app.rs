//! The loop of the monitor's screen: keys in, frames out.

use std::io;
use std::time::Duration;

use ratatui::Terminal;
use ratatui::backend::Backend;
use ratatui::crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::view::{Shown, draw};
use crate::app::Events;
use crate::user_view::UserView;
use lockbench_report::monitor::Status;

/// What the screen needs of the program that monitors.
pub trait MonitorControls {
    /// How it stands.
    fn status(&self) -> Status;
    /// The user asks for the end; asked twice, everything ends at once.
    fn end(&self);
    /// Returns whether there is nothing more to show.
    fn over(&self) -> bool;
    /// Returns whether it is ending.
    fn ending(&self) -> bool;
}

/// The whole screen.
pub struct App<'a> {
    look: UserView,
    controls: &'a dyn MonitorControls,
    shown: Shown,
}

impl<'a> App<'a> {
    /// A screen that looks like this.
    #[must_use]
    pub fn new(look: UserView, controls: &'a dyn MonitorControls) -> Self {
        Self { look, controls, shown: Shown::default() }
    }

    /// Runs until there is nothing more to show.
    ///
    /// # Errors
    /// If the terminal is gone.
    pub fn run<B: Backend>(
        &mut self,
        terminal: &mut Terminal<B>,
        events: &mut dyn Events,
        pace: Duration,
    ) -> io::Result<()> {
        while !self.controls.over() {
            self.frame(terminal)?;
            let mut event = events.next(pace)?;
            while let Some(happened) = event {
                self.event(&happened);
                event = events.next(Duration::ZERO)?;
            }
        }
        Ok(())
    }

    /// Draws a frame.
    ///
    /// # Errors
    /// If the terminal is gone.
    pub fn frame<B: Backend>(&mut self, terminal: &mut Terminal<B>) -> io::Result<()> {
        let status = self.controls.status();
        self.shown.ending = self.controls.ending();
        self.shown.first = self.shown.first.min(status.systems.len().saturating_sub(1));
        let (look, shown) = (&self.look, &self.shown);
        let drawn = terminal.draw(|frame| draw(&status, look, shown, frame.area(), frame.buffer_mut()));
        drawn.map(|_| ()).map_err(|error| io::Error::other(error.to_string()))
    }

    /// What a key does.
    pub fn event(&mut self, event: &Event) {
        let Event::Key(KeyEvent { code, modifiers, kind: KeyEventKind::Press, .. }) = event else { return };
        let asked = std::mem::take(&mut self.shown.asks);
        let helped = std::mem::take(&mut self.shown.help);
        match (code, modifiers.contains(KeyModifiers::CONTROL)) {
            (KeyCode::Char('c'), true) => self.controls.end(),
            (KeyCode::Char('q' | 'y'), false) if asked => self.controls.end(),
            (KeyCode::Char('q'), false) => self.shown.asks = true,
            (KeyCode::Char('?'), false) => self.shown.help = !helped,
            (KeyCode::Char('t'), false) => self.look.theme = self.look.theme.next(),
            (KeyCode::Down | KeyCode::Char('j'), false) => self.shown.first += 1,
            (KeyCode::Up | KeyCode::Char('k'), false) => self.shown.first = self.shown.first.saturating_sub(1),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use ratatui::crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};

    use super::{App, MonitorControls};
    use crate::theme::Theme;
    use crate::user_view::UserView;
    use lockbench_report::monitor::Status;

    #[derive(Default)]
    struct Ended(Cell<u32>);

    impl MonitorControls for Ended {
        fn status(&self) -> Status {
            Status::default()
        }
        fn end(&self) {
            self.0.set(self.0.get() + 1);
        }
        fn over(&self) -> bool {
            false
        }
        fn ending(&self) -> bool {
            false
        }
    }

    fn pressed(keys: &[(KeyCode, KeyModifiers)]) -> u32 {
        let controls = Ended::default();
        let mut app = App::new(UserView::new(Theme::Mono, true), &controls);
        keys.iter().for_each(|(code, with)| app.event(&Event::Key(KeyEvent::new(*code, *with))));
        controls.0.get()
    }

    #[test]
    fn a_watch_ends_by_a_second_q_or_ctrl_c_and_not_by_a_slip() {
        let key = |key| (KeyCode::Char(key), KeyModifiers::NONE);
        assert_eq!(pressed(&[key('q')]), 0);
        assert_eq!(pressed(&[key('q'), key('q')]), 1);
        assert_eq!(pressed(&[key('q'), key('y')]), 1);
        assert_eq!(pressed(&[key('q'), key('n'), key('q')]), 0);
        assert_eq!(pressed(&[key('y')]), 0);
        assert_eq!(pressed(&[(KeyCode::Char('c'), KeyModifiers::CONTROL)]), 1);
    }
}
