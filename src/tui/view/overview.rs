//! The screen "Overview".

use ratatui::layout::Rect;

use super::{Panel, Room, Screen};

/// The screen.
pub static SCREEN: Screen = Screen { name: "Overview", short: "Over", panels: &[&PANEL], arrange };

fn arrange(area: Rect, _room: Room) -> Vec<Rect> {
    vec![area]
}

static PANEL: Panel = Panel {
    name: "Overview",
    draw: |view, area, buffer| {
        view.frame("Overview", area, buffer);
    },
    ..Panel::PLAIN
};
