//! What keys can ask for. Which key asks for what is in [`BINDINGS`]: the help is made
//! from that map, and a test presses every key of it.

mod map;

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

pub use map::BINDINGS;

use lockbench_report::live::Origin;

/// What a key asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// The screen of this number, from 0.
    Screen(usize),
    /// The screen after this one.
    NextScreen,
    /// The screen before this one.
    PreviousScreen,
    /// The keys of this screen.
    Help,
    /// End the load and report; once more: abort.
    Finish,
    /// Hold the display still.
    Freeze,
    /// Hold the load.
    Pause,
    /// The focused panel alone, or all of them.
    Expand,
    /// Type a filter.
    Filter,
    /// The next order of the rows.
    Sort,
    /// A longer time axis.
    Longer,
    /// A shorter time axis.
    Shorter,
    /// The next unit.
    Units,
    /// The next theme.
    Theme,
    /// A marker at this moment.
    Marker,
    /// The selected figure in one sentence.
    Explain,
    /// This screen into a file.
    Save,
    /// Select the row above.
    Up,
    /// Select the row below.
    Down,
    /// Select the figure or panel to the left.
    Left,
    /// Select the figure or panel to the right.
    Right,
    /// Ten rows up.
    PageUp,
    /// Ten rows down.
    PageDown,
    /// The first row.
    First,
    /// The last row.
    Last,
    /// Open what is selected.
    Open,
    /// Close what is open, clear the filter, follow the running system again.
    Back,
    /// Show the system before this one.
    PreviousSystem,
    /// Show the system after this one.
    NextSystem,
    /// Show another system beside it, or none.
    Beside,
    /// Back to the shell for a while.
    Suspend,
    /// Draw the whole screen anew.
    Redraw,
    /// A replay at twice the speed.
    Faster,
    /// A replay at half the speed.
    Slower,
    /// A replay goes back by 5 s of the run.
    Back5,
    /// A replay goes on by 5 s of the run at once.
    Forward5,
}

/// Where a key means something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// On every screen.
    Everywhere,
    /// Only while this process drives the load.
    Live,
    /// Only in a replay.
    Replay,
    /// Only while another process drives the load.
    Followed,
    /// Only on these screens, from 0.
    Screens(&'static [usize]),
}

impl Place {
    /// Why a key of this place means nothing elsewhere.
    #[must_use]
    pub fn why_not(self) -> &'static str {
        match self {
            Self::Everywhere => "",
            Self::Live => "works only in the lockbench that drives the load",
            Self::Replay => "works only in a replay",
            Self::Followed => "works only while another lockbench drives the load",
            Self::Screens(_) => "works on other screens only",
        }
    }
}

/// What a key is about: the headings of the help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// The run itself.
    Run,
    /// Which screen.
    Screen,
    /// What is selected.
    Select,
    /// How it is shown.
    Show,
}

impl Group {
    /// All of them, in the order of the help.
    pub const ALL: [Self; 4] = [Self::Run, Self::Show, Self::Select, Self::Screen];

    /// Its heading.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Run => "The run",
            Self::Screen => "Screens",
            Self::Select => "Moving about",
            Self::Show => "The display",
        }
    }
}

/// Some keys and their action.
pub struct Binding {
    /// The keys, any of them.
    pub keys: &'static [(KeyCode, KeyModifiers)],
    /// How the help writes them.
    pub shown: &'static str,
    /// What they ask for.
    pub action: Action,
    /// What that does, a sentence without the final stop.
    pub help: &'static str,
    /// The same in a word or two, for the last row; empty: not there.
    pub brief: &'static str,
    /// What they are about.
    pub group: Group,
    /// Where they mean something.
    pub place: Place,
}

/// What a key means here, if anything.
#[must_use]
pub fn action(event: KeyEvent, origin: Origin, screen: usize) -> Option<Action> {
    bindings(origin, screen).find(|binding| pressed(binding, event)).map(|binding| binding.action)
}

/// Why a key that means something elsewhere means nothing here.
#[must_use]
pub fn why_not(event: KeyEvent) -> Option<(&'static str, &'static str)> {
    let elsewhere = BINDINGS.iter().find(|binding| pressed(binding, event));
    elsewhere.map(|binding| (binding.shown, binding.place.why_not()))
}

/// The keys that mean something here.
pub fn bindings(origin: Origin, screen: usize) -> impl Iterator<Item = &'static Binding> {
    BINDINGS.iter().filter(move |binding| applies(binding.place, origin, screen))
}

fn pressed(binding: &Binding, event: KeyEvent) -> bool {
    // A capital or a sign says itself that Shift was held; some terminals say it twice.
    let says_shift = matches!(event.code, KeyCode::Char(_) | KeyCode::BackTab);
    let modifiers = if says_shift { event.modifiers - KeyModifiers::SHIFT } else { event.modifiers };
    event.kind != KeyEventKind::Release && binding.keys.contains(&(event.code, modifiers))
}

/// Returns whether a key of this place means something here.
#[must_use]
pub fn applies(place: Place, origin: Origin, screen: usize) -> bool {
    match place {
        Place::Everywhere => true,
        Place::Live => origin == Origin::Live,
        Place::Replay => matches!(origin, Origin::Replayed { .. }),
        Place::Followed => origin == Origin::Followed,
        Place::Screens(screens) => screens.contains(&screen),
    }
}
