//! What one node holds under a name.

use std::collections::{BTreeMap, BTreeSet};

use redis::aio::MultiplexedConnection;
use redis::{Pipeline, RedisError, ServerError, Value};

use super::super::naming::{PREFIX, in_words};
use super::redisson::{queue_of, redisson};
use lockbench_core::lock::inspection::{ClientSeen, MOST_WAITERS, readable};

/// Names read in one round trip.
const BATCH: usize = 500;

/// Bytes of a value that are read: a lock's is short, another's may be of any size.
const MOST_BYTES: usize = 1_024;

/// Ends of our own names: see `naming`.
const OURS: (&str, &str) = ("}:lock", "}:fence");

/// How a lock is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A string.
    Text,
    /// A hash.
    Hash,
}

impl Form {
    /// By the answer to TYPE.
    pub fn of(kind: &str) -> Option<Self> {
        match kind {
            "string" => Some(Self::Text),
            "hash" => Some(Self::Hash),
            _ => None,
        }
    }

    /// Requests for one name of this form.
    fn requests(self) -> usize {
        match self {
            Self::Text => 3,
            Self::Hash => 6,
        }
    }
}

/// A lock as one node has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// How it was recognised.
    pub kind: &'static str,
    /// Does what it holds say by itself that it is a lock, whatever its name is?
    pub certain: bool,
    /// Who holds it there.
    pub holders: Vec<ClientSeen>,
    /// Of a string what it holds, byte for byte: two values may look alike.
    pub value: Vec<u8>,
    /// Who waits, where the node keeps a queue: the first of them.
    pub queue: Option<Vec<ClientSeen>>,
    /// How many wait there.
    pub queued: u64,
    /// What is remarkable.
    pub notes: Vec<String>,
}

/// What one node holds under some names.
#[derive(Default)]
pub struct Reading {
    /// By name. Those that are gone, or are no lock, are left out.
    pub held: BTreeMap<Vec<u8>, Held>,
    /// Names that this user may not read.
    pub denied: BTreeSet<Vec<u8>>,
}

/// Reads these names.
pub async fn read(connection: &mut MultiplexedConnection, names: &[(Vec<u8>, Form)]) -> Result<Reading, RedisError> {
    let mut reading = Reading::default();
    for batch in names.chunks(BATCH) {
        let mut asking = redis::pipe();
        for (name, form) in batch {
            ask(&mut asking, name, *form);
        }
        let count = batch.iter().map(|(_, form)| form.requests()).sum();
        // Not `query_async`: a key that has become something else meanwhile spoils only its own answer.
        let answers = connection.send_packed_commands(&asking, 0, count).await?;
        let mut answers = answers.into_iter();
        for (name, form) in batch {
            let each: Vec<Value> = answers.by_ref().take(form.requests()).collect();
            if each.iter().any(|answer| matches!(answer, Value::ServerError(error) if of_a_key(error))) {
                reading.denied.insert(name.clone());
            } else if let Some(found) = understood(name, *form, &each) {
                reading.held.insert(name.clone(), found);
            }
        }
    }
    Ok(reading)
}

/// Is it this key that the user may not read, and not the command that it may not use? The
/// server tells the two apart in words alone (<https://redis.io/docs/latest/operate/oss_and_stack/management/security/acl/>).
pub fn of_a_key(error: &ServerError) -> bool {
    error.code() == "NOPERM" && error.details().is_some_and(|text| text.contains("key") && !text.contains("command"))
}

fn ask(asking: &mut Pipeline, name: &[u8], form: Form) {
    match form {
        Form::Text => {
            asking.cmd("GETRANGE").arg(name).arg(0).arg(MOST_BYTES - 1);
            asking.cmd("PTTL").arg(name);
            asking.cmd("GETRANGE").arg(fence(name)).arg(0).arg(31);
        }
        Form::Hash => {
            asking.cmd("HSCAN").arg(name).arg(0).arg("COUNT").arg(64);
            asking.cmd("PTTL").arg(name);
            asking.cmd("LRANGE").arg(queue_of(name)).arg(0).arg(MOST_WAITERS - 1);
            asking.cmd("LLEN").arg(queue_of(name));
            asking.cmd("HLEN").arg(name);
            asking.cmd("HGET").arg(name).arg("mode");
        }
    }
}

/// Name of the counter beside a lock of ours; for another lock a name that we have read anyway.
fn fence(name: &[u8]) -> Vec<u8> {
    match name.strip_suffix(OURS.0.as_bytes()) {
        Some(key) if tagged(key).is_some() => [key, OURS.1.as_bytes()].concat(),
        _ => name.to_vec(),
    }
}

/// What follows the opening brace in a name like ours, which begins with the fixed prefix, or with the brace
/// as those of earlier versions did.
fn tagged(name: &[u8]) -> Option<&[u8]> {
    name.strip_prefix(PREFIX.as_bytes()).unwrap_or(name).strip_prefix(b"{")
}

pub(super) fn understood(name: &[u8], form: Form, answers: &[Value]) -> Option<Held> {
    let [content, Value::Int(ttl), more @ ..] = answers else { return None };
    // -2: there is no such key; -1: it has no lease.
    if *ttl == -2 {
        return None;
    }
    let ttl_left_ms = u64::try_from(*ttl).ok();
    let mut held = match form {
        Form::Text => text(name, content, more.first()?)?,
        Form::Hash => redisson(content, more, ttl_left_ms)?,
    };
    for holder in &mut held.holders {
        holder.ttl_left_ms = ttl_left_ms;
    }
    if ttl_left_ms.is_none() {
        held.notes.push("has no lease: it stays until somebody deletes it".to_owned());
    }
    Some(held)
}

fn text(name: &[u8], content: &Value, fence_value: &Value) -> Option<Held> {
    let Value::BulkString(bytes) = content else { return None };
    let value = readable(bytes);
    let namespace = tagged(name).and_then(|rest| rest.split(|byte| *byte == b':').next());
    let identity = namespace.map(|namespace| in_words(value.clone(), &String::from_utf8_lossy(namespace)));
    let ours = fence(name) != name;
    let token = match fence_value {
        Value::BulkString(digits) if ours => std::str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok()),
        _ => None,
    };
    let identity = identity.filter(|identity| *identity != value);
    let holder = ClientSeen { client: value, identity, token, ..ClientSeen::default() };
    Some(Held {
        kind: if ours { "lockbench" } else { "string" },
        certain: ours,
        holders: vec![holder],
        value: bytes.clone(),
        ..Held::default()
    })
}

#[cfg(test)]
mod tests {
    use redis::Value;

    use super::{Form, understood};

    fn bulk(text: &str) -> Value {
        Value::BulkString(text.as_bytes().to_vec())
    }

    #[test]
    fn a_key_without_a_lease_is_remarkable_and_one_that_is_gone_is_no_lock() {
        let found = |ttl| understood(b"lock:a", Form::Text, &[bulk("me"), Value::Int(ttl), bulk("me")]);
        let held = found(-1).unwrap();
        assert_eq!((held.holders[0].ttl_left_ms, held.holders[0].token), (None, None));
        assert!(held.notes[0].contains("no lease"));
        assert_eq!(found(-2), None);
        assert!(found(5).unwrap().notes.is_empty());
    }

    #[test]
    fn our_own_lock_is_told_with_its_client_and_token() {
        let answers = [bulk("r1/12/4fdf/7"), Value::Int(9), bulk("41")];
        for name in [&b"lockbench:{r1:hot}:lock"[..], b"{r1:hot}:lock"] {
            let held = understood(name, Form::Text, &answers).unwrap();
            assert_eq!(held.holders[0].identity.as_deref(), Some("client 12 (4fdf/7)"));
            assert_eq!((held.kind, held.holders[0].token), ("lockbench", Some(41)));
        }
    }
}
