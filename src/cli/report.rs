//! `lockbench report`: Every file of a stored run again.

use super::Failure;
use super::args::ReportArgs;

/// Every file of a stored run again.
pub fn report(args: &ReportArgs) -> Result<u8, Failure> {
    let _ = args;
    Err(Failure::internal("not built yet"))
}
