//! For tests: an app on a terminal of a given size, with controls that only remember.

use std::cell::RefCell;

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};

use super::app::App;
use super::controls::{Controls, Saved};
use super::look::Look;
use crate::clock::Clock;

/// Controls that remember what they were told.
#[derive(Default)]
pub struct Told {
    pub said: RefCell<Vec<String>>,
    pub paused: RefCell<bool>,
}

impl Told {
    fn say(&self, text: impl Into<String>) {
        self.said.borrow_mut().push(text.into());
    }
}

impl Controls for Told {
    fn pause(&self, paused: bool) {
        *self.paused.borrow_mut() = paused;
        self.say(format!("pause {paused}"));
    }
    fn paused(&self) -> bool {
        *self.paused.borrow()
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
    fn look_at_servers(&self, _wanted: bool) {}
    fn set_speed(&self, speed: f64) {
        self.say(format!("speed {speed}"));
    }
    fn save(&self, files: &[Saved]) -> Result<String, String> {
        for file in files {
            self.say(format!("save {}", file.name));
        }
        Ok("screens".to_owned())
    }
    fn suspend(&self) -> std::io::Result<()> {
        self.say("suspend");
        Ok(())
    }
}

/// An app on a stage.
pub struct Stage<'a> {
    pub app: App<'a>,
    terminal: Terminal<TestBackend>,
}

#[allow(clippy::unwrap_used, reason = "a stage is for tests")]
impl<'a> Stage<'a> {
    pub fn new(look: Look, controls: &'a Told, (width, height): (u16, u16)) -> Self {
        let clock = Clock::monotonic();
        Self { app: App::new(look, controls, clock), terminal: Terminal::new(TestBackend::new(width, height)).unwrap() }
    }

    /// Presses keys, one a character.
    pub fn press(&mut self, keys: &str) {
        for c in keys.chars() {
            self.key(KeyCode::Char(c), KeyModifiers::NONE);
        }
    }

    pub fn key(&mut self, code: KeyCode, modifiers: KeyModifiers) {
        self.app.event(&Event::Key(KeyEvent::new(code, modifiers)));
    }

    pub fn draw(&mut self) -> &Buffer {
        self.app.draw(&mut self.terminal).unwrap();
        self.terminal.backend().buffer()
    }

    /// The screen as text, a line a row, without trailing blanks.
    pub fn text(&mut self) -> String {
        text(self.draw())
    }
}

/// A buffer as text, a line a row, without trailing blanks.
pub fn text(buffer: &Buffer) -> String {
    let area = buffer.area;
    let row = |y| (area.left()..area.right()).map(|x| buffer[(x, y)].symbol()).collect::<String>();
    let rows: Vec<String> = (area.top()..area.bottom()).map(|y| row(y).trim_end().to_owned()).collect();
    rows.join("\n")
}
