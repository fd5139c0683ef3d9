//! The panel of the systems: the table with its bars and shapes; what is below it is in
//! `detail` and `curves`.

use std::cmp::Reverse;

use ratatui::buffer::Buffer;
use ratatui::layout::{Margin, Position, Rect};

use super::figure::{FIGURES, STATE};
use super::rate::Rate;
use super::row::Row;
use super::table::{Table, is_short, line};
use super::{curves, detail};
use crate::state::Standing;
use crate::text::fit;
use crate::theme::Ink;
use crate::view::plot::bar::bar;
use crate::view::{Opened, Panel, View};

/// Steps of a bar from nothing to all of its axis.
const STEPS: f64 = 1e6;

/// The panel.
pub static PANEL: Panel = Panel {
    followed: Some(|view| {
        let shown = view.system_at();
        listed(view).iter().position(|at| Some(*at) == shown).unwrap_or(0)
    }),
    name: "Systems",
    about: "A row per lock system: how fast, how long a client waits, and whether it is safe",
    draw,
    rows: |view| listed(view).len(),
    columns: |_| FIGURES.len(),
    sorts: &["as given", "grants/s", "wait p99", "double grants", "name", "durability"],
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
        5 => places.sort_by_key(|at| Reverse(row(view, *at).class())),
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
    let kind = if view.state.due_at_start() {
        ["wait in a closed loop: response = service time", "wait: response = service time"]
    } else {
        ["wait: service time, from asking to the grant", "wait: service time"]
    };
    let room = usize::from(area.width.saturating_sub(4));
    let titles = kind.map(|kind| format!("Systems{sort}{which}; {kind}"));
    let title = titles.iter().find(|title| title.chars().count() <= room).unwrap_or(&titles[1]);
    let inside = view.frame(title, area, buffer);
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
    detail::axis(view, &table, table.body.bottom(), buffer);
    let top = table.body.bottom() + 1;
    let below = Rect { y: top, height: inside.bottom().saturating_sub(top), ..inside };
    // A blank row, if it costs no figure.
    let blank = u16::from(below.height > 5);
    let below = Rect { y: below.y + blank, height: below.height - blank, ..below };
    let used = detail::draw(view, &table, (marked, figure(view)), below, buffer) + blank;
    let rest = Rect { y: below.y + used, height: below.height.saturating_sub(used), ..below };
    curves::draw(view, &table, marked, rest, buffer);
}

fn head(view: &View<'_>, table: &Table, inside: Rect, buffer: &mut Buffer) {
    buffer.set_string(inside.x + 2, inside.y, "system", view.ink(Ink::Soft));
    for (figure_at, x, width) in &table.columns {
        let heading = table.heading(*figure_at);
        let ink = if *figure_at == figure(view) && view.focused() { Ink::Focus } else { Ink::Soft };
        let indent = if FIGURES[*figure_at].text { 0 } else { width - heading.chars().count() as u16 };
        buffer.set_stringn(x + indent, inside.y, heading, usize::from(*width), view.ink(ink));
    }
    let soft = view.ink(Ink::Soft);
    if let Some((x, width)) = table.bars {
        let long = if table.axis.is_some_and(super::axis::Axis::log) { "on a log axis" } else { "on one axis" };
        let text = if usize::from(width) < long.len() { "grants" } else { long };
        buffer.set_stringn(x, inside.y, text, width.into(), soft);
    }
    if let Some((x, width)) = table.shapes {
        let window = view.look.window_s();
        let last = if window == u64::MAX { "all of it".to_owned() } else { format!("last {window} s") };
        let long = format!("over time, {last}");
        let fits = [long.as_str(), last.as_str(), "shape"].into_iter().find(|text| text.len() <= usize::from(width));
        buffer.set_stringn(x, inside.y, fits.unwrap_or_default(), width.into(), soft);
    }
}

fn body(view: &View<'_>, table: &Table, (place, marked): (usize, bool), y: u16, buffer: &mut Buffer) {
    let line = &table.lines[place];
    let row = row(view, line.at);
    let (glyphs, x) = (view.glyphs(), table.body.x);
    let dim = matches!(row.system.standing, Standing::Waiting | Standing::Skipped);
    let plain = if dim { Ink::Soft } else { Ink::Text };
    let sign = row.sign();
    buffer.set_string(x, y, &sign.text, view.ink(sign.ink));
    if marked {
        buffer.set_string(x + 1, y, glyphs.pointer, view.ink(Ink::Focus));
    }
    let name = fit(&row.system.name, usize::from(table.name - 2), glyphs.more);
    buffer.set_string(x + 2, y, name, view.ink(if marked { Ink::Title } else { plain }));
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
        return;
    }
    if let (Some((left, width)), Some(axis), Some(rate)) = (table.bars, table.axis, line.rate) {
        let length = ((axis.share(rate) * STEPS) as u64, STEPS as u64);
        bar(view, Position::new(left, y), width, length, Ink::First, buffer);
    }
    if let Some((left, width)) = table.shapes {
        let rate = Rate::of(view, row.system, width.into());
        rate.draw(glyphs, view.ink(Ink::Soft), Rect { x: left, y, width, height: 1 }, buffer);
    }
}
