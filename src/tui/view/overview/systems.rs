//! The panel of the systems: the table, the other figures of the selected system, and
//! its rate over time where there is height for it.

use std::cmp::Reverse;

use ratatui::buffer::Buffer;
use ratatui::layout::{Margin, Position, Rect};
use ratatui::widgets::{Paragraph, Widget, Wrap};

use super::figure::{FIGURES, STATE};
use super::rate::Rate;
use super::row::Row;
use super::table::{Line, Table, is_short, line};
use crate::tui::state::Standing;
use crate::tui::text::{clock, fit, rate};
use crate::tui::theme::Ink;
use crate::tui::view::{Opened, Panel, View};

/// Columns of a figure below the table, its label included.
const BELOW: u16 = 38;
/// Rows of the rate over time at most, and at least.
const BARS: (u16, u16) = (4, 12);

/// The panel.
pub static PANEL: Panel = Panel {
    followed: Some(|view| {
        let shown = view.system_at();
        listed(view).iter().position(|at| Some(*at) == shown).unwrap_or(0)
    }),
    name: "Systems",
    about: "A row a lock system: how fast, how long a client waits, and whether it is safe",
    draw,
    rows: |view| listed(view).len(),
    columns: |_| FIGURES.len(),
    sorts: &["as given", "grants/s", "wait p99", "double grants", "name"],
    explain: |view| match selected(view) {
        Some(at) => {
            let row = row(view, at);
            // Where there are no figures, the reason is what there is to say.
            let silent = matches!(row.system.standing, Standing::Skipped | Standing::Failed);
            (FIGURES[if silent { STATE } else { figure(view) }].sentence)(&row)
        }
        None => "No system is listed.".to_owned(),
    },
    open: |view| selected(view).map_or(Opened::Nothing, Opened::System),
    hit,
    ..Panel::PLAIN
};

fn row<'a>(view: &'a View<'a>, at: usize) -> Row<'a> {
    Row { view, system: &view.state.systems[at] }
}

/// Places of the systems that are listed, in order.
fn listed(view: &View<'_>) -> Vec<usize> {
    let systems = &view.state.systems;
    let mut places: Vec<usize> = (0..systems.len()).filter(|at| view.look.lists(&systems[*at].name)).collect();
    // What has no figure comes last.
    match view.selection().sort {
        1 => places.sort_by_key(|at| Reverse(row(view, *at).grants_per_s().map(f64::to_bits))),
        2 => places.sort_by_key(|at| row(view, *at).p99_ns().unwrap_or(u64::MAX)),
        3 => places.sort_by_key(|at| Reverse(systems[*at].double_grants())),
        4 => places.sort_by(|a, b| systems[*a].name.cmp(&systems[*b].name)),
        _ => {}
    }
    places
}

/// Place of the selected system.
fn selected(view: &View<'_>) -> Option<usize> {
    let listed = listed(view);
    listed.get(view.row(listed.len())).copied()
}

/// The selected figure.
fn figure(view: &View<'_>) -> usize {
    view.selection().column.min(FIGURES.len() - 1)
}

fn table(view: &View<'_>, inside: Rect) -> Table {
    let listed = listed(view);
    let selected = view.row(listed.len());
    let short = is_short(inside);
    let lines = listed.into_iter().map(|at| line(&row(view, at), at, short)).collect();
    Table::new(lines, selected, inside)
}

fn hit(view: &View<'_>, area: Rect, at: Position) -> Option<(usize, usize)> {
    let inside = area.inner(Margin::new(1, 1));
    let (line, hit) = table(view, inside).at(at.x, at.y)?;
    Some((line, hit.unwrap_or(view.selection().column)))
}

fn draw(view: &View<'_>, area: Rect, buffer: &mut Buffer) {
    let sort = match view.selection().sort {
        0 => String::new(),
        sort => format!(", by {}", PANEL.sorts[sort.min(PANEL.sorts.len() - 1)]),
    };
    // No mean: that is for the report, which has all trials.
    let several = view.state.run.as_ref().is_some_and(|run| run.trials > 1);
    let which = if several { ", the latest trial of each" } else { "" };
    let short = format!("Systems{sort}{which}; wait: service time");
    let long = format!("{short}, from asking to the grant");
    let room = usize::from(area.width.saturating_sub(4));
    let title = if long.chars().count() <= room { long } else { fit(&short, room, view.glyphs().more) };
    let inside = view.frame(&title, area, buffer);
    if inside.is_empty() {
        return;
    }
    let table = table(view, inside);
    if table.lines.is_empty() {
        let text = match (&view.state.run, view.look.filter.is_empty()) {
            (None, _) => "No run has begun yet: servers are being started.".to_owned(),
            (_, true) => "The run has no systems.".to_owned(),
            (_, false) => format!("No system's name contains \"{}\"; Esc clears the filter.", view.look.filter),
        };
        buffer.set_stringn(inside.x, inside.y, text, inside.width.into(), view.ink(Ink::Soft));
        return;
    }
    head(view, &table, inside, buffer);
    let marked = view.row(table.lines.len());
    for (place, y) in (table.first..table.lines.len()).zip(table.body.top()..table.body.bottom()) {
        body(view, &table, (place, place == marked), y, buffer);
    }
    let below = Rect { y: table.body.bottom(), height: inside.bottom() - table.body.bottom(), ..inside };
    detail(view, &table, marked, below, buffer);
}

fn head(view: &View<'_>, table: &Table, inside: Rect, buffer: &mut Buffer) {
    buffer.set_string(inside.x + 1, inside.y, "system", view.ink(Ink::Soft));
    for (figure_at, x, width) in &table.columns {
        let heading = table.heading(*figure_at);
        let ink = if *figure_at == figure(view) && view.focused() { Ink::Focus } else { Ink::Soft };
        let indent = if FIGURES[*figure_at].text { 0 } else { width - heading.chars().count() as u16 };
        buffer.set_stringn(x + indent, inside.y, heading, usize::from(*width), view.ink(ink));
    }
    if let Some((x, width)) = table.bars {
        let window = view.look.window_s();
        let text = if window == u64::MAX { "all of it".to_owned() } else { format!("last {window} s") };
        buffer.set_stringn(x, inside.y, text, width.into(), view.ink(Ink::Soft));
    }
}

fn body(view: &View<'_>, table: &Table, (place, marked): (usize, bool), y: u16, buffer: &mut Buffer) {
    let line = &table.lines[place];
    let row = row(view, line.at);
    let (glyphs, x) = (view.glyphs(), table.body.x);
    let dim = matches!(row.system.standing, Standing::Waiting | Standing::Skipped);
    let plain = if dim { Ink::Soft } else { Ink::Text };
    if marked {
        buffer.set_string(x, y, glyphs.pointer, view.ink(Ink::Focus));
    }
    let name = fit(&row.system.name, usize::from(table.name - 1), glyphs.more);
    buffer.set_string(x + 1, y, name, view.ink(if marked { Ink::Title } else { plain }));
    for (at, left, width) in &table.columns {
        let cell = &line.cells[*at];
        if line.reason.is_some() {
            break;
        }
        let text = fit(&cell.text, usize::from(*width), glyphs.more);
        let indent = if FIGURES[*at].text { 0 } else { width - text.chars().count() as u16 };
        let mut style = view.ink(if dim { Ink::Soft } else { cell.ink });
        if marked && *at == figure(view) && view.focused() {
            style = style.patch(view.ink(Ink::Selected));
        }
        buffer.set_string(left + indent, y, text, style);
    }
    if let Some(reason) = &line.reason {
        let left = x + table.name + 1;
        let room = usize::from(table.body.right().saturating_sub(left));
        let ink = match row.system.standing {
            _ if row.system.double_grants() > 0 => Ink::Alarm,
            Standing::Failed => Ink::Warn,
            _ => plain,
        };
        buffer.set_string(left, y, fit(reason, room, glyphs.more), view.ink(ink));
    } else if let Some((left, width)) = table.bars {
        let rate = Rate::of(view, row.system, width.into());
        rate.draw(glyphs, view.ink(Ink::First), Rect { x: left, y, width, height: 1 }, buffer);
    }
}

/// Below the table: the selected figure in any case, then those that are not in the
/// table, then the rate over time.
fn detail(view: &View<'_>, table: &Table, marked: usize, area: Rect, buffer: &mut Buffer) {
    let line = &table.lines[marked];
    let row = row(view, line.at);
    // A blank row, if it costs no figure.
    let mut area = area;
    if area.height > 5 {
        area = Rect { y: area.y + 1, height: area.height - 1, ..area };
    }
    if area.is_empty() {
        return;
    }
    let name = format!("{}  ", row.system.name);
    let (x, _) = buffer.set_stringn(area.x + 1, area.y, &name, area.width.into(), view.ink(Ink::Title));
    if let Some(reason) = &line.reason {
        let area = Rect { x, width: area.right().saturating_sub(x), ..area };
        Paragraph::new(reason.as_str()).style(view.ink(Ink::Soft)).wrap(Wrap { trim: true }).render(area, buffer);
        return;
    }
    let chosen = figure(view);
    let style = view.ink(if view.focused() { Ink::Selected } else { Ink::Text });
    let room = usize::from(area.right().saturating_sub(x));
    let long = (FIGURES[chosen].cell)(&row, false).text;
    let text = fit(&format!("{} {long}", FIGURES[chosen].heading.0), room, view.glyphs().more);
    let (x, _) = buffer.set_stringn(x, area.y, text, room, style);
    buffer.set_stringn(x, area.y, "   x: what it says", area.right().saturating_sub(x).into(), view.ink(Ink::Soft));
    let rest = Rect { y: area.y + 1, height: area.height - 1, ..area };
    let used = others(view, table, (&row, line), rest, buffer);
    let rest = Rect { y: rest.y + used, height: rest.height - used, ..rest };
    if rest.height > BARS.0 + 2 {
        bars(view, &row, rest, buffer);
    }
}

/// The figures that are not in the table, or only in short, side by side; returns the
/// rows that they take.
fn others(view: &View<'_>, table: &Table, (row, line): (&Row<'_>, &Line), area: Rect, buffer: &mut Buffer) -> u16 {
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
        let ink = if at == figure(view) && view.focused() { Ink::Focus } else { Ink::Soft };
        buffer.set_string(x, y, FIGURES[at].heading.0, view.ink(ink));
        let text = fit(&long.text, usize::from(BELOW) - 14, view.glyphs().more);
        buffer.set_string(x + 13, y, text, view.ink(long.ink));
    }
    used
}

/// The rate over time, several rows high.
fn bars(view: &View<'_>, row: &Row<'_>, area: Rect, buffer: &mut Buffer) {
    let rate_of = Rate::of(view, row.system, usize::from(area.width - 2));
    if rate_of.most == 0.0 {
        return;
    }
    let soft = view.ink(Ink::Soft);
    let height = (area.height - 3).min(BARS.1);
    let text = format!("grants/s over time: the highest bar is {}", rate(rate_of.most));
    buffer.set_stringn(area.x + 1, area.y + 1, text, area.width.into(), soft);
    let (top, bottom) = (area.y + 2, area.y + 2 + height);
    rate_of.draw(
        view.glyphs(),
        view.ink(Ink::First),
        Rect { x: area.x + 1, y: top, width: area.width - 2, height },
        buffer,
    );
    let (from, to) = rate_of.stretch;
    buffer.set_string(area.x + 1, bottom, format!("{} since the warm-up began", clock(from)), soft);
    let end = clock(to);
    buffer.set_string(area.right().saturating_sub(1 + end.len() as u16), bottom, end, soft);
}
