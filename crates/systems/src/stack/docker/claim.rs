//! What one call started: taken down with the last who needs it, by the stack's
//! guard, so that it is done whatever ends us.

use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tracing::warn;

use super::engine::Engine;
use super::error::DockerError;
use crate::stack::guard::Guard;

/// Removes what a project has of some services, or of all: `$1` docker, `$2` the
/// project, `$3` which volumes go, `$4` the names of volumes to keep, the rest services.
/// `mounted` are those that the containers use now, `unused` every one of the project
/// that nobody uses then: containers of a claim may be gone before it is. Networks go
/// once the project has no container.
const DOWN: &str = r#"
docker=$1 of=label=com.docker.compose.project=$2 which=$3 keep=" $4 "
shift 4
if [ $# -eq 0 ]; then
  ids=$("$docker" ps -aq --filter "$of") || exit 1
else
  ids=
  for service; do
    some=$("$docker" ps -aq --filter "$of" --filter "label=com.docker.compose.service=$service") || exit 1
    ids="$ids $some"
  done
fi
volumes=
for id in $ids; do
  volumes="$volumes $("$docker" inspect --format '{{range .Mounts}}{{if eq .Type "volume"}}{{.Name}} {{end}}{{end}}' "$id")"
done
failed=0
for id in $ids; do "$docker" rm -f -v "$id" & done
wait
for id in $ids; do "$docker" container inspect "$id" >/dev/null 2>&1 && { echo "$id is still there" >&2; failed=1; }; done
left=" $(echo $("$docker" volume ls -q --filter "$of" --filter dangling=true)) "
[ "$which" = mounted ] || volumes=$left
for volume in $volumes; do
  case $keep in *" $volume "*) continue ;; esac
  case $left in *" $volume "*) "$docker" volume rm "$volume" || failed=1 ;; esac
done
if [ -z "$("$docker" ps -aq --filter "$of")" ]; then
  for network in $("$docker" network ls -q --filter "$of"); do "$docker" network rm "$network" || failed=1; done
fi
exit "$failed"
"#;

/// Longest wait for the end of containers, networks and volumes.
pub(super) const DOWN_WITHIN: Duration = Duration::from_secs(120);

/// Services of a project that are taken down when this is dropped.
pub(in crate::stack) struct Claim {
    engine: Engine,
    project: String,
    services: Vec<String>,
    guard: Guard,
    released: AtomicBool,
}

impl Claim {
    /// Claims services that are about to be started. Volumes that exist already are
    /// kept: they may hold what somebody wants.
    pub(super) fn new(engine: &Engine, project: &str, services: &[String]) -> Result<Self, DockerError> {
        let keep = engine.names_of("volume", project)?;
        let down = arguments(engine.program(), project, "unused", &keep, services);
        let last: Vec<OsString> = std::iter::once(OsString::from("/bin/sh")).chain(down).collect();
        let guard = Guard::start(None, false, &last).map_err(|error| DockerError::Call {
            call: "/bin/sh, which guards the containers".to_owned(),
            problem: error.to_string(),
        })?;
        Ok(Self {
            engine: engine.clone(),
            project: project.to_owned(),
            services: services.to_vec(),
            guard,
            released: AtomicBool::new(false),
        })
    }

    /// A command that the guard ends with us.
    pub(super) fn wrapped(&self, program: &Path) -> std::io::Result<Command> {
        self.guard.wrapped(program)
    }

    /// Everything that was claimed stays when we are gone.
    pub(in crate::stack) fn release(&self) {
        self.released.store(true, Ordering::SeqCst);
        self.guard.release();
    }

    /// Does it stay?
    pub(super) fn released(&self) -> bool {
        self.released.load(Ordering::SeqCst)
    }

    /// Services whose containers are still there.
    fn left(&self) -> Result<Vec<String>, DockerError> {
        let containers = self.engine.containers(&self.project)?;
        let names = containers.iter().map(|container| container.service().to_owned());
        Ok(names.filter(|name| self.services.contains(name)).collect())
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if self.released() {
            return;
        }
        self.guard.finish(DOWN_WITHIN);
        match self.left() {
            Ok(left) if left.is_empty() => {}
            Ok(left) => {
                let (left, project) = (left.join(", "), &self.project);
                warn!(target: super::start::LOG, "{left} of the compose project {project} could not be removed; `lockbench down --project {project}` does");
            }
            Err(error) => warn!(target: super::start::LOG, "nobody can tell whether containers are left: {error}"),
        }
    }
}

/// The script with its arguments, for `/bin/sh`.
fn arguments(docker: &Path, project: &str, volumes: &str, keep: &[String], services: &[String]) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = ["-c", DOWN, "lockbench-down"].map(OsString::from).into();
    arguments.push(docker.as_os_str().to_owned());
    arguments.push(project.into());
    arguments.push(volumes.into());
    arguments.push(keep.join(" ").into());
    arguments.extend(services.iter().map(OsString::from));
    arguments
}

/// Takes services down, or all where none is named.
pub(super) fn down(engine: &Engine, project: &str, services: &[String]) -> Result<(), DockerError> {
    use super::call::{Silence, call, last_line};
    let volumes = if services.is_empty() { "unused" } else { "mounted" };
    let mut command = Command::new("/bin/sh");
    command.args(arguments(engine.program(), project, volumes, &[], services)).stdin(Stdio::null());
    let failed = |problem: String| DockerError::Call { call: format!("lockbench down of project {project}"), problem };
    match call(&mut command, DOWN_WITHIN, None) {
        Ok(said) if said.status.success() => Ok(()),
        Ok(said) => Err(failed(last_line(&said.err).to_owned())),
        Err(Silence::Late(limit)) => Err(failed(format!("not ended within {} s", limit.as_secs()))),
        Err(Silence::NotStarted(error)) => Err(failed(error.to_string())),
        Err(Silence::Interrupted) => Err(DockerError::Interrupted),
    }
}
