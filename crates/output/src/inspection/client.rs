//! A client of a lock: the cells of its row, and what stands below it.

use super::Appearance;
use super::line::{Tone, cut};
use lockbench_core::lock::inspection::ClientSeen;
use lockbench_core::units::{grouped, span};

/// The client, in the words of the server and its own.
pub fn who(client: &ClientSeen) -> String {
    match &client.identity {
        Some(identity) => format!("{}, {identity}", client.client),
        None => client.client.clone(),
    }
}

/// How long it is there: as the server reports it, or as long as it was seen.
pub fn since(client: &ClientSeen, ascii: bool) -> String {
    match (client.since_ms, client.seen_ms) {
        (Some(ms), _) => span(ms),
        (None, Some(ms)) => format!("{} {}", if ascii { ">=" } else { "≥" }, span(ms)),
        (None, None) => "-".to_owned(),
    }
}

/// What is left of its lease, and of how much.
pub fn lease(client: &ClientSeen) -> String {
    match (client.ttl_left_ms, client.ttl_ms) {
        (Some(left), Some(ttl)) => format!("{} of {}", span(left), span(ttl)),
        (Some(left), None) => span(left),
        // A session's timeout: no server reports what is left of it.
        (None, Some(ttl)) => format!("? of {}", span(ttl)),
        (None, None) => "-".to_owned(),
    }
}

/// Its fencing token.
pub fn token(client: &ClientSeen) -> String {
    client.token.map_or_else(|| "-".to_owned(), |token| token.to_string())
}

/// The lines below its row: what it does, and its query.
pub fn details(client: &ClientSeen, columns: usize, appearance: Appearance) -> Vec<(Tone, String)> {
    let of = |name: &str| client.details.get(name).map(String::as_str);
    let mut facts: Vec<String> = Vec::new();
    if !client.blocked_by.is_empty() {
        facts.push(format!("blocked by {}", client.blocked_by.join(", ")));
    }
    match (of("user"), of("from")) {
        (Some(user), Some(from)) => facts.push(format!("{user} from {from}")),
        (Some(one), None) => facts.push(one.to_owned()),
        (None, Some(from)) => facts.push(format!("from {from}")),
        (None, None) => {}
    }
    facts.extend(client.mode.clone());
    let open = of("transaction_ms").and_then(|ms| ms.parse().ok()).map(span);
    match (of("state"), open) {
        (Some(state), Some(open)) if state.contains("in transaction") => facts.push(format!("{state} for {open}")),
        (Some(state), Some(open)) => facts.push(format!("{state}, transaction open for {open}")),
        (Some(state), None) => facts.push(state.to_owned()),
        (None, _) => {}
    }
    if let Some(count) = of("holds").and_then(|count| count.parse().ok()).filter(|count| *count > 1) {
        facts.push(format!("holds it {} times", grouped(count)));
    }
    facts.extend(of("table").map(|table| format!("in {table}")));
    if appearance.full {
        facts.extend(of("waits_on").map(|what| format!("waits on {what}")));
        facts.extend(of("node").map(|node| format!("node {node}")));
    }
    let fitting = |text: &str| if appearance.full { text.to_owned() } else { cut(text, columns, appearance.ascii) };
    let mut lines = Vec::new();
    if !facts.is_empty() {
        lines.push((Tone::Faint, fitting(&facts.join(", "))));
    }
    lines.extend(of("query").map(|query| (Tone::Faint, fitting(query))));
    lines
}
