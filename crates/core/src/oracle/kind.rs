//! The three kinds of a double grant, and their words.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

/// What had become of the earlier holder's promise when the other grant came; the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DoubleGrantKind {
    /// It ran, and the service said nothing.
    Inside,
    /// It ran, and the service took the lock back early and said so during that hold,
    /// before or after the other grant.
    Withdrawn,
    /// It had ended: the lease was lawfully over and the client was still inside.
    Outside,
}

impl DoubleGrantKind {
    /// Every kind, the worst first.
    pub const ALL: [Self; 3] = [Self::Inside, Self::Withdrawn, Self::Outside];

    /// Its word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Inside => "inside",
            Self::Withdrawn => "withdrawn",
            Self::Outside => "outside",
        }
    }

    /// Whose doing it is.
    #[must_use]
    pub fn blame(self) -> &'static str {
        match self {
            Self::Inside => "the service broke its promise (inside)",
            Self::Withdrawn => "the service took the lock back early and said so (withdrawn)",
            Self::Outside => "the holder overstayed its lease (outside)",
        }
    }
}

/// Older versions stored whether it was inside, and knew two kinds.
pub(super) fn stored_kind<'de, D: Deserializer<'de>>(deserializer: D) -> Result<DoubleGrantKind, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Stored {
        Kind(DoubleGrantKind),
        Inside(bool),
    }
    Ok(match Stored::deserialize(deserializer)? {
        Stored::Kind(kind) => kind,
        Stored::Inside(true) => DoubleGrantKind::Inside,
        Stored::Inside(false) => DoubleGrantKind::Outside,
    })
}

#[cfg(test)]
mod tests {
    use super::DoubleGrantKind;
    use crate::oracle::DoubleGrant;

    #[test]
    fn double_grants_of_older_versions_are_read() {
        let hold = r#"{"client":1,"token":null,"start_ns":1,"end_ns":9,"validity_ns":5}"#;
        for (field, kind) in [
            ("\"inside\":true", DoubleGrantKind::Inside),
            ("\"inside\":false", DoubleGrantKind::Outside),
            ("\"kind\":\"withdrawn\",\"admitted\":true", DoubleGrantKind::Withdrawn),
        ] {
            let text = format!("{{\"key\":0,{field},\"earlier\":{hold},\"later\":{hold}}}");
            let double: DoubleGrant = serde_json::from_str(&text).unwrap();
            assert_eq!((double.kind, double.admitted), (kind, kind == DoubleGrantKind::Withdrawn));
            let again: DoubleGrant = serde_json::from_str(&serde_json::to_string(&double).unwrap()).unwrap();
            assert_eq!(again, double);
        }
    }
}
