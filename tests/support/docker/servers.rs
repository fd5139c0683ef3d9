//! Servers in containers as tests use them: the program with their project, their
//! addresses, and their nodes.

use std::time::Duration;

use lockbench::backend::ServerKind;
use lockbench::stack::{Node, Project, Server};
use serde_json::Value;

use super::Docker;
use crate::support::cli::{Place, Ran, Running};

/// Images are there; thirteen containers on a loaded machine.
pub const LIMIT: Duration = Duration::from_secs(240);

pub fn start(docker: &Docker, place: &Place, arguments: &[&str]) -> Running {
    Running::start(&mut docker.command(place, arguments))
}

pub fn run(docker: &Docker, place: &Place, arguments: &[&str]) -> Ran {
    start(docker, place, arguments).finish(LIMIT)
}

/// `up --format json`: endpoints of a kind, as `--endpoint` takes them.
pub fn endpoints(listed: &str, kind: &str) -> Vec<String> {
    let listed: Value = serde_json::from_str(listed).unwrap();
    let rows = listed["servers"].as_array().unwrap();
    let row = rows.iter().find(|row| row["kind"] == kind).unwrap_or_else(|| panic!("no {kind} in {listed}"));
    row["endpoints"].as_array().unwrap().iter().map(|url| url.as_str().unwrap().to_owned()).collect()
}

/// The running server of a kind in this project.
pub fn server(docker: &Docker, kind: ServerKind) -> Server {
    let running = Project::find(&docker.project).unwrap().running().unwrap();
    running.into_iter().find(|server| server.kind() == kind).unwrap()
}

/// The etcd member that leads, by its own word.
pub async fn leader<'a>(nodes: &[&'a dyn Node]) -> Option<&'a dyn Node> {
    for node in nodes {
        let mut client = etcd_client::Client::connect([node.endpoint().host_port()], None).await.unwrap();
        let Ok(status) = client.status().await else { continue };
        if status.leader() != 0 && status.header().unwrap().member_id() == status.leader() {
            return Some(*node);
        }
    }
    None
}
