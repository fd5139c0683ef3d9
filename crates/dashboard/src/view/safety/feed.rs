//! The violations that were seen, one per row; Enter shows the story of one.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::prose::{first_shown, inside, put, put_right, row_at};
use super::super::{Opened, Panel, View};
use super::FEED;
use crate::state::{Caught, SystemState};
use crate::text::fit;
use crate::theme::Ink;
use crate::user_view::Popup;
use lockbench_core::oracle::DoubleGrantKind;
use lockbench_core::units::grouped;

/// The panel.
pub static PANEL: Panel = Panel {
    name: "Double grants",
    about: "The first hundred double grants of each trial; Enter shows the story of one",
    draw,
    rows: |view| listed(view).len(),
    sorts: &["overlap, the longest first", "time, the newest first"],
    explain,
    open: story_of,
    hit: |view, area, at| {
        let rows = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..inside(area) };
        let listed = listed(view).len();
        let height = usize::from(rows.height.saturating_sub(2));
        let first = first_shown(chosen(view, listed), listed, height);
        row_at(rows, at)?.checked_sub(1).map(|row| (row + first, 0)).filter(|(row, _)| *row < listed)
    },
    ..Panel::PLAIN
};

/// How long both were inside.
fn overlap(caught: &Caught) -> u64 {
    let (earlier, later) = (&caught.double.earlier, &caught.double.later);
    earlier.end_ns.min(later.end_ns).saturating_sub(later.start_ns)
}

fn kind(caught: &Caught) -> &'static str {
    caught.double.kind.name()
}

/// Places in `caught` of those that the filter lets through, in the user's order.
fn listed(view: &View<'_>) -> Vec<usize> {
    let Some(system) = view.system() else { return Vec::new() };
    let text = |caught: &Caught| {
        let (earlier, later) = (&caught.double.earlier, &caught.double.later);
        format!(
            "trial {} key {} {} client {} client {}",
            caught.trial,
            caught.double.key,
            kind(caught),
            earlier.client,
            later.client
        )
    };
    let lists = |at: &usize| view.look.filter.is_empty() || view.look.lists(&text(&system.caught[*at]));
    let mut places: Vec<usize> = (0..system.caught.len()).filter(lists).collect();
    if view.look.selection[view.look.screen][FEED].sort == 0 {
        places.sort_by_key(|at| (std::cmp::Reverse(overlap(&system.caught[*at])), *at));
    } else {
        places.reverse();
    }
    places
}

fn chosen(view: &View<'_>, rows: usize) -> usize {
    view.look.selection[view.look.screen][FEED].row.min(rows.saturating_sub(1))
}

/// The selected violation: its place in `caught` of the system that is shown.
pub fn selected(view: &View<'_>) -> Option<usize> {
    let listed = listed(view);
    listed.get(chosen(view, listed.len())).copied()
}

/// A column: heading, width, and the text of a violation.
struct Column {
    head: &'static str,
    width: u16,
    text: fn(&View<'_>, &SystemState, usize) -> String,
}

static COLUMNS: [Column; 8] = [
    Column {
        head: "no",
        width: 3,
        text: |view, system, at| view.state.violation_number(system, at).map_or_else(String::new, |n| n.to_string()),
    },
    Column { head: "kind", width: 9, text: |_, system, at| kind(&system.caught[at]).to_owned() },
    Column {
        head: "clients",
        width: 7,
        text: |_, system, at| {
            let double = &system.caught[at].double;
            format!("{}, {}", double.earlier.client, double.later.client)
        },
    },
    Column { head: "both in", width: 8, text: |view, system, at| view.duration(overlap(&system.caught[at])) },
    Column { head: "key", width: 4, text: |_, system, at| system.caught[at].double.key.to_string() },
    Column {
        head: "tokens",
        width: 15,
        text: |view, system, at| {
            let double = &system.caught[at].double;
            let none = view.glyphs().none;
            let token = |token: Option<u64>| token.map_or_else(|| none.to_owned(), |token| token.to_string());
            format!("{}, {}", token(double.earlier.token), token(double.later.token))
        },
    },
    Column {
        head: "at",
        width: 9,
        text: |view, system, at| {
            let caught = &system.caught[at];
            view.duration(caught.double.later.start_ns.saturating_sub(caught.origin_ns))
        },
    },
    Column { head: "trial", width: 5, text: |_, system, at| system.caught[at].trial.to_string() },
];

fn draw(view: &View<'_>, area: Rect, buffer: &mut Buffer) {
    let system = view.system();
    let listed = listed(view);
    let (kept, all) = system.map_or((0, 0), |system| (system.caught.len() as u64, system.double_grants()));
    let title = match (kept, all) {
        (0, 0) => "Double grants".to_owned(),
        (kept, all) if kept < all => {
            let (kept, all) = (grouped(kept), grouped(all));
            if area.width < 50 {
                format!("First {kept} of {all}")
            } else {
                format!("Double grants: the first {kept} of {all}")
            }
        }
        (kept, _) => format!("Double grants: {}", grouped(kept)),
    };
    let inside = view.frame(&title, area, buffer);
    let width = usize::from(inside.width);
    let say = |text: &str, ink: Ink, buffer: &mut Buffer| {
        put(buffer, inside, (0, 0), &fit(text, width, view.glyphs().more), view.ink(ink));
    };
    match system {
        None => say("No system has been measured yet.", Ink::Soft, buffer),
        Some(_) if kept == 0 && all > 0 => say("They appear as their holds end.", Ink::Warn, buffer),
        Some(system) if kept == 0 && system.snapshot.is_none() && system.result.is_none() => {
            say("Nothing to judge yet.", Ink::Soft, buffer);
        }
        Some(_) if kept == 0 => say("None was seen.", Ink::Text, buffer),
        Some(_) if listed.is_empty() => say("None has what the filter asks for.", Ink::Soft, buffer),
        Some(system) => table(view, system, &listed, inside, buffer),
    }
}

fn table(view: &View<'_>, system: &SystemState, listed: &[usize], area: Rect, buffer: &mut Buffer) {
    let mut used = 2;
    let shown: Vec<&Column> = COLUMNS
        .iter()
        .take_while(|column| {
            used += column.width + 1;
            used <= area.width + 1
        })
        .collect();
    let ends: Vec<u16> = shown
        .iter()
        .scan(1, |end, column| {
            *end += column.width + 1;
            Some(*end - 1)
        })
        .collect();
    for (column, end) in shown.iter().zip(&ends) {
        put_right(buffer, area, (*end, 0), column.head, view.ink(Ink::Soft));
    }
    let selected = chosen(view, listed.len());
    let height = usize::from(area.height.saturating_sub(1));
    let first = first_shown(selected, listed.len(), height);
    for (y, (row, at)) in (1..).zip(listed.iter().enumerate().skip(first).take(height)) {
        let pick = row == selected;
        if pick {
            put(buffer, area, (0, y), view.glyphs().pointer, view.ink(Ink::Focus));
        }
        for (column, end) in shown.iter().zip(&ends) {
            let ink = match column.head {
                "kind" if system.caught[*at].double.kind != DoubleGrantKind::Outside => Ink::Alarm,
                "lease" => Ink::Warn,
                _ => Ink::Text,
            };
            let text = fit(&(column.text)(view, system, *at), usize::from(column.width), view.glyphs().more);
            put_right(buffer, area, (*end, y), &text, view.ink(ink));
        }
        if pick && view.focused() {
            let end = ends.last().copied().unwrap_or(0).min(area.width);
            buffer.set_style(
                Rect { x: area.x + 1, y: area.y + y, width: end.saturating_sub(1), height: 1 },
                view.ink(Ink::Selected),
            );
        }
        // Where there is room, the beginning of the story.
        let end = ends.last().copied().unwrap_or(0) + 2;
        if area.width > end + 30 {
            let story = fit(&system.caught[*at].story, usize::from(area.width - end), view.glyphs().more);
            put(buffer, area, (end, y), &story, view.ink(Ink::Soft));
        }
    }
}

/// Opens the story of the selected violation.
pub fn story_of(view: &View<'_>) -> Opened {
    let Some((system, at)) = view.system().zip(selected(view)) else { return Opened::Nothing };
    let caught = &system.caught[at];
    let meaning = match caught.double.kind {
        DoubleGrantKind::Inside => {
            "Inside: the earlier holder's lease was still valid, or nothing limited it, so the lock service broke its promise."
        }
        DoubleGrantKind::Withdrawn => {
            "Withdrawn: the earlier holder's promise still ran, but the service took the lock back early and notified \
             its session; a client that listens can stop."
        }
        DoubleGrantKind::Outside => {
            "Outside: the earlier holder's lease was lawfully over and it stayed, so the holder overstayed; a fencing \
             token keeps its late writes out."
        }
    };
    let number = view.state.violation_number(system, at);
    let run = view.state.run.as_ref().map(|run| run.run_id.as_str());
    let after = match (run, number) {
        (Some(run), Some(number)) => format!("\n\nAfterwards: lockbench explain {run} {number}"),
        _ => String::new(),
    };
    Opened::Popup(Popup::Story(format!(
        "{}, trial {}: {}\n\n{meaning}{after}",
        system.name, caught.trial, caught.story
    )))
}

fn explain(view: &View<'_>) -> String {
    let Some((system, at)) = view.system().zip(selected(view)) else {
        return "No double grant was seen: no client was granted a key while another one was inside.".to_owned();
    };
    let caught = &system.caught[at];
    let (earlier, later) = (&caught.double.earlier, &caught.double.later);
    let whose = caught.double.kind.blame();
    format!(
        "{}, trial {}: client {} was granted key {} while client {} was inside; both were inside for {}: {whose}.",
        system.name,
        caught.trial,
        later.client,
        caught.double.key,
        earlier.client,
        view.duration(overlap(caught)),
    )
}
