//! The table of all keys in `workloads/README.md`, made of the same descriptions
//! that the decoder reads by; a test compares the two.

use std::fmt::Write as _;

use super::arrival::ARRIVAL;
use super::dynamic_ttl::TTL;
use super::fault::FAULT;
use super::kinds::{ACQUIRE, HISTORY, KEYS, RETRY, SPAN};
use super::locks::LOCKS;
use super::options::{self, OptionTable};
use super::scenario::{EXPECTED, SCENARIO};
use super::schema::{Field, Presence, Tagged};
use super::section::SECTION;

/// Every key of a workload file as Markdown tables, with those that lock systems declare.
#[must_use]
pub fn reference(tables: &[&OptionTable]) -> String {
    let mut text = String::from("### Top level\n\n");
    table(&mut text, &options::root(tables));
    for own in tables {
        let _ = writeln!(text, "\n### `[{}]`\n", own.name);
        table(&mut text, &own.fields());
    }
    kinds(&mut text, "`keys`", &KEYS);
    kinds(&mut text, "`locks`", &LOCKS);
    kinds(&mut text, "`critical_section`", &SECTION);
    kinds(&mut text, "`hold` and `think`", &SPAN);
    kinds(&mut text, "`arrival`", &ARRIVAL);
    kinds(&mut text, "`ttl`", &TTL);
    kinds(&mut text, "`acquire`", &ACQUIRE);
    kinds(&mut text, "`retry`", &RETRY);
    kinds(&mut text, "`history`", &HISTORY);
    kinds(&mut text, "`[[faults]]`", &FAULT);
    text.push_str("\n### `[scenario]`\n\n");
    table(&mut text, SCENARIO);
    kinds(&mut text, "`[[scenario.expected]]`", &EXPECTED);
    text
}

fn table(text: &mut String, fields: &[Field]) {
    text.push_str("| key | takes | default | meaning |\n|---|---|---|---|\n");
    for field in fields {
        row(text, field);
    }
}

fn row(text: &mut String, Field { key, takes, presence, meaning }: &Field) {
    let default = default_of(*presence);
    let _ = writeln!(text, "| `{key}` | {takes} | {default} | {meaning} |");
}

fn default_of(presence: Presence) -> String {
    match presence {
        Presence::Required => "required".to_owned(),
        Presence::Default(value) => format!("`{value}`"),
        Presence::Optional => "none".to_owned(),
    }
}

fn kinds<T>(text: &mut String, title: &str, tagged: &Tagged<T>) {
    let _ = writeln!(text, "\n### {title}\n\n| `{}` | meaning | its keys |\n|---|---|---|", tagged.tag);
    for kind in tagged.kinds {
        let keys: Vec<String> = kind.fields.iter().map(key_of_kind).collect();
        let keys = if keys.is_empty() { "none".to_owned() } else { keys.join("<br>") };
        let _ = writeln!(text, "| `{}` | {} | {keys} |", kind.name, kind.meaning);
    }
}

fn key_of_kind(Field { key, takes, presence, meaning }: &Field) -> String {
    let presence = match presence {
        Presence::Required => "required".to_owned(),
        Presence::Optional => "optional".to_owned(),
        Presence::Default(value) => format!("default `{value}`"),
    };
    format!("`{key}` ({takes}, {presence}): {meaning}")
}
