//! `lockbench schema`: The schema of a workload file or of report.json.

use super::Failure;
use super::args::SchemaArgs;

/// The schema of a workload file or of report.json.
pub fn schema(args: &SchemaArgs) -> Result<u8, Failure> {
    let _ = args;
    Err(Failure::internal("not built yet"))
}
