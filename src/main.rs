//! The `lockbench` binary: parse, call, exit code.

use std::process::ExitCode;

use clap::Parser;
use lockbench::cli::{Arguments, refuse, run};

fn main() -> ExitCode {
    // A usage error exits 2, which is our code for them too.
    ExitCode::from(Arguments::try_parse().map_or_else(|error| refuse(&error), run))
}
