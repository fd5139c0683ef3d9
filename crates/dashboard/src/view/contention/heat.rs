//! Heat map: a row per key, a column per slice of time, the darker the more attempts per second
//! found the key held. Shade and colour say the same.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use super::rates::{Heat, columns, level};
use crate::state::SystemState;
use crate::text::percent;
use crate::theme::Ink;
use crate::view::plot::time::{self, Time, marks};
use crate::view::subject::{drawn_subject, explained, heading, order, sentence, subject};
use crate::view::{Panel, View};
use lockbench_core::units::{grouped, three_digits};
use lockbench_report::live::KeyLive;

pub static PANEL: Panel = Panel {
    name: "Keys over time",
    about: "The darker, the more attempts per second found the key held by another client",
    draw,
    rows: |view| subject(view).map_or(0, |system| keys(view, system).len()),
    sorts: &["most contended first", "number", "most waiting first"],
    explain: |view| explained(view, explain),
    hit,
    ..Panel::PLAIN
};

/// Columns right of the cells: share of attempts that found it held, clients waiting.
const RIGHT: u16 = 16;

/// The keys that are listed, in their order.
fn keys(view: &View<'_>, system: &SystemState) -> Vec<KeyLive> {
    let all = system.snapshot.as_ref().map_or(&[][..], |snapshot| snapshot.keys.as_slice());
    let mut keys: Vec<KeyLive> = all.iter().filter(|key| view.look.lists(&name(key.key))).copied().collect();
    match view.selection().sort {
        0 => keys.sort_by_key(|key| (std::cmp::Reverse(key.contended), key.key)),
        1 => {}
        _ => keys.sort_by_key(|key| (std::cmp::Reverse(key.waiting), key.key)),
    }
    keys
}

fn name(key: u32) -> String {
    format!("key {key}")
}

/// Rows that a key has at most, where there are few.
const THICK: u16 = 3;

/// Where the parts of the panel are.
struct Layout {
    cells: Rect,
    /// Rows of a key.
    thick: u16,
    /// Keys that are shown at once.
    shown: usize,
}

impl Layout {
    fn new(keys: &[KeyLive], inside: Rect) -> Self {
        let longest = keys.iter().map(|key| name(key.key).len()).max().unwrap_or(5) as u16;
        let label = longest + 3;
        let cells = Rect {
            x: inside.x + label,
            y: inside.y + 1,
            width: inside.width.saturating_sub(label + RIGHT).max(1),
            height: inside.height.saturating_sub(1 + time::ROWS),
        };
        let thick = (cells.height / (keys.len() as u16).max(1)).clamp(1, THICK);
        Self { cells, thick, shown: usize::from(cells.height / thick) }
    }

    /// The first key that is shown, so that the selected one is.
    fn first(&self, selected: usize) -> usize {
        (selected + 1).saturating_sub(self.shown)
    }
}

fn draw(view: &View<'_>, area: Rect, buffer: &mut Buffer) {
    let Some(system) = drawn_subject(view, PANEL.name, area, buffer) else { return };
    let keys = keys(view, system);
    let inside = view.frame(&heading(system, &title(view, system, keys.len())), area, buffer);
    if keys.is_empty() || inside.height < 2 + time::ROWS {
        let none = system.snapshot.as_ref().is_none_or(|snapshot| snapshot.keys.is_empty());
        let text = if none { "Nothing is known of single keys." } else { "No key has the text of the filter." };
        return sentence(view, text, inside, buffer);
    }
    let layout = Layout::new(&keys, inside);
    let time = Time::of(view, system);
    let heat = Heat::new(&keys, columns(system, time), time, layout.cells.width);
    // Two systems beside each other have the same shades.
    let others = view.pair().map(|other| {
        let (keys, time) = (self::keys(view, other), Time::of(view, other));
        Heat::new(&keys, columns(other, time), time, layout.cells.width).quarter()
    });
    let quarter = others.fold(heat.quarter(), f64::max);
    legend(view, quarter, Rect { height: 1, ..inside }, &layout, buffer);
    let selected = view.row(keys.len());
    let first = layout.first(selected);
    let shown = keys.iter().enumerate().skip(first).take(layout.shown);
    for ((row, key), y) in shown.zip((layout.cells.top()..).step_by(usize::from(layout.thick))) {
        let area = Rect { y, height: layout.thick, ..inside };
        line(view, (key, view.focused() && row == selected), (heat.row(row), quarter), (area, layout.cells), buffer);
    }
    let used = layout.shown.min(keys.len());
    let high = used as u16 * layout.thick;
    lines(view, system, time, Rect { height: high, ..layout.cells }, buffer);
    let axis = Rect { y: layout.cells.y + high, height: time::ROWS, ..layout.cells };
    time.render(view, axis, buffer);
    if axis.bottom() < inside.bottom() {
        time::names(view, (time, &marks(system)), Rect { y: axis.bottom(), height: 1, ..axis }, buffer);
    }
    let below = keys.len() - used - first;
    for (count, word, y) in [(first, "above", axis.y), (below, "below", axis.y + 1)] {
        if first + below > 0 {
            let text = format!("{:>15}", format!("{count} {word}"));
            buffer.set_string(axis.right() + 1, y, text, view.ink(Ink::Soft));
        }
    }
}

/// A key: its name, its cells, its figures.
fn line(
    view: &View<'_>,
    (key, picked): (&KeyLive, bool),
    (rates, quarter): (&[Option<f64>], f64),
    (area, cells): (Rect, Rect),
    buffer: &mut Buffer,
) {
    let pointer = if picked { view.glyphs().pointer } else { " " };
    let ink = if picked { Ink::Selected } else { Ink::Text };
    buffer.set_string(area.x, area.y, format!("{pointer} {}", name(key.key)), view.ink(ink));
    for (rate, x) in rates.iter().zip(cells.left()..) {
        let Some(rate) = rate else { continue };
        let level = level(*rate, quarter);
        for y in area.top()..area.bottom() {
            buffer[(x, y)].set_symbol(shade(view, level)).set_style(view.ink(Ink::Heat(level as u8)));
        }
    }
    let text = format!("{:>9}{:>6}", share(view, key), key.waiting);
    buffer.set_string(cells.right() + 1, area.y, text, view.ink(Ink::Text));
}

/// Share of a key's attempts that found it held.
fn share(view: &View<'_>, key: &KeyLive) -> String {
    match key.attempts {
        0 => view.glyphs().none.to_owned(),
        attempts => percent(key.contended as f64 / attempts as f64),
    }
}

/// The user's markers over the cells, for their whole height.
fn lines(view: &View<'_>, system: &SystemState, time: Time, cells: Rect, buffer: &mut Buffer) {
    for (second, _) in marks(system) {
        if let Some(x) = time.shown(second, cells.width) {
            for y in cells.top()..cells.bottom() {
                buffer[(cells.x + x, y)].set_symbol(view.glyphs().marker).set_style(view.ink(Ink::Held));
            }
        }
    }
}

fn title(view: &View<'_>, system: &SystemState, shown: usize) -> String {
    let more = system.snapshot.as_ref().map_or(0, |snapshot| snapshot.more_keys);
    let order = order(view, PANEL.sorts);
    let left = if more > 0 { format!(", {} quieter ones left out", grouped(u64::from(more))) } else { String::new() };
    let noun = if shown == 1 { "key" } else { "keys" };
    format!("{shown} {noun} over time, {order}{left}")
}

/// No contention is a sign too: a blank is what is not known.
fn shade(view: &View<'_>, level: usize) -> &'static str {
    match (level, view.glyphs().ascii) {
        (0, true) => "_",
        (0, false) => "·",
        _ => view.glyphs().shade[level.min(4)],
    }
}

/// What the shades mean, between the headings of the other columns.
fn legend(view: &View<'_>, quarter: f64, area: Rect, layout: &Layout, buffer: &mut Buffer) {
    let cells = layout.cells;
    let forms = [
        ("attempts per second that found it held:", "to "),
        ("found held per second:", "to "),
        ("held per second, up to:", ""),
        ("held/s, up to:", ""),
        ("up to:", ""),
    ];
    let levels = |to: &str| -> Vec<String> {
        let up_to = |level: usize| format!("{to}{}", three_digits(quarter * level as f64));
        (0..5).map(|level| if level == 0 { "0".to_owned() } else { up_to(level) }).collect()
    };
    let length = |(intro, to): &(&str, &str)| intro.len() + levels(to).iter().map(|text| text.len() + 4).sum::<usize>();
    let fits = |form: &&(&str, &str)| length(form) <= usize::from(cells.width) + 1;
    let (intro, to) = forms.iter().find(fits).unwrap_or(&("", ""));
    buffer.set_string(cells.x, area.y, intro, view.ink(Ink::Soft));
    let mut x = cells.x + intro.len() as u16 + 1;
    for (level, text) in levels(to).iter().enumerate() {
        let width = text.len() as u16 + 2;
        if x + width > cells.right() {
            break;
        }
        buffer[(x, area.y)].set_symbol(shade(view, level)).set_style(view.ink(Ink::Heat(level as u8)));
        buffer.set_string(x + 2, area.y, text, view.ink(Ink::Soft));
        x += width + 2;
    }
    buffer.set_string(area.x + 2, area.y, "key", view.ink(Ink::Soft));
    buffer.set_string(cells.right() + 1, area.y, format!("{:>9}{:>6}", "held", "wait"), view.ink(Ink::Soft));
}

fn hit(view: &View<'_>, area: Rect, at: Position) -> Option<(usize, usize)> {
    let system = subject(view).ok()?;
    let keys = keys(view, system);
    let inside = Rect::new(area.x + 1, area.y + 1, area.width.saturating_sub(2), area.height.saturating_sub(2));
    let layout = Layout::new(&keys, inside);
    let row = usize::from(at.y.checked_sub(layout.cells.y)? / layout.thick);
    let row = (row < layout.shown).then_some(row + layout.first(view.row(keys.len())))?;
    (row < keys.len()).then_some((row, 0))
}

fn explain(view: &View<'_>, system: &SystemState) -> String {
    let keys = keys(view, system);
    let Some(key) = keys.get(view.row(keys.len())) else {
        return format!("{}: nothing is known of single keys.", system.name);
    };
    let share = share(view, key);
    let lately = system.heat.back().and_then(|column| {
        let found = column.keys.iter().find(|one| one.key == key.key)?;
        Some(found.contended as f64 * 1e9 / found.known_ns.max(1) as f64)
    });
    let lately = lately.filter(|_| !system.over()).map_or_else(String::new, |rate| {
        format!(" At the last look it was {} attempts per second.", three_digits(rate))
    });
    format!(
        "{}, key {}: {} of its {} attempts so far, warm-up included, found it held by another client ({share}); it was \
         granted {} times and {} clients wait for it now.{lately}",
        system.name,
        key.key,
        grouped(key.contended),
        grouped(key.attempts),
        grouped(key.grants),
        key.waiting
    )
}
