//! `lockbench schema`: the schema of a workload file, of report.json, or of a look at live locks.

use super::args::{SchemaArgs, SchemaChoice};
use super::{Failure, print_document, print_json};
use lockbench_core::workload::json_schema;
use lockbench_output::{inspection_schema, report_schema};
use lockbench_systems::Registry;

/// Prints the schema.
pub fn schema(args: &SchemaArgs, registry: &Registry) -> Result<u8, Failure> {
    let bytes = match args.of {
        SchemaChoice::Workload => return print_document(&json_schema(&registry.options())).map(|_| 0),
        SchemaChoice::Report => report_schema(),
        SchemaChoice::Inspection => inspection_schema(),
    };
    print_json(&String::from_utf8_lossy(&bytes.map_err(Failure::internal)?)).map(|_| 0)
}
