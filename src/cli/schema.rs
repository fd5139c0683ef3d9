//! `lockbench schema`: the schema of a workload file, of report.json, or of a look at live locks.

use super::args::{SchemaArgs, SchemaChoice};
use super::{Failure, print};
use lockbench_core::workload::json_schema;
use lockbench_output::{inspection_schema, report_schema};
use lockbench_systems::Registry;

/// Prints it.
pub fn schema(args: &SchemaArgs) -> Result<u8, Failure> {
    match args.of {
        SchemaChoice::Workload => workload(),
        SchemaChoice::Report => report(),
        SchemaChoice::Inspection => inspection(),
    }
}

/// Every key of a workload file, as JSON Schema.
fn workload() -> Result<u8, Failure> {
    let schema = json_schema(&Registry::builtin().options());
    let schema = serde_json::to_string_pretty(&schema).map_err(Failure::internal)?;
    print(&format!("{schema}\n"))?;
    Ok(0)
}

/// JSON Schema of `report.json`.
fn report() -> Result<u8, Failure> {
    let bytes = report_schema().map_err(Failure::internal)?;
    print(&String::from_utf8_lossy(&bytes))?;
    Ok(0)
}

/// JSON Schema of what `inspect --format json` prints.
fn inspection() -> Result<u8, Failure> {
    let bytes = inspection_schema().map_err(Failure::internal)?;
    print(&String::from_utf8_lossy(&bytes))?;
    Ok(0)
}
