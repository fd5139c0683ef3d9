//! What covers the panels, and how it goes away.

use ratatui::crossterm::event::{KeyCode, KeyModifiers};

use super::stage;
use crate::stage::Recorder;
use crate::user_view::Popup;
use lockbench_report::live::Origin;

#[test]
fn a_long_story_scrolls_and_any_other_key_closes_it() {
    let recorder = Recorder::default();
    let mut stage = stage(&recorder, Origin::Live);
    stage.resize(80, 24);
    stage.press("j");
    stage.key(KeyCode::Enter, KeyModifiers::NONE);
    assert!(stage.text().contains("rows 1-19 of 27: j k scroll"), "{}", stage.text());
    stage.press("jjjk");
    assert!(stage.text().contains("rows 3-21 of 27"));
    stage.press("Gj");
    assert!(stage.text().contains("rows 9-27 of 27"));
    stage.press("k");
    assert!(stage.text().contains("rows 8-26 of 27"));
    // The key that closes does nothing else.
    stage.press("t");
    assert_eq!((stage.app.look().popup.clone(), stage.app.look().theme), (None, crate::theme::Theme::Default));
}

#[test]
fn the_end_is_never_in_the_way_of_what_covers() {
    for keys in ["?", "x", "/x"] {
        let recorder = Recorder::default();
        let mut stage = stage(&recorder, Origin::Live);
        stage.press(keys);
        stage.control('c');
        assert_eq!((recorder.heard(), stage.app.look().popup.clone()), (vec!["finish".to_owned()], None));
    }
}

#[test]
fn the_letter_that_ends_the_run_only_closes_what_covers() {
    let recorder = Recorder::default();
    let mut stage = stage(&recorder, Origin::Live);
    stage.press("?q");
    assert_eq!((recorder.heard(), stage.app.look().popup.clone()), (Vec::new(), None));
    stage.press("q");
    assert_eq!(recorder.heard(), ["finish"]);
    // Where there is no room to show what covers, it is not in the way.
    let recorder = Recorder::default();
    let mut stage = super::stage(&recorder, Origin::Live);
    stage.press("?");
    stage.resize(79, 23);
    stage.draw();
    stage.press("q");
    assert_eq!(recorder.heard(), ["finish"]);
}

#[test]
fn a_short_text_is_covered_by_as_much_as_it_needs() {
    let recorder = Recorder::default();
    let mut stage = stage(&recorder, Origin::Live);
    stage.press("x");
    let text = stage.text();
    let rows = text.lines().filter(|row| row.contains("row 0 of")).count();
    let top = text.lines().find(|row| row.contains("Explained: Table")).unwrap().to_owned();
    assert!(rows == 1 && text.contains("row 0 column 0"), "{text}");
    assert!(top.starts_with('┃') && top.contains("┏ Explained: Table ━"), "{top}");
}

#[test]
fn stopping_this_program_is_asked_first_while_locks_are_held() {
    let recorder = Recorder::default();
    let mut stage = stage(&recorder, Origin::Live);
    stage.control('z');
    assert!(matches!(stage.app.look().popup, Some(Popup::Warning(_))));
    assert!(stage.text().contains("3 clients hold a lock now"));
    stage.press("j");
    assert_eq!((recorder.heard(), stage.app.look().popup.clone()), (Vec::new(), None));
    stage.control('z');
    stage.control('z');
    assert_eq!((recorder.heard(), stage.app.look().popup.clone()), (vec!["suspend".to_owned()], None));
    // The shell has written over the screen meanwhile.
    stage.scribble("$ fg");
    assert!(stage.shows().contains("$ fg") && !stage.text().contains("$ fg"));
}

#[test]
fn nothing_is_asked_where_nobody_is_inside() {
    let recorder = Recorder::default();
    let mut stage = stage(&recorder, Origin::Live);
    stage.take(super::rest());
    stage.control('z');
    assert_eq!(recorder.heard(), ["suspend"]);
}
