//! The requests of the recipe: one key a waiter below the lock's prefix, ordered
//! by create revision. Each function is one request (`clientv3/concurrency`,
//! `mutex.go` and `key.go`).

use etcd_client::{
    Client, Compare, CompareOp, EventType, GetOptions, PutOptions, SortOrder, SortTarget, Txn, TxnOp, TxnOpResponse,
    WatchOptions,
};

use super::config::{Config, Trouble};
use crate::planted::Flaw;

/// A waiter's key on the server.
#[derive(Clone, Debug)]
pub struct Place {
    /// Its name.
    pub key: String,
    /// Its create revision: the place in the queue, and the fencing token.
    pub revision: i64,
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

/// A connection with the limit for each of its requests.
pub struct Queue<'a> {
    pub config: &'a Config,
    pub client: &'a mut Client,
    pub limit_ns: u64,
}

impl Queue<'_> {
    /// Creates our key if it is not there, and asks for the oldest one.
    pub async fn enter(&mut self, prefix: &str, lease: i64, value: &str) -> Result<Entered, Trouble> {
        let key = format!("{prefix}{lease:x}");
        let oldest = || {
            let first = GetOptions::new().with_prefix().with_sort(SortTarget::Create, SortOrder::Ascend);
            TxnOp::get(prefix, Some(first.with_limit(1)))
        };
        let txn = Txn::new()
            .when([Compare::create_revision(key.as_str(), CompareOp::Equal, 0)])
            .and_then([TxnOp::put(key.as_str(), value, Some(PutOptions::new().with_lease(lease))), oldest()])
            .or_else([TxnOp::get(key.as_str(), None), oldest()]);
        let answer = self.config.bounded(self.limit_ns, self.client.txn(txn)).await?;
        let answered = answer.op_responses();
        let revision_at = |index: usize| match answered.get(index) {
            Some(TxnOpResponse::Get(get)) => get.kvs().first().map(etcd_client::KeyValue::create_revision),
            _ => None,
        };
        if !answer.succeeded() {
            let revision = revision_at(0).unwrap_or(0);
            return Ok(Entered::Leftover(Place { key, revision }));
        }
        let revision = answer.header().map_or(0, etcd_client::ResponseHeader::revision);
        let place = Place { key, revision };
        let first = revision_at(1).is_none_or(|oldest| oldest == revision);
        Ok(if first { Entered::First(place) } else { Entered::Behind(place) })
    }

    /// The key just before `place`, and the revision of the store that says so.
    pub async fn predecessor(&mut self, prefix: &str, place: &Place) -> Result<Option<(String, i64)>, Trouble> {
        let first = self.config.planted == Some(Flaw::WatchesTheFirst);
        let last_before = GetOptions::new()
            .with_prefix()
            .with_max_create_revision(place.revision - 1)
            .with_sort(SortTarget::Create, if first { SortOrder::Ascend } else { SortOrder::Descend })
            .with_limit(1)
            .with_keys_only();
        let answer = self.config.bounded(self.limit_ns, self.client.get(prefix, Some(last_before))).await?;
        let revision = answer.header().map_or(0, etcd_client::ResponseHeader::revision);
        Ok(answer.kvs().first().map(|kv| (String::from_utf8_lossy(kv.key()).into_owned(), revision)))
    }

    /// Completes when `key`, seen at `revision`, is deleted, or when it is time to
    /// ask for the predecessor again because the watch broke. Only the creation of
    /// the watch is limited in time.
    pub async fn deleted(&mut self, key: &str, revision: i64) -> Result<(), Trouble> {
        let options = WatchOptions::new().with_start_revision(revision + 1);
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

    /// Is our key still there?
    pub async fn present(&mut self, place: &Place) -> Result<bool, Trouble> {
        let options = GetOptions::new().with_keys_only();
        let answer = self.config.bounded(self.limit_ns, self.client.get(place.key.as_str(), Some(options))).await?;
        Ok(answer.kvs().first().is_some_and(|kv| kv.create_revision() == place.revision))
    }

    /// Deletes our key, and only ours. Was it there?
    pub async fn leave(&mut self, place: &Place) -> Result<bool, Trouble> {
        let txn = Txn::new()
            .when([Compare::create_revision(place.key.as_str(), CompareOp::Equal, place.revision)])
            .and_then([TxnOp::delete(place.key.as_str(), None)]);
        Ok(self.config.bounded(self.limit_ns, self.client.txn(txn)).await?.succeeded())
    }
}
