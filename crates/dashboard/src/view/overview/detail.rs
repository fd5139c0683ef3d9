//! Below the table: the axis of its bars, the selected figure in any case, then those of
//! its system that are not in the table.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::{Paragraph, Widget, Wrap};

use super::figure::FIGURES;
use super::row::Row;
use super::table::{Line, Table};
use crate::text::fit;
use crate::theme::Ink;
use crate::view::View;

/// Columns of a figure below the table, its label included.
const BELOW: u16 = 38;

/// The ends of the bars' axis, in the row below the table.
pub fn axis(view: &View<'_>, table: &Table, y: u16, buffer: &mut Buffer) {
    let (Some((x, width)), Some(axis)) = (table.bars, table.axis) else { return };
    let [low, high] = axis.ends();
    let soft = view.ink(Ink::Soft);
    buffer.set_stringn(x, y, &low, width.into(), soft);
    let text =
        if axis.log() && usize::from(width) > low.len() + high.len() + 10 { format!("log axis  {high}") } else { high };
    buffer.set_string((x + width).saturating_sub(text.len() as u16), y, text, soft);
}

/// The selected figure, then the others; returns the rows that they take.
pub fn draw(view: &View<'_>, table: &Table, (marked, chosen): (usize, usize), area: Rect, buffer: &mut Buffer) -> u16 {
    if area.is_empty() {
        return 0;
    }
    let line = &table.lines[marked];
    let row = Row { view, system: &view.state.systems[line.at] };
    let name = format!("{}  ", row.system.name);
    let (x, _) = buffer.set_stringn(area.x + 1, area.y, &name, area.width.into(), view.ink(Ink::Title));
    if let Some(reason) = &line.reason {
        let area = Rect { x, width: area.right().saturating_sub(x), height: area.height.min(3), ..area };
        Paragraph::new(reason.as_str()).style(view.ink(Ink::Soft)).wrap(Wrap { trim: true }).render(area, buffer);
        return area.height;
    }
    let style = view.ink(if view.focused() { Ink::Selected } else { Ink::Text });
    let room = usize::from(area.right().saturating_sub(x));
    let long = (FIGURES[chosen].cell)(&row, false).text;
    let text = fit(&format!("{} {long}", FIGURES[chosen].heading.0), room, view.glyphs().more);
    let (x, _) = buffer.set_stringn(x, area.y, text, room, style);
    buffer.set_stringn(x, area.y, "   x: what it says", area.right().saturating_sub(x).into(), view.ink(Ink::Soft));
    let rest = Rect { y: area.y + 1, height: area.height - 1, ..area };
    1 + others(view, table, ((&row, line), chosen), rest, buffer)
}

/// The figures that are not in the table, or only in short, side by side; returns the
/// rows that they take.
fn others(
    view: &View<'_>,
    table: &Table,
    ((row, line), chosen): ((&Row<'_>, &Line), usize),
    area: Rect,
    buffer: &mut Buffer,
) -> u16 {
    let beside = (area.width / BELOW).max(1);
    let mut used = 0;
    let said = |at: usize| {
        let long = (FIGURES[at].cell)(row, false);
        (!table.has(at) || long.text != line.cells[at].text).then_some((at, long))
    };
    for (i, (at, long)) in (0..FIGURES.len()).filter_map(said).enumerate() {
        let (column, y) = (i as u16 % beside, i as u16 / beside);
        if y >= area.height {
            break;
        }
        used = y + 1;
        let (x, y) = (area.x + 1 + column * BELOW, area.y + y);
        let ink = if at == chosen && view.focused() { Ink::Focus } else { Ink::Soft };
        buffer.set_string(x, y, FIGURES[at].heading.0, view.ink(ink));
        let text = fit(&long.text, usize::from(BELOW) - 14, view.glyphs().more);
        buffer.set_string(x + 13, y, text, view.ink(long.ink));
    }
    used
}
