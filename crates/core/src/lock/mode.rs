//! What a lock excludes.

use std::borrow::Cow;

/// What a lock excludes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(into = "String", try_from = "String")]
#[schemars(with = "String")]
pub enum Mode {
    /// All others.
    #[default]
    Exclusive,
    /// Exclusive ones.
    Shared,
    /// Nobody as long as fewer than so many are in: a semaphore of that many permits, of which each holder has one.
    Permits {
        /// Permits of the key, above 0, the same for all that ask for it.
        of: u32,
    },
    /// Nobody: a "grant" is the read of a version, and the "release" a write that is refused if the version has changed.
    Optimistic,
}

impl Mode {
    const PERMITS: &str = "permits:";

    /// Its name in histories.
    #[must_use]
    pub fn name(self) -> Cow<'static, str> {
        match self {
            Self::Exclusive => "exclusive".into(),
            Self::Shared => "shared".into(),
            Self::Permits { of } => format!("{}{of}", Self::PERMITS).into(),
            Self::Optimistic => "optimistic".into(),
        }
    }

    /// Returns whether it excludes all others.
    #[must_use]
    pub fn is_exclusive(&self) -> bool {
        *self == Self::Exclusive
    }

    /// The one of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "exclusive" => Self::Exclusive,
            "shared" => Self::Shared,
            "optimistic" => Self::Optimistic,
            _ => Self::Permits { of: name.strip_prefix(Self::PERMITS)?.parse().ok().filter(|of| *of > 0)? },
        })
    }
}

impl From<Mode> for String {
    fn from(mode: Mode) -> Self {
        mode.name().into_owned()
    }
}

impl TryFrom<String> for Mode {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        Self::named(&name).ok_or_else(|| format!("there is no mode {name:?}"))
    }
}

#[cfg(test)]
mod tests {
    use super::Mode;

    #[test]
    fn a_mode_is_found_by_its_name() {
        for mode in [Mode::Exclusive, Mode::Shared, Mode::Permits { of: 12 }, Mode::Optimistic] {
            assert_eq!(Mode::named(&mode.name()), Some(mode));
        }
        assert_eq!([Mode::named("permits:0"), Mode::named("permits:"), Mode::named("alone")], [None; 3]);
    }
}
