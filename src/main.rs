//! The `lockbench` binary: parse, call, exit code.

use std::process::ExitCode;

use lockbench::cli::{parsed, run};

fn main() -> ExitCode {
    // Usage errors exit 2, which is clap's code for them too.
    ExitCode::from(parsed().map_or_else(|code| code, run))
}
