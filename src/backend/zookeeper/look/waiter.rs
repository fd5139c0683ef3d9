//! Nodes of waiters by their names, whoever made them; and whose sessions they are.
//!
//! The server ends a sequential name with ten digits. What stands before is the
//! recipe's: ZooKeeper's documentation and Curator have `lock-`, kazoo `__lock__` and
//! `__rlock__`, Curator's read-write lock `__READ__` and `__WRIT__`
//! (<https://zookeeper.apache.org/doc/r3.8.0/recipes.html#Shared+Locks>; Curator's
//! StandardLockInternalsDriver.java and InterProcessReadWriteLock.java; kazoo's
//! recipe/lock.py).

use std::collections::HashMap;

/// Digits of a sequence number (Programmer's Guide, "Sequence Nodes").
const DIGITS: usize = 10;

/// How a lock is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// By one alone, where there is no other way.
    Only,
    /// By one alone, of a read-write lock.
    Write,
    /// Together with others.
    Read,
}

impl Side {
    /// In a word, where there are several ways.
    pub fn mode(self) -> Option<String> {
        match self {
            Self::Only => None,
            Self::Write => Some("write".to_owned()),
            Self::Read => Some("read".to_owned()),
        }
    }
}

/// A waiter's node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiter {
    /// Its name below its parent.
    pub name: String,
    /// Its turn.
    pub sequence: i64,
    /// How it wants the lock.
    pub side: Side,
    /// Does the name say that it is a lock's?
    pub named_as_lock: bool,
}

/// Reads a name; `None` if it is not sequential.
pub fn waiter(name: &str) -> Option<Waiter> {
    let (stem, digits) = name.split_at_checked(name.len().checked_sub(DIGITS)?)?;
    if !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let lower = stem.to_lowercase();
    let ends = |signs: [&str; 3]| signs.iter().any(|sign| lower.ends_with(sign));
    let side = match () {
        () if ends(["__rlock__", "__read__", "read-"]) => Side::Read,
        () if ends(["__writ__", "__writ__", "write-"]) => Side::Write,
        () => Side::Only,
    };
    let named_as_lock = side != Side::Only || lower.contains("lock");
    Some(Waiter { name: name.to_owned(), sequence: digits.parse().ok()?, side, named_as_lock })
}

/// How many of these, in order, hold the lock.
pub fn holding(waiters: &[Waiter]) -> usize {
    leading(waiters.iter().map(|waiter| waiter.side))
}

/// The first one, or all that read before the first that writes.
pub fn leading(sides: impl Iterator<Item = Side>) -> usize {
    let mut count = 0;
    for side in sides {
        match side {
            Side::Read => count += 1,
            _ => return count.max(1),
        }
    }
    count
}

/// A session's connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    /// Address of the client.
    pub from: String,
    /// Timeout of the session.
    pub timeout_ms: Option<u64>,
}

/// Connections by session in an answer to `cons`, whose lines are
/// ` /10.0.0.7:40388[1](queued=0,...,sid=0x1000a,...,to=10000,...)`.
pub fn connections(cons: &str) -> HashMap<i64, Connection> {
    let line = |line: &str| {
        let (from, facts) = line.trim().strip_prefix('/')?.split_once('(')?;
        // A bracket may belong to an IPv6 address.
        let (from, _) = from.rsplit_once('[')?;
        let fact = |name: &str| facts.split([',', ')']).find_map(|pair| pair.strip_prefix(name));
        let session = u64::from_str_radix(fact("sid=0x")?, 16).ok()?.cast_signed();
        let timeout_ms = fact("to=").and_then(|ms| ms.parse().ok());
        Some((session, Connection { from: from.to_owned(), timeout_ms }))
    };
    cons.lines().filter_map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::{Side, connections, leading, waiter};

    #[test]
    fn the_names_of_every_known_recipe_are_read() {
        for (name, sequence, side) in [
            ("lock-0000000007", 7, Side::Only),
            ("_c_4b2ab8b5-2d0c-4e0b-9cb9-6c4e1a3b5d77-lock-0000000012", 12, Side::Only),
            ("2f0c2e3d9b118f2e5a526f514bd1a7a5__lock__0000000003", 3, Side::Only),
            ("2f0c2e3d9b118f2e5a526f514bd1a7a5__rlock__0000000004", 4, Side::Read),
            ("_c_x-__READ__0000000005", 5, Side::Read),
            ("_c_x-__WRIT__0000000006", 6, Side::Write),
            ("0100000a-3-lock-0000000008", 8, Side::Only),
        ] {
            let read = waiter(name).unwrap();
            assert_eq!((read.sequence, read.side, read.named_as_lock), (sequence, side, true), "{name}");
        }
        assert!(!waiter("qn-0000000001").unwrap().named_as_lock);
        for name in ["lock", "lock-1", "lock-00000000x1", "ääääää0000000"] {
            assert_eq!(waiter(name), None, "{name}");
        }
    }

    #[test]
    fn readers_hold_together_until_the_first_writer() {
        use Side::{Only, Read, Write};
        for (sides, count) in
            [(&[Read, Read, Write, Read][..], 2), (&[Write, Read], 1), (&[Only, Only], 1), (&[Read], 1), (&[], 0)]
        {
            assert_eq!(leading(sides.iter().copied()), count);
        }
    }

    #[test]
    fn sessions_are_found_in_cons() {
        let cons = " /127.0.0.1:40388[1](queued=0,recved=4,sent=4,sid=0x10000a5b,lop=PING,est=1,to=10000,lcxid=0x0)\n \
                    /[0:0:0:0:0:0:0:1]:1[0](queued=0,recved=1,sent=0,sid=0x7,to=1)\n\n";
        let found = connections(cons);
        assert_eq!((found.len(), found[&7].from.as_str()), (2, "[0:0:0:0:0:0:0:1]:1"));
        assert_eq!(
            (found[&0x1000_0a5b].from.as_str(), found[&0x1000_0a5b].timeout_ms),
            ("127.0.0.1:40388", Some(10_000))
        );
    }
}
