//! Report to bytes: one file a format. No clock, no file access and no colour
//! decision in here, so that the same run always gives the same bytes.

pub mod chart;
mod csv;
mod grid;
mod json;
mod markdown;
#[cfg(test)]
mod sample;
pub mod sweep;
mod table;
mod text;

pub use json::json;
pub use text::text;

use crate::report::RecordedRun;

/// One file to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// Path within the run directory, `/` between its parts.
    pub path: String,
    /// Its content.
    pub bytes: Vec<u8>,
}

impl Rendered {
    /// A file of that path.
    #[must_use]
    pub fn new(path: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        Self { path: path.into(), bytes: bytes.into() }
    }
}

/// One format that a run can be had in. Adding one is one file and one entry here.
pub struct Output {
    /// Its name: what `export --to` takes.
    pub name: &'static str,
    /// What it is for, a phrase.
    pub meaning: &'static str,
    /// The files of a run. An error says what could not be drawn.
    pub render: fn(&RecordedRun) -> Result<Vec<Rendered>, String>,
}

/// Every format that each run directory holds, beside `report.json` itself.
pub static OUTPUTS: &[Output] = &[
    Output { name: "csv", meaning: "timeseries.csv: a row a second, for spreadsheets", render: csv::render },
    Output {
        name: "markdown",
        meaning: "summary.md: for a pull request or a CI step summary",
        render: markdown::render,
    },
    Output { name: "charts", meaning: "charts/*.svg and *.png: every chart as a file", render: chart::render },
];
