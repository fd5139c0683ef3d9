//! Clients that wait for each other in a circle. Each waiter points at those who block
//! it; every group of clients that can all reach each other holds a circle, of which
//! the shortest through its first client is told.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use schemars::JsonSchema;
use serde::Serialize;

use super::LockSeen;

/// A circle of waiting clients.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Cycle {
    /// Each client waits for the next one, the last for the first.
    pub steps: Vec<Step>,
    /// Is it surely a deadlock? Not where a client is a session that several threads may
    /// share: then one thread may still let go while another waits.
    pub certain: bool,
}

/// One client of a circle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Step {
    /// The client.
    pub client: String,
    /// The lock that it holds and the client before it waits for.
    pub holds: String,
    /// The lock that it waits for.
    pub waits_for: String,
}

/// The circles among the waiters of these locks, one a group of clients that wait for each other.
pub(super) fn cycles(locks: &[LockSeen], certain: bool) -> Vec<Cycle> {
    let waits = waits(locks);
    groups(&waits)
        .into_iter()
        .filter_map(|group| circle(&waits, &group))
        .map(|circle| Cycle { steps: steps(&circle), certain })
        .collect()
}

/// For each waiting client those who block it, and the lock over which.
type Waits<'a> = BTreeMap<&'a str, BTreeMap<&'a str, &'a str>>;

fn waits(locks: &[LockSeen]) -> Waits<'_> {
    let mut waits = Waits::new();
    for lock in locks {
        for waiter in &lock.waiters {
            let told = waiter.blocked_by.iter().map(String::as_str);
            let holders =
                lock.holders.iter().map(|holder| holder.client.as_str()).filter(|_| waiter.blocked_by.is_empty());
            // A session whose threads share a lock does not block itself.
            for blocker in told.chain(holders).filter(|blocker| *blocker != waiter.client) {
                waits.entry(waiter.client.as_str()).or_default().entry(blocker).or_insert(&lock.name);
            }
        }
    }
    waits
}

/// Groups of at least two clients that all reach each other (strongly connected
/// components by Kosaraju's two passes, without recursion).
fn groups<'a>(waits: &Waits<'a>) -> Vec<BTreeSet<&'a str>> {
    let mut back: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (waiter, blockers) in waits {
        for blocker in blockers.keys() {
            back.entry(blocker).or_default().push(waiter);
        }
    }
    let mut left: BTreeSet<&str> = BTreeSet::new();
    let mut groups = Vec::new();
    for root in ending_order(waits).into_iter().rev() {
        let mut group = BTreeSet::new();
        let mut open = vec![root];
        while let Some(client) = open.pop() {
            if left.insert(client) {
                group.insert(client);
                open.extend(back.get(client).into_iter().flatten().filter(|one| !left.contains(*one)));
            }
        }
        if group.len() > 1 {
            groups.push(group);
        }
    }
    groups.sort_by(|a, b| a.first().cmp(&b.first()));
    groups
}

/// The waiting clients in the order in which a depth-first walk leaves them. Who waits for
/// nobody is in no circle.
fn ending_order<'a>(waits: &Waits<'a>) -> Vec<&'a str> {
    let (mut seen, mut order) = (BTreeSet::new(), Vec::new());
    for root in waits.keys() {
        let mut path = Vec::new();
        if seen.insert(*root) {
            path.push((*root, waits[root].keys()));
        }
        while let Some((client, next)) = path.last_mut() {
            match next.find(|blocker| waits.contains_key(**blocker) && !seen.contains(**blocker)) {
                Some(blocker) => {
                    seen.insert(blocker);
                    path.push((blocker, waits[blocker].keys()));
                }
                None => {
                    order.push(*client);
                    path.pop();
                }
            }
        }
    }
    order
}

/// The shortest circle through the first client of a group: each client with the lock
/// that it waits for.
fn circle<'a>(waits: &Waits<'a>, group: &BTreeSet<&'a str>) -> Option<Vec<(&'a str, &'a str)>> {
    let first = *group.first()?;
    let mut before: BTreeMap<&str, &str> = BTreeMap::new();
    let mut open = VecDeque::from([first]);
    while let Some(client) = open.pop_front() {
        for blocker in waits.get(client)?.keys().filter(|blocker| group.contains(*blocker)) {
            if !before.contains_key(blocker) {
                before.insert(blocker, client);
                open.push_back(blocker);
            }
        }
        if before.contains_key(first) {
            break;
        }
    }
    let mut clients = vec![*before.get(first)?];
    while let Some(client) = clients.last().filter(|client| **client != first) {
        clients.push(before.get(client)?);
    }
    clients.reverse();
    let next = |place: usize| clients[(place + 1) % clients.len()];
    clients.iter().enumerate().map(|(place, client)| Some((*client, *waits.get(client)?.get(next(place))?))).collect()
}

fn steps(circle: &[(&str, &str)]) -> Vec<Step> {
    let before = |place: usize| circle[(place + circle.len() - 1) % circle.len()].1;
    let step = |(place, (client, lock)): (usize, &(&str, &str))| Step {
        client: (*client).to_owned(),
        holds: before(place).to_owned(),
        waits_for: (*lock).to_owned(),
    };
    circle.iter().enumerate().map(step).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{ClientSeen, LockSeen};
    use super::cycles;

    fn client(name: &str) -> ClientSeen {
        ClientSeen { client: name.to_owned(), ..ClientSeen::default() }
    }

    fn lock(name: &str, holder: &str, waiters: &[&str]) -> LockSeen {
        LockSeen {
            name: name.to_owned(),
            holders: vec![client(holder)],
            waiters: waiters.iter().map(|waiter| client(waiter)).collect(),
            ..LockSeen::default()
        }
    }

    #[test]
    fn two_clients_that_hold_what_the_other_wants_are_told_in_order() {
        let found = cycles(&[lock("k1", "A", &["B", "C"]), lock("k2", "B", &["A"]), lock("k3", "C", &[])], true);
        assert_eq!(found.len(), 1);
        let told: Vec<(&str, &str, &str)> =
            found[0].steps.iter().map(|step| (&*step.client, &*step.holds, &*step.waits_for)).collect();
        assert_eq!(told, [("A", "k1", "k2"), ("B", "k2", "k1")]);
        assert!(found[0].certain);
    }

    #[test]
    fn a_queue_and_a_session_that_waits_for_itself_are_no_cycle() {
        assert!(cycles(&[lock("k1", "A", &["A", "B"]), lock("k2", "B", &["C"])], true).is_empty());
    }

    #[test]
    fn whom_the_server_names_as_blocking_counts_and_not_the_holder() {
        let mut behind = lock("k1", "A", &["B"]);
        behind.waiters[0].blocked_by = vec!["C".to_owned()];
        let found = cycles(&[behind.clone(), lock("k2", "B", &["C"])], true);
        assert_eq!(found.len(), 1);
        assert!(cycles(&[behind, lock("k2", "B", &["A"])], true).is_empty());
    }

    proptest! {
        /// Against brute force: a client is in a group exactly if it can reach itself.
        #[test]
        fn every_circle_is_real_and_none_is_missed(edges in prop::collection::vec((0_usize..9, 0_usize..9), 0..30)) {
            let locks: Vec<LockSeen> = edges
                .iter()
                .map(|(waiter, holder)| lock(&format!("{waiter}-{holder}"), &holder.to_string(), &[&waiter.to_string()]))
                .collect();
            let mut reach = [[false; 9]; 9];
            for (a, b) in &edges {
                reach[*a][*b] |= a != b;
            }
            for k in 0..9 {
                for a in 0..9 {
                    for b in 0..9 {
                        reach[a][b] |= reach[a][k] && reach[k][b];
                    }
                }
            }
            let found = cycles(&locks, true);
            let mut groups: Vec<Vec<usize>> = (0..9)
                .filter(|a| reach[*a][*a])
                .map(|a| (0..9).filter(|b| reach[a][*b] && reach[*b][a]).collect())
                .collect();
            groups.sort();
            groups.dedup();
            prop_assert_eq!(found.len(), groups.len());
            for (cycle, group) in found.iter().zip(&groups) {
                let clients: Vec<usize> = cycle.steps.iter().map(|step| step.client.parse().unwrap()).collect();
                prop_assert!(clients.len() > 1 && clients.iter().all(|client| group.contains(client)));
                prop_assert!(clients.iter().enumerate().all(|(i, client)| !clients[..i].contains(client)));
                for (i, step) in cycle.steps.iter().enumerate() {
                    let next = clients[(i + 1) % clients.len()];
                    prop_assert_eq!(&step.waits_for, &format!("{}-{}", clients[i], next));
                    let before = clients[(i + clients.len() - 1) % clients.len()];
                    prop_assert_eq!(&step.holds, &format!("{}-{}", before, clients[i]));
                }
            }
        }
    }
}
