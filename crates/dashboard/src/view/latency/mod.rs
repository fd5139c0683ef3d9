//! The screen "Latency": how long clients waited, over time and as a histogram, and all
//! other lengths of time in a table.

mod histogram;
mod over_time;
mod table;

use ratatui::layout::Rect;

use super::{Room, Screen};

/// The screen.
pub static SCREEN: Screen =
    Screen { name: "Latency", short: "Lat", panels: &[&over_time::PANEL, &histogram::PANEL, &table::PANEL], arrange };

/// Place of the histogram among the panels.
const HISTOGRAM: usize = 1;

/// One below the other. Where there is little room, the histogram takes the place of the
/// chart while it has the focus.
fn arrange(area: Rect, room: Room) -> Vec<Rect> {
    let table = (table::ROWS + 2).min(area.height);
    let left = area.height - table;
    let chart = match room {
        Room::Compact => left,
        Room::Normal => left * 13 / 28,
        Room::Wide => left * 9 / 20,
    };
    let row = |y: u16, height: u16| Rect { y: area.y + y, height, ..area };
    vec![row(0, chart), row(chart, left - chart), row(left, table)]
}

#[cfg(test)]
mod tests;
