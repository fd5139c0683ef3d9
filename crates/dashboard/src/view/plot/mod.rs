//! Lines over time, drawn alike on every screen: braille dots where the terminal has
//! them, signs where it has not. Series differ in sign and dashes, not by colour alone;
//! where nothing is known there is a gap.

pub mod bar;
mod canvas;
pub mod scale;
pub mod time;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;

use self::canvas::Canvas;
use self::scale::Scale;
use self::time::Time;
use super::View;
use crate::theme::Ink;

/// Columns between two signs of a line.
const APART: f64 = 9.0;

/// How a series looks.
#[derive(Clone, Copy)]
pub struct Pen {
    /// Its sign with Unicode, and with ASCII alone.
    pub sign: [&'static str; 2],
    /// Its colour.
    pub ink: Ink,
    /// Dots drawn, of how many.
    pub dash: (u16, u16),
}

/// The looks of up to three series.
pub const PENS: [Pen; 3] = [
    Pen { sign: ["●", "o"], ink: Ink::First, dash: (1, 1) },
    Pen { sign: ["▲", "x"], ink: Ink::Second, dash: (4, 6) },
    Pen { sign: ["■", "*"], ink: Ink::Third, dash: (1, 3) },
];

impl Pen {
    fn sign(&self, ascii: bool) -> &'static str {
        self.sign[usize::from(ascii)]
    }
}

/// A value for some time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// Its number, the same in every frame.
    pub number: usize,
    /// From this second.
    pub from: f64,
    /// To this second.
    pub to: f64,
    /// The value.
    pub value: f64,
}

/// A line: steps in order of time; what no step covers is a gap.
pub struct Series {
    /// Name and, if there is one, the current value.
    pub name: String,
    /// Its steps.
    pub steps: Vec<Step>,
}

/// A chart over time.
pub struct Chart<'a> {
    /// The horizontal axis.
    pub time: Time,
    /// The vertical axis.
    pub scale: Scale,
    /// What is written beside a tick of it.
    pub label: &'a dyn Fn(f64) -> String,
    /// Of when the values in the legend are.
    pub when: &'a str,
    /// Up to three lines.
    pub series: &'a [Series],
    /// Signs of the user's: second, and what is written there.
    pub marks: &'a [(f64, String)],
    /// What did not come to a value.
    pub missed: &'a Missed,
}

/// Attempts that ended without what a chart shows.
#[derive(Default)]
pub struct Missed {
    /// The seconds in which there were some, by their start.
    pub seconds: Vec<f64>,
    /// What happened, in words; empty if nothing did.
    pub words: String,
}

impl Chart<'_> {
    /// Draws it: a legend, the lines, the axes.
    pub fn render(&self, view: &View<'_>, area: Rect, buffer: &mut Buffer) {
        if area.height < 2 + time::ROWS || area.width < 24 {
            return;
        }
        let rows = area.height - 1 - time::ROWS;
        let ticks: Vec<(f64, String)> =
            self.scale.ticks(rows).into_iter().map(|tick| (tick, (self.label)(tick))).collect();
        let gutter = ticks.iter().map(|(_, text)| text.len()).max().unwrap_or(0) as u16 + 1;
        let (x, width) = (area.x + gutter, area.width - gutter);
        let plot = Rect { x, y: area.y + 1, width, height: rows };
        self.legend(view, Rect { x, y: area.y, width, height: 1 }, buffer);
        let mut canvas = Canvas::new(plot.width, plot.height, view.glyphs().ascii);
        for (series, pen) in self.series.iter().zip(PENS).rev() {
            self.line(&mut canvas, &series.steps, pen, view.glyphs().ascii);
        }
        for (place, (series, pen)) in self.series.iter().zip(PENS).enumerate() {
            self.signs(&mut canvas, place, &series.steps, pen.sign(view.glyphs().ascii), pen.ink);
        }
        self.missing(view, &mut canvas, plot);
        self.lines_behind(view, &mut canvas, plot, &ticks);
        canvas.render(view, plot, buffer);
        for (tick, text) in &ticks {
            let y = plot.y + self.row(*tick, plot.height);
            buffer.set_string(x - 1 - text.len() as u16, y, text, view.ink(Ink::Soft));
        }
        time::names(view, (self.time, self.marks), Rect { height: 1, ..plot }, buffer);
        self.time.render(view, Rect { y: plot.bottom(), height: time::ROWS, ..plot }, buffer);
    }

    fn row(&self, value: f64, rows: u16) -> u16 {
        ((1.0 - self.scale.height(value)) * f64::from(rows.saturating_sub(1))).round() as u16
    }

    fn legend(&self, view: &View<'_>, area: Rect, buffer: &mut Buffer) {
        let mut spans = vec![Span::styled(self.when, view.ink(Ink::Soft))];
        for (series, pen) in self.series.iter().zip(PENS) {
            spans.push(Span::styled(pen.sign(view.glyphs().ascii), view.ink(pen.ink)));
            spans.push(Span::styled(format!(" {}   ", series.name), view.ink(Ink::Text)));
        }
        if !self.missed.words.is_empty() {
            spans.push(Span::styled(format!("{0} {1}", view.glyphs().alarm, self.missed.words), view.ink(Ink::Warn)));
        }
        let line = Line::from(spans);
        let cut = line.to_string().trim_end().chars().count() > usize::from(area.width);
        line.render(area, buffer);
        if cut {
            buffer.set_string(area.right() - 1, area.y, view.glyphs().more, view.ink(Ink::Soft));
        }
    }

    /// Levels and their connections.
    fn line(&self, canvas: &mut Canvas, steps: &[Step], pen: Pen, ascii: bool) {
        let (width, height) = canvas.dots();
        let plain = pen.sign(ascii);
        let mut before: Option<(f64, u16)> = None;
        for step in steps {
            let column = |at: f64| self.time.column(at, width);
            let (from, to) = (column(step.from).max(0.0), column(step.to).min(f64::from(width)));
            if to <= from {
                continue;
            }
            let y = self.row(step.value, height);
            let drawn = |along: u16| along % pen.dash.1 < pen.dash.0;
            let last = (to.ceil() as u16).max(from as u16 + 1);
            (from as u16..last).filter(|x| drawn(*x)).for_each(|x| canvas.dot((x, y), plain, pen.ink));
            if let Some((end, other)) = before.filter(|(end, _)| !ascii && (*end - step.from).abs() < 1e-6) {
                let x = column(end) as u16;
                (y.min(other)..y.max(other)).filter(|y| drawn(*y)).for_each(|y| canvas.dot((x, y), plain, pen.ink));
            }
            before = Some((step.to, y));
        }
    }

    /// Now and then the sign of the series, never two series in one column.
    fn signs(&self, canvas: &mut Canvas, place: usize, steps: &[Step], sign: &'static str, ink: Ink) {
        let (across, down) = if canvas.dots().0 == canvas.width() { (1, 1) } else { (2, 4) };
        let (width, height) = (canvas.dots().0 / across, canvas.dots().1);
        for step in steps {
            let length = (step.to - step.from) / (self.time.to - self.time.from) * f64::from(width);
            let every = (APART / length.max(0.01)).ceil().max(1.0) as usize;
            let shift = (place as f64 + 0.5) / PENS.len() as f64;
            let own = (every as f64 * shift) as usize;
            if step.number % every != own {
                continue;
            }
            let at = if every == 1 { shift } else { 0.5 };
            if let Some(x) = self.time.shown(step.from + (step.to - step.from) * at, width) {
                canvas.sign((x, self.row(step.value, height) / down), sign, ink);
            }
        }
    }

    /// Along the bottom: seconds in which attempts got no grant.
    fn missing(&self, view: &View<'_>, canvas: &mut Canvas, plot: Rect) {
        for second in &self.missed.seconds {
            let column = |at: f64| self.time.column(at, plot.width).clamp(0.0, f64::from(plot.width)) as u16;
            for x in (column(*second)..column(*second + 1.0).max(column(*second) + 1)).step_by(3) {
                canvas.behind((x, plot.height - 1), view.glyphs().alarm, Ink::Warn);
            }
        }
    }

    /// Ticks across, phases and markers down.
    fn lines_behind(&self, view: &View<'_>, canvas: &mut Canvas, plot: Rect, ticks: &[(f64, String)]) {
        let ascii = view.glyphs().ascii;
        let (border, mark) = if ascii { (":", "|") } else { ("┊", "│") };
        for (second, _) in self.marks {
            if let Some(x) = self.time.shown(*second, plot.width) {
                (0..plot.height).for_each(|y| canvas.behind((x, y), mark, Ink::Text));
            }
        }
        for second in self.time.borders() {
            if let Some(x) = self.time.shown(second, plot.width) {
                (0..plot.height).for_each(|y| canvas.behind((x, y), border, Ink::Border));
            }
        }
        let dot = if ascii { "." } else { "·" };
        for (tick, _) in ticks {
            let y = self.row(*tick, plot.height);
            (0..plot.width).step_by(4).for_each(|x| canvas.behind((x, y), dot, Ink::Border));
        }
    }
}

#[cfg(test)]
mod tests {
    use ratatui::buffer::Buffer;
    use ratatui::layout::Rect;

    use super::scale::Scale;
    use super::time::Time;
    use super::{Chart, Missed, Series, Step};
    use crate::controls::Paused;
    use crate::stage::text;
    use crate::state::{State, SystemState};
    use crate::theme::Theme;
    use crate::user_view::UserView;
    use crate::view::{Room, View};
    use lockbench_report::live::Snapshot;

    /// Ten seconds of two lines with a gap, a marker, and a second without a value.
    fn drawn(ascii: bool) -> String {
        let (state, look) = (State::default(), UserView::new(Theme::Mono, ascii));
        let view = View { state: &state, look: &look, panel: 0, room: Room::Normal, paused: Paused::No, now: 0 };
        let mut system = SystemState::new("redis");
        system.snapshot = Some(Snapshot { elapsed_ns: 10_000_000_000, ..Snapshot::default() });
        let step = |number: usize, value| Step { number, from: number as f64, to: number as f64 + 1.0, value };
        let line = |values: &[(usize, f64)]| values.iter().map(|(number, value)| step(*number, *value)).collect();
        let series = [
            Series { name: "p50".to_owned(), steps: line(&[(0, 2e3), (1, 2e3), (2, 9e3), (5, 5e3), (6, 2e3)]) },
            Series { name: "p99".to_owned(), steps: line(&[(0, 6e4), (1, 9e4), (2, 9e4), (5, 5e4), (6, 8e4)]) },
        ];
        let chart = Chart {
            time: Time::of(&view, &system),
            scale: Scale::Log { low: 1e3, high: 1e5 },
            label: &|ns| format!("{ns:.0}"),
            when: "",
            series: &series,
            marks: &[(8.0, "marker 1".to_owned())],
            missed: &Missed { seconds: vec![3.0], words: "4 timed out".to_owned() },
        };
        let area = Rect::new(0, 0, 70, 12);
        let mut buffer = Buffer::empty(area);
        chart.render(&view, area, &mut buffer);
        text(&buffer)
    }

    #[test]
    fn lines_have_gaps_and_markers_have_their_names() {
        insta::assert_snapshot!("chart", drawn(false));
    }

    #[test]
    fn names_of_markers_end_before_the_next_one() {
        let (state, look) = (State::default(), UserView::new(Theme::Mono, false));
        let view = View { state: &state, look: &look, panel: 0, room: Room::Normal, paused: Paused::No, now: 0 };
        let mut system = SystemState::new("redis");
        system.snapshot = Some(Snapshot { elapsed_ns: 10_000_000_000, ..Snapshot::default() });
        let marks = [(0.0, "pause"), (0.4, "marker 1"), (1.7, "goes on"), (2.0, "pause"), (9.5, "goes on")];
        let marks = marks.map(|(second, name)| (second, name.to_owned()));
        let area = Rect::new(0, 0, 60, 1);
        let mut buffer = Buffer::empty(area);
        super::time::names(&view, (Time::of(&view, &system), &marks), area, &mut buffer);
        assert_eq!(text(&buffer).trim_end(), "◆ ◆ 1     ◆ ◆ pause                                      ◆");
    }

    #[test]
    fn ascii_lines_are_made_of_their_signs() {
        let shown = drawn(true);
        assert!(shown.is_ascii(), "{shown}");
        insta::assert_snapshot!("chart_ascii", shown);
    }
}
