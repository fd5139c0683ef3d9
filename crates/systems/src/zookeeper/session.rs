//! One client of the recipe: its ZooKeeper session, its grants.
//!
//! A grant is believed in until the last answered request of our own was sent,
//! plus the session timeout: the server counts from the receipt of each request,
//! so it keeps the session at least that long. Heartbeats of the crate keep the
//! session too, but their answers do not reach us.
//!
//! Where the fate of our node stays unknown, the session is given up: its nodes
//! go with it, so a confirmed close is a confirmed withdrawal. Where the close is
//! not confirmed either, the outcome is unknown until the session has surely
//! ended; see [`ZookeeperSession::surely_ended`]. The next acquire opens a new one.

use std::collections::HashMap;
use std::sync::Arc;

use zookeeper_client::{Client, CreateMode, Error};

use super::config::Config;
use super::door;
use super::link::{Link, bounded, broken, certain};
use super::node::{self, Stand};
use crate::planted::Flaw;
use lockbench_core::lock::{
    Acquire, Grant, Key, Local, Mode, Opening, Patience, Release, Renewal, Session, SystemError,
};

/// Tries of a request whose connection breaks.
const TRIES: u32 = 3;

/// Our node in a queue.
struct Node {
    path: String,
    name: String,
    czxid: i64,
    mode: Mode,
}

/// The first client of a run shows that it lives: by an ephemeral node beside the locks, which goes with the
/// session. Whether that works decides nothing for the run.
async fn sign(config: &Config, opening: &Opening, link: &Link) {
    if opening.client == 0 {
        let path = format!("{}/{}", config.root(), node::sign(link.id()));
        let options = config.creating(CreateMode::Ephemeral);
        drop(bounded(opening.request_timeout_ns, link.client().create(&path, b"", &options)).await);
    }
}

/// How a turn in the queue ended.
enum Turn {
    /// It is ours.
    Ours {
        /// Until when.
        validity_ns: u64,
        /// Did another client stand before us at first?
        waited: bool,
    },
    /// We leave, with this outcome once that is confirmed.
    Leave(Acquire),
    /// Our node is gone.
    Gone,
}

/// A session of the ZooKeeper recipe.
pub struct ZookeeperSession {
    config: Arc<Config>,
    opening: Opening,
    link: Option<Link>,
    ttl_ns: u64,
    attempts: u64,
    held: HashMap<u32, Node>,
    requests: u64,
    /// When the last ZooKeeper session was given up; `None` once there is a new one.
    given_up_ns: Option<u64>,
}

impl ZookeeperSession {
    /// Opens a ZooKeeper session.
    pub async fn open(config: Arc<Config>, opening: Opening) -> Result<Self, SystemError> {
        let link = Link::open(&config, opening.ttl_ns, opening.request_timeout_ns).await;
        let link = match link {
            Ok(link) => link,
            Err(error) => {
                let problem = door::explained(&config, &error).await;
                return Err(config.error(&format!("cannot open a session: {problem}")));
            }
        };
        sign(&config, &opening, &link).await;
        let ttl_ns = link.ttl_ns;
        Ok(Self {
            config,
            opening,
            link: Some(link),
            ttl_ns,
            attempts: 0,
            held: HashMap::new(),
            requests: 0,
            given_up_ns: None,
        })
    }

    fn now(&self) -> u64 {
        self.config.clock.now()
    }

    /// The session as it is, or a new one if it is over.
    async fn ready(&mut self) -> Result<&Link, Error> {
        if self.link.as_ref().is_none_or(Link::over) {
            if let Some(over) = self.link.take() {
                over.close(self.opening.request_timeout_ns).await;
            }
            let link = Link::open(&self.config, self.opening.ttl_ns, self.opening.request_timeout_ns).await?;
            sign(&self.config, &self.opening, &link).await;
            self.ttl_ns = link.ttl_ns;
            self.given_up_ns = None;
            self.link = Some(link);
        }
        self.link.as_ref().ok_or(Error::ClientClosed)
    }

    /// Sends one request and awaits its answer within the plan's limit.
    async fn ask<T>(&mut self, request: impl AsyncFnOnce(&Client) -> Result<T, Error>) -> Result<T, Error> {
        self.requests += 1;
        let Some(link) = &self.link else { return Err(Error::ClientClosed) };
        bounded(self.opening.request_timeout_ns, request(link.client())).await
    }

    async fn acquire(&mut self, key: &Key, mode: Mode, patience: &Patience) -> Acquire {
        let parent = self.config.parent(key);
        let node = match self.enter(&parent, mode).await {
            Ok(node) => node,
            Err(outcome) => return outcome,
        };
        match self.turn(key, &parent, &node, patience).await {
            Turn::Ours { validity_ns, waited } => {
                let token = u64::try_from(node.czxid).ok().map(|token| Flaw::token(self.config.planted, token));
                self.held.insert(key.index, node);
                Acquire::Acquired(Grant::new(key.index, token, validity_ns).after_waiting(waited))
            }
            Turn::Leave(outcome) => self.withdraw(&node, outcome).await,
            Turn::Gone => Acquire::Unavailable("our node vanished from the queue: the session ended".to_owned()),
        }
    }

    /// Creates our node.
    async fn enter(&mut self, parent: &str, mode: Mode) -> Result<Node, Acquire> {
        let session = match self.ready().await {
            Ok(link) => link.id(),
            Err(error) => return Err(Acquire::Unavailable(format!("cannot open a session: {error}"))),
        };
        self.attempts += 1;
        let prefix = node::prefix(session, self.attempts, mode);
        let path = format!("{parent}/{prefix}");
        let options = self.config.creating(CreateMode::EphemeralSequential);
        let name = node::owner(self.opening.client);
        let created = self.ask(async |client| client.create(&path, name.as_bytes(), &options).await).await;
        match created {
            Ok((stat, sequence)) => {
                let (path, name) = (format!("{path}{sequence}"), format!("{prefix}{sequence}"));
                Ok(Node { path, name, czxid: stat.czxid, mode })
            }
            Err(Error::NoNode) => Err(Acquire::Unavailable(format!("{parent} was not prepared"))),
            Err(error) if certain(&error) => Err(Acquire::Unavailable(error.to_string())),
            Err(error) => self.recover(parent, (&prefix, mode), &error).await,
        }
    }

    /// Looks for the node of a create whose answer was lost.
    async fn recover(&mut self, parent: &str, of: (&str, Mode), error: &Error) -> Result<Node, Acquire> {
        match self.find(parent, of).await {
            Ok(Some(node)) => Ok(node),
            // Should the lost create still arrive, the next attempt removes what it made.
            Ok(None) => Err(Acquire::Unavailable(format!("{error}; no node of ours was created"))),
            Err(_) => Err(self.give_up(Acquire::Unavailable(error.to_string()), error).await),
        }
    }

    async fn find(&mut self, parent: &str, of: (&str, Mode)) -> Result<Option<Node>, Error> {
        let mut tried = 0;
        loop {
            tried += 1;
            match self.find_once(parent, of).await {
                Err(error) if broken(&error) && tried < TRIES => {}
                found => return found,
            }
        }
    }

    async fn find_once(&mut self, parent: &str, (prefix, mode): (&str, Mode)) -> Result<Option<Node>, Error> {
        // A server that we were moved to may lag behind the one that took the create.
        self.ask(async |client| client.sync(parent).await).await?;
        let children = self.ask(async |client| client.list_children(parent).await).await?;
        let Some(name) = children.into_iter().find(|child| child.starts_with(prefix)) else { return Ok(None) };
        let path = format!("{parent}/{name}");
        let stat = self.ask(async |client| client.check_stat(&path).await).await?;
        Ok(stat.map(|stat| Node { path, name, czxid: stat.czxid, mode }))
    }

    /// Waits for our turn.
    async fn turn(&mut self, key: &Key, parent: &str, node: &Node, patience: &Patience) -> Turn {
        let unavailable = |error: Error| Turn::Leave(Acquire::Unavailable(error.to_string()));
        let (mut swept, mut waited) = (false, false);
        loop {
            let asked = self.now();
            let mut children = match self.ask(async |client| client.list_children(parent).await).await {
                Ok(children) => children,
                Err(Error::NoNode) => return Turn::Gone,
                Err(error) => match (broken(&error), patience) {
                    (true, Patience::Until(deadline)) if !deadline.passed() => continue,
                    _ => return unavailable(error),
                },
            };
            if !swept {
                swept = true;
                if let Err(error) = self.sweep(key, parent, node, &mut children).await {
                    return unavailable(error);
                }
            }
            let mode = match (self.config.planted, node.mode) {
                // Waits for writers only, as if it read.
                (Some(Flaw::OverlooksReaders), Mode::Exclusive) => Mode::Shared,
                (planted, Mode::Permits { of }) => Mode::Permits { of: Flaw::permits(planted, of) },
                (_, mode) => mode,
            };
            let before = match node::stand(&children, &node.name, mode) {
                Stand::Gone => return Turn::Gone,
                Stand::First => return Turn::Ours { validity_ns: self.validity(asked), waited },
                Stand::Behind(before) => before,
            };
            waited = true;
            let planted = self.config.planted;
            let head = node::head(&children).filter(|_| planted == Some(Flaw::WatchesTheFirst));
            let before = format!("{parent}/{}", head.map_or(before, String::as_str));
            let Patience::Until(deadline) = patience else { return Turn::Leave(Acquire::Refused) };
            if deadline.passed() {
                return Turn::Leave(Acquire::TimedOut);
            }
            // Reading the data leaves no watch behind where the node is gone already; "exists" would.
            self.requests += 1;
            let Some(link) = &self.link else { return Turn::Gone };
            let limit_ns = self.opening.request_timeout_ns;
            let watched = if matches!(mode, Mode::Permits { .. }) {
                // Whoever waits for a permit waits for anybody to leave: all who wait are told. What has changed since
                // the look before is seen here.
                match bounded(limit_ns, link.client().list_and_watch_children(parent)).await {
                    Ok((now, _)) if node::stand(&now, &node.name, mode) == Stand::First => continue,
                    watched => watched.map(|(_, watch)| watch),
                }
            } else {
                bounded(limit_ns, link.client().get_and_watch_data(&before)).await.map(|(_, _, watch)| watch)
            };
            let watch = match watched {
                Ok(watch) => watch,
                Err(Error::NoNode) => continue,
                Err(error) if broken(&error) => continue,
                Err(error) => return unavailable(error),
            };
            tokio::select! {
                _ = watch.changed() => {
                    deadline.woken();
                    if planted == Some(Flaw::DoesNotLookAgain) {
                        return Turn::Ours { validity_ns: self.validity(asked), waited };
                    }
                }
                () = deadline.reached() => {
                    if planted == Some(Flaw::FailureIsAGrant) {
                        return Turn::Ours { validity_ns: self.validity(asked), waited };
                    }
                    // Dropping the watch makes the crate send a request to remove it.
                    self.requests += 1;
                    return Turn::Leave(Acquire::TimedOut);
                }
            }
        }
    }

    /// Removes what earlier attempts of this session left in this queue: a create
    /// that arrived after we looked for it, or a delete that never did.
    async fn sweep(&mut self, key: &Key, parent: &str, node: &Node, children: &mut Vec<String>) -> Result<(), Error> {
        let Some(link) = &self.link else { return Err(Error::ClientClosed) };
        let ours = node::session_prefix(link.id());
        let held = self.held.get(&key.index).map(|held| held.name.clone());
        let left: Vec<String> = children
            .iter()
            .filter(|child| child.starts_with(&ours) && **child != node.name && Some(*child) != held.as_ref())
            .cloned()
            .collect();
        for name in left {
            let path = format!("{parent}/{name}");
            match self.ask(async |client| client.delete(&path, None).await).await {
                Ok(()) | Err(Error::NoNode) => children.retain(|child| *child != name),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Until when to believe after an answer to a request sent at `asked`.
    fn validity(&self, asked: u64) -> u64 {
        let lost = self.link.as_ref().and_then(Link::lost_at).unwrap_or(u64::MAX);
        asked.saturating_add(self.ttl_ns).min(lost)
    }

    /// Leaves the queue and confirms it; `outcome` says why.
    async fn withdraw(&mut self, node: &Node, outcome: Acquire) -> Acquire {
        match self.delete(&node.path).await {
            Ok(_) => outcome,
            Err(error) => self.give_up(outcome, &error).await,
        }
    }

    /// Deletes a node of ours. True if this removed it, false if it was not there
    /// on the first try. After a broken connection its absence means that the
    /// lost try removed it: the session lives, or the server would have said so.
    async fn delete(&mut self, path: &str) -> Result<bool, Error> {
        let mut tried = 0;
        loop {
            tried += 1;
            match self.ask(async |client| client.delete(path, None).await).await {
                Ok(()) => return Ok(true),
                Err(Error::NoNode) => return Ok(tried > 1),
                Err(error) if broken(&error) && tried < TRIES => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Gives up the session after a request of unknown effect: `outcome` if that
    /// is confirmed, else unknown.
    async fn give_up(&mut self, outcome: Acquire, error: &Error) -> Acquire {
        if self.abandon().await {
            return outcome;
        }
        Acquire::Unknown { surely_ended_ns: self.surely_ended(), reason: error.to_string() }
    }

    /// Gives up the ZooKeeper session. Is it surely over?
    async fn abandon(&mut self) -> bool {
        self.given_up_ns = Some(self.now());
        let Some(link) = self.link.take() else { return false };
        link.close(self.opening.request_timeout_ns).await
    }

    /// When a session that we gave up has surely ended: the crate may connect once
    /// more, to close it, within 7/5 of its timeout; then the timeout runs, which
    /// the server rounds up to its next tick (at most half a timeout, as the
    /// timeout has at least two ticks). An ensemble that stands still, or elects a
    /// leader in that time, makes it longer.
    fn surely_ended(&self) -> u64 {
        self.now().saturating_add(3 * self.ttl_ns)
    }

    async fn renew(&mut self, grant: &mut Grant) -> Renewal {
        let Some(node) = self.held.get(&grant.key()) else { return Renewal::Refused };
        let (path, czxid) = (node.path.clone(), node.czxid);
        let Some(link) = &self.link else { return Renewal::Refused };
        let asked = self.now();
        match bounded(self.opening.request_timeout_ns, link.client().check_stat(&path)).await {
            Ok(Some(stat)) if stat.czxid == czxid && stat.ephemeral_owner == link.id() => {
                grant.extend(self.validity(asked));
                Renewal::Confirmed
            }
            Ok(_) | Err(Error::SessionExpired | Error::ClientClosed) => Renewal::Refused,
            Err(error) if certain(&error) => Renewal::Unavailable(error.to_string()),
            Err(error) => Renewal::Unknown(error.to_string()),
        }
    }

    async fn release(&mut self, grant: Grant) -> Release {
        let Some(node) = self.held.remove(&grant.key()) else { return Release::NotOwner };
        let error = match self.delete(&node.path).await {
            Ok(true) => return Release::Confirmed,
            Ok(false) => return Release::NotOwner,
            Err(error) => error,
        };
        let reason = error.to_string();
        if self.abandon().await {
            return Release::Unknown { surely_ended_ns: self.now(), reason };
        }
        let surely_ended_ns = self.surely_ended();
        if certain(&error) {
            Release::Unavailable { surely_ended_ns, reason }
        } else {
            Release::Unknown { surely_ended_ns, reason }
        }
    }

    async fn close(mut self) {
        if let Some(link) = self.link.take() {
            link.close(self.opening.request_timeout_ns).await;
        }
    }
}

impl Session for ZookeeperSession {
    fn acquire<'a>(&'a mut self, key: &'a Key, patience: &'a Patience) -> Local<'a, Acquire> {
        Box::pin(ZookeeperSession::acquire(self, key, Mode::Exclusive, patience))
    }

    fn acquire_as<'a>(&'a mut self, key: &'a Key, mode: Mode, patience: &'a Patience) -> Local<'a, Acquire> {
        Box::pin(ZookeeperSession::acquire(self, key, mode, patience))
    }

    fn renew<'a>(&'a mut self, grant: &'a mut Grant) -> Local<'a, Renewal> {
        Box::pin(ZookeeperSession::renew(self, grant))
    }

    fn release(&mut self, grant: Grant) -> Local<'_, Release> {
        Box::pin(ZookeeperSession::release(self, grant))
    }

    fn close(self: Box<Self>) -> Local<'static, ()> {
        Box::pin(ZookeeperSession::close(*self))
    }

    fn effective_ttl_ns(&self) -> Option<u64> {
        Some(self.ttl_ns)
    }

    fn identity(&self) -> Option<String> {
        self.link.as_ref().map(|link| format!("session {:x}", link.id()))
    }

    fn lost_at(&self) -> Option<u64> {
        self.given_up_ns.or_else(|| self.link.as_ref().and_then(Link::lost_at))
    }

    fn requests(&self) -> u64 {
        self.requests
    }
}
