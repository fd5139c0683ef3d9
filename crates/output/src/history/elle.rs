//! The same rows as one JSON array, as elle-cli reads them:
//! `java -jar elle-cli.jar --model mutex FILE.json`
//! (<https://github.com/ligurio/elle-cli>, which hands them to Knossos).

use std::fmt::Write as _;

use super::operation::Row;
use super::{Rendered, a_file_a_key};
use lockbench_core::record::Event;
use lockbench_core::record::history::Header;

/// Both variants of every key.
pub fn convert(header: &Header, events: &[Event]) -> Vec<Rendered> {
    a_file_a_key(header, events, "json", write)
}

fn write(rows: &[Row]) -> String {
    let mut out = String::with_capacity(rows.len() * 80);
    out.push('[');
    for row in rows {
        out.push_str(if row.index == 0 { "\n" } else { ",\n" });
        let _ = write!(
            out,
            "{{\"type\":\"{}\",\"f\":\"{}\",\"process\":{},\"time\":{},\"index\":{},\"value\":",
            row.kind.name(),
            row.operation.name(),
            row.process,
            row.time,
            row.index
        );
        let _ = match row.grant {
            Some((client, Some(token))) => write!(out, "{{\"client\":{client},\"fence\":{token}}}"),
            Some((client, None)) => write!(out, "{{\"client\":{client}}}"),
            None => write!(out, "null"),
        };
        if let Some(error) = row.error {
            let _ = write!(out, ",\"error\":\"{error}\"");
        }
        out.push('}');
    }
    out.push_str("\n]\n");
    out
}
