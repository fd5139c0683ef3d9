//! The screen drawn from what was recorded of real runs.

use super::HISTOGRAM;
use crate::controls::Paused;
use crate::sample::{at_the_end, in_the_middle_of};
use crate::stage::frames::{SIZES, frames};
use crate::stage::{explained, look, panels, showing, text};
use crate::state::State;
use crate::theme::Theme;
use crate::view::{Room, SCREENS, View};

const SCREEN: usize = 1;

#[test]
fn snapshots() {
    let moments = [
        ("redis-midway", in_the_middle_of("redis", 8), None),
        ("redis-over", at_the_end(), Some("redis")),
        ("memory-no-grant", in_the_middle_of("memory", 6), None),
    ];
    for (moment, state, system) in &moments {
        let draw = |theme, size| {
            let mut look = look(SCREEN, theme, false);
            look.system = system.and_then(|system| showing(state, system));
            panels(SCREEN, state, &look, size)
        };
        for (name, shown) in frames(&format!("latency_{moment}"), draw) {
            insta::assert_snapshot!(name, shown);
        }
    }
}

#[test]
fn each_panel_fills_the_screen() {
    let state = in_the_middle_of("redis", 8);
    for (panel, name) in ["chart", "histogram", "table"].into_iter().enumerate() {
        let mut look = look(SCREEN, Theme::Mono, false);
        (look.expanded, look.focus[SCREEN]) = (true, panel);
        insta::assert_snapshot!(format!("latency_{name}_80x24"), text(&panels(SCREEN, &state, &look, (80, 24))));
    }
}

#[test]
fn where_there_is_little_room_the_histogram_takes_the_place_of_the_chart() {
    let state = in_the_middle_of("redis", 8);
    let mut look = look(SCREEN, Theme::Default, false);
    assert!(text(&panels(SCREEN, &state, &look, (80, 24))).contains("warm-up"));
    look.focus[SCREEN] = HISTOGRAM;
    let shown = text(&panels(SCREEN, &state, &look, (80, 24)));
    assert!(shown.contains("closed loop: response = service time") && shown.contains("hand-off"), "{shown}");
}

#[test]
fn in_a_closed_loop_service_and_response_are_one_panel_that_says_so() {
    let mut state = in_the_middle_of("redis", 8);
    let shown = |state: &State, size| text(&panels(SCREEN, state, &look(SCREEN, Theme::Mono, false), size));
    let histogram = |state: &State| explained(SCREEN, state, &look(SCREEN, Theme::Mono, false), 1);
    for size in SIZES {
        let closed = shown(&state, size);
        assert!(closed.contains("closed loop: response = service time"), "{closed}");
        assert!(!closed.contains("from due instant") && !closed.contains("wait, response"), "{closed}");
    }
    assert!(histogram(&state).contains("In a closed loop without think time"), "{}", histogram(&state));
    // With think time, or at a fixed rate, they are two.
    state.run.as_mut().unwrap().due_at_start = false;
    for size in SIZES {
        let open = shown(&state, size);
        assert!(open.contains("wait, response") && !open.contains("closed loop"), "{open}");
    }
    assert!(shown(&state, (120, 40)).contains("response time: from due instant"));
    assert!(histogram(&state).contains("response time from the instant"));
}

#[test]
fn ascii_is_ascii_alone() {
    for state in [in_the_middle_of("redis", 8), in_the_middle_of("memory", 6), State::default()] {
        for size in SIZES {
            for focus in 0..3 {
                let mut look = look(SCREEN, Theme::Default, true);
                look.focus[SCREEN] = focus;
                let shown = text(&panels(SCREEN, &state, &look, size));
                assert!(shown.is_ascii(), "{shown}");
            }
        }
    }
}

#[test]
fn a_system_that_grants_nothing_says_so() {
    let state = in_the_middle_of("memory", 6);
    let shown = text(&panels(SCREEN, &state, &look(SCREEN, Theme::Mono, false), (120, 40)));
    assert!(shown.contains("no grant yet:") && shown.contains("attempts timed out"), "{shown}");
    let mut look = look(SCREEN, Theme::Mono, false);
    look.selection[SCREEN][2].column = 4;
    let told = explained(SCREEN, &state, &look, 2);
    assert!(told.starts_with("memory, wait p99 is not known: no grant yet"), "{told}");
}

#[test]
fn every_figure_is_explained_with_its_value_or_why_there_is_none() {
    let over = at_the_end();
    for (state, system) in [(&over, "redis"), (&over, "postgres:advisory"), (&in_the_middle_of("etcd", 9), "etcd")] {
        let mut look = look(SCREEN, Theme::Mono, false);
        look.system = showing(state, system);
        for row in 0..6 {
            for column in 0..8 {
                let selection = &mut look.selection[SCREEN][2];
                (selection.row, selection.column) = (row, column);
                let told = explained(SCREEN, state, &look, 2);
                assert!(told.starts_with(system) && told.ends_with('.'), "{told}");
                assert!(told.contains("measure phase") || told.contains("is not known: "), "{told}");
            }
        }
    }
    let mut look = look(SCREEN, Theme::Mono, false);
    look.system = showing(&over, "redis");
    (look.selection[SCREEN][2].row, look.selection[SCREEN][2].column) = (2, 5);
    let told = explained(SCREEN, &over, &look, 2);
    let count = over.systems[look.system.unwrap()].latency().unwrap().handoff.count;
    assert_eq!(told, format!("redis, hand-off p99.9 is not known: {count} samples, needs 10000."));
    look.selection[SCREEN][2].row = 4;
    assert!(explained(SCREEN, &over, &look, 2).ends_with("no renewal was made."));
}

#[test]
fn the_figures_after_a_trial_are_those_of_its_report() {
    let state = at_the_end();
    let mut look = look(SCREEN, Theme::Mono, false);
    look.system = showing(&state, "redis");
    let result = state.systems[look.system.unwrap()].result.as_ref().unwrap();
    let shown = text(&panels(SCREEN, &state, &look, (120, 40)));
    for ns in [result.latency.acquire_service.p99_ns, result.latency.release.p50_ns, result.latency.hold.max_ns] {
        let figure = look.units.duration(ns.unwrap());
        assert!(shown.contains(&figure), "{figure}\n{shown}");
    }
    assert_eq!(state.systems[look.system.unwrap()].waits().unwrap().0.total(), result.grants);
}

#[test]
fn a_system_without_a_trial_has_a_sentence() {
    let mut look = look(SCREEN, Theme::Mono, false);
    let shown = text(&panels(SCREEN, &State::default(), &look, (80, 24)));
    assert!(shown.contains("No system runs yet"), "{shown}");
    let state = in_the_middle_of("redis", 3);
    look.system = showing(&state, "zookeeper");
    assert!(explained(SCREEN, &state, &look, 0).contains("does not take part: ZooKeeper's jars"));
    look.system = showing(&state, "memory");
    assert!(explained(SCREEN, &state, &look, 2).contains("waits for its turn"));
}

#[test]
fn a_second_without_a_grant_is_a_gap() {
    let mut state = in_the_middle_of("redis", 12);
    let at = state.current.unwrap();
    let second = &mut state.systems[at].seconds[2];
    (second.grants, second.p50_ns, second.p99_ns, second.max_ns) = (0, None, None, None);
    let shown = text(&panels(SCREEN, &state, &look(SCREEN, Theme::Mono, false), (120, 40)));
    insta::assert_snapshot!("latency_gap_120x40", shown);
}

#[test]
fn a_click_selects_the_figure_below_it() {
    use ratatui::layout::{Position, Rect};
    let state = in_the_middle_of("redis", 8);
    let look = look(SCREEN, Theme::Mono, false);
    let view = View { state: &state, look: &look, panel: 2, room: Room::Compact, paused: Paused::No, now: 0 };
    let area = Rect::new(0, 12, 80, 9);
    let hit = |x, y| (SCREENS[SCREEN].panels[2].hit)(&view, area, Position::new(x, y));
    // Five kinds: in a closed loop the two waits are one.
    assert_eq!((hit(40, 13), hit(20, 14), hit(79, 18)), (None, Some((0, 0)), Some((4, 6))));
    assert_eq!(hit(79, 19), None);
}

#[test]
fn long_units_are_never_cut() {
    let state = in_the_middle_of("redis", 8);
    let mut look = look(SCREEN, Theme::Mono, false);
    look.units = crate::text::Units::Micro;
    for focus in [0, HISTOGRAM] {
        look.focus[SCREEN] = focus;
        let shown = text(&panels(SCREEN, &state, &look, (80, 24)));
        assert!(!shown.contains(look.glyphs.more), "{shown}");
        insta::assert_snapshot!(format!("latency_micro_{focus}_80x24"), shown);
    }
}
