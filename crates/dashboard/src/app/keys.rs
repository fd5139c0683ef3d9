//! What comes from the terminal, and what takes it: the filter that is typed, what covers
//! the screen, or the key map.

use ratatui::crossterm::event::{
    Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseButton, MouseEvent, MouseEventKind,
};
use ratatui::layout::Position;

use super::App;
use crate::input::{Action, action, why_not};
use crate::user_view::Popup;
use crate::view::{NARROWEST, SHORTEST, Spot, middle, most_scrolled, place_at};

/// Rows that a page has, and a turn of the wheel.
const PAGE: isize = 10;

impl App<'_> {
    /// Something came from the terminal.
    pub fn event(&mut self, event: &Event) {
        match event {
            Event::Key(key) if key.kind != KeyEventKind::Release => self.key(*key),
            Event::Mouse(mouse) => self.mouse(*mouse),
            // Whatever its size is now: what is on it is unknown.
            Event::Resize(..) => self.redraw = true,
            _ => {}
        }
    }

    fn key(&mut self, key: KeyEvent) {
        let action = action(key, self.origin(), self.look.screen);
        if self.look.filtering {
            self.filter(key, action);
        } else if self.look.popup.is_some() {
            self.covered(key, action);
        } else if let Some(action) = action {
            self.act(action);
        } else if let Some((shown, why)) = why_not(key).filter(|(_, why)| !why.is_empty()) {
            self.toast(format!("{shown} {why}"));
        }
    }

    /// A key while the filter is typed: letters are text, not actions.
    fn filter(&mut self, key: KeyEvent, action: Option<Action>) {
        let control = key.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT);
        match key.code {
            KeyCode::Char(_) if control => {
                if matches!(action, Some(Action::Finish | Action::Suspend | Action::Redraw)) {
                    self.act_on(action);
                }
            }
            KeyCode::Char(c) => self.look.filter.push(c),
            KeyCode::Enter => self.look.filtering = false,
            KeyCode::Esc => {
                self.look.filtering = false;
                self.look.filter.clear();
            }
            KeyCode::Backspace => {
                self.look.filter.pop();
            }
            _ => {}
        }
    }

    /// A key while something covers the screen: it scrolls, or closes it, also a letter
    /// that else ends the run: a user who leaves the help by q does not mean the run. Ctrl-C does.
    fn covered(&mut self, key: KeyEvent, action: Option<Action>) {
        let question = matches!(self.look.popup, Some(Popup::Warning(_)));
        // A user cannot mean to close what a small terminal does not show.
        let hidden = self.size.width < NARROWEST || self.size.height < SHORTEST;
        let ends = hidden || key.modifiers.contains(KeyModifiers::CONTROL);
        match action {
            Some(Action::Up) if !question => self.scroll(-1),
            Some(Action::Down) if !question => self.scroll(1),
            Some(Action::PageUp) if !question => self.scroll(-PAGE),
            Some(Action::PageDown) if !question => self.scroll(PAGE),
            Some(Action::First) if !question => self.scroll(isize::MIN),
            Some(Action::Last) if !question => self.scroll(isize::MAX),
            Some(Action::Redraw) => self.act(Action::Redraw),
            Some(Action::Suspend) if question => {
                self.look.popup = None;
                self.suspend();
            }
            Some(Action::Finish) if ends => {
                self.look.popup = None;
                self.act(Action::Finish);
            }
            _ => self.look.popup = None,
        }
    }

    fn act_on(&mut self, action: Option<Action>) {
        if let Some(action) = action {
            self.act(action);
        }
    }

    fn scroll(&mut self, by: isize) {
        let most = most_scrolled(&self.view(), middle(self.size));
        self.look.scroll = self.look.scroll.min(most).saturating_add_signed(by).min(most);
    }

    fn mouse(&mut self, mouse: MouseEvent) {
        let at = Position::new(mouse.column, mouse.row);
        let wheel = match mouse.kind {
            MouseEventKind::ScrollUp => Some(-1),
            MouseEventKind::ScrollDown => Some(1),
            MouseEventKind::Down(MouseButton::Left) => None,
            _ => return,
        };
        if self.look.popup.is_some() {
            match wheel {
                Some(by) => self.scroll(by),
                None => self.look.popup = None,
            }
            return;
        }
        match (place_at(self.shown(), &self.look, self.size, at), wheel) {
            (Some(Spot::Tab(screen)), None) => self.act(Action::Screen(screen)),
            (Some(Spot::Panel(panel, hit)), None) => {
                self.look.focus[self.look.screen] = panel;
                if let Some((row, column)) = hit {
                    let selection = self.look.selected_mut();
                    (selection.row, selection.column) = (row, column);
                }
            }
            (Some(Spot::Panel(panel, _)), Some(by)) => {
                self.look.focus[self.look.screen] = panel;
                self.act(if by < 0 { Action::Up } else { Action::Down });
            }
            (Some(Spot::Tab(_)) | None, _) => {}
        }
    }
}
