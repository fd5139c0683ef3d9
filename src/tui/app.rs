//! The loop: updates and keys in, frames out. Terminal, events and updates are given
//! to it, so that tests drive the whole of it.

use std::io;
use std::time::Duration;

use ratatui::Terminal;
use ratatui::backend::Backend;
use ratatui::crossterm::event::{Event, KeyCode, KeyEvent, MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::{Position, Rect};

use super::controls::Controls;
use super::input::{Action, action};
use super::look::{Look, PANELS, Popup, WINDOWS};
use super::state::State;
use super::view::{Opened, Panel, Room, SCREENS, Spot, View, draw, place_at};
use crate::clock::Clock;
use crate::report::live::{Closed, Origin, Subscriber, Update};
use crate::units::SECOND;

/// How long a short message is shown.
const TOAST_NS: u64 = 4 * SECOND;
/// Speeds of a replay.
const SPEEDS: (f64, f64) = (0.125, 1_024.0);

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
    /// Frames a second.
    pub fps: u32,
    /// Stay after the last update until the user leaves?
    pub stay: bool,
}

/// The whole UI.
pub struct App<'a> {
    state: State,
    /// What is shown instead while the display is frozen.
    frozen: Option<Box<State>>,
    look: Look,
    controls: &'a dyn Controls,
    clock: Clock,
    /// How often the user asked for the end.
    finishing: u32,
    ended: bool,
    left: bool,
    speed: f64,
    size: Rect,
    saved: u32,
}

impl<'a> App<'a> {
    /// A UI that looks like this.
    #[must_use]
    pub fn new(look: Look, controls: &'a dyn Controls, clock: Clock) -> Self {
        Self {
            state: State::default(),
            frozen: None,
            look,
            controls,
            clock,
            finishing: 0,
            ended: false,
            left: false,
            speed: 1.0,
            size: Rect::default(),
            saved: 0,
        }
    }

    /// Runs until the run is over and the user has left.
    ///
    /// # Errors
    /// If the terminal is gone.
    pub fn run<B: Backend>(
        &mut self,
        terminal: &mut Terminal<B>,
        events: &mut dyn Events,
        updates: &mut dyn Updates,
        pace: Pace,
    ) -> io::Result<()> {
        let frame_ns = SECOND / u64::from(pace.fps.clamp(1, 30));
        let mut next = 0;
        loop {
            self.take(updates);
            let now = self.clock.now();
            if self.over(pace.stay) {
                return Ok(());
            }
            if now >= next {
                next = now + frame_ns;
                self.draw(terminal)?;
            }
            let wait = Duration::from_nanos(next.saturating_sub(self.clock.now()));
            let mut event = events.next(wait)?;
            while let Some(happened) = event {
                self.event(&happened);
                // What a key changes is shown at once.
                next = 0;
                event = events.next(Duration::ZERO)?;
            }
        }
    }

    /// Draws a frame.
    ///
    /// # Errors
    /// If the terminal is gone.
    pub fn draw<B: Backend>(&mut self, terminal: &mut Terminal<B>) -> io::Result<()> {
        let now = self.clock.now();
        if self.look.toast.as_ref().is_some_and(|(_, until)| now >= *until) {
            self.look.toast = None;
        }
        let paused = self.controls.paused();
        let (state, look) = (self.frozen.as_deref().unwrap_or(&self.state), &self.look);
        let mut size = Rect::default();
        let drawn = terminal.draw(|frame| {
            size = frame.area();
            draw(state, look, paused, now, size, frame.buffer_mut());
        });
        drawn.map(|_| ()).map_err(|error| io::Error::other(error.to_string()))?;
        self.size = size;
        Ok(())
    }

    /// Takes what there is.
    pub fn take(&mut self, updates: &mut dyn Updates) {
        while !self.ended {
            match updates.take() {
                Ok(Some(update)) => self.state.update(update),
                Ok(None) => return,
                Err(Closed) => self.ended = true,
            }
        }
    }

    /// Is there nothing more to show?
    #[must_use]
    pub fn over(&self, stay: bool) -> bool {
        self.left || self.ended && (self.controls.leaving() || !stay && !self.look.frozen)
    }

    /// What is shown: the run, or what it was when the display was frozen.
    #[must_use]
    pub fn shown(&self) -> &State {
        self.frozen.as_deref().unwrap_or(&self.state)
    }

    /// How the user looks at it.
    #[must_use]
    pub fn look(&self) -> &Look {
        &self.look
    }

    /// Something came from the terminal.
    pub fn event(&mut self, event: &Event) {
        match event {
            Event::Key(key) => self.key(*key),
            Event::Mouse(mouse) => self.mouse(*mouse),
            _ => {}
        }
    }

    fn live(&self) -> bool {
        self.state.origin() == Origin::Live
    }

    fn key(&mut self, key: KeyEvent) {
        if self.look.filtering {
            self.filter(key);
            return;
        }
        let action = action(key, self.live(), self.look.screen);
        match self.look.popup.take() {
            Some(Popup::Warning(_)) => {
                if action == Some(Action::Suspend) {
                    self.suspend();
                }
                return;
            }
            // Any key closes what covers the screen; the end is never in its way.
            Some(_) if action != Some(Action::Finish) => return,
            Some(_) | None => {}
        }
        if let Some(action) = action {
            self.act(action);
        }
    }

    fn filter(&mut self, key: KeyEvent) {
        match key.code {
            KeyCode::Enter => self.look.filtering = false,
            KeyCode::Esc => {
                self.look.filtering = false;
                self.look.filter.clear();
            }
            KeyCode::Backspace => {
                self.look.filter.pop();
            }
            KeyCode::Char(c) => self.look.filter.push(c),
            _ => {}
        }
    }

    /// Carries out an action.
    pub fn act(&mut self, action: Action) {
        match action {
            Action::Screen(screen) => self.look.screen = screen,
            Action::NextScreen => self.look.screen = (self.look.screen + 1) % SCREENS.len(),
            Action::PreviousScreen => self.look.screen = (self.look.screen + SCREENS.len() - 1) % SCREENS.len(),
            Action::Help => self.look.popup = Some(Popup::Help),
            Action::Finish => self.finish(),
            Action::Freeze => self.freeze(),
            Action::Pause => self.controls.pause(!self.controls.paused()),
            Action::Expand => self.look.expanded = !self.look.expanded,
            Action::Filter => self.look.filtering = true,
            Action::Sort => self.sort(),
            Action::Longer => self.look.window = (self.look.window + 1).min(WINDOWS.len() - 1),
            Action::Shorter => self.look.window = self.look.window.saturating_sub(1),
            Action::Units => self.look.units = self.look.units.next(),
            Action::Theme => self.look.theme = self.look.theme.next(),
            Action::Marker => self.mark(),
            Action::Explain => {
                let text = (self.panel().explain)(&self.view());
                self.look.popup = Some(Popup::Explain(text));
            }
            Action::Save => self.save(),
            Action::Up => self.move_row(-1),
            Action::Down => self.move_row(1),
            Action::PageUp => self.move_row(-10),
            Action::PageDown => self.move_row(10),
            Action::First => self.move_row(isize::MIN / 2),
            Action::Last => self.move_row(isize::MAX / 2),
            Action::Left => self.move_column(-1),
            Action::Right => self.move_column(1),
            Action::Open => self.open(),
            Action::Back => self.back(),
            Action::PreviousSystem => self.move_system(-1),
            Action::NextSystem => self.move_system(1),
            Action::Suspend => self.ask_to_suspend(),
            Action::Faster => self.set_speed(2.0),
            Action::Slower => self.set_speed(0.5),
        }
        self.controls.look_at_servers(self.look.screen == 5);
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

    fn panel(&self) -> &'static Panel {
        let panels = SCREENS[self.look.screen].panels;
        panels[self.look.focused().min(panels.len() - 1)]
    }

    fn toast(&mut self, text: impl Into<String>) {
        self.look.toast = Some((text.into(), self.clock.now() + TOAST_NS));
    }

    fn finish(&mut self) {
        self.finishing += 1;
        if !self.live() || self.ended {
            self.left = true;
        } else if self.finishing == 1 {
            self.controls.finish();
            self.toast("ending: locks are released and the report is written; q again aborts");
        } else {
            self.controls.abort();
        }
    }

    fn freeze(&mut self) {
        self.look.frozen = !self.look.frozen;
        self.frozen = self.look.frozen.then(|| Box::new(self.state.clone()));
    }

    fn sort(&mut self) {
        let sorts = self.panel().sorts;
        if sorts.is_empty() {
            self.toast("this panel has one order only");
            return;
        }
        let selection = self.look.selected_mut();
        selection.sort = (selection.sort + 1) % sorts.len();
        let name = sorts[selection.sort];
        self.toast(format!("sorted by {name}"));
    }

    fn mark(&mut self) {
        match self.controls.mark() {
            Ok(()) => self.toast("marker dropped"),
            Err(problem) => self.toast(problem),
        }
    }

    fn save(&mut self) {
        self.saved += 1;
        self.toast("not yet");
    }

    fn move_row(&mut self, by: isize) {
        let rows = (self.panel().rows)(&self.view());
        let selection = self.look.selected_mut();
        let row = selection.row.min(rows.saturating_sub(1)).saturating_add_signed(by);
        selection.row = row.min(rows.saturating_sub(1));
    }

    /// To the figure beside, or over the panel's edge to the next panel.
    fn move_column(&mut self, by: isize) {
        let columns = (self.panel().columns)(&self.view()).max(1);
        let column = self.look.selected().column.min(columns - 1).checked_add_signed(by);
        match column.filter(|column| *column < columns) {
            Some(column) => self.look.selected_mut().column = column,
            None => {
                let panels = SCREENS[self.look.screen].panels.len().min(PANELS);
                let focus = &mut self.look.focus[self.look.screen];
                *focus = (*focus + panels).saturating_add_signed(by) % panels;
            }
        }
    }

    fn move_system(&mut self, by: isize) {
        let systems = self.shown().systems.len();
        if let Some(at) = self.view().system_at().filter(|_| systems > 0) {
            self.look.system = Some((at + systems).saturating_add_signed(by) % systems);
        }
    }

    fn open(&mut self) {
        match (self.panel().open)(&self.view()) {
            Opened::Nothing => {}
            Opened::Popup(popup) => self.look.popup = Some(popup),
            Opened::System(at) => {
                self.look.system = Some(at);
                self.look.screen = 1;
            }
        }
    }

    fn back(&mut self) {
        if !self.look.filter.is_empty() {
            self.look.filter.clear();
        } else if self.look.expanded {
            self.look.expanded = false;
        } else {
            self.look.system = None;
        }
    }

    fn ask_to_suspend(&mut self) {
        let inside = self.shown().inside();
        if self.live() && inside > 0 {
            self.look.popup = Some(Popup::Warning(format!(
                "{inside} clients hold a lock now. Stopping this program stalls them: their leases may end while they \
                 are inside. Press Ctrl-Z again to stop nevertheless, any other key to go on."
            )));
        } else {
            self.suspend();
        }
    }

    fn suspend(&mut self) {
        if let Err(error) = self.controls.suspend() {
            self.toast(format!("the terminal could not be given back: {error}"));
        }
    }

    fn set_speed(&mut self, factor: f64) {
        self.speed = (self.speed * factor).clamp(SPEEDS.0, SPEEDS.1);
        self.controls.set_speed(self.speed);
        self.toast(format!("{} times the speed of the run", self.speed));
    }

    fn mouse(&mut self, mouse: MouseEvent) {
        match mouse.kind {
            MouseEventKind::ScrollUp => self.move_row(-1),
            MouseEventKind::ScrollDown => self.move_row(1),
            MouseEventKind::Down(MouseButton::Left) => {
                let at = Position::new(mouse.column, mouse.row);
                match place_at(self.shown(), &self.look, self.size, at) {
                    Some(Spot::Tab(screen)) => self.act(Action::Screen(screen)),
                    Some(Spot::Panel(panel, hit)) => {
                        self.look.focus[self.look.screen] = panel;
                        if let Some((row, column)) = hit {
                            let selection = self.look.selected_mut();
                            (selection.row, selection.column) = (row, column);
                        }
                    }
                    None => {}
                }
            }
            _ => {}
        }
    }
}
