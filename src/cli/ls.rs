//! `lockbench ls`: The runs of a results directory.

use super::Failure;
use super::args::LsArgs;

/// The runs of a results directory.
pub fn ls(args: &LsArgs) -> Result<u8, Failure> {
    let _ = args;
    Err(Failure::internal("not built yet"))
}
