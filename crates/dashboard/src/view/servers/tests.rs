//! The servers as a person sees them, from recorded runs with made-up looks.

#![allow(clippy::unwrap_used, reason = "for tests")]

use ratatui::layout::Position;

use super::SCREEN;
use crate::controls::Paused;
use crate::sample::in_the_middle_of;
use crate::stage::frames::frames;
use crate::stage::{panels, text};
use crate::state::State;
use crate::theme::Theme;
use crate::user_view::UserView;
use crate::view::{Room, View};
use lockbench_report::live::Origin;

const SERVERS: usize = 5;

/// The trial of a system, its servers asked a second apart.
fn asked(backend: &str) -> State {
    let mut state = in_the_middle_of(backend, 5);
    let at = state.current.unwrap();
    let system = &mut state.systems[at];
    for (second, look) in system.looks.iter_mut().enumerate() {
        look.at_ns = 1_000_000_000 * (second as u64 + 1);
        look.round_trip_ns = look.round_trip_ns.filter(|_| backend != "memory");
    }
    let role = match backend {
        "redis" => "master",
        "etcd" => "leader",
        _ => "in this process",
    };
    if let Some(facts) = &mut system.facts {
        facts.facts.role = role.to_owned();
    }
    state
}

fn look(panel: usize) -> UserView {
    let mut look = UserView::new(Theme::Default, false);
    (look.screen, look.focus[SERVERS]) = (SERVERS, panel);
    look
}

fn view<'a>(state: &'a State, look: &'a UserView) -> View<'a> {
    View { state, look, panel: look.focused(), room: Room::Normal, paused: Paused::No, now: 4_500_000_000 }
}

#[test]
fn snapshots() {
    for (moment, state) in [("redis", asked("redis")), ("memory", asked("memory"))] {
        let draw = |theme, size| panels(SERVERS, &state, &UserView::new(theme, false), size);
        for (name, shown) in frames(&format!("servers_{moment}"), draw) {
            insta::assert_snapshot!(name, shown);
        }
    }
    let ascii = panels(SERVERS, &asked("etcd"), &UserView::new(Theme::Mono, true), (80, 24));
    assert!(text(&ascii).is_ascii());
    insta::assert_snapshot!("servers_etcd_80x24_ascii", text(&ascii));
}

#[test]
fn what_was_not_asked_is_said_and_why() {
    let mut state = asked("redis");
    let at = state.current.unwrap();
    state.systems[at].looks.back_mut().unwrap().problem = Some("redis at h:1: connection refused".to_owned());
    state.systems[at].looks.back_mut().unwrap().round_trip_ns = None;
    let dead = text(&panels(SERVERS, &state, &look(2), (80, 24)));
    assert!(dead.contains("no answer: redis at h:1: connection refused"), "{dead}");
    state.systems[at].looks.clear();
    let asking = text(&panels(SERVERS, &state, &look(2), (80, 24)));
    assert!(asking.contains("redis is being asked."), "{asking}");
    state.run.as_mut().unwrap().origin = Origin::Replayed { speed: 1.0 };
    let replayed = text(&panels(SERVERS, &state, &look(2), (80, 24)));
    assert!(replayed.contains("there are no servers to ask"), "{replayed}");
    let nothing = text(&panels(SERVERS, &State::default(), &look(0), (80, 24)));
    assert!(nothing.contains("No system is shown yet."), "{nothing}");
}

#[test]
fn every_row_and_figure_is_explained_with_its_value() {
    let state = asked("redis");
    let mut sentences = Vec::new();
    for (panel, rows, columns) in [(0, 8, 1), (1, 1, 3), (2, 4, 1)] {
        for row in 0..rows {
            for column in 0..columns {
                let mut look = look(panel);
                (look.selected_mut().row, look.selected_mut().column) = (row, column);
                sentences.push((SCREEN.panels[panel].explain)(&view(&state, &look)));
            }
        }
    }
    assert!(sentences.iter().all(|sentence| sentence.ends_with('.')));
    insta::assert_snapshot!("servers_sentences", sentences.join("\n"));
}

#[test]
fn keys_are_filtered_by_name_and_holder_and_clicked() {
    let state = asked("redis");
    let mut look = look(2);
    let keys = SCREEN.panels[2];
    let listed = |look: &UserView| (keys.rows)(&view(&state, look));
    assert_eq!(listed(&look), 4);
    look.filter = "k3".to_owned();
    assert_eq!(listed(&look), 1);
    let system = &state.systems[state.current.unwrap()];
    let holder = system.looks.back().unwrap().keys[0].holder.clone().unwrap();
    look.filter = holder.identity;
    assert!(listed(&look) >= 1);
    look.filter.clear();
    let areas = (SCREEN.arrange)(ratatui::layout::Rect::new(0, 0, 80, 21), Room::Compact);
    let at = Position::new(10, areas[2].y + 3);
    assert_eq!((keys.hit)(&view(&state, &look), areas[2], at), Some((1, 0)));
}

#[test]
fn the_share_of_a_processor_is_that_between_the_last_two_looks() {
    let state = asked("redis");
    let mut look = look(1);
    look.selected_mut().column = 1;
    let sentence = (SCREEN.panels[1].explain)(&view(&state, &look));
    assert!(sentence.starts_with("redis, CPU 0.09 processors"), "{sentence}");
}
