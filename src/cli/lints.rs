//! `lockbench lints`: Every lint.

use super::Failure;

/// Every lint.
pub fn lints() -> Result<u8, Failure> {
    Err(Failure::internal("not built yet"))
}
