//! The screen "Latency".

use ratatui::layout::Rect;

use super::{Panel, Room, Screen};

/// The screen.
pub static SCREEN: Screen = Screen { name: "Latency", short: "Lat", panels: &[&PANEL], arrange };

fn arrange(area: Rect, _room: Room) -> Vec<Rect> {
    vec![area]
}

static PANEL: Panel = Panel {
    name: "Latency",
    draw: |view, area, buffer| {
        view.frame("Latency", area, buffer);
    },
    ..Panel::PLAIN
};
