//! Support for tests, one module per concern; every test program declares it once. In this
//! file: the real servers that tests talk to.
//!
//! `LOCKBENCH_TEST_<KIND>=URL[,URL]` names servers that run already. Else
//! `LOCKBENCH_LIVE=1` starts one of each kind asked for, once per test process.
//! Else the test is skipped, visibly. `LOCKBENCH_REQUIRE=all` turns every skip
//! into a failure, but for what `LOCKBENCH_WITHOUT` names: `docker`.
#![allow(dead_code, clippy::unwrap_used)] // no test program uses all of it

pub mod cli;
pub mod cluster;
pub mod disturbed;
pub mod docker;
pub mod http;
pub mod postgres;
pub mod prometheus;
pub mod promql;
pub mod provisioned;
pub mod proxy;
pub mod pty;
pub mod redis_server;
pub mod repository;

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::{Arc, Mutex, OnceLock};

use lockbench::backend::ServerKind;
use lockbench::lock::Endpoint;
use lockbench::stack::{LocalStack, Options, Server, StartError};

/// Statics are never dropped: the stack's guard stops these servers and removes
/// their directory when the test process ends, whatever ends it.
static SERVERS: Mutex<BTreeMap<(&str, &str), Slot>> = Mutex::new(BTreeMap::new());

/// A server that is started by the first test that asks for it; the others wait for it.
type Slot = Arc<OnceLock<Option<Server>>>;

/// Endpoints of the server of this kind that the tests of this process share, or `None` (with a
/// visible reason) where live tests are not asked for. Each test uses keys of its own.
pub fn endpoints(kind: ServerKind) -> Option<Vec<Endpoint>> {
    endpoints_apart(kind, "all")
}

/// The same of a server that only these tests use: they judge by all that is on it, or they
/// disturb it.
pub fn endpoints_apart(kind: ServerKind, tests: &'static str) -> Option<Vec<Endpoint>> {
    let variable = format!("LOCKBENCH_TEST_{}", kind.name().to_uppercase());
    if let Ok(urls) = std::env::var(&variable) {
        return Some(urls.split(',').map(Endpoint::new).collect());
    }
    if !live(&format!("{variable} is not set")) {
        return None;
    }
    let slot = Arc::clone(SERVERS.lock().unwrap().entry((kind.name(), tests)).or_default());
    slot.get_or_init(|| started(kind)).as_ref().map(Server::endpoints)
}

/// Are live tests asked for? If not, says so and why it matters.
pub fn live(also: &str) -> bool {
    let live = std::env::var("LOCKBENCH_LIVE").is_ok_and(|value| value == "1");
    if !live {
        skip(&format!("LOCKBENCH_LIVE is not 1, {also}"));
    }
    live
}

/// Says that a test does not run, or fails it where every test must run.
pub fn skip(reason: &str) {
    assert!(std::env::var("LOCKBENCH_REQUIRE").as_deref() != Ok("all"), "skipped, but LOCKBENCH_REQUIRE=all: {reason}");
    // Not eprintln: the test harness hides that of a test that passes.
    let _ = writeln!(std::io::stderr(), "SKIPPED: {reason}");
}

/// The same for a test that needs a Docker engine: `LOCKBENCH_WITHOUT=docker` says that
/// this machine is known to have none.
pub fn skip_docker(reason: &str) {
    if std::env::var("LOCKBENCH_WITHOUT").as_deref() == Ok("docker") {
        let _ = writeln!(std::io::stderr(), "SKIPPED: {reason}");
    } else {
        skip(reason);
    }
}

fn started(kind: ServerKind) -> Option<Server> {
    match LocalStack::start(&[kind], &Options::default()).remove(0).1 {
        Ok(server) => Some(server),
        Err(missing @ StartError::Missing { .. }) => {
            skip(&missing.to_string());
            None
        }
        Err(error) => panic!("{error}"),
    }
}
