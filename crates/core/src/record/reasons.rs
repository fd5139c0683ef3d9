//! Why attempts failed, in the words of clients and servers: the cold path of
//! the recorder, counted by text and bounded.

use std::collections::BTreeMap;

/// Different texts that are told apart; more are counted together.
const DISTINCT: usize = 20;
/// Characters kept of a text.
const LENGTH: usize = 200;

/// Reasons and how often each was seen.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Reasons(BTreeMap<String, u64>);

impl Reasons {
    /// Counts one.
    pub fn add(&mut self, verb: &str, reason: &str) {
        let text: String = format!("{verb}: {reason}").chars().take(LENGTH).collect();
        self.count(text, 1);
    }

    /// Adds all of another.
    pub fn merge(&mut self, other: Self) {
        for (text, count) in other.0 {
            self.count(text, count);
        }
    }

    /// Text and count, by text.
    pub fn iter(&self) -> impl Iterator<Item = (&str, u64)> {
        self.0.iter().map(|(text, count)| (text.as_str(), *count))
    }

    fn count(&mut self, text: String, count: u64) {
        let known = self.0.contains_key(&text) || self.0.len() < DISTINCT;
        let text = if known { text } else { "other reasons".to_owned() };
        *self.0.entry(text).or_default() += count;
    }
}
