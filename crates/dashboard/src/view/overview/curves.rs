//! The rate of every system over time, side by side, where there is room below the table.
//! Each is drawn on a scale of its own, for its shape; how they compare is what the bars
//! of the table show.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::rate::Rate;
use super::row::Row;
use super::table::Table;
use crate::text::{clock, fit, rate};
use crate::theme::Ink;
use crate::view::View;

/// Fewest rows of a curve with its heading, and the rows that are better than a second
/// column.
const ROWS: (u16, u16) = (4, 7);
/// Fewest columns of a curve.
const COLUMNS: u16 = 28;
/// Most columns of curves beside each other.
const BESIDE: u16 = 4;

/// Draws them, as far as there is room for all.
pub fn draw(view: &View<'_>, table: &Table, marked: usize, area: Rect, buffer: &mut Buffer) {
    // A system that did not begin has no curve, and says so in its row.
    let places: Vec<usize> = (0..table.lines.len()).filter(|place| table.lines[*place].reason.is_none()).collect();
    let soft = view.ink(Ink::Soft);
    let Some((beside, height)) = grid(places.len() as u16, Rect { height: area.height.saturating_sub(1), ..area })
    else {
        return;
    };
    let head = "grants/s over time, since the warm-up began; each on a scale of its own, up to its highest second";
    buffer.set_stringn(
        area.x + 1,
        area.y,
        fit(head, usize::from(area.width) - 2, view.glyphs().more),
        usize::from(area.width) - 1,
        soft,
    );
    let width = area.width / beside;
    for (i, place) in (0..).zip(places) {
        let (column, line) = (i % beside, i / beside);
        let (x, y) = (area.x + column * width + 1, area.y + 1 + line * height);
        curve(view, (table, place, place == marked), Rect { x, y, width: width - 2, height }, buffer);
    }
}

/// How many beside each other, and rows of each.
fn grid(count: u16, area: Rect) -> Option<(u16, u16)> {
    if count == 0 {
        return None;
    }
    let height = |beside: u16| area.height / count.div_ceil(beside);
    let fits = |beside: &u16, rows: u16| area.width / beside >= COLUMNS && height(*beside) >= rows;
    let all = || 1..=BESIDE.min(count);
    let beside =
        all().find(|beside| fits(beside, ROWS.1)).or_else(|| all().rev().find(|beside| fits(beside, ROWS.0)))?;
    Some((beside, height(beside).min(14)))
}

/// A heading, the curve, its axis.
fn curve(view: &View<'_>, (table, place, marked): (&Table, usize, bool), area: Rect, buffer: &mut Buffer) {
    let row = Row { view, system: &view.state.systems[table.lines[place].at] };
    let curve = Rate::of(view, row.system, area.width.into());
    let (glyphs, soft) = (view.glyphs(), view.ink(Ink::Soft));
    let sign = row.sign();
    let (x, _) = buffer.set_stringn(area.x, area.y, &sign.text, 1, view.ink(sign.ink));
    let ink = view.ink(if marked { Ink::Title } else { Ink::Text });
    let room = |x: u16| usize::from(area.right().saturating_sub(x));
    let (x, _) = buffer.set_stringn(x + 1, area.y, &row.system.name, room(x + 1), ink);
    let text = if curve.most > 0.0 { format!("up to {}", rate(curve.most)) } else { "no grant".to_owned() };
    buffer.set_stringn(x + 2, area.y, fit(&text, room(x + 2), glyphs.more), room(x + 2), soft);
    let bottom = area.bottom() - 1;
    let plot = Rect { y: area.y + 1, height: area.height - 2, ..area };
    curve.draw(glyphs, view.ink(Ink::First), plot, buffer);
    let (from, to) = (clock(curve.stretch.0), clock(curve.stretch.1));
    buffer.set_string(area.x, bottom, &from, soft);
    buffer.set_string(area.right().saturating_sub(to.len() as u16), bottom, &to, soft);
}
