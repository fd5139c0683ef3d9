//! The ZooKeeper entry as a whole: what the servers say of themselves, clean
//! keys, sessions, and who holds a key.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{join_all, try_join_all};
use zookeeper_client::{Client, CreateMode, Error, Stat};

use super::config::Config;
use super::link::{Link, bounded};
use super::session::ZookeeperSession;
use super::{GUARANTEES, NAME, door, four_letter, node};
use crate::truth::{Asker, Question};
use lockbench_core::lock::{
    Agreement, Away, Capacity, Caveats, Facts, Guarantees, Holder, Key, Local, LockSystem, Nodes, Opening, Persistence,
    Session, Survey, SystemError, Truth,
};

/// Longest wait for an answer outside of sessions, which have the plan's.
const ADMIN_LIMIT_NS: u64 = 5_000_000_000;
/// Timeout of the sessions that we open to prepare, clean and look.
const ADMIN_SESSION_NS: u64 = 10_000_000_000;
/// Keys prepared or cleaned at once: requests of one session are pipelined.
const AT_ONCE: usize = 128;

/// ZooKeeper synchronises its transaction log before it answers an update unless
/// `forceSync=no` (<https://zookeeper.apache.org/doc/r3.8.0/zookeeperAdmin.html#Unsafe+Options>),
/// a system property of the server that no command shows.
fn durability() -> Persistence {
    Persistence::synced_log("transaction log", "ZooKeeper's default forceSync=yes; the setting cannot be read back")
}

const UNREADABLE: &str = "cannot be read: srvr is not in the server's 4lw.commands.whitelist";

/// The lock system `zookeeper`.
pub struct ZookeeperSystem {
    config: Arc<Config>,
}

impl ZookeeperSystem {
    /// A system on these servers.
    pub fn new(config: Config) -> Self {
        Self { config: Arc::new(config) }
    }

    fn failed(&self, what: &str, error: &Error) -> SystemError {
        let advice = match error {
            Error::NoNode => "does the chroot of the endpoint exist?",
            Error::NoAuth | Error::AuthFailed => "is the login in the endpoint right, and may it do this?",
            _ => "is ZooKeeper running there?",
        };
        self.config.error(&format!("{what}: {error}; {advice}"))
    }

    /// Does something in a session of its own.
    async fn with<T>(&self, what: &str, work: impl AsyncFnOnce(&Client) -> Result<T, Error>) -> Result<T, SystemError> {
        let link = Link::open(&self.config, ADMIN_SESSION_NS, ADMIN_LIMIT_NS).await;
        let link = match link {
            Ok(link) => link,
            Err(error) => {
                let problem = door::explained(&self.config, &error).await;
                return Err(self.config.error(&format!("cannot open a session: {problem}")));
            }
        };
        let done = work(link.client()).await;
        link.close(ADMIN_LIMIT_NS).await;
        done.map_err(|error| self.failed(what, &error))
    }

    /// What each server says of itself.
    async fn members(&self) -> Vec<Result<Member, Away>> {
        let limit = Duration::from_nanos(ADMIN_LIMIT_NS);
        let asked = self.config.hosts().iter().map(async |host| {
            let away = |problem: String| Away { address: host.clone(), problem };
            let srvr = four_letter::ask(host, "srvr", limit).await.map_err(|error| away(error.to_string()))?;
            if srvr.as_deref().is_some_and(four_letter::idle) {
                return Err(away("it answers, but serves no requests: it sees no majority".to_owned()));
            }
            let conf = match srvr.as_deref().and_then(four_letter::standalone) {
                Some(false) => four_letter::ask(host, "conf", limit).await.unwrap_or_default().unwrap_or_default(),
                Some(true) | None => String::new(),
            };
            let srvr = srvr.unwrap_or_default();
            Ok(Member {
                address: host.clone(),
                version: four_letter::version(&srvr).unwrap_or(UNREADABLE).to_owned(),
                mode: four_letter::mode(&srvr).map(str::to_owned),
                voters: four_letter::voters(&conf),
                id: self.server_of(host).await,
            })
        });
        join_all(asked).await
    }

    /// Which server answers at this address: its number is the first byte of the sessions that
    /// it opens (`SessionTrackerImpl.initializeNextSessionId` in ZooKeeper's source). Asked
    /// only where one server may stand behind several addresses.
    async fn server_of(&self, host: &String) -> Option<String> {
        if self.config.hosts().len() < 2 {
            return None;
        }
        let cluster = self.config.cluster_of(std::slice::from_ref(host));
        let link = Link::open_at(&cluster, &self.config, ADMIN_SESSION_NS, ADMIN_LIMIT_NS).await.ok()?;
        let number = (link.id() as u64) >> 56;
        link.close(ADMIN_LIMIT_NS).await;
        Some(number.to_string())
    }

    async fn facts(&self) -> Result<Facts, SystemError> {
        let members = self.members().await;
        let nodes = nodes(&members);
        if !nodes.suffice() {
            let problem =
                format!("{nodes} serve, {} must: {}; is ZooKeeper running there?", nodes.needed, nodes.problems());
            return Err(self.config.error(&problem));
        }
        let members: Vec<Member> = members.into_iter().filter_map(Result::ok).collect();
        let mut versions: Vec<String> = Vec::new();
        for Member { version, .. } in &members {
            if !versions.contains(version) {
                versions.push(version.clone());
            }
        }
        let roles: Vec<&str> = members.iter().map(|member| member.mode.as_deref().unwrap_or(UNREADABLE)).collect();
        let identities: Vec<_> = members.iter().map(|member| (member.address.clone(), member.id.clone())).collect();
        Ok(Facts {
            version: versions.join(", "),
            durability: durability(),
            quorum: quorum(&members),
            role: roles.join(", "),
            caveats: Caveats { same_server: Caveats::same(&identities), ..Caveats::default() },
        })
    }

    async fn prepare(&self, keys: &[Key]) -> Result<(), SystemError> {
        let config = &*self.config;
        self.with("prepare", async |client| {
            let persistent = config.creating(CreateMode::Persistent);
            bounded(ADMIN_LIMIT_NS, client.mkdir(config.root(), &persistent)).await?;
            for some in keys.chunks(AT_ONCE) {
                try_join_all(some.iter().map(async |key| {
                    let parent = config.parent(key);
                    match bounded(ADMIN_LIMIT_NS, client.create(&parent, b"", &persistent)).await {
                        Ok(_) => Ok(()),
                        Err(Error::NodeExists) => empty(client, &parent).await,
                        Err(error) => Err(error),
                    }
                }))
                .await?;
            }
            Ok(())
        })
        .await
    }

    async fn clean(&self, keys: &[Key]) -> Result<(), SystemError> {
        let config = &*self.config;
        self.with("clean", async |client| {
            for some in keys.chunks(AT_ONCE) {
                try_join_all(some.iter().map(async |key| {
                    let parent = config.parent(key);
                    empty(client, &parent).await?;
                    delete(client, &parent).await
                }))
                .await?;
            }
            // Other keys of this run may still live below it.
            match delete(client, config.root()).await {
                Err(Error::NotEmpty) => Ok(()),
                done => done,
            }
        })
        .await
    }

    async fn survey(&self, keys: &[Key]) -> Result<Survey, SystemError> {
        let config = &*self.config;
        self.with("look at keys", async |client| {
            let asked = config.clock.now();
            bounded(ADMIN_LIMIT_NS, client.check_stat(config.root())).await?;
            let round_trip_ns = Some(config.clock.now().saturating_sub(asked));
            let mut holders = Vec::with_capacity(keys.len());
            for key in keys {
                holders.push(holder(client, &config.parent(key)).await?);
            }
            Ok(Survey { round_trip_ns, holders })
        })
        .await
    }
}

impl Question for ZookeeperSystem {
    type Line = Link;

    async fn open(&self) -> Result<Self::Line, SystemError> {
        let opened = Link::open(&self.config, ADMIN_SESSION_NS, ADMIN_LIMIT_NS).await;
        opened.map_err(|error| self.failed("look at keys", &error))
    }

    async fn ask(&self, link: &mut Self::Line, keys: &[Key]) -> Result<Vec<Option<Holder>>, SystemError> {
        // The server of this session may be behind the one that granted a lock
        // (<https://zookeeper.apache.org/doc/r3.8.0/zookeeperInternals.html#sc_consistency>).
        let caught_up = bounded(ADMIN_LIMIT_NS, link.client().sync(self.config.root())).await;
        caught_up.map_err(|error| self.failed("look at keys", &error))?;
        let mut holders = Vec::with_capacity(keys.len());
        for key in keys {
            let asked = owner(link.client(), &self.config.parent(key)).await;
            holders.push(asked.map_err(|error| self.failed("look at keys", &error))?);
        }
        Ok(holders)
    }
}

/// A server that answered.
struct Member {
    address: String,
    version: String,
    /// `None`: its operator does not let it say.
    mode: Option<String>,
    /// Voting members by its list; 0 if it does not show one.
    voters: usize,
    /// Its number in the ensemble.
    id: Option<String>,
}

impl Member {
    fn votes(&self) -> bool {
        self.mode.as_deref() != Some("observer")
    }
}

/// How many must agree of how many, from what the servers say.
fn quorum(members: &[Member]) -> Agreement {
    let voters = members.iter().map(|member| member.voters).max().unwrap_or(0);
    match members.iter().find_map(|member| member.mode.as_deref()) {
        Some("standalone") => Agreement::ONE,
        Some(_) if voters == 0 => Agreement::Ensemble,
        Some(_) => Agreement::of(voters / 2 + 1, voters),
        None => Agreement::Unread(UNREADABLE.to_owned()),
    }
}

/// The servers as nodes: one under several addresses is one, and observers do not vote. An
/// ensemble that does not show its list is taken to be what was given.
fn nodes(members: &[Result<Member, Away>]) -> Nodes {
    let mut seen = Vec::new();
    let asked: Vec<Result<(), Away>> = members
        .iter()
        .filter_map(|member| match member {
            Err(away) => Some(Err(away.clone())),
            Ok(member) if !member.votes() || (member.id.is_some() && seen.contains(&&member.id)) => None,
            Ok(member) => {
                seen.push(&member.id);
                Some(Ok(()))
            }
        })
        .collect();
    let listed = members.iter().flatten().map(|member| member.voters).max().unwrap_or(0);
    let total = if listed == 0 { asked.len() } else { listed };
    Nodes::of(asked, total / 2 + 1, total)
}

/// How often the first in a queue may go between two questions until we give up.
const MOVED_ON: u32 = 16;

/// Who is first in the queue below the parent of a lock: the name, the data and the facts of its node.
async fn first(client: &Client, parent: &str) -> Result<Option<(String, Vec<u8>, Stat)>, Error> {
    for _ in 0..MOVED_ON {
        let children = match bounded(ADMIN_LIMIT_NS, client.list_children(parent)).await {
            Err(Error::NoNode) => return Ok(None),
            children => children?,
        };
        let Some(name) = node::head(&children) else { return Ok(None) };
        match bounded(ADMIN_LIMIT_NS, client.get_data(&format!("{parent}/{name}"))).await {
            // It went between the two questions: another one is the first by now, and the lock need not be free.
            Err(Error::NoNode) => {}
            read => return read.map(|(data, stat)| Some((name.to_owned(), data, stat))),
        }
    }
    Err(Error::NoNode)
}

/// Who holds a lock, by the name of its node and its session.
async fn holder(client: &Client, parent: &str) -> Result<Option<Holder>, Error> {
    Ok(first(client, parent).await?.map(|(name, _, stat)| Holder {
        identity: format!("{name}, session {:#x}", stat.ephemeral_owner),
        token: u64::try_from(stat.czxid).ok(),
        ttl_ms: None,
    }))
}

/// The same by the name that its client wrote into its node.
async fn owner(client: &Client, parent: &str) -> Result<Option<Holder>, Error> {
    Ok(first(client, parent).await?.map(|(_, data, stat)| Holder {
        identity: String::from_utf8_lossy(&data).into_owned(),
        token: u64::try_from(stat.czxid).ok(),
        ttl_ms: None,
    }))
}

/// Deletes the waiters below the parent of a lock.
async fn empty(client: &Client, parent: &str) -> Result<(), Error> {
    let children = match bounded(ADMIN_LIMIT_NS, client.list_children(parent)).await {
        Err(Error::NoNode) => return Ok(()),
        children => children?,
    };
    for child in children {
        delete(client, &format!("{parent}/{child}")).await?;
    }
    Ok(())
}

async fn delete(client: &Client, path: &str) -> Result<(), Error> {
    match bounded(ADMIN_LIMIT_NS, client.delete(path, None)).await {
        Err(Error::NoNode) => Ok(()),
        done => done,
    }
}

impl LockSystem for ZookeeperSystem {
    fn name(&self) -> &'static str {
        NAME
    }

    fn guarantees(&self) -> &Guarantees {
        &GUARANTEES
    }

    fn addresses(&self) -> Vec<String> {
        self.config.hosts().to_vec()
    }

    fn facts(&self) -> Local<'_, Result<Facts, SystemError>> {
        Box::pin(ZookeeperSystem::facts(self))
    }

    fn prepare<'a>(&'a self, keys: &'a [Key]) -> Local<'a, Result<(), SystemError>> {
        Box::pin(ZookeeperSystem::prepare(self, keys))
    }

    fn open(&self, opening: Opening) -> Local<'_, Result<Box<dyn Session>, SystemError>> {
        Box::pin(async move {
            let session = ZookeeperSession::open(Arc::clone(&self.config), opening).await?;
            Ok(Box::new(session) as Box<dyn Session>)
        })
    }

    fn truths(&self) -> Vec<Box<dyn Truth>> {
        vec![Asker::boxed(Self { config: Arc::clone(&self.config) })]
    }

    fn survey<'a>(&'a self, keys: &'a [Key]) -> Local<'a, Result<Survey, SystemError>> {
        Box::pin(ZookeeperSystem::survey(self, keys))
    }

    fn nodes(&self) -> Local<'_, Option<Nodes>> {
        Box::pin(async {
            let members = self.members().await;
            let one_of_many = |member: &Member| member.voters == 0 && member.mode.as_deref() != Some("standalone");
            // One address of an ensemble that does not show its list: how many there are is not known.
            let unknown = members.len() == 1 && members.iter().flatten().any(one_of_many);
            (!unknown).then(|| nodes(&members))
        })
    }

    fn capacity(&self) -> Local<'_, Result<Capacity, SystemError>> {
        Box::pin(door::capacity(&self.config))
    }

    fn clean<'a>(&'a self, keys: &'a [Key]) -> Local<'a, Result<(), SystemError>> {
        Box::pin(ZookeeperSystem::clean(self, keys))
    }
}
