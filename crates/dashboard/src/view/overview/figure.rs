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
    /// Is it text, and so begins at the left?
    pub text: bool,
    /// Its value, cut to what fits under the short heading if so told.
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
    Figure {
        heading: ("grants/s", "grants/s"),
        width: 8,
        text: false,
        cell: |row, _| row.rate(),
        sentence: |row| row.told_rate(),
    },
    latency(("wait p50", "p50"), |row, _| row.wait(|wait| wait.p50_ns), |row| row.told_wait("p50")),
    latency(("wait p95", "p95"), |row, _| row.wait(|wait| wait.p95_ns), |row| row.told_wait("p95")),
    latency(("wait p99", "p99"), |row, _| row.wait(|wait| wait.p99_ns), |row| row.told_wait("p99")),
    latency(("wait max", "max"), |row, _| row.longest_wait(), |row| row.told_wait("max")),
    latency(("hold p99", "hold p99"), |row, _| row.length(|set| set.hold.p99_ns), |row| row.told_hold()),
    latency(("hand-off p50", "hand-off"), |row, _| row.length(|set| set.handoff.p50_ns), |row| row.told_handoff("p50")),
    latency(
        ("hand-off p99", "hand-off p99"),
        |row, _| row.length(|set| set.handoff.p99_ns),
        |row| row.told_handoff("p99"),
    ),
    Figure {
        heading: ("fairness", "fair"),
        width: 4,
        text: false,
        cell: |row, _| row.fairness(),
        sentence: |row| row.told_fairness(),
    },
    Figure {
        heading: ("timeouts", "timeouts"),
        width: 8,
        text: false,
        cell: |row, short| row.timeouts(short),
        sentence: |row| row.told_timeouts(),
    },
    Figure {
        heading: ("lost leases", "lost leases"),
        width: 11,
        text: false,
        cell: |row, _| row.lost(),
        sentence: |row| row.told_lost(),
    },
    Figure {
        heading: ("safety", "safety"),
        width: 7,
        text: true,
        cell: |row, short| row.safety(short),
        sentence: |row| row.told_safety(),
    },
    Figure {
        heading: ("durability", "durability"),
        width: 10,
        text: true,
        cell: |row, _| row.durability(),
        sentence: |row| row.told_durability(),
    },
    Figure {
        heading: ("trial", "trial"),
        width: 8,
        text: false,
        cell: |row, _| row.trial(),
        sentence: |row| row.told_trial(),
    },
    Figure {
        heading: ("left", "left"),
        width: 5,
        text: false,
        cell: |row, _| row.left(),
        sentence: |row| row.told_left(),
    },
    Figure {
        heading: ("state", "state"),
        width: 9,
        text: true,
        cell: |row, _| row.state(),
        sentence: |row| row.told_state(),
    },
];

/// Place of the rate in [`FIGURES`].
pub const RATE: usize = 0;
/// Place of the state.
pub const STATE: usize = 15;

/// In this order columns come into the table, as far as there is room: first what decides.
pub const PRIORITY: [usize; 16] = [RATE, 1, 3, 11, 2, 6, 8, 9, 4, 12, 7, 5, 13, 14, 10, STATE];

const fn latency(
    heading: (&'static str, &'static str),
    cell: fn(&Row<'_>, bool) -> Cell,
    sentence: fn(&Row<'_>) -> String,
) -> Figure {
    Figure { heading, width: 7, text: false, cell, sentence }
}
