//! The overview as a person sees it, from recorded runs.

#![allow(clippy::unwrap_used, reason = "for tests")]

use super::SCREEN;
use super::mark::Mark;
use crate::controls::Paused;
use crate::sample::{at_the_end, in_the_middle_of, updates};
use crate::stage::frames::{SIZES, frames};
use crate::stage::{panels, text};
use crate::state::{Standing, State};
use crate::theme::Theme;
use crate::user_view::UserView;
use crate::view::{Opened, Panel, Room, View};
use lockbench_report::live::{TrialStart, Update};

fn look() -> UserView {
    UserView::new(Theme::Default, false)
}

fn view<'a>(state: &'a State, look: &'a UserView) -> View<'a> {
    View { state, look, panel: look.focused(), room: Room::Normal, paused: Paused::No, now: 0 }
}

fn systems() -> &'static Panel {
    SCREEN.panels[0]
}

/// The sentence of a figure of the row of a system.
fn sentence(state: &State, row: usize, column: usize) -> String {
    let mut look = look();
    (look.selected_mut().row, look.selected_mut().column) = (row, column);
    (systems().explain)(&view(state, &look))
}

#[test]
fn snapshots() {
    let moments = [
        ("middle", in_the_middle_of("redis", 8)),
        ("violation", in_the_middle_of("control:no-lock", 3)),
        ("timeouts", in_the_middle_of("memory", 8)),
        ("end", at_the_end()),
    ];
    for (moment, state) in moments {
        let draw = |theme, size| panels(0, &state, &UserView::new(theme, false), size);
        for (name, shown) in frames(&format!("overview_{moment}"), draw) {
            insta::assert_snapshot!(name, shown);
        }
    }
    insta::assert_snapshot!("overview_empty_80x24", text(&panels(0, &State::default(), &look(), (80, 24))));
    let ascii = panels(0, &at_the_end(), &UserView::new(Theme::Mono, true), (120, 40));
    assert!(text(&ascii).is_ascii());
    insta::assert_snapshot!("overview_end_120x40_ascii", text(&ascii));
    let mut expanded = look();
    expanded.expanded = true;
    insta::assert_snapshot!("overview_expanded_80x24", text(&panels(0, &at_the_end(), &expanded, (80, 24))));
}

#[test]
fn every_figure_is_explained_with_its_value() {
    let mut sentences = Vec::new();
    for state in [in_the_middle_of("redis", 8), in_the_middle_of("memory", 8), at_the_end()] {
        for row in 0..state.systems.len() {
            for column in 0..16 {
                let sentence = sentence(&state, row, column);
                assert!(sentence.ends_with('.') && sentence.starts_with(&state.systems[row].name), "{sentence}");
                assert!(!sentence.contains(".."), "{sentence}");
                sentences.push(sentence);
            }
        }
    }
    insta::assert_snapshot!("overview_sentences", sentences.join("\n"));
    let end = at_the_end();
    let mut look = look();
    look.focus[0] = 1;
    let lines: Vec<String> = (0..6)
        .map(|row| {
            look.selected_mut().row = row;
            (SCREEN.panels[1].explain)(&view(&end, &look))
        })
        .collect();
    insta::assert_snapshot!("overview_generator_sentences", lines.join("\n"));
}

#[test]
fn the_marked_figure_is_the_explained_one_also_below_the_table() {
    let state = at_the_end();
    let mut look = look();
    (look.selected_mut().row, look.selected_mut().column) = (0, 7);
    let shown = text(&panels(0, &state, &look, (80, 24)));
    assert!(shown.contains("redis  hand-off p99"), "{shown}");
    assert!(sentence(&state, 0, 7).starts_with("redis, hand-off p99"));
}

#[test]
fn rows_are_sorted_and_filtered_and_opened() {
    let state = at_the_end();
    let mut look = look();
    look.selected_mut().row = 0;
    let first = |look: &UserView| match (systems().open)(&view(&state, look)) {
        Opened::System(at) => state.systems[at].name.clone(),
        other => panic!("{other:?}"),
    };
    let firsts: Vec<String> = (0..systems().sorts.len())
        .map(|sort| {
            look.selected_mut().sort = sort;
            first(&look)
        })
        .collect();
    assert_eq!(firsts[0], "redis");
    assert_eq!((firsts[3].as_str(), firsts[4].as_str()), ("control:no-lock", "control:no-lock"));
    look.selected_mut().sort = 0;
    look.filter = "POST".to_owned();
    assert_eq!((first(&look).as_str(), (systems().rows)(&view(&state, &look))), ("postgres:advisory", 1));
    look.filter = "nothing".to_owned();
    assert_eq!((systems().open)(&view(&state, &look)), Opened::Nothing);
    assert!(text(&panels(0, &state, &look, (80, 24))).contains("No system's name contains"));
}

#[test]
fn a_click_marks_what_is_under_it() {
    let state = at_the_end();
    let look = look();
    let buffer = panels(0, &state, &look, (120, 40));
    let shown = text(&buffer);
    let (y, line) = shown.lines().enumerate().find(|(_, line)| line.contains("etcd")).unwrap();
    let heading = shown.lines().nth(1).unwrap();
    let x = heading[..heading.find(" p99").unwrap()].chars().count() + 2;
    let areas = (SCREEN.arrange)(buffer.area, Room::Normal);
    let at = ratatui::layout::Position::new(x as u16, y as u16);
    assert_eq!((systems().hit)(&view(&state, &look), areas[0], at), Some((2, 3)), "{line}");
    let outside = ratatui::layout::Position::new(0, 0);
    assert_eq!((systems().hit)(&view(&state, &look), areas[0], outside), None);
}

#[test]
fn a_tick_is_earned_and_kept_only_by_trials_that_were_judged() {
    let mut state = State::default();
    let mark = |state: &State, name: &str| Mark::of(state.systems.iter().find(|system| system.name == name).unwrap());
    let mut ends = Vec::new();
    for update in updates() {
        if let Update::Ended(end) = &update {
            ends.push(end.clone());
        }
        state.update(update);
    }
    assert_eq!(mark(&state, "redis"), Mark::Valid);
    assert!(matches!(mark(&state, "control:no-lock"), Mark::Broken { double_grants: 1.., .. }));
    assert_eq!(mark(&state, "zookeeper"), Mark::Nothing);
    // A trial that failed is not mended by the next one.
    let mut failed = ends.into_iter().find(|end| end.result.backend == "redis").unwrap();
    let again = |trial| Update::Trial(TrialStart { backend: "redis".to_owned(), trial, place: 1, places: 9 });
    let good = failed.clone();
    failed.result.error = Some("the server died".to_owned());
    failed.result.trial = 2;
    state.update(again(2));
    state.update(Update::Ended(failed));
    assert_eq!((state.systems[0].standing, mark(&state, "redis")), (Standing::Failed, Mark::Unknown));
    let shown = text(&panels(0, &state, &look(), (80, 24)));
    assert!(shown.contains("× failed: the server died"), "{shown}");
    let mut third = good;
    third.result.trial = 3;
    state.update(again(3));
    state.update(Update::Ended(third));
    assert_eq!(mark(&state, "redis"), Mark::Unknown);
    // Nor is a double grant forgotten.
    let broken = state.systems.iter().position(|system| system.name == "control:no-lock").unwrap();
    state.systems[broken].standing = Standing::Failed;
    let sentence = sentence(&state, broken, 11);
    assert!(sentence.contains("failed"), "{sentence}");
}

#[test]
fn of_several_trials_the_heading_says_whose_figures_these_are() {
    let mut state = at_the_end();
    assert!(!text(&panels(0, &state, &look(), (120, 40))).contains("latest trial"));
    state.run.as_mut().unwrap().trials = 3;
    for size in SIZES {
        let shown = text(&panels(0, &state, &look(), size));
        assert!(shown.contains("Systems, the latest trial of each; wait"), "{shown}");
    }
}
