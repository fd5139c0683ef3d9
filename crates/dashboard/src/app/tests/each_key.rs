//! Every key of the help does what the help says.

use ratatui::crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::{ROWS, look, middle};
use crate::input::{Action, BINDINGS, Binding, applies, bindings};
use crate::stage::{Recorder, Stage};
use crate::text::Units;
use crate::theme::Theme;
use crate::user_view::{Ending, Popup, SCREENS};
use lockbench_report::live::Origin;

const ORIGINS: [Origin; 3] = [Origin::Live, Origin::Followed, Origin::Replayed { speed: 2.0 }];
const SCREEN: usize = 3;
const ROW: usize = 15;

#[test]
fn each_key_of_the_help_does_what_it_says() {
    for origin in ORIGINS {
        let updates = middle(origin);
        for binding in bindings(origin, SCREEN) {
            for key in binding.keys {
                let recorder = Recorder::default();
                let mut stage = Stage::new(look(), &recorder, (120, 40));
                stage.take(updates.iter().cloned());
                prepare(&mut stage, binding.action);
                stage.draw();
                recorder.heard();
                stage.key(key.0, key.1);
                let done = done(&mut stage, &recorder, binding.action, origin);
                assert!(done, "{origin:?} {key:?}: {} ({:?})", binding.help, recorder.heard());
            }
        }
    }
}

/// In the middle of everything, so that each step to any side is seen.
fn prepare(stage: &mut Stage<'_>, action: Action) {
    let look = &mut stage.app.look;
    look.screen = if action == Action::Screen(SCREEN) { 0 } else { SCREEN };
    look.selection[SCREEN][0].row = ROW;
    look.selection[SCREEN][0].column = 1;
    look.system = Some(1);
    if action == Action::Back {
        look.filter = "redis".to_owned();
    }
}

/// What can be seen of an action. A new action must say here what it does.
fn done(stage: &mut Stage<'_>, recorder: &Recorder, action: Action, origin: Origin) -> bool {
    if action == Action::Redraw {
        stage.scribble("some other program");
        let still = stage.shows().contains("some other program");
        return still && !stage.text().contains("some other program");
    }
    let title = stage.text().lines().next().unwrap_or_default().to_owned();
    let look = stage.app.look();
    let selected = look.selected();
    let said = |what: &str| recorder.said.borrow().iter().any(|said| said == what);
    match action {
        Action::Screen(screen) => look.screen == screen,
        Action::NextScreen => look.screen == (SCREEN + 1) % SCREENS,
        Action::PreviousScreen => look.screen == SCREEN - 1,
        Action::Help => look.popup == Some(Popup::Help),
        Action::Finish if origin == Origin::Live => {
            said("finish") && look.ending == Ending::Asked && title.contains("ENDING")
        }
        Action::Finish => stage.app.over(true) && !said("finish"),
        Action::Freeze => look.frozen && title.contains("display FROZEN") && !title.contains("PAUSED"),
        Action::Pause if origin == Origin::Live => {
            said("pause true") && title.contains("load PAUSED") && !title.contains("FROZEN")
        }
        Action::Pause => said("pause true") && title.contains("replay PAUSED"),
        Action::Expand => look.expanded,
        Action::Filter => look.filtering,
        Action::Sort => selected.sort == 1,
        Action::Longer => look.window == 3,
        Action::Shorter => look.window == 1,
        Action::Units => look.units == Units::Micro,
        Action::Theme => look.theme == Theme::Light,
        Action::Marker => said("mark"),
        Action::Explain => {
            look.popup == Some(Popup::Explain(format!("row {ROW} of {}", stage.app.shown().systems.len())))
        }
        Action::Save => said("save demo-1.txt") && said("save demo-1.svg"),
        Action::Up => selected.row == ROW - 1,
        Action::Down => selected.row == ROW + 1,
        Action::Left => selected.column == 0,
        Action::Right => selected.column == 2,
        Action::PageUp => selected.row == ROW - 10,
        Action::PageDown => selected.row == ROW + 10,
        Action::First => selected.row == 0,
        Action::Last => selected.row == ROWS - 1,
        Action::Open => matches!(&look.popup, Some(Popup::Story(text)) if text.starts_with("story 15")),
        Action::Back => look.filter.is_empty(),
        Action::PreviousSystem => look.system == Some(0),
        Action::NextSystem => look.system == Some(2),
        Action::Beside => {
            look.beside == Some(0)
                && stage.text().lines().filter(|line| line.matches("row 15 column 1").count() == 2).count() == 1
        }
        Action::Suspend if origin == Origin::Live => matches!(look.popup, Some(Popup::Warning(_))) && !said("suspend"),
        Action::Suspend => said("suspend"),
        Action::Redraw => false,
        Action::Faster => said("speed 4") && title.contains("REPLAY x4"),
        Action::Back5 => said("seek -5") && stage.text().contains("back to 1:05"),
        Action::Forward5 => said("seek 5") && stage.text().contains("on to 1:05"),
        Action::Slower => said("speed 1") && title.contains("REPLAY x1"),
    }
}

#[test]
fn no_two_bindings_share_a_key_in_one_place() {
    for origin in ORIGINS {
        for screen in 0..SCREENS {
            let here: Vec<&Binding> = bindings(origin, screen).collect();
            for (i, one) in here.iter().enumerate() {
                for other in &here[..i] {
                    let shared = one.keys.iter().find(|key| other.keys.contains(key));
                    assert_eq!(shared, None, "{origin:?}: {} and {}", one.help, other.help);
                }
            }
        }
    }
}

#[test]
fn what_the_help_writes_are_the_keys() {
    let name = |code: KeyCode, control: bool| match code {
        KeyCode::Char(' ') => "Space".to_owned(),
        KeyCode::Char(c) if control => format!("Ctrl-{}", c.to_ascii_uppercase()),
        KeyCode::Char(c) => c.to_string(),
        KeyCode::BackTab => "Shift-Tab".to_owned(),
        KeyCode::PageUp => "PgUp".to_owned(),
        KeyCode::PageDown => "PgDn".to_owned(),
        KeyCode::F(number) => format!("F{number}"),
        other => format!("{other:?}"),
    };
    for binding in BINDINGS {
        let keys = binding.keys.iter().map(|(code, held)| name(*code, held.contains(KeyModifiers::CONTROL)));
        assert_eq!(keys.collect::<Vec<_>>().join(" "), binding.shown);
    }
}

#[test]
fn the_help_has_the_keys_that_apply_here_and_no_others() {
    for origin in ORIGINS {
        for size in [(80, 24), (120, 40), (200, 60)] {
            let recorder = Recorder::default();
            let mut stage = Stage::new(look(), &recorder, size);
            stage.take(middle(origin));
            stage.draw();
            stage.press("?");
            let mut seen = String::new();
            for _ in 0..80 {
                let text = stage.text();
                // Frames go; what is broken over two rows is joined again.
                let rows = text.lines().map(|row| row.replace(['┃', '┏', '┓'], " "));
                seen.push_str(&rows.collect::<Vec<_>>().join("\n"));
                stage.press("j");
            }
            assert!(seen.contains("Thirty rows. Orders: as given, by name.") && seen.contains("Table (has the focus)"));
            for binding in BINDINGS {
                let start: String = binding.help.chars().take(20).collect();
                let row = format!("{:<11}{start}", binding.shown);
                let here = applies(binding.place, origin, 0);
                // "leave" is the start of another one.
                if here || binding.help != "leave" {
                    assert_eq!(seen.contains(&row), here, "{origin:?} {size:?}: {row}");
                }
            }
        }
    }
}

#[test]
fn a_key_that_means_nothing_here_says_why() {
    let recorder = Recorder::default();
    let mut stage = super::stage(&recorder, Origin::Followed);
    stage.press("m");
    assert!(stage.text().contains("m works only in the lockbench that drives the load"));
    assert_eq!(recorder.heard(), Vec::<String>::new());
}

#[test]
fn a_key_that_is_let_go_does_nothing_and_shift_is_not_told_twice() {
    let recorder = Recorder::default();
    let mut stage = super::stage(&recorder, Origin::Live);
    let mut key = KeyEvent::new(KeyCode::Char('q'), KeyModifiers::NONE);
    key.kind = KeyEventKind::Release;
    stage.app.event(&Event::Key(key));
    assert_eq!(recorder.heard(), Vec::<String>::new());
    stage.key(KeyCode::Char('G'), KeyModifiers::SHIFT);
    assert_eq!(stage.app.look().selected().row, ROWS - 1);
    stage.key(KeyCode::BackTab, KeyModifiers::SHIFT);
    assert_eq!(stage.app.look().screen, SCREENS - 1);
}
