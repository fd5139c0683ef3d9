//! The screen drawn from what was recorded of real runs.

use super::GRANTS;
use crate::controls::Paused;
use crate::sample::{at_the_end, in_the_middle_of};
use crate::stage::frames::{SIZES, frames};
use crate::stage::{explained, look, panels, showing, text};
use crate::state::{HeatKey, State};
use crate::theme::Theme;
use crate::view::{Room, SCREENS, View};

const SCREEN: usize = 2;

/// A run on many keys with many clients.
fn crowd() -> State {
    let mut state = in_the_middle_of("redis", 8);
    let at = state.current.unwrap();
    let system = &mut state.systems[at];
    for column in &mut system.heat {
        let known_ns = column.length_ns;
        let keys = (0..64).map(|key| HeatKey { key, contended: u64::from(200 / (key + 1)), known_ns });
        column.keys = keys.collect();
    }
    let snapshot = system.snapshot.as_mut().unwrap();
    let key = snapshot.keys[0];
    snapshot.keys = (0..64)
        .map(|number| {
            let contended = 8_000 / (u64::from(number) + 1);
            lockbench_report::live::KeyLive { key: number, contended, attempts: 9_000, ..key }
        })
        .collect();
    snapshot.more_keys = 936;
    snapshot.grants_of = (0..1_000).map(|client| (client * 37) % 911).collect();
    snapshot.longest_wait_of = (0..1_000).map(|client| client * 10_000).collect();
    state
}

#[test]
fn snapshots() {
    let moments = [
        ("redis-midway", in_the_middle_of("redis", 8), None),
        ("redis-over", at_the_end(), Some("redis")),
        ("no-lock", in_the_middle_of("control:no-lock", 4), None),
        ("memory-no-grant", in_the_middle_of("memory", 6), None),
        ("crowd", crowd(), None),
    ];
    for (moment, state, system) in &moments {
        let draw = |theme, size| {
            let mut look = look(SCREEN, theme, false);
            look.system = system.and_then(|system| showing(state, system));
            panels(SCREEN, state, &look, size)
        };
        for (name, shown) in frames(&format!("contention_{moment}"), draw) {
            insta::assert_snapshot!(name, shown);
        }
    }
}

#[test]
fn each_panel_fills_the_screen() {
    let state = crowd();
    for (panel, name) in ["heat", "queue", "figures", "grants"].into_iter().enumerate() {
        let mut look = look(SCREEN, Theme::Mono, false);
        (look.expanded, look.focus[SCREEN]) = (true, panel);
        insta::assert_snapshot!(format!("contention_{name}_80x24"), text(&panels(SCREEN, &state, &look, (80, 24))));
    }
}

#[test]
fn ascii_is_ascii_alone() {
    for state in [crowd(), in_the_middle_of("memory", 6), State::default(), at_the_end()] {
        for size in SIZES {
            for focus in 0..4 {
                let mut look = look(SCREEN, Theme::Default, true);
                look.focus[SCREEN] = focus;
                let shown = text(&panels(SCREEN, &state, &look, size));
                assert!(shown.is_ascii(), "{shown}");
            }
        }
    }
}

#[test]
fn the_selected_key_and_client_are_always_shown() {
    let state = crowd();
    for row in [0, 3, 17, 40, 63, 500, 998, 999] {
        let mut look = look(SCREEN, Theme::Mono, false);
        for (focus, name, last) in [(0, "key", 63), (GRANTS, "client", 999)] {
            look.focus[SCREEN] = focus;
            look.selection[SCREEN][focus].row = row;
            look.selection[SCREEN][focus].sort = if focus == 0 { 1 } else { 3 };
            for size in SIZES {
                let shown = text(&panels(SCREEN, &state, &look, size));
                let wanted = format!("▸ {name} {} ", row.min(last));
                assert!(shown.contains(&wanted), "{wanted}\n{shown}");
            }
        }
    }
}

#[test]
fn of_many_clients_the_most_and_the_least_served_ones_are_shown() {
    let state = crowd();
    let mut look = look(SCREEN, Theme::Mono, false);
    look.focus[SCREEN] = GRANTS;
    let shown = text(&panels(SCREEN, &state, &look, (120, 40)));
    let (most, least) = (&state.running().unwrap().grants_of(), 0);
    assert!(shown.contains(&most.iter().max().unwrap().to_string()), "{shown}");
    assert!(
        most.contains(&least) && shown.contains("clients between the first and the last ones are left out"),
        "{shown}"
    );
}

#[test]
fn every_figure_is_explained_with_its_value_or_why_there_is_none() {
    let over = at_the_end();
    let midway = in_the_middle_of("memory", 6);
    for (state, system) in [(&over, "redis"), (&over, "control:no-lock"), (&over, "memory"), (&midway, "memory")] {
        let mut look = look(SCREEN, Theme::Mono, false);
        look.system = showing(state, system);
        for row in 0..9 {
            look.selection[SCREEN][2].row = row;
            let told = explained(SCREEN, state, &look, 2);
            assert!(told.starts_with(system) && told.ends_with('.'), "{told}");
            assert!(told.contains("measure phase") || told.contains("is not known: "), "{told}");
        }
        for panel in [0, 1, 3] {
            assert!(explained(SCREEN, state, &look, panel).starts_with(system), "{panel}");
        }
    }
    let mut look = look(SCREEN, Theme::Mono, false);
    look.system = showing(&over, "redis");
    look.selection[SCREEN][2].row = 3;
    let requests = over.systems[look.system.unwrap()].requests_per_grant().unwrap();
    let told = format!("redis, requests per grant {requests:.2} (clients wait by polling)");
    assert!(explained(SCREEN, &over, &look, 2).starts_with(&told));
    look.system = showing(&over, "memory");
    assert!(explained(SCREEN, &over, &look, 2).starts_with("memory, requests per grant is not known: no grants."));
    look.selection[SCREEN][2].row = 4;
    assert!(explained(SCREEN, &over, &look, 2).contains("is not known"));
}

#[test]
fn the_figures_after_a_trial_are_those_of_its_report() {
    let state = at_the_end();
    let mut look = look(SCREEN, Theme::Mono, false);
    look.system = showing(&state, "redis");
    let result = state.systems[look.system.unwrap()].result.as_ref().unwrap();
    let shown = text(&panels(SCREEN, &state, &look, (120, 40)));
    let fairness = result.fairness;
    for figure in [
        format!("{:.3}", fairness.jain.unwrap()),
        look.units.duration(fairness.longest_wait_ns),
        lockbench_core::units::grouped(fairness.overtakes),
        format!("{}  client", fairness.min_grants),
        format!("{}  client", fairness.max_grants),
        crate::text::percent(result.waited_ratio.unwrap()),
        format!("found the key held: {}", crate::text::percent(result.found_held_ratio.unwrap())),
    ] {
        assert!(shown.contains(&figure), "{figure}\n{shown}");
    }
}

#[test]
fn rows_are_sorted_filtered_and_found_by_the_mouse() {
    use ratatui::layout::{Position, Rect};
    let state = crowd();
    let mut look = look(SCREEN, Theme::Mono, false);
    look.filter = "key 6".to_owned();
    let shown = text(&panels(SCREEN, &state, &look, (120, 40)));
    assert!(shown.contains("5 keys over time"), "{shown}");
    look.filter = "nonsense".to_owned();
    assert!(text(&panels(SCREEN, &state, &look, (120, 40))).contains("No key has the text of the filter."));
    look.filter.clear();
    let view = View { state: &state, look: &look, panel: 0, room: Room::Normal, paused: Paused::No, now: 0 };
    let hit = |panel: usize, y| {
        let view = View { panel, ..view };
        (SCREENS[SCREEN].panels[panel].hit)(&view, Rect::new(0, 0, 120, 14), Position::new(10, y))
    };
    assert_eq!((hit(0, 1), hit(0, 2), hit(0, 4), hit(0, 13)), (None, Some((0, 0)), Some((2, 0)), None));
    assert_eq!((hit(2, 1), hit(3, 2), hit(3, 3)), (Some((0, 0)), Some((0, 0)), Some((1, 0))));
}

/// What was recorded, as a source of updates.
struct Recorded(std::vec::IntoIter<lockbench_report::live::Update>);

impl crate::app::Updates for Recorded {
    fn take(&mut self) -> Result<Option<lockbench_report::live::Update>, lockbench_report::live::Closed> {
        self.0.next().map(Some).ok_or(lockbench_report::live::Closed)
    }
}

#[test]
fn keys_reach_every_panel_and_what_it_explains() {
    use ratatui::crossterm::event::{KeyCode, KeyModifiers};
    let told = crate::stage::Recorder::default();
    let mut stage = crate::stage::Stage::new(look(SCREEN, Theme::Mono, false), &told, (120, 40));
    stage.app.take(&mut Recorded(crate::sample::updates().into_iter()));
    // From the memory system, that ran last, back to the one before it.
    stage.press("3[");
    let parts = ["key 0: ", "clients wait for a grant", "control:no-lock, waited ", "client "];
    for part in parts {
        stage.draw();
        stage.press("x");
        let shown = stage.text();
        assert!(shown.contains("control:no-lock") && shown.contains(part), "{part}\n{shown}");
        stage.key(KeyCode::Esc, KeyModifiers::NONE);
        stage.key(KeyCode::Right, KeyModifiers::NONE);
    }
}
