//! `lockbench backends`: the registry as a table.

use comfy_table::{ContentArrangement, Table};

use super::conclude::terminal_width;
use super::{Failure, print};
use crate::backend::{ENTRIES, Entry};
use crate::lock::{Guarantees, RenewalKind, WaitKind};
use crate::output::wrapped;

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
    let table = format!("{}\n\n", table.trim_fmt());
    let width = terminal_width().map_or(usize::MAX, |width| usize::from(width.max(60)));
    let fits = table.lines().all(|line| line.trim_end().chars().count() <= width);
    let mut text = if fits { table } else { ENTRIES.iter().map(|entry| block(entry)).collect() };
    for entry in ENTRIES {
        let source = format!("{}: {}. Source: {}", entry.name, entry.summary, entry.guarantees.source);
        wrapped_lines(&source, width).for_each(|line| text.push_str(&line));
    }
    text.push_str("\nA bare system name means its default recipe: postgres is postgres:advisory.\n");
    print(&text)?;
    Ok(0)
}

/// A row of the table where its columns do not fit.
fn block(entry: &Entry) -> String {
    let guarantees = &entry.guarantees;
    let lease = if guarantees.lease {
        format!("lease of at least {} ms, renewal {}", guarantees.ttl_floor_ms, renewal(guarantees))
    } else {
        "no lease".to_owned()
    };
    format!(
        "{}{}\n  server {}; waits by {}; {}\n  {lease}\n  fencing token: {}\n",
        entry.name,
        if entry.quick { " (in quick)" } else { "" },
        entry.server.map_or("none", |kind| kind.name()),
        waiting(guarantees),
        if guarantees.fifo { "FIFO" } else { "no order" },
        guarantees.token.unwrap_or("not offered"),
    )
}

/// A sentence in lines of so many columns.
fn wrapped_lines(sentence: &str, width: usize) -> impl Iterator<Item = String> {
    wrapped(sentence, width).into_iter().map(|line| format!("{line}\n"))
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

#[cfg(test)]
mod tests {
    use super::{block, wrapped_lines};
    use crate::backend::ENTRIES;

    #[test]
    fn what_a_narrow_terminal_shows_fits_80_columns() {
        for entry in ENTRIES {
            let source = format!("{}: {}. Source: {}", entry.name, entry.summary, entry.guarantees.source);
            for line in block(entry).lines().map(str::to_owned).chain(wrapped_lines(&source, 80)) {
                let one = !line.trim_end().contains(' ');
                assert!(line.trim_end().chars().count() <= 80 || one, "{line}");
            }
        }
    }
}
