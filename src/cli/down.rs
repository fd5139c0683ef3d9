//! `lockbench down`: stops what `lockbench up` or compose left running.

use super::args::{DownArgs, StackChoice};
use super::kinds::{named, no_external};
use super::{Failure, print, tell};
use lockbench_report::Exit;
use lockbench_systems::stack::{DockerError, Project, Register};
use lockbench_systems::{Registry, ServerKind};

/// Stops the servers of these systems, or of all.
pub fn down(args: &DownArgs, registry: &Registry) -> Result<u8, Failure> {
    no_external(args.stack, "down")?;
    let kinds = named(&args.backends, registry)?;
    let mut stopped = Vec::new();
    if args.stack != StackChoice::Docker {
        stopped.extend(programs(&kinds)?);
    }
    if args.stack != StackChoice::Local {
        stopped.extend(containers(args, &kinds)?);
    }
    let text = match stopped.as_slice() {
        [] => "nothing to stop\n".to_owned(),
        _ => stopped.iter().map(|what| format!("stopped {what}\n")).collect(),
    };
    print(&text)?;
    Ok(Exit::Pass.code())
}

fn programs(kinds: &[ServerKind]) -> Result<Vec<String>, Failure> {
    let register = Register::from_env().map_err(Failure::internal)?;
    let mut stopped = Vec::new();
    for left in register.left() {
        let Some(kind) = left.kind().filter(|kind| kinds.is_empty() || kinds.contains(kind)) else { continue };
        left.stop().map_err(Failure::internal)?;
        stopped.push(format!("{kind} (this machine)"));
    }
    Ok(stopped)
}

/// Where Docker was not asked for, its absence is no failure; of an engine that is installed
/// and silent a line says so, since containers may be there.
fn containers(args: &DownArgs, kinds: &[ServerKind]) -> Result<Vec<String>, Failure> {
    let services = match Project::find(&args.project.name()).and_then(|project| project.down(kinds)) {
        Ok(services) => services,
        Err(DockerError::NoClient) if args.stack == StackChoice::Auto => Vec::new(),
        Err(error @ (DockerError::NoEngine { .. } | DockerError::NotOurs { .. }))
            if args.stack == StackChoice::Auto =>
        {
            tell(&format!("containers were left alone: {error}"));
            Vec::new()
        }
        Err(error) => return Err(Failure::unavailable(error)),
    };
    Ok(services.into_iter().map(|service| format!("{service} (container)")).collect())
}
