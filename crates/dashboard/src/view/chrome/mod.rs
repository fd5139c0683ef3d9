//! What surrounds the panels: title, tabs, footer, and what covers them. Title and
//! tabs show on every screen what must not be missed: double grants, and whether the
//! load is paused or the display frozen.

mod footer;
mod halves;
mod help;
mod popup;
mod tabs;
mod title;

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::{Modifier, Style};
use ratatui::widgets::{Paragraph, Widget, Wrap};

use super::{Panel, Room, View};
use crate::controls::Paused;
use crate::state::State;
use crate::theme::Ink;
use crate::user_view::Ending;
use crate::user_view::UserView;
use lockbench_core::plain::is_order;
use lockbench_report::live::Origin;

use self::halves::halves;
pub use halves::BESIDE;
pub use popup::most_scrolled;

/// Fewest columns that something is drawn in.
pub const NARROWEST: u16 = 80;
/// Fewest rows.
pub const SHORTEST: u16 = 24;

/// Draws everything. Whatever text of others is in it, no cell commands the terminal.
pub fn draw(state: &State, look: &UserView, paused: Paused, now: u64, area: Rect, buffer: &mut Buffer) {
    draw_raw(state, look, paused, now, area, buffer);
    for cell in &mut buffer.content {
        if cell.symbol().len() > 1 && cell.symbol().contains(is_order) {
            cell.set_char('?');
        }
    }
}

fn draw_raw(state: &State, look: &UserView, paused: Paused, now: u64, area: Rect, buffer: &mut Buffer) {
    buffer.set_style(area, look.theme.paper());
    if area.width < NARROWEST || area.height < SHORTEST {
        let over = look.ending == Ending::Over;
        let keys = match (state.origin(), over) {
            (Origin::Live, false) => "The run goes on; q ends it.",
            (Origin::Followed, false) => "q leaves; the run goes on without you.",
            _ => "q leaves.",
        };
        let (width, height) = (area.width, area.height);
        let text = format!("lockbench needs {NARROWEST}x{SHORTEST}, this terminal has {width}x{height}. {keys}");
        Paragraph::new(text).wrap(Wrap { trim: true }).render(area, buffer);
        return;
    }
    let view = View { state, look, panel: 0, room: Room::of(area), paused, now };
    let [title, tabs, middle, footer] = rows(area);
    title::draw(&view, title, buffer);
    tabs::draw(&view, tabs, middle, buffer);
    draw_panels(&view, middle, buffer);
    footer::draw(&view, footer, buffer);
    if let Some(popup) = &look.popup {
        popup::draw(&view, popup, middle, buffer);
    }
}

/// Draws the panels of the screen alone.
pub fn draw_panels(view: &View<'_>, area: Rect, buffer: &mut Buffer) {
    for half in halves(view, area) {
        let view = View { look: &half.look, room: half.room, ..*view };
        for (panel, (place, area)) in panels(&half.look, half.room, half.area) {
            (panel.draw)(&View { panel: place, ..view }, area, buffer);
        }
    }
}

/// Title, tabs, panels, footer.
fn rows(area: Rect) -> [Rect; 4] {
    let row = |y: u16, height: u16| Rect { x: area.x, y: area.y + y, width: area.width, height };
    [row(0, 1), row(1, 1), row(2, area.height.saturating_sub(3)), row(area.height.saturating_sub(1), 1)]
}

/// The area of the panels on a screen of this size.
#[must_use]
pub fn middle(area: Rect) -> Rect {
    rows(area)[2]
}

/// The panels that are shown, with their numbers and areas. A focused one that has no
/// room takes that of the largest, so that every panel can be seen at every size.
fn panels(look: &UserView, room: Room, middle: Rect) -> Vec<(&'static Panel, (usize, Rect))> {
    let screen = look.current();
    let focused = look.focused().min(screen.panels.len() - 1);
    if look.expanded {
        return vec![(screen.panels[focused], (focused, middle))];
    }
    let mut areas = (screen.arrange)(middle, room);
    areas.resize(screen.panels.len(), Rect::default());
    let largest = (0..areas.len()).max_by_key(|at| areas[*at].area());
    if let Some(largest) = largest.filter(|_| areas[focused].is_empty()) {
        areas.swap(focused, largest);
    }
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
pub fn place_at(state: &State, look: &UserView, area: Rect, at: Position) -> Option<Spot> {
    if area.width < NARROWEST || area.height < SHORTEST {
        return None;
    }
    let view = View { state, look, panel: 0, room: Room::of(area), paused: Paused::No, now: 0 };
    let [_, tabs, middle, _] = rows(area);
    if tabs.contains(at) {
        return tabs::at(&view, tabs, at).map(Spot::Tab);
    }
    let half = halves(&view, middle).into_iter().find(|half| half.area.contains(at))?;
    let view = View { look: &half.look, room: half.room, ..view };
    let hit = panels(&half.look, half.room, half.area).into_iter().find(|(_, (_, area))| area.contains(at));
    hit.map(|(panel, (place, area))| Spot::Panel(place, (panel.hit)(&View { panel: place, ..view }, area, at)))
}

/// An alarm as a block of colour, so that it is seen from afar.
fn loud(view: &View<'_>) -> Style {
    let style = view.ink(Ink::Alarm);
    if style.bg.is_some() { style } else { style.add_modifier(Modifier::REVERSED) }
}

#[cfg(test)]
mod tests;
