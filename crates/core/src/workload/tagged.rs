//! Decodes a value that comes in kinds: the kind first, then the keys that this
//! kind has, so that messages know which keys are allowed here.

use super::cursor::Cursor;
use super::document::{Table, Value};
use super::item::Item;
use super::schema::{Kind, Tagged, choices};

/// The value, or `None` with everything that is wrong with it reported.
pub(super) fn tagged<T>(item: &Item<'_>, tagged: &'static Tagged<T>) -> Option<T> {
    static NO_KEYS: Table = Table { entries: Vec::new() };
    let (kind, table) = match &item.node.value {
        Value::Text(name) => (find(item, tagged, name)?, &NO_KEYS),
        Value::Table(table) => (written_kind(item, tagged, table)?, table),
        other => {
            let (found, tag, names) = (other.type_name(), tagged.tag, names(tagged));
            return item.refuse(&format!("is {found}; write a table whose \"{tag}\" is {names}"));
        }
    };
    let cursor = Cursor::of_kind(item, table, tagged, kind);
    let built = (kind.build)(&cursor);
    if built.is_some() {
        cursor.assert_all_taken();
    }
    cursor.finish();
    built
}

/// The kind that a table names under its tag.
fn written_kind<T>(item: &Item<'_>, tagged: &'static Tagged<T>, table: &Table) -> Option<&'static Kind<T>> {
    let path = format!("{}.{}", item.path, tagged.tag);
    let Some(entry) = table.get(tagged.tag) else {
        item.report.add(&item.origin, format!("{path} is missing; write {}", names(tagged)));
        return None;
    };
    let tag = Item { path, origin: entry.origin.clone(), node: entry.node.clone(), report: item.report };
    match &tag.node.value {
        Value::Text(name) => find(&tag, tagged, name),
        other => tag.refuse(&format!("is {}; write {}", other.type_name(), names(tagged))),
    }
}

fn find<T>(item: &Item<'_>, tagged: &'static Tagged<T>, name: &str) -> Option<&'static Kind<T>> {
    let found = tagged.kinds.iter().find(|kind| kind.name == name);
    found.or_else(|| item.refuse_word(name, tagged.kinds.iter().map(|kind| kind.name)))
}

fn names<T>(tagged: &Tagged<T>) -> String {
    choices(tagged.kinds.iter().map(|kind| kind.name))
}
