//! Bars, and lengths of time that fit beside them.

use ratatui::buffer::Buffer;
use ratatui::layout::Position;

use crate::theme::Ink;
use crate::view::View;
use lockbench_core::record::LatencyFigures;
use lockbench_core::units::human_duration;

/// Bars of an eighth to seven eighths of a column.
const EIGHTHS: [&str; 7] = ["▏", "▎", "▍", "▌", "▋", "▊", "▉"];

/// Draws `count` as a bar that is as long as `room` columns where it is `high`; returns
/// its columns. Few are not none: they have a thin bar.
pub fn bar(view: &View<'_>, at: Position, room: u16, (count, high): (u64, u64), ink: Ink, buffer: &mut Buffer) -> u16 {
    let glyphs = view.glyphs();
    let share = if high == 0 { 0.0 } else { count as f64 / high as f64 };
    let eighths = (share * f64::from(room) * 8.0).round() as u16;
    let eighths = eighths.max(u16::from(count > 0)).min(room * 8);
    let full = if glyphs.ascii { eighths.div_ceil(8) } else { eighths / 8 };
    for x in (at.x..).take(usize::from(full)) {
        buffer[(x, at.y)].set_symbol(glyphs.hold).set_style(view.ink(ink));
    }
    if glyphs.ascii || eighths.is_multiple_of(8) {
        return full;
    }
    buffer[(at.x + full, at.y)].set_symbol(EIGHTHS[usize::from(eighths % 8) - 1]).set_style(view.ink(ink));
    full + 1
}

/// The longest of these as [`length`] says it, or that it is longer than what was waited
/// for in vain.
#[must_use]
pub fn longest(view: &View<'_>, figures: &LatencyFigures, width: usize) -> String {
    let sign = if figures.max_is_lower_bound { ">" } else { "" };
    format!("{sign}{}", length(view, figures.max_ns, width.saturating_sub(sign.len())))
}

/// A length of time in the user's unit; in the one that fits it where that leaves no
/// blank in `width` columns.
#[must_use]
pub fn length(view: &View<'_>, ns: Option<u64>, width: usize) -> String {
    let text = view.figure(ns);
    match ns {
        Some(ns) if text.len() >= width => human_duration(ns),
        Some(_) | None => text,
    }
}
