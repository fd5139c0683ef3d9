//! Remarks on the plan and the servers, the newest at the bottom.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::prose::{clean, first_shown, inside, put, row_at};
use super::super::{Opened, Panel, View};
use crate::text::fit;
use crate::theme::Ink;
use crate::user_view::Popup;

/// Number of the panel.
const HERE: usize = 2;

/// The panel.
pub static PANEL: Panel = Panel {
    name: "Notes",
    about: "Remarks on the plan, the servers and what happened; Enter shows one whole",
    draw,
    rows: |view| listed(view).count(),
    explain: |view| chosen(view).unwrap_or_else(|| "There are no remarks.".to_owned()),
    open: |view| chosen(view).map_or(Opened::Nothing, |note| Opened::Popup(Popup::Story(note))),
    hit: |view, area, at| {
        let rows = inside(area);
        let count = listed(view).count();
        let first = first_shown(selected(view, count), count, usize::from(rows.height));
        Some(row_at(rows, at)? + first).filter(|row| *row < count).map(|row| (row, 0))
    },
    tail: true,
    ..Panel::PLAIN
};

/// The notes that the filter lets through: those of the run, then those that only the
/// report has. A note says that it is one; in this panel that is clear.
fn listed<'a>(view: &View<'a>) -> impl Iterator<Item = &'a str> {
    let bare = |note: &'a String| note.strip_prefix("note: ").unwrap_or(note);
    let said = &view.state.notes;
    let late = view.state.over.iter().flat_map(|report| &report.notes);
    let late = late.map(bare).filter(move |note| !said.iter().any(|known| bare(known) == *note));
    let look = view.look;
    said.iter().map(bare).chain(late).filter(move |note| look.filter.is_empty() || look.lists(note))
}

fn selected(view: &View<'_>, count: usize) -> usize {
    view.look.selection[view.look.screen][HERE].row.min(count.saturating_sub(1))
}

fn chosen(view: &View<'_>) -> Option<String> {
    let note = listed(view).nth(selected(view, listed(view).count()))?;
    Some(clean(note, view.glyphs()).into_owned())
}

fn draw(view: &View<'_>, area: Rect, buffer: &mut Buffer) {
    let count = listed(view).count();
    let title = if count > 0 { format!("Notes: {count}") } else { "Notes".to_owned() };
    let inside = view.frame(&title, area, buffer);
    if count == 0 {
        put(buffer, inside, (0, 0), "No remarks.", view.ink(Ink::Soft));
        return;
    }
    let glyphs = view.glyphs();
    let selected = selected(view, count);
    let height = usize::from(inside.height);
    let first = first_shown(selected, count, height);
    for (y, (row, note)) in (0..).zip(listed(view).enumerate().skip(first).take(height)) {
        let chosen = row == selected && view.focused();
        let style = view.ink(if chosen { Ink::Selected } else { Ink::Text });
        if row == selected {
            put(buffer, inside, (0, y), glyphs.pointer, view.ink(Ink::Focus));
        }
        let room = usize::from(inside.width.saturating_sub(2));
        put(buffer, inside, (2, y), &fit(&clean(note, glyphs), room, glyphs.more), style);
    }
}
