//! The first row: which run, which trial, how far; at its right end what must be seen
//! from every screen.

use ratatui::buffer::Buffer;
use ratatui::layout::{Alignment, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;

use super::{View, loud};
use crate::controls::Paused;
use crate::state::{Standing, SystemState};
use crate::text::{clock, counted, fit};
use crate::theme::Ink;
use crate::user_view::Ending;
use lockbench_core::record::Phase;
use lockbench_report::live::{Origin, Snapshot};

/// Ways to say it shorter, the longest first.
const LEVELS: u8 = 11;

pub(super) fn draw(view: &View<'_>, area: Rect, buffer: &mut Buffer) {
    let tags = tags(view);
    let room = usize::from(area.width).saturating_sub(tags.width() + usize::from(tags.width() > 0));
    let mut left = Line::default();
    for level in 0..LEVELS {
        left = place(view, level);
        if left.width() <= room {
            break;
        }
    }
    left.render(Rect { width: room as u16, ..area }, buffer);
    tags.alignment(Alignment::Right).render(area, buffer);
}

/// Which run, trial and phase, and how far.
fn place(view: &View<'_>, level: u8) -> Line<'static> {
    let mut parts: Vec<Vec<Span<'static>>> = Vec::new();
    if level < 3 {
        parts.push(vec![Span::styled("lockbench", view.ink(Ink::Title))]);
    }
    if let Some(run) = view.state.run.as_ref().filter(|_| level < 6) {
        let most = if level < 4 { 30 } else { 10 };
        parts.push(vec![Span::styled(fit(&run.workload, most, view.glyphs().more), view.ink(Ink::Text))]);
        if level < 1 {
            parts.push(vec![Span::styled(fit(&run.run_id, 32, view.glyphs().more), view.ink(Ink::Soft))]);
        }
    }
    let Some(system) = view.state.running() else {
        parts.push(vec![Span::styled(before(view), view.ink(Ink::Soft))]);
        return joined(parts);
    };
    let (place, places) = view.state.place;
    let name = fit(&system.name, if level < 10 { 40 } else { 9 }, view.glyphs().more);
    let trial = if level < 9 { "trial " } else { "" };
    // Before the name: it counts the trials of the run, not those of the system.
    parts.push(vec![
        Span::styled(format!("{trial}{place}/{places} "), view.ink(Ink::Text)),
        Span::styled(name, view.ink(Ink::Title)),
    ]);
    if level < 8 {
        parts.push(vec![Span::styled(phase(view, system), view.ink(Ink::Soft))]);
    }
    // How long the last holders take is unknown: the time left is that of the phases.
    let running = system.snapshot.as_ref().filter(|_| system.standing == Standing::Running);
    if let Some(snapshot) = running.filter(|snapshot| snapshot.phase != Phase::Drain) {
        let left = if level < 7 { " left" } else { "" };
        let mut span = vec![Span::styled(format!("{}{left}", clock(snapshot.left_ns)), view.ink(Ink::Text))];
        let cells = [20, 20, 10, 10, 10].get(usize::from(level)).copied().unwrap_or(0);
        if cells > 0 {
            span.push(Span::raw(" "));
            span.extend(gauge(view, snapshot, cells));
        }
        parts.push(span);
    }
    joined(parts)
}

fn joined(parts: Vec<Vec<Span<'static>>>) -> Line<'static> {
    let mut spans = Vec::new();
    for part in parts {
        if !spans.is_empty() {
            spans.push(Span::raw("  "));
        }
        spans.extend(part);
    }
    Line::from(spans)
}

/// In words, where no trial has begun.
fn before(view: &View<'_>) -> &'static str {
    match (&view.state.run, &view.state.over) {
        (_, Some(_)) => "no trial took place",
        (None, None) => "starting",
        (Some(_), None) => "preparing the systems",
    }
}

fn phase(view: &View<'_>, system: &SystemState) -> &'static str {
    match (system.standing, &system.snapshot) {
        _ if view.state.over.is_some() => "all trials over",
        (Standing::Failed, _) => "trial failed",
        (Standing::Running, Some(snapshot)) => match snapshot.phase {
            Phase::Warmup => "warm-up",
            Phase::Measure => "measure",
            Phase::Drain => "drain: the last attempts end",
        },
        (Standing::Running, None) => "connecting",
        _ => "trial over",
    }
}

/// How much of warm-up and measure phase is over; a pause takes nothing of them.
fn gauge(view: &View<'_>, snapshot: &Snapshot, cells: usize) -> [Span<'static>; 3] {
    let planned = view.state.run.as_ref().map(|run| run.warmup_ns + run.duration_ns).filter(|ns| *ns > 0);
    let whole = planned.unwrap_or((snapshot.elapsed_ns + snapshot.left_ns).max(1));
    let share = whole.saturating_sub(snapshot.left_ns) as f64 / whole as f64;
    let full = ((share * cells as f64).floor() as usize).min(cells);
    let glyphs = view.glyphs();
    let (open, close) = if glyphs.ascii { ("[", "]") } else { ("", "") };
    [
        Span::styled(format!("{open}{}", glyphs.shade[4].repeat(full)), view.ink(Ink::First)),
        Span::styled(glyphs.shade[1].repeat(cells - full), view.ink(Ink::Soft)),
        Span::styled(close, view.ink(Ink::First)),
    ]
}

/// What must be seen from every screen, in words.
fn tags(view: &View<'_>) -> Line<'static> {
    let mut spans: Vec<Span<'static>> = Vec::new();
    if let Some(text) = alarm(view) {
        spans.push(Span::styled(text, loud(view)));
    }
    for text in held(view) {
        if !spans.is_empty() {
            spans.push(Span::raw(" "));
        }
        spans.push(Span::styled(format!(" {text} "), view.ink(Ink::Held)));
    }
    Line::from(spans)
}

/// Broken promises of the whole run.
fn alarm(view: &View<'_>) -> Option<String> {
    let mark = view.glyphs().alarm.repeat(2);
    let regressions: u64 = view.state.systems.iter().map(SystemState::token_regressions).sum();
    match (view.state.double_grants(), regressions) {
        (0, 0) => None,
        (0, tokens) => Some(format!(" {mark} {} ", counted(tokens, "token regression"))),
        (doubles, _) => Some(format!(" {mark} {} ", counted(doubles, "double grant"))),
    }
}

/// Pause and freeze differ by what stands still.
fn held(view: &View<'_>) -> Vec<String> {
    let mut words = Vec::new();
    let origin = view.state.origin();
    match origin {
        Origin::Live => {}
        Origin::Followed => words.push("FOLLOWING".to_owned()),
        Origin::Replayed { speed } => words.push(format!("REPLAY x{}", view.look.speed.unwrap_or(speed))),
    }
    match view.look.ending {
        Ending::Not => {}
        Ending::Asked => words.push("ENDING".to_owned()),
        Ending::Aborted => words.push("ABORTING".to_owned()),
        Ending::Over => words.push("OVER".to_owned()),
    }
    let running = view.state.running().filter(|system| system.standing == Standing::Running);
    let reported = running.and_then(|system| system.snapshot.as_ref()).is_some_and(|snapshot| snapshot.paused);
    if matches!(origin, Origin::Replayed { .. }) && view.paused != Paused::No {
        words.push("replay PAUSED".to_owned());
    }
    let live = origin == Origin::Live && view.look.ending != Ending::Over;
    match view.paused {
        Paused::InForce if live => words.push("load PAUSED".to_owned()),
        // Only the load itself can say that it stands still.
        Paused::Asked if live => words.push("pausing".to_owned()),
        _ if reported => words.push("load PAUSED".to_owned()),
        _ => {}
    }
    if view.look.frozen {
        words.push("display FROZEN".to_owned());
    }
    words
}
