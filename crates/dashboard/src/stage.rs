//! For tests: an app on a terminal of a given size, with controls that only remember.

pub mod frames;

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;

use ratatui::Terminal;
use ratatui::backend::{Backend, TestBackend};
use ratatui::buffer::{Buffer, Cell as BufferCell};
use ratatui::crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::Rect;

use super::app::{App, Events, Pace, Updates};
use super::controls::{Controls, Paused, Saved};
use super::picture;
use super::state::State;
use super::theme::Theme;
use super::user_view::UserView;
use super::view::{Room, SCREENS, View, draw_panels, middle};
use lockbench_core::clock::Clock;
use lockbench_report::live::{Closed, Update};

/// Controls that remember what was asked of them.
#[derive(Default)]
pub struct Recorder {
    pub said: RefCell<Vec<String>>,
    pub paused: RefCell<bool>,
    /// Whether the terminal must be given back.
    pub leave: Cell<bool>,
    /// Files that were written, or are there already.
    pub files: RefCell<Vec<(String, Vec<u8>)>>,
}

impl Recorder {
    fn say(&self, text: impl Into<String>) {
        self.said.borrow_mut().push(text.into());
    }

    /// What was said since the last look.
    pub fn heard(&self) -> Vec<String> {
        std::mem::take(&mut self.said.borrow_mut())
    }
}

impl Controls for Recorder {
    fn pause(&self, paused: bool) {
        *self.paused.borrow_mut() = paused;
        self.say(format!("pause {paused}"));
    }
    fn paused(&self) -> Paused {
        if *self.paused.borrow() { Paused::InForce } else { Paused::No }
    }
    fn mark(&self) -> Result<(), String> {
        self.say("mark");
        Ok(())
    }
    fn finish(&self) {
        self.say("finish");
    }
    fn abort(&self) {
        self.say("abort");
    }
    fn leaving(&self) -> bool {
        false
    }
    fn look_at_servers(&self, wanted: bool) {
        self.say(format!("servers {wanted}"));
    }
    fn set_speed(&self, speed: f64) {
        self.say(format!("speed {speed}"));
    }
    fn seek(&self, by_s: i64) -> Option<u64> {
        self.say(format!("seek {by_s}"));
        Some(65_000_000_000)
    }
    fn taken(&self, name: &str) -> bool {
        self.files.borrow().iter().any(|(file, _)| file == name)
    }
    fn leave(&self) -> bool {
        self.leave.get()
    }
    fn save(&self, files: &[Saved]) -> Result<String, String> {
        for file in files {
            self.say(format!("save {}", file.name));
            self.files.borrow_mut().push((file.name.clone(), file.bytes.clone()));
        }
        Ok("screens".to_owned())
    }
    fn suspend(&self) -> std::io::Result<()> {
        self.say("suspend");
        Ok(())
    }
}

/// Updates that are there already.
pub struct Script {
    pub updates: VecDeque<Update>,
    /// Whether that is all there will be.
    pub closes: bool,
}

impl Updates for Script {
    fn take(&mut self) -> Result<Option<Update>, Closed> {
        match self.updates.pop_front() {
            None if self.closes => Err(Closed),
            update => Ok(update),
        }
    }
}

/// An app on a stage.
pub struct Stage<'a> {
    pub app: App<'a>,
    terminal: Terminal<TestBackend>,
}

#[allow(clippy::unwrap_used, reason = "a stage is for tests")]
impl<'a> Stage<'a> {
    pub fn new(look: UserView, controls: &'a Recorder, size: (u16, u16)) -> Self {
        Self::with_clock(look, controls, size, Clock::monotonic())
    }

    pub fn with_clock(look: UserView, controls: &'a Recorder, (width, height): (u16, u16), clock: Clock) -> Self {
        Self { app: App::new(look, controls, clock), terminal: Terminal::new(TestBackend::new(width, height)).unwrap() }
    }

    /// Gives it these updates.
    pub fn take(&mut self, updates: impl IntoIterator<Item = Update>) {
        let updates = updates.into_iter().collect();
        self.app.take(&mut Script { updates, closes: false });
    }

    /// Tells the app that no update will follow.
    pub fn close(&mut self) {
        self.app.take(&mut Script { updates: VecDeque::new(), closes: true });
    }

    /// Presses keys, one per character.
    pub fn press(&mut self, keys: &str) {
        for c in keys.chars() {
            self.key(KeyCode::Char(c), KeyModifiers::NONE);
        }
    }

    pub fn key(&mut self, code: KeyCode, modifiers: KeyModifiers) {
        self.app.event(&Event::Key(KeyEvent::new(code, modifiers)));
    }

    /// Presses a letter with Ctrl.
    pub fn control(&mut self, letter: char) {
        self.key(KeyCode::Char(letter), KeyModifiers::CONTROL);
    }

    /// Clicks on a place, after a frame was drawn.
    pub fn click(&mut self, column: u16, row: u16) {
        self.mouse(MouseEventKind::Down(MouseButton::Left), column, row);
    }

    pub fn mouse(&mut self, kind: MouseEventKind, column: u16, row: u16) {
        self.draw();
        self.app.event(&Event::Mouse(MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE }));
    }

    /// The terminal gets another size.
    pub fn resize(&mut self, width: u16, height: u16) {
        self.terminal.backend_mut().resize(width, height);
        self.app.event(&Event::Resize(width, height));
    }

    /// Another program writes onto the terminal.
    pub fn scribble(&mut self, text: &str) {
        let cells: Vec<BufferCell> = text.chars().map(BufferCell::from).collect();
        let places = cells.iter().enumerate().map(|(x, cell)| (x as u16, 12, cell));
        self.terminal.backend_mut().draw(places).unwrap();
    }

    /// The loop itself.
    pub fn run(&mut self, events: &mut dyn Events, updates: &mut dyn Updates, pace: Pace) {
        self.app.run(&mut self.terminal, events, updates, pace).unwrap();
    }

    /// What the terminal shows now.
    pub fn shows(&self) -> String {
        text(self.terminal.backend().buffer())
    }

    pub fn draw(&mut self) -> &Buffer {
        self.app.draw(&mut self.terminal).unwrap();
        self.terminal.backend().buffer()
    }

    /// The screen as text, a line per row, without trailing blanks.
    pub fn text(&mut self) -> String {
        text(self.draw())
    }
}

/// A buffer as text, a line per row, without trailing blanks.
pub fn text(buffer: &Buffer) -> String {
    picture::text(buffer).trim_end_matches('\n').to_owned()
}

/// How a user looks at a screen at first.
pub fn look(screen: usize, theme: Theme, ascii: bool) -> UserView {
    UserView { screen, ..UserView::new(theme, ascii) }
}

/// The place of a system.
pub fn showing(state: &State, system: &str) -> Option<usize> {
    state.systems.iter().position(|one| one.name == system)
}

/// What a panel of a screen says of its selected figure.
pub fn explained(screen: usize, state: &State, look: &UserView, panel: usize) -> String {
    let view = View { state, look, panel, room: Room::Normal, paused: Paused::No, now: 0 };
    (SCREENS[screen].panels[panel].explain)(&view)
}

/// The panels of a screen alone, as on a terminal of this size.
pub fn panels(screen: usize, state: &State, look: &UserView, (width, height): (u16, u16)) -> Buffer {
    let mut look = look.clone();
    look.screen = screen;
    let whole = Rect::new(0, 0, width, height);
    let area = Rect { y: 0, ..middle(whole) };
    let mut buffer = Buffer::empty(area);
    buffer.set_style(area, look.theme.paper());
    let view = View { state, look: &look, panel: 0, room: Room::of(whole), paused: Paused::No, now: 0 };
    draw_panels(&view, area, &mut buffer);
    buffer
}
