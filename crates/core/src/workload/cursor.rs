//! Walks a document by its description: takes each key once, puts in defaults,
//! reports everything that is wrong and refuses what is left over.

use std::cell::RefCell;
use std::path::Path;

use super::document::{Entry, Origin, Table, Value, parse_default};
use super::error::Problem;
use super::gallery;
use super::item::Item;
use super::schema::{Field, Kind, Presence, Tagged, choices, nearest};

/// Collects the problems of one document.
pub(super) struct Report {
    path: String,
    root: Vec<Field>,
    problems: RefCell<Vec<Problem>>,
}

impl Report {
    /// `root` are the keys of the top level: a key of theirs in a nested table
    /// was probably written below a `[table]` header by mistake.
    pub(super) fn new(path: &str, root: Vec<Field>) -> Self {
        Self { path: path.to_owned(), root, problems: RefCell::default() }
    }

    /// The keys of the top level.
    pub(super) fn root(&self) -> &[Field] {
        &self.root
    }

    pub(super) fn add(&self, origin: &Origin, message: String) {
        self.problems.borrow_mut().push(Problem::new(&self.path, origin.clone(), message));
    }

    /// The text of a file beside the workload, or of one that comes with lockbench.
    pub(super) fn read_beside(&self, path: &str) -> Result<String, String> {
        let place = Path::new(&self.path).with_file_name("").join(path);
        match (std::fs::read_to_string(&place), gallery::trace(&place)) {
            (Ok(text), _) => Ok(text),
            (Err(error), Some(text)) if error.kind() == std::io::ErrorKind::NotFound => Ok(text.to_owned()),
            (Err(error), _) => Err(format!("{}: {error}", place.display())),
        }
    }

    /// All problems in reading order.
    pub(super) fn into_problems(self) -> Vec<Problem> {
        let mut problems = self.problems.into_inner();
        problems.sort_by(|a, b| a.origin().cmp(b.origin()));
        problems
    }
}

/// A table that is being decoded.
pub(super) struct Cursor<'d> {
    table: &'d Table,
    origin: Origin,
    /// Dotted path with a final dot; empty at the top.
    prefix: String,
    /// What takes these keys: `a workload`, `hold of kind "uniform"`.
    owner: String,
    tag: Option<&'static str>,
    fields: &'d [Field],
    /// The other kinds and their keys, for hints.
    siblings: Vec<(&'static str, &'static [Field])>,
    taken: RefCell<Vec<&'static str>>,
    report: &'d Report,
}

impl<'d> Cursor<'d> {
    /// The top of a document.
    pub(super) fn root(table: &'d Table, report: &'d Report) -> Self {
        Self {
            table,
            origin: Origin::Unwritten,
            prefix: String::new(),
            owner: "a workload".to_owned(),
            tag: None,
            fields: &report.root,
            siblings: Vec::new(),
            taken: RefCell::default(),
            report,
        }
    }

    /// A plain table below.
    pub(super) fn nested(item: &'d Item<'_>, fields: &'d [Field]) -> Option<Self> {
        let Value::Table(table) = &item.node.value else {
            return item.refuse(&format!("is {}; write a table", item.node.value.type_name()));
        };
        Some(Self::of(item, table, fields))
    }

    /// The keys of one kind of a value.
    pub(super) fn of_kind<T>(
        item: &'d Item<'d>,
        table: &'d Table,
        tagged: &'static Tagged<T>,
        kind: &'static Kind<T>,
    ) -> Self {
        let others = tagged.kinds.iter().filter(|other| other.name != kind.name);
        Self {
            owner: format!("\"{}\" of {} \"{}\"", item.path, tagged.tag, kind.name),
            tag: Some(tagged.tag),
            siblings: others.map(|other| (other.name, other.fields)).collect(),
            ..Self::of(item, table, kind.fields)
        }
    }

    fn of(item: &'d Item<'_>, table: &'d Table, fields: &'d [Field]) -> Self {
        Self {
            table,
            origin: item.origin.clone(),
            prefix: format!("{}.", item.path),
            owner: format!("\"{}\"", item.path),
            tag: None,
            fields,
            siblings: Vec::new(),
            taken: RefCell::default(),
            report: item.report,
        }
    }

    /// The value of a key, written or default. `None` if it is optional and not
    /// there, or if it is missing, which is then reported.
    ///
    /// The key must be one of the described ones: nothing undescribed can be read.
    pub(super) fn take(&self, key: &'static str) -> Option<Item<'d>> {
        self.taken.borrow_mut().push(key);
        let field = self.fields.iter().find(|field| field.key == key)?;
        let (origin, node) = match (self.table.get(key), field.presence) {
            (Some(entry), _) => (entry.origin.clone(), entry.node.clone()),
            (None, Presence::Default(text)) => (Origin::Unwritten, parse_default(text)),
            (None, Presence::Optional) => return None,
            (None, Presence::Required) => {
                self.report_missing(field);
                return None;
            }
        };
        Some(Item { path: format!("{}{key}", self.prefix), origin, node, report: self.report })
    }

    /// A missing key is not reported when a misspelt one stands there: one
    /// mistake, one message.
    fn report_missing(&self, field: &Field) {
        if self.leftovers().any(|entry| self.suggestion(&entry.key) == Some(field.key)) {
            return;
        }
        let Field { key, takes, meaning, .. } = field;
        let message = format!("{}{key} is missing: {} needs it ({takes}: {meaning})", self.prefix, self.owner);
        self.report.add(&self.origin, message);
    }

    /// Reports a problem of the table as a whole, which begins with the key that it is about.
    pub(super) fn refuse<T>(&self, problem: &str) -> Option<T> {
        self.report.add(&self.origin, format!("{}{problem}", self.prefix));
        None
    }

    fn known(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.tag.into_iter().chain(self.fields.iter().map(|field| field.key))
    }

    fn leftovers(&self) -> impl Iterator<Item = &'d Entry> + '_ {
        self.table.entries.iter().filter(|entry| !self.known().any(|key| key == entry.key))
    }

    fn suggestion(&self, typed: &str) -> Option<&'static str> {
        nearest(typed, self.known().filter(|key| self.table.get(key).is_none()))
            .or_else(|| nearest(typed, self.known()))
    }

    /// Refuses every key that is not described.
    pub(super) fn finish(&self) {
        for entry in self.leftovers() {
            let item = Item {
                path: format!("{}{}", self.prefix, entry.key),
                origin: entry.origin.clone(),
                node: entry.node.clone(),
                report: self.report,
            };
            let keys: Vec<&str> = self.known().collect();
            let hint = self.hint(&entry.key);
            item.report(&format!("is not a known key{hint} ({} takes: {})", self.owner, keys.join(", ")));
        }
    }

    /// Panics in tests if a described key was never read: the description would
    /// promise what the decoder ignores.
    pub(super) fn assert_all_taken(&self) {
        let forgotten = self.fields.iter().find(|field| !self.taken.borrow().contains(&field.key));
        debug_assert!(forgotten.is_none(), "{} describes {forgotten:?} and never reads it", self.owner);
    }

    /// [`Cursor::finish`] after everything was read.
    pub(super) fn finish_complete(&self) {
        self.assert_all_taken();
        self.finish();
    }

    fn hint(&self, key: &str) -> String {
        let has = |fields: &[Field]| fields.iter().any(|field| field.key == key);
        let owners: Vec<&str> = self.siblings.iter().filter(|(_, fields)| has(fields)).map(|(kind, _)| *kind).collect();
        if let Some(tag) = self.tag.filter(|_| !owners.is_empty()) {
            return format!(": it belongs to the {tag} {}", choices(owners.into_iter()));
        }
        if has(&self.report.root) {
            return format!(": \"{key}\" is a key of the top level; write it above the first [table]");
        }
        self.suggestion(key).map(|near| format!(": did you mean \"{near}\"?")).unwrap_or_default()
    }
}
