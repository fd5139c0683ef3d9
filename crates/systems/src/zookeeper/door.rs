//! Why no session could be opened, and how many a server takes of one address.
//!
//! A ZooKeeper server that has as many connections of an address as `maxClientCnxns` allows (stock: 60) closes
//! further ones without a word (`NIOServerCnxnFactory.doAccept`); the client library then only says that it has
//! no host to go to.

use std::io::ErrorKind;
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use zookeeper_client::Error;

use super::config::Config;
use super::four_letter;
use lockbench_core::lock::{Capacity, Limit, SystemError};

/// How long a server may take to close a connection that it does not want.
const CLOSE_LIMIT: Duration = Duration::from_millis(300);
/// Longest wait for the answer to a four-letter command.
const WORD_LIMIT: Duration = Duration::from_secs(5);

/// What a connection says that was made and then closed by the server.
const CLOSED: [ErrorKind; 3] = [ErrorKind::ConnectionReset, ErrorKind::BrokenPipe, ErrorKind::ConnectionAborted];

/// What a server does with a connection that asks nothing.
enum Door {
    /// It waits for a request, as it should.
    Open,
    /// It closes it at once.
    Shut,
    /// It cannot be reached.
    Gone(String),
}

/// The error of an opening with its cause, where the servers show it.
pub async fn explained(config: &Config, error: &Error) -> String {
    if matches!(error, Error::NoAuth | Error::AuthFailed) {
        return format!("{error}; is the login in the endpoint right?");
    }
    let mut gone = None;
    for host in config.hosts() {
        match door(host).await {
            Door::Shut => {
                return format!(
                    "{error}: {host} closes new connections from here without a word, as ZooKeeper does at maxClientCnxns \
                     connections from one address (stock: 60); every client needs one: run fewer clients, or set \
                     maxClientCnxns=0 (no limit) in its zoo.cfg and restart it"
                );
            }
            Door::Gone(problem) => gone = Some(format!("{error}: {host}: {problem}; is ZooKeeper running there?")),
            Door::Open => {}
        }
    }
    gone.unwrap_or_else(|| format!("{error}; is there a quorum, and is the login right?"))
}

async fn door(host: &str) -> Door {
    let asking = async {
        let mut stream = match TcpStream::connect(host).await {
            Ok(stream) => stream,
            // Closed before we looked at it for the first time.
            Err(error) if CLOSED.contains(&error.kind()) => return Door::Shut,
            Err(error) => return Door::Gone(error.to_string()),
        };
        match stream.read(&mut [0]).await {
            Ok(0) | Err(_) => Door::Shut,
            Ok(_) => Door::Open,
        }
    };
    tokio::time::timeout(CLOSE_LIMIT, asking).await.unwrap_or(Door::Open)
}

/// `maxClientCnxns` of each server, where it may be asked with `conf`
/// (<https://zookeeper.apache.org/doc/r3.8.0/zookeeperAdmin.html#sc_4lw>).
///
/// # Errors
/// No server answers.
pub async fn capacity(config: &Config) -> Result<Capacity, SystemError> {
    let mut capacity = Capacity::default();
    let mut silent = None;
    for host in config.hosts() {
        match four_letter::ask(host, "conf", WORD_LIMIT).await {
            Ok(Some(conf)) => match four_letter::most_connections(&conf) {
                Some(0) => {}
                Some(most) => capacity.limits.push(Limit {
                    server: host.clone(),
                    setting: "maxClientCnxns, from one address,".to_owned(),
                    most,
                    // `cons` could tell, and is allowed more seldom still.
                    taken: 0,
                }),
                None => capacity.not_asked.push(format!("{host}: maxClientCnxns (its answer to conf has none)")),
            },
            Ok(None) => capacity.not_asked.push(format!(
                "{host}: maxClientCnxns (stock: 60 from one address; conf is not in the server's 4lw.commands.whitelist)"
            )),
            Err(error) => silent = Some(config.error(&format!("{host}: {error}; is ZooKeeper running there?"))),
        }
    }
    match silent {
        Some(error) if capacity == Capacity::default() => Err(error),
        Some(error) => {
            capacity.not_asked.push(error.to_string());
            Ok(capacity)
        }
        None => Ok(capacity),
    }
}
