//! The last row: a short message if there is one, the filter that is typed or active,
//! and the most useful keys of this screen, as many as fit.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;

use super::View;
use crate::controls::Paused;
use crate::input::{Action, bindings};
use crate::text::fit;
use crate::theme::Ink;
use crate::user_view::{Ending, Popup};

/// The keys of the footer, the most useful first.
const USEFUL: [Action; 21] = [
    Action::Help,
    Action::Finish,
    Action::Pause,
    Action::Freeze,
    Action::Explain,
    Action::Sort,
    Action::Open,
    Action::Filter,
    Action::Expand,
    Action::Longer,
    Action::Faster,
    Action::Slower,
    Action::Back5,
    Action::Forward5,
    Action::NextScreen,
    Action::NextSystem,
    Action::Beside,
    Action::Marker,
    Action::Save,
    Action::Units,
    Action::Theme,
];

pub(super) fn draw(view: &View<'_>, area: Rect, buffer: &mut Buffer) {
    let look = view.look;
    let room = usize::from(area.width);
    let line = match (&look.toast, &look.popup) {
        (Some((text, _)), _) => Line::styled(fit(text, room, view.glyphs().more), view.ink(Ink::Title)),
        (None, Some(popup)) => Line::styled(closing(popup), view.ink(Ink::Soft)),
        (None, None) if look.filtering => typing(view),
        (None, None) => keys(view, room),
    };
    line.render(area, buffer);
}

fn closing(popup: &Popup) -> &'static str {
    match popup {
        Popup::Warning(_) => "Ctrl-Z stops this program, any other key goes on",
        Popup::Help | Popup::Explain(_) | Popup::Story(_) => "j k scroll, any other key closes",
    }
}

fn typing(view: &View<'_>) -> Line<'static> {
    Line::from(vec![
        Span::styled(format!("/ {}_", view.look.filter), view.ink(Ink::Focus)),
        Span::styled("   Enter keeps the filter, Esc clears it", view.ink(Ink::Soft)),
    ])
}

fn keys(view: &View<'_>, room: usize) -> Line<'static> {
    let mut line = Line::default();
    if view.look.ending == Ending::Over {
        line.push_span(Span::styled("the run is over; q leaves", view.ink(Ink::Title)));
    }
    if !view.look.filter.is_empty() {
        let text = format!("filter \"{}\" (Esc clears)", view.look.filter);
        push(&mut line, vec![Span::styled(text, view.ink(Ink::Focus))], room);
    }
    for action in USEFUL {
        let bound = bindings(view.state.origin(), view.look.screen).find(|binding| binding.action == action);
        if let Some((shown, words)) = bound.and_then(|binding| words(view, action, binding.shown, binding.brief)) {
            let key = Span::styled(shown, view.ink(Ink::Title));
            push(&mut line, vec![key, Span::raw(" "), Span::styled(words, view.ink(Ink::Soft))], room);
        }
    }
    line
}

/// The key and what it does now; `None`: nothing here.
fn words(view: &View<'_>, action: Action, shown: &str, brief: &str) -> Option<(String, String)> {
    let key = shown.split(' ').next().unwrap_or(shown).to_owned();
    let panel = view.panel_in_focus();
    let plain = Some((key.clone(), brief.to_owned()));
    let rows = (panel.rows)(&View { panel: view.look.focused(), ..*view });
    match action {
        Action::Open | Action::Filter if rows == 0 => None,
        Action::Sort if panel.sorts.is_empty() => None,
        Action::Sort => {
            let sort = view.look.selected().sort % panel.sorts.len();
            Some((key, format!("{brief}: {}", panel.sorts[sort])))
        }
        Action::Longer => {
            let window = view.look.window_s();
            let window = if window == u64::MAX { "all".to_owned() } else { format!("{window} s") };
            Some(("+ -".to_owned(), format!("axis: {window}")))
        }
        Action::Pause | Action::Marker | Action::Finish if view.look.ending == Ending::Over => None,
        Action::Finish if view.look.ending == Ending::Asked => Some((key, "abort".to_owned())),
        Action::Pause if view.paused != Paused::No => Some((key, "go on".to_owned())),
        Action::Freeze if view.look.frozen => Some((key, "unfreeze display".to_owned())),
        Action::Expand if view.look.expanded => Some((key, "show all".to_owned())),
        _ => plain,
    }
}

/// Adds it if it fits.
fn push(line: &mut Line<'static>, spans: Vec<Span<'static>>, room: usize) {
    let before = line.width();
    let gap = if before == 0 { 0 } else { 2 };
    if before + gap + spans.iter().map(Span::width).sum::<usize>() > room {
        return;
    }
    if gap > 0 {
        line.push_span(Span::raw("  "));
    }
    spans.into_iter().for_each(|span| line.push_span(span));
}
