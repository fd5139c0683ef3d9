//! Who holds a key by the word of the primary, where two servers may take themselves for it: the one that the Sentinel
//! with the newest configuration names
//! (<https://redis.io/docs/latest/operate/oss_and_stack/management/sentinel/>, "Configuration epochs").

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use redis::aio::MultiplexedConnection;
use redis::{RedisError, cmd};

use super::directory::Directory;
use crate::redis::{Limits, Server, admin};
use crate::truth::Question;
use lockbench_core::lock::{Holder, Key, SystemError};

/// Shorter than the question may take as a whole: a Sentinel that hangs hides nothing of the others.
const PATIENCE: Limits = Limits { connect: Duration::from_millis(100), answer: Some(Duration::from_millis(200)) };

/// Asks all Sentinels, then the primary.
pub(super) struct Newest {
    directory: Arc<Directory>,
    namespace: String,
}

/// Connections that are kept.
pub(super) struct Lines {
    sentinels: Vec<Option<MultiplexedConnection>>,
    /// The address of the primary as the Sentinels have it.
    primary: Option<(String, Arc<Server>, MultiplexedConnection)>,
}

impl Newest {
    /// Of these servers.
    pub fn new(directory: &Arc<Directory>, namespace: &str) -> Self {
        Self { directory: Arc::clone(directory), namespace: namespace.to_owned() }
    }

    /// The address of the primary, and how new the configuration is in which it is, by the word of one Sentinel.
    async fn named_by(&self, sentinel: &Server, line: &mut Option<MultiplexedConnection>) -> Option<(u64, String)> {
        let mut open = match line.take() {
            Some(open) => open,
            None => sentinel.connect_to_read(PATIENCE).await.ok()?,
        };
        let address = self.directory.address(&mut open).await.ok()?;
        let told: Result<HashMap<String, String>, RedisError> =
            cmd("SENTINEL").arg("MASTER").arg(&self.directory.config.primary).query_async(&mut open).await;
        let epoch = told.ok()?.get("config-epoch")?.parse().ok()?;
        *line = Some(open);
        Some((epoch, address?))
    }
}

impl Question for Newest {
    type Line = Lines;

    async fn open(&self) -> Result<Lines, SystemError> {
        let sentinels = self.directory.config.sentinels.iter().map(|_| None).collect();
        Ok(Lines { sentinels, primary: None })
    }

    async fn ask(&self, lines: &mut Lines, keys: &[Key]) -> Result<Vec<Option<Holder>>, SystemError> {
        let sentinels = self.directory.config.sentinels.iter().zip(&mut lines.sentinels);
        let named = join_all(sentinels.map(|(sentinel, line)| self.named_by(sentinel, line))).await;
        let newest = named.into_iter().flatten().max_by_key(|(epoch, _)| *epoch);
        let (_, address) = newest.ok_or_else(|| self.directory.error("no Sentinel names a primary"))?;
        let kept = lines.primary.take().filter(|(at, ..)| *at == address);
        let (server, mut line) = match kept {
            Some((_, server, line)) => (server, line),
            None => {
                let server = self.directory.config.server(&address).map_err(|problem| self.directory.error(problem))?;
                let line = server.connect_to_read(PATIENCE).await.map_err(|problem| server.error(problem))?;
                (server, line)
            }
        };
        let holders = admin::holders(&server, &mut line, &self.namespace, keys).await?;
        lines.primary = Some((address, server, line));
        Ok(holders)
    }
}
