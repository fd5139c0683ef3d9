//! Jepsen's history format, EDN: one map per line. Knossos reads it as
//! `lein run --model mutex FILE` (its CLI takes a file of maps or one vector), and
//! so does every checker of Jepsen. Its cost grows fast with the length and with
//! the number of clients: give it short runs.

use std::fmt::Write as _;

use super::operation::Row;
use super::{Rendered, a_file_a_key};
use lockbench_core::record::Event;
use lockbench_core::record::history::Header;

/// Both variants of every key.
pub fn convert(header: &Header, events: &[Event]) -> Vec<Rendered> {
    a_file_a_key(header, events, "edn", write)
}

fn write(rows: &[Row]) -> String {
    let mut out = String::with_capacity(rows.len() * 80);
    for row in rows {
        let _ = write!(
            out,
            "{{:type :{}, :f :{}, :process {}, :time {}, :index {}",
            row.kind.name(),
            row.operation.name(),
            row.process,
            row.time,
            row.index
        );
        match row.grant {
            Some((client, Some(token))) => {
                let _ = write!(out, ", :value {{:client {client}, :fence {token}}}");
            }
            Some((client, None)) => {
                let _ = write!(out, ", :value {{:client {client}}}");
            }
            None => out.push_str(", :value nil"),
        }
        if let Some(error) = row.error {
            let _ = write!(out, ", :error [:{error}]");
        }
        out.push_str("}\n");
    }
    out
}
