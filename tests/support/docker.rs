//! Support for tests on a Docker engine: the compose file with the stand-in images, a
//! project and ports of its own for each test, and the end of it all.
//!
//! One test at a time on a machine, across test programs: thirteen servers are enough
//! for any.

pub mod servers;

use std::collections::BTreeMap;
use std::fs::File;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::support;
use crate::support::cli::Place;

/// Every variable of a published port.
const PORTS: [&str; 16] = [
    "REDIS_PORT",
    "REDLOCK_1_PORT",
    "REDLOCK_2_PORT",
    "REDLOCK_3_PORT",
    "REDLOCK_4_PORT",
    "REDLOCK_5_PORT",
    "ZOOKEEPER_1_PORT",
    "ZOOKEEPER_2_PORT",
    "ZOOKEEPER_3_PORT",
    "ETCD_1_PORT",
    "ETCD_2_PORT",
    "ETCD_3_PORT",
    "POSTGRES_PORT",
    "PROMETHEUS_PORT",
    "GRAFANA_PORT",
    "METRICS_PORT",
];

/// Where those of the tests are: below the ports that systems give to outgoing
/// connections, which would take one between its choice and its use.
const FIRST: u16 = 12_000;
const COUNT: u16 = 18_000;

/// A project of one test. Dropping it removes every container, network and volume.
pub struct Docker {
    pub project: String,
    pub ports: BTreeMap<&'static str, u16>,
    pub files: Vec<PathBuf>,
    _turn: File,
}

impl Docker {
    /// With images of the lock systems. `None`, with a visible reason, where there is no
    /// engine.
    pub fn or_skip(name: &str) -> Option<Self> {
        Self::with_images(name, &["redis", "zookeeper", "etcd", "postgres"])
    }

    /// With these images of `docker/offline`, or with the official ones if
    /// `LOCKBENCH_TEST_IMAGES` is `official`, where a registry can be reached.
    pub fn with_images(name: &str, images: &[&str]) -> Option<Self> {
        if !support::live("no container was started") {
            return None;
        }
        let engine = Command::new("docker").args(["version", "--format", "{{.Server.Version}}"]).output();
        if !engine.is_ok_and(|output| output.status.success()) {
            support::skip_docker("no Docker engine answers");
            return None;
        }
        let turn = File::create(std::env::temp_dir().join("lockbench-docker-tests.lock")).unwrap();
        turn.lock().unwrap();
        let official = std::env::var("LOCKBENCH_TEST_IMAGES").is_ok_and(|value| value == "official");
        if !official && !build(images) {
            return None;
        }
        let mut files = vec![root().join("docker/compose.yaml")];
        files.extend((!official).then(|| root().join("docker/offline/compose.override.yaml")));
        let project = format!("lbtest-{name}-{}", std::process::id());
        Some(Self { project, ports: PORTS.into_iter().zip(free()).collect(), files, _turn: turn })
    }

    /// The same with the volumes of its servers in memory: none of them may start again.
    pub fn in_memory(mut self) -> Self {
        self.files.push(root().join("tests/data/volumes-in-memory.yaml"));
        self
    }

    /// The binary, with this project, its ports and the stand-in images.
    pub fn command(&self, place: &Place, arguments: &[&str]) -> Command {
        let mut command = place.command(arguments);
        let files: Vec<String> = self.files.iter().map(|file| file.display().to_string()).collect();
        command.env("LOCKBENCH_COMPOSE", files.join(",")).env("LOCKBENCH_PROJECT", &self.project);
        self.ports.iter().for_each(|(name, port)| {
            command.env(name, port.to_string());
        });
        command
    }

    /// Whatever the engine has of the project.
    pub fn left(&self) -> Vec<String> {
        let of = format!("label=com.docker.compose.project={}", self.project);
        let mut left = Vec::new();
        for sort in [&["ps", "--all"][..], &["network", "ls"], &["volume", "ls"]] {
            let arguments: Vec<&str> = sort.iter().copied().chain(["--quiet", "--filter", &of]).collect();
            left.extend(text(&docker(&arguments)).lines().map(|id| format!("{} {id}", sort[0])));
        }
        left
    }

    /// Asserts that the engine has nothing of the project.
    pub fn assert_nothing_left(&self) {
        let left = self.left();
        assert!(left.is_empty(), "left behind: {left:?}");
    }
}

impl Drop for Docker {
    fn drop(&mut self) {
        for thing in self.left() {
            let (sort, id) = thing.split_once(' ').unwrap();
            match sort {
                "ps" => docker(&["rm", "--force", "--volumes", id]),
                sort => docker(&[sort, "rm", id]),
            };
        }
    }
}

/// Different ports, free just now: each is held until all are chosen.
fn free() -> Vec<u16> {
    let start = std::process::id() as u16 % COUNT;
    let candidates = (0..COUNT).map(|step| FIRST + (start + step) % COUNT);
    let held = candidates.filter_map(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).ok());
    let held: Vec<TcpListener> = held.take(PORTS.len()).collect();
    held.iter().map(|held| held.local_addr().unwrap().port()).collect()
}

/// Builds what is not there yet. False, visibly, where this machine cannot.
fn build(images: &[&str]) -> bool {
    let output = Command::new(root().join("docker/offline/build"))
        .args(images)
        .env("LOCKBENCH_BIN", env!("CARGO_BIN_EXE_lockbench"))
        .output()
        .unwrap();
    if output.status.code() == Some(3) {
        support::skip_docker(&told(&output));
        return false;
    }
    assert!(output.status.success(), "docker/offline/build: {}", told(&output));
    true
}

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

pub fn docker(arguments: &[&str]) -> Output {
    Command::new("docker").args(arguments).output().unwrap()
}

pub fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Both streams.
pub fn told(output: &Output) -> String {
    format!("{}{}", text(output), String::from_utf8_lossy(&output.stderr))
}
