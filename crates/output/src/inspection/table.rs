//! The locks as a table: a row for each holder and each waiter in the order of their
//! turn, the lock's name once. Names of locks are never cut, because they are what is
//! copied from here.

use super::line::{Line, Tone, cut};
use super::{Appearance, client, grid};
use lockbench_core::lock::inspection::{ClientSeen, LockSeen, NodeState, Observation};

/// Between columns.
const GAP: &str = "  ";
/// Narrowest column of the clients' names.
const LEAST_WHO: usize = 20;
/// Indent of what stands below a row.
const INDENT: usize = 4;

/// One client of a lock, as cells.
struct Row {
    state: (Tone, String),
    who: String,
    nodes: Vec<(Tone, String)>,
    figures: [String; 3],
    below: Vec<(Tone, String)>,
}

/// Width of each column; no figures that no client has.
struct Widths {
    lock: usize,
    nodes: usize,
    state: usize,
    who: usize,
    figures: [usize; 3],
}

/// Heads of the figures.
const FIGURES: [&str; 3] = ["since", "lease left", "token"];

/// The table; nothing where there are no locks.
pub fn table(look: &Observation, appearance: Appearance) -> Vec<Line> {
    if look.locks.is_empty() {
        return Vec::new();
    }
    let rows: Vec<(&LockSeen, Vec<Row>)> = look.locks.iter().map(|lock| (lock, rows(lock, appearance))).collect();
    let widths = Widths::of(&rows, appearance);
    let mut lines = vec![Line::default(), head(&widths), rule(&widths, appearance)];
    for (lock, rows) in &rows {
        lines.extend(block(lock, rows, &widths, appearance));
    }
    lines.extend(grid::legend(look, appearance));
    lines
}

fn rows(lock: &LockSeen, appearance: Appearance) -> Vec<Row> {
    let columns = appearance.width.saturating_sub(INDENT);
    let row = |state: (Tone, String), client: &ClientSeen| Row {
        state,
        who: client::who(client),
        nodes: Vec::new(),
        figures: [client::since(client, appearance.ascii), client::lease(client), client::token(client)],
        below: client::details(client, columns, appearance),
    };
    let mut rows: Vec<Row> = lock.holders.iter().map(|holder| row((Tone::Good, "held".to_owned()), holder)).collect();
    if rows.is_empty() {
        let state = (Tone::Warning, "open".to_owned());
        let who = if may_be_held(lock) { "unknown" } else { "no holder" };
        rows.push(row(state, &ClientSeen { client: who.to_owned(), ..ClientSeen::default() }));
    }
    rows[0].nodes = grid::cell(lock, appearance.ascii);
    let others = grid::others(lock, columns, appearance.ascii);
    rows[0].below.extend(others.into_iter().map(|other| (Tone::Faint, other)));
    let waiters = lock.waiters.iter().enumerate();
    rows.extend(waiters.map(|(place, waiter)| row((Tone::Warning, format!("wait {}", place + 1)), waiter)));
    rows
}

/// Returns whether the nodes that do not answer could make a majority of those that hold it.
fn may_be_held(lock: &LockSeen) -> bool {
    let silent = lock.nodes.iter().filter(|node| node.state == NodeState::Silent).count();
    lock.quorum.as_ref().is_some_and(|quorum| quorum.holding + silent >= quorum.needed)
}

impl Widths {
    fn of(rows: &[(&LockSeen, Vec<Row>)], appearance: Appearance) -> Self {
        let length = |text: &str| text.chars().count();
        let all = || rows.iter().flat_map(|(_, rows)| rows);
        let nodes = all().map(|row| row.nodes.iter().map(|(_, part)| length(part)).sum()).max().unwrap_or(0);
        let figure = |place: usize| {
            let cells = || all().map(|row| row.figures[place].as_str());
            match cells().all(|cell| cell == "-") {
                true => 0,
                false => cells().map(length).max().unwrap_or(0).max(length(FIGURES[place])),
            }
        };
        let figures = [figure(0), figure(1), figure(2)];
        let state = all().map(|row| length(&row.state.1)).max().unwrap_or(0).max(5);
        let fixed: usize =
            [nodes, state].iter().chain(&figures).filter(|width| **width > 0).map(|width| width + GAP.len()).sum();
        let who = all().map(|row| length(&row.who)).max().unwrap_or(0).max(6);
        // A longer name has a line of its own.
        let room = appearance.width.saturating_sub(fixed + GAP.len());
        let longest = rows.iter().map(|(lock, _)| length(&lock.name)).max().unwrap_or(0).max(4);
        let lock = longest.min(room.saturating_sub(who).max(room * 2 / 5).max(12));
        let who = if appearance.full { who } else { who.min(room.saturating_sub(lock).max(LEAST_WHO)) };
        Self { lock, nodes: nodes.max(if nodes > 0 { 5 } else { 0 }), state, who, figures }
    }

    /// The columns that are shown after the lock's.
    fn each(&self) -> [usize; 6] {
        [self.state, self.nodes, self.who, self.figures[0], self.figures[1], self.figures[2]]
    }
}

fn head(widths: &Widths) -> Line {
    let mut text = padded("lock", widths.lock);
    for (place, (width, name)) in
        widths.each().into_iter().zip(["state", "nodes", "client", FIGURES[0], FIGURES[1], FIGURES[2]]).enumerate()
    {
        if width > 0 {
            text.push_str(GAP);
            text.push_str(&if place < 3 { padded(name, width) } else { format!("{name:>width$}") });
        }
    }
    Line::of(Tone::Strong, text.trim_end())
}

fn rule(widths: &Widths, appearance: Appearance) -> Line {
    let sign = if appearance.ascii { "-" } else { "─" };
    let shown = std::iter::once(widths.lock).chain(widths.each()).filter(|width| *width > 0);
    Line::of(Tone::Faint, shown.map(|width| sign.repeat(width)).collect::<Vec<_>>().join(GAP))
}

/// All rows of a lock.
fn block(lock: &LockSeen, rows: &[Row], widths: &Widths, appearance: Appearance) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut name = lock.name.as_str();
    if name.chars().count() > widths.lock {
        lines.push(Line::of(Tone::Strong, name));
        name = "";
    }
    for (place, row) in rows.iter().enumerate() {
        let name = if place == 0 { name } else { "" };
        lines.push(line(name, row, widths, appearance));
        let indent = " ".repeat(INDENT);
        lines.extend(row.below.iter().map(|(tone, text)| Line::of(*tone, format!("{indent}{text}"))));
    }
    let listed = lock.waiters.len() as u64;
    if let Some(waiting) = lock.waiting.filter(|waiting| *waiting > listed) {
        lines.push(Line::of(Tone::Warning, format!("{:INDENT$}and {} more that wait", "", waiting - listed)));
    }
    for note in &lock.notes {
        lines.push(Line::of(Tone::Warning, format!("{:INDENT$}{note}", "")));
    }
    lines
}

fn line(name: &str, row: &Row, widths: &Widths, appearance: Appearance) -> Line {
    let mut line = Line::of(Tone::Strong, padded(name, widths.lock));
    line = line.with(Tone::Plain, GAP).with(row.state.0, padded(&row.state.1, widths.state));
    if widths.nodes > 0 {
        line = line.with(Tone::Plain, GAP);
        let length: usize = row.nodes.iter().map(|(_, part)| part.chars().count()).sum();
        line.parts.extend(row.nodes.iter().cloned());
        line = line.with(Tone::Plain, " ".repeat(widths.nodes.saturating_sub(length)));
    }
    let who = if appearance.full { row.who.clone() } else { cut(&row.who, widths.who, appearance.ascii) };
    line = line.with(Tone::Plain, format!("{GAP}{}", padded(&who, widths.who)));
    for (cell, width) in row.figures.iter().zip(widths.figures).filter(|(_, width)| *width > 0) {
        line = line.with(Tone::Plain, format!("{GAP}{cell:>width$}"));
    }
    line.trimmed()
}

fn padded(text: &str, width: usize) -> String {
    format!("{text:<width$}")
}
