//! Which key means which action. The help is made from this map, and a test presses
//! every key of it.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use self::Group::{Run, Screen, Select, Show};
use crate::report::live::Origin;

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
    /// Draw the whole screen anew.
    Redraw,
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

const NONE: KeyModifiers = KeyModifiers::NONE;

const fn key(c: char) -> (KeyCode, KeyModifiers) {
    (KeyCode::Char(c), NONE)
}

const fn control(c: char) -> (KeyCode, KeyModifiers) {
    (KeyCode::Char(c), KeyModifiers::CONTROL)
}

const fn named(code: KeyCode) -> (KeyCode, KeyModifiers) {
    (code, NONE)
}

/// A key of every screen.
const fn bind(
    keys: &'static [(KeyCode, KeyModifiers)],
    shown: &'static str,
    action: Action,
    group: Group,
    help: &'static str,
) -> Binding {
    Binding { keys, shown, action, help, brief: "", group, place: Place::Everywhere }
}

impl Binding {
    const fn brief(self, brief: &'static str) -> Self {
        Self { brief, ..self }
    }

    const fn only(self, place: Place) -> Self {
        Self { place, ..self }
    }
}

/// Every key.
pub static BINDINGS: &[Binding] = &[
    bind(
        &[key('q'), control('c')],
        "q Ctrl-C",
        Action::Finish,
        Run,
        "end the load, release the locks and report; a second time: abort",
    )
    .brief("end")
    .only(Place::Live),
    bind(&[key('q'), control('c')], "q Ctrl-C", Action::Finish, Run, "leave").brief("leave").only(Place::Replay),
    bind(&[key('q'), control('c')], "q Ctrl-C", Action::Finish, Run, "leave; the run goes on without you")
        .brief("leave")
        .only(Place::Followed),
    bind(&[key('p')], "p", Action::Pause, Run, "pause the load: no attempt begins, the phases are lengthened")
        .brief("pause load")
        .only(Place::Live),
    bind(&[key('p')], "p", Action::Pause, Run, "pause the replay").brief("pause").only(Place::Replay),
    bind(&[key('>')], ">", Action::Faster, Run, "replay at twice the speed").brief("faster").only(Place::Replay),
    bind(&[key('<')], "<", Action::Slower, Run, "replay at half the speed").brief("slower").only(Place::Replay),
    bind(&[key('m')], "m", Action::Marker, Run, "drop a marker, which appears in every chart")
        .brief("marker")
        .only(Place::Live),
    bind(&[control('z')], "Ctrl-Z", Action::Suspend, Run, "back to the shell; asks first while locks are held"),
    bind(&[key('f'), key(' ')], "f Space", Action::Freeze, Show, "freeze the display; nothing else stops")
        .brief("freeze display"),
    bind(&[key('e')], "e", Action::Expand, Show, "expand the focused panel, or show all of them").brief("expand"),
    bind(&[key('/')], "/", Action::Filter, Show, "type a filter: only what contains it is listed").brief("filter"),
    bind(&[key('s')], "s", Action::Sort, Show, "sort the rows in another order").brief("sort"),
    bind(&[key('+'), key('=')], "+ =", Action::Longer, Show, "longer time axis").brief("longer"),
    bind(&[key('-')], "-", Action::Shorter, Show, "shorter time axis").brief("shorter"),
    bind(&[key('u')], "u", Action::Units, Show, "other units: the one that fits, us, ms").brief("units"),
    bind(&[key('t')], "t", Action::Theme, Show, "next theme").brief("theme"),
    bind(&[key('x')], "x", Action::Explain, Show, "explain the selected figure in one sentence").brief("explain"),
    bind(&[key('w')], "w", Action::Save, Show, "write this screen into files, as text and as a picture").brief("write"),
    bind(&[key('?'), named(KeyCode::F(1))], "? F1", Action::Help, Show, "the keys of this screen").brief("help"),
    bind(&[control('l')], "Ctrl-L", Action::Redraw, Show, "draw the whole screen anew"),
    bind(&[named(KeyCode::Up), key('k')], "Up k", Action::Up, Select, "select the row above"),
    bind(&[named(KeyCode::Down), key('j')], "Down j", Action::Down, Select, "select the row below"),
    bind(&[named(KeyCode::Left), key('h')], "Left h", Action::Left, Select, "select the figure or panel to the left"),
    bind(
        &[named(KeyCode::Right), key('l')],
        "Right l",
        Action::Right,
        Select,
        "select the figure or panel to the right",
    ),
    bind(&[named(KeyCode::PageUp)], "PgUp", Action::PageUp, Select, "ten rows up"),
    bind(&[named(KeyCode::PageDown)], "PgDn", Action::PageDown, Select, "ten rows down"),
    bind(&[named(KeyCode::Home), key('g')], "Home g", Action::First, Select, "first row"),
    bind(&[named(KeyCode::End), key('G')], "End G", Action::Last, Select, "last row"),
    bind(
        &[named(KeyCode::Enter)],
        "Enter",
        Action::Open,
        Select,
        "open what is selected: a system, the story of a violation",
    )
    .brief("open"),
    bind(
        &[named(KeyCode::Esc)],
        "Esc",
        Action::Back,
        Select,
        "close what is open, clear the filter, follow the running system",
    ),
    bind(&[key('[')], "[", Action::PreviousSystem, Select, "show the system before"),
    bind(&[key(']')], "]", Action::NextSystem, Select, "show the next system").brief("next system"),
    bind(&[key('1')], "1", Action::Screen(0), Screen, "overview: a row a system"),
    bind(&[key('2')], "2", Action::Screen(1), Screen, "latency over time, and its histogram"),
    bind(&[key('3')], "3", Action::Screen(2), Screen, "contention: keys, queues, fairness"),
    bind(&[key('4')], "4", Action::Screen(3), Screen, "safety: who was inside, violations, fencing"),
    bind(&[key('5')], "5", Action::Screen(4), Screen, "faults"),
    bind(&[key('6')], "6", Action::Screen(5), Screen, "servers: what they are, and who holds which key"),
    bind(&[key('7')], "7", Action::Screen(6), Screen, "log and lints"),
    bind(&[named(KeyCode::Tab)], "Tab", Action::NextScreen, Screen, "next screen").brief("next screen"),
    bind(&[named(KeyCode::BackTab)], "Shift-Tab", Action::PreviousScreen, Screen, "screen before"),
];

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

/// Does a key of this place mean something here?
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
