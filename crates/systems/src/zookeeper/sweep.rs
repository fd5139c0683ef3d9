//! What runs left on ZooKeeper servers: the parents of the locks, which are persistent nodes. A run lives while
//! there is an ephemeral node below its parent: a waiter, or the sign of its first client.

use zookeeper_client::{Client, Error};

use super::config::{Config, ROOT};
use super::link::{Link, bounded};
use crate::Target;
use lockbench_core::lock::{Found, Local, Remains, Sweeper, SystemError, mark};

/// Longest wait for an answer.
const LIMIT_NS: u64 = 5_000_000_000;
/// Timeout of the session that looks.
const SESSION_NS: u64 = 10_000_000_000;

/// An ensemble, below the chroot of its endpoint.
pub struct Ensemble {
    config: Config,
}

impl Ensemble {
    /// Reads the addresses. Contacts nobody.
    ///
    /// # Errors
    /// An address that cannot be used.
    pub fn new(target: &Target) -> Result<Self, SystemError> {
        Ok(Self { config: Config::new(target)? })
    }

    async fn with<T>(&self, work: impl AsyncFnOnce(&Client) -> Result<T, Error>) -> Result<T, SystemError> {
        let link = match Link::open(&self.config, SESSION_NS, LIMIT_NS).await {
            Ok(link) => link,
            Err(error) => {
                let problem = super::door::explained(&self.config, &error).await;
                return Err(self.config.error(&format!("cannot open a session: {problem}")));
            }
        };
        let done = work(link.client()).await;
        link.close(LIMIT_NS).await;
        done.map_err(|error| self.config.error(&error.to_string()))
    }
}

/// What is below the parent of one run.
async fn below(client: &Client, run: &str) -> Result<Remains, Error> {
    let root = format!("/{ROOT}{run}");
    let (mut count, mut sessions) = (1, 0);
    for name in children(client, &root).await? {
        let path = format!("{root}/{name}");
        let Some(stat) = bounded(LIMIT_NS, client.check_stat(&path)).await? else { continue };
        if stat.ephemeral_owner != 0 {
            sessions += 1;
            continue;
        }
        count += 1;
        sessions += stat.num_children;
    }
    Ok(Remains {
        run: run.to_owned(),
        what: format!("{count} nodes from {root} on"),
        count,
        lives: (sessions > 0)
            .then(|| format!("{sessions} nodes of its sessions are there; a dead session's go after its timeout")),
    })
}

async fn children(client: &Client, path: &str) -> Result<Vec<String>, Error> {
    match bounded(LIMIT_NS, client.list_children(path)).await {
        Err(Error::NoNode) => Ok(Vec::new()),
        children => children,
    }
}

impl Sweeper for Ensemble {
    fn find(&self) -> Local<'_, Result<Found, SystemError>> {
        Box::pin(self.with(async |client| {
            let mut runs = Vec::new();
            let mut names = children(client, "/").await?;
            names.sort();
            for run in names.iter().filter_map(|name| name.strip_prefix(ROOT)).filter(|run| mark(run).is_some()) {
                runs.push(below(client, run).await?);
            }
            Ok(Found { runs, notes: Vec::new() })
        }))
    }

    /// Parents of locks only: a node that has children of its own is not empty, and stays with the rest.
    fn remove<'a>(&'a self, run: &'a str) -> Local<'a, Result<u64, SystemError>> {
        Box::pin(self.with(async move |client| {
            let root = format!("/{ROOT}{run}");
            let mut removed = 0;
            let locks = children(client, &root).await?;
            for path in locks.iter().map(|name| format!("{root}/{name}")).chain([root.clone()]) {
                match bounded(LIMIT_NS, client.delete(&path, None)).await {
                    Ok(()) => removed += 1,
                    Err(Error::NoNode) => {}
                    Err(error) => return Err(error),
                }
            }
            Ok(removed)
        }))
    }
}
