//! The screen from recorded runs: a calm system, a lock that does not lock, one whose
//! clients all time out; and what its keys do.

use ratatui::crossterm::event::{KeyCode, KeyModifiers};

use super::super::{Opened, Room, View};
use super::feed;
use super::stretch::{Stretch, stretch};
use crate::controls::Paused;
use crate::sample::{at_the_end, in_the_middle_of};
use crate::stage::frames::{SIZES, frames};
use crate::stage::{Recorder, Stage, panels, text};
use crate::state::State;
use crate::theme::Theme;
use crate::user_view::{Popup, UserView};
use lockbench_core::oracle::{DoubleGrant, DoubleGrantKind, HoldFacts};
use lockbench_report::live::{KeyHold, KeyLive, Snapshot, TrialStart, Update};
use lockbench_report::{HoldEnd, SceneHold};

const SAFETY: usize = 3;
const MS: u64 = 1_000_000;

/// The place of a system, for a look at one that does not run.
fn place(state: &State, name: &str) -> Option<usize> {
    state.systems.iter().position(|system| system.name == name)
}

fn hold(client: u32, token: u64, times: [u64; 3], validity: u64) -> KeyHold {
    let hold = SceneHold {
        client,
        token: Some(token),
        invoke_ns: times[0] * MS,
        start_ns: times[1] * MS,
        end_ns: times[2] * MS,
        validity_ns: Some(validity * MS),
        ended: HoldEnd::Confirmed,
    };
    KeyHold { key: 0, open: false, hold }
}

/// A holder overstays its lease, a second is let in, a third waits; and one more is
/// still inside.
fn overstayed() -> State {
    let mut state = State::default();
    state.update(Update::Trial(TrialStart { backend: "redis".to_owned(), trial: 1, place: 1, places: 1 }));
    let holds = [
        hold(3, 17, [1_050, 1_100, 2_100], 1_500),
        hold(12, 18, [1_080, 1_520, 2_200], 2_020),
        hold(7, 19, [1_700, 2_210, 2_500], 2_710),
    ];
    let facts = |hold: &KeyHold| HoldFacts {
        client: hold.hold.client,
        token: hold.hold.token,
        start_ns: hold.hold.start_ns,
        end_ns: hold.hold.end_ns,
        validity_ns: hold.hold.validity_ns,
        lost_ns: None,
        mode: Default::default(),
    };
    let mut snapshot = Snapshot { backend: "redis".to_owned(), trial: 1, ..Snapshot::default() };
    (snapshot.origin_ns, snapshot.elapsed_ns) = (1_000 * MS, 1_700 * MS);
    snapshot.double_grants = vec![DoubleGrant {
        key: 0,
        kind: DoubleGrantKind::Outside,
        admitted: false,
        earlier: facts(&holds[0]),
        later: facts(&holds[1]),
    }];
    snapshot.keys = vec![KeyLive { key: 0, attempts: 4, ..KeyLive::default() }];
    snapshot.judged.grants = 3;
    (snapshot.judged.double_grants, snapshot.judged.outside, snapshot.counts.exercised_all) = (1, 1, 3);
    snapshot.holds = holds.to_vec();
    state.update(Update::Live(Box::new(snapshot)));
    state
}

fn view_of<'a>(state: &'a State, look: &'a UserView) -> View<'a> {
    View { state, look, panel: look.focused(), room: Room::Normal, paused: Paused::No, now: 0 }
}

fn shown(state: &State, change: impl FnOnce(&mut UserView)) -> Stretch {
    let mut look = UserView { screen: SAFETY, ..UserView::new(Theme::Default, false) };
    change(&mut look);
    stretch(&view_of(state, &look), 66).unwrap_or_else(|why| panic!("{why}"))
}

#[test]
fn snapshots() {
    let end = at_the_end();
    let moments = [
        ("calm", in_the_middle_of("redis", 5), None),
        ("violated", in_the_middle_of("control:no-lock", 4), None),
        ("overstayed", overstayed(), None),
        ("timeouts", in_the_middle_of("memory", 20), None),
        ("over", end.clone(), place(&end, "postgres:advisory")),
    ];
    for (name, state, system) in &moments {
        let draw = |theme, size| {
            let mut look = UserView::new(theme, false);
            look.system = *system;
            panels(SAFETY, state, &look, size)
        };
        for (name, shown) in frames(&format!("safety_{name}"), draw) {
            insta::assert_snapshot!(name, shown);
        }
    }
}

#[test]
fn with_ascii_signs_no_cell_is_anything_else() {
    for state in [in_the_middle_of("control:no-lock", 4), in_the_middle_of("redis", 5), overstayed()] {
        for size in SIZES {
            let drawn = text(&panels(SAFETY, &state, &UserView::new(Theme::Default, true), size));
            assert!(drawn.is_ascii(), "{drawn}");
        }
    }
}

#[test]
fn a_violation_is_told_by_words_signs_and_both_tokens_without_any_colour() {
    let drawn = text(&panels(SAFETY, &overstayed(), &UserView::new(Theme::Mono, true), (120, 40)));
    for words in ["!! VIOLATED !! 1 double grant ", "client 3 (token 17)", "client 12 (token 18)", "###", "outside"] {
        assert!(drawn.contains(words), "no {words:?} in\n{drawn}");
    }
    let calm = text(&panels(SAFETY, &in_the_middle_of("redis", 5), &UserView::new(Theme::Mono, true), (120, 40)));
    assert!(calm.contains("+ valid so far") && !calm.contains("VIOLATED") && !calm.contains('#'), "{calm}");
}

#[test]
fn a_zero_is_no_tick_where_nobody_was_challenged() {
    let drawn = text(&panels(SAFETY, &in_the_middle_of("memory", 3), &UserView::new(Theme::Default, true), (120, 40)));
    assert!(drawn.contains("? not exercised") && !drawn.contains("+ valid"), "{drawn}");
}

#[test]
fn a_lock_without_tokens_has_no_zero_of_refused_writes() {
    let state = in_the_middle_of("postgres:advisory", 5);
    let drawn = text(&panels(SAFETY, &state, &UserView::new(Theme::Default, false), (120, 40)));
    assert_eq!(drawn.matches("not offered").count(), 4, "{drawn}");
}

#[test]
fn the_selected_violation_is_shown_around_the_second_grant() {
    let state = overstayed();
    let scene = shown(&state, |_| {});
    assert_eq!(scene.double.map(|double| double.later.client), Some(12));
    assert_eq!(scene.holds.iter().map(|hold| hold.client).collect::<Vec<_>>(), [3, 12, 7]);
    assert!(scene.from_ns < 1_100 * MS && scene.to_ns > 2_200 * MS);
    assert_eq!(scene.overlaps(), [(0, 1_520 * MS, 2_100 * MS), (1, 1_520 * MS, 2_100 * MS)]);
    // The order of the lanes' panel: the latest moments, though there is a violation.
    let latest = shown(&state, |look| look.selection[SAFETY][0].sort = 1);
    assert_eq!((latest.double, latest.to_ns), (None, 2_700 * MS));
}

#[test]
fn few_lanes_go_to_those_nearest_and_the_others_are_counted() {
    let scene = shown(&overstayed(), |_| {});
    assert_eq!(scene.clients(2), (vec![3, 12], 1));
    assert_eq!(scene.clients(9), (vec![3, 7, 12], 0));
}

#[test]
fn the_latest_moments_reach_back_no_further_than_no_hold_is_missing() {
    let state = in_the_middle_of("redis", 5);
    let redis = state.running().unwrap();
    let whole = redis.whole_from_ns.unwrap();
    let all = shown(&state, |look| look.window = 5);
    assert!(all.from_ns == whole && all.cut && all.overlaps().is_empty());
    let short = shown(&state, |look| look.window = 0);
    assert!(short.from_ns > all.from_ns && short.to_ns == all.to_ns);
    // The sample has the last two hundred holds only, of all keys.
    assert!(all.holds.len() > 20 && all.holds.len() < 200, "{}", all.holds.len());
}

#[test]
fn the_longest_overlap_comes_first_or_the_newest() {
    let state = in_the_middle_of("control:no-lock", 4);
    let pick = |sort, row| {
        let mut look = UserView { screen: SAFETY, ..UserView::new(Theme::Default, false) };
        (look.selection[SAFETY][1].sort, look.selection[SAFETY][1].row) = (sort, row);
        feed::selected(&view_of(&state, &look)).unwrap()
    };
    let caught = &state.running().unwrap().caught;
    let overlap = |at: usize| {
        let double = &caught[at].double;
        double.earlier.end_ns.min(double.later.end_ns) - double.later.start_ns
    };
    assert!((0..caught.len() - 1).all(|row| overlap(pick(0, row)) >= overlap(pick(0, row + 1))));
    assert_eq!((pick(1, 0), pick(1, 99)), (99, 0));
}

#[test]
fn enter_tells_the_story_and_how_to_read_it_again() {
    let mut look = UserView { screen: SAFETY, ..UserView::new(Theme::Default, false) };
    look.focus[SAFETY] = 1;
    look.selection[SAFETY][1].sort = 1;
    let state = in_the_middle_of("control:no-lock", 4);
    let Opened::Popup(Popup::Story(story)) = feed::story_of(&view_of(&state, &look)) else { panic!("no story") };
    // The newest one is the hundredth of the first trial that has any.
    assert!(story.ends_with("Afterwards: lockbench explain 20261120T101500Z-quickstart-1a2b 100"), "{story}");
    assert!(story.contains("Inside: ") && story.contains("both were inside for"));
    // The report numbers it alike.
    let report = at_the_end().over.unwrap();
    let all: Vec<&str> =
        report.results.iter().flat_map(|result| &result.safety.violations).map(|one| one.story.as_str()).collect();
    assert!(story.contains(all[99]));
}

#[test]
fn every_figure_explains_itself_with_its_value() {
    let recorder = Recorder::default();
    let mut stage = Stage::new(UserView::new(Theme::Default, false), &recorder, (120, 40));
    let mut updates = crate::sample::updates().into_iter();
    struct Once<'a>(&'a mut dyn Iterator<Item = Update>);
    impl crate::app::Updates for Once<'_> {
        fn take(&mut self) -> Result<Option<Update>, lockbench_report::live::Closed> {
            self.0.next().map(Some).ok_or(lockbench_report::live::Closed)
        }
    }
    stage.app.take(&mut Once(&mut updates));
    stage.press("4ll");
    let explained = |stage: &mut Stage<'_>| {
        stage.press("x");
        let Some(Popup::Explain(text)) = stage.app.look().popup.clone() else { panic!("nothing explained") };
        stage.key(KeyCode::Esc, KeyModifiers::NONE);
        text
    };
    // The last trial of the sample: one hold, and no other client got in.
    let mut texts = Vec::new();
    for _ in 0..9 {
        texts.push(explained(&mut stage));
        stage.press("j");
    }
    texts.dedup();
    assert_eq!(texts.len(), 9, "{texts:#?}");
    assert!(texts.iter().all(|text| text.starts_with("memory, trial 1, ")), "{texts:#?}");
    assert!(texts[0].contains("naive policy: 0. Double grants where a hold lasts until"), "{}", texts[0]);
    stage.press("l");
    assert!(explained(&mut stage).contains("lost updates, unfenced: 0"));
    stage.press("l[[");
    assert!(explained(&mut stage).contains("was granted key") || explained(&mut stage).contains("Key "));
}

#[test]
fn what_a_bounded_history_no_longer_tells_is_said_to_stand_still() {
    let mut state = in_the_middle_of("control:no-lock", 3);
    let at = place(&state, "control:no-lock");
    for system in &mut state.systems {
        if let Some(snapshot) = &mut system.snapshot {
            snapshot.detail_until_ns = Some(snapshot.elapsed_ns);
        }
    }
    let mut look = UserView::new(Theme::Default, false);
    look.system = at;
    let shown = text(&panels(SAFETY, &state, &look, (200, 60)));
    assert!(shown.contains("double grants; until its history was bounded"), "{shown}");
    look.screen = 1;
    let shown = text(&panels(1, &state, &look, (200, 60)));
    assert!(shown.contains("measure phase until its history was bounded"), "{shown}");
    assert!(!shown.contains("so far"), "{shown}");
}
