//! How the waits spread: service and response time side by side on the same log bins, so
//! that what clients suffered beyond what the system took is seen at once. In a closed loop
//! they are the same by construction: there is one histogram, which says so.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::state::SystemState;
use crate::text::fit;
use crate::theme::Ink;
use crate::view::plot::PENS;
use crate::view::plot::bar::{bar, length, longest};
use crate::view::subject::{drawn_subject, explained, heading, sentence, without_grants};
use crate::view::{Panel, View};
use lockbench_core::record::LatencyFigures;
use lockbench_core::units::grouped;
use lockbench_report::LatencySet;
use lockbench_report::live::Bins;

pub static PANEL: Panel = Panel {
    name: "Histogram of waits",
    about: "Service time (from asking) and response time (from the due instant) of all grants, on log bins",
    draw,
    explain: |view| explained(view, explain),
    ..Panel::PLAIN
};

/// Columns of the lower edge of a bin.
const EDGE: u16 = 11;
/// Columns of a count, and of what stands behind it.
const COUNT: u16 = 9;
const TAG: u16 = 9;
/// Rows of the figures beneath.
const FIGURES: u16 = 3;

/// The bins that have something, of both.
fn span(service: &Bins, response: &Bins) -> std::ops::Range<usize> {
    let first = |bins: &Bins| bins.counts.iter().position(|count| *count > 0);
    let start = [service, response].into_iter().filter_map(first).min().unwrap_or(0);
    start..service.counts.len().max(response.counts.len())
}

/// Bins merged so that they fit: how many in a row, and the first bin of each row.
struct Rows {
    each: usize,
    first: Vec<usize>,
}

impl Rows {
    fn new(span: std::ops::Range<usize>, most: usize) -> Self {
        let rows = |each: usize| (span.end.div_ceil(each)).saturating_sub(span.start / each);
        let each = [1, 2, 4, 8, 16].into_iter().find(|each| rows(*each) <= most).unwrap_or(32);
        Self { each, first: (span.start / each..span.end.div_ceil(each)).map(|row| row * each).collect() }
    }

    fn count(&self, bins: &Bins, first: usize) -> u64 {
        bins.counts.iter().skip(first).take(self.each).sum()
    }

    /// Returns whether a length of time is in the row that begins with this bin.
    fn has(&self, first: usize, ns: u64) -> bool {
        let ns = ns as f64;
        ns >= Bins::edge_ns(first) * (1.0 - 1e-9) && ns < Bins::edge_ns(first + self.each) * (1.0 - 1e-9)
    }
}

fn draw(view: &View<'_>, area: Rect, buffer: &mut Buffer) {
    let Some(system) = drawn_subject(view, PANEL.name, area, buffer) else { return };
    let inside = view.frame(&heading(system, "histogram of waits, log bins"), area, buffer);
    if let Some(why) = without_grants(system) {
        return sentence(view, &why, inside, buffer);
    }
    let (Some((service, response)), Some(set)) = (system.waits(), system.latency()) else { return };
    // The table has them too, where it is on the screen.
    let beneath = if view.look.expanded && inside.height >= FIGURES + 5 { FIGURES } else { 0 };
    let most = inside.height.saturating_sub(1 + beneath);
    // Two systems beside each other have the same bins, and bars of one scale.
    let others: Vec<(&Bins, &Bins)> = view.pair().filter_map(SystemState::waits).collect();
    let all = || others.iter().copied().chain([(service, response)]);
    let rows = Rows::new(widest(all().map(|(service, response)| span(service, response))), usize::from(most));
    let sides = sides(view, (service, response), set);
    let half = (inside.width - EDGE) / sides.len() as u16;
    let counts = all().flat_map(|(service, response)| {
        rows.first.iter().map(|first| rows.count(service, *first).max(rows.count(response, *first))).collect::<Vec<_>>()
    });
    let high = counts.max().unwrap_or(0);
    buffer.set_string(inside.x, inside.y, format!("{:>9}", "from"), view.ink(Ink::Soft));
    let lines = || rows.first.iter().zip(inside.y + 1..inside.bottom() - beneath);
    for (first, y) in lines() {
        let edge = length(view, Some(Bins::edge_ns(*first).round() as u64), usize::from(EDGE) - 1);
        buffer.set_string(inside.x, y, format!("{edge:>9}"), view.ink(Ink::Soft));
    }
    for ((bins, figures, title, _), (x, pen)) in sides.iter().zip([EDGE, EDGE + half].into_iter().zip(PENS)) {
        let title = fit(title, usize::from(half - 1), view.glyphs().more);
        let x = inside.x + x;
        buffer.set_stringn(x, inside.y, title, usize::from(half - 1), view.ink(pen.ink));
        for (first, y) in lines() {
            let place = Rect { x, y, width: half.saturating_sub(1), height: 1 };
            let tag = tag(&rows, figures, *first);
            line(view, place, (rows.count(bins, *first), high), (&tag, pen.ink), buffer);
        }
    }
    if beneath > 0 {
        let place = Rect { y: inside.bottom() - beneath, height: beneath, ..inside };
        let figures: Vec<_> = sides.iter().map(|(_, figures, _, name)| (*name, *figures)).collect();
        under(view, place, &figures, buffer);
    }
}

/// What is drawn beside each other: bins, figures, heading, name.
type Side<'a> = (&'a Bins, &'a LatencyFigures, &'static str, &'static str);

fn sides<'a>(view: &View<'_>, (service, response): (&'a Bins, &'a Bins), set: &'a LatencySet) -> Vec<Side<'a>> {
    if view.state.due_at_start() {
        return vec![(service, &set.acquire_service, "closed loop: response = service time", "wait")];
    }
    vec![
        (service, &set.acquire_service, "service time: from asking", "service"),
        (response, &set.acquire_response, "response time: from due instant", "response"),
    ]
}

/// From the first to the last bin of any.
fn widest(spans: impl Iterator<Item = std::ops::Range<usize>>) -> std::ops::Range<usize> {
    spans.reduce(|a, b| a.start.min(b.start)..a.end.max(b.end)).unwrap_or(0..0)
}

/// Which percentiles are in a row.
fn tag(rows: &Rows, figures: &LatencyFigures, first: usize) -> String {
    let all = [("p50", figures.p50_ns), ("p99", figures.p99_ns)];
    let here = all.iter().filter(|(_, ns)| ns.is_some_and(|ns| rows.has(first, ns)));
    here.map(|(name, _)| *name).collect::<Vec<_>>().join(" ")
}

/// A bar, its count, and what stands behind it.
fn line(view: &View<'_>, area: Rect, (count, high): (u64, u64), (tag, ink): (&str, Ink), buffer: &mut Buffer) {
    let room = area.width.saturating_sub(COUNT + TAG);
    let x = area.x + bar(view, area.as_position(), room, (count, high), ink, buffer);
    let glyphs = view.glyphs();
    let text = if count > 0 { format!(" {}", grouped(count)) } else { " 0".to_owned() };
    let words = if count > 0 { Ink::Text } else { Ink::Soft };
    buffer.set_stringn(x, area.y, &text, usize::from(area.right().saturating_sub(x)), view.ink(words));
    if !tag.is_empty() {
        // A line from the bar to the name of the percentile at the edge.
        let from = x + text.len() as u16 + 1;
        let to = area.right().saturating_sub(TAG);
        let dash = if glyphs.ascii { "-" } else { "╌" };
        for x in from..to {
            buffer[(x, area.y)].set_symbol(dash).set_style(view.ink(Ink::Soft));
        }
        buffer.set_stringn(to.max(from) + 1, area.y, tag, usize::from(TAG), view.ink(Ink::Title));
    }
}

/// The figures of both, one below the other.
fn under(view: &View<'_>, area: Rect, sides: &[(&str, &LatencyFigures)], buffer: &mut Buffer) {
    let width = usize::from((area.width.saturating_sub(10) / 7).min(13));
    let head = ["grants", "p50", "p90", "p95", "p99", "p99.9", "max"].map(|name| format!("{name:>width$}")).concat();
    buffer.set_stringn(area.x + 10, area.y, head, usize::from(area.width - 10), view.ink(Ink::Soft));
    for (((name, figures), y), pen) in sides.iter().zip(area.y + 1..area.bottom()).zip(PENS) {
        buffer.set_string(area.x, y, name, view.ink(pen.ink));
        let lengths = [figures.p50_ns, figures.p90_ns, figures.p95_ns, figures.p99_ns, figures.p999_ns];
        let lengths = lengths.map(|ns| format!("{:>width$}", length(view, ns, width))).concat();
        let lengths = format!("{lengths}{:>width$}", longest(view, figures, width));
        let line = format!("{:>width$}{lengths}", grouped(figures.count));
        buffer.set_stringn(area.x + 10, y, line, usize::from(area.width - 10), view.ink(Ink::Text));
    }
}

fn explain(view: &View<'_>, system: &SystemState) -> String {
    if let Some(why) = without_grants(system) {
        return format!("{}: {why}.", system.name);
    }
    let Some((set, counts)) = system.latency().zip(system.counts()) else { return String::new() };
    let figure =
        |figures: &LatencyFigures| format!("p50 {}, p99 {}", view.figure(figures.p50_ns), view.figure(figures.p99_ns));
    if view.state.due_at_start() {
        return format!(
            "{}: {} grants of the measure phase by the length of their wait ({}); each row begins where its label says \
             and ends where the next one begins. A wait runs from asking until the grant (service time). In a closed \
             loop without think time an attempt is due when its client begins it, so response time is the same.",
            system.name,
            grouped(counts.grants),
            figure(&set.acquire_service)
        );
    }
    format!(
        "{}: {} grants of the measure phase by the length of their wait; each row begins where its label says and ends \
         where the next one begins. Service time runs from asking until the grant ({}); response time from the instant \
         at which the attempt was due ({}), so it has what a client had to wait before it could ask.",
        system.name,
        grouped(counts.grants),
        figure(&set.acquire_service),
        figure(&set.acquire_response)
    )
}

#[cfg(test)]
mod tests {
    use super::{Rows, span};
    use lockbench_report::live::Bins;

    #[test]
    fn merged_rows_have_every_sample_once() {
        let mut service = Bins::default();
        let mut response = Bins::default();
        [120, 5_000, 7_000_000].into_iter().for_each(|ns| service.add(ns, 3));
        [900, 80_000_000].into_iter().for_each(|ns| response.add(ns, 2));
        for most in [5, 12, 40, 200] {
            let rows = Rows::new(span(&service, &response), most);
            assert!(rows.first.len() <= most, "{most}");
            let sum = |bins: &Bins| rows.first.iter().map(|first| rows.count(bins, *first)).sum::<u64>();
            assert_eq!((sum(&service), sum(&response)), (9, 4));
            assert_eq!(rows.first.iter().filter(|first| rows.has(**first, 5_000)).count(), 1);
        }
    }
}
