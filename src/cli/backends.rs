//! `lockbench backends`: the registry, a block per entry.

use super::terminal::terminal_width;
use super::{Failure, print};
use lockbench_core::lock::{Guarantees, RenewalKind, WaitKind, Ways};
use lockbench_output::wrapped;
use lockbench_systems::{Entry, Registry};

/// Columns of a file or a pipe.
const NO_TERMINAL: u16 = 80;

/// Prints every entry with its promises and their source.
pub fn backends(registry: &Registry) -> Result<u8, Failure> {
    let width = usize::from(terminal_width().unwrap_or(NO_TERMINAL).max(60));
    let mut text: String = registry.entries().map(|entry| block(entry, width)).collect();
    text.push_str("A bare system name means its default recipe: postgres is postgres:advisory.\n");
    print(&text)?;
    Ok(0)
}

/// An entry in lines of so many columns; a blank line after it.
fn block(entry: &Entry, width: usize) -> String {
    let guarantees = &entry.guarantees;
    let lease = if guarantees.lease {
        format!("lease of at least {} ms, renewal {}", guarantees.ttl_floor_ms, renewal(guarantees))
    } else {
        "no lease".to_owned()
    };
    let served = if guarantees.fifo { "served in order of arrival" } else { "in no order" };
    let sentences = [
        format!("{}.", entry.summary),
        format!(
            "server {}; {}",
            entry.server.map_or("none", |kind| kind.name()),
            match guarantees.ways {
                Ways::Both => format!("waits by {}, {served}", waiting(guarantees)),
                Ways::Once => "claims or goes on, and does not wait".to_owned(),
                Ways::Waiting => format!("waits by {}, {served}; cannot be asked once", waiting(guarantees)),
            }
        ),
        format!("{lease}; fencing token: {}", guarantees.token.unwrap_or("not offered")),
        format!("Source: {}", guarantees.source),
    ];
    let mut text = format!("{}{}\n", entry.name, if entry.quick { " (in quick)" } else { "" });
    for line in sentences.iter().flat_map(|sentence| wrapped(sentence, width - 2)) {
        text.push_str(&format!("  {line}\n"));
    }
    text.push('\n');
    text
}

fn waiting(guarantees: &Guarantees) -> &'static str {
    match guarantees.waiting {
        WaitKind::Poll => "poll",
        WaitKind::ServerQueue => "server queue",
        WaitKind::Watch => "watch",
        WaitKind::Message => "message",
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
    use super::block;
    use lockbench_systems::Registry;

    #[test]
    fn every_entry_fits_80_columns_unless_an_address_does_not() {
        for line in Registry::builtin()
            .entries()
            .flat_map(|entry| block(entry, 80).lines().map(str::to_owned).collect::<Vec<_>>())
        {
            assert!(line.chars().count() <= 80 || !line.trim().contains(' '), "{line}");
        }
    }
}
