//! The screen "Contention": which keys are fought over, how many wait, and how much
//! each client gets.

mod figures;
mod grants;
mod heat;
mod queue;
mod rates;

use ratatui::layout::Rect;

use super::{Room, Screen};

/// The screen.
pub static SCREEN: Screen = Screen {
    name: "Contention",
    short: "Cont",
    panels: &[&heat::PANEL, &queue::PANEL, &figures::PANEL, &grants::PANEL],
    arrange,
};

/// Place of the grants per client among the panels.
const GRANTS: usize = 3;

/// The heat map above, queue and figures side by side, the clients below. Where there is
/// little room, the clients take the place of the figures while they have the focus.
fn arrange(area: Rect, room: Room) -> Vec<Rect> {
    if area.width < NARROW {
        return narrow(area, room);
    }
    let middle = match room {
        Room::Compact | Room::Normal => (figures::ROWS + 2).min(area.height),
        Room::Wide => (figures::ROWS + 8).min(area.height),
    };
    let grants = match room {
        Room::Compact => 0,
        Room::Normal | Room::Wide => (area.height - middle) * 2 / 5,
    };
    let heat = area.height - middle - grants;
    let queue = match room {
        Room::Compact => area.width * 2 / 5,
        Room::Normal | Room::Wide => area.width / 2,
    };
    let row = |y: u16, height: u16| Rect { y: area.y + y, height, ..area };
    let below = row(heat, middle);
    vec![
        row(0, heat),
        Rect { width: queue, ..below },
        Rect { x: below.x + queue, width: below.width - queue, ..below },
        row(heat + middle, grants),
    ]
}

/// Fewer columns than that has only a half of a screen.
const NARROW: u16 = 80;

/// One below the other. Where there is little height, queue and clients have room only while
/// they have the focus.
fn narrow(area: Rect, room: Room) -> Vec<Rect> {
    let figures = (figures::ROWS + 2).min(area.height);
    let left = area.height - figures;
    let (queue, grants) = if room == Room::Compact { (0, 0) } else { (left * 3 / 10, left * 4 / 10) };
    let heat = left - queue - grants;
    let row = |y: u16, height: u16| Rect { y: area.y + y, height, ..area };
    vec![row(0, heat), row(heat, queue), row(heat + queue, figures), row(heat + queue + figures, grants)]
}

#[cfg(test)]
mod tests;
