//! Which node holds what: a sign per node.

use std::collections::BTreeMap;

use super::Appearance;
use super::line::{Line, Tone, cut};
use lockbench_core::lock::inspection::{LockSeen, NodeState, Observation};
use lockbench_core::units::span;

/// A sign for what a node says.
fn sign(state: NodeState, ascii: bool) -> (Tone, char) {
    let (tone, unicode, plain) = match state {
        NodeState::Holds => (Tone::Good, '●', '#'),
        NodeState::Other => (Tone::Warning, '◆', '?'),
        NodeState::Free => (Tone::Faint, '○', '.'),
        NodeState::Silent => (Tone::Bad, '✗', 'x'),
    };
    (tone, if ascii { plain } else { unicode })
}

/// The cell of a lock: its nodes, and how many of them agree.
pub fn cell(lock: &LockSeen, ascii: bool) -> Vec<(Tone, String)> {
    let mut parts: Vec<(Tone, String)> = lock
        .nodes
        .iter()
        .map(|node| {
            let (tone, sign) = sign(node.state, ascii);
            (tone, sign.to_string())
        })
        .collect();
    if let Some(quorum) = lock.quorum {
        let tone = if quorum.holding < quorum.needed { Tone::Warning } else { Tone::Plain };
        parts.push((tone, format!(" {}/{}", quorum.holding, quorum.nodes)));
    }
    parts
}

/// The other values that nodes hold, and on which.
pub fn others(lock: &LockSeen, columns: usize, ascii: bool) -> Vec<String> {
    let mut values: BTreeMap<&str, (Vec<String>, Option<u64>)> = BTreeMap::new();
    // Without a quorum the value that most nodes hold has no row of its own: it stands here.
    let listed = |state| state == NodeState::Other || (state == NodeState::Holds && lock.holders.is_empty());
    for (place, node) in lock.nodes.iter().enumerate().filter(|(_, node)| listed(node.state)) {
        let (nodes, left) = values.entry(node.client.as_deref().unwrap_or_default()).or_default();
        nodes.push((place + 1).to_string());
        *left = (*left).max(node.ttl_left_ms);
    }
    values
        .into_iter()
        .map(|(value, (nodes, left))| {
            let plural = if nodes.len() == 1 { "" } else { "s" };
            let left = left.map_or_else(|| "no lease".to_owned(), |ms| format!("{} left", span(ms)));
            cut(&format!("node{plural} {}: {value}, {left}", nodes.join(",")), columns, ascii)
        })
        .collect()
}

/// What the signs mean; which node is which stands above the table.
pub fn legend(look: &Observation, appearance: Appearance) -> Vec<Line> {
    if look.locks.iter().all(|lock| lock.nodes.is_empty()) {
        return Vec::new();
    }
    let mut signs = Line::default();
    for (state, meaning) in [
        (NodeState::Holds, "holds the value that most nodes hold"),
        (NodeState::Other, "another value"),
        (NodeState::Free, "none"),
        (NodeState::Silent, "no answer"),
    ] {
        let (tone, sign) = sign(state, appearance.ascii);
        signs = signs.with(tone, sign.to_string()).with(Tone::Faint, format!(" {meaning}  "));
    }
    vec![Line::default(), signs.trimmed()]
}
