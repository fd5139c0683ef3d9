//! The screen "Log and lints".

use ratatui::layout::Rect;

use super::{Panel, Room, Screen};

/// The screen.
pub static SCREEN: Screen = Screen { name: "Log and lints", short: "Log", panels: &[&PANEL], arrange };

fn arrange(area: Rect, _room: Room) -> Vec<Rect> {
    vec![area]
}

static PANEL: Panel = Panel {
    name: "Log and lints",
    draw: |view, area, buffer| {
        view.frame("Log and lints", area, buffer);
    },
    ..Panel::PLAIN
};
