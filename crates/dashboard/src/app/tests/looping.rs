//! The loop itself, on a clock that only these tests move.

use std::collections::VecDeque;
use std::io;
use std::time::Duration;

use ratatui::crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};
use tokio::runtime::{Builder, Runtime};

use super::{look, middle};
use crate::app::{Events, Pace, Updates};
use crate::stage::{Recorder, Stage};
use lockbench_core::clock::Clock;
use lockbench_core::units::SECOND;
use lockbench_report::live::{Closed, Origin, Update};

/// Time that passes only while the loop waits for events.
struct Scene<'a> {
    runtime: &'a Runtime,
    clock: Clock,
    start: u64,
    /// Keys and when they are pressed, in seconds.
    keys: VecDeque<(f64, char)>,
    /// When the controls are recorder to leave.
    leave: Option<(f64, &'a Recorder)>,
}

impl Scene<'_> {
    fn seconds(&self) -> f64 {
        (self.clock.now() - self.start) as f64 / SECOND as f64
    }
}

impl Events for Scene<'_> {
    fn next(&mut self, wait: Duration) -> io::Result<Option<Event>> {
        let now = self.seconds();
        assert!(now < 3_600.0, "the loop does not end");
        let key = self.keys.front().copied().filter(|(at, _)| *at <= now + wait.as_secs_f64());
        let until = key.map_or(wait, |(at, _)| Duration::from_secs_f64((at - now).max(0.0)));
        self.runtime.block_on(tokio::time::advance(until));
        if let Some((at, recorder)) = self.leave {
            recorder.leave.set(self.seconds() >= at);
        }
        Ok(key.map(|(_, key)| {
            self.keys.pop_front();
            Event::Key(KeyEvent::new(KeyCode::Char(key), KeyModifiers::NONE))
        }))
    }
}

/// Updates at an even rate, until there are no more.
struct Even {
    clock: Clock,
    start: u64,
    begin: VecDeque<Update>,
    per_s: f64,
    told: u64,
    closes_at: f64,
}

impl Updates for Even {
    fn take(&mut self) -> Result<Option<Update>, Closed> {
        let now = (self.clock.now() - self.start) as f64 / SECOND as f64;
        if let Some(update) = self.begin.pop_front() {
            return Ok(Some(update));
        }
        if now.min(self.closes_at) * self.per_s >= (self.told + 1) as f64 {
            self.told += 1;
            return Ok(Some(Update::Note(self.told.to_string())));
        }
        if now >= self.closes_at { Err(Closed) } else { Ok(None) }
    }
}

/// What came of a run of the loop.
#[derive(Debug)]
struct Came {
    frames: u64,
    seconds: f64,
    shows: String,
    said: Vec<String>,
}

/// Runs the loop: keys by second, updates a second, when they close, when to leave.
fn run(keys: &[(f64, char)], per_s: f64, closes_at: f64, leave: Option<f64>, pace: Pace) -> Came {
    let runtime = Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let entered = runtime.enter();
    let clock = Clock::virtual_time();
    let start = clock.now();
    let recorder = Recorder::default();
    let mut stage = Stage::with_clock(look(), &recorder, (120, 40), clock);
    let leave = leave.map(|at| (at, &recorder));
    let mut scene = Scene { runtime: &runtime, clock, start, keys: keys.iter().copied().collect(), leave };
    let mut updates = Even { clock, start, begin: middle(Origin::Live).into(), per_s, told: 0, closes_at };
    stage.run(&mut scene, &mut updates, pace);
    let came =
        Came { frames: stage.app.frames(), seconds: scene.seconds(), shows: stage.shows(), said: recorder.heard() };
    drop(entered);
    came
}

const PLAIN: Pace = Pace { fps: 5, stay: false, panic_at: None };
const STAY: Pace = Pace { stay: true, ..PLAIN };

#[test]
fn it_ends_with_the_updates_and_draws_no_more_than_was_asked_for() {
    for fps in [1_u32, 5, 30] {
        let came = run(&[], 100.0, 10.0, None, Pace { fps, ..PLAIN });
        assert!((10.0..10.0 + 2.0 / f64::from(fps)).contains(&came.seconds), "{came:?}");
        let most = u64::from(fps) * 10 + 2;
        assert!((most * 8 / 10..=most).contains(&came.frames), "{fps} fps: {}", came.frames);
    }
}

#[test]
fn what_a_key_changes_is_drawn_at_once_and_costs_a_frame() {
    let keys: Vec<(f64, char)> = (0..20).map(|i| (0.31 + f64::from(i) * 0.37, 'j')).collect();
    let came = run(&keys, 100.0, 10.0, None, PLAIN);
    assert!((45..=50 + 2 + 20).contains(&came.frames), "{}", came.frames);
    assert!(came.shows.contains("row 20 column 0"), "{}", came.shows);
}

#[test]
fn nothing_new_is_drawn_once_a_second_only() {
    let came = run(&[(100.0, 'q')], 0.0, 1.0, None, STAY);
    assert!((99..=105).contains(&came.frames), "{}", came.frames);
    assert!(came.shows.contains("the run is over; q leaves") && came.said.is_empty(), "{came:?}");
}

#[test]
fn a_frozen_display_outlives_the_run() {
    let came = run(&[(1.0, 'f'), (50.0, 'f')], 5.0, 10.0, None, PLAIN);
    assert!((50.0..51.0).contains(&came.seconds), "{came:?}");
}

#[test]
fn who_asked_for_the_end_does_not_ask_twice() {
    let came = run(&[(1.0, 'f'), (2.0, 'q')], 5.0, 3.0, None, STAY);
    assert!((3.0..4.0).contains(&came.seconds) && came.said == ["finish"], "{came:?}");
}

#[test]
fn the_terminal_is_given_back_when_the_controls_say_so() {
    let came = run(&[(1.0, '6')], 5.0, 100.0, Some(4.0), STAY);
    assert!((4.0..5.0).contains(&came.seconds), "{came:?}");
    assert_eq!(came.said, ["servers true", "servers false"]);
}

#[test]
fn a_message_goes_after_a_while_although_nothing_is_told() {
    let came = run(&[(1.0, 'u'), (6.0, 'q')], 0.0, 6.5, None, PLAIN);
    assert!(!came.shows.contains("lengths of time"), "{}", came.shows);
    let came = run(&[(1.0, 'u')], 0.0, 4.0, None, PLAIN);
    assert!(came.shows.contains("lengths of time in microseconds"), "{}", came.shows);
}

#[test]
#[should_panic(expected = "a panic on purpose")]
fn drawing_panics_where_the_test_hook_says() {
    run(&[], 5.0, 10.0, None, Pace { panic_at: Some(3), ..PLAIN });
}
