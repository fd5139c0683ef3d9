//! What stands above and below the table.

use super::Appearance;
use super::line::{Line, Tone, wrapped};
use lockbench_core::lock::inspection::{Cycle, Inspection, LockSeen, ServerSeen};
use lockbench_core::units::{grouped, span};

/// Server, time, the figures in one sentence, servers that do not answer, deadlocks.
pub fn opening(seen: &Inspection, appearance: Appearance) -> Vec<Line> {
    let look = &seen.look;
    let mut lines = Vec::new();
    let title = Line::of(Tone::Strong, seen.system.clone()).with(Tone::Plain, format!("  {}", seen.at));
    match look.servers.as_slice() {
        [one] => lines.push(title.with(Tone::Faint, format!("  {}", server_words(one)))),
        several => {
            lines.push(title);
            // Numbered, as a map of nodes has them in this order.
            lines.extend(several.iter().enumerate().map(|(place, server)| {
                let tone = if server.problem.is_some() { Tone::Bad } else { Tone::Faint };
                Line::of(tone, format!("  {}  {}", place + 1, server_words(server)))
            }));
        }
    }
    lines.push(sentence(seen));
    for cycle in &seen.cycles {
        lines.push(Line::default());
        lines.extend(circle(cycle, appearance));
    }
    lines
}

/// A server with what it says of itself, or why it does not answer.
fn server_words(server: &ServerSeen) -> String {
    match (&server.problem, &server.said) {
        (Some(problem), _) => format!("{} does not answer: {problem}", server.address),
        (None, Some(said)) => format!("{} ({said})", server.address),
        (None, None) => server.address.clone(),
    }
}

/// `7 locks held, 3 waiting, longest wait 42.0s, 1 deadlock`.
fn sentence(seen: &Inspection) -> Line {
    let held = seen.held() as u64;
    let plural = if held == 1 { "" } else { "s" };
    let more = if seen.look.truncated.is_some() { "at least " } else { "" };
    let mut line = Line::of(Tone::Strong, format!("{more}{} lock{plural} held", grouped(held)));
    if seen.look.locks.iter().any(|lock| lock.waiting.is_some()) {
        let waiting = seen.waiting();
        let tone = if waiting == 0 { Tone::Strong } else { Tone::Warning };
        line = line.with(tone, format!(", {} waiting", grouped(waiting)));
    }
    if let Some(wait) = seen.longest_wait_ms() {
        line = line.with(Tone::Strong, format!(", longest wait {}", span(wait)));
    }
    let certain = seen.cycles.iter().filter(|cycle| cycle.certain).count();
    for (count, word) in [(certain, "deadlock"), (seen.cycles.len() - certain, "possible deadlock")] {
        if count > 0 {
            line = line.with(Tone::Bad, format!(", {count} {word}{}", if count == 1 { "" } else { "s" }));
        }
    }
    let broken = |lock: &&LockSeen| lock.quorum.is_some() && lock.holders.is_empty();
    let without = seen.look.locks.iter().filter(broken).count();
    if without > 0 {
        line = line.with(Tone::Warning, format!(", {without} without a quorum"));
    }
    line
}

fn circle(cycle: &Cycle, appearance: Appearance) -> Vec<Line> {
    let word = if cycle.certain { "deadlock: " } else { "possible deadlock: " };
    let steps: Vec<String> = cycle
        .steps
        .iter()
        .map(|step| format!("{} holds {} and waits for {}", step.client, step.holds, step.waits_for))
        .collect();
    let last = steps.len().saturating_sub(1);
    let room = columns(appearance).saturating_sub(word.len());
    let mut lines: Vec<Line> = Vec::new();
    for (place, step) in steps.iter().enumerate() {
        for part in wrapped(&format!("{step}{}", if place < last { "," } else { "" }), room) {
            let begin = if lines.is_empty() { word.to_owned() } else { " ".repeat(word.len()) };
            lines.push(Line::of(Tone::Bad, format!("{begin}{part}")));
        }
    }
    if !cycle.certain {
        let why = "It is none if threads share one of these: then one may let go while another waits.";
        lines.extend(wrapped(why, columns(appearance)).into_iter().map(|line| Line::of(Tone::Faint, line)));
    }
    lines
}

/// What was looked for, what is missing, and why.
pub fn closing(seen: &Inspection, appearance: Appearance) -> Vec<Line> {
    let look = &seen.look;
    let mut lines = vec![Line::default()];
    let mut push = |tone: Tone, text: &str| {
        lines.extend(wrapped(text, columns(appearance)).into_iter().map(|line| Line::of(tone, line)));
    };
    if let Some(truncated) = &look.truncated {
        push(Tone::Warning, &format!("there may be more: {truncated}"));
    }
    for note in &look.notes {
        push(Tone::Warning, &format!("note: {note}"));
    }
    if look.locks.is_empty() || appearance.full {
        push(Tone::Faint, &format!("looked for: {}", look.scope));
    }
    if appearance.full {
        for (field, reason) in &look.untold {
            push(Tone::Faint, &format!("not reported, {}: {reason}", in_words(field)));
        }
    } else if !look.locks.is_empty() && !look.untold.is_empty() {
        let fields: Vec<&str> = look.untold.keys().map(|field| in_words(field)).collect();
        push(Tone::Faint, &format!("not always reported by {}: {}; --full says why", seen.system, fields.join(", ")));
    }
    if lines.len() == 1 {
        lines.clear();
    }
    lines
}

/// A field as the table names it.
fn in_words(field: &str) -> &str {
    match field {
        "since_ms" => "since",
        "ttl_ms" => "length of a lease",
        "ttl_left_ms" => "lease left",
        "token" => "fencing token",
        "waiting" => "waiting clients",
        "identity" => "a name of the client",
        "details.from" => "address of the client",
        other => other,
    }
}

/// Columns of a sentence.
fn columns(appearance: Appearance) -> usize {
    appearance.width.clamp(40, 110)
}
