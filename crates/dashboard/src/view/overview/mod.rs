//! The screen "Overview": a row per system with what decides side by side, and below it
//! the load generator itself.
//!
//! | part | what it holds |
//! |---|---|
//! | `systems` | the panel of the systems |
//! | `detail` | below its table: other figures of the selected one |
//! | `curves` | below that: the rate of every system over time |
//! | `axis` | the axis that the bars of all systems share |
//! | `table` | which columns there is room for |
//! | `figure` | the list of a system's figures: heading, value, and what it means in a sentence |
//! | `row` | a system as one sees it, and what is known of it |
//! | `cell` | its figures as values of the table |
//! | `sentence` | its figures in words |
//! | `mark` | safe or not, in a sign and a word |
//! | `rate` | grants per second over time |
//! | `generator` | the panel of the load generator, the plan and the notes |

mod axis;
mod cell;
mod curves;
mod detail;
mod figure;
mod generator;
mod mark;
mod rate;
mod row;
mod sentence;
mod systems;
mod table;
#[cfg(test)]
mod tests;

use ratatui::layout::{Constraint, Layout, Rect};

use super::{Room, Screen};

/// The screen.
pub static SCREEN: Screen =
    Screen { name: "Overview", short: "Over", panels: &[&systems::PANEL, &generator::PANEL], arrange };

fn arrange(area: Rect, room: Room) -> Vec<Rect> {
    let below = match room {
        Room::Compact => 7,
        Room::Normal => 8,
        Room::Wide => 10,
    };
    Layout::vertical([Constraint::Min(0), Constraint::Length(below)]).split(area).to_vec()
}
