//! `lockbench status`: which servers run, without a run. Exits 3 where one of them serves no more.

use super::args::{StackChoice, StatusArgs};
use super::kinds::{named, no_external};
use super::listing::{Row, State, shown};
use super::{Failure, tell};
use lockbench_report::Exit;
use lockbench_systems::Registry;
use lockbench_systems::stack::{DockerError, Project, Register};

/// Lists the servers.
pub fn status(args: &StatusArgs, registry: &Registry) -> Result<u8, Failure> {
    no_external(args.stack, "status")?;
    let kinds = named(&args.backends, registry)?;
    let mut rows = Vec::new();
    if args.stack != StackChoice::Docker {
        let register = Register::from_env().map_err(Failure::internal)?;
        rows.extend(register.left().iter().filter_map(|left| Row::of_left(left, State::Runs)));
    }
    if args.stack != StackChoice::Local {
        match Project::find(&args.project.name()).and_then(|project| project.seen()) {
            Ok(seen) => rows.extend(seen.iter().map(Row::of_seen)),
            Err(DockerError::NoClient) if args.stack == StackChoice::Auto => {}
            Err(error @ DockerError::NoEngine { .. }) if args.stack == StackChoice::Auto => {
                tell(&format!("containers were not looked at: {error}"));
            }
            Err(error) => return Err(Failure::unavailable(error)),
        }
    }
    rows.retain(|row| kinds.is_empty() || kinds.contains(&row.kind));
    shown(&rows, args.format.choice, "no server runs; `lockbench up` starts some")?;
    let dead = rows.iter().any(|row| row.dead);
    Ok(if dead { Exit::Backend } else { Exit::Pass }.code())
}
