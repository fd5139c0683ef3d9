//! Which nodes or clients a fault hits.

use crate::workload::item::Item;

/// Which nodes of the servers, as Jepsen's node specifications name them
/// (<https://github.com/jepsen-io/jepsen>, `nemesis/combined.clj`), or which clients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// One, drawn by the seed.
    One,
    /// Of nodes: as many as may fail, (n-1)/2, drawn by the seed.
    Minority,
    /// Of nodes: more than may fail, n/2+1, drawn by the seed.
    Majority,
    /// All.
    All,
    /// Of nodes: the one that leads.
    Leader,
    /// Of nodes: one that does not lead, drawn by the seed.
    Follower,
    /// Of clients: the one that reached the point that the fault waits for, or one that is in a critical section.
    Holder,
    /// Of clients: one that asks for a lock which another holds.
    Contender,
    /// The node or client of this name, such as `redlock-2` or `client-0`.
    Named(String),
}

/// The words, with whether they may mean nodes, and clients.
const WORDS: [(&str, Target, bool, bool); 8] = [
    ("one", Target::One, true, true),
    ("minority", Target::Minority, true, false),
    ("majority", Target::Majority, true, false),
    ("all", Target::All, true, true),
    ("leader", Target::Leader, true, false),
    ("follower", Target::Follower, true, false),
    ("holder", Target::Holder, false, true),
    ("contender", Target::Contender, false, true),
];

/// Client numbers follow it in a workload.
const CLIENT: &str = "client";

impl Target {
    /// Its word in a workload.
    #[must_use]
    pub fn word(&self) -> &str {
        match self {
            Self::Named(name) => name,
            other => WORDS.iter().find(|(_, target, ..)| target == other).map_or("", |(word, ..)| word),
        }
    }

    /// The number of the client of that name, if it is one's.
    #[must_use]
    pub fn client(&self) -> Option<u32> {
        let Self::Named(name) = self else { return None };
        name.strip_prefix(CLIENT)?.strip_prefix('-')?.parse().ok()
    }

    /// Reads what a fault of a client, or of a node, is aimed at.
    pub(super) fn read(item: &Item<'_>, of_a_client: bool) -> Option<Self> {
        let text = item.text()?;
        let fits = |nodes: bool, clients: bool| if of_a_client { clients } else { nodes };
        let found = WORDS.iter().find(|(word, _, nodes, clients)| *word == text && fits(*nodes, *clients));
        if let Some((_, target, ..)) = found {
            return Some(target.clone());
        }
        // Names are numbered; which nodes there are is known when the servers are.
        let named = text.rsplit_once('-').is_some_and(|(kind, number)| {
            !kind.is_empty() && (kind == CLIENT) == of_a_client && number.parse::<u16>().is_ok()
        });
        if named {
            return Some(Self::Named(text));
        }
        let words = WORDS.iter().filter(|(_, _, nodes, clients)| fits(*nodes, *clients)).map(|(word, ..)| *word);
        item.refuse_word(&text, words)
    }
}

/// The words that mean nodes or clients, other than names.
pub(in crate::workload) fn targets() -> Vec<&'static str> {
    WORDS.iter().map(|(word, ..)| *word).collect()
}
