//! The etcd entry as a whole: what the servers say of themselves, clean keys,
//! sessions, and who holds a key.

use std::sync::{Arc, OnceLock};

use etcd_client::{
    AlarmAction, AlarmType, Client, DeleteOptions, GetOptions, ResponseHeader, SortOrder, SortTarget, StatusResponse,
};
use futures_util::future::join_all;

use super::config::{Config, Trouble};
use super::lock_rpc::LockRpcSession;
use super::members::Members;
use super::session::EtcdSession;
use super::shared::Deletions;
use crate::Entry;
use crate::truth::{Asker, Question};
use lockbench_core::lock::{
    Agreement, Away, Capacity, Caveats, Facts, Guarantees, Holder, Key, Local, LockSystem, Nodes, Opening, Persistence,
    Session, Survey, SystemError, Truth,
};

/// Longest wait for an answer outside of sessions, which have the plan's.
const ADMIN_LIMIT_NS: u64 = 5_000_000_000;

/// etcd synchronises its write-ahead log before it answers a write
/// (<https://etcd.io/docs/v3.4/op-guide/hardware/#disks>); the flag
/// `--unsafe-no-fsync` of 3.5 and later turns that off, and no request reads it back.
fn durability() -> Persistence {
    Persistence::synced_log("write-ahead log", "etcd's documentation; --unsafe-no-fsync cannot be read back")
}

/// How clients wait.
pub(super) enum Waits {
    /// Each watches the key before its own.
    Itself,
    /// One watch is shared by all of this process.
    Sharing(OnceLock<Arc<Deletions>>),
    /// The lock service of the server waits for them.
    AtTheServer,
}

/// The lock systems on etcd.
pub struct EtcdSystem {
    entry: &'static Entry,
    config: Arc<Config>,
    waits: Waits,
}

impl EtcdSystem {
    /// A system on these servers.
    pub(super) fn new(entry: &'static Entry, config: Config, waits: Waits) -> Self {
        Self { entry, config: Arc::new(config), waits }
    }

    async fn session(&self, opening: Opening) -> Result<Box<dyn Session>, SystemError> {
        let config = Arc::clone(&self.config);
        let shared = match &self.waits {
            Waits::AtTheServer => return Ok(Box::new(LockRpcSession::open(config, opening).await?)),
            Waits::Itself => None,
            Waits::Sharing(shared) => Some(match shared.get() {
                Some(shared) => Arc::clone(shared),
                None => {
                    let made = Deletions::watched(Arc::clone(&config)).map_err(|e| config.error(&e.to_string()))?;
                    // Another client may have been faster: what was made for nothing ends by itself.
                    Arc::clone(shared.get_or_init(|| made))
                }
            }),
        };
        Ok(Box::new(EtcdSession::open(config, opening, shared).await?))
    }

    async fn client(&self) -> Result<(Client, Members), SystemError> {
        Members::connect(&self.config, ADMIN_LIMIT_NS).await.map_err(|trouble| self.failed("connect", &trouble))
    }

    fn failed(&self, what: &str, trouble: &Trouble) -> SystemError {
        let advice = super::config::advice(&trouble.text).unwrap_or("is etcd running there, and may this user do it?");
        self.config.error(&format!("{what}: {}; {advice}", trouble.text))
    }

    async fn request<T>(
        &self,
        what: &str,
        request: impl Future<Output = Result<T, etcd_client::Error>>,
    ) -> Result<T, SystemError> {
        self.config.bounded(ADMIN_LIMIT_NS, request).await.map_err(|trouble| self.failed(what, &trouble))
    }

    /// What each member says of itself; each is asked by itself, as through the balanced
    /// connection only one would answer.
    async fn members(&self) -> Vec<Result<Member, Away>> {
        let hosts = self.config.addresses();
        let asked = self.config.urls().iter().zip(hosts).map(async |(url, address)| {
            let asked = async {
                let mut client = self.config.connect(std::slice::from_ref(url), ADMIN_LIMIT_NS).await?;
                let status = self.config.bounded(ADMIN_LIMIT_NS, client.status()).await?;
                let list = self.config.bounded(ADMIN_LIMIT_NS, client.member_list()).await?;
                Ok(Member {
                    address: address.clone(),
                    id: status.header().map(ResponseHeader::member_id),
                    version: status.version().to_owned(),
                    role: role(&status),
                    led: status.leader() != 0,
                    voters: list.members().iter().filter(|member| !member.is_learner()).count(),
                })
            };
            let answered: Result<Member, Trouble> = asked.await;
            answered.map_err(|trouble| Away { address: address.clone(), problem: trouble.text })
        });
        join_all(asked).await
    }

    async fn facts(&self) -> Result<Facts, SystemError> {
        let members = self.members().await;
        let nodes = nodes(&members);
        if !nodes.suffice() {
            let text = format!("{nodes} serve, {} must: {}", nodes.needed, nodes.problems());
            return Err(self.failed("cannot read its settings", &Trouble { certain: true, not_found: false, text }));
        }
        let members: Vec<Member> = members.into_iter().filter_map(Result::ok).collect();
        let mut versions: Vec<String> = Vec::new();
        for Member { version, .. } in &members {
            if !versions.contains(version) {
                versions.push(version.clone());
            }
        }
        let identities: Vec<_> =
            members.iter().map(|member| (member.address.clone(), member.id.map(|id| format!("{id:x}")))).collect();
        Ok(Facts {
            version: versions.join(", "),
            durability: durability(),
            quorum: Agreement::Nodes { needed: nodes.needed, total: nodes.total },
            role: members.iter().map(|member| member.role).collect::<Vec<_>>().join(", "),
            caveats: Caveats { same_server: Caveats::same(&identities), ..Caveats::default() },
        })
    }

    /// etcd sets no limit on connections of its own. What keeps it from serving is an alarm
    /// (<https://etcd.io/docs/v3.4/op-guide/maintenance/#space-quota>).
    async fn read_capacity(&self) -> Result<Capacity, SystemError> {
        let (mut client, _members) = self.client().await?;
        let asked = client.alarm(AlarmAction::Get, AlarmType::None, None);
        let mut capacity = Capacity::default();
        match self.config.bounded(ADMIN_LIMIT_NS, asked).await {
            Ok(answer) => {
                let mut names: Vec<String> = answer.alarms().iter().map(|alarm| named(alarm.alarm())).collect();
                names.sort();
                names.dedup();
                capacity.troubles = names;
            }
            Err(trouble) => capacity.not_asked.push(format!("alarms: {}", trouble.text)),
        }
        Ok(capacity)
    }

    /// Deletes the waiters' keys of these locks.
    async fn clear(&self, keys: &[Key]) -> Result<(), SystemError> {
        let (mut client, _members) = self.client().await?;
        let count = GetOptions::new().with_prefix().with_count_only();
        let left = self.request("count our keys", client.get(self.config.namespace(), Some(count))).await?.count();
        if left == 0 {
            return Ok(());
        }
        for key in keys {
            let options = DeleteOptions::new().with_prefix();
            self.request("delete our keys", client.delete(self.config.prefix(key), Some(options))).await?;
        }
        Ok(())
    }

    async fn survey(&self, keys: &[Key]) -> Result<Survey, SystemError> {
        let (mut client, _members) = self.client().await?;
        let mut holders = Vec::with_capacity(keys.len());
        for key in keys {
            holders.push(self.holder(&mut client, key).await?);
        }
        // Last, when the connection is surely made.
        let count = GetOptions::new().with_prefix().with_count_only();
        let asked = self.config.clock.now();
        self.request("count our keys", client.get(self.config.namespace(), Some(count))).await?;
        Ok(Survey { round_trip_ns: Some(self.config.clock.now().saturating_sub(asked)), holders })
    }

    async fn holder(&self, client: &mut Client, key: &Key) -> Result<Option<Holder>, SystemError> {
        let oldest = GetOptions::new().with_prefix().with_sort(SortTarget::Create, SortOrder::Ascend).with_limit(1);
        let answer = self.request("read", client.get(self.config.prefix(key), Some(oldest))).await?;
        let Some(holder) = answer.kvs().first() else { return Ok(None) };
        let lease = self.request("read the lease", client.lease_time_to_live(holder.lease(), None)).await?;
        Ok(Some(Holder {
            identity: match String::from_utf8_lossy(holder.value()) {
                // The lock service writes nothing into its keys.
                empty if empty.is_empty() => format!("lease {:x}", holder.lease()),
                client => format!("{client}, lease {:x}", holder.lease()),
            },
            token: u64::try_from(holder.create_revision()).ok(),
            // -1 says that the lease is over.
            ttl_ms: u64::try_from(lease.ttl()).ok().map(|seconds| seconds * 1_000),
        }))
    }
}

impl Question for EtcdSystem {
    type Line = (Client, Members);

    async fn open(&self) -> Result<Self::Line, SystemError> {
        self.client().await
    }

    async fn ask(&self, (client, _): &mut Self::Line, keys: &[Key]) -> Result<Vec<Option<Holder>>, SystemError> {
        let mut holders = Vec::with_capacity(keys.len());
        for key in keys {
            holders.push(self.holder(client, key).await?);
        }
        Ok(holders)
    }
}

/// A member that answered.
struct Member {
    address: String,
    id: Option<u64>,
    version: String,
    role: &'static str,
    /// Has it a leader? Without one it serves nothing that needs agreement.
    led: bool,
    /// Members that vote, by its list.
    voters: usize,
}

/// The members as nodes: one under several addresses is one, and one without a leader does
/// not serve.
fn nodes(members: &[Result<Member, Away>]) -> Nodes {
    let voters = members.iter().flatten().map(|member| member.voters).max().unwrap_or(members.len());
    let mut seen = Vec::new();
    let asked = members.iter().filter_map(|member| match member {
        Err(away) => Some(Err(away.clone())),
        Ok(member) if member.id.is_some() && seen.contains(&member.id) => None,
        Ok(member) if !member.led => {
            let problem = "it answers, but its cluster has no leader".to_owned();
            Some(Err(Away { address: member.address.clone(), problem }))
        }
        Ok(member) => {
            seen.push(member.id);
            Some(Ok(()))
        }
    });
    Nodes::of(asked, voters / 2 + 1, voters)
}

/// An alarm and what to do about it.
fn named(alarm: AlarmType) -> String {
    match alarm {
        AlarmType::Nospace => format!("alarm NOSPACE is raised: {}", super::config::NO_SPACE),
        AlarmType::Corrupt => "alarm CORRUPT is raised: a member's data differ from the others'".to_owned(),
        AlarmType::None => "an alarm is raised that it does not name".to_owned(),
    }
}

/// Raft's role of the member that answered: it names the leader, which may be itself
/// (<https://etcd.io/docs/v3.4/dev-guide/api_reference_v3/#message-statusresponse-etcdserveretcdserverpbrpcproto>).
pub fn role(status: &StatusResponse) -> &'static str {
    match (status.header().map(ResponseHeader::member_id), status.leader()) {
        (_, 0) => "member without a leader",
        (Some(member), leader) if member == leader => "leader",
        _ => "follower",
    }
}

impl LockSystem for EtcdSystem {
    fn name(&self) -> &'static str {
        self.entry.name
    }

    fn guarantees(&self) -> &Guarantees {
        &self.entry.guarantees
    }

    fn addresses(&self) -> Vec<String> {
        self.config.addresses()
    }

    fn facts(&self) -> Local<'_, Result<Facts, SystemError>> {
        Box::pin(EtcdSystem::facts(self))
    }

    fn prepare<'a>(&'a self, keys: &'a [Key]) -> Local<'a, Result<(), SystemError>> {
        Box::pin(self.clear(keys))
    }

    fn open(&self, opening: Opening) -> Local<'_, Result<Box<dyn Session>, SystemError>> {
        Box::pin(self.session(opening))
    }

    fn truths(&self) -> Vec<Box<dyn Truth>> {
        vec![Asker::boxed(Self { entry: self.entry, config: Arc::clone(&self.config), waits: Waits::Itself })]
    }

    fn survey<'a>(&'a self, keys: &'a [Key]) -> Local<'a, Result<Survey, SystemError>> {
        Box::pin(EtcdSystem::survey(self, keys))
    }

    fn nodes(&self) -> Local<'_, Option<Nodes>> {
        Box::pin(async { Some(nodes(&self.members().await)) })
    }

    fn capacity(&self) -> Local<'_, Result<Capacity, SystemError>> {
        Box::pin(self.read_capacity())
    }

    fn clean<'a>(&'a self, keys: &'a [Key]) -> Local<'a, Result<(), SystemError>> {
        Box::pin(self.clear(keys))
    }
}
