//! What is found of a double grant.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::oracle::Cause;

/// The cause of one double grant, and by what one knows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Attribution {
    /// Whose mistake it was.
    #[serde(default)]
    pub cause: Cause,
    /// By what one knows, in order of weight.
    #[serde(default)]
    pub evidence: Vec<Fact>,
    /// What is missing to tell the cause; left out where it is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing: Option<Missing>,
    /// Of the writes of the two, so many undid another's on a resource that checks no tokens.
    #[serde(default)]
    pub updates_lost: u32,
    /// So many of the two a resource that checks tokens refused.
    #[serde(default)]
    pub writes_refused: u32,
}

/// One thing that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Fact {
    /// What.
    pub fact: FactKind,
    /// Of which client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<u32>,
    /// At which server, from 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<u16>,
    /// Which planned fault, from 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<u16>,
    /// From when it is so, clock nanoseconds.
    pub from_ns: u64,
    /// To when; the same where it is of an instant.
    pub to_ns: u64,
    /// Milliseconds that the lease had left at its begin, by the server's word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_ms: Option<u32>,
}

/// Kinds of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FactKind {
    /// The promise to the client ended.
    PromiseOver,
    /// The session of the client learned that its lock was lost.
    LostSignal,
    /// The server had the client for the holder.
    Held,
    /// The server had it no more: between its last answer that had, and the first that had not.
    Lost,
    /// The server did not answer.
    Away,
    /// When its grant was reported, the server surely had another for the holder, or nobody.
    NotHolder,
    /// The server never said that the client holds the key.
    NeverHolder,
    /// The release of a client that had been granted the key before was confirmed: sent, and answered.
    ForeignRelease,
    /// A renewal was confirmed to a client that did not have the key any more: sent, and answered.
    ForeignRenewal,
    /// The lease was over, and then the grant was reported.
    DeadLease,
    /// Its grant bears no token, and grants of this system do.
    NoToken,
    /// The client is the same to the servers as the other one.
    OneIdentity,
    /// The later grant's token is not above the earlier one's.
    TokenBack,
    /// The client stopped at the point of a planned fault.
    Stopped,
    /// A planned fault was in force.
    Fault,
}

/// What is missing to tell a cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Missing {
    /// The servers were not asked beside the load.
    NotAsked,
    /// Several may hold the key at once, so that there is no holder to ask for.
    SeveralHolders,
    /// The servers were asked about other keys only.
    KeyNotAsked,
    /// A hold fell between two looks at the servers.
    BetweenLooks,
    /// The servers did not answer meanwhile.
    NoAnswer,
}

impl Missing {
    /// What it means, in words.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        match self {
            Self::NotAsked => {
                "nobody was asked beside the load who holds the key (`truth` in the workload; of `flock` nobody can be)"
            }
            Self::SeveralHolders => {
                "several clients may hold the key at once, and the servers are asked for the one that holds it only"
            }
            Self::KeyNotAsked => {
                "the servers were asked about the first keys of the trial only, and not about this one"
            }
            Self::BetweenLooks => "the holds fell between two looks at the servers",
            Self::NoAnswer => "the servers did not answer meanwhile",
        }
    }
}

/// How many double grants have which cause.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Causes([u64; Cause::ALL.len()]);

impl Causes {
    /// One more.
    pub fn add(&mut self, cause: Cause) {
        self.0[cause as usize] += 1;
    }

    /// Those with this cause.
    #[must_use]
    pub fn of(&self, cause: Cause) -> u64 {
        self.0[cause as usize]
    }

    /// All.
    #[must_use]
    pub fn all(&self) -> u64 {
        self.0.iter().sum()
    }

    /// By the names of those that there are.
    #[must_use]
    pub fn named(&self) -> BTreeMap<String, u64> {
        let there = Cause::ALL.iter().filter(|(cause, ..)| self.of(*cause) > 0);
        there.map(|(cause, name, _)| ((*name).to_owned(), self.of(*cause))).collect()
    }
}
