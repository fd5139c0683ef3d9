//! What a live server tells of the locks that are held on it, whoever took them. How
//! each system is asked is in `backend`; what it looks like is in `output`.
//!
//! What a server does not tell is `None` here, and [`Observation::untold`] says why: nothing is
//! guessed.

mod cycle;
mod name;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

pub use cycle::{Cycle, Step};
pub use name::{IN_WORDS, Sign, is_word, sign};

use super::{Local, SystemError};
use crate::plain::is_order;

/// Version of the JSON form: raised when a field goes or changes its meaning.
pub const SCHEMA_VERSION: u32 = 1;

/// Waiters of one lock that are listed; all are counted.
pub const MOST_WAITERS: usize = 100;

/// Longest text of an identity; a value on a server may be of any size.
const LONGEST_IDENTITY: usize = 200;

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// Only locks whose name starts with this; `None`: what looks like a lock there.
    pub prefix: Option<String>,
    /// Most locks shown.
    pub limit: usize,
}

/// Looks at one system, again and again.
pub trait Inspector {
    /// Asks the servers which locks are held now. Reads only.
    fn observe(&mut self) -> Local<'_, Result<Observation, SystemError>>;
    /// Ends what was opened for it.
    fn close(self: Box<Self>) -> Local<'static, ()>;
}

/// What the servers of one system told at one time.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
pub struct Observation {
    /// The servers that were asked.
    pub servers: Vec<ServerSeen>,
    /// What was looked for, in words.
    pub scope: String,
    /// Every lock that is held or waited for, by name.
    pub locks: Vec<LockSeen>,
    /// Why there may be more locks than are listed; null if these are all.
    pub truncated: Option<String>,
    /// Fields that this system does not tell, and why.
    pub untold: BTreeMap<String, String>,
    /// What else a reader must know.
    pub notes: Vec<String>,
    /// What the servers turned out to be, where that is not what was asked for.
    #[serde(skip)]
    pub kind: Option<&'static str>,
}

/// One server that was asked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ServerSeen {
    /// Its address, without credentials.
    pub address: String,
    /// What it says of itself: version and role; null if it did not tell.
    pub said: Option<String>,
    /// Why it did not answer; null if it did.
    pub problem: Option<String>,
}

/// One lock.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct LockSeen {
    /// Its name on the server.
    pub name: String,
    /// How it was recognised as a lock.
    pub kind: String,
    /// Who holds it: several if it is shared, nobody if no quorum agrees.
    pub holders: Vec<ClientSeen>,
    /// How many wait for it; null where the server does not know.
    pub waiting: Option<u64>,
    /// The first of those who wait, in order of their turn.
    pub waiters: Vec<ClientSeen>,
    /// How many nodes agree on the holder; null where one server decides.
    pub quorum: Option<Quorum>,
    /// What each node says, in the order of the servers; empty where one server decides.
    pub nodes: Vec<NodeSeen>,
    /// What is remarkable about this lock.
    pub notes: Vec<String>,
}

/// A client that holds a lock or waits for it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ClientSeen {
    /// What tells it from others on this server: a session, a lease, a process, a value.
    pub client: String,
    /// What it says of itself; null if nothing.
    pub identity: Option<String>,
    /// How it holds or wants the lock, where there are several ways.
    pub mode: Option<String>,
    /// The fencing token of its grant.
    pub token: Option<u64>,
    /// Milliseconds until its lease lapses unless it is renewed.
    pub ttl_left_ms: Option<u64>,
    /// Milliseconds of its lease when fresh.
    pub ttl_ms: Option<u64>,
    /// Milliseconds since it asked for the lock; a holder's wait is part of it.
    pub since_ms: Option<u64>,
    /// Milliseconds since this inspection first saw it there: it is there at least so long.
    pub seen_ms: Option<u64>,
    /// The clients that must let go first, where the server itself tells.
    pub blocked_by: Vec<String>,
    /// More that the server tells of it.
    pub details: BTreeMap<String, String>,
}

/// How many nodes agree on a holder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Quorum {
    /// Nodes that hold the value that most hold.
    pub holding: usize,
    /// Nodes that must hold it.
    pub needed: usize,
    /// All nodes.
    pub nodes: usize,
}

/// What one node says of a lock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct NodeSeen {
    /// What it says.
    pub state: NodeState,
    /// The value that it holds; null if none.
    pub client: Option<String>,
    /// Milliseconds until it forgets the value.
    pub ttl_left_ms: Option<u64>,
}

/// A node's part in a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum NodeState {
    /// It holds the value that most nodes hold.
    Holds,
    /// It holds another value.
    Other,
    /// It holds none.
    Free,
    /// It did not answer.
    Silent,
}

/// A look with what follows from it: the JSON form.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Inspection {
    /// Version of this schema.
    pub schema_version: u32,
    /// The system that was asked.
    pub system: String,
    /// When, by the clock of the machine that asked (RFC 3339, UTC).
    pub at: String,
    /// What the servers told.
    #[serde(flatten)]
    pub look: Observation,
    /// Clients that wait for each other in a circle.
    pub cycles: Vec<Cycle>,
}

impl Inspection {
    /// Finds the cycles of a look. `certain`: what the system says of who waits for whom is certain.
    #[must_use]
    pub fn new(system: &'static str, certain: bool, at: String, look: Observation) -> Self {
        let system = look.kind.unwrap_or(system).to_owned();
        let cycles = cycle::cycles(&look.locks, certain);
        Self { schema_version: SCHEMA_VERSION, system, at, look, cycles }
    }

    /// Locks that somebody holds.
    #[must_use]
    pub fn held(&self) -> usize {
        self.look.locks.iter().filter(|lock| !lock.holders.is_empty()).count()
    }

    /// Clients that wait, as far as the server tells.
    #[must_use]
    pub fn waiting(&self) -> u64 {
        self.look.locks.iter().filter_map(|lock| lock.waiting).sum()
    }

    /// Milliseconds of the longest wait under way that the server tells.
    #[must_use]
    pub fn longest_wait_ms(&self) -> Option<u64> {
        self.look.locks.iter().flat_map(|lock| &lock.waiters).filter_map(|waiter| waiter.since_ms).max()
    }
}

/// A text of a server as it can be shown on one line: no control characters, not endless.
/// Bytes that are no UTF-8 are shown as `\xff`, so that two values of such bytes look different.
#[must_use]
pub fn readable(bytes: &[u8]) -> String {
    let text = escaped(&bytes[..bytes.len().min(4 * LONGEST_IDENTITY + 4)]);
    let mut shown: String = text.chars().take(LONGEST_IDENTITY).map(|c| if is_order(c) { ' ' } else { c }).collect();
    if text.chars().nth(LONGEST_IDENTITY).is_some() {
        shown.push('…');
    }
    shown
}

/// The text with every byte that is no UTF-8 as `\xff`.
#[must_use]
pub fn escaped(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            text.push_str(&format!("\\x{byte:02x}"));
        }
    }
    text
}

/// One note for each text: those that several servers gave name them all, and none of them
/// where all of them gave it.
#[must_use]
pub fn notes_once(given: &[(String, Vec<String>)]) -> Vec<String> {
    let mut notes: Vec<(&str, Vec<&str>)> = Vec::new();
    for (server, texts) in given {
        for text in texts {
            match notes.iter_mut().find(|(known, _)| known == text) {
                Some((_, servers)) => servers.push(server),
                None => notes.push((text, vec![server])),
            }
        }
    }
    let told = |(text, servers): (&str, Vec<&str>)| match servers.len() == given.len() {
        true => text.to_owned(),
        false => format!("{}: {text}", servers.join(", ")),
    };
    notes.into_iter().map(told).collect()
}

#[cfg(test)]
mod tests {
    use super::{notes_once, readable};

    #[test]
    fn a_note_that_all_servers_give_is_told_once() {
        let given = |server: &str, texts: &[&str]| (server.to_owned(), texts.iter().map(|t| (*t).to_owned()).collect());
        let notes = notes_once(&[given("a", &["x", "y"]), given("b", &["x"]), given("c", &["x", "y"])]);
        assert_eq!(notes, ["x", "a, c: y"]);
        assert_eq!(notes_once(&[given("a", &["x"])]), ["x"]);
    }

    #[test]
    fn what_a_server_tells_cannot_move_the_cursor_or_fill_the_screen() {
        assert_eq!(readable(b"a\x1b[2Jb\nc"), "a [2Jb c");
        assert_eq!(readable(&[0xff, b'x']), "\\xffx");
        assert_ne!(readable(&[0xfe]), readable(&[0xff]));
        let long = readable("ä".repeat(5_000).as_bytes());
        assert_eq!(long.chars().count(), 201);
        assert!(long.ends_with('…'));
    }
}
