//! What covers the panels: help, an explanation, a story, a question. Centred, as large
//! as its text, scrolled where that is too long.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Modifier;
use ratatui::text::Line;
use ratatui::widgets::{Clear, Widget};

use super::{View, help};
use crate::text::wrap;
use crate::theme::Ink;
use crate::user_view::Popup;

/// Widest text: longer lines are hard to read.
const WIDEST: usize = 76;
/// Narrowest cover.
const NARROWEST: usize = 36;
/// Columns of the frame and beside the text.
const MARGIN: usize = 4;
/// Columns at both sides of the screen that stay in sight.
const BESIDE: usize = 6;
/// Between two columns of the help.
const GAP: usize = 3;

/// How far off the middle a heading may begin the second column.
const NEAR: usize = 5;

/// A cover that is laid out.
struct Cover {
    title: String,
    ink: Ink,
    area: Rect,
    /// Rows of its columns; the first column has `height` of them.
    rows: Vec<Line<'static>>,
    /// Rows per column.
    height: usize,
    /// Width of a column.
    width: usize,
}

/// How far the cover can be scrolled.
#[must_use]
pub fn most_scrolled(view: &View<'_>, middle: Rect) -> usize {
    let cover = view.look.popup.as_ref().map(|popup| lay(view, popup, middle));
    cover.map_or(0, |cover| cover.height.saturating_sub(inside(cover.area)))
}

fn inside(area: Rect) -> usize {
    usize::from(area.height.saturating_sub(2))
}

fn lay(view: &View<'_>, popup: &Popup, middle: Rect) -> Cover {
    let most = usize::from(middle.width).saturating_sub(BESIDE + MARGIN);
    let (title, ink) = match popup {
        Popup::Help => ("Help".to_owned(), Ink::Focus),
        Popup::Explain(_) => (format!("Explained: {}", view.panel_in_focus().name), Ink::Focus),
        Popup::Story(_) => ("What happened".to_owned(), Ink::Focus),
        Popup::Warning(_) => ("Are you sure?".to_owned(), Ink::Warn),
    };
    let (rows, width) = match popup {
        Popup::Help => {
            let columns = if most >= 2 * 50 + GAP { 2 } else { 1 };
            let width = ((most - GAP * (columns - 1)) / columns).min(WIDEST);
            let mut rows = help::rows(view, width);
            let height = split(&mut rows, columns);
            return placed(Cover { title, ink, area: middle, rows, height, width }, columns, middle);
        }
        Popup::Explain(text) | Popup::Story(text) | Popup::Warning(text) => {
            let rows = wrap(text, most.min(WIDEST));
            let longest = rows.iter().map(|row| row.chars().count()).max().unwrap_or(0);
            let width = longest.max(title.chars().count() + 2).max(NARROWEST).min(most);
            (rows.into_iter().map(Line::raw).collect::<Vec<_>>(), width)
        }
    };
    let height = rows.len();
    placed(Cover { title, ink, area: middle, rows, height, width }, 1, middle)
}

/// As large as it needs to be, in the middle.
fn placed(cover: Cover, columns: usize, middle: Rect) -> Cover {
    let wide = (cover.width * columns + GAP * (columns - 1) + MARGIN) as u16;
    let high = ((cover.height + 2) as u16).min(middle.height);
    let (x, y) = (middle.x + (middle.width - wide) / 2, middle.y + (middle.height - high) / 2);
    Cover { area: Rect { x, y, width: wide, height: high }, ..cover }
}

/// Rows of the first column; the next one begins with a heading if one is near.
fn split(rows: &mut Vec<Line<'static>>, columns: usize) -> usize {
    let half = rows.len().div_ceil(columns);
    let blank = (half..rows.len().min(half + NEAR)).find(|row| rows[*row].width() == 0);
    match blank {
        Some(blank) => {
            rows.remove(blank);
            blank
        }
        None => half,
    }
}

pub(super) fn draw(view: &View<'_>, popup: &Popup, middle: Rect, buffer: &mut Buffer) {
    let cover = lay(view, popup, middle);
    // A blank column on both sides sets it apart from what it covers.
    let around = Rect { x: cover.area.x - 1, width: cover.area.width + 2, ..cover.area };
    Clear.render(around, buffer);
    buffer.set_style(around, view.look.theme.paper());
    let seen = inside(cover.area);
    let first = view.look.scroll.min(cover.height.saturating_sub(seen));
    let frame = view.ink(cover.ink).remove_modifier(Modifier::UNDERLINED);
    let mut block = view.block(true).border_style(frame).title_style(view.ink(cover.ink));
    block = block.title(format!(" {} ", cover.title));
    if cover.height > seen {
        let last = first + seen;
        block = block.title_bottom(format!(" rows {}-{last} of {}: j k scroll ", first + 1, cover.height));
    }
    block.render(cover.area, buffer);
    for (i, line) in cover.rows.iter().enumerate() {
        let (column, row) = (i / cover.height, i % cover.height);
        if row < first || row >= first + seen {
            continue;
        }
        let x = cover.area.x + 2 + (column * (cover.width + GAP)) as u16;
        let y = cover.area.y + 1 + (row - first) as u16;
        line.render(Rect { x, y, width: cover.width as u16, height: 1 }, buffer);
    }
}
