//! Report to bytes: one file per format. No clock, no file access and no colour
//! decision in here, so that the same run always gives the same bytes.

pub mod advise;
mod answer;
pub mod chart;
mod command;
mod comparison;
mod csv;
mod gate;
mod grid;
mod headline;
mod hgrm;
mod histograms;
pub mod history;
mod hlog;
mod html;
mod inspection;
mod junit;
mod mark;
mod markdown;
pub mod matrix;
pub mod metrics;
mod monitor;
mod need;
mod openmetrics;
pub mod own_cost;
#[cfg(test)]
mod sample;
mod schema;
pub mod search;
mod slug;
pub mod sweep;
mod table;
mod text;
mod timeline;
mod trial;
mod violations;

pub use answer::{AnswerLook, AnswerPlace, answer_text};
pub use command::shell_line;
pub use comparison::comparison;
pub use html::comparison_page;
pub use inspection::line::wrapped;
pub use inspection::{Appearance, Line, Tone, inspection_json, inspection_lines, printed};
pub use lockbench_report::json;
pub use monitor::monitor_text;
pub use need::{Fit, need, need_help};
pub use schema::{inspection_schema, report_schema};
pub use slug::slug;
pub use text::text;
pub use timeline::timeline;
pub use trial::trial_line;

use lockbench_report::RecordedRun;

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
    Output { name: "csv", meaning: "timeseries.csv: a row per second, for spreadsheets", render: csv::render },
    Output {
        name: "markdown",
        meaning: "summary.md: for a pull request or a CI step summary",
        render: markdown::render,
    },
    Output { name: "html", meaning: "report.html: the whole report on one page, for people", render: html::render },
    Output { name: "charts", meaning: "charts/*.svg and *.png: every chart as a file", render: chart::render },
    Output {
        name: "hgrm",
        meaning: "percentiles/*.hgrm: percentile distributions for HdrHistogram's plotters",
        render: hgrm::render,
    },
    Output {
        name: "hlog",
        meaning: "intervals.hlog: a histogram per second, for HdrHistogram's log tools",
        render: hlog::render,
    },
    Output { name: "junit", meaning: "junit.xml: a test case per gate, for CI systems", render: junit::render },
    Output {
        name: "openmetrics",
        meaning: "metrics.om: for Prometheus and what reads its formats",
        render: openmetrics::render,
    },
    Output {
        name: "violations",
        meaning: "violations.json: the double grants kept in full, numbered, with what was around them",
        render: violations::render,
    },
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::OUTPUTS;
    use super::sample::{crowd, empty, gated, recorded, timeouts};

    #[test]
    fn every_format_renders_every_run_and_always_the_same() {
        let names: BTreeSet<&str> = OUTPUTS.iter().map(|output| output.name).collect();
        assert_eq!(names.len(), OUTPUTS.len());
        for run in [recorded(), crowd(3), gated(), timeouts(), empty()] {
            let mut paths = BTreeSet::new();
            for output in OUTPUTS {
                let files = (output.render)(&run);
                assert_eq!(files, (output.render)(&run.clone()), "{}", output.name);
                for file in files.unwrap() {
                    assert!(!file.path.starts_with('/') && !file.path.contains(".."), "{}", file.path);
                    assert!(paths.insert(file.path.clone()), "{} twice", file.path);
                }
            }
        }
    }
}
