//! `--set key=value`: changes a document before it is decoded, so that an
//! override obeys the same rules as a written key and its messages name it.

use std::sync::Arc;

use super::cursor::Report;
use super::document::{Entry, Node, Origin, Table, Value, parse_default, parse_set_value};
use super::schema::{Field, Presence};

/// Applies one `key=value` text. Reports what is wrong with it.
pub(super) fn apply(table: &mut Table, set: &str, report: &Report) {
    let text: Arc<str> = Arc::from(set);
    let origin = Origin::Set(text.clone());
    let parts = set.split_once('=').map(|(key, value)| (key.trim(), value.trim()));
    let Some((key, value)) = parts.filter(|(key, _)| key.split('.').all(|part| !part.trim().is_empty())) else {
        report.add(&origin, "write it as key=value, for example --set duration=5s".to_owned());
        return;
    };
    let node = parse_set_value(value, &text);
    let parts: Vec<&str> = key.split('.').map(str::trim).collect();
    let Some((last, tables)) = parts.split_last() else { return };
    match descend(table, tables, report.root(), &origin) {
        Ok(table) => table.put(Entry { key: (*last).to_owned(), origin, node }),
        Err(problem) => report.add(&origin, problem),
    }
}

/// The table under a path, made where there is none. A default that is a table
/// keeps its other keys.
fn descend<'t>(
    mut table: &'t mut Table,
    path: &[&str],
    root: &[Field],
    origin: &Origin,
) -> Result<&'t mut Table, String> {
    for (depth, key) in path.iter().enumerate() {
        if table.get(key).is_none() {
            let value = default_table(root, key).filter(|_| depth == 0).unwrap_or_default();
            let node = Node { origin: origin.clone(), text: String::new(), value: Value::Table(value) };
            table.put(Entry { key: (*key).to_owned(), origin: origin.clone(), node });
        }
        let found = table.entries.iter_mut().find(|entry| entry.key == *key);
        table = match found.map(|entry| &mut entry.node) {
            Some(Node { value: Value::Table(inner), .. }) => inner,
            Some(node) => {
                let dotted = path[..=depth].join(".");
                return Err(format!(
                    "{dotted} = {} is not a table; set it whole, as in --set '{dotted}={{ ... }}'",
                    node.text
                ));
            }
            None => return Err(format!("{key} cannot be set")),
        };
    }
    Ok(table)
}

fn default_table(root: &[Field], key: &str) -> Option<Table> {
    let field = root.iter().find(|field| field.key == key)?;
    match field.presence {
        Presence::Default(text) => match parse_default(text).value {
            Value::Table(table) => Some(table),
            _ => None,
        },
        Presence::Required | Presence::Optional => None,
    }
}
