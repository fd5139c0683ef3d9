//! The key map: the only place where a key is named.

use ratatui::crossterm::event::{KeyCode, KeyModifiers};

use super::Group::{Run, Screen, Select, Show};
use super::{Action, Binding, Group, Place};
use crate::user_view::DETAILS;

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
    bind(&[key(',')], ",", Action::Back5, Run, "go back by 5 s of the run").brief("-5 s").only(Place::Replay),
    bind(&[key('.')], ".", Action::Forward5, Run, "go on by 5 s of the run at once").brief("+5 s").only(Place::Replay),
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
    bind(&[key('c')], "c", Action::Beside, Select, "show another system beside it, the next one, or none again")
        .brief("beside it")
        .only(Place::Screens(&DETAILS)),
    bind(&[key('1')], "1", Action::Screen(0), Screen, "overview: a row per system"),
    bind(&[key('2')], "2", Action::Screen(1), Screen, "latency over time, and its histogram"),
    bind(&[key('3')], "3", Action::Screen(2), Screen, "contention: keys, queues, fairness"),
    bind(&[key('4')], "4", Action::Screen(3), Screen, "safety: who was inside, violations, fencing"),
    bind(&[key('5')], "5", Action::Screen(4), Screen, "faults"),
    bind(&[key('6')], "6", Action::Screen(5), Screen, "servers: what they are, and who holds which key"),
    bind(&[key('7')], "7", Action::Screen(6), Screen, "log and lints"),
    bind(&[named(KeyCode::Tab)], "Tab", Action::NextScreen, Screen, "next screen").brief("next screen"),
    bind(&[named(KeyCode::BackTab)], "Shift-Tab", Action::PreviousScreen, Screen, "screen before"),
];
