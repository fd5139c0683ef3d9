//! `lockbench explain`: The story of one double grant.

use super::Failure;
use super::args::ExplainArgs;

/// The story of one double grant.
pub fn explain(args: &ExplainArgs) -> Result<u8, Failure> {
    let _ = args;
    Err(Failure::internal("not built yet"))
}
