//! The engine, through its own client.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::call::{Silence, call, last_line};
use super::container::{Container, Secret};
use super::error::DockerError;
use crate::stack::search::is_executable;

/// Longest wait for an answer that should come at once; a loaded machine may take seconds.
pub(super) const SOON: Duration = Duration::from_secs(60);
/// Longest wait for the first sign of life.
const ANSWERS_WITHIN: Duration = Duration::from_secs(15);
/// The label that says which project a thing is of.
pub(super) const PROJECT: &str = "com.docker.compose.project";

/// A client that has an engine.
#[derive(Clone, Debug)]
pub(super) struct Engine {
    program: PathBuf,
    /// As the engine tells it.
    pub(super) version: String,
}

impl Engine {
    /// Finds the client and asks the engine for its version.
    pub(super) fn find() -> Result<Self, DockerError> {
        let program = program("docker").ok_or(DockerError::NoClient)?;
        let mut engine = Self { program, version: String::new() };
        let asked = engine.run(&["version", "--format", "{{.Server.Version}}"], ANSWERS_WITHIN);
        match asked {
            Ok(version) => version.trim().clone_into(&mut engine.version),
            Err(DockerError::Call { problem, .. }) => return Err(DockerError::NoEngine { problem }),
            Err(other) => return Err(other),
        }
        Ok(engine)
    }

    /// The client.
    pub(super) fn program(&self) -> &Path {
        &self.program
    }

    /// A call of the client that has not begun.
    pub(super) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(arguments);
        command
    }

    /// What the client prints for these arguments.
    pub(super) fn run(&self, arguments: &[&str], limit: Duration) -> Result<String, DockerError> {
        let failed = |problem: String| DockerError::Call { call: format!("docker {}", arguments.join(" ")), problem };
        match call(&mut self.command(arguments), limit, None) {
            Ok(said) if said.status.success() => Ok(said.out),
            Ok(said) => Err(failed(last_line(&said.err).to_owned())),
            Err(Silence::Late(limit)) => Err(failed(format!("no answer within {} s", limit.as_secs()))),
            Err(Silence::NotStarted(error)) => Err(failed(error.to_string())),
            Err(Silence::Interrupted) => Err(DockerError::Interrupted),
        }
    }

    /// Every container of a project, in the order of service names.
    pub(super) fn containers(&self, project: &str) -> Result<Vec<Container>, DockerError> {
        let filter = format!("label={PROJECT}={project}");
        let ids = self.run(&["ps", "--all", "--quiet", "--no-trunc", "--filter", &filter], SOON)?;
        self.inspect(&ids.split_whitespace().collect::<Vec<_>>())
    }

    /// What the engine says of these containers.
    pub(super) fn inspect(&self, ids: &[&str]) -> Result<Vec<Container>, DockerError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let arguments: Vec<&str> = ["container", "inspect"].into_iter().chain(ids.iter().copied()).collect();
        let text = self.run(&arguments, SOON)?;
        let odd = |error: serde_json::Error| DockerError::Call {
            call: "docker container inspect".to_owned(),
            problem: format!("its answer is not understood: {error}"),
        };
        let mut containers: Vec<Container> = serde_json::from_str(&text).map_err(odd)?;
        containers.sort_by_key(|container| container.order());
        for container in &mut containers {
            container.secret = container.secret_file().and_then(|path| self.secret(&container.id, path));
        }
        Ok(containers)
    }

    /// A password of one line that a container keeps in a file. Copied, which a container that is
    /// paused or has ended allows too; `None` until the file is there.
    fn secret(&self, id: &str, path: &str) -> Option<Secret> {
        let archive = self.run(&["cp", &format!("{id}:{path}"), "-"], SOON).ok()?;
        in_archive(&archive).map(Secret)
    }

    /// One container, which must be there.
    pub(super) fn container(&self, id: &str) -> Result<Container, DockerError> {
        self.inspect(&[id])?.pop().ok_or_else(|| DockerError::Call {
            call: format!("docker container inspect {id}"),
            problem: "it is gone".to_owned(),
        })
    }

    /// Last lines of a container's log, each after a line break and indented.
    pub(super) fn log_tail(&self, id: &str) -> String {
        let said = call(&mut self.command(&["logs", "--tail", "10", id]), SOON, None);
        let text = said.map(|said| format!("{}{}", said.out, said.err)).unwrap_or_default();
        text.lines().filter(|line| !line.trim().is_empty()).map(|line| format!("\n    | {line}")).collect()
    }

    /// Names of the project's things of one sort: `volume` or `network`.
    pub(super) fn names_of(&self, sort: &str, project: &str) -> Result<Vec<String>, DockerError> {
        let filter = format!("label={PROJECT}={project}");
        let names = self.run(&[sort, "ls", "--filter", &filter, "--format", "{{.Name}}"], SOON)?;
        Ok(names.lines().map(str::to_owned).collect())
    }
}

/// The text of the only file of an archive: a header of 512 bytes, then the text and zeros
/// (tar(5)). Passwords are letters and digits: anything else is no such file.
fn in_archive(archive: &str) -> Option<String> {
    let text = archive.get(512..)?.split('\0').next()?.trim();
    let plain = !text.is_empty() && text.len() <= 256 && text.chars().all(|c| c.is_ascii_alphanumeric());
    plain.then(|| text.to_owned())
}

/// A program by name, in absolute directories of `PATH`.
pub(super) fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .filter(|dir| dir.is_absolute())
        .map(|dir| dir.join(name))
        .find(|path| is_executable(path))
}

#[cfg(test)]
mod tests {
    use super::in_archive;

    #[test]
    fn a_password_is_the_text_after_the_header() {
        let archive = |text: &str| format!("{:\0<512}{text:\0<512}{:\0<1024}", "password", "");
        assert_eq!(in_archive(&archive("0a1b\n")).as_deref(), Some("0a1b"));
        assert_eq!(in_archive(&archive("")), None);
        assert_eq!(in_archive(&archive("two words")), None);
        assert_eq!(in_archive("short"), None);
    }
}
