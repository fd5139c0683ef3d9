//! The last hour of a system as a curve, a column or more for each minute.

use ratatui::text::Line;

use super::{Pen, outage};
use crate::theme::Ink;
use lockbench_core::units::human_duration;
use lockbench_report::monitor::SystemStatus;

/// Steps of a column in one row.
const STEPS: usize = 8;
/// Columns per minute at most.
const WIDEST: usize = 2;
const LABEL: &str = "  p99 by the minute ";

impl Pen<'_> {
    /// The 99th percentile of the response time by the minute, in so many rows, with the
    /// outages if nothing else shows them. The minute under way is shorter than its column,
    /// and is not drawn.
    pub(super) fn curve(&self, system: &SystemStatus, width: u16, rows: usize, outages: bool) -> Vec<Line<'static>> {
        let all = &system.response_p99_by_minute_ns;
        let minutes = all.split_last().map_or(&[][..], |(_, whole)| whole);
        let outage = if outages { format!("   {}", outage(system)) } else { String::new() };
        let Some(most) = minutes.iter().flatten().copied().max() else {
            return vec![self.line(&[(Ink::Soft, format!("{LABEL}from the first whole minute on{outage}"))])];
        };
        let top = format!(" max {}", human_duration(most));
        let beside = if rows > 1 { top.len().max(outage.len()) } else { top.len() + outage.len() };
        // As wide as there is room for: a minute has a column at least, or is not there.
        let room = usize::from(width).saturating_sub(LABEL.len() + beside);
        let minutes = &minutes[minutes.len().saturating_sub(room)..];
        let columns = room.min(minutes.len() * WIDEST);
        let of = |column: usize| minutes[column * minutes.len() / columns.max(1)];
        let mut lines = Vec::new();
        for row in (0..rows).rev() {
            let text: String = (0..columns).map(|column| self.sign(of(column), most, row, rows)).collect();
            let before = if row == 0 { LABEL.to_owned() } else { " ".repeat(LABEL.len()) };
            let after = match row {
                0 if rows == 1 => format!("{top}{outage}"),
                0 => outage.clone(),
                _ if row + 1 == rows => top.clone(),
                _ => String::new(),
            };
            lines.push(self.line(&[(Ink::Soft, before), (Ink::Second, text), (Ink::Soft, after)]));
        }
        lines
    }

    /// What a minute shows in a row, counted from the bottom; blank where nothing was due.
    fn sign(&self, ns: Option<u64>, most: u64, row: usize, rows: usize) -> &'static str {
        let Some(ns) = ns else { return " " };
        let height = ((ns as f64 / most.max(1) as f64 * (STEPS * rows) as f64).ceil() as usize).max(1);
        match height.saturating_sub(row * STEPS) {
            0 => " ",
            steps => self.look.glyphs.spark[steps.min(STEPS) - 1],
        }
    }
}
