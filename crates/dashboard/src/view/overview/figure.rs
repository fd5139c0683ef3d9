//! The list of figures of a system: heading, value, and what it means in a sentence. The
//! values are in `cell`, the sentences in `sentence`.

use super::row::Row;
use crate::theme::Ink;

/// A figure.
pub struct Figure {
    /// Heading of its column, where there is room and where there is little.
    pub heading: (&'static str, &'static str),
    /// Least columns, so that values may grow without moving their neighbours.
    pub width: usize,
    /// Whether it is text, and so begins at the left.
    pub text: bool,
    /// Its value, cut to what fits under the short heading on request.
    pub cell: fn(&Row<'_>, bool) -> Cell,
    /// What it means, with its value.
    pub sentence: fn(&Row<'_>) -> String,
}

/// A value.
pub struct Cell {
    /// As text.
    pub text: String,
    /// Its ink.
    pub ink: Ink,
}

/// Every figure, from left to right.
pub static FIGURES: &[Figure] = &[
    figure(("grants/s", "grants/s"), 8, false, |row, _| row.rate(), |row| row.rate_sentence()),
    latency(("wait p50", "p50"), |row, _| row.wait(|wait| wait.p50_ns), |row| row.wait_sentence("p50")),
    latency(("wait p95", "p95"), |row, _| row.wait(|wait| wait.p95_ns), |row| row.wait_sentence("p95")),
    latency(("wait p99", "p99"), |row, _| row.wait(|wait| wait.p99_ns), |row| row.wait_sentence("p99")),
    latency(("wait max", "max"), |row, _| row.longest_wait(), |row| row.wait_sentence("max")),
    latency(("hold p99", "hold p99"), |row, _| row.length(|set| set.hold.p99_ns), |row| row.hold_sentence()),
    latency(
        ("hand-off p50", "hand-off"),
        |row, _| row.length(|set| set.handoff.p50_ns),
        |row| row.handoff_sentence("p50"),
    ),
    latency(
        ("hand-off p99", "hand-off p99"),
        |row, _| row.length(|set| set.handoff.p99_ns),
        |row| row.handoff_sentence("p99"),
    ),
    figure(("fairness", "fair"), 4, false, |row, _| row.fairness(), |row| row.fairness_sentence()),
    figure(("timeouts", "timeouts"), 8, false, |row, short| row.timeouts(short), |row| row.timeouts_sentence()),
    figure(("lost leases", "lost leases"), 11, false, |row, _| row.lost(), |row| row.lost_sentence()),
    figure(("safety", "safety"), 7, true, |row, short| row.safety(short), |row| row.safety_sentence()),
    figure(("durability", "durability"), 10, true, |row, _| row.durability(), |row| row.durability_sentence()),
    figure(("trial", "trial"), 8, false, |row, _| row.trial(), |row| row.trial_sentence()),
    figure(("left", "left"), 5, false, |row, _| row.left(), |row| row.left_sentence()),
    figure(("state", "state"), 9, true, |row, _| row.state(), |row| row.state_sentence()),
];

/// Place of the rate in [`FIGURES`].
pub const RATE: usize = 0;
/// Place of the state.
pub const STATE: usize = 15;

/// In this order columns come into the table, as far as there is room: first what decides.
pub const PRIORITY: [usize; 16] = [RATE, 1, 3, 11, 2, 6, 8, 9, 4, 12, 7, 5, 13, 14, 10, STATE];

const fn figure(
    heading: (&'static str, &'static str),
    width: usize,
    text: bool,
    cell: fn(&Row<'_>, bool) -> Cell,
    sentence: fn(&Row<'_>) -> String,
) -> Figure {
    Figure { heading, width, text, cell, sentence }
}

const fn latency(
    heading: (&'static str, &'static str),
    cell: fn(&Row<'_>, bool) -> Cell,
    sentence: fn(&Row<'_>) -> String,
) -> Figure {
    figure(heading, 7, false, cell, sentence)
}
