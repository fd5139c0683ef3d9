//! The screen "Log and lints": what the program and its libraries say, what limits how
//! far the figures can be trusted, and the remarks on plan and servers.

mod lines;
mod lints;
mod notes;

#[cfg(test)]
mod tests;

use ratatui::layout::Rect;

use super::{Room, Screen};

/// The screen.
pub static SCREEN: Screen =
    Screen { name: "Log and lints", short: "Log", panels: &[&lines::PANEL, &lints::PANEL, &notes::PANEL], arrange };

fn arrange(area: Rect, room: Room) -> Vec<Rect> {
    let part = |x: u16, y: u16, width: u16, height: u16| Rect { x: area.x + x, y: area.y + y, width, height };
    let (width, height) = (area.width, area.height);
    match room {
        Room::Compact => {
            let (notes, lints) = (4, 8);
            let top = height - notes - lints;
            vec![part(0, 0, width, top), part(0, top, width, lints), part(0, top + lints, width, notes)]
        }
        Room::Normal => {
            let (top, left) = (height / 2, width * 60 / 100);
            let below = height - top;
            vec![part(0, 0, width, top), part(0, top, left, below), part(left, top, width - left, below)]
        }
        Room::Wide => {
            let (left, top) = (width * 58 / 100, height * 65 / 100);
            let right = width - left;
            vec![part(0, 0, left, height), part(left, 0, right, top), part(left, top, right, height - top)]
        }
    }
}
