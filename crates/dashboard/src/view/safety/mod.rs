//! The screen "Safety": which client was inside when, the double grants, the verdict under three
//! policies, and what a fencing token prevented.

mod axis;
mod feed;
mod figures;
mod finding;
mod lane;
mod lanes;
mod ledger;
mod stretch;
mod verdict;

#[cfg(test)]
mod tests;

use ratatui::layout::Rect;

use super::{Panel, Room, Screen};

/// The screen.
pub static SCREEN: Screen = Screen { name: "Safety", short: "Safe", panels: &PANELS, arrange };

static PANELS: [&Panel; 4] = [&lanes::PANEL, &feed::PANEL, &verdict::PANEL, &ledger::PANEL];

/// Number of the panel of violations.
const FEED: usize = 1;

/// The verdict first, for it is what the eye looks for; then the lanes of the clients.
fn arrange(area: Rect, room: Room) -> Vec<Rect> {
    let part = |x: u16, y: u16, width: u16, height: u16| Rect { x: area.x + x, y: area.y + y, width, height };
    let (width, height) = (area.width, area.height);
    match room {
        // The ledger's figures are in the panel of the verdict.
        Room::Compact => {
            let (top, left) = (10, width * 58 / 100);
            let lanes = part(0, top, width, height - top);
            vec![lanes, part(left, 0, width - left, top), part(0, 0, left, top), Rect::default()]
        }
        Room::Normal => {
            let (top, left, feed) = (14, width * 55 / 100, 8);
            let lanes = part(0, top, width, height - top - feed);
            let feed = part(0, height - feed, width, feed);
            vec![lanes, feed, part(0, 0, left, top), part(left, 0, width - left, top)]
        }
        Room::Wide => {
            let (left, feed, ledger) = (64, height * 35 / 100, height * 40 / 100);
            let lanes = part(left, 0, width - left, height - feed);
            let feed = part(left, height - feed, width - left, feed);
            vec![lanes, feed, part(0, 0, left, height - ledger), part(0, height - ledger, left, ledger)]
        }
    }
}
