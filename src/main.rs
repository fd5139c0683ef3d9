//! The `lockbench` binary: parse, call, exit code.

use std::process::ExitCode;

use clap::Parser;
use lockbench::cli::{Arguments, run};

fn main() -> ExitCode {
    // clap prints usage errors itself and exits 2, which is our code for them too.
    ExitCode::from(run(Arguments::parse()))
}
