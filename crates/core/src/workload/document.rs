//! A TOML document as a tree that remembers where each key and value stands,
//! so that every message can name the line. Knows nothing of workloads.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Longest piece of source text that a message quotes.
const QUOTE_CHARS: usize = 60;

/// Where a key or value was written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Origin {
    /// On this line of the file, counted from 1.
    Line(usize),
    /// In this `--set` text.
    Set(Arc<str>),
    /// Nowhere: a default, or the file as a whole.
    Unwritten,
}

/// A value and its source text.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) origin: Origin,
    /// As typed, cut to what a message can quote.
    pub(super) text: String,
    pub(super) value: Value,
}

/// What a [`Node`] is.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Text(String),
    /// Saturated at the ends of `i128`.
    Integer(i128),
    Real(f64),
    Boolean,
    Datetime,
    List(Vec<Node>),
    Table(Table),
}

impl Value {
    /// The type in words, with its article.
    pub(super) fn type_name(&self) -> &'static str {
        match self {
            Self::Text(_) => "text",
            Self::Integer(_) => "a whole number",
            Self::Real(_) => "a number with a fraction",
            Self::Boolean => "a boolean",
            Self::Datetime => "a date",
            Self::List(_) => "a list",
            Self::Table(_) => "a table",
        }
    }
}

/// Keys and their values.
#[derive(Clone, Debug, Default)]
pub(super) struct Table {
    pub(super) entries: Vec<Entry>,
}

/// One key of a [`Table`]. Its own line may differ from its value's.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) origin: Origin,
    pub(super) node: Node,
}

impl Table {
    pub(super) fn get(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.key == key)
    }

    /// Sets a key, whether or not it was there.
    pub(super) fn put(&mut self, entry: Entry) {
        match self.entries.iter_mut().find(|old| old.key == entry.key) {
            Some(old) => *old = entry,
            None => self.entries.push(entry),
        }
    }

    /// Where a dotted key (`acquire.timeout`, `backends.1` for a list's second
    /// element) was written, if it was.
    pub(super) fn origin_of(&self, dotted: &str) -> Option<&Origin> {
        let (head, rest) = dotted.split_once('.').map_or((dotted, None), |(head, rest)| (head, Some(rest)));
        let entry = self.get(head)?;
        match (rest, &entry.node.value) {
            (None, _) => Some(&entry.origin),
            (Some(rest), Value::Table(table)) => table.origin_of(rest),
            (Some(rest), Value::List(nodes)) => Some(&nodes.get(rest.parse::<usize>().ok()?)?.origin),
            (Some(_), _) => None,
        }
    }
}

/// A syntax error or a key given twice.
#[derive(Debug)]
pub(super) struct SyntaxError {
    pub(super) line: usize,
    pub(super) message: String,
}

/// Reads a whole document.
///
/// # Errors
/// The first place that is no TOML.
pub(super) fn parse(text: &str) -> Result<Table, SyntaxError> {
    let document = DeTable::parse(text).map_err(|error| SyntaxError {
        line: line_of(text, error.span().map_or(0, |span| span.start)),
        message: in_words(text, &error),
    })?;
    Ok(Reader { text, set: None }.table(document.get_ref()))
}

/// Reads the value of one `--set`: TOML, or bare text where it is no TOML, so
/// that `duration=5s` needs no inner quotes.
pub(super) fn parse_set_value(text: &str, set: &Arc<str>) -> Node {
    match DeValue::parse(text) {
        Ok(value) => Reader { text, set: Some(set) }.node(&value),
        Err(_) => Node { origin: Origin::Set(set.clone()), text: text.to_owned(), value: Value::Text(text.to_owned()) },
    }
}

/// Reads a default, which is TOML by construction; a test decodes every one.
pub(super) fn parse_default(text: &str) -> Node {
    let mut node = parse_set_value(text, &Arc::from(""));
    node.origin = Origin::Unwritten;
    node
}

/// Line of a byte, counted from 1. The end of the text counts to its last line.
fn line_of(text: &str, byte: usize) -> usize {
    let mut before = &text.as_bytes()[..byte.min(text.len())];
    if byte >= text.len() {
        before = before.strip_suffix(b"\n").unwrap_or(before);
    }
    before.iter().filter(|byte| **byte == b'\n').count() + 1
}

fn in_words(text: &str, error: &toml::de::Error) -> String {
    let place = error.span().and_then(|span| text.get(span)).map(|piece| piece.lines().next().unwrap_or("").trim());
    match (error.message(), place) {
        ("duplicate key", Some(key)) => format!("the key \"{key}\" is given twice in one table; keep one of them"),
        (message, Some(piece)) if !piece.is_empty() => format!("this is not TOML: {message} (at \"{}\")", quote(piece)),
        (message, _) => format!("this is not TOML: {message}"),
    }
}

/// A value's text for a message: its first line, cut.
fn quote(text: &str) -> String {
    let first = text.lines().next().unwrap_or("");
    if first.len() == text.len() && first.chars().count() <= QUOTE_CHARS {
        return first.to_owned();
    }
    format!("{}...", first.chars().take(QUOTE_CHARS).collect::<String>())
}

struct Reader<'t> {
    text: &'t str,
    set: Option<&'t Arc<str>>,
}

impl Reader<'_> {
    fn origin(&self, span: &Range<usize>) -> Origin {
        self.set.map_or_else(|| Origin::Line(line_of(self.text, span.start)), |set| Origin::Set(set.clone()))
    }

    fn table(&self, table: &DeTable<'_>) -> Table {
        let entries = table.iter().map(|(key, value)| Entry {
            key: key.get_ref().to_string(),
            origin: self.origin(&key.span()),
            node: self.node(value),
        });
        Table { entries: entries.collect() }
    }

    fn node(&self, value: &Spanned<DeValue<'_>>) -> Node {
        let span = value.span();
        Node {
            origin: self.origin(&span),
            text: quote(self.text.get(span).unwrap_or("")),
            value: match value.get_ref() {
                DeValue::String(text) => Value::Text(text.to_string()),
                DeValue::Integer(number) => Value::Integer(saturated(number.as_str(), number.radix())),
                DeValue::Float(number) => number.as_str().parse().map_or(Value::Real(f64::NAN), Value::Real),
                DeValue::Boolean(_) => Value::Boolean,
                DeValue::Datetime(_) => Value::Datetime,
                DeValue::Array(array) => Value::List(array.iter().map(|item| self.node(item)).collect()),
                DeValue::Table(table) => Value::Table(self.table(table)),
            },
        }
    }
}

fn saturated(digits: &str, radix: u32) -> i128 {
    let end = if digits.starts_with('-') { i128::MIN } else { i128::MAX };
    i128::from_str_radix(digits, radix).unwrap_or(end)
}

impl fmt::Display for Origin {
    /// What follows the path in a message: `:12` or `: --set ttl=1s`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(line) => write!(f, ":{line}"),
            Self::Set(text) => write!(f, ": --set {text}"),
            Self::Unwritten => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Origin, line_of, parse};

    #[test]
    fn keys_know_their_own_line_in_every_form_of_table() {
        let text = "a = 1\nb.c = 2\nd = {\n  e = 3,\n  f = [\n    1,\n    2 ] }\n[g]\n\nh = 4\n[i.j]\nk = 5";
        let table = parse(text).unwrap();
        for (key, line) in
            [("a", 1), ("b.c", 2), ("d", 3), ("d.e", 4), ("d.f", 5), ("d.f.1", 7), ("g", 8), ("g.h", 10), ("i.j.k", 12)]
        {
            assert_eq!(table.origin_of(key), Some(&Origin::Line(line)), "{key}");
        }
        assert_eq!(table.origin_of("a.x"), None);
        assert_eq!(table.origin_of("d.f.2"), None);
    }

    #[test]
    fn the_end_of_the_text_belongs_to_its_last_line() {
        assert_eq!(line_of("a\nb\n", 4), 2);
        assert_eq!(line_of("a\nb", 3), 2);
        assert_eq!(line_of("a\nb\n", 2), 2);
        assert_eq!(line_of("", 0), 1);
    }

    #[test]
    fn a_key_given_twice_is_named_with_its_line() {
        let error = parse("a = 1\nb = 2\na = 3\n").unwrap_err();
        assert_eq!(error.line, 3);
        assert!(error.message.contains("\"a\" is given twice"), "{}", error.message);
    }
}
