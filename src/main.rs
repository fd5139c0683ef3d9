//! The `lockbench` binary: parse, call, exit code.

use std::process::ExitCode;

use lockbench::cli::{parsed, run, worker};
use lockbench::systems::Registry;

fn main() -> ExitCode {
    // Usage errors exit 2, which is clap's code for them too.
    let registry = Registry::builtin();
    if let Some(code) = worker(&registry) {
        return code;
    }
    ExitCode::from(parsed(&registry).map_or_else(|code| code, |arguments| run(arguments, &registry)))
}
