//! The `lockbench` binary: parse, call, exit code.

use std::process::ExitCode;

use lockbench::cli::{parsed, run};
use lockbench::systems::Registry;

fn main() -> ExitCode {
    // Usage errors exit 2, which is clap's code for them too.
    let registry = Registry::builtin();
    ExitCode::from(parsed(&registry).map_or_else(|code| code, |arguments| run(arguments, &registry)))
}
