//! The screen "Safety".

use ratatui::layout::Rect;

use super::{Panel, Room, Screen};

/// The screen.
pub static SCREEN: Screen = Screen { name: "Safety", short: "Safe", panels: &[&PANEL], arrange };

fn arrange(area: Rect, _room: Room) -> Vec<Rect> {
    vec![area]
}

static PANEL: Panel = Panel {
    name: "Safety",
    draw: |view, area, buffer| {
        view.frame("Safety", area, buffer);
    },
    ..Panel::PLAIN
};
