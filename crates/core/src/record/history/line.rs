//! What a line of the history says.

use serde::{Deserialize, Serialize};

use crate::record::event::Event;

/// Starts the events of one result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// Registry name.
    pub backend: String,
    /// Trial number, from 1.
    pub trial: u32,
    /// Number of clients.
    pub clients: u32,
    /// Number of keys.
    pub keys: u32,
    /// Start of the warm-up.
    pub start: u64,
    /// Start of measuring.
    pub measure: u64,
    /// Planned end of measuring.
    pub end: u64,
}

/// What the oracle has counted so far, over all phases of a trial. Every count only
/// grows, and depends on the events alone: a replay of the same events has the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Judged {
    /// Grants.
    pub grants: u64,
    /// Double grants under the naive policy.
    pub double_grants: u64,
    /// Of these: the earlier holder's promise was still running.
    pub inside: u64,
    /// Of these: the service took it back early and said so.
    #[serde(default)]
    pub withdrawn: u64,
    /// Of these: it was over.
    pub outside: u64,
    /// Double grants under the deadline policy.
    pub deadline: u64,
    /// Double grants under the evidence policy.
    pub evidence: u64,
    /// Grants that overlap an uncertain hold.
    pub overlaps_possible: u64,
    /// Certain token regressions.
    pub token_regressions: u64,
    /// Token inversions that are no violation.
    pub token_inversions: u64,
    /// Writes over a change made since the read.
    pub lost_updates: u64,
    /// Writes with a token below the highest written.
    pub stale_writes_seen: u64,
    /// Writes that a fenced resource refused.
    pub stale_writes_refused: u64,
    /// Deadlocks among the clients: no violation.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub deadlocks: u64,
    /// Critical sections that acted on what they had read.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub acts: u64,
    /// Of these: another client had done the same since.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub harmful_acts: u64,
    /// Of all: fencing did not keep them from it.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub harmful_acts_fenced: u64,
}

/// Older programs read what has none.
fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// Where the whole part of a result's history ends: from here on the file has the
/// rest of attempts that were under way, and what surrounds violations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cut {
    /// Instant of the first event that is not written.
    pub t: u64,
    /// What the oracle had counted in everything before it.
    pub judged: Judged,
}

/// A line read back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// A new result starts.
    Result(Header),
    /// The whole part of the current result ends here.
    Cut(Cut),
    /// The next event of the current result.
    Event(Event),
    /// Something of the current result that this version keeps and does not judge.
    Unjudged(Unjudged),
}

/// An event whose kind, or the mode of whose attempt, this version does not know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unjudged {
    /// Its instant.
    pub t: u64,
    /// Its kind; with the mode, where that is what is not known.
    pub kind: String,
    /// Its line as it was read.
    pub text: String,
}
