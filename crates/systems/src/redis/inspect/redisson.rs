//! Redisson's locks: hashes of `<client>:<thread>` and how often that thread holds the lock
//! (Redisson's RedissonLock.java, RedissonReadLock.java, RedissonFairLock.java).

use std::collections::BTreeMap;

use redis::Value;

use super::key::Held;
use lockbench_core::lock::inspection::{ClientSeen, readable};

/// Part of the names of what Redisson keeps beside its locks: queues, latches, counters of
/// tokens (RedissonFairLock.java, RedissonBaseLock.java, RedissonFencedLock.java), and the
/// leases of single readers (RedissonReadLock.java).
const BESIDE: [&[u8]; 2] = [b"redisson_", b":rwlock_timeout:"];

/// Is it the name of something that Redisson keeps beside a lock?
pub fn beside_a_lock(name: &[u8]) -> bool {
    let within = |part: &[u8]| name.windows(part.len()).any(|window| window == part);
    name.starts_with(BESIDE[0]) || within(&[b":", BESIDE[0]].concat()) || within(BESIDE[1])
}

/// Name of the queue of a fair lock. A name with a hash tag keeps it (`prefixName` in
/// RedissonObject.java).
pub fn queue_of(name: &[u8]) -> Vec<u8> {
    match name.contains(&b'{') {
        true => [b"redisson_lock_queue:", name].concat(),
        false => [b"redisson_lock_queue:{", name, b"}"].concat(),
    }
}

/// A hash as Redisson writes it; its `mode` tells the two sides of a read-write lock apart.
/// A client whose id is no UUID is believed where there is a lease, and but one holder or a
/// `mode`: a hash of counters (`page:17` 4, `page:18` 2) looks the same otherwise.
/// `more`: the begin of its queue, the queue's length, the number of fields, the `mode`.
pub fn redisson(content: &Value, more: &[Value], ttl_left_ms: Option<u64>) -> Option<Held> {
    let Value::Array(page) = content else { return None };
    let Some(Value::Array(flat)) = page.get(1) else { return None };
    let [queue, queued, fields, mode] = more else { return None };
    let texts: Vec<String> = flat.iter().map(bytes).collect::<Option<Vec<_>>>()?.into_iter().map(readable).collect();
    let pairs: Vec<(&str, &str)> = texts.chunks_exact(2).map(|pair| (pair[0].as_str(), pair[1].as_str())).collect();
    let mode = bytes(mode).map(readable);
    if mode.as_deref().is_some_and(|mode| !["read", "write"].contains(&mode)) {
        return None;
    }
    let mut uuids = true;
    let mut holders = Vec::new();
    for (field, count) in pairs.iter().filter(|(field, _)| *field != "mode") {
        let (instance, thread) = owner(field)?;
        let count: u64 = count.parse().ok().filter(|count| *count > 0)?;
        uuids &= is_uuid(instance);
        holders.push(ClientSeen {
            client: (*field).to_owned(),
            identity: Some(format!("thread {thread} of {instance}")),
            mode: mode.clone(),
            details: BTreeMap::from([("holds".to_owned(), count.to_string())]),
            ..ClientSeen::default()
        });
    }
    let number = |value: &Value| if let Value::Int(number) = value { u64::try_from(*number).ok() } else { None };
    let all = number(fields)?.saturating_sub(u64::from(mode.is_some()));
    let mut notes = Vec::new();
    if all > holders.len() as u64 {
        notes.push(format!("{all} clients hold it; {} of them are listed", holders.len()));
    }
    let waiters = match queue {
        Value::Array(entries) if !entries.is_empty() => Some(
            entries
                .iter()
                .filter_map(bytes)
                .map(|entry| ClientSeen { client: readable(entry), ..ClientSeen::default() })
                .collect(),
        ),
        _ => None,
    };
    let kind = if mode.is_some() { "Redisson read-write" } else { "Redisson" };
    let like_a_lock = ttl_left_ms.is_some() && (mode.is_some() || all == 1);
    let certain = uuids || mode.is_some();
    let held = !holders.is_empty() && (uuids || like_a_lock);
    let queued = number(queued).unwrap_or(0);
    held.then(|| Held { kind, certain, holders, queue: waiters, queued, notes, ..Held::default() })
}

fn bytes(value: &Value) -> Option<&[u8]> {
    match value {
        Value::BulkString(bytes) => Some(bytes),
        Value::SimpleString(text) => Some(text.as_bytes()),
        _ => None,
    }
}

/// `<id>:<thread>` or, of a writer, `<id>:<thread>:write`; the id is a UUID unless the client
/// was given another.
fn owner(field: &str) -> Option<(&str, &str)> {
    let of_writer = field.strip_suffix(":write").unwrap_or(field);
    let (instance, digits) = of_writer.rsplit_once(':')?;
    let thread = field.get(instance.len() + 1..)?;
    let number = !digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit());
    (number && !instance.is_empty()).then_some((instance, thread))
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.chars().enumerate().all(|(place, c)| match place {
            8 | 13 | 18 | 23 => c == '-',
            _ => c.is_ascii_hexdigit(),
        })
}

#[cfg(test)]
mod tests {
    use redis::Value;

    use super::super::key::{Form, understood};
    use super::{beside_a_lock, is_uuid, owner, queue_of};

    const UUID: &str = "8f2e5a52-6f51-4bd1-a7a5-2f0c2e3d9b11";

    fn bulk(text: &str) -> Value {
        Value::BulkString(text.as_bytes().to_vec())
    }

    fn hash(pairs: &[(&str, &str)]) -> Value {
        let flat = pairs.iter().flat_map(|(field, value)| [bulk(field), bulk(value)]).collect();
        Value::Array(vec![bulk("0"), Value::Array(flat)])
    }

    #[test]
    fn what_redisson_keeps_beside_its_locks_is_known_by_its_name() {
        for name in [
            "redisson_lock_token:{order-lock}",
            "redisson_unlock_latch:{order-lock}:0c6e2b0f",
            "redisson_lock_queue:{tenant7}:report",
            "{stock:lock}:8f2e5a52-6f51-4bd1-a7a5-2f0c2e3d9b11:57:rwlock_timeout:1",
            "{stock:lock}:redisson_rwlock",
        ] {
            assert!(beside_a_lock(name.as_bytes()), "{name}");
        }
        assert!(!beside_a_lock(b"lock:my_redisson_job") && !beside_a_lock(b"stock:lock"));
        assert_eq!(queue_of(b"report"), b"redisson_lock_queue:{report}");
        assert_eq!(queue_of(b"{tenant7}:report"), b"redisson_lock_queue:{tenant7}:report");
    }

    #[test]
    fn readers_that_are_not_listed_are_counted() {
        let page = hash(&[("mode", "read"), (&format!("{UUID}:1"), "1")]);
        let answers = [page, Value::Int(9), Value::Array(Vec::new()), Value::Int(0), Value::Int(801), bulk("read")];
        let held = understood(b"x", Form::Hash, &answers).unwrap();
        assert_eq!(held.notes, ["800 clients hold it; 1 of them are listed"]);
    }

    #[test]
    fn a_redisson_owner_is_an_id_and_a_thread() {
        assert_eq!(owner(&format!("{UUID}:57")), Some((UUID, "57")));
        assert_eq!(owner(&format!("{UUID}:57:write")), Some((UUID, "57:write")));
        assert_eq!(owner("billing:eu:57"), Some(("billing:eu", "57")));
        for other in ["name", "57", ":57", &format!("{UUID}:"), &format!("{UUID}57"), "a:b", "ää"] {
            assert_eq!(owner(other), None, "{other}");
        }
        assert!(is_uuid(UUID) && !is_uuid("billing") && !is_uuid(&UUID.replace('-', "_")));
    }

    #[test]
    fn a_hash_is_a_lock_only_if_all_of_it_is_redissons() {
        let field = format!("{UUID}:57");
        let none = Value::Array(Vec::new());
        let answers = |pairs: &[(&str, &str)], ttl| {
            let mode = pairs.iter().find(|(field, _)| *field == "mode").map_or(Value::Nil, |(_, mode)| bulk(mode));
            let count = Value::Int(pairs.len() as i64);
            [hash(pairs), Value::Int(ttl), none.clone(), Value::Int(0), count, mode]
        };
        let found = |pairs: &[(&str, &str)]| understood(b"x", Form::Hash, &answers(pairs, 900));
        let held = found(&[(&field, "2")]).unwrap();
        assert_eq!((held.kind, held.holders[0].details["holds"].as_str()), ("Redisson", "2"));
        assert_eq!((held.holders[0].ttl_left_ms, held.queue), (Some(900), None));
        assert_eq!(found(&[("mode", "read"), (&field, "1")]).unwrap().kind, "Redisson read-write");
        assert_eq!(found(&[(&field, "1"), ("name", "x")]), None);
        assert_eq!(found(&[]), None);
        assert!(found(&[(&field, "1")]).unwrap().certain);
        // A client with an id of its own: one holder, with a lease.
        let own = found(&[("billing-1:57", "1")]).unwrap();
        assert_eq!((own.holders[0].client.as_str(), own.certain), ("billing-1:57", false));
        assert!(found(&[("mode", "write"), ("billing-1:57:write", "1")]).unwrap().certain);
        for data in [&[("page:17", "4"), ("page:18", "2")][..], &[("mode", "dark"), ("user:1", "1")], &[("a:1", "0")]] {
            assert_eq!(found(data), None, "{data:?}");
        }
        let lasting = |field: &str| understood(b"x", Form::Hash, &answers(&[(field, "1")], -1)).is_some();
        assert!(lasting(&field) && !lasting("billing-1:57"));
    }
}
