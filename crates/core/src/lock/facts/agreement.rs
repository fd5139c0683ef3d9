//! How many nodes must agree to a grant.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How many nodes have a grant when it is confirmed, in classes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Copies {
    /// It could not be read back.
    Unknown,
    /// None: the lock lives in this process, and no other program can take it. It is the floor that every service
    /// is measured against, and is ranked beside none.
    Process,
    /// One.
    One,
    /// One, and the standbys that it waits for.
    Standby,
    /// A majority of several; 0 if it is not known of how many.
    Quorum(u32),
}

/// How many nodes must agree to a grant. Its text is that of `quorum` in `report.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum Agreement {
    /// The lock lives in this process.
    Process,
    /// A file of this host.
    File,
    /// So many nodes of so many.
    Nodes {
        /// How many must agree.
        needed: u32,
        /// How many there are.
        total: u32,
    },
    /// One node, with standbys that its setting `synchronous_standby_names` names.
    Standbys(String),
    /// One node, and so many of its replicas, which it was waited for with `WAIT`.
    Acknowledged(u32),
    /// A majority of nodes whose number could not be read.
    Ensemble,
    /// It could not be read: why, in words.
    Unread(String),
}

impl Agreement {
    /// One node alone.
    pub const ONE: Self = Self::Nodes { needed: 1, total: 1 };

    /// So many of so many.
    #[must_use]
    pub fn of(needed: usize, total: usize) -> Self {
        Self::Nodes { needed: needed as u32, total: total as u32 }
    }

    /// The class of it.
    #[must_use]
    pub fn copies(&self) -> Copies {
        match self {
            Self::Process => Copies::Process,
            Self::File | Self::Nodes { needed: 1, total: 1 } => Copies::One,
            Self::Nodes { needed, total } if needed <= total && *total > 1 => Copies::Quorum(*total),
            Self::Standbys(_) | Self::Acknowledged(_) => Copies::Standby,
            Self::Ensemble => Copies::Quorum(0),
            Self::Nodes { .. } | Self::Unread(_) => Copies::Unknown,
        }
    }
}

impl Default for Agreement {
    fn default() -> Self {
        Self::Unread(String::new())
    }
}

const STANDBYS: &str = "1 of 1, synchronous_standby_names ";
const ACKNOWLEDGED: &str = "1 of 1, WAIT ";

impl fmt::Display for Agreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Process => f.write_str("in process"),
            Self::File => f.write_str("one file"),
            Self::Nodes { needed, total } => write!(f, "{needed} of {total}"),
            Self::Standbys(names) => write!(f, "{STANDBYS}{names}"),
            Self::Acknowledged(replicas) => write!(f, "{ACKNOWLEDGED}{replicas}"),
            Self::Ensemble => f.write_str("majority of the ensemble"),
            Self::Unread(words) => f.write_str(words),
        }
    }
}

/// Reads the text of a stored report.
impl From<&str> for Agreement {
    fn from(words: &str) -> Self {
        let nodes = || {
            let (needed, total) = words.split_once(" of ")?;
            let nodes = Self::Nodes { needed: needed.parse().ok()?, total: total.parse().ok()? };
            (nodes.to_string() == words).then_some(nodes)
        };
        match words {
            "in process" => Self::Process,
            "one file" => Self::File,
            "majority of the ensemble" => Self::Ensemble,
            _ => words
                .strip_prefix(STANDBYS)
                .map(|names| Self::Standbys(names.to_owned()))
                .or_else(|| words.strip_prefix(ACKNOWLEDGED)?.parse().ok().map(Self::Acknowledged))
                .or_else(nodes)
                .unwrap_or_else(|| Self::Unread(words.to_owned())),
        }
    }
}

impl From<String> for Agreement {
    fn from(words: String) -> Self {
        words.as_str().into()
    }
}

impl From<Agreement> for String {
    fn from(agreement: Agreement) -> Self {
        agreement.to_string()
    }
}
