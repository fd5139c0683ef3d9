//! One system in lines: name and latency, shares, and its last hour or what is wrong now.

use ratatui::text::Line;

use super::{Pen, clock};
use crate::lock::Nodes;
use crate::report::monitor::{Standing, State, SystemStatus, WindowFigures};
use crate::tui::theme::Ink;
use crate::units::{grouped, human_duration, three_digits};

/// From so many columns on words are written out, and there is a p50.
const WIDE: u16 = 98;
/// From so many columns on all figures are shown, and all but the rate.
const ALL: u16 = 78;
const MOST: u16 = 70;
/// Rows at most of what is wrong with a system: a message of a server may be long.
const WRONG: usize = 4;

impl Pen<'_> {
    /// The whole card, in `room` rows at most, of which there are three at least.
    pub(super) fn card(&self, system: &SystemStatus, width: u16, room: usize) -> Vec<Line<'static>> {
        let mut lines = vec![self.head(system, width >= WIDE), self.figures(system, width)];
        lines.extend(self.course(system, width, WRONG.min(room - 2)));
        lines
    }

    /// Name, state, latency.
    fn head(&self, system: &SystemStatus, wide: bool) -> Line<'static> {
        let glyphs = &self.look.glyphs;
        let firing = system.alerts.iter().filter(|alert| alert.standing == Standing::Firing).count();
        let (ink, state) = match system.state {
            State::Starting => (Ink::Soft, format!("{} starting", glyphs.waiting)),
            State::Missing => (Ink::Alarm, format!("{} missing", glyphs.failed)),
            State::Down => (Ink::Alarm, format!("{} DOWN {}", glyphs.failed, clock(system.state_for_s))),
            State::Up if system.violations.double_grants > 0 => {
                (Ink::Alarm, format!("{0}{0} GRANTED TWICE", glyphs.alarm))
            }
            State::Up if firing > 0 => (Ink::Warn, format!("{} ALERT", glyphs.alarm)),
            State::Up if away(system).is_some() => (Ink::Warn, format!("{} {}", glyphs.alarm, shown(system))),
            State::Up => (Ink::Good, format!("{} ok", glyphs.tick)),
        };
        let of = |name: &str| system.windows.iter().find(|window| window.window == name);
        let p50 = self.length(of("5m").and_then(|window: &WindowFigures| window.service_p50_ns));
        let p99 = |name| self.length(of(name).and_then(|window: &WindowFigures| window.service_p99_ns));
        self.line(&[
            (Ink::Title, format!("{:<18}", system.backend)),
            (ink, format!("{state:<17} ")),
            (Ink::First, if wide { format!("p50 5m {p50}  ") } else { String::new() }),
            (Ink::Soft, "p99 1m ".to_owned()),
            (Ink::Second, p99("1m")),
            (Ink::Soft, "  5m ".to_owned()),
            (Ink::Second, p99("5m")),
            (Ink::Soft, "  1h ".to_owned()),
            (Ink::Second, p99("1h")),
        ])
    }

    /// Shares of the last five minutes, and what was proven so far.
    fn figures(&self, system: &SystemStatus, width: u16) -> Line<'static> {
        let nothing = WindowFigures::default();
        let window = system.windows.get(1).unwrap_or(&nothing);
        let doubles = system.violations.double_grants;
        // How many holds were challenged says what a 0 is worth; it is known by the round, and
        // what was granted twice at once.
        let twice = match doubles {
            0 => (Ink::Text, format!("0 of {}", grouped(system.exercised_holds))),
            doubles => (Ink::Alarm, grouped(doubles)),
        };
        let wide = width >= WIDE;
        let mut parts = vec![(Ink::Soft, "  5m".to_owned())];
        // A number that is cut at the edge is another number: a narrow screen has fewer.
        if width >= ALL {
            parts.push((Ink::Text, format!(" {}/s", three_digits(window.rate_per_s))));
        }
        parts.push((Ink::Soft, if wide { "  found held " } else { "  held " }.to_owned()));
        parts.push((Ink::Text, self.share(window.contention)));
        if width >= MOST {
            parts.push((Ink::Soft, "  timeouts ".to_owned()));
            parts.push((Ink::Text, self.share(window.timeouts)));
        }
        parts.extend([
            (Ink::Soft, "  up ".to_owned()),
            (Ink::Text, self.share(window.availability)),
            (Ink::Soft, if wide { "  double grants " } else { "  twice " }.to_owned()),
            twice,
        ]);
        self.line(&parts)
    }

    /// What is wrong now, in as many rows as it needs, or the last hour.
    fn course(&self, system: &SystemStatus, width: u16, most: usize) -> Vec<Line<'static>> {
        let told = |ink: Ink, text: &str| {
            let rows = self.rows(&format!("  {text}"), width.into(), most);
            rows.into_iter().map(|row| self.line(&[(ink, row)])).collect()
        };
        if let (State::Down | State::Missing, Some(problem)) = (&system.state, &system.problem) {
            return told(Ink::Alarm, problem);
        }
        let firing = system.alerts.iter().filter(|alert| alert.standing == Standing::Firing);
        let firing: Vec<String> = firing.map(|alert| format!("not {}: {}", alert.bound, alert.because)).collect();
        if !firing.is_empty() {
            return told(Ink::Warn, &firing.join("; "));
        }
        if let Some(names) = away(system) {
            return told(Ink::Warn, &format!("{} serve; away: {names}", shown(system)));
        }
        let outage = match &system.last_outage {
            Some(outage) => format!("last outage {}", human_duration(outage.lasted_ns)),
            None => "no outage".to_owned(),
        };
        let label = "  p99 ";
        let room = usize::from(width).saturating_sub(label.len() + outage.len() + 3).min(60);
        let minutes = &system.p99_by_minute_ns[system.p99_by_minute_ns.len().saturating_sub(room)..];
        vec![self.line(&[
            (Ink::Soft, label.to_owned()),
            (Ink::Second, self.spark(minutes)),
            (Ink::Soft, format!("   {outage}")),
        ])]
    }

    /// A sign a minute, from nothing to the highest; blank where nothing was granted.
    fn spark(&self, minutes: &[Option<u64>]) -> String {
        let most = minutes.iter().flatten().copied().max().unwrap_or(0).max(1);
        let signs = &self.look.glyphs.spark;
        let sign = |ns: &Option<u64>| match ns {
            Some(ns) => signs[((*ns as f64 / most as f64 * 8.0).ceil() as usize).clamp(1, 8) - 1],
            None => " ",
        };
        minutes.iter().map(sign).collect()
    }

    fn length(&self, ns: Option<u64>) -> String {
        ns.map_or_else(|| self.look.glyphs.none.to_owned(), human_duration)
    }

    fn share(&self, share: Option<f64>) -> String {
        share.map_or_else(|| self.look.glyphs.none.to_owned(), |share| format!("{} %", three_digits(share * 100.0)))
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
