//! Names of the waiters' nodes and the order that they stand for.
//!
//! A name is `<session>-<attempt>-lock-<sequence>`: session and attempt are ours
//! and unique, so that a node can be found again whose creation was never
//! answered (Curator: "tech note 9" and `CreateBuilder.withProtection`); the
//! sequence is the server's. It would overflow after 2^31 - 1 creations below one
//! parent (Programmer's Guide, "Sequence Nodes"); parents are made anew for each run.

/// What a name of an attempt starts with; the server appends the sequence.
pub fn prefix(session: i64, attempt: u64) -> String {
    format!("{}{attempt}-lock-", session_prefix(session))
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

/// Where the node `ours` stands among `children`, which come in any order.
pub fn stand<'a>(children: &'a [String], ours: &str) -> Stand<'a> {
    let Some(own) = children.iter().find(|child| *child == ours).and_then(|child| sequence(child)) else {
        return Stand::Gone;
    };
    let before = children.iter().filter_map(|child| sequence(child).map(|number| (number, child)));
    match before.filter(|(number, _)| *number < own).max() {
        Some((_, child)) => Stand::Behind(child),
        None => Stand::First,
    }
}

/// The waiter at the head of the queue.
pub fn head(children: &[String]) -> Option<&String> {
    children.iter().filter_map(|child| sequence(child).map(|number| (number, child))).min().map(|(_, child)| child)
}

#[cfg(test)]
mod tests {
    use super::{Stand, head, prefix, sequence, session_prefix, stand};

    fn name(session: i64, attempt: u64, number: u32) -> String {
        format!("{}{number:010}", prefix(session, attempt))
    }

    #[test]
    fn the_queue_is_ordered_by_the_servers_sequence_alone() {
        let children = [name(9, 1, 12), name(1, 7, 10), name(-5, 2, 11), "not-a-waiter".to_owned()];
        assert_eq!(stand(&children, &children[1]), Stand::First);
        assert_eq!(stand(&children, &children[2]), Stand::Behind(&children[1]));
        assert_eq!(stand(&children, &children[0]), Stand::Behind(&children[2]));
        assert_eq!(stand(&children, &name(1, 8, 13)), Stand::Gone);
        assert_eq!(head(&children), Some(&children[1]));
    }

    #[test]
    fn attempts_and_sessions_have_names_of_their_own() {
        assert_eq!(sequence(&name(3, 1, 4_000_000_000)), Some(4_000_000_000));
        assert!(!name(3, 11, 0).starts_with(&prefix(3, 1)));
        assert!(name(3, 11, 0).starts_with(&session_prefix(3)));
        assert!(!name(0x31, 1, 0).starts_with(&session_prefix(3)));
    }
}
