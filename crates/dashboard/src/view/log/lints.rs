//! Lints: named findings that limit how far the figures can be trusted, with what to do.
//! During the run of the trials that ended, at its end those of the report.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::prose::{clean, inside, put, row_at};
use super::super::{Panel, View};
use crate::text::{fit, wrap};
use crate::theme::Ink;
use lockbench_report::lint::LINTS;
use lockbench_report::{LintFinding, LintLevel};

/// Number of the panel.
const HERE: usize = 1;
/// Columns before the text of a finding.
const INDENT: u16 = 2;

/// The panel.
pub static PANEL: Panel = Panel {
    name: "Lints",
    about: "What limits how far the figures can be trusted, and what to do about it",
    draw,
    rows: |view| listed(view).count(),
    explain,
    hit: |view, area, at| {
        let inside = inside(area);
        let row = row_at(inside, at)?;
        let block =
            blocks(view, inside).into_iter().find(|block| (block.y..block.y + block.lines.len()).contains(&row));
        block.map(|block| (block.number, 0))
    },
    ..Panel::PLAIN
};

fn listed<'a>(view: &View<'a>) -> impl Iterator<Item = &'a LintFinding> {
    let look = view.look;
    let lists = move |found: &&LintFinding| {
        look.filter.is_empty() || look.lists(&found.name) || look.lists(&found.message) || look.lists(&found.advice)
    };
    view.state.lints.iter().flatten().filter(|found| found.level != LintLevel::Allow).filter(lists)
}

/// The lines of one finding, and the row at which they begin.
struct Block {
    number: usize,
    y: usize,
    lines: Vec<(String, Ink)>,
}

/// The findings that are shown, from the one on that leaves room for the selected one.
fn blocks(view: &View<'_>, area: Rect) -> Vec<Block> {
    let (width, height) = (usize::from(area.width.saturating_sub(INDENT)), usize::from(area.height));
    let all: Vec<Vec<(String, Ink)>> = listed(view).map(|found| lines(view, found, width)).collect();
    let selected = view.look.selection[view.look.screen][HERE].row.min(all.len().saturating_sub(1));
    let end = |first: usize| all[first..=selected].iter().map(Vec::len).sum::<usize>();
    let mut first = 0;
    while first < selected && end(first) > height {
        first += 1;
    }
    let mut y = 0;
    let block = |(number, lines): (usize, Vec<(String, Ink)>)| {
        y += lines.len();
        Block { number, y: y - lines.len(), lines }
    };
    all.into_iter().enumerate().skip(first).map(block).collect()
}

fn lines(view: &View<'_>, found: &LintFinding, width: usize) -> Vec<(String, Ink)> {
    let glyphs = view.glyphs();
    let (sign, word, ink) = match found.level {
        LintLevel::Deny => (glyphs.alarm, "error", Ink::Alarm),
        LintLevel::Warn | LintLevel::Allow => (glyphs.marker, "warning", Ink::Warn),
    };
    let about = found.backend.as_ref().filter(|name| !found.message.starts_with(name.as_str()));
    let message = about.map_or_else(|| found.message.clone(), |name| format!("{name}: {}", found.message));
    let mut lines = vec![(format!("{sign} {word}: {}", found.name), ink)];
    lines.extend(wrap(&clean(&message, glyphs), width).into_iter().map(|line| (line, Ink::Text)));
    let advice = format!("help: {}", found.advice);
    lines.extend(wrap(&clean(&advice, glyphs), width).into_iter().map(|line| (line, Ink::Soft)));
    lines
}

/// Of what the findings are.
fn title(view: &View<'_>) -> String {
    let state = view.state;
    let places = state.place.1.max(state.trials.len() as u32);
    match (&state.over, &state.lints) {
        (Some(_), _) => "Lints of the whole run".to_owned(),
        (None, Some(_)) => format!("Lints after {} of {places} trials", state.trials.len()),
        (None, None) => "Lints".to_owned(),
    }
}

fn draw(view: &View<'_>, area: Rect, buffer: &mut Buffer) {
    let count = listed(view).count();
    let found = if count > 0 { format!(": {count} found") } else { String::new() };
    let inside = view.frame(&format!("{}{found}", title(view)), area, buffer);
    if count == 0 {
        let glyphs = view.glyphs();
        let (text, ink) = match &view.state.lints {
            Some(found) if found.iter().any(|found| found.level != LintLevel::Allow) => {
                ("None has what the filter asks for.".to_owned(), Ink::Soft)
            }
            Some(_) => (format!("{} nothing found by {} lints", glyphs.tick, LINTS.len()), Ink::Good),
            None if view.state.run.as_ref().is_some_and(|run| run.lints.is_some()) => {
                ("They appear after each trial.".to_owned(), Ink::Soft)
            }
            None => ("They appear when the run is over.".to_owned(), Ink::Soft),
        };
        put(buffer, inside, (0, 0), &text, view.ink(ink));
        return;
    }
    let selected = view.row(count);
    for block in blocks(view, inside) {
        let chosen = block.number == selected && view.focused();
        for (i, (line, ink)) in block.lines.iter().enumerate() {
            let at = (if i == 0 { 0 } else { INDENT }, (block.y + i) as u16);
            let style = view.ink(if chosen && i == 0 { Ink::Selected } else { *ink });
            put(buffer, inside, at, line, style);
        }
    }
    let below = blocks(view, inside).last().map_or(0, |block| block.y + block.lines.len());
    if below > usize::from(inside.height) && inside.height > 0 {
        let more = view.glyphs().more;
        let text = fit(&format!(" {more} more below "), usize::from(inside.width), more);
        super::super::prose::put_right(buffer, area, (area.width - 2, area.height - 1), &text, view.ink(Ink::Soft));
    }
}

fn explain(view: &View<'_>) -> String {
    let Some(found) = listed(view).nth(view.row(listed(view).count())) else {
        return format!(
            "{} lints look for what limits how far figures can be trusted; `lockbench lints` lists them.",
            LINTS.len()
        );
    };
    let looks_for = LINTS.iter().find(|lint| lint.name == found.name).map_or("", |lint| lint.looks_for);
    let level = found.level.name();
    format!(
        "{} ({level}) looks for this: {looks_for}. It found: {}. What to do: {}.",
        found.name, found.message, found.advice
    )
}
