//! The screen "Servers".

use ratatui::layout::Rect;

use super::{Panel, Room, Screen};

/// The screen.
pub static SCREEN: Screen = Screen { name: "Servers", short: "Serv", panels: &[&PANEL], arrange };

fn arrange(area: Rect, _room: Room) -> Vec<Rect> {
    vec![area]
}

static PANEL: Panel = Panel {
    name: "Servers",
    draw: |view, area, buffer| {
        view.frame("Servers", area, buffer);
    },
    ..Panel::PLAIN
};
