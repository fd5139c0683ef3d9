//! `lockbench verify`: Judges a stored history again.

use super::Failure;
use super::args::VerifyArgs;

/// Judges a stored history again.
pub fn verify(args: &VerifyArgs) -> Result<u8, Failure> {
    let _ = args;
    Err(Failure::internal("not built yet"))
}
