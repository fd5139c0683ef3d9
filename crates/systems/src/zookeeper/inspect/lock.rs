//! From waiters' nodes to who holds a lock: their sessions are asked for, and the recipes'
//! own rules are applied. A node that this user may not read still tells whose it is, as
//! `exists` needs no right (Programmer's Guide, "ACL Permissions").

use std::collections::HashMap;
use std::time::{SystemTime, UNIX_EPOCH};

use futures_util::future::join_all;
use zookeeper_client::{Client, Error, Stat};

use super::super::link::bounded;
use super::waiter::{Connection, Side, Waiter, holding, leading};
use super::walk::Found;
use super::{AT_ONCE, LIMIT_NS};
use lockbench_core::lock::inspection::{ClientSeen, LockSeen, MOST_WAITERS, readable};

/// What is needed to read waiters' nodes.
pub struct Reading<'a> {
    /// The session that asks.
    pub client: &'a Client,
    /// Was a prefix given?
    pub named: bool,
    /// Connections by session, where the servers tell them.
    pub connections: &'a HashMap<i64, Connection>,
}

/// A waiter's node as it was read.
struct WaiterNode {
    side: Side,
    /// Its session; 0: the node is not ephemeral.
    session: i64,
    client: ClientSeen,
}

/// The waiters' nodes below one parent.
struct Nodes {
    seen: Vec<WaiterNode>,
    /// Nodes whose data may not be read.
    unread: usize,
}

/// The locks with these waiters, and how many nodes may not be read.
pub async fn locks(reading: &Reading<'_>, found: Vec<Found>) -> Result<(Vec<LockSeen>, usize), Error> {
    let mut queues: HashMap<String, Found> = HashMap::new();
    let mut alone = Vec::new();
    let semaphores: Vec<String> = found.iter().filter_map(semaphore).map(str::to_owned).collect();
    for one in found {
        match one.parent.strip_suffix("/locks").filter(|name| semaphores.iter().any(|semaphore| semaphore == name)) {
            Some(name) => drop(queues.insert(name.to_owned(), one)),
            None => alone.push(one),
        }
    }
    let (mut locks, mut unread) = (Vec::new(), 0);
    for some in alone.chunks(AT_ONCE) {
        let read = some.iter().map(|found| {
            let queue = semaphore(found).and_then(|name| queues.get(name));
            lock(reading, found, queue)
        });
        for one in join_all(read).await {
            let (lock, hidden) = one?;
            unread += hidden;
            locks.extend(lock);
        }
    }
    Ok((locks, unread))
}

/// Name of the semaphore whose leases these are: Curator keeps them in `NAME/leases`, and in
/// `NAME/locks` a mutex of the client that takes the next one (InterProcessSemaphoreV2.java).
fn semaphore(found: &Found) -> Option<&str> {
    let leases = found.waiters.iter().any(|waiter| waiter.side == Side::Lease);
    found.parent.strip_suffix("/leases").filter(|_| leases)
}

/// Reads a lock's first waiters. `None`: nothing of it is left, or it is no lock.
async fn lock(reading: &Reading<'_>, found: &Found, queue: Option<&Found>) -> Result<(Option<LockSeen>, usize), Error> {
    let most = |found: &Found| holding(&found.waiters).clamp(1, 10 * MOST_WAITERS) + MOST_WAITERS;
    let Nodes { seen, mut unread } = read(reading, found, most(found)).await?;
    let lasting = seen.iter().any(|one| one.session == 0);
    // Sequential nodes that last and are not named as a lock's are a queue of something else.
    if seen.is_empty() || lasting && reading.named && !found.named_as_lock {
        return Ok((None, unread));
    }
    let listed = seen.len();
    let name = semaphore(found).unwrap_or(&found.parent).to_owned();
    let (mut holders, mut waiters) = divided(seen);
    let mut others = found.waiters.len() - listed;
    if let Some(queue) = queue {
        let queued = read(reading, queue, MOST_WAITERS).await?;
        unread += queued.unread;
        others += queue.waiters.len() - queued.seen.len();
        waiters.extend(waiting_for_a_lease(&mut holders, queued.seen));
    }
    let mut notes = Vec::new();
    if lasting {
        notes.push("has nodes that are not ephemeral: they outlive their clients".to_owned());
    }
    if found.went_round {
        notes.push(
            "the counter of its nodes went round: clients that compare the numbers as they are disagree on whose turn it is"
                .to_owned(),
        );
    }
    let lock = LockSeen {
        name,
        kind: if semaphore(found).is_some() { "Curator semaphore" } else { found.kind() }.to_owned(),
        holders: holders.into_iter().map(|holder| holder.client).collect(),
        waiting: Some((waiters.len() + others) as u64),
        waiters: waiters.into_iter().map(|waiter| waiter.client).collect(),
        notes,
        ..LockSeen::default()
    };
    Ok((Some(lock), unread))
}

/// Those who hold, and those who wait. Beside the first ones in order those readers hold who
/// are in the session of the writer that holds: Curator lets a writer read
/// (InterProcessReadWriteLock.java, `readLockPredicate`).
fn divided(mut seen: Vec<WaiterNode>) -> (Vec<WaiterNode>, Vec<WaiterNode>) {
    let rest = seen.split_off(leading(seen.iter().map(|one| one.side)));
    let writer = seen.iter().find(|one| one.side == Side::Write).map(|one| one.session).filter(|session| *session != 0);
    let reads_too = |one: &WaiterNode| one.side == Side::Read && Some(one.session) == writer;
    let (own, waiters): (Vec<WaiterNode>, Vec<WaiterNode>) = rest.into_iter().partition(reads_too);
    seen.extend(own);
    (seen, waiters)
}

/// Those who wait for a lease of a semaphore, in order. The first in its queue may have made
/// its lease's node already; it is there last, and it holds none until there is room.
fn waiting_for_a_lease(leases: &mut Vec<WaiterNode>, queue: Vec<WaiterNode>) -> Vec<WaiterNode> {
    let first = queue.first().map(|first| first.session);
    if let Some(place) = leases.iter().rposition(|lease| Some(lease.session) == first) {
        leases.remove(place);
    }
    queue
}

async fn read(reading: &Reading<'_>, found: &Found, most: usize) -> Result<Nodes, Error> {
    let shown: Vec<&Waiter> = found.waiters.iter().take(most).collect();
    let mut nodes = Nodes { seen: Vec::new(), unread: 0 };
    for some in shown.chunks(AT_ONCE) {
        let paths: Vec<String> =
            some.iter().map(|waiter| format!("{}/{}", found.parent.trim_end_matches('/'), waiter.name)).collect();
        let read = join_all(paths.iter().map(|path| node(reading.client, path))).await;
        for (waiter, read) in some.iter().zip(read) {
            let Some((data, stat)) = read? else { continue };
            nodes.unread += usize::from(data.is_none());
            nodes.seen.push(seen(waiter, data.as_deref(), &stat, reading.connections));
        }
    }
    Ok(nodes)
}

/// A node's data, if this user may read it, and what its server says of it. `None`: it is gone.
async fn node(client: &Client, path: &str) -> Result<Option<(Option<Vec<u8>>, Stat)>, Error> {
    match bounded(LIMIT_NS, client.get_data(path)).await {
        Ok((data, stat)) => Ok(Some((Some(data), stat))),
        Err(Error::NoNode) => Ok(None),
        Err(Error::NoAuth) => Ok(bounded(LIMIT_NS, client.check_stat(path)).await?.map(|stat| (None, stat))),
        Err(error) => Err(error),
    }
}

fn seen(waiter: &Waiter, data: Option<&[u8]>, stat: &Stat, connections: &HashMap<i64, Connection>) -> WaiterNode {
    let session = stat.ephemeral_owner;
    let client = if session == 0 { format!("node {}", waiter.name) } else { format!("session {session:#x}") };
    let mut client = ClientSeen {
        client,
        identity: data.map(readable).filter(|identity| !identity.is_empty()),
        mode: waiter.side.mode(),
        token: u64::try_from(stat.czxid).ok(),
        since_ms: since(stat.ctime),
        ..ClientSeen::default()
    };
    client.details.insert("node".to_owned(), waiter.name.clone());
    if let Some(connection) = connections.get(&session) {
        client.details.insert("from".to_owned(), connection.from.clone());
        client.ttl_ms = connection.timeout_ms;
    }
    WaiterNode { side: waiter.side, session, client }
}

/// Milliseconds since an instant of the server's wall clock.
fn since(unix_ms: i64) -> Option<u64> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?.as_millis() as u64;
    Some(now.saturating_sub(u64::try_from(unix_ms).ok()?))
}

#[cfg(test)]
mod tests {
    use super::{ClientSeen, Side, WaiterNode, divided, waiting_for_a_lease};

    fn seen(side: Side, session: i64) -> WaiterNode {
        WaiterNode { side, session, client: ClientSeen::default() }
    }

    fn sessions(seen: &[WaiterNode]) -> Vec<i64> {
        seen.iter().map(|one| one.session).collect()
    }

    #[test]
    fn a_writer_that_reads_too_waits_for_nobody() {
        use Side::{Read, Write};
        let (holders, waiters) = divided(vec![seen(Write, 1), seen(Read, 2), seen(Read, 1), seen(Write, 1)]);
        assert_eq!((sessions(&holders), sessions(&waiters)), (vec![1, 1], vec![2, 1]));
    }

    #[test]
    fn all_leases_hold_but_the_one_of_the_client_that_still_waits() {
        use Side::{Lease, Only};
        let (mut holders, waiters) = divided(vec![seen(Lease, 1), seen(Lease, 1), seen(Lease, 2)]);
        assert_eq!((sessions(&holders), waiters.len()), (vec![1, 1, 2], 0));
        let waiting = waiting_for_a_lease(&mut holders, vec![seen(Only, 2), seen(Only, 3)]);
        assert_eq!((sessions(&holders), sessions(&waiting)), (vec![1, 1], vec![2, 3]));
        // It has not made its node yet.
        let waiting = waiting_for_a_lease(&mut holders, vec![seen(Only, 4)]);
        assert_eq!((sessions(&holders), sessions(&waiting)), (vec![1, 1], vec![4]));
    }
}
