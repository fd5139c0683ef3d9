//! The fencing ledger: harm that the lock let happen, and harm that a fencing token
//! prevents. One run shows both: the same writes to a resource with and without fencing.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::prose::{inside, put};
use super::super::{Panel, Room, View};
use super::figures::{self, Figure};
use super::verdict::counted_of;
use crate::state::SystemState;
use crate::text::wrap;
use crate::theme::Ink;
use lockbench_core::figure::Counter;
use lockbench_core::units::grouped;

/// The figure that a compact screen has no row for.
pub const INVERSIONS: &str = "token inversions";

/// The panel.
pub static PANEL: Panel = Panel {
    name: "Fencing",
    about: "Harm to what the lock protects, without fencing and with it",
    draw,
    rows: |view| figures_of(view).len(),
    explain: |view| figures::explain(view, &figures_of(view)),
    hit: |view, area, at| {
        let all = figures_of(view);
        figures::hit(figures_area(area), all.len(), view.row(all.len()), at)
    },
    ..Panel::PLAIN
};

/// Returns whether the system has fencing tokens; `None`: not known yet.
fn fenced(system: &SystemState) -> Option<bool> {
    let result = system.result.as_ref().filter(|result| result.error.is_none());
    let tokens = result.map(|result| result.safety.token_regressions.is_some());
    tokens.or_else(|| system.facts.as_ref().map(|facts| facts.fencing))
}

/// What the ledger shows.
pub fn figures_of(view: &View<'_>) -> Vec<Figure> {
    let Some(system) = view.system().filter(|system| system.result.is_some() || system.snapshot.is_some()) else {
        return Vec::new();
    };
    let all = counted_of(system);
    let fenced = fenced(system);
    let missing = if view.room == Room::Compact && !view.look.expanded { "no token" } else { "not offered" };
    let token = |label, short, count: u64, bad: Ink, meaning| match fenced {
        Some(false) => Figure { label, short, value: missing.to_owned(), ink: Ink::Soft, meaning: NO_TOKEN },
        // Not known yet: a zero may be none.
        None if count == 0 => {
            Figure { label, short, value: view.glyphs().none.to_owned(), ink: Ink::Soft, meaning: NO_TOKEN }
        }
        _ => {
            let ink = if count > 0 { bad } else { Ink::Text };
            Figure { label, short, value: grouped(count), ink, meaning }
        }
    };
    let lost = all(Counter::LostUpdates);
    vec![
        Figure {
            label: "harm: lost updates, unfenced",
            short: "lost updates",
            value: grouped(lost),
            ink: if lost > 0 { Ink::Alarm } else { Ink::Text },
            meaning: "Writes over a change that was made since the read, to a resource that does not check tokens",
        },
        token(
            "prevented: refused writes",
            "refused",
            all(Counter::StaleWritesRefused),
            Ink::Good,
            "Writes that a resource which checks fencing tokens refuses, for a later token was there: harm that did not happen",
        ),
        token(
            "stale writes seen",
            "stale",
            all(Counter::StaleWritesSeen),
            Ink::Warn,
            "Writes with a token below the highest one written: they came late, from a holder whose time was over",
        ),
        token(
            "token regressions",
            "regressed",
            all(Counter::TokenRegressions),
            Ink::Alarm,
            "Fencing tokens that surely went back: a later grant had a token that was not greater, so fencing cannot work",
        ),
        token(
            INVERSIONS,
            "inverted",
            all(Counter::TokenInversions),
            Ink::Text,
            "Tokens out of order between grants that were under way at once: no violation, for either may have been first",
        ),
    ]
}

const NO_TOKEN: &str =
    "The lock system has no fencing token, so a resource cannot distinguish a late write from a lawful one";

/// Below two lines of caption, if there is room.
fn figures_area(area: Rect) -> Rect {
    let inside = inside(area);
    let caption = if inside.height >= 8 { 3 } else { 0 };
    Rect { y: inside.y + caption, height: inside.height - caption, ..inside }
}

fn draw(view: &View<'_>, area: Rect, buffer: &mut Buffer) {
    let inside = view.frame("Fencing: harm, and harm prevented", area, buffer);
    let Some(system) = view.system() else { return };
    if inside.height >= 8 {
        let caption = match fenced(system) {
            Some(true) => "The same writes go to a resource that checks fencing tokens and to one that does not.",
            Some(false) => "This lock has no fencing token: nothing could have refused a late write.",
            None => "Whether this lock has fencing tokens is not known yet.",
        };
        for (y, line) in (0..2).zip(wrap(caption, usize::from(inside.width))) {
            put(buffer, inside, (0, y), &line, view.ink(Ink::Soft));
        }
    }
    figures::draw(view, &figures_of(view), figures_area(area), buffer);
}
