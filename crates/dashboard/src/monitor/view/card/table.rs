//! The windows of a system, a row each.

use ratatui::text::Line;

use super::Pen;
use crate::theme::Ink;
use lockbench_core::units::{grouped, three_digits};
use lockbench_report::monitor::{SystemStatus, WindowFigures};

/// Columns of the name of a window.
const NAME: usize = 16;

/// A column: its heading, its width, from which width of the screen on it is there.
struct Column {
    head: &'static str,
    width: usize,
    from: u16,
    ink: Ink,
}

const fn column(head: &'static str, width: usize, from: u16, ink: Ink) -> Column {
    Column { head, width, from, ink }
}

const COLUMNS: [Column; 13] = [
    column("answered", 9, 0, Ink::Text),
    column("dropped", 9, 104, Ink::Text),
    column("missed", 9, 104, Ink::Text),
    column("waited", 8, 70, Ink::Text),
    column("timeouts", 10, 150, Ink::Text),
    column("p50", 10, 0, Ink::First),
    column("p95", 10, 0, Ink::Second),
    column("p99", 10, 0, Ink::Second),
    column("max", 10, 78, Ink::Third),
    column("service p50", 13, 170, Ink::First),
    column("service p95", 13, 170, Ink::Second),
    column("service p99", 13, 117, Ink::Second),
    column("per s", 8, 150, Ink::Text),
];

impl Pen<'_> {
    /// Heading and rows. A window that is longer than the watch is the same as the one
    /// before it, so that only the first of these is there, and says how long it is.
    pub(super) fn windows(&self, system: &SystemStatus, width: u16) -> Vec<Line<'static>> {
        let shown = |column: &&Column| width >= column.from;
        let mut head = vec![(Ink::Soft, format!("  {:<NAME$}", "window"))];
        head.extend(COLUMNS.iter().filter(shown).map(|column| {
            let (text, width) = (column.head, column.width);
            (Ink::Soft, format!("{text:>width$}"))
        }));
        let mut lines = vec![self.line(&head)];
        for window in distinct_windows(&system.windows) {
            let mut row = vec![(Ink::Soft, format!("  {:<NAME$}", window.called()))];
            let cells = COLUMNS.iter().zip(self.cells(window)).filter(|(column, _)| shown(column));
            row.extend(cells.map(|(column, text)| {
                let width = column.width;
                (column.ink, format!("{text:>width$}"))
            }));
            lines.push(self.line(&row));
        }
        lines
    }

    fn cells(&self, window: &WindowFigures) -> [String; 13] {
        let none = self.look.glyphs.none;
        let [p50, p95, p99, max] = window.responses(none);
        let [service_p50, service_p95, service_p99, _] = window.services(none);
        [
            self.share(window.availability),
            grouped(window.dropped),
            grouped(window.missed),
            self.share(window.contention),
            self.share(window.timeouts),
            p50,
            p95,
            p99,
            max,
            service_p50,
            service_p95,
            service_p99,
            three_digits(window.rate_per_s),
        ]
    }
}

/// The windows that say something of their own.
pub(super) fn distinct_windows(windows: &[WindowFigures]) -> impl Iterator<Item = &WindowFigures> {
    let full = windows.iter().take_while(|window| window.called() == window.window).count();
    windows.iter().take(full + 1)
}
