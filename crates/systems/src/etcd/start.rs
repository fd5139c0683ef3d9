//! etcd, one member or a cluster of several. Flags: <https://etcd.io/docs/v3.4/op-guide/configuration/>;
//! everything but names, addresses and the directory is as shipped (every
//! proposal is fsynced).

use rustix::process::Signal;

use super::{gateway, options};
use crate::stack::error::StartError;
use crate::stack::search::{Search, native};
use crate::stack::start_recipe::{Call, Launch, OtherVersion, Program, Site, StartRecipe, ask};
use lockbench_core::lock::Endpoint;

pub(super) static RECIPE: StartRecipe = StartRecipe {
    variables: &["LOCKBENCH_ETCD"],
    // Whose gateway has the paths that are asked for (<https://etcd.io/docs/v3.4/dev-guide/api_grpc_gateway/>).
    other: OtherVersion { variable: "LOCKBENCH_ETCD", program: "etcd", by_directory: false, oldest: "3.4" },
    nodes: options::planned,
    ports: 2,
    peers_from: 1,
    users: &["nobody", "etcd"],
    install: "apt-get install etcd-server",
    most_clients: None,
    settings: &[],
    planned: |_| Vec::new(),
    stop: Signal::TERM,
    find,
    launch,
    answers,
    endpoint,
    front: None,
    introduces: None,
    replace: Some(gateway::replace),
};

fn find(search: &Search) -> Result<Program, String> {
    // "etcd Version: 3.4.23"
    Ok(native(search.executable("etcd", "LOCKBENCH_ETCD")?, "etcd Version:", 2))
}

fn launch(site: &Site) -> Result<Launch, StartError> {
    let client = format!("http://127.0.0.1:{}", site.port());
    let listen = format!("http://127.0.0.1:{}", site.ports.get(1).copied().unwrap_or_default());
    let members: Vec<String> =
        (0..site.members.len()).map(|number| format!("{}={}", name(site, number), peer_url(site, number))).collect();
    let server = Call::new(&site.program.path)
        .args(["--name", &name(site, site.number), "--data-dir"])
        .arg(site.dir.join("data"))
        .args(["--listen-client-urls", &client, "--advertise-client-urls", &client])
        .args(["--listen-peer-urls", &listen, "--initial-advertise-peer-urls", &peer_url(site, site.number)])
        .args(["--initial-cluster", &members.join(",")])
        .args(["--initial-cluster-state", if site.joins { "existing" } else { "new" }]);
    Ok(Launch { prepare: None, server })
}

fn name(site: &Site, number: usize) -> String {
    if site.has_peers() { format!("lockbench-{number}") } else { "lockbench".to_owned() }
}

/// Where the peers of a member reach it.
pub(super) fn peer_url(site: &Site, number: usize) -> String {
    format!("http://127.0.0.1:{}", site.member(number).get(1).copied().unwrap_or_default())
}

/// `/health` is true once there is a leader and a proposal passes.
fn answers(site: &Site) -> Result<(), String> {
    let question = "GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n";
    ask(site.port(), question, r#""health":"true""#)
}

fn endpoint(site: &Site) -> Endpoint {
    Endpoint::new(format!("etcd://127.0.0.1:{}", site.port()))
}
