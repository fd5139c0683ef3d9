//! `report.json`.

use super::schema::Report;

/// The report as JSON, indented, with a final newline.
///
/// # Errors
/// Never for a report that came from a run; the library cannot promise it.
pub fn json(report: &Report) -> Result<Vec<u8>, serde_json::Error> {
    let mut bytes = serde_json::to_vec_pretty(report)?;
    bytes.push(b'\n');
    Ok(bytes)
}
