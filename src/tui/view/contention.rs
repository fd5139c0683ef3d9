//! The screen "Contention".

use ratatui::layout::Rect;

use super::{Panel, Room, Screen};

/// The screen.
pub static SCREEN: Screen = Screen { name: "Contention", short: "Cont", panels: &[&PANEL], arrange };

fn arrange(area: Rect, _room: Room) -> Vec<Rect> {
    vec![area]
}

static PANEL: Panel = Panel {
    name: "Contention",
    draw: |view, area, buffer| {
        view.frame("Contention", area, buffer);
    },
    ..Panel::PLAIN
};
