//! A worker process: this program, started by itself, with clients of a run.

use std::process::ExitCode;

use lockbench_engine::{Program, serve};
use lockbench_systems::Registry;

/// What makes the program a worker, as its only argument: no command, and nothing for people to type.
const WORKER: &str = "--worker-process";

/// This program as that of worker processes.
pub fn program() -> Program {
    Program::this(&[WORKER])
}

/// Runs a worker process, if this is one.
pub fn worker(registry: &Registry) -> Option<ExitCode> {
    let mut arguments = std::env::args_os().skip(1);
    let asked = arguments.next().is_some_and(|first| first == WORKER) && arguments.next().is_none();
    asked.then(|| serve(registry))
}
