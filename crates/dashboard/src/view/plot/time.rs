//! The horizontal axis: seconds since the start of the warm-up, and what phase they are
//! of. Every chart over time has the same one.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::scale::ceil;
use crate::state::{Phases, SystemState};
use crate::text::fit;
use crate::theme::Ink;
use crate::view::View;

/// Rows that the axis needs.
pub const ROWS: u16 = 2;
/// Columns that a label of it needs.
const LABEL: f64 = 9.0;

/// A stretch of time on some columns, in seconds since the start of the warm-up.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Time {
    /// Its start.
    pub from: f64,
    /// Its end.
    pub to: f64,
    phases: [f64; 3],
}

/// The user's markers and pauses: where, and what to write there.
#[must_use]
pub fn marks(system: &SystemState) -> Vec<(f64, String)> {
    let seconds = |ns: u64| ns as f64 / 1e9;
    let lines = system.marks().flat_map(|(from, to, name)| {
        // A pause has a line at either end.
        let resumed = (to > from).then(|| (seconds(to), "goes on".to_owned()));
        [Some((seconds(from), name)), resumed].into_iter().flatten()
    });
    lines.collect()
}

/// Fewest columns in which a marker's name means anything.
const NAME: usize = 5;

/// The user's markers in a row: a sign at each, and its name as far as the next one.
pub fn names(view: &View<'_>, (time, marks): (Time, &[(f64, String)]), area: Rect, buffer: &mut Buffer) {
    let mut shown: Vec<(u16, &str)> =
        marks.iter().filter_map(|(second, name)| Some((time.shown(*second, area.width)?, name.as_str()))).collect();
    shown.sort_by_key(|(x, _)| *x);
    for (i, (x, name)) in shown.iter().enumerate() {
        let (glyphs, ink) = (view.glyphs(), view.ink(Ink::Held));
        let next = shown.get(i + 1).map_or(area.width, |(next, _)| *next);
        let room = usize::from(next.saturating_sub(*x)).saturating_sub(if next < area.width { 3 } else { 2 });
        buffer.set_string(area.x + x, area.y, glyphs.marker, ink);
        // Of "marker 7" the number is enough.
        let number = name.rsplit(' ').next().filter(|word| word.parse::<u32>().is_ok());
        let full = room >= name.chars().count();
        let name = if full { name } else { number.unwrap_or(name) };
        if room >= NAME.min(name.chars().count()) {
            buffer.set_string(area.x + x + 1, area.y, format!(" {}", fit(name, room, glyphs.more)), ink);
        }
    }
}

impl Time {
    /// What the user's window shows of a trial: its end, or the whole of a short one with
    /// the time that is still to come.
    #[must_use]
    pub fn of(view: &View<'_>, system: &SystemState) -> Self {
        let Phases { measure_ns, end_ns, now_ns } = system.phases(view.state.run.as_ref());
        let seconds = |ns: u64| ns as f64 / 1e9;
        let (now, whole) = (seconds(now_ns), seconds(now_ns.max(end_ns)));
        let window = if view.look.window_s() == u64::MAX { whole } else { view.look.window_s() as f64 };
        let to = now.max(window.min(whole)).max(0.1);
        let phases = [seconds(measure_ns), seconds(end_ns), now];
        Self { from: (to - window).max(0.0), to, phases }
    }

    /// Column of an instant among so many; may lie outside.
    #[must_use]
    pub fn column(&self, second: f64, columns: u16) -> f64 {
        (second - self.from) / (self.to - self.from) * f64::from(columns)
    }

    /// The column of an instant, if it is shown.
    #[must_use]
    pub fn shown(&self, second: f64, columns: u16) -> Option<u16> {
        let column = self.column(second, columns);
        (column >= 0.0 && column < f64::from(columns)).then_some(column as u16)
    }

    /// Where a phase begins, if that is within what is shown and known.
    pub fn borders(&self) -> impl Iterator<Item = f64> {
        let [measure, end, now] = self.phases;
        let shown = move |at: &f64| *at > self.from && *at < self.to && *at < now;
        [measure, end].into_iter().filter(shown)
    }

    /// Draws the axis in two rows: the phases as a line with their names, and the seconds.
    pub fn render(&self, view: &View<'_>, area: Rect, buffer: &mut Buffer) {
        let ascii = view.glyphs().ascii;
        let (line, weak) = if ascii { ("-", ".") } else { ("─", "╌") };
        let [measure, end, now] = self.phases;
        let second = |x: u16| self.from + (f64::from(x) + 0.5) / f64::from(area.width) * (self.to - self.from);
        for x in 0..area.width {
            let measured = second(x) >= measure && second(x) < end;
            let symbol = if measured { line } else { weak };
            buffer[(area.x + x, area.y)].set_symbol(symbol).set_style(view.ink(Ink::Border));
        }
        self.seconds(view, area, buffer);
        for (name, from, to) in
            [("warm-up, not measured", 0.0, measure), ("measured", measure, end), ("drain, not measured", end, now)]
        {
            self.name(view, area, buffer, (name, from, to));
        }
    }

    /// The name of a phase in the middle of its stretch, if there is room.
    fn name(&self, view: &View<'_>, area: Rect, buffer: &mut Buffer, (name, from, to): (&str, f64, f64)) {
        let clamped = |at: f64| self.column(at, area.width).clamp(0.0, f64::from(area.width)) as u16;
        let (from, to) = (clamped(from), clamped(to));
        let fits = |text: &&str| text.len() as u16 + 4 <= to.saturating_sub(from);
        let short = name.split(',').next().unwrap_or_default();
        if let Some(text) = [name, short].iter().find(|text| fits(text)) {
            let x = area.x + from + (to - from - text.len() as u16 - 2) / 2;
            buffer.set_string(x, area.y, format!(" {text} "), view.ink(Ink::Soft));
        }
    }

    fn seconds(&self, view: &View<'_>, area: Rect, buffer: &mut Buffer) {
        let tick = if view.glyphs().ascii { "+" } else { "┴" };
        let each = ceil((self.to - self.from) * LABEL / f64::from(area.width.max(1))).max(1.0);
        let mut at = (self.from / each).ceil() * each;
        let mut free = area.left();
        while at <= self.to {
            let column = self.column(at, area.width) as u16;
            let x = area.x + column.min(area.width.saturating_sub(1));
            buffer[(x, area.y)].set_symbol(tick);
            let text = format!("{at:.0} s");
            let width = text.len() as u16;
            let from = x.saturating_sub(width / 2).clamp(area.left(), area.right().saturating_sub(width));
            if from >= free {
                buffer.set_string(from, area.y + 1, text, view.ink(Ink::Soft));
                free = from + width + 1;
            }
            at += each;
        }
    }
}
