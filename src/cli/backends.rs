//! `lockbench backends`: the registry as a table.

use comfy_table::{ContentArrangement, Table};

use super::{Failure, print};
use crate::backend::ENTRIES;
use crate::lock::{Guarantees, RenewalKind, WaitKind};

/// Prints every entry with its promises and their source.
pub fn backends() -> Result<u8, Failure> {
    let mut table = Table::new();
    table.load_preset("     ──            ").set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(["name", "quick", "server", "waits by", "lease", "renewal", "fencing token", "FIFO", "ttl floor"]);
    for entry in ENTRIES {
        let guarantees = &entry.guarantees;
        table.add_row([
            entry.name,
            if entry.quick { "yes" } else { "-" },
            entry.server.map_or("none", |kind| kind.name()),
            waiting(guarantees),
            if guarantees.lease { "yes" } else { "no" },
            renewal(guarantees),
            guarantees.token.unwrap_or("not offered"),
            if guarantees.fifo { "yes" } else { "no" },
            &if guarantees.lease { format!("{} ms", guarantees.ttl_floor_ms) } else { "no lease".to_owned() },
        ]);
    }
    let mut text = format!("{}\n\n", table.trim_fmt());
    for entry in ENTRIES {
        text.push_str(&format!("{}: {}. Source: {}\n", entry.name, entry.summary, entry.guarantees.source));
    }
    text.push_str("\nA bare system name means its default recipe: postgres is postgres:advisory.\n");
    print(&text)?;
    Ok(0)
}

fn waiting(guarantees: &Guarantees) -> &'static str {
    match guarantees.waiting {
        WaitKind::Poll => "poll",
        WaitKind::ServerQueue => "server queue",
        WaitKind::Watch => "watch",
        WaitKind::InProcess => "in process",
    }
}

fn renewal(guarantees: &Guarantees) -> &'static str {
    match guarantees.renewal {
        RenewalKind::Explicit => "explicit",
        RenewalKind::Heartbeat => "heartbeat",
        RenewalKind::None => "none",
    }
}
