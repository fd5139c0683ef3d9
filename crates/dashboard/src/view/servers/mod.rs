//! The screen "Servers": what the servers of a system are, how they do, and the holder of
//! each key as they see it. While it is shown they are asked once per second, beside the
//! load.

mod facts;
mod holders;
mod now;
#[cfg(test)]
mod tests;

use ratatui::layout::{Constraint, Layout, Rect};

use super::{Room, Screen, View};
use crate::state::Standing;
use lockbench_core::units::SECOND;
use lockbench_report::live::{Origin, ServerLook};

/// The screen.
pub static SCREEN: Screen =
    Screen { name: "Servers", short: "Serv", panels: &[&facts::PANEL, &now::PANEL, &holders::PANEL], arrange };

fn arrange(area: Rect, _room: Room) -> Vec<Rect> {
    let heights = [Constraint::Length(facts::ROWS as u16 + 2), Constraint::Length(3), Constraint::Min(0)];
    Layout::vertical(heights).split(area).to_vec()
}

/// The newest look at the servers of the system that is shown.
fn look<'a>(view: &View<'a>) -> Option<&'a ServerLook> {
    view.system().and_then(|system| system.looks.back())
}

/// How long ago a look was, in words; `None` where the time was not recorded.
fn ago(view: &View<'_>, look: &ServerLook) -> Option<String> {
    let at = Some(look.at_ns).filter(|at| *at > 0)?;
    let seconds = view.now.saturating_sub(at) / SECOND;
    Some(if seconds == 0 { "asked just now".to_owned() } else { format!("asked {seconds} s ago") })
}

/// Why there is no look.
fn nobody_asked(view: &View<'_>) -> String {
    let Some(system) = view.system() else { return "No system is shown yet.".to_owned() };
    let name = &system.name;
    match (view.state.origin(), system.standing) {
        (Origin::Replayed { .. }, _) => "A stored run is played again: there are no servers to ask.".to_owned(),
        (Origin::Followed, _) => "Another process drives this run: only it asks the servers.".to_owned(),
        (Origin::Live, Standing::Running) => format!("{name} is being asked."),
        (Origin::Live, Standing::Waiting) => format!("{name} is asked when its trial begins."),
        (Origin::Live, _) => {
            format!("{name} was not asked: that is done only during a trial, while this screen is shown.")
        }
    }
}
