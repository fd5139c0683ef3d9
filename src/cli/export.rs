//! `lockbench export`: A stored run in another format.

use super::Failure;
use super::args::ExportArgs;

/// A stored run in another format.
pub fn export(args: &ExportArgs) -> Result<u8, Failure> {
    let _ = args;
    Err(Failure::internal("not built yet"))
}
