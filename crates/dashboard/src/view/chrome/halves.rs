//! One system, or two beside each other on the screens of details: each half draws the
//! same panels of another system.

use ratatui::layout::Rect;

use super::super::{Room, View};
use crate::user_view::{DETAILS, UserView};

/// Columns from which on two systems are shown beside each other.
pub const BESIDE: u16 = 120;
/// Rows from which on a half has room for all of its panels.
const TALL: u16 = 30;

/// Columns below which the screen of safety leaves out the panel of the ledger.
const NARROW: u16 = 80;

/// What a half is drawn from.
pub(super) struct Half {
    pub look: UserView,
    pub room: Room,
    pub area: Rect,
}

/// The halves of the area of the panels, or the whole of it.
pub(super) fn halves(view: &View<'_>, area: Rect) -> Vec<Half> {
    let own = view.system_at();
    let other = view.look.beside.filter(|at| *at < view.state.systems.len() && Some(*at) != own);
    let fits = area.width >= BESIDE && DETAILS.contains(&view.look.screen);
    let whole = |look: UserView| vec![Half { look, room: view.room, area }];
    let (Some(own), Some(other), true) = (own, other, fits) else {
        return whole(UserView { beside: None, ..view.look.clone() });
    };
    let left = area.width / 2;
    // The panels of safety are beside each other: that takes columns, not rows.
    let narrow = view.look.screen == DETAILS[2] && left < NARROW;
    let room = if area.height < TALL || narrow { Room::Compact } else { Room::Normal };
    let half = |system: usize, beside: usize, x: u16, width: u16| Half {
        look: UserView { system: Some(system), beside: Some(beside), ..view.look.clone() },
        room,
        area: Rect { x: area.x + x, width, ..area },
    };
    vec![half(own, other, 0, left), half(other, own, left, area.width - left)]
}
