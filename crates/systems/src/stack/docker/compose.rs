//! Compose: which program, which files, what they say, and `up`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::call::{Said, Silence, call, call_as_is, last_line};
use super::claim::Claim;
use super::container::KIND;
use super::engine::{Engine, SOON, program};
use super::error::DockerError;
use crate::ServerKind;
use lockbench_core::stop::Stop;

/// The file that is looked for where none is named.
const DEFAULT: &str = "docker/compose.yaml";

/// Compose with its files.
#[derive(Clone, Debug)]
pub(super) struct Compose {
    program: PathBuf,
    /// Words before every command: `compose` for the plugin.
    first: Vec<String>,
    /// Its name and version, as it tells it.
    pub(super) version: String,
    files: Vec<PathBuf>,
    project: String,
    durability: Option<String>,
}

/// Kinds and their services, as the files say.
pub(super) type Services = BTreeMap<ServerKind, Vec<String>>;

impl Compose {
    /// Finds compose and its files; `given` may be empty.
    pub(super) fn find(
        engine: &Engine,
        given: &[PathBuf],
        project: &str,
        durability: Option<&str>,
    ) -> Result<Self, DockerError> {
        let plugin = ["compose".to_owned()];
        let found =
            version(engine.program(), &plugin).map(|version| (engine.program().to_owned(), plugin.to_vec(), version));
        let alone = || {
            let program = program("docker-compose")?;
            let version = version(&program, &[])?;
            Some((program, Vec::new(), version))
        };
        let (program, first, version) = found.or_else(alone).ok_or(DockerError::NoCompose)?;
        let (project, durability) = (project.to_owned(), durability.map(str::to_owned));
        Ok(Self { program, first, version, files: files(given)?, project, durability })
    }

    /// The files, as a message names them.
    pub(super) fn names(&self) -> String {
        self.files.iter().map(|file| file.display().to_string()).collect::<Vec<_>>().join(", ")
    }

    /// Directory of the first file: what a project is known by.
    pub(super) fn directory(&self) -> PathBuf {
        let dir = self.files.first().and_then(|file| file.parent()).unwrap_or(Path::new("/"));
        dir.to_owned()
    }

    /// Which services there are of which kind. Compose resolves the files; of its
    /// answer only the names and one label are read, so no YAML is parsed here.
    pub(super) fn services(&self) -> Result<Services, DockerError> {
        let mut command = Command::new(&self.program);
        self.prepare(&mut command).arg("config");
        let failed = |problem: String| DockerError::File { file: self.names(), problem };
        let said = call(&mut command, SOON, None).map_err(|silence| failed(text(&silence)))?;
        if !said.status.success() {
            return Err(failed(complaint(&said.err)));
        }
        let services = kinds_of(&said.out);
        if services.is_empty() { Err(DockerError::ForeignFile { file: self.names() }) } else { Ok(services) }
    }

    /// Creates and starts services. Images that are missing are pulled meanwhile.
    pub(super) fn up(&self, claim: &Claim, services: &[String], limit: Duration, stop: &Stop) -> Result<(), Refusal> {
        let mut command = claim.wrapped(&self.program).map_err(|error| Refusal::Said(error.to_string()))?;
        self.prepare(&mut command).args(["up", "-d"]).args(services);
        match call_as_is(&mut command, limit, Some(stop)) {
            Ok(Said { status, .. }) if status.success() => Ok(()),
            Ok(said) => Err(Refusal::Said(said.err)),
            Err(Silence::Interrupted) => Err(Refusal::Interrupted),
            Err(silence) => Err(Refusal::Said(text(&silence))),
        }
    }

    /// Adds files, project and what the files read from the environment.
    fn prepare<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command.args(&self.first);
        for file in &self.files {
            command.arg("-f").arg(file);
        }
        command.args(["-p", &self.project]);
        // Every profile: `config` of version 2 leaves out what is in none of these.
        let profiles: Vec<&str> = ServerKind::all().iter().map(|kind| kind.name()).collect();
        command.env("COMPOSE_PROFILES", profiles.join(","));
        if let Some(durability) = &self.durability {
            command.env("LOCKBENCH_DURABILITY", durability);
        }
        // These would add to what we name, or speak to another engine than `docker` does.
        command.env_remove("COMPOSE_FILE").env_remove("COMPOSE_PROJECT_NAME")
    }
}

/// Why `up` failed.
pub(super) enum Refusal {
    /// What compose said.
    Said(String),
    /// The user asked to stop.
    Interrupted,
}

fn text(silence: &Silence) -> String {
    match silence {
        Silence::NotStarted(error) => error.to_string(),
        Silence::Late(limit) => format!("not ended within {} s", limit.as_secs()),
        Silence::Interrupted => "interrupted".to_owned(),
    }
}

/// What compose complains of, without the lines that only say that it does.
pub(super) fn complaint(said: &str) -> String {
    let lines = || said.lines().map(str::trim);
    let named = lines().rfind(|line| line.starts_with("ERROR") || line.starts_with("Error"));
    // 1.29 ends with a line of its own that says nothing.
    let told = || {
        lines().rfind(|line| {
            (line.contains("error") || line.contains("Error: ")) && !line.starts_with("Encountered errors")
        })
    };
    let line = named.or_else(told).unwrap_or_else(|| last_line(said));
    line.trim_start_matches("ERROR: ").to_owned()
}

/// What a compose says of itself, if it is there.
fn version(program: &Path, first: &[String]) -> Option<String> {
    let said = call(Command::new(program).args(first).args(["version", "--short"]), SOON, None).ok()?;
    let name = if first.is_empty() { "docker-compose" } else { "docker compose" };
    said.status.success().then(|| format!("{name} {}", said.out.trim()))
}

/// The given files, or the default one here or above.
fn files(given: &[PathBuf]) -> Result<Vec<PathBuf>, DockerError> {
    let absolute = |file: &PathBuf| {
        file.canonicalize().map_err(|error| DockerError::File {
            file: file.display().to_string(),
            problem: format!("{error}; name the file with --compose FILE"),
        })
    };
    if !given.is_empty() {
        return given.iter().map(absolute).collect();
    }
    let from = std::env::current_dir().unwrap_or_default();
    let found = from.ancestors().map(|dir| dir.join(DEFAULT)).find(|file| file.is_file());
    found.map(|file| vec![file]).ok_or(DockerError::NoFile { from })
}

/// Reads compose's own form of a file: two spaces a level, one `key: value` a line.
fn kinds_of(config: &str) -> Services {
    let mut services = Services::new();
    let (mut section, mut service) = ("", "");
    for line in config.lines() {
        let level = line.len() - line.trim_start().len();
        let key = line.trim();
        match (level, key.split_once(':')) {
            (0, Some((name, _))) => section = name,
            (2, Some((name, _))) => service = name,
            (_, Some((KIND, value))) if section == "services" => {
                if let Some(kind) = ServerKind::from_name(value.trim().trim_matches(['\'', '"'])) {
                    services.entry(kind).or_default().push(service.to_owned());
                }
            }
            _ => {}
        }
    }
    services
}

#[cfg(test)]
#[cfg(all(feature = "redis", feature = "etcd", feature = "zookeeper"))]
mod tests {
    use super::{complaint, kinds_of};

    #[test]
    fn kinds_are_read_from_what_compose_prints() {
        let config = "name: x\nnetworks:\n  clients: {}\nservices:\n  etcd-1:\n    labels:\n      lockbench.kind: etcd\n    \
                      networks:\n      clients: {}\n  etcd-2:\n    labels:\n      lockbench.kind: 'etcd'\n  grafana:\n    image: x\n  \
                      redis:\n    labels:\n      lockbench.kind: redis\nvolumes:\n  etcd-1: {}\n";
        let services = kinds_of(config);
        assert_eq!(services[&crate::etcd::KIND], ["etcd-1", "etcd-2"]);
        assert_eq!(services[&crate::redis::KIND], ["redis"]);
        assert_eq!(services.len(), 2);
        assert!(kinds_of("services:\n  web:\n    image: nginx\n").is_empty());
    }

    #[test]
    fn what_compose_complains_of_is_one_line() {
        let said = "Creating x ... \nCreating x ... error\n\nERROR: for redis  No such image: redis:0\nEncountered errors while bringing up the project.\n";
        assert_eq!(complaint(said), "for redis  No such image: redis:0");
        assert_eq!(complaint("manifest unknown\n"), "manifest unknown");
        let said = "yaml.parser.ParserError: expected '<document start>', but found '<scalar>'\n  in \"./Cargo.toml\", line 2, column 1\n";
        assert_eq!(complaint(said), "yaml.parser.ParserError: expected '<document start>', but found '<scalar>'");
    }
}
