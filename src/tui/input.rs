//! Which key means which action. The help is made from this map, and a test presses
//! every key of it.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

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
    /// Back to the shell for a while.
    Suspend,
    /// A replay at twice the speed.
    Faster,
    /// A replay at half the speed.
    Slower,
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
    /// Only on these screens, from 0.
    Screens(&'static [usize]),
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
    /// Where they mean something.
    pub place: Place,
}

const NONE: KeyModifiers = KeyModifiers::NONE;
const CONTROL: KeyModifiers = KeyModifiers::CONTROL;
const SHIFT: KeyModifiers = KeyModifiers::SHIFT;

const fn key(c: char) -> (KeyCode, KeyModifiers) {
    (KeyCode::Char(c), NONE)
}

const fn bind(
    keys: &'static [(KeyCode, KeyModifiers)],
    shown: &'static str,
    action: Action,
    help: &'static str,
) -> Binding {
    Binding { keys, shown, action, help, place: Place::Everywhere }
}

/// Every key.
pub static BINDINGS: &[Binding] = &[
    bind(&[key('1')], "1", Action::Screen(0), "overview: a row a system"),
    bind(&[key('2')], "2", Action::Screen(1), "latency over time, and its histogram"),
    bind(&[key('3')], "3", Action::Screen(2), "contention: keys, queues, fairness"),
    bind(&[key('4')], "4", Action::Screen(3), "safety: who was inside, violations, fencing"),
    bind(&[key('5')], "5", Action::Screen(4), "faults"),
    bind(&[key('6')], "6", Action::Screen(5), "servers: what they are, and who holds which key"),
    bind(&[key('7')], "7", Action::Screen(6), "log and lints"),
    bind(&[(KeyCode::Tab, NONE)], "Tab", Action::NextScreen, "next screen"),
    bind(&[(KeyCode::BackTab, SHIFT), (KeyCode::BackTab, NONE)], "Shift-Tab", Action::PreviousScreen, "screen before"),
    bind(&[(KeyCode::Up, NONE), key('k')], "Up k", Action::Up, "select the row above"),
    bind(&[(KeyCode::Down, NONE), key('j')], "Down j", Action::Down, "select the row below"),
    bind(&[(KeyCode::Left, NONE), key('h')], "Left h", Action::Left, "select the figure or panel to the left"),
    bind(&[(KeyCode::Right, NONE), key('l')], "Right l", Action::Right, "select the figure or panel to the right"),
    bind(&[(KeyCode::PageUp, NONE)], "PgUp", Action::PageUp, "ten rows up"),
    bind(&[(KeyCode::PageDown, NONE)], "PgDn", Action::PageDown, "ten rows down"),
    bind(&[(KeyCode::Home, NONE), key('g')], "Home g", Action::First, "first row"),
    bind(&[(KeyCode::End, NONE), key('G'), (KeyCode::Char('G'), SHIFT)], "End G", Action::Last, "last row"),
    bind(&[key('[')], "[", Action::PreviousSystem, "show the system before"),
    bind(&[key(']')], "]", Action::NextSystem, "show the next system"),
    bind(&[(KeyCode::Enter, NONE)], "Enter", Action::Open, "open what is selected: a system, the story of a violation"),
    bind(
        &[(KeyCode::Esc, NONE)],
        "Esc",
        Action::Back,
        "close what is open, clear the filter, follow the running system",
    ),
    bind(&[key('f'), key(' ')], "f Space", Action::Freeze, "freeze the display, the load goes on"),
    Binding {
        place: Place::Live,
        ..bind(&[key('p')], "p", Action::Pause, "pause the load: no attempt begins, the phases are lengthened")
    },
    Binding { place: Place::Replay, ..bind(&[key('p')], "p", Action::Pause, "pause the replay") },
    Binding { place: Place::Replay, ..bind(&[key('>')], ">", Action::Faster, "replay at twice the speed") },
    Binding { place: Place::Replay, ..bind(&[key('<')], "<", Action::Slower, "replay at half the speed") },
    bind(&[key('e')], "e", Action::Expand, "expand the focused panel, or show all of them"),
    bind(&[key('/')], "/", Action::Filter, "type a filter: only what contains it is listed"),
    bind(&[key('s')], "s", Action::Sort, "sort the rows in another order"),
    bind(&[key('+'), (KeyCode::Char('+'), SHIFT), key('=')], "+", Action::Longer, "longer time axis"),
    bind(&[key('-')], "-", Action::Shorter, "shorter time axis"),
    bind(&[key('u')], "u", Action::Units, "other units: the one that fits, us, ms"),
    bind(&[key('t')], "t", Action::Theme, "next theme"),
    Binding {
        place: Place::Live,
        ..bind(&[key('m')], "m", Action::Marker, "drop a marker, which appears in every chart")
    },
    bind(&[key('x')], "x", Action::Explain, "explain the selected figure in one sentence"),
    bind(&[key('w')], "w", Action::Save, "write this screen into a file"),
    bind(&[key('?'), (KeyCode::Char('?'), SHIFT), (KeyCode::F(1), NONE)], "?", Action::Help, "the keys of this screen"),
    bind(
        &[(KeyCode::Char('z'), CONTROL)],
        "Ctrl-Z",
        Action::Suspend,
        "back to the shell; asks first while locks are held",
    ),
    Binding {
        place: Place::Live,
        ..bind(
            &[key('q'), (KeyCode::Char('c'), CONTROL)],
            "q Ctrl-C",
            Action::Finish,
            "end the load, release the locks and report; a second time: abort",
        )
    },
    Binding {
        place: Place::Replay,
        ..bind(&[key('q'), (KeyCode::Char('c'), CONTROL)], "q Ctrl-C", Action::Finish, "leave")
    },
];

/// What a key means here, if anything.
#[must_use]
pub fn action(event: KeyEvent, live: bool, screen: usize) -> Option<Action> {
    if event.kind == KeyEventKind::Release {
        return None;
    }
    let here = |binding: &&Binding| applies(binding.place, live, screen);
    let pressed = |binding: &&Binding| binding.keys.contains(&(event.code, event.modifiers));
    BINDINGS.iter().filter(here).find(pressed).map(|binding| binding.action)
}

/// Does a key of this place mean something here?
#[must_use]
pub fn applies(place: Place, live: bool, screen: usize) -> bool {
    match place {
        Place::Everywhere => true,
        Place::Live => live,
        Place::Replay => !live,
        Place::Screens(screens) => screens.contains(&screen),
    }
}
