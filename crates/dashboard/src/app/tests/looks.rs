//! The filter, the frozen display, sizes, and files.

use ratatui::crossterm::event::{KeyCode, KeyModifiers};

use super::{middle, rest, stage};
use crate::stage::{Recorder, Stage};
use crate::theme::{THEMES, Theme};
use crate::user_view::UserView;
use crate::view::SCREENS;
use lockbench_core::plain::is_order;
use lockbench_report::live::{Origin, Update};

#[test]
fn letters_of_a_filter_are_text_and_not_actions() {
    let recorder = Recorder::default();
    let mut stage = stage(&recorder, Origin::Live);
    stage.press("/qpmw?1");
    assert_eq!(recorder.heard(), Vec::<String>::new());
    assert_eq!((stage.app.look().filter.as_str(), stage.app.look().screen), ("qpmw?1", 0));
    assert!(stage.text().contains("/ qpmw?1_"));
    stage.key(KeyCode::Backspace, KeyModifiers::NONE);
    stage.key(KeyCode::Enter, KeyModifiers::NONE);
    assert!(stage.text().contains("filter \"qpmw?\" (Esc clears)"));
    stage.press("2");
    assert_eq!((stage.app.look().filter.as_str(), stage.app.look().screen), ("qpmw?", 1));
    stage.press("/x");
    stage.key(KeyCode::Esc, KeyModifiers::NONE);
    assert_eq!((stage.app.look().filter.as_str(), stage.app.look().filtering), ("", false));
    stage.press("/");
    stage.control('c');
    assert_eq!(recorder.heard(), ["finish"]);
}

#[test]
fn a_frozen_display_stands_still_and_goes_on_from_the_newest() {
    let recorder = Recorder::default();
    let mut stage = stage(&recorder, Origin::Live);
    let title = |stage: &mut Stage<'_>| stage.text().lines().next().unwrap().to_owned();
    let before = title(&mut stage);
    stage.press("f");
    let frozen = title(&mut stage);
    assert!(frozen.contains("display FROZEN"));
    stage.take(rest());
    assert_eq!(title(&mut stage), frozen);
    stage.press(" ");
    let after = title(&mut stage);
    assert!(after != before && after.contains("double grants") && !after.contains("FROZEN"), "{after}");
}

#[test]
fn pause_and_freeze_are_two_things_and_the_title_tells_them_apart() {
    let recorder = Recorder::default();
    let mut stage = stage(&recorder, Origin::Live);
    let mut seen = Vec::new();
    for keys in ["", "p", "f", "p", "f"] {
        stage.press(keys);
        let text = stage.text();
        let title = text.lines().next().unwrap();
        seen.push((title.contains("load PAUSED"), title.contains("display FROZEN")));
    }
    assert_eq!(seen, [(false, false), (true, false), (true, true), (false, true), (false, false)]);
    assert_eq!(recorder.heard(), ["pause true", "pause false"]);
}

#[test]
fn servers_are_asked_only_while_their_screen_is_seen_and_not_frozen() {
    let recorder = Recorder::default();
    let mut stage = stage(&recorder, Origin::Live);
    stage.press("6");
    assert_eq!(recorder.heard(), ["servers true"]);
    stage.press("jf");
    assert_eq!(recorder.heard(), ["servers false"]);
    stage.press("f1");
    assert_eq!(recorder.heard(), ["servers true", "servers false"]);
}

#[test]
fn files_have_the_next_free_number() {
    let recorder = Recorder::default();
    recorder.files.borrow_mut().push(("demo-2.svg".to_owned(), Vec::new()));
    let mut stage = stage(&recorder, Origin::Live);
    stage.press("ww");
    assert_eq!(recorder.heard(), ["save demo-1.txt", "save demo-1.svg", "save demo-3.txt", "save demo-3.svg"]);
    assert!(stage.text().contains("written: screens/demo-3.txt and .svg"));
    let files = recorder.files.borrow();
    let text = String::from_utf8(files[3].1.clone()).unwrap();
    // The message about the first file is no part of the second.
    assert!(text.starts_with("lockbench") && !text.contains("written"), "{text}");
}

#[test]
fn every_size_is_drawn_and_too_small_a_one_says_so() {
    let recorder = Recorder::default();
    let mut stage = stage(&recorder, Origin::Live);
    for (width, height) in [(80, 24), (200, 60), (79, 24), (80, 23), (20, 5), (1, 1), (120, 40)] {
        stage.resize(width, height);
        let text = stage.text();
        if width >= 80 && height >= 24 {
            assert!(text.contains("row 0 column 0"), "{width}x{height}");
        } else if width > 40 {
            let recorder =
                format!("lockbench needs 80x24, this terminal has {width}x{height}. The run goes on; q ends it.");
            assert!(text.replace('\n', " ").contains(&recorder), "{text}");
        }
    }
    stage.resize(40, 10);
    stage.draw();
    stage.press("wq");
    assert_eq!(recorder.heard(), ["save demo-1.txt", "save demo-1.svg", "finish"]);
}

#[test]
fn a_panel_without_room_takes_that_of_another_once_it_has_the_focus() {
    let recorder = Recorder::default();
    let mut stage = stage(&recorder, Origin::Live);
    stage.resize(80, 24);
    assert!(stage.text().contains("panel 1/2: h l"));
    stage.press("lll");
    let text = stage.text();
    assert!(text.contains("panel 2/2") && !text.contains("row 0 column"), "{text}");
    stage.press("l");
    assert!(stage.text().contains("row 0 column 0"));
    stage.press("hh");
    assert!(stage.text().contains("row 0 column 2"));
}

#[test]
fn every_key_on_every_screen_at_every_size_draws_something() {
    let updates = middle(Origin::Live);
    let keys = "sjjklhhe+-ux\n?jj\u{1b}g G/re\n]\n\u{1b}\u{1b}ew";
    for theme in THEMES {
        let recorder = Recorder::default();
        let mut stage = Stage::new(UserView::new(theme, theme == Theme::Mono), &recorder, (80, 24));
        for updates in [Vec::new(), updates.clone(), rest()] {
            stage.take(updates);
            for screen in 0..SCREENS.len() {
                stage.press(&(screen + 1).to_string());
                for (key, size) in keys.chars().zip([(80, 24), (120, 40), (200, 60), (101, 33)].into_iter().cycle()) {
                    match key {
                        '\n' => stage.key(KeyCode::Enter, KeyModifiers::NONE),
                        '\u{1b}' => stage.key(KeyCode::Esc, KeyModifiers::NONE),
                        _ => stage.press(&key.to_string()),
                    }
                    stage.resize(size.0, size.1);
                    let text = stage.text();
                    assert!(theme != Theme::Mono || text.is_ascii(), "screen {}: {text}", screen + 1);
                }
            }
        }
    }
}

#[test]
fn where_nobody_knows_what_is_on_the_screen_all_of_it_is_drawn_anew() {
    use ratatui::crossterm::event::Event;
    let recorder = Recorder::default();
    let mut stage = stage(&recorder, Origin::Live);
    stage.draw();
    stage.scribble("half of a frame");
    stage.app.event(&Event::Resize(0, 0));
    assert!(stage.shows().contains("half of a frame") && !stage.text().contains("half of a frame"));
}

#[test]
fn no_text_of_others_commands_the_terminal_on_any_screen() {
    const PLANTED: &str = "\u{1b}[2J\u{1b}]0;t\u{7}\u{202e}\u{9b}1m\u{2066}EVIL";
    let recorder = Recorder::default();
    let mut stage = Stage::new(UserView::new(Theme::Default, false), &recorder, (120, 40));
    let mut updates = middle(Origin::Live);
    for update in &mut updates {
        match update {
            Update::Run(facts) => {
                facts.workload = PLANTED.to_owned();
                facts.question = PLANTED.to_owned();
                facts.load = PLANTED.to_owned();
            }
            Update::System(system) => {
                system.facts.version = PLANTED.to_owned();
                system.facts.role = PLANTED.to_owned();
                system.addresses = vec![PLANTED.to_owned()];
            }
            _ => {}
        }
    }
    updates.push(Update::Note(PLANTED.to_owned()));
    stage.take(updates);
    let mut seen = 0;
    for screen in 0..SCREENS.len() {
        stage.press(&(screen + 1).to_string());
        let text = stage.text();
        seen += usize::from(text.contains("EVIL"));
        assert!(!text.contains(|c: char| c != '\n' && is_order(c)), "screen {}: {text:?}", screen + 1);
    }
    assert!(seen > 0, "it was shown nowhere");
}

#[test]
fn the_table_of_systems_follows_the_one_that_runs_until_a_row_is_picked() {
    let recorder = Recorder::default();
    let mut stage = Stage::new(UserView::new(Theme::Default, false), &recorder, (120, 40));
    stage.take(middle(Origin::Live));
    let running = stage.app.shown().running().map(|system| system.name.clone()).unwrap();
    let marked = |stage: &mut Stage<'_>| {
        let text = stage.text();
        let line = text.lines().find(|line| line.contains('▸')).unwrap_or_default().to_owned();
        line.split_once('▸').map_or("", |(_, after)| after).split_whitespace().next().unwrap_or_default().to_owned()
    };
    assert_eq!(marked(&mut stage), running);
    let last = stage.app.shown().systems.last().unwrap().name.clone();
    stage.press("G");
    assert_eq!(marked(&mut stage), last);
    stage.key(KeyCode::Esc, KeyModifiers::NONE);
    assert_eq!(marked(&mut stage), running);
}

#[test]
fn going_over_to_a_panel_begins_at_its_near_edge() {
    let recorder = Recorder::default();
    let mut stage = stage(&recorder, Origin::Live);
    let place = |stage: &Stage<'_>| (stage.app.look().focused(), stage.app.look().selected().column);
    stage.press("lll");
    assert_eq!(place(&stage), (1, 0));
    stage.press("l");
    assert_eq!(place(&stage), (0, 0));
    stage.press("hh");
    assert_eq!(place(&stage), (0, 2));
}
