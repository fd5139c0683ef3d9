//! redis-server, once or five times independently. Without a configuration
//! file it runs on its compiled-in settings: `save 3600 1 300 100 60 10000`,
//! `appendonly no` (<https://redis.io/docs/latest/operate/oss_and_stack/management/persistence/>).

use rustix::process::Signal;

use super::error::StartError;
use super::recipe::{Call, Launch, Program, Recipe, Site, ask};
use super::search::{Search, native};
use lockbench_core::lock::{Endpoint, ServerKind};

/// One server.
pub(super) static SINGLE: Recipe = Recipe {
    kind: ServerKind::Redis,
    nodes: 1,
    ports: 1,
    users: &["nobody", "redis"],
    install: "apt-get install redis-server",
    // `adjustOpenFilesLimit` in src/server.c.
    most_clients: Some(("maxclients", 10_000, 32)),
    settings: &[],
    stop: Signal::TERM,
    find,
    launch,
    answers,
    endpoint,
};

/// Five, for Redlock. On one machine they share clock and disk.
pub(super) static FIVE: Recipe = Recipe {
    kind: ServerKind::Redlock,
    nodes: 5,
    ports: 1,
    users: &["nobody", "redis"],
    install: "apt-get install redis-server",
    // `adjustOpenFilesLimit` in src/server.c.
    most_clients: Some(("maxclients", 10_000, 32)),
    settings: &[],
    stop: Signal::TERM,
    find,
    launch,
    answers,
    endpoint,
};

fn find(search: &Search) -> Result<Program, String> {
    // "Redis server v=7.0.15 sha=..."
    Ok(native(search.executable("redis-server", "LOCKBENCH_REDIS_SERVER")?, 2))
}

fn launch(site: &Site) -> Result<Launch, StartError> {
    let server = Call::new(&site.program.path)
        .args(["--bind", "127.0.0.1", "--port"])
        .arg(site.port().to_string())
        .arg("--dir")
        .arg(&site.dir);
    Ok(Launch { prepare: None, server })
}

fn answers(site: &Site) -> Result<(), String> {
    ask(site.port(), "PING\r\n", "+PONG")
}

fn endpoint(site: &Site) -> Endpoint {
    Endpoint::new(format!("redis://127.0.0.1:{}", site.port()))
}
