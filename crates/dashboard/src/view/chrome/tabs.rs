//! The second row: the screens and their keys, with a sign on Safety where a promise
//! was broken.

use ratatui::buffer::Buffer;
use ratatui::layout::{Alignment, Position, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;

use super::{View, loud, panels};
use crate::theme::Ink;

/// The screen that bears the sign.
const SAFETY: usize = 3;

pub(super) fn draw(view: &View<'_>, area: Rect, middle: Rect, buffer: &mut Buffer) {
    let tabs = Line::from(tabs(view, area.width).into_iter().flatten().collect::<Vec<_>>());
    let used = tabs.width();
    tabs.render(area, buffer);
    let panel = panel(view, middle);
    if used + 1 + panel.width() <= usize::from(area.width) {
        panel.alignment(Alignment::Right).render(area, buffer);
    }
}

/// The screen whose tab is at a place.
pub(super) fn at(view: &View<'_>, area: Rect, at: Position) -> Option<usize> {
    let mut right = usize::from(area.x);
    tabs(view, area.width).iter().position(|tab| {
        right += tab.iter().map(Span::width).sum::<usize>();
        usize::from(at.x) < right
    })
}

/// A tab per screen; short names where the long ones do not fit.
fn tabs(view: &View<'_>, room: u16) -> Vec<Vec<Span<'static>>> {
    let long = all(view, false);
    let wide = long.iter().flatten().map(Span::width).sum::<usize>();
    if wide <= usize::from(room) { long } else { all(view, true) }
}

fn all(view: &View<'_>, short: bool) -> Vec<Vec<Span<'static>>> {
    let systems = &view.state.systems;
    let broken = view.state.double_grants() > 0 || systems.iter().any(|system| system.token_regressions() > 0);
    let screens = view.look.screens.iter().enumerate();
    let tab = |(i, screen): (usize, &&'static super::super::Screen)| {
        let name = if short { screen.short } else { screen.name };
        let here = i == view.look.screen;
        // Brackets show the screen where colours do not.
        let (open, close, ink) = if here { ("[", "]", Ink::Focus) } else { (" ", " ", Ink::Soft) };
        let ink = view.ink(ink);
        let mut spans = vec![Span::styled(format!("{open}{} {name}", i + 1), ink)];
        if i == SAFETY && broken {
            spans.extend([Span::styled(" ", ink), Span::styled(view.glyphs().alarm.repeat(2), loud(view))]);
        }
        spans.push(Span::styled(close, ink));
        spans
    };
    screens.map(tab).collect()
}

/// Which panel of how many, where not all of them are in sight.
fn panel(view: &View<'_>, middle: Rect) -> Line<'static> {
    let all = view.look.current().panels;
    let shown = panels(view.look, view.room, middle).len();
    if shown >= all.len() {
        return Line::default();
    }
    let focused = view.look.focused().min(all.len() - 1);
    Line::styled(format!("panel {}/{}: h l", focused + 1, all.len()), view.ink(Ink::Soft))
}
