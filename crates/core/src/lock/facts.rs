//! What the servers of a lock system say of themselves: read back, never assumed. Each
//! system states its facts as these types; the text of `report.json` is written here, and
//! read here again where a stored report is opened.

mod agreement;
mod persistence;

pub use agreement::{Agreement, Copies};
pub use persistence::{Persistence, Storage};

use serde::{Deserialize, Serialize};

use super::Caveats;

/// What the server itself says of its configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// Server version as it reports it.
    pub version: String,
    /// What survives a crash.
    pub durability: Persistence,
    /// How many nodes must agree of how many.
    pub quorum: Agreement,
    /// What the server says that it is among its like, in its own words: `master`,
    /// `follower`, `standalone`.
    #[serde(default)]
    pub role: String,
    /// What changes what a verdict on it means.
    #[serde(default)]
    pub caveats: Caveats,
}

impl Facts {
    /// Those of a lock that lives and dies with this process, and has no version of its own.
    #[must_use]
    pub fn in_this_process() -> Self {
        Self {
            version: "not told".to_owned(),
            durability: Persistence::none("lives and dies with the process"),
            quorum: Agreement::Process,
            role: "in this process".to_owned(),
            ..Self::default()
        }
    }

    /// Facts that nothing tells, with the reason in the place of each.
    #[must_use]
    pub fn untold(why: &str) -> Self {
        Self {
            version: why.to_owned(),
            durability: Persistence::unknown(why),
            quorum: Agreement::Unread(why.to_owned()),
            role: why.to_owned(),
            ..Self::default()
        }
    }
}

#[cfg(test)]
mod tests;
