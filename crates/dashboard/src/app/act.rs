//! What each action does.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::App;
use crate::controls::{Paused, Saved};
use crate::input::Action;
use crate::picture;
use crate::state::Standing;
use crate::text::clock;
use crate::user_view::{Ending, PANELS, Popup, SCREENS, SYSTEMS, WINDOWS};
use crate::view::{BESIDE, NARROWEST, Opened, Panel, SHORTEST, draw};
use lockbench_report::live::Origin;

/// Speeds of a replay.
const SPEEDS: (f64, f64) = (0.125, 1_024.0);
/// Seconds of the run that a key goes on or back in a replay.
const SEEK_S: i64 = 5;
/// Rows of a page.
const PAGE: isize = 10;
/// The screen that a picked system is shown on: the one after the overview.
const DETAILS: usize = 1;

impl App<'_> {
    /// Carries out an action.
    pub fn act(&mut self, action: Action) {
        match action {
            Action::Screen(screen) => self.look.screen = screen,
            Action::NextScreen => self.look.screen = (self.look.screen + 1) % SCREENS,
            Action::PreviousScreen => self.look.screen = (self.look.screen + SCREENS - 1) % SCREENS,
            Action::Help => self.cover(Popup::Help),
            Action::Finish => self.finish(),
            Action::Freeze => self.freeze(),
            Action::Pause => self.pause(),
            Action::Expand => self.look.expanded = !self.look.expanded,
            Action::Filter => self.look.filtering = true,
            Action::Sort => self.sort(),
            Action::Longer => self.look.window = (self.look.window + 1).min(WINDOWS.len() - 1),
            Action::Shorter => self.look.window = self.look.window.saturating_sub(1),
            Action::Units => {
                self.look.units = self.look.units.next();
                self.toast(format!("lengths of time in {}", self.look.units.name()));
            }
            Action::Theme => {
                self.look.theme = self.look.theme.next();
                self.toast(format!("theme {}", self.look.theme.name()));
            }
            Action::Marker => self.mark(),
            Action::Explain => self.explain(),
            Action::Save => self.save(),
            Action::Up => self.move_row(-1),
            Action::Down => self.move_row(1),
            Action::PageUp => self.move_row(-PAGE),
            Action::PageDown => self.move_row(PAGE),
            Action::First => self.move_row(isize::MIN),
            Action::Last => self.move_row(isize::MAX),
            Action::Left => self.move_column(-1),
            Action::Right => self.move_column(1),
            Action::Open => self.open(),
            Action::Back => self.back(),
            Action::PreviousSystem => self.move_system(-1),
            Action::NextSystem => self.move_system(1),
            Action::Beside => self.beside(),
            Action::Suspend => self.ask_to_suspend(),
            Action::Redraw => self.redraw = true,
            Action::Faster => self.set_speed(2.0),
            Action::Slower => self.set_speed(0.5),
            Action::Back5 => self.seek(-SEEK_S),
            Action::Forward5 => self.seek(SEEK_S),
        }
        self.look_at_servers();
    }

    fn panel(&self) -> &'static Panel {
        self.view().panel_in_focus()
    }

    fn cover(&mut self, popup: Popup) {
        self.look.scroll = 0;
        self.look.popup = Some(popup);
    }

    fn finish(&mut self) {
        if self.origin() != Origin::Live || self.ended {
            self.left = true;
            return;
        }
        // A user who asks for the end does not mean to hold on to a frozen picture.
        self.look.frozen = false;
        self.frozen = None;
        if !self.asked {
            self.asked = true;
            self.look.ending = Ending::Asked;
            self.controls.finish();
            self.toast("ending: locks are released and the report is written; q again aborts");
        } else {
            self.look.ending = Ending::Aborted;
            self.controls.abort();
            self.toast("aborting");
        }
    }

    fn freeze(&mut self) {
        self.look.frozen = !self.look.frozen;
        // One copy per key press, not one per frame.
        self.frozen = self.look.frozen.then(|| Box::new(self.state.clone()));
    }

    fn pause(&mut self) {
        if self.look.ending == Ending::Over {
            self.toast("the run is over: there is nothing to pause");
        } else {
            self.controls.pause(self.controls.paused() == Paused::No);
        }
    }

    fn sort(&mut self) {
        let sorts = self.panel().sorts;
        if sorts.is_empty() {
            self.toast("this panel has one order only");
            return;
        }
        let selection = self.look.selected_mut();
        selection.sort = (selection.sort + 1) % sorts.len();
        let name = sorts[selection.sort];
        self.toast(format!("sorted by {name}"));
    }

    fn mark(&mut self) {
        match self.controls.mark() {
            Ok(()) => self.toast("marker dropped"),
            Err(problem) => self.toast(problem),
        }
    }

    fn explain(&mut self) {
        let panel = self.panel();
        let text = (panel.explain)(&self.view());
        match (text.is_empty(), panel.about) {
            (false, _) => self.cover(Popup::Explain(text)),
            (true, "") => self.toast("nothing is selected here"),
            (true, about) => self.cover(Popup::Explain(format!("{about}."))),
        }
    }

    /// This screen, without what covers it, into two files with the next free number.
    fn save(&mut self) {
        let screen = self.look.current().name.to_lowercase().replace(' ', "-");
        let name = |number: u32, kind: &str| format!("{screen}-{number}.{kind}");
        let taken = |number: u32| ["txt", "svg"].iter().any(|kind| self.controls.taken(&name(number, kind)));
        let number = (self.saved + 1..).find(|number| !taken(*number)).unwrap_or(u32::MAX);
        self.saved = number;
        let size = Rect { width: self.size.width.max(NARROWEST), height: self.size.height.max(SHORTEST), ..self.size };
        let mut buffer = Buffer::empty(size);
        let mut look = self.look.clone();
        look.toast = None;
        let view = self.view();
        draw(view.state, &look, view.paused, view.now, size, &mut buffer);
        let files = [
            Saved { name: name(number, "txt"), bytes: picture::text(&buffer).into_bytes() },
            Saved { name: name(number, "svg"), bytes: picture::svg(&buffer, look.theme).into_bytes() },
        ];
        match self.controls.save(&files) {
            Ok(directory) => {
                let directory = directory.trim_end_matches('/');
                self.toast(format!("written: {directory}/{screen}-{number}.txt and .svg"));
            }
            Err(problem) => self.toast(problem),
        }
    }

    fn move_row(&mut self, by: isize) {
        let last = (self.panel().rows)(&self.view()).saturating_sub(1);
        let tail = self.panel().tail;
        let row = self.view().row(last + 1).saturating_add_signed(by);
        let selection = self.look.selected_mut();
        selection.row = if tail && row >= last { usize::MAX } else { row.min(last) };
    }

    /// To the figure beside, or over the panel's edge to the next panel.
    fn move_column(&mut self, by: isize) {
        let columns = (self.panel().columns)(&self.view()).max(1);
        let column = self.look.selected().column.min(columns - 1).checked_add_signed(by);
        match column.filter(|column| *column < columns) {
            Some(column) => self.look.selected_mut().column = column,
            None => {
                let panels = self.look.current().panels.len().min(PANELS);
                let focus = &mut self.look.focus[self.look.screen];
                *focus = (*focus + panels).saturating_add_signed(by) % panels;
                // Into a panel from its near edge: the figure there is the next one.
                let last = (self.panel().columns)(&self.view()).saturating_sub(1);
                self.look.selected_mut().column = if by < 0 { last } else { 0 };
            }
        }
    }

    fn move_system(&mut self, by: isize) {
        let systems = self.shown().systems.len();
        if let Some(at) = self.view().system_at().filter(|_| systems > 0) {
            let at = (at + systems).saturating_add_signed(by) % systems;
            self.look.system = Some(at);
            let name = self.shown().systems[at].name.clone();
            self.toast(format!("details of {name}; Esc follows the running system"));
        }
    }

    /// The next system beside the one that is shown; after the last one none.
    fn beside(&mut self) {
        let own = self.view().system_at();
        let systems = &self.shown().systems;
        let next = self.look.beside.map_or(0, |at| at + 1);
        let takes_part = |at: &usize| Some(*at) != own && systems[*at].standing != Standing::Skipped;
        let next = (next..systems.len()).find(takes_part);
        let name = next.map(|at| systems[at].name.clone());
        self.look.beside = next;
        match name {
            None => self.toast("one system alone"),
            Some(name) if self.size.width < BESIDE => {
                let width = self.size.width;
                let text =
                    format!("{name} beside it needs {BESIDE} columns, this terminal has {width}; [ ] show another");
                self.toast(text);
            }
            Some(name) => self.toast(format!("{name} beside it; c shows the next one, Esc one alone")),
        }
    }

    fn open(&mut self) {
        match (self.panel().open)(&self.view()) {
            Opened::Nothing => {}
            Opened::Popup(popup) => self.cover(popup),
            Opened::System(at) => {
                self.look.system = Some(at);
                self.look.screen = DETAILS;
            }
        }
    }

    fn back(&mut self) {
        if !self.look.filter.is_empty() {
            self.look.filter.clear();
        } else if self.look.beside.is_some() {
            self.look.beside = None;
        } else if self.look.expanded {
            self.look.expanded = false;
        } else {
            self.look.system = None;
            self.look.selection[SYSTEMS.0][SYSTEMS.1].row = usize::MAX;
        }
    }

    /// What counts is the run as it is now, not as it was when the display was frozen.
    fn ask_to_suspend(&mut self) {
        let inside = self.state.inside();
        if self.origin() != Origin::Live || inside == 0 {
            self.suspend();
            return;
        }
        let holders = if inside == 1 { "1 client holds a lock" } else { &format!("{inside} clients hold a lock") };
        self.cover(Popup::Warning(format!(
            "{holders} now. Stopping this program stalls them: their leases may end while they are inside. Press \
             Ctrl-Z again to stop nevertheless, any other key to go on."
        )));
    }

    pub(super) fn suspend(&mut self) {
        if let Err(error) = self.controls.suspend() {
            self.toast(format!("the terminal could not be given back: {error}"));
        }
        self.redraw = true;
    }

    fn set_speed(&mut self, factor: f64) {
        let Origin::Replayed { speed } = self.origin() else { return };
        let speed = (self.look.speed.unwrap_or(speed) * factor).clamp(SPEEDS.0, SPEEDS.1);
        self.look.speed = Some(speed);
        self.controls.set_speed(speed);
        self.toast(format!("{speed} times the speed of the run"));
    }

    fn seek(&mut self, by_s: i64) {
        if let Some(to_ns) = self.controls.seek(by_s) {
            let way = if by_s < 0 { "back" } else { "on" };
            self.toast(format!("{way} to {} of the run's trials, one after the other", clock(to_ns)));
        }
    }
}
