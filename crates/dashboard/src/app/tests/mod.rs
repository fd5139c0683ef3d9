//! The app, driven by keys, clicks and updates.

mod beside;
mod covers;
mod each_key;
mod endings;
mod looks;
mod looping;
mod pointing;

use ratatui::layout::Position;
use ratatui::text::Line;
use ratatui::widgets::Widget;

use crate::sample;
use crate::stage::{Recorder, Stage};
use crate::theme::Theme;
use crate::user_view::{Popup, SCREENS, UserView};
use crate::view::{Opened, Panel, Room, Screen};
use lockbench_report::live::{Origin, Update};

/// Rows of the panel of [`SCREEN`].
const ROWS: usize = 30;

/// A screen on which everything can be done that a screen may have: the real ones come
/// and go with their panels.
static SCREEN: Screen = Screen {
    name: "Demo",
    short: "Demo",
    panels: &[&TABLE, &Panel { name: "Beside", ..Panel::PLAIN }],
    arrange: |area, room| {
        let wide = if room == Room::Compact { area.width } else { area.width / 2 };
        let left = ratatui::layout::Rect { width: wide, ..area };
        vec![left, ratatui::layout::Rect { x: left.right(), width: area.width - wide, ..area }]
    },
};

static TABLE: Panel = Panel {
    tail: false,
    followed: None,
    name: "Table",
    about: "Thirty rows",
    draw: |view, area, buffer| {
        let inside = view.frame("Table", area, buffer);
        let row = view.row(ROWS);
        Line::raw(format!("row {row} column {}", view.selection().column)).render(inside, buffer);
    },
    rows: |_| ROWS,
    columns: |_| 3,
    sorts: &["as given", "by name"],
    explain: |view| format!("row {} of {}", view.row(ROWS), view.state.systems.len()),
    open: |view| match view.row(ROWS) {
        0 => Opened::System(1),
        row => Opened::Popup(Popup::Story(format!("story {row}. ").repeat(200))),
    },
    hit: |_, area, at: Position| Some((usize::from(at.y.checked_sub(area.y + 1)?), 1)),
};

static DEMO: [&Screen; SCREENS] = [&SCREEN; SCREENS];

fn look() -> UserView {
    let mut look = UserView::new(Theme::Default, false);
    look.screens = &DEMO;
    look
}

/// A run in the middle of a trial, 3 clients inside.
fn middle(origin: Origin) -> Vec<Update> {
    let mut updates = Vec::new();
    let mut snapshots = 0;
    for mut update in sample::updates() {
        match &mut update {
            Update::Run(facts) => facts.origin = origin,
            Update::Live(snapshot) => {
                snapshot.inside = 3;
                snapshots += 1;
            }
            _ => {}
        }
        updates.push(update);
        if snapshots == 5 {
            break;
        }
    }
    updates
}

/// What is recorder after [`middle`].
fn rest() -> Vec<Update> {
    let recorder = middle(Origin::Live).len();
    sample::updates().split_off(recorder)
}

/// A stage on which a run is under way.
fn stage(recorder: &Recorder, origin: Origin) -> Stage<'_> {
    let mut stage = Stage::new(look(), recorder, (120, 40));
    stage.take(middle(origin));
    stage.draw();
    stage
}
