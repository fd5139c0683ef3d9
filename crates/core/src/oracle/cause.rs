//! The causes of a double grant, and their words.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::kind::DoubleGrantKind;

/// Why a lock was granted twice: whose mistake it was. The kind ([`super::DoubleGrantKind`]) is what the clients
/// saw of it; the cause is found from what the servers and the faults tell beside.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Cause {
    /// The server lost or duplicated the grant.
    #[serde(rename = "V1")]
    ServerLost,
    /// The lease was lawfully over, and the client still believed in it.
    #[serde(rename = "V2")]
    Overstayed,
    /// The grant was reported for a lease that was over already.
    #[serde(rename = "V3")]
    DeadLease,
    /// Somebody else's release or renewal hit the lock.
    #[serde(rename = "V4")]
    ForeignHit,
    /// Two clients were one to the server.
    #[serde(rename = "V5")]
    SharedIdentity,
    /// The client entered without a grant.
    #[serde(rename = "V6")]
    NoGrant,
    /// What would tell it is missing.
    #[default]
    #[serde(rename = "undetermined")]
    Undetermined,
}

impl Cause {
    /// Every one, with its name in reports and what it means.
    pub const ALL: [(Self, &str, &str); 7] = [
        (Self::ServerLost, "V1", "the server lost or duplicated the grant"),
        (Self::Overstayed, "V2", "the lease was over, and the client still believed in it"),
        (Self::DeadLease, "V3", "granted for a lease that was over already"),
        (Self::ForeignHit, "V4", "somebody else's release or renewal hit the lock"),
        (Self::SharedIdentity, "V5", "two clients were one to the server"),
        (Self::NoGrant, "V6", "the client entered without a grant"),
        (Self::Undetermined, "undetermined", "what would tell the cause is missing"),
    ];

    /// Its name in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL[self as usize].1
    }

    /// Returns whether a double grant of that kind can have this cause; any other pair is a bug of lockbench.
    #[must_use]
    pub fn goes_with(self, kind: DoubleGrantKind) -> bool {
        match kind {
            DoubleGrantKind::Outside => self == Self::Overstayed,
            DoubleGrantKind::Withdrawn => matches!(self, Self::ServerLost | Self::ForeignHit),
            DoubleGrantKind::Inside => true,
        }
    }

    /// What it means, in words.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        Self::ALL[self as usize].2
    }
}

#[cfg(test)]
mod tests {
    use super::Cause;

    #[test]
    fn each_is_stored_by_its_name() {
        for (cause, name, _) in Cause::ALL {
            assert_eq!((cause.name(), serde_json::to_value(cause).unwrap()), (name, name.into()));
        }
    }
}
