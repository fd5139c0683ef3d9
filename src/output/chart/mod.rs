//! Charts: one drawing function a chart, generic over the backend, gives SVG and PNG.

use crate::report::RecordedRun;

/// One chart, drawn, with what it shows as a table beside it.
#[derive(Clone, Debug)]
pub struct Chart {
    /// File name without its ending; also its anchor in the HTML report.
    pub name: String,
    /// Title.
    pub title: String,
    /// What to see in it, one or two sentences.
    pub caption: String,
    /// Heads of the table of its data.
    pub head: Vec<String>,
    /// The data.
    pub rows: Vec<Vec<String>>,
    /// The drawing: one `<svg>` element with a `viewBox`, no fixed size.
    pub svg: String,
}

/// Every chart of a run, in the order in which they are read.
///
/// # Errors
/// Says which one could not be drawn.
pub fn charts(_run: &RecordedRun) -> Result<Vec<Chart>, String> {
    Ok(Vec::new())
}
