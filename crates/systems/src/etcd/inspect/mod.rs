//! Which locks are held on etcd, whoever took them: Range, LeaseTimeToLive and Status
//! are sent, nothing else. All keys are read at one revision of the store, page by page
//! and without their values, unless that revision is compacted meanwhile; then the values of the locks' keys alone.
//!
//! Every read is one that a majority has to agree with. Without a leader a member would
//! still tell what it knows, but that may be old, and an old list that happens to be empty
//! looks like a cluster without locks: such a look fails, and says so.

mod claim;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use etcd_client::{Client, GetOptions, ResponseHeader};
use futures_util::StreamExt;
use futures_util::future::join_all;
use futures_util::stream::iter;

use super::super::Target;
use super::config::{Config, Trouble};
use super::system::role;
use claim::{Claim, Queue, queues};
use lockbench_core::lock::inspection::{
    ClientSeen, IN_WORDS, Inspector, LockSeen, MOST_WAITERS, Observation, Scope, ServerSeen, Sign, readable, sign,
};
use lockbench_core::lock::{Local, SystemError};

/// Longest wait for an answer.
const LIMIT_NS: u64 = 3_000_000_000;

/// Longest search through the keys.
const LONGEST_NS: u64 = 30_000_000_000;

/// Members are asked so often who leads: a leader that is lost between two questions has a
/// successor by the time that a read is given up.
const TRIES: usize = 2;

/// Keys a page.
const PAGE: i64 = 1_000;

/// Requests under way at once.
const AT_ONCE: usize = 32;

/// Begins the answer to a read at a revision that is gone (`ErrGRPCCompacted` in
/// `etcdserver/api/v3rpc/rpctypes/error.go`).
const COMPACTED: &str = "etcdserver: mvcc: required revision has been compacted";

/// Begin of the message where nobody can tell what is held.
const NO_LEADER: &str = "no leader: what is held cannot be told until a majority of the members is back";

/// Looks at the members that were given.
pub struct Cluster {
    config: Config,
    scope: Scope,
}

/// The keys with a lease, as they were at one revision.
struct Store {
    revision: i64,
    claims: Vec<Claim>,
    /// Keys without a lease: all of them below a prefix, else those with the name of a lock.
    without_lease: u64,
    /// Moments at which the keys were read: more than one where the store was compacted meanwhile.
    moments: u32,
    cut: Option<String>,
}

/// A member that was asked what it is.
struct Member {
    url: String,
    seen: ServerSeen,
    /// Does it know a leader? Only then can it tell what a majority agrees with.
    leader: bool,
}

/// A lease in whole seconds: what is left and what was granted.
type Leases = HashMap<i64, Option<(u64, u64)>>;

impl Cluster {
    /// Reads the target. Contacts nobody.
    ///
    /// # Errors
    /// No address, or one that cannot be used.
    pub fn new(target: &Target, scope: Scope) -> Result<Self, SystemError> {
        Ok(Self { config: Config::new(target)?, scope })
    }

    async fn ask(&self) -> Result<Observation, SystemError> {
        let mut problem = String::new();
        for _ in 0..TRIES {
            let members: Vec<Member> =
                join_all(self.config.urls().iter().zip(self.config.addresses()).map(|one| self.member(one))).await;
            if members.iter().all(|member| member.seen.problem.is_some()) {
                return Err(self.config.error(&format!("{}; is etcd running there?", told(&members))));
            }
            let led: Vec<String> =
                members.iter().filter(|member| member.leader).map(|member| member.url.clone()).collect();
            if led.is_empty() {
                return Err(self.config.error(&format!("{NO_LEADER} ({})", told(&members))));
            }
            match self.looked(&led, &members).await {
                Ok(look) => return Ok(look),
                Err(trouble) if trouble.certain => {
                    let text = &trouble.text;
                    let of_rights = ["permission", "auth", "user name"].iter().any(|word| text.contains(word));
                    let hint = if of_rights { "; may this user read there?" } else { "" };
                    return Err(self.config.error(&format!("{text}{hint}")));
                }
                Err(trouble) => {
                    problem = format!("nothing was read: {}; is there a quorum? ({})", trouble.text, told(&members));
                }
            }
        }
        Err(self.config.error(&problem))
    }

    async fn looked(&self, led: &[String], members: &[Member]) -> Result<Observation, Trouble> {
        let client = self.config.connect(led, LIMIT_NS).await?;
        let store = self.read(&client).await?;
        Ok(self.pictured(&client, members.iter().map(|member| member.seen.clone()).collect(), store).await)
    }

    async fn member(&self, (url, address): (&String, String)) -> Member {
        let asked = async {
            let mut client = self.config.connect(std::slice::from_ref(url), LIMIT_NS).await?;
            self.config.bounded(LIMIT_NS, client.status()).await
        };
        let mut member =
            Member { url: url.clone(), seen: ServerSeen { address, ..ServerSeen::default() }, leader: false };
        match asked.await {
            Ok(status) => {
                member.seen.said = Some(format!("etcd {}, {}", status.version(), role(&status)));
                member.leader = status.leader() != 0;
            }
            Err(trouble) => member.seen.problem = Some(trouble.text),
        }
        member
    }

    /// Every key with a lease below the prefix.
    async fn read(&self, client: &Client) -> Result<Store, Trouble> {
        let prefix = self.scope.prefix.clone().unwrap_or_default().into_bytes();
        let until = self.config.clock.now().saturating_add(LONGEST_NS);
        let named = self.scope.prefix.is_some();
        let mut kv = client.kv_client();
        let mut store = Store { revision: 0, claims: Vec::new(), without_lease: 0, moments: 1, cut: None };
        let mut from = if prefix.is_empty() { vec![0] } else { prefix.clone() };
        loop {
            let mut options = GetOptions::new().with_range(end(&prefix)).with_limit(PAGE).with_keys_only();
            options = options.with_revision(store.revision);
            let page = match self.config.bounded(LIMIT_NS, kv.get(from.clone(), Some(options))).await {
                Ok(page) => page,
                // What is left is read as it is now.
                Err(trouble) if store.revision > 0 && trouble.text.contains(COMPACTED) => {
                    store.revision = 0;
                    store.moments += 1;
                    continue;
                }
                Err(trouble) => return Err(trouble),
            };
            if store.revision == 0 {
                store.revision = page.header().map_or(0, ResponseHeader::revision);
            }
            for key in page.kvs() {
                match key.lease() {
                    0 if named || sign(key.key()) > Sign::None => store.without_lease += 1,
                    0 => {}
                    lease => store.claims.push(Claim::new(key.key(), lease, key.create_revision())),
                }
            }
            let Some(last) = page.kvs().last().filter(|_| page.more()) else { return Ok(store) };
            from = [last.key(), &[0]].concat();
            if self.config.clock.now() > until {
                store.cut =
                    Some(format!("the search stopped after {} s: there are many keys", LONGEST_NS / 1_000_000_000));
                return Ok(store);
            }
        }
    }

    async fn pictured(&self, client: &Client, servers: Vec<ServerSeen>, store: Store) -> Observation {
        let named = self.scope.prefix.is_some();
        let mut queues = queues(store.claims, named);
        let truncated = (queues.len() > self.scope.limit).then(|| format!("stopped at --limit {}", self.scope.limit));
        queues.truncate(self.scope.limit);
        let shown = || queues.iter().flat_map(|queue| queue.claims.iter().take(1 + MOST_WAITERS));
        let values: BTreeMap<Vec<u8>, String> = iter(shown().map(|claim| claim.key.clone()))
            .map(|key| self.value(client, key))
            .buffer_unordered(AT_ONCE)
            .filter_map(|found| async { found })
            .collect()
            .await;
        let leases: BTreeSet<i64> = shown().map(|claim| claim.lease).collect();
        let leases: Leases =
            iter(leases).map(|lease| self.lease(client, lease)).buffer_unordered(AT_ONCE).collect().await;
        let mut notes = Vec::new();
        match store.without_lease {
            0 => {}
            keys if named => notes.push(format!("passed over: {keys} keys without a lease")),
            keys => notes.push(format!(
                "passed over: {keys} keys with the name of a lock and without a lease; such a lock stays until somebody \
                 deletes it"
            )),
        }
        if store.moments > 1 {
            notes.push(format!(
                "the store was compacted while its keys were read: what is shown is of {} moments",
                store.moments
            ));
        }
        let untold = [
            ("since_ms", "etcd orders its keys by revision and keeps no times"),
            ("identity", "etcd's own mutex writes an empty value"),
        ];
        Observation {
            servers,
            scope: match &self.scope.prefix {
                Some(prefix) => format!("keys with a lease that start with {prefix}"),
                None => {
                    format!("keys named PREFIX/LEASE as etcd's mutex names them, and keys with a lease and {IN_WORDS}")
                }
            },
            locks: queues.iter().map(|queue| lock(queue, &values, &leases)).collect(),
            truncated: store.cut.or(truncated),
            untold: untold.map(|(field, reason)| (field.to_owned(), reason.to_owned())).into(),
            notes,
            ..Observation::default()
        }
    }

    async fn value(&self, client: &Client, key: Vec<u8>) -> Option<(Vec<u8>, String)> {
        let answer = self.config.bounded(LIMIT_NS, client.kv_client().get(key.clone(), None)).await.ok()?;
        let text = readable(answer.kvs().first()?.value());
        (!text.is_empty()).then_some((key, text))
    }

    async fn lease(&self, client: &Client, lease: i64) -> (i64, Option<(u64, u64)>) {
        let asked = self.config.bounded(LIMIT_NS, client.lease_client().time_to_live(lease, None)).await;
        // -1: the lease is over.
        let told = asked
            .ok()
            .and_then(|told| Some((u64::try_from(told.ttl()).ok()?, u64::try_from(told.granted_ttl()).ok()?)));
        (lease, told)
    }
}

/// What each member says, in one line.
fn told(members: &[Member]) -> String {
    let each = members.iter().map(|Member { seen, .. }| {
        let said = seen.problem.as_ref().or(seen.said.as_ref());
        format!("{}: {}", seen.address, said.map_or("", String::as_str))
    });
    each.collect::<Vec<_>>().join("; ")
}

/// First key that does not start with the prefix, as Range wants it: a zero byte means no end
/// (<https://etcd.io/docs/v3.4/learning/api/#range>).
fn end(prefix: &[u8]) -> Vec<u8> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if last < 0xff {
            end.push(last + 1);
            return end;
        }
    }
    vec![0]
}

fn lock(queue: &Queue, values: &BTreeMap<Vec<u8>, String>, leases: &Leases) -> LockSeen {
    let seen = |claim: &Claim| {
        let lease = leases.get(&claim.lease).copied().flatten();
        ClientSeen {
            client: format!("lease {:x}", claim.lease),
            identity: values.get(&claim.key).cloned(),
            token: u64::try_from(claim.create_revision).ok(),
            ttl_left_ms: lease.map(|(left, _)| left * 1_000),
            ttl_ms: lease.map(|(_, granted)| granted * 1_000),
            ..ClientSeen::default()
        }
    };
    let mut clients = queue.claims.iter().take(1 + MOST_WAITERS).map(seen);
    let holders: Vec<ClientSeen> = clients.next().into_iter().collect();
    let over = holders.iter().any(|holder| holder.ttl_left_ms.is_none());
    LockSeen {
        name: queue.name.clone(),
        kind: queue.kind.to_owned(),
        holders,
        waiting: Some(queue.claims.len() as u64 - 1),
        waiters: clients.collect(),
        notes: over.then(|| "the holder's lease is over, or could not be read".to_owned()).into_iter().collect(),
        ..LockSeen::default()
    }
}

impl Inspector for Cluster {
    fn observe(&mut self) -> Local<'_, Result<Observation, SystemError>> {
        Box::pin(self.ask())
    }

    fn close(self: Box<Self>) -> Local<'static, ()> {
        Box::pin(async move { drop(self) })
    }
}

#[cfg(test)]
mod tests {
    use super::end;

    #[test]
    fn a_range_ends_where_the_prefix_ends() {
        assert_eq!(
            (end(b"ab"), end(b"a\xff"), end(b"\xff"), end(b"")),
            (b"ac".to_vec(), b"b".to_vec(), vec![0], vec![0])
        );
    }
}
