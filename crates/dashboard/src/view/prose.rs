//! Text into cells: wrapped at spaces, cut at the edge, and with nothing in it that a
//! terminal would take for a command.

use std::borrow::Cow;

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;

use crate::glyph::Glyphs;
use lockbench_core::plain::is_order;

/// The text as it may be shown: no control characters, and with ASCII signs only ASCII.
pub fn clean(text: &str, glyphs: Glyphs) -> Cow<'_, str> {
    let bad = |c: char| is_order(c) || glyphs.ascii && !c.is_ascii();
    if text.contains(bad) {
        let replaced = |c: char| if c.is_whitespace() { ' ' } else { '?' };
        Cow::Owned(text.chars().map(|c| if bad(c) { replaced(c) } else { c }).collect())
    } else {
        Cow::Borrowed(text)
    }
}

/// Writes a text from column `x` of row `y` of the area on, cut at its right edge.
/// Returns the column after it.
pub fn put(buffer: &mut Buffer, area: Rect, (x, y): (u16, u16), text: &str, style: Style) -> u16 {
    if y >= area.height || x >= area.width {
        return x;
    }
    let (end, _) = buffer.set_stringn(area.x + x, area.y + y, text, usize::from(area.width - x), style);
    end - area.x
}

/// The same, ending before column `end`.
pub fn put_right(buffer: &mut Buffer, area: Rect, (end, y): (u16, u16), text: &str, style: Style) {
    let width = text.chars().count().min(usize::from(u16::MAX)) as u16;
    put(buffer, area, (end.saturating_sub(width), y), text, style);
}

/// A row of the area in one style.
pub fn tint(buffer: &mut Buffer, area: Rect, y: u16, style: Style) {
    if y < area.height {
        buffer.set_style(Rect { y: area.y + y, height: 1, ..area }, style);
    }
}

/// The row of an area at a place of the screen.
pub fn row_at(area: Rect, at: Position) -> Option<usize> {
    area.contains(at).then(|| usize::from(at.y - area.y))
}

/// Inside of a frame of one cell.
pub fn inside(area: Rect) -> Rect {
    area.inner(ratatui::layout::Margin::new(1, 1))
}

/// The first of `count` rows that is shown so that the selected one is, in `height` rows.
pub fn first_shown(selected: usize, count: usize, height: usize) -> usize {
    if count <= height { 0 } else { selected.saturating_sub(height / 2).min(count - height) }
}

#[cfg(test)]
mod tests {
    use super::{clean, first_shown};
    use crate::glyph::{ASCII, UNICODE};

    #[test]
    fn nothing_that_moves_the_cursor_is_shown() {
        assert_eq!(clean("a\u{1b}[2Jb\tc", UNICODE), "a?[2Jb c");
        assert_eq!((clean("—", UNICODE), clean("—", ASCII)), ("—".into(), "?".into()));
    }

    #[test]
    fn the_selected_row_is_always_shown() {
        let shown = |selected, count, height| {
            let first = first_shown(selected, count, height);
            (first..first + height).contains(&selected)
        };
        assert!((0..50).all(|row| shown(row, 50, 7)) && first_shown(3, 4, 7) == 0);
    }
}
