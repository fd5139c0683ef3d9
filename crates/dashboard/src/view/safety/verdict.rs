//! The verdict, the double grants under the three policies, and how far a zero goes.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::prose::{clean, inside, put, tint};
use super::super::{Panel, Room, View};
use super::figures::{self, Figure};
use super::finding::{Finding, because};
use super::ledger;
use crate::state::SystemState;
use crate::text::{counted, fit, wrap};
use crate::theme::Ink;
use lockbench_core::figure::{Counter, Totals};
use lockbench_core::units::{grouped, three_digits};

/// The panel.
pub static PANEL: Panel = Panel {
    name: "Verdict",
    about: "Whether a lock was ever granted twice, under three policies, and how far a zero goes",
    draw,
    rows: |view| figures_of(view).len(),
    explain: |view| figures::explain(view, &figures_of(view)),
    hit: |view, area, at| {
        let all = figures_of(view);
        figures::hit(parts(area).1, all.len(), view.row(all.len()), at)
    },
    ..Panel::PLAIN
};

/// What was counted, live or in the report; 0 where nothing was.
pub fn counted_of(system: &SystemState) -> impl Fn(Counter) -> u64 {
    let totals = match (&system.result, &system.snapshot) {
        (Some(result), _) => result.totals(None),
        (None, Some(snapshot)) => Totals::of(&snapshot.counts, &snapshot.judged, true),
        (None, None) => Totals::default(),
    };
    move |counter| totals.get(counter).unwrap_or_default()
}

/// Returns whether the verdict panel shows the ledger's figures too: there is no room for both panels.
fn alone(view: &View<'_>) -> bool {
    view.room == Room::Compact && !view.look.expanded
}

fn figures_of(view: &View<'_>) -> Vec<Figure> {
    let Some(system) = view.system().filter(|system| system.result.is_some() || system.snapshot.is_some()) else {
        return Vec::new();
    };
    let mut figures = own(system, view.glyphs().none);
    if alone(view) {
        // Inversions are no violation, and there is no row for them.
        figures.extend(ledger::figures_of(view).into_iter().filter(|figure| figure.label != ledger::INVERSIONS));
    }
    figures
}

fn own(system: &SystemState, none: &str) -> Vec<Figure> {
    let all = counted_of(system);
    let count = |label, short, count: u64, bad: Ink, meaning| {
        let ink = if count > 0 { bad } else { Ink::Text };
        Figure { label, short, value: grouped(count), ink, meaning }
    };
    let (exercised, bound) = system.exercised();
    let live = system.snapshot.as_ref().map_or(0, |snapshot| snapshot.counts.lost_leases);
    let lost = system.result.as_ref().map_or(live, |result| result.safety.lost_leases);
    let mut figures = vec![
        count("naive policy", "naive", all(Counter::DoubleGrants), Ink::Alarm, NAIVE),
        count("deadline policy", "deadline", all(Counter::Deadline), Ink::Alarm, DEADLINE),
        count("evidence policy", "evidence", all(Counter::Admitted), Ink::Alarm, EVIDENCE),
        count("naive, inside a lease", "inside", all(Counter::Inside), Ink::Alarm, INSIDE),
        count("naive, withdrawn early", "withdrawn", all(Counter::TakenBack), Ink::Alarm, WITHDRAWN),
        count("naive, outside a lease", "outside", all(Counter::Outside), Ink::Warn, OUTSIDE),
        Figure {
            label: "95 % upper bound",
            short: "95% bound",
            value: bound.map_or_else(|| none.to_owned(), |bound| format!("{} /M", three_digits(bound))),
            ink: Ink::Text,
            meaning: BOUND,
        },
        count("possible overlaps", "possible", all(Counter::OverlapsPossible), Ink::Warn, POSSIBLE),
        count("challenged holds (N)", "N holds", exercised, Ink::Text, EXERCISED),
        count("lost leases", "lost leases", lost, Ink::Warn, LOST),
    ];
    if system.earlier_double_grants > 0 {
        figures.push(count("in the trials before", "earlier", system.earlier_double_grants, Ink::Alarm, EARLIER));
    }
    figures
}

const NAIVE: &str = "Double grants where a hold lasts until its client gives it back";
const DEADLINE: &str = "Double grants where a hold is cut at the end of its lease as its holder knew it: what is left when every client stops in time";
const EVIDENCE: &str = "Double grants where a hold is cut at the last thing that the server confirmed: the server itself admitted both, and no plan excuses that";
const INSIDE: &str = "Double grants while the earlier holder's lease was valid: the service broke its promise";
const WITHDRAWN: &str = "Double grants while the promise to the earlier holder still ran, and the service took the lock back early and said so";
const OUTSIDE: &str = "Double grants when the earlier holder's lease was lawfully over: the holder overstayed";
const POSSIBLE: &str =
    "Grants that overlap a hold whose end is unknown, for an answer was lost: no proof of a violation";
const BOUND: &str = "Beside a zero: with 95 % confidence no more double grants than this per million challenged holds, \
                     under this plan and what it injects; missing where double grants were seen, or no holder was challenged";
const EXERCISED: &str = "Holds during which a request of another client for the key was in flight or queued at the server: only these put the lock to a test";
const LOST: &str = "Grants of the measure phase of which the client learned that they were lost";
const EARLIER: &str = "Double grants in the earlier trials of this system";

/// Rows of the banner and of the reason, and the area of the figures.
fn parts(area: Rect) -> ((u16, u16), Rect) {
    let inside = inside(area);
    let (banner, reason) = match inside.height {
        0..9 => (1, 0),
        9..14 => (1, 2),
        _ => (3, 3),
    };
    let above = (banner + reason).min(inside.height);
    let condition = u16::from(inside.height >= 10);
    let height = inside.height.saturating_sub(above + condition);
    ((banner, reason), Rect { y: inside.y + above, height, ..inside })
}

fn draw(view: &View<'_>, area: Rect, buffer: &mut Buffer) {
    let Some(system) = view.system() else {
        let inside = view.frame("Verdict", area, buffer);
        put(buffer, inside, (0, 0), "No system has been measured yet.", view.ink(Ink::Soft));
        return;
    };
    let trial = if system.trial > 0 { format!(", trial {}", system.trial) } else { String::new() };
    let inside = view.frame(&format!("Verdict: {}{trial}", system.name), area, buffer);
    let ((banner, reason), rest) = parts(area);
    head(view, system, inside, (banner, reason), buffer);
    figures::draw(view, &figures_of(view), rest, buffer);
    if inside.height >= 10 {
        let style = view.ink(Ink::Soft);
        put(buffer, inside, (0, inside.height - 1), view.condition(), style);
    }
}

/// The word, as large as there is room, and why.
fn head(view: &View<'_>, system: &SystemState, area: Rect, (banner, reason): (u16, u16), buffer: &mut Buffer) {
    let finding = Finding::of(system);
    let style = view.ink(finding.ink());
    let text = match finding {
        Finding::Violated => {
            let sign = finding.sign(view.glyphs());
            let count = match (system.double_grants(), system.token_regressions()) {
                (0, tokens) => counted(tokens, "token regression"),
                (doubles, _) => counted(doubles, "double grant"),
            };
            format!(" {sign} VIOLATED {sign} {count}")
        }
        _ => format!("{} {}", finding.sign(view.glyphs()), finding.word()),
    };
    if finding == Finding::Violated {
        // A block that is seen from afar, whatever the colours are.
        let block = style.add_modifier(ratatui::style::Modifier::REVERSED);
        (0..banner).for_each(|y| tint(buffer, area, y, block));
        put(buffer, area, (0, banner / 2), &text, block);
    } else {
        put(buffer, area, (0, banner / 2), &text, style);
    }
    let why = because(system);
    let why = clean(&why, view.glyphs());
    let width = usize::from(area.width);
    if reason == 0 {
        if finding != Finding::Violated {
            let start = text.chars().count() as u16;
            let room = width.saturating_sub(usize::from(start) + 2);
            put(buffer, area, (start, 0), &format!(": {}", fit(&why, room, view.glyphs().more)), view.ink(Ink::Soft));
        }
        return;
    }
    for (line, y) in wrap(&why, width).into_iter().zip(banner..banner + reason) {
        put(buffer, area, (0, y), &line, view.ink(Ink::Text));
    }
}
