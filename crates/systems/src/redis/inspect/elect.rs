//! From what each node holds to who holds the lock: with one node, whoever it names;
//! with several, the value that a majority of all nodes hold (Redlock), which lasts as
//! long as the majority does.

use std::collections::BTreeMap;

use super::key::{Form, Held};
use lockbench_core::lock::inspection::{ClientSeen, LockSeen, NodeSeen, NodeState, Quorum, readable};

/// The lock of that name; `None` if no node that answered has it any more. A node that
/// did not answer is `None`.
pub fn elect(name: &[u8], form: Form, nodes: &[Option<&BTreeMap<Vec<u8>, Held>>]) -> Option<LockSeen> {
    let held: Vec<Option<Option<&Held>>> = nodes.iter().map(|node| node.map(|held| held.get(name))).collect();
    let first = held.iter().copied().flatten().flatten().next()?;
    let name = readable(name);
    if nodes.len() == 1 || form == Form::Hash {
        let Held { kind, holders, queue, queued, notes, .. } = first.clone();
        let waiting = queue.as_ref().map(|queue| queued.max(queue.len() as u64));
        let (kind, waiters) = (kind.to_owned(), queue.unwrap_or_default());
        return Some(LockSeen { name, kind, holders, waiting, waiters, notes, ..LockSeen::default() });
    }
    let needed = nodes.len() / 2 + 1;
    // By their bytes: what is shown of two values may be the same.
    let mut votes: BTreeMap<&[u8], Vec<&ClientSeen>> = BTreeMap::new();
    for held in held.iter().copied().flatten().flatten() {
        votes.entry(&held.value).or_default().extend(&held.holders);
    }
    let (value, most) = votes.iter().max_by_key(|(_, same)| same.len())?;
    let mut same = most.clone();
    // Longest first; what has no lease outlasts all.
    same.sort_by_key(|holder| std::cmp::Reverse(holder.ttl_left_ms.unwrap_or(u64::MAX)));
    let nodes_seen: Vec<NodeSeen> = held.iter().map(|node| seen(*node, value)).collect();
    let silent = nodes_seen.iter().filter(|node| node.state == NodeState::Silent).count();
    let holders: Vec<ClientSeen> = same.get(needed - 1).map(|last| (*last).clone()).into_iter().collect();
    let mut notes = first.notes.clone();
    if holders.is_empty() {
        notes.push(match same.len() + silent {
            // Somebody may hold it for all we see.
            possible if possible >= needed => format!("no quorum among the nodes that answered: {silent} did not"),
            _ if votes.len() > 1 => format!("nobody has a quorum: {} values compete", votes.len()),
            _ => "nobody has a quorum: being taken, released, or left behind".to_owned(),
        });
    }
    let quorum = Some(Quorum { holding: same.len(), needed, nodes: nodes.len() });
    Some(LockSeen {
        name,
        kind: "Redlock".to_owned(),
        holders,
        quorum,
        nodes: nodes_seen,
        notes,
        ..LockSeen::default()
    })
}

fn seen(node: Option<Option<&Held>>, value: &[u8]) -> NodeSeen {
    let holder = node.flatten().and_then(|held| held.holders.first());
    let state = match node {
        None => NodeState::Silent,
        Some(None) => NodeState::Free,
        Some(Some(held)) if held.value == value => NodeState::Holds,
        _ => NodeState::Other,
    };
    let client = holder.map(|holder| holder.client.clone());
    NodeSeen { state, client, ttl_left_ms: holder.and_then(|holder| holder.ttl_left_ms) }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::key::{Form, Held};
    use super::elect;
    use lockbench_core::lock::inspection::{ClientSeen, LockSeen, NodeState};

    /// Values and leases of five nodes; `None`: silent, an empty value: free.
    fn elected(nodes: [Option<(&str, u64)>; 5]) -> Option<LockSeen> {
        let held = nodes.map(|node| {
            node.map(|(value, ttl)| {
                let holder = ClientSeen { client: value.to_owned(), ttl_left_ms: Some(ttl), ..ClientSeen::default() };
                let value_bytes = value.as_bytes().to_vec();
                let held = Held { kind: "string", holders: vec![holder], value: value_bytes, ..Held::default() };
                (!value.is_empty()).then(|| (b"x".to_vec(), held)).into_iter().collect::<BTreeMap<_, _>>()
            })
        });
        elect(b"x", Form::Text, &held.each_ref().map(Option::as_ref))
    }

    #[test]
    fn a_majority_of_all_nodes_decides_and_lasts_as_long_as_a_majority_does() {
        let lock = elected([Some(("a", 9)), Some(("b", 50)), Some(("a", 7)), None, Some(("a", 5))]).unwrap();
        assert_eq!((lock.holders[0].client.as_str(), lock.holders[0].ttl_left_ms), ("a", Some(5)));
        let quorum = lock.quorum.unwrap();
        assert_eq!((quorum.holding, quorum.needed, quorum.nodes), (3, 3, 5));
        use NodeState::{Holds, Other, Silent};
        assert_eq!(lock.nodes.iter().map(|node| node.state).collect::<Vec<_>>(), [Holds, Other, Holds, Silent, Holds]);
        // A fourth node may be lost without harm: the lease is that of the third longest.
        let lock = elected([Some(("a", 9)), Some(("a", 8)), Some(("a", 7)), Some(("a", 1)), None]).unwrap();
        assert_eq!(lock.holders[0].ttl_left_ms, Some(7));
    }

    #[test]
    fn owners_that_look_alike_are_told_apart_by_their_bytes() {
        let node = |value: &[u8]| {
            let holder = ClientSeen { client: "same".to_owned(), ..ClientSeen::default() };
            let held = Held { holders: vec![holder], value: value.to_vec(), ..Held::default() };
            BTreeMap::from([(b"x".to_vec(), held)])
        };
        let nodes = [node(b"\xfe"), node(b"\xff"), node(b"\xfd")];
        let lock = elect(b"x", Form::Text, &nodes.each_ref().map(Some)).unwrap();
        assert_eq!((lock.holders.len(), lock.quorum.unwrap().holding), (0, 1));
        assert!(lock.notes[0].contains("3 values compete"), "{:?}", lock.notes);
    }

    #[test]
    fn without_a_quorum_nobody_holds_it_and_the_reason_is_told() {
        let lock = elected([Some(("a", 9)), Some(("b", 9)), Some(("a", 9)), Some(("b", 9)), Some(("", 0))]).unwrap();
        assert!(lock.holders.is_empty() && lock.notes[0].contains("2 values compete"), "{:?}", lock.notes);
        let lock = elected([Some(("a", 9)), Some(("a", 9)), None, Some(("", 0)), Some(("", 0))]).unwrap();
        assert!(lock.holders.is_empty() && lock.notes[0].contains("1 did not"), "{:?}", lock.notes);
        assert!(elected([Some(("", 0)), Some(("", 0)), None, None, None]).is_none());
    }
}
