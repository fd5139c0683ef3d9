//! Nodes of waiters by their names, whoever made them; and whose sessions they are.
//!
//! The server ends a sequential name with ten digits. What stands before is the
//! recipe's: ZooKeeper's documentation and Curator have `lock-`, kazoo `__lock__` and
//! `__rlock__`, Curator's read-write lock `__READ__` and `__WRIT__`, its semaphores `lease-`
//! (<https://zookeeper.apache.org/doc/r3.8.0/recipes.html#Shared+Locks>; Curator's
//! StandardLockInternalsDriver.java, InterProcessReadWriteLock.java and
//! InterProcessSemaphoreV2.java; kazoo's recipe/lock.py).
//!
//! The number is the parent's counter, a signed integer of 32 bits: after 2 147 483 647 comes
//! -2 147 483 648 (Programmer's Guide, "Sequence Nodes"), printed as `%010d` with its sign.

use std::collections::HashMap;

use super::super::node::is_sign;
use lockbench_core::lock::inspection::is_word;

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
    /// One of the leases of a semaphore.
    Lease,
}

impl Side {
    /// In a word, where there are several ways.
    pub fn mode(self) -> Option<String> {
        match self {
            Self::Only | Self::Lease => None,
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

/// Reads a name; `None` if it is not sequential, or only the sign of a run of ours.
pub fn waiter(name: &str) -> Option<Waiter> {
    let (stem, sequence) = split(name).filter(|_| !is_sign(name))?;
    let recipe = stem.trim_end_matches(['-', '_', ':', '.']);
    let last = recipe.rsplit(['-', '_']).next().unwrap_or(recipe).to_lowercase();
    let side = match last.as_str() {
        "rlock" | "read" => Side::Read,
        "writ" | "write" => Side::Write,
        "lease" if stem.starts_with("_c_") => Side::Lease,
        _ => Side::Only,
    };
    let named_as_lock = side != Side::Only || is_word(recipe);
    Some(Waiter { name: name.to_owned(), sequence, side, named_as_lock })
}

/// The recipe's part of a name, and the number. A sign is one only where the recipe's own
/// separator stands before it: `lock-0000000007` is the seventh, `lock--2147483647` is after
/// the counter went round.
fn split(name: &str) -> Option<(&str, i64)> {
    let stem = name.trim_end_matches(|c: char| c.is_ascii_digit());
    let digits = name.len() - stem.len();
    let own = stem.strip_suffix('-').filter(|recipe| recipe.ends_with(['-', '_', ':', '.']));
    match own {
        // The sign is one of the ten places.
        Some(recipe) if (DIGITS - 1..=DIGITS).contains(&digits) => {
            let number: i64 = name[stem.len()..].parse().ok()?;
            (number <= 1 << 31).then_some((recipe, -number))
        }
        _ => {
            let (stem, digits) = name.split_at_checked(name.len().checked_sub(DIGITS)?)?;
            digits.bytes().all(|digit| digit.is_ascii_digit()).then_some(())?;
            Some((stem, digits.parse().ok()?))
        }
    }
}

/// Puts waiters in order of their turn. Where the counter went round among them, negative
/// numbers come after positive ones; returns whether it did.
pub fn in_turn(waiters: &mut [Waiter]) -> bool {
    /// Numbers further apart than this are of different rounds.
    const HALF: i64 = 1 << 30;
    let low = waiters.iter().any(|waiter| waiter.sequence < -HALF);
    let round = low && waiters.iter().any(|waiter| waiter.sequence > HALF);
    waiters
        .sort_by_key(|waiter| if round && waiter.sequence < 0 { waiter.sequence + (1 << 32) } else { waiter.sequence });
    round
}

/// How many of these, in order, hold the lock.
pub fn holding(waiters: &[Waiter]) -> usize {
    leading(waiters.iter().map(|waiter| waiter.side))
}

/// The first one, or all that read before the first that writes, or all leases.
pub fn leading(sides: impl Iterator<Item = Side>) -> usize {
    let mut count = 0;
    for side in sides {
        match side {
            Side::Read | Side::Lease => count += 1,
            Side::Only | Side::Write => return count.max(1),
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
    use super::super::super::node::sign;
    use super::{Side, connections, in_turn, leading, waiter};

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
            ("_c_4b2ab8b5-2d0c-4e0b-9cb9-6c4e1a3b5d77-lease-0000000009", 9, Side::Lease),
            ("read-0000000010", 10, Side::Read),
            // After the counter went round.
            ("2f0c2e3d9b118f2e5a526f514bd1a7a5__lock__-2147483648", -2_147_483_648, Side::Only),
            ("2f0c2e3d9b118f2e5a526f514bd1a7a5__rlock__-2147483645", -2_147_483_645, Side::Read),
            ("_c_x-lock--2147483647", -2_147_483_647, Side::Only),
            ("_c_x-__READ__-000000005", -5, Side::Read),
        ] {
            let read = waiter(name).unwrap();
            assert_eq!((read.sequence, read.side, read.named_as_lock), (sequence, side, true), "{name}");
        }
        for name in
            ["qn-0000000001", "block-0000000000", "clock-tick-0000000000", "thread-0000000003", "lease-0000000001"]
        {
            assert!(!waiter(name).unwrap().named_as_lock, "{name}");
        }
        for name in ["lock", "lock-1", "lock-00000000x1", "ääääää0000000"] {
            assert_eq!(waiter(name), None, "{name}");
        }
        // A session's number may have ten digits at its end that look like a sequence number.
        for name in ["alive-0200007743310006", &sign(0x0200_0077_4331_0006)] {
            assert_eq!(waiter(name), None, "{name}");
        }
    }

    #[test]
    fn turns_go_on_after_the_counter_went_round() {
        let read = |names: &[&str]| {
            let mut waiters: Vec<_> = names.iter().map(|name| waiter(name).unwrap()).collect();
            let round = in_turn(&mut waiters);
            (round, waiters.into_iter().map(|waiter| waiter.sequence).collect::<Vec<_>>())
        };
        assert_eq!(
            read(&["a__lock__-2147483647", "a__lock__2147483647", "a__lock__-2147483648"]),
            (true, vec![2_147_483_647, -2_147_483_648, -2_147_483_647])
        );
        assert_eq!(read(&["lock--000000001", "lock-0000000000"]), (false, vec![-1, 0]));
    }

    #[test]
    fn readers_hold_together_until_the_first_writer() {
        use Side::{Lease, Only, Read, Write};
        for (sides, count) in [
            (&[Read, Read, Write, Read][..], 2),
            (&[Write, Read], 1),
            (&[Only, Only], 1),
            (&[Read], 1),
            (&[Lease, Lease], 2),
            (&[], 0),
        ] {
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
