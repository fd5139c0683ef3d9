//! How the keys of a workload are described: once, for the decoder, its error
//! messages and the table in `workloads/README.md` alike.

use super::cursor::Cursor;

/// One key of a table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field {
    pub(super) key: &'static str,
    /// What it takes, in a word or two.
    pub(super) takes: &'static str,
    pub(super) presence: Presence,
    /// One sentence without the final stop.
    pub(super) meaning: &'static str,
}

/// Must a key be written?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Presence {
    /// Yes.
    Required,
    /// No: it then has this value, in TOML, decoded like a written one.
    Default(&'static str),
    /// No, and there is nothing in its place.
    Optional,
}

/// A value that comes in kinds, each with keys of its own. Written as a table
/// with the kind under `tag`, or as the kind's bare name where all of its keys
/// have defaults.
pub(super) struct Tagged<T: 'static> {
    pub(super) tag: &'static str,
    pub(super) kinds: &'static [Kind<T>],
}

/// One kind of a [`Tagged`] value: adding one is one entry here.
pub(super) struct Kind<T: 'static> {
    pub(super) name: &'static str,
    pub(super) fields: &'static [Field],
    pub(super) meaning: &'static str,
    pub(super) build: fn(&Cursor<'_>) -> Option<T>,
    /// The values of its fields in TOML, in their order, `None` for one that is left out; `None` for
    /// a value of another kind.
    pub(super) written: fn(&T) -> Option<Vec<Option<String>>>,
}

impl Field {
    pub(super) const fn required(key: &'static str, takes: &'static str, meaning: &'static str) -> Self {
        Self { key, takes, presence: Presence::Required, meaning }
    }

    pub(super) const fn optional(key: &'static str, takes: &'static str, meaning: &'static str) -> Self {
        Self { key, takes, presence: Presence::Optional, meaning }
    }

    pub(super) const fn default(
        key: &'static str,
        takes: &'static str,
        default: &'static str,
        meaning: &'static str,
    ) -> Self {
        Self { key, takes, presence: Presence::Default(default), meaning }
    }

    /// Its default, in TOML.
    pub(super) fn default_text(&self) -> Option<&'static str> {
        if let Presence::Default(text) = self.presence { Some(text) } else { None }
    }
}

/// The candidate that was probably meant, if one is near.
pub(super) fn nearest<'c>(typed: &str, candidates: impl Iterator<Item = &'c str>) -> Option<&'c str> {
    candidates
        .map(|candidate| (strsim::damerau_levenshtein(typed, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= (candidate.len() / 3).max(1))
        .min()
        .map(|(_, candidate)| candidate)
}

/// `"a", "b" or "c"`.
pub(super) fn choices<'c>(names: impl Iterator<Item = &'c str>) -> String {
    let mut quoted: Vec<String> = names.map(|name| format!("\"{name}\"")).collect();
    let last = quoted.pop().unwrap_or_default();
    if quoted.is_empty() { last } else { format!("{} or {last}", quoted.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::{choices, nearest};

    #[test]
    fn the_nearest_name_is_suggested_only_if_near() {
        let keys = ["clients", "duration", "ttl"];
        assert_eq!(nearest("clents", keys.into_iter()), Some("clients"));
        assert_eq!(nearest("durration", keys.into_iter()), Some("duration"));
        assert_eq!(nearest("tll", keys.into_iter()), Some("ttl"));
        assert_eq!(nearest("threads", keys.into_iter()), None);
        assert_eq!(nearest("x", keys.into_iter()), None);
    }

    #[test]
    fn choices_read_like_a_sentence() {
        assert_eq!(choices(["a"].into_iter()), "\"a\"");
        assert_eq!(choices(["a", "b", "c"].into_iter()), "\"a\", \"b\" or \"c\"");
    }
}
