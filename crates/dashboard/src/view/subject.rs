//! The system whose details a screen shows, or in words why there is nothing to show.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::widgets::{Paragraph, Widget, Wrap};

use super::{Room, View};
use crate::state::{Standing, SystemState};
use crate::theme::Ink;
use lockbench_core::record::Phase;

/// The system, or a sentence.
///
/// # Errors
/// Nothing is known of its trial.
pub fn subject<'a>(view: &View<'a>) -> Result<&'a SystemState, String> {
    let Some(system) = view.system() else {
        return Err("No system runs yet: the first trial has not begun.".to_owned());
    };
    let (name, problem) = (&system.name, system.problem.as_deref().unwrap_or("no reason was given"));
    match system.standing {
        Standing::Skipped => Err(format!("{name} does not take part: {problem}")),
        Standing::Waiting => Err(format!("{name} waits for its turn: nothing of it is measured yet.")),
        Standing::Failed if system.snapshot.is_none() => Err(format!("{name} failed: {problem}")),
        Standing::Running if system.snapshot.is_none() => Err(format!("{name}: its trial begins.")),
        Standing::Running | Standing::Ended | Standing::Failed => Ok(system),
    }
}

/// The system; where nothing is known of its trial, the panel with the sentence in it.
pub fn drawn_subject<'a>(view: &View<'a>, name: &str, area: Rect, buffer: &mut Buffer) -> Option<&'a SystemState> {
    let found = subject(view);
    if let Err(text) = &found {
        let inside = view.frame(name, area, buffer);
        sentence(view, text, inside, buffer);
    }
    found.ok()
}

/// What `words` say of the system, or why there is nothing to say.
pub fn explained(view: &View<'_>, words: fn(&View<'_>, &SystemState) -> String) -> String {
    subject(view).map_or_else(|text| text, |system| words(view, system))
}

/// The order of a panel's rows, as its heading names it.
pub fn order(view: &View<'_>, sorts: &[&'static str]) -> &'static str {
    match sorts[view.selection().sort.min(sorts.len() - 1)] {
        "number" => "by number",
        order => order,
    }
}

/// A heading: the system, what of it, and a word where the trial did not end well.
#[must_use]
pub fn heading(system: &SystemState, what: &str) -> String {
    let failed = if system.standing == Standing::Failed { ", trial failed" } else { "" };
    format!("{}{failed}: {what}", system.name)
}

/// A heading with a word of the panel that takes this one's place when the focus goes to
/// the right, where there is little room and the words fit.
#[must_use]
pub fn hinted(view: &View<'_>, title: String, right: &str, area: Rect) -> String {
    let hinted = format!("{title} | right: {right}");
    let room = usize::from(area.width.saturating_sub(4));
    let hidden = view.room == Room::Compact && !view.look.expanded;
    if hidden && hinted.chars().count() <= room { hinted } else { title }
}

/// A sentence in place of figures.
pub fn sentence(view: &View<'_>, text: &str, area: Rect, buffer: &mut Buffer) {
    Paragraph::new(Line::styled(text.to_owned(), view.ink(Ink::Text))).wrap(Wrap { trim: true }).render(area, buffer);
}

/// Why no client waited successfully, if no grant counts: `no grant yet: 152 attempts timed
/// out`. `None` where there were grants.
#[must_use]
pub fn without_grants(system: &SystemState) -> Option<String> {
    let counts = system.counts()?;
    if counts.grants > 0 {
        return None;
    }
    if system.bounded() {
        return Some("its history was bounded before a grant counted".to_owned());
    }
    let begins = if system.over() { "no grant" } else { "no grant yet" };
    let parts = [
        (counts.timed_out, "timed out"),
        (counts.refused, "were refused"),
        (counts.unavailable, "were not served"),
        (counts.unknown, "lost their answer"),
        (counts.withdrawn, "were withdrawn at the end"),
    ];
    let ended: Vec<String> = parts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| {
            let (noun, what) = if *count == 1 {
                ("attempt", what.replacen("were", "was", 1))
            } else {
                ("attempts", (*what).to_owned())
            };
            format!("{} {noun} {what}", lockbench_core::units::grouped(*count))
        })
        .collect();
    let warming = system.snapshot.as_ref().is_some_and(|snapshot| snapshot.phase == Phase::Warmup);
    Some(if ended.is_empty() && warming && !system.over() {
        "warm-up: nothing counts before the measure phase".to_owned()
    } else if ended.is_empty() {
        begins.to_owned()
    } else {
        format!("{begins}: {}", ended.join(", "))
    })
}
