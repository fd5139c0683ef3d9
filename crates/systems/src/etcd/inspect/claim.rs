//! Keys with a lease, and the queues that they form. In the recipe of etcd's own client
//! (`clientv3/concurrency`, mutex.go) a key is named `PREFIX/LEASE`, the lease in
//! hexadecimal digits; the lowest create revision below a prefix holds the lock, the
//! others wait in that order. Other recipes keep one key with a lease a lock.

use std::collections::BTreeMap;

use lockbench_core::lock::inspection::{Sign, readable, sign};

/// A key with a lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Its name.
    pub key: Vec<u8>,
    /// Its lease.
    pub lease: i64,
    /// Its place in the queue.
    pub create_revision: i64,
}

impl Claim {
    /// A key as Range tells it.
    pub fn new(key: &[u8], lease: i64, create_revision: i64) -> Self {
        Self { key: key.to_vec(), lease, create_revision }
    }

    /// The prefix of a mutex's key.
    fn mutex(&self) -> Option<&[u8]> {
        let slash = self.key.iter().rposition(|byte| *byte == b'/')?;
        (self.key[slash + 1..] == *format!("{:x}", self.lease).as_bytes()).then_some(&self.key[..slash])
    }
}

/// Those who hold a lock or wait for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Queue {
    /// Name of the lock.
    pub name: String,
    /// The recipe.
    pub kind: &'static str,
    /// In order; never empty.
    pub claims: Vec<Claim>,
}

/// The queues among these keys, by name. Where no prefix was named, a key alone must have
/// the name of a lock.
pub fn queues(claims: Vec<Claim>, named: bool) -> Vec<Queue> {
    let mut queues: BTreeMap<(Vec<u8>, &'static str), Vec<Claim>> = BTreeMap::new();
    for claim in claims {
        let place = match claim.mutex() {
            Some(prefix) => (prefix.to_vec(), "mutex"),
            None if named || sign(&claim.key) > Sign::None => (claim.key.clone(), "key with a lease"),
            None => continue,
        };
        queues.entry(place).or_default().push(claim);
    }
    queues
        .into_iter()
        .map(|((name, kind), mut claims)| {
            claims.sort_by_key(|claim| claim.create_revision);
            Queue { name: readable(&name), kind, claims }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{Claim, queues};

    #[test]
    fn a_mutex_is_known_by_its_lease_and_its_order_is_that_of_creation() {
        let claims = || {
            vec![
                Claim::new(b"orders/7/1f", 0x1f, 30),
                Claim::new(b"orders/7/2a", 0x2a, 20),
                Claim::new(b"orders/7/sub/2a", 0x2a, 10),
                Claim::new(b"/locks/job", 9, 5),
                Claim::new(b"/registry/events/1", 9, 4),
                Claim::new(b"/services/clock-api/10.0.0.7:80", 9, 3),
            ]
        };
        let told = |named| {
            let queues = queues(claims(), named);
            queues.into_iter().map(|q| (q.name, q.kind, q.claims.iter().map(|c| c.lease).collect())).collect::<Vec<_>>()
        };
        let lock = ("/locks/job".to_owned(), "key with a lease", vec![9]);
        let orders = ("orders/7".to_owned(), "mutex", vec![0x2a, 0x1f]);
        let sub = ("orders/7/sub".to_owned(), "mutex", vec![0x2a]);
        assert_eq!(told(false), [lock.clone(), orders.clone(), sub.clone()]);
        let events = ("/registry/events/1".to_owned(), "key with a lease", vec![9]);
        let clock = ("/services/clock-api/10.0.0.7:80".to_owned(), "key with a lease", vec![9]);
        assert_eq!(told(true), [lock, events, clock, orders, sub]);
    }
}
