//! ZooKeeper's four-letter commands: what a server says of itself over a plain
//! connection, where its operator allows that
//! (<https://zookeeper.apache.org/doc/r3.8.0/zookeeperAdmin.html#sc_4lw>).

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Longest answer read.
const MOST_BYTES: u64 = 64 * 1024;

/// The answer to one command; `None` where the operator does not allow it.
pub async fn ask(address: &str, command: &str, limit: Duration) -> io::Result<Option<String>> {
    let asking = async {
        let mut stream = TcpStream::connect(address).await?;
        stream.write_all(command.as_bytes()).await?;
        let mut answer = Vec::new();
        stream.take(MOST_BYTES).read_to_end(&mut answer).await?;
        Ok(String::from_utf8_lossy(&answer).into_owned())
    };
    let answer: String = tokio::time::timeout(limit, asking).await.unwrap_or_else(|_| {
        Err(io::Error::new(io::ErrorKind::TimedOut, format!("no answer to {command} within {} ms", limit.as_millis())))
    })?;
    Ok((!answer.contains("is not in the whitelist")).then_some(answer))
}

/// The version in an answer to `srvr`.
pub fn version(srvr: &str) -> Option<&str> {
    let line = srvr.lines().find_map(|line| line.strip_prefix("Zookeeper version: "))?;
    line.split([',', '-']).next()
}

/// The role in an answer to `srvr`: `standalone`, `leader`, `follower` or `observer`.
pub fn mode(srvr: &str) -> Option<&str> {
    srvr.lines().find_map(|line| line.strip_prefix("Mode: "))
}

/// Returns whether an answer says that the server waits for a majority of its ensemble
/// (`ZK_NOT_SERVING` in ZooKeeper's `AbstractFourLetterCommand`).
pub fn idle(answer: &str) -> bool {
    answer.contains("not currently serving requests")
}

/// Whether an answer to `srvr` says that the server stands alone; `None` if it says nothing.
pub fn standalone(srvr: &str) -> Option<bool> {
    mode(srvr).map(|mode| mode == "standalone")
}

/// Number of voting members in an answer to `conf`, which lists them as
/// `server.N=host:port:port:participant`; 0 if it does not.
pub fn voters(conf: &str) -> usize {
    conf.lines().filter(|line| line.starts_with("server.") && !line.contains(":observer")).count()
}

/// `maxClientCnxns` in an answer to `conf`: most connections from one address, 0 for no limit.
pub fn most_connections(conf: &str) -> Option<u64> {
    conf.lines().find_map(|line| line.strip_prefix("maxClientCnxns=")?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::{idle, mode, most_connections, standalone, version, voters};

    #[test]
    fn answers_are_read() {
        let srvr = "Zookeeper version: 3.8.0-${mvngit.commit.id}, built on 2024-12-29 17:54 UTC\nLatency min/avg/max: \
                    0/0.0/0\nMode: standalone\nNode count: 5\n";
        assert_eq!((version(srvr), standalone(srvr)), (Some("3.8.0"), Some(true)));
        assert_eq!((mode(srvr), mode("Mode: follower\n")), (Some("standalone"), Some("follower")));
        assert_eq!(standalone("Mode: follower\n"), Some(false));
        assert_eq!((version(""), standalone("")), (None, None));
        assert!(idle("This ZooKeeper instance is not currently serving requests\n") && !idle(srvr));
        let conf = "tickTime=2000\nserverId=1\nmembership: \nserver.1=a:2888:3888:participant\n\
                    server.2=b:2888:3888:participant\nserver.3=c:2888:3888:observer\nversion=0\n";
        assert_eq!((voters(conf), voters("serverId=0\n")), (2, 0));
        assert_eq!((most_connections("tickTime=1\nmaxClientCnxns=60\n"), most_connections(conf)), (Some(60), None));
    }
}
