//! From state and look to cells. A screen is a few panels and how they are arranged;
//! adding a panel is one file and one line in its screen.

mod chrome;
mod contention;
mod faults;
mod latency;
mod log;
mod overview;
mod plot;
mod prose;
mod safety;
mod servers;
mod subject;

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::widgets::{Block, BorderType, Widget};

pub use chrome::{BESIDE, NARROWEST, SHORTEST, Spot, draw, draw_panels, middle, most_scrolled, place_at};

use super::controls::Paused;
use super::glyph::Glyphs;
use super::state::{State, SystemState};
use super::text::fit;
use super::theme::Ink;
use super::user_view::{Popup, Selection, UserView};

/// One panel.
#[derive(Debug)]
pub struct Panel {
    /// Its heading.
    pub name: &'static str,
    /// What it shows, a sentence without the final stop.
    pub about: &'static str,
    /// Draws it, its frame included (see [`View::frame`]).
    pub draw: fn(&View<'_>, Rect, &mut Buffer),
    /// Number of rows that can be selected.
    pub rows: fn(&View<'_>) -> usize,
    /// Number of figures side by side that can be selected.
    pub columns: fn(&View<'_>) -> usize,
    /// Whether the last row is the newest one, which stays selected while rows are added.
    pub tail: bool,
    /// The row that is selected as long as the user picked none, if not the first one.
    pub followed: Option<fn(&View<'_>) -> usize>,
    /// Names of the orders that the rows can have; the first one is the default.
    pub sorts: &'static [&'static str],
    /// The selected figure in one sentence, with its value.
    pub explain: fn(&View<'_>) -> String,
    /// What Enter does.
    pub open: fn(&View<'_>) -> Opened,
    /// The row and column at a place of the screen, for the mouse.
    pub hit: fn(&View<'_>, Rect, Position) -> Option<(usize, usize)>,
}

/// What opening a selected row does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Opened {
    /// Nothing.
    Nothing,
    /// Shows something on top.
    Popup(Popup),
    /// Shows the details of a system on the other screens, by its place.
    System(usize),
}

impl Panel {
    /// A panel with nothing to select.
    pub const PLAIN: Self = Self {
        name: "",
        about: "",
        draw: |_, _, _| {},
        rows: |_| 0,
        columns: |_| 1,
        tail: false,
        followed: None,
        sorts: &[],
        explain: |_| String::new(),
        open: |_| Opened::Nothing,
        hit: |_, _, _| None,
    };
}

/// How much room there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Room {
    /// About 80x24.
    Compact,
    /// About 120x40.
    Normal,
    /// About 200x60.
    Wide,
}

impl Room {
    /// Of a screen of this size.
    #[must_use]
    pub fn of(area: Rect) -> Self {
        match (area.width, area.height) {
            (160.., 45..) => Self::Wide,
            (110.., 32..) => Self::Normal,
            _ => Self::Compact,
        }
    }
}

/// One screen.
#[derive(Debug)]
pub struct Screen {
    /// Its name.
    pub name: &'static str,
    /// Its name where there is little room.
    pub short: &'static str,
    /// Its panels, in the order in which the focus goes through them.
    pub panels: &'static [&'static Panel],
    /// Where its panels are, in their order. A panel without room gets an empty area.
    pub arrange: fn(Rect, Room) -> Vec<Rect>,
}

/// The screens, in the order of their keys.
pub static SCREENS: [&Screen; super::user_view::SCREENS] = [
    &overview::SCREEN,
    &latency::SCREEN,
    &contention::SCREEN,
    &safety::SCREEN,
    &faults::SCREEN,
    &servers::SCREEN,
    &log::SCREEN,
];

/// What a panel draws from.
#[derive(Clone, Copy)]
pub struct View<'a> {
    /// The run.
    pub state: &'a State,
    /// How the user looks at it.
    pub look: &'a UserView,
    /// Number of the panel within its screen.
    pub panel: usize,
    /// Room of the whole screen.
    pub room: Room,
    /// How far a pause of the load, or of the replay, is.
    pub paused: Paused,
    /// Clock nanoseconds, for what blinks or lapses.
    pub now: u64,
}

impl<'a> View<'a> {
    /// The look of an ink in the theme.
    #[must_use]
    pub fn ink(&self, ink: Ink) -> Style {
        self.look.theme.style(ink)
    }

    /// The signs.
    #[must_use]
    pub fn glyphs(&self) -> Glyphs {
        self.look.glyphs
    }

    /// Returns whether this is the focused panel.
    #[must_use]
    pub fn focused(&self) -> bool {
        self.look.focused() == self.panel
    }

    /// The selection in this panel.
    #[must_use]
    pub fn selection(&self) -> Selection {
        self.look.selection[self.look.screen][self.panel]
    }

    /// The selected row, within what there is.
    #[must_use]
    pub fn row(&self, rows: usize) -> usize {
        let row = match (self.selection().row, self.look.current().panels.get(self.panel)) {
            (usize::MAX, Some(panel)) if !panel.tail => panel.followed.map_or(0, |followed| followed(self)),
            (row, _) => row,
        };
        row.min(rows.saturating_sub(1))
    }

    /// The condition that every verdict of the run stands under.
    #[must_use]
    pub fn condition(&self) -> &'static str {
        match self.state.run.as_ref().is_some_and(|run| !run.faults.is_empty()) {
            true => "under this plan, with its faults injected",
            false => "under this plan, no faults injected",
        }
    }

    /// The place of the system whose details are shown.
    #[must_use]
    pub fn system_at(&self) -> Option<usize> {
        self.look.system.filter(|at| *at < self.state.systems.len()).or(self.state.current)
    }

    /// The system whose details are shown.
    #[must_use]
    pub fn system(&self) -> Option<&'a SystemState> {
        self.system_at().and_then(|at| self.state.systems.get(at))
    }

    /// The system that is shown beside it, if there is one.
    pub fn pair(&self) -> impl Iterator<Item = &'a SystemState> {
        self.look.beside.and_then(|at| self.state.systems.get(at)).into_iter()
    }

    /// A length of time in the user's units.
    #[must_use]
    pub fn duration(&self, ns: u64) -> String {
        self.look.units.duration(ns)
    }

    /// The same for a figure that may not exist.
    #[must_use]
    pub fn figure(&self, ns: Option<u64>) -> String {
        ns.map_or_else(|| self.glyphs().none.to_owned(), |ns| self.duration(ns))
    }

    /// The panel that has the focus.
    #[must_use]
    pub fn panel_in_focus(&self) -> &'static Panel {
        let panels = self.look.current().panels;
        panels[self.look.focused().min(panels.len() - 1)]
    }

    /// A frame, thick or thin.
    #[must_use]
    pub fn block(&self, thick: bool) -> Block<'static> {
        let block = Block::bordered();
        match (self.glyphs().ascii, thick) {
            (true, true) => block.border_set(ASCII_FOCUSED),
            (true, false) => block.border_set(ASCII_BORDER),
            (false, true) => block.border_type(BorderType::Thick),
            (false, false) => block,
        }
    }

    /// A heading in a frame, which else would take on the frame's faint colour.
    fn heading(&self, ink: Ink) -> Style {
        let paper = self.look.theme.paper().fg.unwrap_or(Color::Reset);
        Style::new().fg(paper).remove_modifier(Modifier::DIM).patch(self.ink(ink))
    }

    /// Draws the frame of a panel with its heading; returns the area inside.
    pub fn frame(&self, title: &str, area: Rect, buffer: &mut Buffer) -> Rect {
        let focused = self.focused();
        let (frame, heading) = if focused { (Ink::Focus, Ink::Focus) } else { (Ink::Border, Ink::Title) };
        // An underlined frame would be a ladder.
        let frame = self.ink(frame).remove_modifier(Modifier::UNDERLINED);
        let mut block = self.block(focused).border_style(frame).title_style(self.heading(heading));
        if !title.is_empty() {
            let title = fit(title, usize::from(area.width.saturating_sub(4)), self.glyphs().more);
            block = block.title(format!(" {title} "));
        }
        let inside = block.inner(area);
        block.render(area, buffer);
        inside
    }
}

/// A frame without any line drawing.
pub const ASCII_BORDER: ratatui::symbols::border::Set<'static> = ratatui::symbols::border::Set {
    top_left: "+",
    top_right: "+",
    bottom_left: "+",
    bottom_right: "+",
    vertical_left: "|",
    vertical_right: "|",
    horizontal_top: "-",
    horizontal_bottom: "-",
};

/// The same for the panel that has the focus.
const ASCII_FOCUSED: ratatui::symbols::border::Set<'static> =
    ratatui::symbols::border::Set { horizontal_top: "=", horizontal_bottom: "=", ..ASCII_BORDER };
