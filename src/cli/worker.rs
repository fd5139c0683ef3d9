//! Processes that this program starts of itself: with clients of a run, and with a disk under a server.

use std::path::Path;
use std::process::ExitCode;

use lockbench_engine::{Program, serve};
use lockbench_systems::Registry;
use lockbench_systems::stack::serve_disk;

/// What makes the program a worker, as its only argument: no command, and nothing for people to type.
const WORKER: &str = "--worker-process";

/// This program as that of worker processes.
pub fn program() -> Program {
    Program::this(&[WORKER])
}

/// The same for the process of a disk, with the directory that it is for as its second argument.
const DISK: &str = "--disk-process";

/// This program as that of disks.
pub fn disk_program() -> Program {
    Program::this(&[DISK])
}

/// Runs a worker process or a disk, if this is one.
pub fn worker(registry: &Registry) -> Option<ExitCode> {
    let words: Vec<_> = std::env::args_os().skip(1).collect();
    if let [first, directory] = words.as_slice()
        && first == DISK
    {
        return Some(if serve_disk(Path::new(directory)) { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    let mut arguments = std::env::args_os().skip(1);
    let asked = arguments.next().is_some_and(|first| first == WORKER) && arguments.next().is_none();
    asked.then(|| serve(registry))
}
