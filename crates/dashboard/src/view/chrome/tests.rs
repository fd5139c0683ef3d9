//! Title, tabs, footer and covers at three sizes.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::draw;
use crate::controls::Paused;
use crate::sample;
use crate::stage::frames::{SIZES, frames, styled};
use crate::stage::text;
use crate::state::State;
use crate::theme::Theme;
use crate::user_view::{Ending, Popup, UserView};
use lockbench_report::live::{Origin, Update};

/// The screen whose panel is the chrome's own business.
const FAULTS: usize = 4;

fn look(theme: Theme) -> UserView {
    let mut look = UserView::new(theme, theme == Theme::Mono);
    look.screen = FAULTS;
    look
}

fn drawn(state: &State, look: &UserView, paused: Paused, (width, height): (u16, u16)) -> Buffer {
    let area = Rect::new(0, 0, width, height);
    let mut buffer = Buffer::empty(area);
    draw(state, look, paused, 0, area, &mut buffer);
    buffer
}

/// The violation has been seen, and the next trial is under way.
fn violated() -> State {
    sample::in_the_middle_of("memory", 3)
}

#[test]
fn snapshots() {
    let state = sample::in_the_middle_of("redis", 5);
    let violated = violated();
    let middle = |theme, size| drawn(&state, &look(theme), Paused::No, size);
    let held = |theme, size| {
        let mut held = look(theme);
        (held.frozen, held.ending) = (true, Ending::Asked);
        held.filter = "key 3".to_owned();
        drawn(&violated, &held, Paused::InForce, size)
    };
    for (name, shown) in frames("chrome_middle", middle).into_iter().chain(frames("chrome_violated_held", held)) {
        insta::assert_snapshot!(name, shown);
    }
    for size in SIZES {
        let name = |moment: &str| format!("chrome_{moment}_{}x{}", size.0, size.1);
        let mut helped = look(Theme::Default);
        helped.popup = Some(Popup::Help);
        insta::assert_snapshot!(name("help"), text(&drawn(&state, &helped, Paused::No, size)));
    }
}

#[test]
fn a_question_covers_the_panels() {
    let mut asked = look(Theme::Default);
    asked.popup = Some(Popup::Warning("3 clients hold a lock now. ".repeat(6)));
    insta::assert_snapshot!(styled(&drawn(&violated(), &asked, Paused::No, (80, 24))));
}

#[test]
fn what_must_be_seen_is_whole_at_the_narrowest() {
    let mut updates: Vec<Update> = sample::updates();
    if let Update::Run(facts) = &mut updates[0] {
        facts.origin = Origin::Replayed { speed: 0.125 };
    }
    let mut state = State::default();
    updates.into_iter().take_while(|update| !matches!(update, Update::Over(_))).for_each(|one| state.update(one));
    let mut look = look(Theme::Default);
    (look.frozen, look.ending) = (true, Ending::Over);
    for screen in 0..7 {
        look.screen = screen;
        let text = text(&drawn(&state, &look, Paused::InForce, (80, 24)));
        let title = text.lines().next().unwrap();
        let doubles = format!("!! {} double grants", lockbench_core::units::grouped(state.double_grants()));
        for words in [doubles.as_str(), "REPLAY x0.125", "OVER", "replay PAUSED", "display FROZEN"] {
            assert!(title.contains(words), "{words}: {title}");
        }
        assert!(text.lines().nth(1).unwrap().contains("4 Safe !!"), "{text}");
    }
}

#[test]
fn a_pause_that_the_run_itself_tells_of_is_shown_too() {
    let mut state = sample::in_the_middle_of("redis", 5);
    let at = state.current.unwrap();
    state.systems[at].snapshot.as_mut().unwrap().paused = true;
    state.run.as_mut().unwrap().origin = Origin::Followed;
    let text = text(&drawn(&state, &look(Theme::Default), Paused::No, (80, 24)));
    assert!(text.contains("FOLLOWING") && text.contains("load PAUSED"), "{text}");
}

#[test]
fn a_pause_brings_the_end_of_a_trial_no_nearer() {
    let mut state = sample::in_the_middle_of("redis", 5);
    let at = state.current.unwrap();
    let title = |state: &State| {
        let text = text(&drawn(state, &look(Theme::Default), Paused::No, (120, 40)));
        text.lines().next().unwrap().split("left").nth(1).unwrap().to_owned()
    };
    let before = title(&state);
    state.systems[at].snapshot.as_mut().unwrap().elapsed_ns += 3_600_000_000_000;
    assert_eq!(title(&state), before);
}

#[test]
fn before_the_first_trial_the_title_says_what_is_awaited() {
    let empty = text(&drawn(&State::default(), &look(Theme::Default), Paused::No, (80, 24)));
    assert!(empty.starts_with("lockbench  starting"), "{empty}");
    let mut state = State::default();
    state.update(sample::updates().remove(0));
    let begun = text(&drawn(&state, &look(Theme::Default), Paused::No, (80, 24)));
    assert!(begun.lines().next().unwrap().contains("preparing the systems"), "{begun}");
}

#[test]
fn ascii_is_ascii_under_every_cover() {
    let state = violated();
    for popup in [Popup::Help, Popup::Explain("a".repeat(900)), Popup::Story("b ".repeat(900))] {
        let mut look = look(Theme::Mono);
        look.popup = Some(popup);
        for size in SIZES {
            let text = text(&drawn(&state, &look, Paused::InForce, size));
            assert!(text.is_ascii(), "{text}");
        }
    }
}
