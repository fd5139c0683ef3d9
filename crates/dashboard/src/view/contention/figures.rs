//! Contention and fairness in figures.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use super::{GRANTS, grants};
use crate::state::SystemState;
use crate::text::{counted, fit, percent};
use crate::theme::Ink;
use crate::view::subject::{drawn_subject, explained, heading, hinted, without_grants};
use crate::view::{Panel, Room, View};
use lockbench_core::units::grouped;
use lockbench_report::Fairness;

pub static PANEL: Panel = Panel {
    name: "Contention and fairness",
    about: "How often a key was found held, how fast it changes hands, and whether every client gets its share",
    draw,
    rows: |_| FIGURES.len(),
    explain: |view| explained(view, explain),
    hit,
    ..Panel::PLAIN
};

/// Rows that it needs.
pub const ROWS: u16 = FIGURES.len() as u16;
/// Columns of a name and of a value.
const NAME: u16 = 19;
const VALUE: u16 = 11;

/// One figure.
struct Figure {
    name: &'static str,
    /// Its value; `None`: there is none.
    value: fn(&View<'_>, &SystemState) -> Option<String>,
    /// What belongs beside it, and the same where there is little room.
    remark: fn(&SystemState) -> [String; 2],
    /// What it means.
    means: &'static str,
    /// Why it may be missing: its name in the report, and the reason during a trial.
    missing: (&'static str, &'static str),
}

const WAITED: &str = "waited";

const FIGURES: [Figure; 9] = [
    Figure {
        name: WAITED,
        value: |_, system| system.waited_ratio().map(percent),
        remark: |system| {
            let found = system.found_held_ratio().map_or_else(|| "-".to_owned(), percent);
            [format!("found the key held: {found}"), format!("held: {found}")]
        },
        means: "share of the attempts that were not granted by their first request; beside it the share of those at \
                whose call another client held the key",
        missing: ("waited_ratio", "no attempt counts yet"),
    },
    Figure {
        name: "hand-off p50",
        value: |view, system| system.latency()?.handoff.p50_ns.map(|ns| view.duration(ns)),
        remark: |system| {
            let count = system.latency().map_or(0, |set| set.handoff.count);
            [counted(count, "hand-off"), grouped(count)]
        },
        means: "half of the hand-offs took no longer, from a release until the grant to a client that was already waiting",
        missing: ("latency.handoff", "too few grants went to a client that was already waiting at the release"),
    },
    Figure {
        name: "hand-off p99",
        value: |view, system| system.latency()?.handoff.p99_ns.map(|ns| view.duration(ns)),
        remark: |_| words("release to the next grant", ""),
        means: "99 of 100 hand-offs took no longer, from a release until the grant to a client that was already waiting",
        missing: ("latency.handoff", "too few grants went to a client that was already waiting at the release"),
    },
    Figure {
        name: "requests per grant",
        value: |_, system| system.requests_per_grant().map(|requests| format!("{requests:.2}")),
        remark: |system| {
            let kind = waiting(system);
            [if kind.is_empty() { String::new() } else { format!("clients wait {kind}") }, kind.to_owned()]
        },
        means: "requests that the clients sent to acquire, poll and release, per grant; systems that wait in different ways \
                (by polling, in a queue of the server, by a watch) do not compare in it",
        missing: ("requests_per_grant", "no grants"),
    },
    Figure {
        name: "Jain index",
        value: |_, system| system.fairness()?.jain.map(|jain| format!("{jain:.3}")),
        remark: |system| match system.grants_of().len() {
            0 => words("1 is even", "1 is even"),
            clients => [format!("1 even, {:.3} one has all", 1.0 / clients as f64), "1 is even".to_owned()],
        },
        means: "fairness of the grants per client: 1 if all got as many, one divided by the number of clients if one got all",
        missing: ("fairness.jain", "no grants"),
    },
    Figure {
        name: "fewest grants",
        value: |_, system| granted(system).map(|fairness| grouped(fairness.min_grants)),
        remark: |system| served(system, |fairness| fairness.min_grants),
        means: "grants of the client that got fewest",
        missing: ("fairness.jain", "no grants"),
    },
    Figure {
        name: "most grants",
        value: |_, system| granted(system).map(|fairness| grouped(fairness.max_grants)),
        remark: |system| served(system, |fairness| fairness.max_grants),
        means: "grants of the client that got most",
        missing: ("fairness.jain", "no grants"),
    },
    Figure {
        name: "longest starvation",
        value: |view, system| starved(system).map(|(_, ns)| view.duration(ns)),
        remark: |system| starved(system).map_or_else(|| words("", ""), |(client, _)| [client.clone(), client]),
        means: "longest wait of a client that ended, with or without a grant",
        missing: ("", "no wait has ended in the measure phase"),
    },
    Figure {
        name: "overtakes",
        value: |_, system| granted(system).map(|fairness| grouped(fairness.overtakes)),
        remark: |system| match &system.facts {
            Some(facts) if facts.fifo => words("order of arrival promised", "FIFO promised"),
            Some(_) => words("no order is promised", "none promised"),
            None => words("", ""),
        },
        means: "grants to a later arrival while an earlier one still waited for the same key",
        missing: ("fairness.jain", "no grants"),
    },
];

fn words(long: &str, short: &str) -> [String; 2] {
    [long.to_owned(), short.to_owned()]
}

/// How the system's clients wait, in words.
fn waiting(system: &SystemState) -> &'static str {
    match system.facts.as_ref().map_or("", |facts| facts.waiting.as_str()) {
        "poll" => "by polling",
        "server-queue" | "server queue" => "on the server",
        "watch" => "by a watch",
        "in-process" | "in process" => "in process",
        _ => "",
    }
}

/// Fairness, where there was a grant.
fn granted(system: &SystemState) -> Option<Fairness> {
    system.fairness().filter(|fairness| fairness.max_grants > 0)
}

/// The first client with so many grants, in words.
fn served(system: &SystemState, of: fn(&Fairness) -> u64) -> [String; 2] {
    let wanted = granted(system).map(|fairness| of(&fairness));
    let mut same =
        (0..).zip(system.grants_of()).filter(|(_, grants)| Some(**grants) == wanted).map(|(client, _)| client);
    let first: Option<u32> = same.next();
    let text = first.map_or_else(String::new, |client| format!("client {client}"));
    match same.count() {
        0 => [text.clone(), text],
        others => [format!("{text} and {others} more"), text],
    }
}

/// The client that waited longest, and how long.
fn starved(system: &SystemState) -> Option<(String, u64)> {
    let longest = system.fairness()?.longest_wait_ns;
    if longest == 0 {
        return None;
    }
    let client = system.longest_wait_of().iter().position(|wait| *wait == longest);
    Some((client.map_or_else(String::new, |client| format!("client {client}")), longest))
}

fn draw(view: &View<'_>, area: Rect, buffer: &mut Buffer) {
    if view.room == Room::Compact && !view.look.expanded && view.look.focused() == GRANTS {
        (grants::PANEL.draw)(&View { panel: GRANTS, ..*view }, area, buffer);
        return;
    }
    let Some(system) = drawn_subject(view, PANEL.name, area, buffer) else { return };
    let what = if view.room == Room::Compact { "figures" } else { "contention and fairness" };
    let what = without_grants(system).unwrap_or_else(|| what.to_owned());
    let inside = view.frame(&hinted(view, heading(system, &what), "clients", area), area, buffer);
    let selected = view.row(FIGURES.len());
    let first = (selected + 1).saturating_sub(usize::from(inside.height));
    for ((row, figure), y) in FIGURES.iter().enumerate().skip(first).zip(inside.top()..inside.bottom()) {
        let value = (figure.value)(view, system);
        let picked = view.focused() && row == selected;
        let ink = if picked {
            Ink::Selected
        } else if value.is_some() {
            Ink::Title
        } else {
            Ink::Soft
        };
        let text = value.as_deref().unwrap_or(view.glyphs().none);
        buffer.set_string(inside.x, y, figure.name, view.ink(Ink::Text));
        let width = text.chars().count() as u16;
        buffer.set_string(inside.x + NAME + VALUE.saturating_sub(width), y, text, view.ink(ink));
        let x = inside.x + NAME + VALUE.max(width) + 2;
        // Runs of before schema version 3 do not have the attempts that waited, but those that found the key held.
        if (value.is_some() || figure.name == WAITED) && x < inside.right() {
            let room = usize::from(inside.right() - x);
            let [long, short] = (figure.remark)(system);
            let remark = fit(if long.len() <= room { &long } else { &short }, room, view.glyphs().more);
            buffer.set_string(x, y, remark, view.ink(Ink::Soft));
        }
    }
}

fn hit(view: &View<'_>, area: Rect, at: Position) -> Option<(usize, usize)> {
    let height = usize::from(area.height.saturating_sub(2));
    let first = (view.row(FIGURES.len()) + 1).saturating_sub(height);
    let row = usize::from(at.y.checked_sub(area.y + 1)?) + first;
    (row < FIGURES.len()).then_some((row, 0))
}

fn explain(view: &View<'_>, system: &SystemState) -> String {
    let figure = &FIGURES[view.row(FIGURES.len())];
    let (name, subject) = (&system.name, figure.name);
    let Some(value) = (figure.value)(view, system) else {
        let why = system.result.as_ref().and_then(|result| result.not_available.get(figure.missing.0));
        let reason = why.map_or(figure.missing.1, String::as_str);
        let found = if figure.name == WAITED { format!(" ({})", (figure.remark)(system)[0]) } else { String::new() };
        return format!("{name}, {subject} is not known: {reason}{found}. It would be the {}.", figure.means);
    };
    let [remark, _] = (figure.remark)(system);
    let remark = if remark.is_empty() { remark } else { format!(" ({remark})") };
    format!("{name}, {subject} {value}{remark}: {}, in the measure phase{}.", figure.means, system.so_far())
}
