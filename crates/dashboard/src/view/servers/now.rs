//! The panel that says how the servers do: round trip, processors, memory.

use ratatui::buffer::Buffer;
use ratatui::layout::{Margin, Position, Rect};

use super::{ago, look, nobody_asked};
use crate::text::{bytes, fit};
use crate::theme::Ink;
use crate::view::{Panel, View};
use lockbench_core::units::three_digits;
use lockbench_report::live::ServerLook;

/// The panel.
pub static PANEL: Panel = Panel {
    name: "How it does",
    about: "Round trip of one small request beside the load; processors and memory of servers started here",
    draw,
    rows: |view| usize::from(look(view).is_some()),
    columns: |_| 3,
    explain: |view| match look(view) {
        Some(look) => figures(view, look).swap_remove(view.selection().column.min(2)).sentence,
        None => nobody_asked(view),
    },
    hit,
    ..Panel::PLAIN
};

struct Figure {
    label: &'static str,
    /// The value, or the sign for none and why.
    text: String,
    sentence: String,
}

fn figures(view: &View<'_>, look: &ServerLook) -> Vec<Figure> {
    vec![round_trip(view, look), processors(view, look), memory(view, look)]
}

fn round_trip(view: &View<'_>, look: &ServerLook) -> Figure {
    let name = &look.backend;
    let (text, sentence) = match look.round_trip_ns {
        Some(ns) => (
            view.duration(ns),
            format!(
                "{name}, round trip {}: one small request and its answer over a connection that is open, beside the \
                 load, not part of any other figure.",
                view.duration(ns)
            ),
        ),
        None if look.problem.is_some() => {
            (format!("{} no answer", view.glyphs().none), format!("{name}, round trip: the server did not answer."))
        }
        None => (
            format!("{} no server", view.glyphs().none),
            format!("{name}, round trip: it lives in this process, there is no server to ask."),
        ),
    };
    Figure { label: "round trip", text, sentence }
}

/// Why nothing is known of the servers' processes.
fn unknown(view: &View<'_>) -> &'static str {
    let ours = view.system().and_then(|system| system.facts.as_ref()).is_some_and(|facts| facts.started_here);
    let served =
        view.system().and_then(|system| system.facts.as_ref()).is_some_and(|facts| !facts.addresses.is_empty());
    match (served, ours) {
        (false, _) => "in this process",
        (true, false) => "not started here",
        (true, true) => "not known yet",
    }
}

/// Processors between the last two looks.
fn share(view: &View<'_>) -> Option<f64> {
    let looks = &view.system()?.looks;
    let (before, after) = (looks.get(looks.len().checked_sub(2)?)?, looks.back()?);
    let seconds = after.at_ns.saturating_sub(before.at_ns) as f64 / 1e9;
    let cpu = after.cpu_s? - before.cpu_s?;
    (seconds > 0.0 && before.at_ns > 0 && cpu >= 0.0).then(|| cpu / seconds)
}

fn processors(view: &View<'_>, look: &ServerLook) -> Figure {
    let (name, why) = (&look.backend, unknown(view));
    let (text, sentence) = match share(view) {
        Some(share) => {
            let share = three_digits(share);
            let sentence = format!(
                "{name}, CPU {share} processors: what all processes of its servers kept busy between the last two looks."
            );
            (format!("{share} processors"), sentence)
        }
        None => (format!("{} {why}", view.glyphs().none), format!("{name}, CPU: {why}.")),
    };
    Figure { label: "CPU", text, sentence }
}

fn memory(view: &View<'_>, look: &ServerLook) -> Figure {
    let (name, why) = (&look.backend, unknown(view));
    let (text, sentence) = match look.rss_bytes {
        Some(rss) => {
            let rss = bytes(rss);
            (
                rss.clone(),
                format!(
                    "{name}, memory {rss}: resident memory of its servers' processes, what they share counted once."
                ),
            )
        }
        None => (format!("{} {why}", view.glyphs().none), format!("{name}, memory: {why}.")),
    };
    Figure { label: "memory", text, sentence }
}

/// Left edge of each figure.
fn edges(inside: Rect) -> [u16; 3] {
    let third = inside.width.min(120) / 3;
    [inside.x + 1, inside.x + 1 + third, inside.x + 1 + 2 * third]
}

fn draw(view: &View<'_>, area: Rect, buffer: &mut Buffer) {
    let found = look(view);
    let when = found.and_then(|look| ago(view, look)).map_or_else(String::new, |ago| format!(", {ago}"));
    let inside = view.frame(&format!("How it does{when}"), area, buffer);
    if inside.is_empty() {
        return;
    }
    let Some(look) = found else {
        let text = fit(&nobody_asked(view), usize::from(inside.width - 1), view.glyphs().more);
        buffer.set_string(inside.x + 1, inside.y, text, view.ink(Ink::Soft));
        return;
    };
    let edges = edges(inside);
    let room = usize::from(edges[1] - edges[0] - 1);
    for (i, figure) in figures(view, look).iter().enumerate() {
        let marked = view.focused() && i == view.selection().column.min(2);
        let label = format!("{}  ", figure.label);
        let ink = if marked { Ink::Focus } else { Ink::Soft };
        let (x, _) = buffer.set_stringn(edges[i], inside.y, &label, label.len(), view.ink(ink));
        let text = fit(&figure.text, room.saturating_sub(label.len()), view.glyphs().more);
        buffer.set_string(x, inside.y, text, view.ink(if marked { Ink::Selected } else { Ink::Text }));
    }
}

fn hit(_view: &View<'_>, area: Rect, at: Position) -> Option<(usize, usize)> {
    let inside = area.inner(Margin::new(1, 1));
    let column = edges(inside).iter().rposition(|edge| *edge <= at.x)?;
    inside.contains(at).then_some((0, column))
}
