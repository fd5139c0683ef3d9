//! How many locks an attempt takes, and in which order: a transaction takes several, one while it holds the others.

use rand::Rng;

use super::cursor::Cursor;
use super::draw::KeyPicker;
use super::item::Item;
use super::plan::Keys;
use super::schema::{Field, Kind, Tagged};

/// Most locks of a transaction.
pub const MOST_LOCKS: usize = 8;

/// Draws of a key that the transaction has already, after which its neighbour is taken.
const DRAWS: u32 = 100;

/// How many locks an attempt takes, and in which order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Locks {
    /// One.
    #[default]
    One,
    /// Several, in the order of their keys: there can be no deadlock.
    Ordered {
        /// Locks of a transaction.
        count: u32,
    },
    /// Several, in the order in which they were drawn: clients that want the same keys can wait for each other.
    Shuffled {
        /// Locks of a transaction.
        count: u32,
        /// What breaks a deadlock.
        deadlock: DeadlockPolicy,
    },
    /// Several, as drawn; the client waits for the first only, and where one of the others is held it gives all back.
    AllOrRelease {
        /// Locks of a transaction.
        count: u32,
    },
    /// A key and all that are above it in a tree, from its root on.
    Path {
        /// Keys below each key.
        fanout: u32,
    },
    /// Several as drawn, one after another: each is given back before the next. Where one is not had, what was done under those
    /// before it is undone in the opposite order, each under its lock again.
    Saga {
        /// Steps of a saga.
        count: u32,
    },
}

/// What breaks a deadlock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeadlockPolicy {
    /// The timeout of the acquire, or a server that finds it.
    Timeout,
    /// lockbench: the transaction that began last gives up as soon as the deadlock is found.
    AbortYoungest,
}

/// The keys that an attempt wants beside its first one, in the order in which it takes them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Further {
    keys: [u32; MOST_LOCKS - 1],
    count: u8,
}

impl Further {
    /// The keys.
    #[must_use]
    pub fn keys(&self) -> &[u32] {
        self.keys.get(..usize::from(self.count)).unwrap_or_default()
    }

    /// These, of which there are no more than a transaction can have.
    pub(super) fn of(keys: &[u32]) -> Self {
        let mut further = Self::default();
        keys.iter().for_each(|key| further.push(*key));
        further
    }

    fn push(&mut self, key: u32) {
        if let Some(place) = self.keys.get_mut(usize::from(self.count)) {
            *place = key;
            self.count += 1;
        }
    }
}

impl Locks {
    /// Returns whether an attempt takes more than one lock.
    #[must_use]
    pub fn are_several(self) -> bool {
        self != Self::One
    }

    /// Returns whether an attempt holds several locks at once.
    #[must_use]
    pub fn are_held_together(self) -> bool {
        !matches!(self, Self::One | Self::Saga { .. })
    }

    /// Returns whether clients can wait for each other in a circle.
    #[must_use]
    pub fn can_deadlock(self) -> bool {
        matches!(self, Self::Shuffled { .. })
    }

    /// Most locks of a transaction on so many keys.
    #[must_use]
    pub fn most(self, keys: u32) -> u32 {
        match self {
            Self::One => 1,
            Self::Ordered { count }
            | Self::Shuffled { count, .. }
            | Self::AllOrRelease { count }
            | Self::Saga { count } => count,
            Self::Path { fanout } => depth(keys.saturating_sub(1), fanout) + 1,
        }
    }

    /// All keys of an attempt whose first draw was `key`, in the order in which it takes them.
    pub(super) fn all(
        self,
        key: u32,
        count_of_keys: u32,
        (picker, client): (&KeyPicker, u32),
        rng: &mut impl Rng,
    ) -> (u32, Further) {
        let mut further = Further::default();
        let count = match self {
            Self::One => return (key, further),
            Self::Path { fanout } => return path(key, fanout),
            Self::Ordered { count }
            | Self::Shuffled { count, .. }
            | Self::AllOrRelease { count }
            | Self::Saga { count } => count,
        };
        let mut keys = vec![key];
        while keys.len() < count as usize {
            let mut next = picker.pick(client, rng);
            let mut draws = 0;
            while keys.contains(&next) {
                draws += 1;
                next = if draws < DRAWS { picker.pick(client, rng) } else { (next + 1) % count_of_keys.max(1) };
            }
            keys.push(next);
        }
        if matches!(self, Self::Ordered { .. }) {
            keys.sort_unstable();
        }
        keys.iter().skip(1).for_each(|key| further.push(*key));
        (keys[0], further)
    }
}

/// The root of a tree of keys and what leads from it to a key. Key 0 is the root, and those below key k are
/// k x fanout + 1 to k x fanout + fanout.
fn path(key: u32, fanout: u32) -> (u32, Further) {
    let (mut keys, mut at) = (vec![key], key);
    while at > 0 {
        at = (at - 1) / fanout.max(1);
        keys.push(at);
    }
    let mut further = Further::default();
    keys.iter().rev().skip(1).for_each(|key| further.push(*key));
    (0, further)
}

/// Keys above a key.
fn depth(key: u32, fanout: u32) -> u32 {
    let (mut at, mut depth) = (key, 0);
    while at > 0 {
        at = (at - 1) / fanout.max(1);
        depth += 1;
    }
    depth
}

const COUNT: Field = Field::required("count", "whole number", "locks of a transaction, 2 to 8");
pub(super) const DEADLOCK_POLICIES: &[(&str, DeadlockPolicy)] =
    &[("timeout", DeadlockPolicy::Timeout), ("abort-youngest", DeadlockPolicy::AbortYoungest)];

/// How many locks an attempt takes.
pub(super) static LOCKS: Tagged<Locks> = Tagged {
    tag: "kind",
    kinds: &[
        Kind {
            name: "one",
            fields: &[],
            meaning: "one lock per attempt",
            build: |_| Some(Locks::One),
            written: |locks| (*locks == Locks::One).then(Vec::new),
        },
        Kind {
            name: "ordered",
            fields: &[COUNT],
            meaning: "several locks in the order of their keys: no deadlock is possible",
            build: |cursor| Some(Locks::Ordered { count: count(cursor)? }),
            written: |locks| match locks {
                Locks::Ordered { count } => Some(vec![Some(count.to_string())]),
                _ => None,
            },
        },
        Kind {
            name: "shuffled",
            fields: &[
                COUNT,
                Field::default(
                    "deadlock",
                    "text",
                    "\"timeout\"",
                    "what breaks a deadlock: `\"timeout\"` of the acquire (or a server that finds it), or \
                     `\"abort-youngest\"`: the transaction that began last gives up as soon as lockbench finds it",
                ),
            ],
            meaning: "several locks in the order in which they were drawn: clients can wait for each other in a circle",
            build: |cursor| {
                let (count, policy) = (count(cursor), cursor.take("deadlock"));
                Some(Locks::Shuffled { deadlock: policy?.word(DEADLOCK_POLICIES)?, count: count? })
            },
            written: |locks| match locks {
                Locks::Shuffled { count, deadlock } => {
                    let word = DEADLOCK_POLICIES.iter().find(|(_, policy)| policy == deadlock).map(|(word, _)| *word);
                    Some(vec![Some(count.to_string()), word.map(|word| format!("\"{word}\""))])
                }
                _ => None,
            },
        },
        Kind {
            name: "all-or-release",
            fields: &[COUNT],
            meaning: "several locks as drawn; the client waits for the first only, and gives all back where another is held",
            build: |cursor| Some(Locks::AllOrRelease { count: count(cursor)? }),
            written: |locks| match locks {
                Locks::AllOrRelease { count } => Some(vec![Some(count.to_string())]),
                _ => None,
            },
        },
        Kind {
            name: "path",
            fields: &[Field::required("fanout", "whole number", "keys below each key, 2 to 1 000")],
            meaning: "a key of a tree and all above it, from the root on: a lock on `a/b/c` takes `a` and `a/b` first",
            build: |cursor| Some(Locks::Path { fanout: cursor.take("fanout")?.whole32(2..=1_000)? }),
            written: |locks| match locks {
                Locks::Path { fanout } => Some(vec![Some(fanout.to_string())]),
                _ => None,
            },
        },
        Kind {
            name: "saga",
            fields: &[Field::required("count", "whole number", "steps of a saga, 2 to 8")],
            meaning: "one lock after another, each given back before the next; where one is not had, what was done before is undone \
                      in the opposite order, each step under its lock again",
            build: |cursor| Some(Locks::Saga { count: count(cursor)? }),
            written: |locks| match locks {
                Locks::Saga { count } => Some(vec![Some(count.to_string())]),
                _ => None,
            },
        },
    ],
};

fn count(cursor: &Cursor<'_>) -> Option<u32> {
    cursor.take("count")?.whole32(2..=MOST_LOCKS as u32)
}

/// Refuses locks for which there are not keys enough. `keys` is `None` if they are wrong, which is reported already.
pub(super) fn fitting(item: &Item<'_>, locks: Locks, keys: Option<&Keys>, clients: Option<u32>) -> Option<Locks> {
    let (keys, clients) = (keys?, clients?);
    if !locks.are_several() {
        return Some(locks);
    }
    if *keys == Keys::PerClient {
        return item.refuse(
            "has no place beside keys = \"per-client\", where each client has one key; choose keys that clients share",
        );
    }
    let (count, most) = (keys.count(clients), locks.most(keys.count(clients)));
    if count < 2 || count < most {
        return item.refuse(&format!(
            "needs more keys than the {count} of this workload; write for example keys = {{ kind = \"uniform\", count = 100 }}"
        ));
    }
    if most as usize > MOST_LOCKS {
        return item.refuse(&format!(
            "makes paths of {most} keys, and {MOST_LOCKS} are possible; raise fanout or lower the number of keys"
        ));
    }
    Some(locks)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};
    use rand::SeedableRng;
    use rand_pcg::Pcg64Mcg;

    use super::{DeadlockPolicy, Locks, depth, path};
    use crate::workload::draw::KeyPicker;
    use crate::workload::plan::Keys;

    proptest! {
        #[test]
        fn a_transaction_wants_different_keys_in_its_order(count in 2_u32..=8, more in 0_u32..20, seed in any::<u64>()) {
            let keys = Keys::Zipf { count: count + more, exponent: 1.5 };
            let (picker, mut rng) = (KeyPicker::new(&keys), Pcg64Mcg::seed_from_u64(seed));
            let shuffled = Locks::Shuffled { count, deadlock: DeadlockPolicy::Timeout };
            for locks in [Locks::Ordered { count }, shuffled, Locks::AllOrRelease { count }] {
                let key = picker.pick(0, &mut rng);
                let (first, further) = locks.all(key, count + more, (&picker, 0), &mut rng);
                let all: Vec<u32> = [first].iter().chain(further.keys()).copied().collect();
                let mut sorted = all.clone();
                sorted.sort_unstable();
                sorted.dedup();
                prop_assert_eq!(sorted.len(), count as usize);
                prop_assert!(all.iter().all(|key| *key < count + more));
                match locks {
                    Locks::Ordered { .. } => prop_assert_eq!(all, sorted),
                    _ => prop_assert_eq!(first, key),
                }
            }
        }

        #[test]
        fn a_path_leads_from_the_root_to_the_key(key in 0_u32..500, fanout in 4_u32..20) {
            let (first, further) = path(key, fanout);
            let all: Vec<u32> = [first].iter().chain(further.keys()).copied().collect();
            prop_assert_eq!((all[0], all[all.len() - 1], all.len()), (0, key, depth(key, fanout) as usize + 1));
            prop_assert!(all.windows(2).all(|pair| (pair[1] - 1) / fanout == pair[0]));
        }
    }
}
