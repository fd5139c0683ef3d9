//! Options that one lock system has and others have not: a table of the workload that the
//! system declares. Core knows only that there are such tables; what they mean, their
//! system knows.

use super::cursor::Cursor;
use super::document::{Table, Value};
use super::file::ROOT;
use super::item::Item;
use super::plan::Plan;
use super::schema::Field;
use crate::units::parse_duration_ns;

/// A table of the workload that belongs to a lock system. From it the decoder, its messages,
/// the schema and the documentation are made.
#[derive(Debug)]
pub struct OptionTable {
    /// Its key at the top level, the name of the system.
    pub name: &'static str,
    /// One sentence without the final stop.
    pub meaning: &'static str,
    /// Its keys, in the order in which a plan is written.
    pub options: &'static [SystemOption],
    /// What a plan with these options may not mean as it is written, in a sentence or two.
    pub warning: fn(&Plan) -> Option<String>,
}

/// One key of an [`OptionTable`].
#[derive(Debug)]
pub struct SystemOption {
    field: Field,
    takes: Takes,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Takes {
    Word(&'static [&'static str]),
    Share,
    Duration,
    PositiveDuration,
    Whole { least: u64, most: u64 },
}

/// A value of an option.
#[derive(Clone, Debug, PartialEq)]
pub enum OptionValue {
    /// One of several words.
    Word(String),
    /// A number.
    Number(f64),
    /// A duration in nanoseconds.
    Ns(u64),
    /// A whole number.
    Whole(u64),
}

/// The options of all systems in a plan: by table, then by key, in the order of their
/// declarations.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SystemOptions(Vec<(String, Vec<(String, OptionValue)>)>);

impl SystemOption {
    /// One of these words. `default` is TOML, `meaning` one sentence without the final stop.
    #[must_use]
    pub const fn word(
        key: &'static str,
        words: &'static [&'static str],
        default: &'static str,
        meaning: &'static str,
    ) -> Self {
        Self { field: Field::default(key, "text", default, meaning), takes: Takes::Word(words) }
    }

    /// A number from 0 up to below 1. `default` is TOML, `meaning` one sentence without the final stop.
    #[must_use]
    pub const fn share(key: &'static str, default: &'static str, meaning: &'static str) -> Self {
        Self { field: Field::default(key, "number", default, meaning), takes: Takes::Share }
    }

    /// A duration, zero allowed; likewise.
    #[must_use]
    pub const fn duration(key: &'static str, default: &'static str, meaning: &'static str) -> Self {
        Self { field: Field::default(key, "duration", default, meaning), takes: Takes::Duration }
    }

    /// A duration above zero; likewise.
    #[must_use]
    pub const fn positive_duration(key: &'static str, default: &'static str, meaning: &'static str) -> Self {
        Self { field: Field::default(key, "duration", default, meaning), takes: Takes::PositiveDuration }
    }

    /// A whole number from 1 to `most`; likewise.
    #[must_use]
    pub const fn whole(key: &'static str, most: u64, default: &'static str, meaning: &'static str) -> Self {
        Self { field: Field::default(key, "whole number", default, meaning), takes: Takes::Whole { least: 1, most } }
    }

    /// A whole number from 0 to `most`; likewise.
    #[must_use]
    pub const fn count(key: &'static str, most: u64, default: &'static str, meaning: &'static str) -> Self {
        Self { field: Field::default(key, "whole number", default, meaning), takes: Takes::Whole { least: 0, most } }
    }

    fn read(&self, item: &Item<'_>) -> Option<OptionValue> {
        match self.takes {
            Takes::Word(words) => {
                let word = item.text()?;
                if words.contains(&word.as_str()) {
                    return Some(OptionValue::Word(word));
                }
                item.refuse_word(&word, words.iter().copied())
            }
            Takes::Share => {
                let fits = |share: f64| (0.0..1.0).contains(&share);
                item.real(fits, "a number from 0 up to below 1").map(OptionValue::Number)
            }
            Takes::Duration => item.duration().map(OptionValue::Ns),
            Takes::PositiveDuration => item.positive_duration().map(OptionValue::Ns),
            Takes::Whole { least, most } => item.whole(least..=most).map(OptionValue::Whole),
        }
    }
}

impl OptionTable {
    /// The number under a key: the plan's, else the declared default.
    #[must_use]
    pub fn number(&self, options: &SystemOptions, key: &str) -> f64 {
        match self.value(options, key) {
            Some(OptionValue::Number(number)) => number,
            Some(_) | None => 0.0,
        }
    }

    /// The duration under a key: the plan's, else the declared default.
    #[must_use]
    pub fn ns(&self, options: &SystemOptions, key: &str) -> u64 {
        match self.value(options, key) {
            Some(OptionValue::Ns(ns)) => ns,
            Some(_) | None => 0,
        }
    }

    /// The whole number under a key: the plan's, else the declared default.
    #[must_use]
    pub fn whole(&self, options: &SystemOptions, key: &str) -> u64 {
        match self.value(options, key) {
            Some(OptionValue::Whole(number)) => number,
            Some(_) | None => 0,
        }
    }

    /// The word under a key: the plan's, else the declared default.
    #[must_use]
    pub fn word(&self, options: &SystemOptions, key: &str) -> String {
        match self.value(options, key) {
            Some(OptionValue::Word(word)) => word,
            Some(_) | None => String::new(),
        }
    }

    /// Returns whether the plan asks for something else than the default under a key.
    #[must_use]
    pub fn changes(&self, options: &SystemOptions, key: &str) -> bool {
        self.value(options, key) != self.value(&SystemOptions::default(), key)
    }

    fn value(&self, options: &SystemOptions, key: &str) -> Option<OptionValue> {
        let default = || {
            let field = &self.options.iter().find(|option| option.field.key == key)?.field;
            unchecked(&super::document::parse_default(field.default_text()?).value)
        };
        let value = options.get(self.name, key).or_else(default);
        debug_assert!(value.is_some(), "{} declares no option {key}", self.name);
        value
    }

    /// Its keys.
    pub(super) fn fields(&self) -> Vec<Field> {
        self.options.iter().map(|option| option.field).collect()
    }

    /// Its key at the top level.
    pub(super) fn field(&self) -> Field {
        Field::default(self.name, "table", "{}", self.meaning)
    }

    /// Decodes it.
    pub(super) fn read(&self, item: &Item<'_>) -> Option<Vec<(String, OptionValue)>> {
        let fields = self.fields();
        let cursor = Cursor::nested(item, &fields)?;
        // All of them, so that every mistake is reported.
        let read = |option: &SystemOption| {
            let key = option.field.key;
            Some((key.to_owned(), cursor.take(key).and_then(|item| option.read(&item))?))
        };
        let values: Vec<_> = self.options.iter().map(read).collect();
        cursor.finish_complete();
        values.into_iter().collect()
    }
}

impl SystemOptions {
    /// The value under a key of a table.
    #[must_use]
    pub fn get(&self, table: &str, key: &str) -> Option<OptionValue> {
        let (_, values) = self.0.iter().find(|(name, _)| name == table)?;
        values.iter().find(|(name, _)| name == key).map(|(_, value)| value.clone())
    }

    /// The same with another value under a key of a table.
    #[must_use]
    pub fn with(mut self, table: &str, key: &str, value: OptionValue) -> Self {
        if !self.0.iter().any(|(name, _)| name == table) {
            self.0.push((table.to_owned(), Vec::new()));
        }
        for (_, values) in self.0.iter_mut().filter(|(name, _)| name == table) {
            values.retain(|(name, _)| name != key);
            values.push((key.to_owned(), value.clone()));
        }
        self
    }

    /// Every table with its values.
    pub(super) fn tables(&self) -> &[(String, Vec<(String, OptionValue)>)] {
        &self.0
    }

    pub(super) fn push(&mut self, table: &str, values: Vec<(String, OptionValue)>) {
        self.0.push((table.to_owned(), values));
    }
}

/// The keys of the top level with those of the systems: beside the other tables, before the prices.
pub(super) fn root(tables: &[&OptionTable]) -> Vec<Field> {
    let mut fields = ROOT.to_vec();
    let last = fields.len().saturating_sub(1);
    fields.splice(last..last, tables.iter().map(|table| table.field()));
    fields
}

/// Takes the options out of a plan that was stored: whatever system declared them then, and checked them.
pub(super) fn stored(document: &mut Table) -> SystemOptions {
    let mut options = SystemOptions::default();
    document.entries.retain(|entry| {
        let Value::Table(table) = &entry.node.value else { return true };
        if ROOT.iter().any(|field| field.key == entry.key) {
            return true;
        }
        let value = |entry: &super::document::Entry| Some((entry.key.clone(), unchecked(&entry.node.value)?));
        let Some(values) = table.entries.iter().map(value).collect() else { return true };
        options.push(&entry.key, values);
        false
    });
    options
}

fn unchecked(value: &Value) -> Option<OptionValue> {
    match value {
        Value::Real(number) => Some(OptionValue::Number(*number)),
        Value::Integer(number) => u64::try_from(*number).ok().map(OptionValue::Whole),
        Value::Text(text) => {
            Some(parse_duration_ns(text).map_or_else(|_| OptionValue::Word(text.clone()), OptionValue::Ns))
        }
        _ => None,
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::{OptionTable, OptionValue, SystemOption};
    use crate::workload::source::{parse_stored, parse_with};
    use crate::workload::{parse, to_toml};

    /// One of each sort.
    pub static TABLE: OptionTable = OptionTable {
        name: "toy",
        meaning: "parameters of a toy",
        options: &[
            SystemOption::share("share", "0.01", "a share"),
            SystemOption::duration("pause", "\"2ms\"", "a pause"),
            SystemOption::positive_duration("limit", "\"50ms\"", "a limit"),
            SystemOption::whole("count", 9, "1", "a count"),
            SystemOption::count("extra", 2, "0", "a count that may be none"),
            SystemOption::word("colour", &["red", "blue"], "\"red\"", "a colour"),
        ],
        warning: |_| None,
    };

    #[test]
    fn options_have_the_defaults_of_their_declaration_and_the_plan_changes_them() {
        let (plan, _) = parse_with("w.toml", "clients = 2\n[toy]\nlimit = \"1s\"", &[], &[&TABLE]).unwrap();
        assert_eq!(TABLE.number(&plan.options, "share"), 0.01);
        assert_eq!([TABLE.ns(&plan.options, "pause"), TABLE.ns(&plan.options, "limit")], [2_000_000, 1_000_000_000]);
        let none = super::SystemOptions::default();
        assert_eq!((TABLE.number(&none, "share"), TABLE.ns(&none, "limit")), (0.01, 50_000_000));
        assert_eq!((TABLE.whole(&none, "count"), TABLE.whole(&none, "extra")), (1, 0));
        assert!(parse_with("w.toml", "clients = 2\n[toy]\nextra = 0", &[], &[&TABLE]).is_ok());
        assert_eq!(TABLE.word(&none, "colour"), "red");
        let blue = none.with("toy", "colour", OptionValue::Word("blue".to_owned()));
        assert!(TABLE.word(&blue, "colour") == "blue" && TABLE.changes(&blue, "colour"));
        let wrong = parse_with("w.toml", "clients = 2\n[toy]\ncolour = \"blu\"", &[], &[&TABLE]).unwrap_err();
        assert!(wrong.to_string().contains("blue"), "{wrong}");
        let other = plan.options.with("toy", "limit", OptionValue::Ns(5));
        assert_eq!(TABLE.ns(&other, "limit"), 5);
    }

    #[test]
    fn a_table_that_no_system_declares_is_refused_and_a_stored_one_is_kept() {
        let error = parse("w.toml", "clients = 2\n[toy]\nlimit = \"1s\"", &[]).unwrap_err();
        assert!(error.to_string().starts_with("w.toml:2: toy is not a known key"), "{error}");
        let (plan, _) = parse_with("w.toml", "clients = 2\n[toy]\nshare = 0.5", &[], &[&TABLE]).unwrap();
        let stored = parse_stored("w.toml", &to_toml(&plan)).unwrap().options;
        for key in ["share", "pause", "limit", "count", "extra", "colour"] {
            assert_eq!(stored.get("toy", key), plan.options.get("toy", key), "{key}");
        }
    }
}
