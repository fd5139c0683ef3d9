//! One value of a document, read as what it is meant to be. Every reading
//! either succeeds or reports why not and gives `None`.

use std::ops::RangeInclusive;

use super::cursor::Report;
use super::document::{Node, Origin, Value};
use super::schema::{choices, nearest};
use crate::units::{SECOND, parse_duration_ns};

/// Longest duration that a workload may name. Below 2^53 ns, so that it is
/// exact as a float too.
pub(super) const LONGEST_NS: u64 = 30 * 24 * 3_600 * SECOND;

/// A value, where it was written and what it is called.
pub(super) struct Item<'d> {
    /// Dotted key.
    pub(super) path: String,
    /// Where the key stands.
    pub(super) origin: Origin,
    pub(super) node: Node,
    pub(super) report: &'d Report,
}

impl Item<'_> {
    /// Reports `key = value <problem>`, without the value where that is a table.
    pub(super) fn report(&self, problem: &str) {
        let shown = match (&self.node.value, self.node.text.as_str()) {
            (Value::Table(_), _) => String::new(),
            (_, "") => " = \"\"".to_owned(),
            (_, text) => format!(" = {text}"),
        };
        self.report.add(&self.origin, format!("{}{shown} {problem}", self.path));
    }

    /// [`Item::report`], as the outcome of a reading.
    pub(super) fn refuse<T>(&self, problem: &str) -> Option<T> {
        self.report(problem);
        None
    }

    /// Reports a word that is none of `names`.
    pub(super) fn refuse_word<'c, T>(&self, typed: &str, names: impl Iterator<Item = &'c str> + Clone) -> Option<T> {
        let hint = nearest(typed, names.clone()).map(|near| format!(": did you mean \"{near}\"?")).unwrap_or_default();
        self.refuse(&format!("is not known{hint} (write {})", choices(names)))
    }

    /// Text.
    pub(super) fn text(&self) -> Option<String> {
        match &self.node.value {
            Value::Text(text) => Some(text.clone()),
            other => self.refuse(&format!("is {}; write text in quotes", other.type_name())),
        }
    }

    /// Returns whether it is text, where it may be something else as well.
    pub(super) fn is_text(&self) -> bool {
        matches!(self.node.value, Value::Text(_))
    }

    /// The text of a file whose path is relative to that of the workload.
    pub(super) fn beside(&self, path: &str) -> Option<String> {
        match self.report.read_beside(path) {
            Ok(text) => Some(text),
            Err(problem) => self.refuse(&format!("cannot be read: {problem}")),
        }
    }

    /// Reports what is wrong with it, without the value, which may be long.
    pub(super) fn refuse_read<T>(&self, problem: &str) -> Option<T> {
        self.report.add(&self.origin, format!("{} {problem}", self.path));
        None
    }

    /// One of some words.
    pub(super) fn word<T: Copy>(&self, words: &[(&'static str, T)]) -> Option<T> {
        let names = words.iter().map(|(name, _)| *name);
        let Value::Text(typed) = &self.node.value else {
            return self.refuse(&format!("is {}; write {}", self.node.value.type_name(), choices(names)));
        };
        let found = words.iter().find(|(name, _)| name == typed).map(|(_, value)| *value);
        found.or_else(|| self.refuse_word(typed, names))
    }

    /// A whole number of a range.
    pub(super) fn whole(&self, range: RangeInclusive<u64>) -> Option<u64> {
        let advice = format!("write a whole number from {} to {}", range.start(), range.end());
        let Value::Integer(number) = self.node.value else {
            return self.refuse(&format!("is {}; {advice}", self.node.value.type_name()));
        };
        let number = u64::try_from(number).ok().filter(|number| range.contains(number));
        number.or_else(|| self.refuse(&format!("is out of range; {advice}")))
    }

    /// A whole number of a range that fits 32 bits.
    pub(super) fn whole32(&self, range: RangeInclusive<u32>) -> Option<u32> {
        let number = self.whole(u64::from(*range.start())..=u64::from(*range.end()))?;
        u32::try_from(number).ok()
    }

    /// A number that `fits`, which `advice` puts in words.
    pub(super) fn real(&self, fits: fn(f64) -> bool, advice: &str) -> Option<f64> {
        let number = match self.node.value {
            Value::Real(number) => number,
            Value::Integer(number) => number as f64,
            _ => return self.refuse(&format!("is {}; write {advice}", self.node.value.type_name())),
        };
        if fits(number) { Some(number) } else { self.refuse(&format!("is out of range; write {advice}")) }
    }

    /// A duration in nanoseconds, zero allowed.
    pub(super) fn duration(&self) -> Option<u64> {
        let read = match &self.node.value {
            Value::Text(text) => parse_duration_ns(text),
            // Says that the unit is missing, and how to write one.
            Value::Integer(_) | Value::Real(_) => parse_duration_ns("1"),
            other => Err(format!("is {}; write a duration such as \"250ms\"", other.type_name())),
        };
        match read {
            Ok(ns) if ns <= LONGEST_NS => Some(ns),
            Ok(_) => self.refuse("is longer than 30 days; write at most \"720h\""),
            Err(problem) => self.refuse(&problem),
        }
    }

    /// A duration in nanoseconds, more than zero.
    pub(super) fn positive_duration(&self) -> Option<u64> {
        match self.duration()? {
            0 => self.refuse("is no time at all; write a duration above zero, such as \"250ms\""),
            ns => Some(ns),
        }
    }

    /// A duration in nanoseconds, below zero with a minus before it.
    pub(super) fn signed_duration(&self) -> Option<i64> {
        let Value::Text(text) = &self.node.value else { return self.duration().and_then(|ns| i64::try_from(ns).ok()) };
        let Some(plain) = text.trim_start().strip_prefix('-') else {
            return self.duration().and_then(|ns| i64::try_from(ns).ok());
        };
        match parse_duration_ns(plain) {
            Ok(ns) if ns <= LONGEST_NS => i64::try_from(ns).ok().map(|ns| -ns),
            Ok(_) => self.refuse("is longer than 30 days; write at most \"720h\""),
            Err(problem) => self.refuse(&problem),
        }
    }

    /// The elements of a list of texts.
    pub(super) fn elements(&self) -> Option<Vec<Self>> {
        self.elements_of("texts")
    }

    /// The elements of a list of `what`.
    pub(super) fn elements_of(&self, what: &str) -> Option<Vec<Self>> {
        let nodes = match &self.node.value {
            Value::List(nodes) => nodes,
            Value::Text(text) if what == "texts" => return self.refuse(&format!("is text; write a list: [{text:?}]")),
            other => return self.refuse(&format!("is {}; write a list of {what}", other.type_name())),
        };
        let item = |node: &Node| Self {
            path: self.path.clone(),
            origin: node.origin.clone(),
            node: node.clone(),
            report: self.report,
        };
        Some(nodes.iter().map(item).collect())
    }
}

const _: () = assert!(LONGEST_NS < 1 << 53, "durations must be exact as floats");
