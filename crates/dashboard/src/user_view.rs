//! How the user looks at a run: nothing of it changes the run.

use super::glyph::{ASCII, Glyphs, UNICODE};
use super::text::Units;
use super::theme::Theme;
use super::view::Screen;

/// Number of screens.
pub const SCREENS: usize = 7;
/// Panels of a screen at most.
pub const PANELS: usize = 6;
/// Screen and panel of the table of systems, which follows the running one.
pub const SYSTEMS: (usize, usize) = (0, 0);
/// Screen and panel of the lists that follow their last row, or the system that runs,
/// until another row is selected.
const FOLLOWING: [(usize, usize); 3] = [SYSTEMS, (6, 0), (6, 2)];
/// The screens of details, on which two systems can be shown beside each other.
pub const DETAILS: [usize; 3] = [1, 2, 3];
/// Lengths of the time axis in seconds; the last one is all.
pub const WINDOWS: [u64; 6] = [10, 30, 60, 300, 1_800, u64::MAX];

/// What covers the screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Popup {
    /// The keys of this screen.
    Help,
    /// The selected figure in one sentence.
    Explain(String),
    /// The story of the selected violation.
    Story(String),
    /// A question that the next key answers, such as that before Ctrl-Z.
    Warning(String),
}

/// How far the end of the run is, by the user's doing or its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ending {
    /// It goes on.
    #[default]
    Not,
    /// The user asked for its end.
    Asked,
    /// The user asked twice: everything ends at once.
    Aborted,
    /// No update will follow.
    Over,
}

/// Selection within a panel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// Row, from 0; panels clamp it to what they have. The greatest number: the one that
    /// is followed.
    pub row: usize,
    /// Column, from 0, where a panel has figures side by side.
    pub column: usize,
    /// How the rows are sorted: number of one of the panel's orders.
    pub sort: usize,
}

/// The user's view.
#[derive(Clone, Debug)]
pub struct UserView {
    /// Screen, from 0.
    pub screen: usize,
    /// The focused panel of each screen.
    pub focus: [usize; SCREENS],
    /// Selection in each panel of each screen.
    pub selection: [[Selection; PANELS]; SCREENS],
    /// The system whose details are shown, by its place; `None`: the one that runs.
    pub system: Option<usize>,
    /// The system that is shown beside it on the screens of details, by its place.
    pub beside: Option<usize>,
    /// Whether the focused panel fills the screen.
    pub expanded: bool,
    /// Only what contains this text is listed.
    pub filter: String,
    /// Whether the filter is being typed.
    pub filtering: bool,
    /// Length of the time axis: a place in [`WINDOWS`].
    pub window: usize,
    /// Unit of lengths of time.
    pub units: Units,
    /// Colours.
    pub theme: Theme,
    /// Signs.
    pub glyphs: Glyphs,
    /// What covers the screen.
    pub popup: Option<Popup>,
    /// A short message, and until when it is shown (clock nanoseconds).
    pub toast: Option<(String, u64)>,
    /// Whether the display is frozen.
    pub frozen: bool,
    /// First row of what covers the screen, where it is too long.
    pub scroll: usize,
    /// How far the end of the run is.
    pub ending: Ending,
    /// Speed of a replay, once the user has changed it.
    pub speed: Option<f64>,
    /// The screens, in the order of their keys.
    pub screens: &'static [&'static Screen; SCREENS],
}

impl UserView {
    /// The first look.
    #[must_use]
    pub fn new(theme: Theme, ascii: bool) -> Self {
        let mut selection = [[Selection::default(); PANELS]; SCREENS];
        for (screen, panel) in FOLLOWING {
            selection[screen][panel].row = usize::MAX;
        }
        Self {
            screen: 0,
            focus: [0; SCREENS],
            selection,
            system: None,
            beside: None,
            expanded: false,
            filter: String::new(),
            filtering: false,
            window: 2,
            units: Units::default(),
            theme,
            glyphs: if ascii { ASCII } else { UNICODE },
            popup: None,
            toast: None,
            frozen: false,
            scroll: 0,
            ending: Ending::Not,
            speed: None,
            screens: &super::view::SCREENS,
        }
    }

    /// The screen that is shown.
    #[must_use]
    pub fn current(&self) -> &'static Screen {
        self.screens[self.screen]
    }

    /// Number of the focused panel.
    #[must_use]
    pub fn focused(&self) -> usize {
        self.focus[self.screen]
    }

    /// The selection in the focused panel.
    #[must_use]
    pub fn selected(&self) -> Selection {
        self.selection[self.screen][self.focused()]
    }

    /// The selection in the focused panel, to change it.
    pub fn selected_mut(&mut self) -> &mut Selection {
        &mut self.selection[self.screen][self.focus[self.screen]]
    }

    /// Length of the time axis in seconds.
    #[must_use]
    pub fn window_s(&self) -> u64 {
        WINDOWS[self.window]
    }

    /// Returns whether a text is listed under the filter. Case does not matter.
    #[must_use]
    pub fn lists(&self, text: &str) -> bool {
        self.filter.is_empty() || text.to_lowercase().contains(&self.filter.to_lowercase())
    }
}
