//! Names of the waiters' nodes and the order that they stand for.
//!
//! A name is `<session>-<attempt>-lock-<sequence>`, and of one who shares the lock `<session>-<attempt>-shared-lock-<sequence>`
//! (the recipe has `read-` and `write-`: ZooKeeper Recipes, "Shared Locks"): session and attempt are ours
//! and unique, so that a node can be found again whose creation was never
//! answered (Curator: "tech note 9" and `CreateBuilder.withProtection`); the
//! sequence is the server's. It would overflow after 2^31 - 1 creations below one
//! parent (Programmer's Guide, "Sequence Nodes"); parents are made anew for each run.

use lockbench_core::lock::Mode;

/// What a name of an attempt starts with; the server appends the sequence.
pub fn prefix(session: i64, attempt: u64, mode: Mode) -> String {
    let shares = if mode == Mode::Shared { SHARES } else { "" };
    format!("{}{attempt}{shares}-lock-", session_prefix(session))
}

const SHARES: &str = "-shared";

fn shares(name: &str) -> bool {
    name.rsplit_once("-lock-").is_some_and(|(before, _)| before.ends_with(SHARES))
}

/// What the sign of a run that lives begins with.
const SIGN: &str = "alive-";

/// The node by which a run shows that it lives. It does not end with digits: those would be read as a sequence number, and the
/// sign as a lock that somebody holds.
pub fn sign(session: i64) -> String {
    format!("{SIGN}{session:016x}-session")
}

/// Returns whether a node is such a sign; of earlier builds it ends with the number of the session.
pub fn is_sign(name: &str) -> bool {
    let session = name.strip_prefix(SIGN).map(|rest| rest.strip_suffix("-session").unwrap_or(rest));
    session.is_some_and(|session| session.len() == 16 && session.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// What a waiter's node has in it: whose it is, for who looks at the lock from outside.
pub fn owner(client: u32) -> String {
    format!("client {client}")
}

/// What every name of a session starts with.
pub fn session_prefix(session: i64) -> String {
    format!("{session:016x}-")
}

/// The server's number in a name; `None` if it is no waiter's.
pub fn sequence(name: &str) -> Option<i64> {
    name.rsplit_once("-lock-").and_then(|(_, sequence)| sequence.parse().ok())
}

/// Where we stand in the queue.
#[derive(Debug, PartialEq, Eq)]
pub enum Stand<'a> {
    /// Our node is not there any more.
    Gone,
    /// Nobody is before us.
    First,
    /// This node is just before ours.
    Behind(&'a str),
}

/// Where the node `ours`, of that mode, stands among `children`, which come in any order.
pub fn stand<'a>(children: &'a [String], ours: &str, mode: Mode) -> Stand<'a> {
    let Some(own) = children.iter().find(|child| *child == ours).and_then(|child| sequence(child)) else {
        return Stand::Gone;
    };
    let before = children.iter().filter_map(|child| sequence(child).map(|number| (number, child)));
    let before = before.filter(|(number, _)| *number < own);
    let last = match mode {
        Mode::Shared => before.filter(|(_, child)| !shares(child)).max(),
        Mode::Permits { of } if before.clone().count() < of as usize => None,
        _ => before.max(),
    };
    last.map_or(Stand::First, |(_, child)| Stand::Behind(child))
}

/// The waiter at the head of the queue.
pub fn head(children: &[String]) -> Option<&String> {
    children.iter().filter_map(|child| sequence(child).map(|number| (number, child))).min().map(|(_, child)| child)
}

#[cfg(test)]
mod tests {
    use super::{Mode, Stand, head, prefix, sequence, session_prefix, stand};

    fn name(session: i64, attempt: u64, number: u32) -> String {
        format!("{}{number:010}", prefix(session, attempt, Mode::Exclusive))
    }

    #[test]
    fn the_queue_is_ordered_by_the_servers_sequence_alone() {
        let children = [name(9, 1, 12), name(1, 7, 10), name(-5, 2, 11), "not-a-waiter".to_owned()];
        let alone = |ours: &str| stand(&children, ours, Mode::Exclusive);
        assert_eq!(alone(&children[1]), Stand::First);
        assert_eq!(alone(&children[2]), Stand::Behind(&children[1]));
        assert_eq!(alone(&children[0]), Stand::Behind(&children[2]));
        assert_eq!(alone(&name(1, 8, 13)), Stand::Gone);
        assert_eq!(head(&children), Some(&children[1]));
    }

    #[test]
    fn who_reads_waits_for_writers_only_and_a_permit_is_there_for_so_many() {
        let reader = |number: u32| format!("{}{number:010}", prefix(number.into(), 1, Mode::Shared));
        let children = [reader(1), name(2, 1, 2), reader(3), reader(4)];
        let stands = |ours: usize, mode| stand(&children, &children[ours], mode);
        assert_eq!(stands(0, Mode::Shared), Stand::First);
        assert_eq!(stands(1, Mode::Exclusive), Stand::Behind(&children[0]));
        assert_eq!(stands(3, Mode::Shared), Stand::Behind(&children[1]));
        assert_eq!(stands(2, Mode::Permits { of: 3 }), Stand::First);
        assert_eq!(stands(3, Mode::Permits { of: 3 }), Stand::Behind(&children[2]));
    }

    #[test]
    fn attempts_and_sessions_have_names_of_their_own() {
        assert_eq!(sequence(&name(3, 1, 4_000_000_000)), Some(4_000_000_000));
        assert!(!name(3, 11, 0).starts_with(&prefix(3, 1, Mode::Exclusive)));
        assert!(name(3, 11, 0).starts_with(&session_prefix(3)));
        assert!(!name(0x31, 1, 0).starts_with(&session_prefix(3)));
    }
}
