//! What a live server reports of its locks, for people (lines, to be printed or drawn) and
//! for programs (JSON).

mod client;
mod grid;
pub(crate) mod line;
mod summary;
mod table;
#[cfg(test)]
mod tests;

use lockbench_core::lock::inspection::Inspection;
use lockbench_core::plain;

pub use line::{Line, Tone, printed};

/// How it is to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appearance {
    /// Columns; texts that are longer are cut, unless `full`.
    pub width: usize,
    /// Whether signs are ASCII alone.
    pub ascii: bool,
    /// Whether everything stands at its whole length, with the reason for what is not reported.
    pub full: bool,
}

/// The whole picture: summary, deadlocks, table, what a reader must know.
#[must_use]
pub fn inspection_lines(seen: &Inspection, appearance: Appearance) -> Vec<Line> {
    let mut lines = summary::opening(seen, appearance);
    lines.extend(table::table(&seen.look, appearance));
    lines.extend(summary::closing(seen, appearance));
    lines
}

/// The JSON form, on one line. What a terminal would obey is written as an escape of
/// JSON's: the library does so with the lower control characters only.
///
/// # Errors
/// Never; the library cannot promise it.
pub fn inspection_json(seen: &Inspection) -> Result<String, serde_json::Error> {
    Ok(plain::json(&serde_json::to_string(seen)?).into_owned())
}
