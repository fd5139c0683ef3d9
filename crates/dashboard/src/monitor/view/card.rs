//! One system in lines: name, state and response time, shares, its windows as a table where
//! there is room, and its last hour or what is wrong now.

mod curve;
mod table;

use ratatui::text::Line;

use super::{Pen, clock};
use crate::theme::Ink;
use lockbench_core::lock::Nodes;
use lockbench_core::units::{MILLISECOND, grouped, span, three_digits};
use lockbench_report::monitor::{Standing, State, SystemStatus, WindowFigures};

/// From so many columns on words are written out.
const WIDE: u16 = 98;
/// Rows at most of what is wrong with a system: a message of a server may be long.
const WRONG: usize = 4;
/// Rows of a curve at most.
pub(super) const TALLEST: usize = 20;

/// How much of a system is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Detail {
    /// Whether every window has a row of its own.
    pub table: bool,
    /// Rows of the curve beyond the first.
    pub taller: usize,
}

/// A part of a line, and how soon it is left out where the line is too long; 0: never.
type Part = (u8, Ink, String);

impl Pen<'_> {
    /// The whole card, in `room` rows at most, of which there are three at least.
    pub(super) fn card(&self, system: &SystemStatus, width: u16, room: usize, detail: Detail) -> Vec<Line<'static>> {
        let mut lines = vec![self.head(system, width)];
        if detail.table {
            lines.push(self.proven(system, width));
            lines.extend(self.windows(system, width));
        } else {
            lines.push(self.figures(system, width));
        }
        let left = room.saturating_sub(lines.len()).max(1);
        lines.extend(self.course(system, width, left, detail));
        lines.truncate(room);
        lines
    }

    /// A line of what fits: a number that is cut at the edge is another number.
    pub(super) fn fitted(&self, mut parts: Vec<Part>, width: u16) -> Line<'static> {
        let long = |parts: &[Part]| parts.iter().map(|(_, _, text)| text.chars().count()).sum::<usize>();
        while long(&parts) > usize::from(width) {
            let Some(first) = parts.iter().map(|(rank, ..)| *rank).max().filter(|rank| *rank > 0) else { break };
            parts.retain(|(rank, ..)| *rank != first);
        }
        self.line(&parts.into_iter().map(|(_, ink, text)| (ink, text)).collect::<Vec<_>>())
    }

    /// Name, state, response time.
    fn head(&self, system: &SystemStatus, width: u16) -> Line<'static> {
        let (ink, state) = self.state(system);
        let nothing = WindowFigures::default();
        let window = system.windows.get(1).unwrap_or(&nothing);
        let [p50, p95, p99, max] = window.responses(self.look.glyphs.none);
        let label = |rank, text: &str| (rank, Ink::Soft, text.to_owned());
        let wide = if width >= WIDE { " response" } else { "" };
        let parts = vec![
            (0, Ink::Title, format!("{:<18}", system.backend)),
            (0, ink, format!("{state:<17} ")),
            label(0, &format!("{}{wide}", watched(window))),
            label(2, " p50 "),
            (2, Ink::First, p50),
            label(1, "  p95 "),
            (1, Ink::Second, p95),
            label(0, "  p99 "),
            (0, Ink::Second, p99),
            label(3, "  max "),
            (3, Ink::Third, max),
        ];
        self.fitted(parts, width)
    }

    fn state(&self, system: &SystemStatus) -> (Ink, String) {
        let glyphs = &self.look.glyphs;
        let firing = system.alerts.iter().filter(|alert| alert.standing == Standing::Firing).count();
        match system.state {
            State::Starting => (Ink::Soft, format!("{} starting", glyphs.waiting)),
            State::Missing => (Ink::Alarm, format!("{} missing", glyphs.failed)),
            State::Down => (Ink::Alarm, format!("{} DOWN {}", glyphs.failed, clock(system.state_for_s))),
            State::Up if system.violations.double_grants > 0 => {
                (Ink::Alarm, format!("{0}{0} GRANTED TWICE", glyphs.alarm))
            }
            State::Up if firing > 0 => (Ink::Warn, format!("{} ALERT", glyphs.alarm)),
            State::Up if away(system).is_some() => (Ink::Warn, format!("{} {}", glyphs.alarm, shown(system))),
            State::Up => (Ink::Good, format!("{} ok", glyphs.tick)),
        }
    }

    /// How many holds were challenged says what a 0 is worth; it is known by the round, and
    /// what was granted twice at once.
    fn twice(&self, system: &SystemStatus) -> (Ink, String) {
        match system.violations.double_grants {
            0 => (Ink::Text, format!("0 of {}", grouped(system.exercised_holds))),
            doubles => (Ink::Alarm, grouped(doubles)),
        }
    }

    /// Shares of the last five minutes, and what was proven so far.
    fn figures(&self, system: &SystemStatus, width: u16) -> Line<'static> {
        let nothing = WindowFigures::default();
        let window = system.windows.get(1).unwrap_or(&nothing);
        let (ink, twice) = self.twice(system);
        let label = |rank, text: &str| (rank, Ink::Soft, text.to_owned());
        let words = if width >= WIDE { "  double grants " } else { "  twice " };
        let parts = vec![
            (3, Ink::Text, format!("  {}/s", three_digits(window.rate_per_s))),
            label(0, "  answered "),
            (0, Ink::Text, self.share(window.availability)),
            label(2, "  waited "),
            (2, Ink::Text, self.share(window.contention)),
            label(1, "  timeouts "),
            (1, Ink::Text, self.share(window.timeouts)),
            label(0, words),
            (0, ink, twice),
        ];
        self.fitted(parts, width)
    }

    /// What no window shows.
    fn proven(&self, system: &SystemStatus, width: u16) -> Line<'static> {
        let (ink, twice) = self.twice(system);
        let label = |rank, text: String| (rank, Ink::Soft, text);
        let challenged = if system.violations.double_grants == 0 { " challenged holds" } else { "" };
        let mut parts = vec![
            label(0, "  double grants ".to_owned()),
            (0, ink, twice),
            label(2, challenged.to_owned()),
            label(0, format!("   {}", outage(system))),
        ];
        if system.total.stalled > 0 {
            parts.push(label(3, format!("   lockbench itself slept through {}", grouped(system.total.stalled))));
        }
        if !system.server_version.is_empty() {
            parts.push(label(4, format!("   server {}", system.server_version)));
        }
        self.fitted(parts, width)
    }

    /// What is wrong now, in as many rows as it needs, or the last hour.
    fn course(&self, system: &SystemStatus, width: u16, room: usize, detail: Detail) -> Vec<Line<'static>> {
        let wrong = |ink: Ink, text: &str| {
            let rows = self.rows(&format!("  {text}"), width.into(), WRONG.min(room));
            rows.into_iter().map(|row| self.line(&[(ink, row)])).collect()
        };
        if let (State::Down | State::Missing, Some(problem)) = (&system.state, &system.problem) {
            return wrong(Ink::Alarm, problem);
        }
        let firing = system.alerts.iter().filter(|alert| alert.standing == Standing::Firing);
        let firing: Vec<&str> = firing.map(|alert| alert.says.as_str()).collect();
        if !firing.is_empty() {
            return wrong(Ink::Warn, &firing.join("; "));
        }
        if let Some(names) = away(system) {
            return wrong(Ink::Warn, &format!("{} serve; away: {names}", shown(system)));
        }
        self.curve(system, width, (1 + detail.taller).min(room), !detail.table)
    }

    fn share(&self, share: Option<f64>) -> String {
        share.map_or_else(|| self.look.glyphs.none.to_owned(), |share| format!("{} %", three_digits(share * 100.0)))
    }
}

/// Name of a window, or how much of it there is.
fn watched(window: &WindowFigures) -> String {
    window.called().replace(" so far", "")
}

/// `no outage`, `1 outage, 12.0s`, `3 outages, the last 12.0s`; while one is under way
/// `2 outages, this one 5.0s so far`. Those that are over are counted.
fn outage(system: &SystemStatus) -> String {
    let lasted = system.last_outage.as_ref().map(|outage| span(outage.lasted_ns / MILLISECOND));
    match (system.outages, lasted) {
        (_, None) => "no outage".to_owned(),
        (0, Some(lasted)) => format!("an outage, {lasted} so far"),
        (over, Some(lasted)) if system.state == State::Down => {
            format!("{} outages, this one {lasted} so far", grouped(over + 1))
        }
        (1, Some(lasted)) => format!("1 outage, {lasted}"),
        (count, Some(lasted)) => format!("{} outages, the last {lasted}", grouped(count)),
    }
}

/// Addresses of the nodes that are away.
fn away(system: &SystemStatus) -> Option<String> {
    system.nodes.as_ref().and_then(Nodes::away_names)
}

/// `2 of 3 nodes`.
fn shown(system: &SystemStatus) -> String {
    system.nodes.as_ref().map(ToString::to_string).unwrap_or_default()
}
