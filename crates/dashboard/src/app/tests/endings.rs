//! How it ends.

use super::stage;
use crate::stage::Recorder;
use lockbench_report::live::Origin;

#[test]
fn once_finishes_and_twice_aborts() {
    let recorder = Recorder::default();
    let mut stage = stage(&recorder, Origin::Live);
    stage.press("q");
    assert_eq!(recorder.heard(), ["finish"]);
    assert!(stage.text().contains(" ENDING") && stage.text().contains("q again aborts") && !stage.app.over(false));
    stage.control('c');
    assert_eq!(recorder.heard(), ["abort"]);
    assert!(stage.text().contains(" ABORTING"));
    stage.close();
    assert!(stage.app.over(true));
}

#[test]
fn a_replay_and_a_followed_run_are_just_left() {
    for origin in [Origin::Replayed { speed: 1.0 }, Origin::Followed] {
        let recorder = Recorder::default();
        let mut stage = stage(&recorder, origin);
        stage.press("q");
        assert!(stage.app.over(true) && recorder.heard().is_empty());
    }
}

#[test]
fn a_run_that_is_over_stays_where_that_is_wanted_or_the_display_frozen() {
    let recorder = Recorder::default();
    let mut stage = stage(&recorder, Origin::Live);
    stage.press("f");
    stage.take(super::rest());
    stage.close();
    assert!(!stage.app.over(true) && !stage.app.over(false));
    assert!(stage.text().contains("the run is over; q leaves") && stage.text().contains(" OVER"));
    stage.press("f");
    assert!(stage.app.over(false) && !stage.app.over(true));
    stage.press("p");
    assert!(stage.text().contains("there is nothing to pause"));
    stage.press("q");
    assert!(stage.app.over(true) && recorder.heard().is_empty());
}

#[test]
fn a_replay_begins_at_the_speed_that_was_asked_for() {
    let recorder = Recorder::default();
    let mut stage = stage(&recorder, Origin::Replayed { speed: 10.0 });
    assert!(stage.text().contains("REPLAY x10"));
    stage.press(">");
    assert_eq!(recorder.heard(), ["speed 20"]);
    stage.press("<<<<<<<<<<<<");
    assert!(stage.text().contains("REPLAY x0.125"));
}
