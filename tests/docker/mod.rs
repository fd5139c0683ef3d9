//! Support for tests on a Docker engine: the compose file with the stand-in images, a
//! project and ports of its own for each test, and the end of it all.
//!
//! One test at a time on a machine, across test programs: thirteen servers are enough
//! for any.
#![allow(dead_code, clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::fs::File;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::cli::Place;
use crate::support;

/// Every variable of a published port.
const PORTS: [&str; 13] = [
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
];

/// A project of one test. Dropping it removes every container, network and volume.
pub struct Docker {
    pub project: String,
    pub ports: BTreeMap<&'static str, u16>,
    _turn: File,
}

impl Docker {
    /// `None`, with a visible reason, where there is no engine.
    pub fn or_skip(name: &str) -> Option<Self> {
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
        let built = Command::new(root().join("docker/offline/build")).output().unwrap();
        assert!(built.status.success(), "docker/offline/build: {}", String::from_utf8_lossy(&built.stderr));
        // All at once, so that they differ.
        let held: Vec<TcpListener> = PORTS.iter().map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
        let ports = PORTS.iter().zip(&held).map(|(name, held)| (*name, held.local_addr().unwrap().port())).collect();
        Some(Self { project: format!("lbtest-{name}-{}", std::process::id()), ports, _turn: turn })
    }

    /// The binary, with this project, its ports and the stand-in images.
    pub fn command(&self, place: &Place, arguments: &[&str]) -> Command {
        let mut command = place.command(arguments);
        let files: Vec<String> = files().iter().map(|file| file.display().to_string()).collect();
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

/// The compose file, and what puts the stand-ins in its place.
pub fn files() -> [PathBuf; 2] {
    [root().join("docker/compose.yaml"), root().join("docker/offline/compose.override.yaml")]
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
