//! The screen from a recorded run: in its middle, at its end, and what its keys do.

use ratatui::crossterm::event::{KeyCode, KeyModifiers};

use crate::sample::{at_the_end, in_the_middle_of};
use crate::stage::frames::{SIZES, frames};
use crate::stage::{Recorder, Stage, panels, text};
use crate::state::State;
use crate::theme::Theme;
use crate::user_view::{Popup, UserView};
use lockbench_core::record::{LogLevel, LogLine};
use lockbench_report::live::Update;

const LOG: usize = 6;

fn line(n: u64, level: LogLevel) -> Update {
    let message = format!("line {n} of the log");
    Update::Log(LogLine { since_start_ns: n * 1_000_000, level, target: "lockbench::stack".to_owned(), message })
}

fn filled(lines: u64) -> State {
    let mut state = State::default();
    (1..=lines).for_each(|n| state.update(line(n, LogLevel::Info)));
    state
}

fn drawn(state: &State, look: &UserView) -> String {
    text(&panels(LOG, state, look, (80, 24)))
}

/// An app that was recorder so many lines.
struct Lines<'a>(&'a mut dyn Iterator<Item = Update>);

impl crate::app::Updates for Lines<'_> {
    fn take(&mut self) -> Result<Option<Update>, lockbench_report::live::Closed> {
        Ok(self.0.next())
    }
}

#[test]
fn snapshots() {
    for (name, state) in [("middle", in_the_middle_of("redis", 5)), ("over", at_the_end())] {
        let draw = |theme, size| panels(LOG, &state, &UserView::new(theme, false), size);
        for (name, shown) in frames(&format!("log_{name}"), draw) {
            insta::assert_snapshot!(name, shown);
        }
    }
}

#[test]
fn with_ascii_signs_no_cell_is_anything_else() {
    let mut state = at_the_end();
    state.update(Update::Log(LogLine {
        since_start_ns: 1,
        level: LogLevel::Error,
        target: "h2".to_owned(),
        message: "Verbindung für „redis“ ist weg\u{1b}[31m".to_owned(),
    }));
    for size in SIZES {
        let drawn = text(&panels(LOG, &state, &UserView::new(Theme::Default, true), size));
        assert!(drawn.is_ascii() && drawn.contains("f?r ?redis? ist weg?[31m"), "{drawn}");
    }
}

#[test]
fn it_follows_the_newest_line_until_one_above_it_is_selected() {
    let recorder = Recorder::default();
    let mut stage = Stage::new(UserView::new(Theme::Default, true), &recorder, (80, 24));
    let mut more = (1..=30).map(|n| line(n, LogLevel::Info));
    stage.app.take(&mut Lines(&mut more));
    stage.press("7");
    assert!(stage.text().contains("line 30 of"));
    stage.app.take(&mut Lines(&mut (31..=40).map(|n| line(n, LogLevel::Info))));
    assert!(stage.text().contains("> ") && stage.text().contains("line 40 of"));
    stage.press("k");
    stage.app.take(&mut Lines(&mut (41..=60).map(|n| line(n, LogLevel::Info))));
    let held = stage.text();
    assert!(held.contains("line 39 of") && !held.contains("line 60 of"), "{held}");
    stage.press("G");
    stage.app.take(&mut Lines(&mut (61..=61).map(|n| line(n, LogLevel::Info))));
    assert!(stage.text().contains("line 61 of"));
}

#[test]
fn level_and_filter_choose_lines_and_what_is_left_out_is_told() {
    let mut state = in_the_middle_of("redis", 5);
    let mut look = UserView { screen: LOG, ..UserView::new(Theme::Default, true) };
    look.selection[LOG][0].sort = 2;
    let warnings = drawn(&state, &look);
    assert!(warnings.contains("Log: warnings and errors, 2 of 6 lines") && !warnings.contains("binding"), "{warnings}");
    look.selection[LOG][0].sort = 0;
    look.filter = "ETCD".to_owned();
    let filtered = drawn(&state, &look);
    assert!(filtered.contains("1 of 6 lines") && filtered.contains("etcd 3.4.23"), "{filtered}");
    state = filled(2_005);
    look.filter = String::new();
    assert!(drawn(&state, &look).contains("5 older lines were dropped"));
}

#[test]
fn enter_shows_a_line_whole_and_x_explains_a_lint() {
    let recorder = Recorder::default();
    let mut stage = Stage::new(UserView::new(Theme::Default, false), &recorder, (80, 24));
    stage.app.take(&mut Lines(&mut crate::sample::updates().into_iter()));
    stage.press("7");
    stage.key(KeyCode::Enter, KeyModifiers::NONE);
    let Some(Popup::Story(whole)) = stage.app.look().popup.clone() else { panic!("nothing opened") };
    assert_eq!(
        whole,
        "1.872 s after the start, error, tonic::transport:\n\na connection was refused and is tried again"
    );
    stage.press("xlx");
    let Some(Popup::Explain(text)) = stage.app.look().popup.clone() else { panic!("nothing explained") };
    assert!(text.starts_with("fsync-off (warn) looks for this: a system answered before"), "{text}");
    assert!(text.contains("It found: postgres:advisory") && text.contains("What to do: do not rank"), "{text}");
}

#[test]
fn while_no_trial_has_ended_lints_say_when_they_come() {
    let text = drawn(&in_the_middle_of("redis", 5), &UserView { screen: LOG, ..UserView::new(Theme::Default, true) });
    assert!(text.contains("They appear when the run is over."), "{text}");
}
