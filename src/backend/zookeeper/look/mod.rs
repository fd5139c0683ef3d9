//! Which locks are held on ZooKeeper, whoever took them: getChildren and getData are
//! sent in a session of our own, which holds nothing and is kept from look to look;
//! beside it the four-letter commands `srvr` and `cons`, where the operator allows them.

mod waiter;
mod walk;

use std::collections::HashMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures_util::future::join_all;
use zookeeper_client::{Client, Error};

use super::super::Target;
use super::config::Config;
use super::four_letter;
use super::link::{Link, bounded};
use crate::lock::inspection::{ClientSeen, Inspector, LockSeen, Look, MOST_WAITERS, Scope, ServerSeen, readable};
use crate::lock::{Local, SystemError};
use waiter::{Connection, Side, Waiter, connections, holding};
use walk::{Found, walk};

/// Longest wait for an answer.
const LIMIT_NS: u64 = 5_000_000_000;
/// Longest wait for a four-letter command.
const GLANCE: Duration = Duration::from_secs(2);
/// Timeout of our session.
const SESSION_NS: u64 = 10_000_000_000;
/// Requests under way at once: those of one session are pipelined.
const AT_ONCE: usize = 128;

/// Looks at the servers that were given.
pub struct Ensemble {
    config: Config,
    scope: Scope,
    link: Option<Link>,
}

impl Ensemble {
    /// Reads the target. Contacts nobody.
    ///
    /// # Errors
    /// No address, or one that cannot be used.
    pub fn new(target: &Target, scope: Scope) -> Result<Self, SystemError> {
        let config = Config::new(target)?;
        if let Some(prefix) = scope.prefix.as_ref().filter(|prefix| !prefix.is_empty() && !prefix.starts_with('/')) {
            return Err(config.error(&format!("--prefix {prefix} is no path: write /{prefix}")));
        }
        Ok(Self { config, scope, link: None })
    }

    async fn ask(&mut self) -> Result<Look, SystemError> {
        let told = join_all(self.config.hosts().iter().map(|host| server(host))).await;
        if told.iter().all(|(seen, _)| seen.problem.is_some()) {
            let problems: Vec<String> = told
                .iter()
                .map(|(seen, _)| format!("{}: {}", seen.address, seen.problem.clone().unwrap_or_default()))
                .collect();
            return Err(self.config.error(&format!("{}; is ZooKeeper running there?", problems.join("; "))));
        }
        // One that says nothing would hold up the session for most of its time to open.
        let serving: Vec<String> = self
            .config
            .hosts()
            .iter()
            .zip(&told)
            .filter(|(_, (seen, _))| seen.problem.is_none())
            .map(|(host, _)| host.clone())
            .collect();
        let (servers, connections): (Vec<ServerSeen>, Vec<HashMap<i64, Connection>>) = told.into_iter().unzip();
        let connections: HashMap<i64, Connection> = connections.into_iter().flatten().collect();
        let client = self.client(&serving).await?;
        let looked = picture(&client, &self.config, &self.scope, &connections).await;
        let look = looked.map_err(|error| {
            let hint = match error {
                Error::NoNode | Error::NoAuth => "does the chroot of the endpoint exist, and may this user read there?",
                _ => "is there a quorum?",
            };
            self.config.error(&format!("cannot read the nodes: {error}; {hint}"))
        });
        if look.is_err() {
            // The next look begins anew.
            if let Some(link) = self.link.take() {
                link.close(LIMIT_NS).await;
            }
        }
        Ok(Look { servers, ..look? })
    }

    async fn client(&mut self, serving: &[String]) -> Result<Client, SystemError> {
        if self.link.as_ref().is_some_and(Link::over) {
            self.link = None;
        }
        let link = match self.link.take() {
            Some(link) => link,
            None => {
                let cluster = self.config.cluster_of(serving);
                let opened = Link::open_at(&cluster, &self.config, SESSION_NS, LIMIT_NS).await;
                opened.map_err(|error| {
                    self.config
                        .error(&format!("cannot open a session: {error}; is there a quorum, and is the login right?"))
                })?
            }
        };
        let client = link.client().clone();
        self.link = Some(link);
        Ok(client)
    }
}

/// What a server says of itself, and whose sessions are connected to it.
async fn server(host: &str) -> (ServerSeen, HashMap<i64, Connection>) {
    let mut seen = ServerSeen { address: host.to_owned(), ..ServerSeen::default() };
    let srvr = match four_letter::ask(host, "srvr", GLANCE).await {
        Ok(srvr) => srvr.unwrap_or_default(),
        Err(error) => {
            seen.problem = Some(error.to_string());
            return (seen, HashMap::new());
        }
    };
    if srvr.contains("not currently serving requests") {
        seen.problem = Some("runs, but serves no requests: it sees no quorum".to_owned());
        return (seen, HashMap::new());
    }
    if let (Some(version), Some(mode)) = (four_letter::version(&srvr), four_letter::mode(&srvr)) {
        seen.said = Some(format!("ZooKeeper {version}, {mode}"));
    }
    let cons = four_letter::ask(host, "cons", GLANCE).await.ok().flatten();
    (seen, cons.map(|cons| connections(&cons)).unwrap_or_default())
}

async fn picture(
    client: &Client,
    config: &Config,
    scope: &Scope,
    connections: &HashMap<i64, Connection>,
) -> Result<Look, Error> {
    let walked = walk(client, scope, config.clock).await?;
    let mut look = Look {
        scope: match scope.prefix.as_deref().filter(|prefix| !prefix.is_empty()) {
            Some(prefix) => format!("parents of sequential nodes below {prefix}"),
            None => "parents of sequential nodes with \"lock\" in their name, and of read-write locks".to_owned(),
        },
        truncated: walked.cut,
        ..Look::default()
    };
    for some in walked.found.chunks(AT_ONCE) {
        let locks = join_all(some.iter().map(|found| lock(client, found, scope.prefix.is_some(), connections))).await;
        look.locks.extend(locks.into_iter().collect::<Result<Vec<_>, _>>()?.into_iter().flatten());
    }
    if look.locks.len() > scope.limit {
        look.locks.truncate(scope.limit);
        look.truncated = Some(format!("stopped at --limit {}", scope.limit));
    }
    look.untold.insert(
        "ttl_left_ms".to_owned(),
        "a node lives as long as its session, which ends its timeout after the last sign of life".to_owned(),
    );
    if connections.is_empty() && !look.locks.is_empty() {
        look.untold.insert("details.from".to_owned(), "needs cons in the servers' 4lw.commands.whitelist".to_owned());
    }
    if !look.locks.is_empty() {
        look.notes.push(
            "since: when a client's node was created, by the server's clock against this machine's; a holder's wait is \
             part of it"
                .to_owned(),
        );
    }
    Ok(look)
}

/// Reads a lock's first waiters. `None`: nothing of it is left, or it is no lock.
async fn lock(
    client: &Client,
    found: &Found,
    named: bool,
    connections: &HashMap<i64, Connection>,
) -> Result<Option<LockSeen>, Error> {
    let mut clients: Vec<(Side, ClientSeen)> = Vec::new();
    let mut lasting = false;
    let shown: Vec<&Waiter> = found.waiters.iter().take(holding(&found.waiters).max(1) + MOST_WAITERS).collect();
    for some in shown.chunks(AT_ONCE) {
        let paths: Vec<String> =
            some.iter().map(|waiter| format!("{}/{}", found.parent.trim_end_matches('/'), waiter.name)).collect();
        let read = join_all(paths.iter().map(|path| bounded(LIMIT_NS, client.get_data(path)))).await;
        for (waiter, read) in some.iter().zip(read) {
            let (data, stat) = match read {
                Ok(read) => read,
                Err(Error::NoNode) => continue,
                Err(error) => return Err(error),
            };
            lasting |= stat.ephemeral_owner == 0;
            let session = stat.ephemeral_owner;
            let client = if session == 0 { format!("node {}", waiter.name) } else { format!("session {session:#x}") };
            let mut seen = ClientSeen {
                client,
                identity: Some(readable(&data)).filter(|identity| !identity.is_empty()),
                mode: waiter.side.mode(),
                token: u64::try_from(stat.czxid).ok(),
                since_ms: since(stat.ctime),
                ..ClientSeen::default()
            };
            seen.details.insert("node".to_owned(), waiter.name.clone());
            if let Some(connection) = connections.get(&session) {
                seen.details.insert("from".to_owned(), connection.from.clone());
                seen.ttl_ms = connection.timeout_ms;
            }
            clients.push((waiter.side, seen));
        }
    }
    // Sequential nodes that last and are not named as a lock's are a queue of something else.
    if clients.is_empty() || lasting && named && !found.named_as_lock {
        return Ok(None);
    }
    let waiters: Vec<ClientSeen> = clients
        .split_off(waiter::leading(clients.iter().map(|(side, _)| *side)))
        .into_iter()
        .map(|(_, seen)| seen)
        .collect();
    let holders: Vec<ClientSeen> = clients.into_iter().map(|(_, seen)| seen).collect();
    let waiting = Some((found.waiters.len() - found.waiters.len().min(holders.len())) as u64);
    let lasting = lasting.then(|| "has nodes that are not ephemeral: they outlive their clients".to_owned());
    Ok(Some(LockSeen {
        name: found.parent.clone(),
        kind: found.kind().to_owned(),
        holders,
        waiting,
        waiters,
        notes: lasting.into_iter().collect(),
        ..LockSeen::default()
    }))
}

/// Milliseconds since an instant of the server's wall clock.
fn since(unix_ms: i64) -> Option<u64> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?.as_millis() as u64;
    Some(now.saturating_sub(u64::try_from(unix_ms).ok()?))
}

impl Inspector for Ensemble {
    fn look(&mut self) -> Local<'_, Result<Look, SystemError>> {
        Box::pin(self.ask())
    }

    fn close(mut self: Box<Self>) -> Local<'static, ()> {
        Box::pin(async move {
            if let Some(link) = self.link.take() {
                link.close(LIMIT_NS).await;
            }
        })
    }
}
