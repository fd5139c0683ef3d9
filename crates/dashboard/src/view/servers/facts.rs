//! The panel that says what the servers of a system are, as they report it themselves.

use ratatui::buffer::Buffer;
use ratatui::layout::{Margin, Position, Rect};

use crate::state::SystemState;
use crate::text::fit;
use crate::theme::Ink;
use crate::view::{Panel, View};
use lockbench_core::units::human_duration;
use lockbench_report::live::SystemFacts;

/// Rows of the panel.
pub const ROWS: usize = 8;
/// Columns of a label.
const LABEL: u16 = 12;

/// The panel.
pub static PANEL: Panel = Panel {
    name: "What it is",
    about: "Version, role, durability, quorum, waiting, lease and promises of the system that is shown",
    draw,
    rows: |view| view.system().map_or(0, |system| lines(view, system).len()),
    explain: |view| match view.system() {
        Some(system) => {
            let mut lines = lines(view, system);
            let row = view.row(lines.len());
            lines.swap_remove(row).sentence
        }
        None => "No system is shown yet.".to_owned(),
    },
    hit,
    ..Panel::PLAIN
};

struct Line {
    label: &'static str,
    text: String,
    sentence: String,
}

fn lines(view: &View<'_>, system: &SystemState) -> Vec<Line> {
    let name = &system.name;
    let line = |label, text: &str, meaning: &str| Line {
        label,
        text: text.to_owned(),
        sentence: format!("{name}, {label} {text}: {meaning}."),
    };
    let Some(facts) = &system.facts else {
        let why = system.problem.as_deref().unwrap_or("it was not asked yet");
        return vec![Line {
            label: "state",
            text: format!("{}: {why}", system.standing.word()),
            sentence: format!("{name}: {why}."),
        }];
    };
    let recorded =
        |text: &str| if text.is_empty() { format!("{} not recorded", view.glyphs().none) } else { text.to_owned() };
    let server = &facts.facts;
    vec![
        line("version", &recorded(&server.version), "as the server itself said when the run began"),
        line(
            "servers",
            &servers(facts),
            "addresses are shown without credentials; those started here end with the run",
        ),
        line("role", &recorded(&server.role), "what the server said of itself, in its own words; nothing is assumed"),
        line(
            "durability",
            &recorded(server.durability.as_str()),
            "what survives a crash, read back from the server's settings",
        ),
        line("quorum", &recorded(&server.quorum.to_string()), "how many nodes must agree of how many there are"),
        line("waiting", &facts.waiting, waiting(&facts.waiting)),
        line("lease", &lease(facts), "after that long without a renewal the lock ends by itself"),
        line(
            "promises",
            &promises(facts),
            "a token grows with each grant, so that a resource can refuse a late writer",
        ),
    ]
}

fn servers(facts: &SystemFacts) -> String {
    match (facts.addresses.is_empty(), facts.started_here) {
        (true, _) => "none: it lives in this process".to_owned(),
        (false, true) => format!("{}, started here", facts.addresses.join(", ")),
        (false, false) => format!("{}, given", facts.addresses.join(", ")),
    }
}

fn waiting(kind: &str) -> &'static str {
    match kind {
        "poll" => "a client asks again after a delay of the plan",
        "server-queue" => "the server keeps the queue and answers when the lock is free",
        "watch" => "a client sleeps until the server reports a change",
        _ => "clients wait in this process",
    }
}

fn lease(facts: &SystemFacts) -> String {
    facts.ttl_ns.map_or_else(|| "none: a lock ends with its release or its session".to_owned(), human_duration)
}

fn promises(facts: &SystemFacts) -> String {
    let tokens = if facts.fencing { "fencing tokens" } else { "no fencing token" };
    let order = if facts.fifo { "waiters in order of arrival (FIFO)" } else { "no order among waiters" };
    format!("{tokens}; {order}")
}

fn draw(view: &View<'_>, area: Rect, buffer: &mut Buffer) {
    let Some(system) = view.system() else {
        let inside = view.frame("Servers", area, buffer);
        buffer.set_stringn(inside.x, inside.y, "No system is shown yet.", inside.width.into(), view.ink(Ink::Soft));
        return;
    };
    let inside = view.frame(&format!("{}: what it is", system.name), area, buffer);
    let lines = lines(view, system);
    let selected = view.row(lines.len());
    let room = usize::from(inside.width.saturating_sub(LABEL + 2));
    for ((row, line), y) in lines.iter().enumerate().zip(inside.top()..inside.bottom()) {
        let marked = row == selected && view.focused();
        if marked {
            buffer.set_string(inside.x, y, view.glyphs().pointer, view.ink(Ink::Focus));
        }
        buffer.set_string(inside.x + 1, y, line.label, view.ink(if marked { Ink::Focus } else { Ink::Soft }));
        let style = view.ink(if marked { Ink::Selected } else { Ink::Text });
        buffer.set_string(inside.x + 1 + LABEL, y, fit(&line.text, room, view.glyphs().more), style);
    }
}

fn hit(view: &View<'_>, area: Rect, at: Position) -> Option<(usize, usize)> {
    let inside = area.inner(Margin::new(1, 1));
    let rows = view.system().map_or(0, |system| lines(view, system).len());
    let row = usize::from(at.y.checked_sub(inside.y)?);
    (inside.contains(at) && row < rows).then_some((row, 0))
}
