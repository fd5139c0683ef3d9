//! The help: the panels of this screen and the keys that mean something here, from the
//! panels and the key map themselves.

use ratatui::text::{Line, Span};

use super::View;
use crate::input::{Group, bindings};
use crate::text::wrap;
use crate::theme::Ink;

/// Columns of the keys.
const KEYS: usize = 11;

/// The rows of the help, as wide as this.
pub(super) fn rows(view: &View<'_>, width: usize) -> Vec<Line<'static>> {
    let mut rows = panels(view, width);
    for group in Group::ALL {
        let mut here = bindings(view.state.origin(), view.look.screen).filter(|binding| binding.group == group);
        if let Some(first) = here.next() {
            rows.push(Line::default());
            rows.push(Line::styled(group.name(), view.ink(Ink::Title)));
            for binding in std::iter::once(first).chain(here) {
                item(view, (binding.shown, Ink::Focus), binding.help, width, &mut rows);
            }
        }
    }
    rows
}

/// What this screen has: each panel, what it shows, its orders.
fn panels(view: &View<'_>, width: usize) -> Vec<Line<'static>> {
    let screen = view.look.current();
    let mut rows =
        vec![Line::styled(format!("Screen {}: {}", view.look.screen + 1, screen.name), view.ink(Ink::Title))];
    let focused = view.look.focused().min(screen.panels.len() - 1);
    for (i, panel) in screen.panels.iter().enumerate() {
        let mark = if i == focused { view.glyphs().pointer } else { " " };
        let focus = if i == focused { " (has the focus)" } else { "" };
        let name = Line::from(vec![
            Span::styled(format!("{mark} "), view.ink(Ink::Focus)),
            Span::styled(format!("{}{focus}", panel.name), view.ink(Ink::Text)),
        ]);
        rows.push(name);
        let orders =
            if panel.sorts.is_empty() { String::new() } else { format!("Orders: {}.", panel.sorts.join(", ")) };
        let about = if panel.about.is_empty() { String::new() } else { format!("{}. ", panel.about) };
        let text = wrap(&format!("{about}{orders}"), width.saturating_sub(4));
        rows.extend(text.into_iter().map(|row| Line::styled(format!("    {row}"), view.ink(Ink::Soft))));
    }
    rows
}

fn item(view: &View<'_>, (key, ink): (&str, Ink), text: &str, width: usize, rows: &mut Vec<Line<'static>>) {
    for (i, row) in wrap(text, width.saturating_sub(KEYS)).into_iter().enumerate() {
        let key = if i == 0 { key } else { "" };
        rows.push(Line::from(vec![
            Span::styled(format!("{key:<KEYS$}"), view.ink(ink)),
            Span::styled(row, view.ink(Ink::Text)),
        ]));
    }
}
