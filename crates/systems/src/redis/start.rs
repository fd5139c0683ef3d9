//! redis-server. Without a configuration file it runs on its compiled-in settings: `save 3600 1 300 100 60 10000`,
//! `appendonly no` (<https://redis.io/docs/latest/operate/oss_and_stack/management/persistence/>).

use rustix::process::Signal;

use super::options;
use crate::stack::error::StartError;
use crate::stack::search::{Search, native};
use crate::stack::start_recipe::{Call, Launch, OtherVersion, Program, Site, StartRecipe, ask};
use lockbench_core::lock::Endpoint;

/// One server.
pub(super) static RECIPE: StartRecipe = recipe();

/// How one is started.
pub(crate) const fn recipe() -> StartRecipe {
    StartRecipe {
        variables: &["LOCKBENCH_REDIS_SERVER"],
        // `SET ... NX PX` (<https://redis.io/docs/latest/commands/set/>).
        other: OtherVersion {
            variable: "LOCKBENCH_REDIS_SERVER",
            program: "redis-server",
            by_directory: false,
            oldest: "2.6.12",
        },
        nodes: |_| 1,
        ports: 1,
        peers_from: 1,
        users: &["nobody", "redis"],
        install: "apt-get install redis-server",
        // `adjustOpenFilesLimit` in src/server.c.
        most_clients: Some(("maxclients", 10_000, 32)),
        planned: options::settings,
        settings: &[],
        stop: Signal::TERM,
        find,
        launch,
        answers,
        endpoint,
        front: None,
        introduces: None,
        replace: None,
    }
}

fn find(search: &Search) -> Result<Program, String> {
    // "Redis server v=7.0.15 sha=..."
    Ok(native(search.executable("redis-server", "LOCKBENCH_REDIS_SERVER")?, "Redis server", 2))
}

fn launch(site: &Site) -> Result<Launch, StartError> {
    let server = Call::new(&site.program.path)
        .args(["--bind", "127.0.0.1", "--port"])
        .arg(site.port().to_string())
        .arg("--dir")
        .arg(&site.dir)
        .args(options::arguments(&site.settings));
    Ok(Launch { prepare: None, server })
}

fn answers(site: &Site) -> Result<(), String> {
    ask(site.port(), "PING\r\n", "+PONG")
}

fn endpoint(site: &Site) -> Endpoint {
    Endpoint::new(format!("redis://127.0.0.1:{}", site.port()))
}
