//! `lockbench schema`: The schema of a workload file or of report.json.

use super::args::{SchemaArgs, SchemaChoice};
use super::{Failure, print};
use crate::output::report_schema;

/// The schema of a workload file or of report.json.
pub fn schema(args: &SchemaArgs) -> Result<u8, Failure> {
    match args.of {
        SchemaChoice::Workload => Err(Failure::internal("not built yet")),
        SchemaChoice::Report => report(),
    }
}

/// JSON Schema of `report.json`.
fn report() -> Result<u8, Failure> {
    let bytes = report_schema().map_err(Failure::internal)?;
    print(&String::from_utf8_lossy(&bytes))?;
    Ok(0)
}
