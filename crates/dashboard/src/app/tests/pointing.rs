//! The mouse.

use ratatui::crossterm::event::MouseEventKind;

use super::stage;
use crate::stage::Recorder;
use lockbench_report::live::Origin;

#[test]
fn a_click_on_a_tab_shows_its_screen() {
    let recorder = Recorder::default();
    let mut stage = stage(&recorder, Origin::Live);
    for size in [(80, 24), (120, 40)] {
        stage.resize(size.0, size.1);
        for screen in [6, 0, 3] {
            let text = stage.text();
            let tabs = text.lines().nth(1).unwrap();
            let at = tabs.find(&format!("{} Demo", screen + 1)).unwrap();
            stage.click(at as u16, 1);
            assert_eq!(stage.app.look().screen, screen, "{tabs}");
        }
    }
    stage.click(119, 1);
    assert_eq!(stage.app.look().screen, 3);
}

#[test]
fn a_click_on_a_row_selects_it_and_the_wheel_moves() {
    let recorder = Recorder::default();
    let mut stage = stage(&recorder, Origin::Live);
    stage.click(90, 10);
    assert_eq!(stage.app.look().focused(), 1);
    stage.click(3, 10);
    let selected = stage.app.look().selected();
    assert_eq!((stage.app.look().focused(), selected.row, selected.column), (0, 7, 1));
    stage.mouse(MouseEventKind::ScrollDown, 3, 10);
    stage.mouse(MouseEventKind::ScrollDown, 3, 10);
    stage.mouse(MouseEventKind::ScrollUp, 3, 10);
    assert_eq!(stage.app.look().selected().row, 8);
    // The wheel turns what is under it.
    stage.mouse(MouseEventKind::ScrollUp, 90, 10);
    assert_eq!(stage.app.look().focused(), 1);
    stage.mouse(MouseEventKind::ScrollUp, 3, 10);
    assert_eq!(stage.app.look().selected().row, 7);
}

#[test]
fn a_click_closes_what_covers_and_does_nothing_else() {
    let recorder = Recorder::default();
    let mut stage = stage(&recorder, Origin::Live);
    stage.press("j?");
    stage.mouse(MouseEventKind::ScrollDown, 3, 10);
    assert!(stage.app.look().popup.is_some());
    stage.click(30, 1);
    assert_eq!((stage.app.look().popup.clone(), stage.app.look().screen), (None, 0));
}

#[test]
fn a_click_on_too_small_a_screen_does_nothing() {
    let recorder = Recorder::default();
    let mut stage = stage(&recorder, Origin::Live);
    let before = stage.app.look().selected();
    for size in [(79, 24), (1, 1)] {
        stage.resize(size.0, size.1);
        stage.click(0, 1);
        stage.mouse(MouseEventKind::ScrollDown, 0, 0);
    }
    assert_eq!(stage.app.look().selected(), before);
}
