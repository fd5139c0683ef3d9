//! The log: the newest line at the bottom. It follows the newest one until a line above
//! it is selected.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::super::prose::{clean, inside, put, put_right, row_at};
use super::super::{Opened, Panel, View};
use crate::glyph::Glyphs;
use crate::text::fit;
use crate::theme::Ink;
use crate::user_view::Popup;
use lockbench_core::record::{LogLevel, LogLine};
use lockbench_core::units::grouped;

/// The panel.
pub static PANEL: Panel = Panel {
    name: "Log",
    about: "What lockbench and its libraries say; s chooses the least level, Enter shows a line whole",
    draw,
    rows: |view| listed(view).count(),
    sorts: &["time, every level", "time, from info on", "time, warnings and errors", "time, errors alone"],
    explain,
    open: |view| chosen(view).map_or(Opened::Nothing, |line| Opened::Popup(Popup::Story(whole(view, line)))),
    hit: |view, area, at| {
        let rows = inside(area);
        let from_bottom = usize::from(rows.height) - 1 - row_at(rows, at)?;
        let (selected, count) = selected(view);
        let last = last_shown(selected, count, usize::from(rows.height));
        last.checked_sub(from_bottom).filter(|_| count > 0).map(|row| (row, 0))
    },
    tail: true,
    ..Panel::PLAIN
};

fn least(view: &View<'_>) -> LogLevel {
    match view.look.selection[view.look.screen][0].sort {
        0 => LogLevel::Trace,
        1 => LogLevel::Info,
        2 => LogLevel::Warn,
        _ => LogLevel::Error,
    }
}

/// Returns whether a text holds the filter. Case does not matter; nothing is allocated for a line.
fn holds(text: &str, filter: &str) -> bool {
    if text.is_ascii() && filter.is_ascii() {
        let (text, filter) = (text.as_bytes(), filter.as_bytes());
        filter.is_empty() || text.windows(filter.len()).any(|part| part.eq_ignore_ascii_case(filter))
    } else {
        text.to_lowercase().contains(&filter.to_lowercase())
    }
}

/// The lines that level and filter let through, oldest first.
fn listed<'a>(view: &View<'a>) -> impl DoubleEndedIterator<Item = &'a LogLine> {
    let (least, filter) = (least(view), view.look.filter.as_str());
    let lists = move |text: &str| filter.is_empty() || holds(text, filter);
    let lists = move |line: &&LogLine| {
        line.level <= least && (lists(&line.message) || lists(&line.target) || lists(word(line.level)))
    };
    view.state.log.iter().filter(lists)
}

/// Returns whether the panel follows the newest line.
fn follows(view: &View<'_>) -> bool {
    view.look.selection[view.look.screen][0].row == usize::MAX
}

/// The selected one of how many lines.
fn selected(view: &View<'_>) -> (usize, usize) {
    let count = listed(view).count();
    (view.look.selection[view.look.screen][0].row.min(count.saturating_sub(1)), count)
}

fn chosen<'a>(view: &View<'a>) -> Option<&'a LogLine> {
    listed(view).nth(selected(view).0)
}

/// The line at the bottom: the newest one, unless that leaves no room for the selected one.
fn last_shown(selected: usize, count: usize, height: usize) -> usize {
    let newest = count.saturating_sub(1);
    if selected + height > newest { newest } else { selected + height / 2 }
}

fn word(level: LogLevel) -> &'static str {
    match level {
        LogLevel::Error => "error",
        LogLevel::Warn => "warn",
        LogLevel::Info => "info",
        LogLevel::Debug => "debug",
        LogLevel::Trace => "trace",
    }
}

fn sign(level: LogLevel, glyphs: Glyphs) -> &'static str {
    match level {
        LogLevel::Error => glyphs.alarm,
        LogLevel::Warn => glyphs.marker,
        LogLevel::Info => glyphs.running,
        LogLevel::Debug | LogLevel::Trace => glyphs.waiting,
    }
}

fn ink(level: LogLevel) -> Ink {
    match level {
        LogLevel::Error => Ink::Alarm,
        LogLevel::Warn => Ink::Warn,
        LogLevel::Info => Ink::Text,
        LogLevel::Debug | LogLevel::Trace => Ink::Soft,
    }
}

/// Our own modules without the crate's name.
fn short(target: &str) -> &str {
    target.strip_prefix("lockbench::").unwrap_or(target)
}

/// Seconds and milliseconds since the program began.
fn since_start(ns: u64) -> String {
    format!("{}.{:03} s", grouped(ns / 1_000_000_000), ns / 1_000_000 % 1_000)
}

fn draw(view: &View<'_>, area: Rect, buffer: &mut Buffer) {
    let (selected, count) = selected(view);
    let least = match least(view) {
        LogLevel::Trace | LogLevel::Debug => "every level",
        LogLevel::Info => "from info on",
        LogLevel::Warn => "warnings and errors",
        LogLevel::Error => "errors alone",
    };
    let mut title = format!("Log: {least}");
    if count < view.state.log.len() {
        title += &format!(", {} of {} lines", grouped(count as u64), grouped(view.state.log.len() as u64));
    }
    if !follows(view) && count > 0 {
        title += ", stands still: G follows the newest line";
    }
    if view.state.log_dropped > 0 {
        title += &format!(", {} older lines were dropped", grouped(view.state.log_dropped));
    }
    let inside = view.frame(&title, area, buffer);
    if count == 0 {
        let text = if view.state.log.is_empty() { "Nothing was logged yet." } else { "No line has what is asked for." };
        put(buffer, inside, (0, 0), text, view.ink(Ink::Soft));
        return;
    }
    let height = usize::from(inside.height);
    let last = last_shown(selected, count, height);
    let first = (last + 1).saturating_sub(height);
    // From the end on: most lines are older than what is shown.
    let lines = listed(view).rev().skip(count - 1 - last).take(last + 1 - first);
    for (line, row) in lines.zip((first..=last).rev()) {
        draw_line(view, line, (inside, (row - first) as u16), row == selected, buffer);
    }
}

fn draw_line(view: &View<'_>, line: &LogLine, (area, y): (Rect, u16), selected: bool, buffer: &mut Buffer) {
    let glyphs = view.glyphs();
    // The newest line is followed, not chosen: it keeps its colours.
    let chosen = selected && view.focused() && !follows(view);
    let ink = |ink: Ink| -> Style { if chosen { view.ink(Ink::Selected) } else { view.ink(ink) } };
    if chosen {
        buffer.set_style(Rect { y: area.y + y, height: 1, ..area }, ink(Ink::Selected));
    }
    if selected {
        put(buffer, area, (0, y), glyphs.pointer, ink(Ink::Focus));
    }
    put_right(buffer, area, (13, y), &since_start(line.since_start_ns), ink(Ink::Soft));
    let level = self::ink(line.level);
    put(buffer, area, (14, y), sign(line.level, glyphs), ink(level));
    put(buffer, area, (16, y), word(line.level), ink(level));
    let target = if area.width >= 100 { 22 } else { 12 };
    put(buffer, area, (22, y), &fit(&clean(short(&line.target), glyphs), target, glyphs.more), ink(Ink::Soft));
    let start = 23 + target as u16;
    let room = usize::from(area.width.saturating_sub(start));
    let plain = if matches!(line.level, LogLevel::Error | LogLevel::Warn) { level } else { Ink::Text };
    put(buffer, area, (start, y), &fit(&clean(&line.message, glyphs), room, glyphs.more), ink(plain));
}

fn whole(view: &View<'_>, line: &LogLine) -> String {
    let text = format!(
        "{} after the start, {}, {}:\n\n{}",
        since_start(line.since_start_ns),
        word(line.level),
        line.target,
        line.message
    );
    // Line breaks of ours stay.
    text.split('\n').map(|part| clean(part, view.glyphs()).into_owned()).collect::<Vec<_>>().join("\n")
}

fn explain(view: &View<'_>) -> String {
    chosen(view).map_or_else(|| "Nothing was logged yet.".to_owned(), |line| whole(view, line))
}

#[cfg(test)]
mod tests {
    use super::{holds, last_shown, since_start};

    #[test]
    fn a_filter_does_not_care_for_case() {
        assert!(holds("Redis answers", "redis") && !holds("Grüße", "GRÜSSE".to_lowercase().as_str()));
        assert!(holds("x", "") && holds("ÄÖ", "äö") && !holds("a", "ab"));
    }

    #[test]
    fn the_bottom_is_the_newest_line_unless_the_selected_one_would_be_out_of_sight() {
        assert_eq!(last_shown(99, 100, 10), 99);
        assert_eq!(last_shown(90, 100, 10), 99);
        assert_eq!(last_shown(40, 100, 10), 45);
        assert_eq!(last_shown(0, 0, 10), 0);
        assert_eq!(last_shown(0, 3, 10), 2);
    }

    #[test]
    fn times_line_up() {
        assert_eq!((since_start(0), since_start(1_234_567_000_000)), ("0.000 s".to_owned(), "1 234.567 s".to_owned()));
    }
}
