//! `lockbench compare`: Is B worse than A, beyond noise?

use super::Failure;
use super::args::CompareArgs;

/// Is B worse than A, beyond noise?
pub fn compare(args: &CompareArgs) -> Result<u8, Failure> {
    let _ = args;
    Err(Failure::internal("not built yet"))
}
