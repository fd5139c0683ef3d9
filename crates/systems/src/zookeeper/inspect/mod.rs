//! Which locks are held on ZooKeeper, whoever took them: getChildren and getData are
//! sent in a session of our own, which holds nothing and is kept from look to look;
//! beside it the four-letter commands `srvr` and `cons`, where the operator allows them.

mod lock;
mod waiter;
mod walk;

use std::collections::HashMap;
use std::time::Duration;

use futures_util::future::join_all;
use zookeeper_client::{Client, Error};

use super::super::Target;
use super::config::Config;
use super::four_letter;
use super::link::Link;
use lock::{Reading, locks};
use lockbench_core::lock::inspection::{IN_WORDS, Inspector, Observation, Scope, ServerSeen};
use lockbench_core::lock::{Local, SystemError};
use waiter::{Connection, connections};
use walk::walk;

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

    async fn ask(&mut self) -> Result<Observation, SystemError> {
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
        Ok(Observation { servers, ..look? })
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
) -> Result<Observation, Error> {
    let walked = walk(client, scope, config.clock).await?;
    let mut look = Observation {
        scope: match scope.prefix.as_deref().filter(|prefix| !prefix.is_empty()) {
            Some(prefix) => format!("parents of sequential nodes below {prefix}"),
            None => {
                format!("parents of sequential nodes with {IN_WORDS}, of read-write locks and of Curator's semaphores")
            }
        },
        truncated: walked.cut,
        ..Observation::default()
    };
    let reading = Reading { client, named: scope.prefix.is_some(), connections };
    let (locks, unread) = locks(&reading, walked.found).await?;
    look.locks = locks;
    if unread > 0 {
        look.notes.push(format!(
            "the data of {} may not be read by this user (ACL): whose session it is, is told, not what the client says \
             of itself",
            counted(unread, "client's node", "clients' nodes")
        ));
    }
    if !walked.denied.is_empty() {
        let examples: Vec<&str> = walked.denied.iter().take(3).map(String::as_str).collect();
        look.notes.push(format!(
            "{} may not be listed by this user (ACL), and locks below are not seen: {}{}",
            counted(walked.denied.len(), "node", "nodes"),
            examples.join(", "),
            if walked.denied.len() > examples.len() { ", ..." } else { "" }
        ));
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

fn counted(count: usize, one: &str, several: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {several}") }
}

impl Inspector for Ensemble {
    fn observe(&mut self) -> Local<'_, Result<Observation, SystemError>> {
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
