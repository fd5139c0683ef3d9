//! What surrounds the panels: title, tabs, footer, and what covers them.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Clear, Paragraph, Widget, Wrap};

use super::{Panel, Room, SCREENS, View};
use crate::report::live::Origin;
use crate::tui::input::{BINDINGS, applies};
use crate::tui::look::{Look, Popup};
use crate::tui::state::State;
use crate::tui::theme::Ink;

/// Fewest columns that something is drawn in.
pub const NARROWEST: u16 = 80;
/// Fewest rows.
pub const SHORTEST: u16 = 24;

/// Draws everything.
pub fn draw(state: &State, look: &Look, paused: bool, now: u64, area: Rect, buffer: &mut Buffer) {
    if area.width < NARROWEST || area.height < SHORTEST {
        let text = format!(
            "lockbench needs {NARROWEST}x{SHORTEST}, this terminal has {}x{}. The run goes on; q ends it.",
            area.width, area.height
        );
        Paragraph::new(text).wrap(Wrap { trim: true }).render(area, buffer);
        return;
    }
    let view = View { state, look, panel: 0, room: Room::of(area), paused, now };
    let [title, tabs, middle, footer] = rows(area);
    Line::from(Span::styled("lockbench", view.ink(Ink::Title))).render(title, buffer);
    let names = SCREENS.iter().enumerate().map(|(i, screen)| {
        let ink = if i == look.screen { Ink::Focus } else { Ink::Soft };
        Span::styled(format!("{} {}  ", i + 1, screen.name), view.ink(ink))
    });
    Line::from(names.collect::<Vec<_>>()).render(tabs, buffer);
    for (panel, (place, area)) in panels(look, view.room, middle) {
        (panel.draw)(&View { panel: place, ..view }, area, buffer);
    }
    Line::styled("? help  q quit", view.ink(Ink::Soft)).render(footer, buffer);
    if let Some(popup) = &look.popup {
        cover(&view, popup, middle, buffer);
    }
}

/// Title, tabs, panels, footer.
fn rows(area: Rect) -> [Rect; 4] {
    let row = |y: u16, height: u16| Rect { x: area.x, y: area.y + y, width: area.width, height };
    [row(0, 1), row(1, 1), row(2, area.height - 3), row(area.height - 1, 1)]
}

/// The panels that are shown, with their numbers and areas.
fn panels(look: &Look, room: Room, middle: Rect) -> Vec<(&'static Panel, (usize, Rect))> {
    let screen = SCREENS[look.screen];
    if look.expanded {
        let focused = look.focused().min(screen.panels.len() - 1);
        return vec![(screen.panels[focused], (focused, middle))];
    }
    let areas = (screen.arrange)(middle, room);
    let shown = screen.panels.iter().copied().zip(areas.into_iter().enumerate());
    shown.filter(|(_, (_, area))| !area.is_empty()).collect()
}

/// What is at a place of the screen: a tab, or a panel's row and column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spot {
    /// The tab of a screen.
    Tab(usize),
    /// A panel, and the row and column in it if there is one.
    Panel(usize, Option<(usize, usize)>),
}

/// What is at a place of the screen, for the mouse.
#[must_use]
pub fn place_at(state: &State, look: &Look, area: Rect, at: Position) -> Option<Spot> {
    let view = View { state, look, panel: 0, room: Room::of(area), paused: false, now: 0 };
    let [_, tabs, middle, _] = rows(area);
    if tabs.contains(at) {
        let mut x = tabs.x;
        for (i, screen) in SCREENS.iter().enumerate() {
            let width = screen.name.chars().count() as u16 + 4;
            if at.x < x + width {
                return Some(Spot::Tab(i));
            }
            x += width;
        }
        return None;
    }
    let hit = panels(look, view.room, middle).into_iter().find(|(_, (_, area))| area.contains(at));
    hit.map(|(panel, (place, area))| Spot::Panel(place, (panel.hit)(&View { panel: place, ..view }, area, at)))
}

fn cover(view: &View<'_>, popup: &Popup, area: Rect, buffer: &mut Buffer) {
    let (title, lines) = match popup {
        Popup::Help => ("Keys", help(view)),
        Popup::Explain(text) => ("Explained", vec![Line::raw(text.clone())]),
        Popup::Story(text) => ("What happened", vec![Line::raw(text.clone())]),
        Popup::Warning(text) => ("Are you sure?", vec![Line::raw(text.clone())]),
    };
    Clear.render(area, buffer);
    let inside = view.frame(title, area, buffer);
    Paragraph::new(lines).wrap(Wrap { trim: false }).render(inside, buffer);
}

/// The keys that mean something here.
fn help(view: &View<'_>) -> Vec<Line<'static>> {
    let live = view.state.origin() == Origin::Live;
    let here = BINDINGS.iter().filter(|binding| applies(binding.place, live, view.look.screen));
    here.map(|binding| Line::raw(format!("{:<10} {}", binding.shown, binding.help))).collect()
}
