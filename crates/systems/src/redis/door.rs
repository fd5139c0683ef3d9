//! What happens to a connection before the first answer: why a server closes it again, and how many
//! connections it takes.
//!
//! A server that is full, or protected, says so in one line and closes (`acceptCommonHandler` and
//! `clientAcceptHandler` in Redis's src/networking.c). The client library has begun to write by then, so that it
//! reports a broken pipe and drops the line.

use std::collections::HashMap;
use std::time::Duration;

use redis::{ConnectionAddr, RedisError, cmd};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::net::{TcpStream, UnixStream};

use super::admin;
use super::server::Server;
use lockbench_core::lock::{Capacity, Limit, SystemError};

/// How long a server has for its line: it sends that with the accept.
const LINE_LIMIT: Duration = Duration::from_millis(300);
/// Longest line that is read.
const LINE_BYTES: u64 = 512;

/// The server's word for "full" (src/networking.c).
pub const FULL: &str = "max number of clients reached";

/// What the server says of itself to a connection that asks nothing; `None` if it waits for a request, as it
/// should. TLS servers say nothing before the handshake.
pub async fn refusal(address: &ConnectionAddr) -> Option<String> {
    let asking = async {
        match address {
            ConnectionAddr::Tcp(host, port) => {
                line(TcpStream::connect((host.trim_matches(['[', ']']), *port)).await.ok()?).await
            }
            ConnectionAddr::Unix(path) => line(UnixStream::connect(path).await.ok()?).await,
            _ => None,
        }
    };
    tokio::time::timeout(LINE_LIMIT, asking).await.ok().flatten()
}

async fn line(stream: impl AsyncRead + Unpin) -> Option<String> {
    let mut said = Vec::new();
    stream.take(LINE_BYTES).read_to_end(&mut said).await.ok()?;
    let text = String::from_utf8_lossy(&said);
    let first = text.strip_prefix('-')?.lines().next()?.trim();
    (!first.is_empty()).then(|| first.to_owned())
}

/// The server's words with what to do about them, where we know it.
pub fn advice(said: &str) -> String {
    if said.contains(FULL) {
        return format!(
            "{said}: every client needs a connection of its own; run fewer clients, or raise maxclients \
             (stock: 10000; `CONFIG SET maxclients` works while the server runs)"
        );
    }
    said.to_owned()
}

/// `maxclients`, and how many connections others have. What may not be asked is named instead.
///
/// # Errors
/// The server cannot be reached or refuses us.
pub async fn capacity(server: &Server) -> Result<Result<Limit, String>, SystemError> {
    let mut connection = admin::connect(server).await?;
    let info: Result<String, RedisError> = cmd("INFO").arg("clients").query_async(&mut connection).await;
    let info = info.unwrap_or_default();
    let told = |name: &str| {
        info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')?.trim().parse::<u64>().ok())
    };
    let set: Result<HashMap<String, String>, RedisError> =
        cmd("CONFIG").arg("GET").arg("maxclients").query_async(&mut connection).await;
    let set = set.ok().and_then(|set| set.get("maxclients")?.parse().ok());
    Ok(match set.or_else(|| told("maxclients")) {
        Some(most) => Ok(Limit {
            server: server.address(),
            setting: "maxclients".to_owned(),
            most,
            // Our own, which asks, is among them.
            taken: told("connected_clients").unwrap_or(1).saturating_sub(1),
        }),
        None => Err(format!("{}: maxclients (CONFIG GET and INFO are refused to this user)", server.address())),
    })
}

/// What several servers told.
pub fn of_all(told: &[Result<Limit, String>]) -> Capacity {
    Capacity {
        limits: told.iter().filter_map(|told| told.clone().ok()).collect(),
        not_asked: told.iter().filter_map(|told| told.clone().err()).collect(),
        ..Capacity::default()
    }
}

#[cfg(test)]
mod tests {
    use redis::ConnectionAddr;
    use tokio::io::AsyncWriteExt;
    use tokio::net::TcpListener;

    use super::{advice, refusal};

    /// What a server that says this to each connection, and closes it, is heard to say.
    async fn heard(says: &'static [u8]) -> Option<String> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.write_all(says).await.unwrap();
        });
        refusal(&ConnectionAddr::Tcp("127.0.0.1".to_owned(), port)).await
    }

    #[tokio::test]
    async fn the_line_of_a_server_that_closes_at_once_is_read() {
        let full = "ERR max number of clients reached";
        assert_eq!(heard(b"-ERR max number of clients reached\r\n").await.as_deref(), Some(full));
        assert!(advice(full).contains("raise maxclients"));
        assert_eq!(
            heard(b"-DENIED Redis is running in protected mode\r\n").await.unwrap(),
            advice("DENIED Redis is running in protected mode")
        );
        assert_eq!((heard(b"").await, heard(b"+PONG\r\n").await), (None, None));
    }
}
