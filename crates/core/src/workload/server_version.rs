//! Versions of servers: which of them a verdict is expected of.

use std::fmt;

/// A version number as servers tell theirs: numbers with dots between them. What follows the last one is left out.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ServerVersion(Vec<u32>);

impl ServerVersion {
    /// Reads `3.5.16`, `v3.5.16` or `15.13 (Debian ...)`; `None`: it does not begin with a number.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let text = text.trim_start_matches('v');
        let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
        let numbers: Option<Vec<u32>> =
            text[..end].trim_end_matches('.').split('.').map(|number| number.parse().ok()).collect();
        numbers.map(Self)
    }
}

impl fmt::Display for ServerVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let numbers: Vec<String> = self.0.iter().map(u32::to_string).collect();
        f.write_str(&numbers.join("."))
    }
}

/// Versions from one on, and before another.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Versions {
    /// The first that is meant; `None`: there is no first.
    pub since: Option<ServerVersion>,
    /// The first that is not meant any more; `None`: there is none.
    pub before: Option<ServerVersion>,
}

impl Versions {
    /// Returns whether the version is meant. One that is not known is meant where all are.
    #[must_use]
    pub fn include(&self, version: Option<&ServerVersion>) -> bool {
        let since = self.since.as_ref().is_none_or(|since| version.is_some_and(|version| since <= version));
        since && self.before.as_ref().is_none_or(|before| version.is_some_and(|version| version < before))
    }

    /// Returns whether some version is meant by both.
    pub(super) fn meet(&self, other: &Self) -> bool {
        let ends = |one: &Self, next: &Self| one.before.as_ref().zip(next.since.as_ref()).is_some_and(|(b, s)| b <= s);
        !ends(self, other) && !ends(other, self)
    }
}

#[cfg(test)]
mod tests {
    use super::{ServerVersion, Versions};

    fn version(text: &str) -> Option<ServerVersion> {
        ServerVersion::read(text)
    }

    #[test]
    fn numbers_are_compared_and_not_letters() {
        assert!(version("3.5.9") < version("3.5.16"));
        assert!(version("3.5") < version("3.5.0"));
        assert!(version("3.4.23") < version("3.5"));
        assert_eq!(version("v15.13 (Debian 15.13-0)").unwrap().to_string(), "15.13");
        for text in ["", "unknown", "coreutils)", ".", "3..4"] {
            assert_eq!(version(text), None, "{text}");
        }
    }

    #[test]
    fn an_unknown_version_is_meant_where_all_are() {
        let all = Versions::default();
        let fixed = Versions { since: version("3.5.16"), before: None };
        let open = Versions { since: None, before: version("3.5.16") };
        assert!(all.include(None) && !fixed.include(None) && !open.include(None));
        let (old, new) = (version("3.4.23"), version("3.5.16"));
        assert!(open.include(old.as_ref()) && !open.include(new.as_ref()));
        assert!(fixed.include(new.as_ref()) && !fixed.include(old.as_ref()));
        assert!(!open.meet(&fixed) && all.meet(&fixed) && open.meet(&open));
    }
}
