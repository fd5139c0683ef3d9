//! The requests of the recipe: one key a waiter below the lock's prefix, ordered
//! by create revision. Of a lock that has modes, those who share it have names of their own, behind all others, so that
//! one range has those who have it alone. Each function is one request (`clientv3/concurrency`,
//! `mutex.go` and `key.go`).

use etcd_client::{
    Client, Compare, CompareOp, EventType, GetOptions, PutOptions, SortOrder, SortTarget, Txn, TxnOp, TxnOpResponse,
    WatchFilterType, WatchOptions,
};

use super::config::{Config, Trouble};
use crate::planted::Flaw;
use lockbench_core::lock::Mode;

/// A waiter's key on the server.
#[derive(Clone, Debug)]
pub struct Place {
    /// Its name.
    pub key: String,
    /// Its create revision: the place in the queue, and the fencing token.
    pub revision: i64,
    /// What it waits for.
    pub mode: Mode,
}

/// What a key of one who shares the lock has before the lease. The others have hexadecimal digits there, which are below.
const SHARES: char = 's';

/// Whom a waiter of that mode waits for.
fn before(prefix: &str, mode: Mode, options: GetOptions) -> (String, GetOptions) {
    match mode {
        Mode::Shared => (prefix.to_owned(), options.with_range(format!("{prefix}{SHARES}"))),
        _ => (prefix.to_owned(), options.with_prefix()),
    }
}

/// With so many before it a waiter of that mode still has to wait.
fn room(mode: Mode) -> i64 {
    match mode {
        Mode::Permits { of } => i64::from(of),
        _ => 1,
    }
}

/// What came of entering the queue.
#[derive(Debug)]
pub enum Entered {
    /// Nobody is before us.
    First(Place),
    /// Somebody holds or waits before us.
    Behind(Place),
    /// A key of ours was there already, left by an attempt whose end was lost.
    Leftover(Place),
}

/// Where a waiter stands.
pub enum Stand {
    /// It waits for this key, as of this revision of the store. Of a semaphore: the oldest of those before it, where there is
    /// no permit left.
    Behind {
        /// The key.
        key: String,
        /// The revision.
        revision: i64,
    },
    /// It is there, and nobody is before it.
    First,
    /// Its own key is not there any more: its lease ended meanwhile, and it finds nobody before it all the same (the phantom
    /// grant of etcd#11456).
    Gone,
}

/// A connection with the limit for each of its requests.
pub struct Queue<'a> {
    pub config: &'a Config,
    pub client: &'a mut Client,
    /// Has the lock modes?
    pub modes: bool,
    pub limit_ns: u64,
}

impl Queue<'_> {
    /// Creates our key if it is not there, and asks for the oldest ones.
    pub async fn enter(&mut self, prefix: &str, mode: Mode, lease: i64, value: &str) -> Result<Entered, Trouble> {
        let (alone, sharing) = (format!("{prefix}{lease:x}"), format!("{prefix}{SHARES}{lease:x}"));
        let (key, other) = if mode == Mode::Shared { (sharing, alone) } else { (alone, sharing) };
        let oldest = || {
            let first = GetOptions::new().with_sort(SortTarget::Create, SortOrder::Ascend);
            let (from, options) = before(prefix, mode, first.with_limit(room(mode)));
            TxnOp::get(from, Some(options))
        };
        // A lock without modes has no keys of those who share it.
        let absent = |key: &str| Compare::create_revision(key, CompareOp::Equal, 0);
        let both = self.modes.then(|| absent(&other));
        let left = self.modes.then(|| TxnOp::get(other.as_str(), None));
        let txn = Txn::new()
            .when([absent(&key)].into_iter().chain(both).collect::<Vec<_>>())
            .and_then([TxnOp::put(key.as_str(), value, Some(PutOptions::new().with_lease(lease))), oldest()])
            .or_else([TxnOp::get(key.as_str(), None)].into_iter().chain(left).collect::<Vec<_>>());
        let answer = self.config.bounded(self.limit_ns, self.client.txn(txn)).await?;
        let answered = answer.op_responses();
        let revisions_at = |index: usize| match answered.get(index) {
            Some(TxnOpResponse::Get(get)) => get.kvs().iter().map(etcd_client::KeyValue::create_revision).collect(),
            _ => Vec::new(),
        };
        if !answer.succeeded() {
            let (own, others) = (revisions_at(0).first().copied(), revisions_at(1).first().copied());
            let (key, revision) = if own.is_none() && others.is_some() { (other, others) } else { (key, own) };
            return Ok(Entered::Leftover(Place { key, revision: revision.unwrap_or(0), mode }));
        }
        let revision = answer.header().map_or(0, etcd_client::ResponseHeader::revision);
        let oldest = revisions_at(1);
        let first = oldest.contains(&revision) || (oldest.len() as i64) < room(mode);
        let place = Place { key, revision, mode };
        Ok(if first { Entered::First(place) } else { Entered::Behind(place) })
    }

    /// Where `place` stands now: in one request whom it still waits for and whether it is there at all, so that both are of
    /// one revision of the store.
    pub async fn look(&mut self, prefix: &str, place: &Place, mode: Mode) -> Result<Stand, Trouble> {
        let first = self.config.planted == Some(Flaw::WatchesTheFirst);
        let last_before = GetOptions::new()
            .with_max_create_revision(place.revision - 1)
            .with_sort(SortTarget::Create, if first { SortOrder::Ascend } else { SortOrder::Descend })
            .with_limit(room(mode))
            .with_keys_only();
        let (from, last_before) = before(prefix, mode, last_before);
        let own = GetOptions::new().with_keys_only();
        let txn = Txn::new().and_then([TxnOp::get(from, Some(last_before)), TxnOp::get(place.key.as_str(), Some(own))]);
        let answer = self.config.bounded(self.limit_ns, self.client.txn(txn)).await?;
        let revision = answer.header().map_or(0, etcd_client::ResponseHeader::revision);
        let answered = answer.op_responses();
        let (Some(TxnOpResponse::Get(before)), Some(TxnOpResponse::Get(own))) = (answered.first(), answered.get(1))
        else {
            let text = "the server answered something else than was asked".to_owned();
            return Err(Trouble { certain: true, not_found: false, text });
        };
        let enough = before.kvs().len() as i64 >= room(mode);
        Ok(match before.kvs().last().filter(|_| enough) {
            Some(kv) => Stand::Behind { key: String::from_utf8_lossy(kv.key()).into_owned(), revision },
            None if own.kvs().first().is_some_and(|kv| kv.create_revision() == place.revision) => Stand::First,
            None => Stand::Gone,
        })
    }

    /// Completes when `key`, seen at `revision`, is deleted, or when it is time to
    /// ask for the predecessor again because the watch broke. Only the creation of
    /// the watch is limited in time. Whoever waits for a permit waits for anybody to leave: all who wait are told.
    pub async fn deleted(&mut self, key: &str, revision: i64, anybody: bool) -> Result<(), Trouble> {
        let options = WatchOptions::new().with_start_revision(revision + 1);
        let options = if anybody { options.with_prefix().with_filters([WatchFilterType::NoPut]) } else { options };
        let mut watch = self.config.bounded(self.limit_ns, self.client.watch(key, Some(options))).await?;
        loop {
            // The official client opens a broken watch again by itself.
            let Ok(Some(message)) = watch.message().await else { return Ok(()) };
            let deleted = message.events().iter().any(|event| event.event_type() == EventType::Delete);
            if deleted || message.compact_revision() != 0 {
                return Ok(());
            }
            if message.canceled() {
                let text = format!("the server refused the watch: {}", message.cancel_reason());
                return Err(Trouble { certain: true, not_found: false, text });
            }
        }
    }

    /// Deletes our key, and only ours. Was it there?
    pub async fn leave(&mut self, place: &Place) -> Result<bool, Trouble> {
        let txn = Txn::new()
            .when([Compare::create_revision(place.key.as_str(), CompareOp::Equal, place.revision)])
            .and_then([TxnOp::delete(place.key.as_str(), None)]);
        Ok(self.config.bounded(self.limit_ns, self.client.txn(txn)).await?.succeeded())
    }
}
