//! Two systems beside each other.

use ratatui::crossterm::event::{KeyCode, KeyModifiers};

use crate::sample;
use crate::stage::{Recorder, Stage};
use crate::theme::Theme;
use crate::user_view::{DETAILS, UserView};

fn stage(recorder: &Recorder, size: (u16, u16)) -> Stage<'_> {
    let mut stage = Stage::new(UserView::new(Theme::Mono, false), recorder, size);
    stage.take(sample::updates());
    // Redis, of all.
    stage.app.look.system = Some(0);
    stage
}

#[test]
fn the_screens_of_details_show_two_systems_beside_each_other() {
    let recorder = Recorder::default();
    for (width, height) in [(120, 40), (200, 60)] {
        for screen in DETAILS {
            let mut stage = stage(&recorder, (width, height));
            stage.press(&format!("{}", screen + 1));
            let alone = stage.text();
            stage.press("c");
            assert!(stage.text().contains("etcd beside it"), "{}", stage.text());
            stage.app.look.toast = None;
            let both = stage.text();
            let row = both.lines().find(|row| row.contains("redis, ") || row.contains("redis: "));
            assert!(row.is_some_and(|row| row.contains("etcd")), "{both}");
            insta::assert_snapshot!(format!("beside_{}_{width}x{height}", screen + 1), both);
            // A click on the other half is one on the panel under it.
            stage.click(width - 10, height - 5);
            stage.key(KeyCode::Esc, KeyModifiers::NONE);
            stage.app.look.focus[screen] = 0;
            stage.app.look.system = Some(0);
            let again = stage.text();
            assert_eq!(
                again.lines().skip(2).take(3).collect::<Vec<_>>(),
                alone.lines().skip(2).take(3).collect::<Vec<_>>()
            );
        }
    }
}

#[test]
fn the_key_goes_through_the_others_that_take_part_and_then_to_none() {
    let recorder = Recorder::default();
    let mut stage = stage(&recorder, (200, 60));
    stage.press("2");
    let systems = stage.app.shown().systems.len();
    let mut seen = Vec::new();
    for _ in 0..systems {
        stage.press("c");
        stage.draw();
        let beside = stage.app.look().beside;
        seen.push(beside.map(|at| stage.app.shown().systems[at].name.clone()).unwrap_or_default());
    }
    // Redis is the one beside which they are, ZooKeeper was left out.
    assert_eq!(seen, ["etcd", "postgres:advisory", "control:no-lock", "memory", "", "etcd"]);
    stage.key(KeyCode::Esc, KeyModifiers::NONE);
    assert_eq!((stage.app.look().beside, stage.app.look().system), (None, Some(0)));
}

#[test]
fn two_systems_share_their_axes() {
    let recorder = Recorder::default();
    let mut stage = stage(&recorder, (200, 60));
    stage.press("2c");
    let text = stage.text();
    let ticks = |row: &str| {
        let middle = row.char_indices().nth(100).map_or(row.len(), |(at, _)| at);
        [&row[..middle], &row[middle..]].map(|half| half.chars().skip(1).take(6).collect::<String>())
    };
    let with_ticks: Vec<[String; 2]> =
        text.lines().skip(4).take(20).map(ticks).filter(|[left, _]| left.trim().ends_with(" ms")).collect();
    assert!(!with_ticks.is_empty(), "{text}");
    assert!(with_ticks.iter().all(|[left, right]| left.trim() == right.trim()), "{with_ticks:?}");
}

#[test]
fn where_there_is_no_room_it_says_what_it_needs_and_shows_one() {
    let recorder = Recorder::default();
    let mut stage = stage(&recorder, (80, 24));
    stage.press("4");
    let alone = stage.text();
    stage.press("c");
    assert!(stage.text().contains("etcd beside it needs 120 columns, this terminal has 80"), "{}", stage.text());
    stage.app.look.toast = None;
    assert_eq!(stage.text(), alone);
}

#[test]
fn with_ascii_signs_both_are_ascii() {
    let recorder = Recorder::default();
    for screen in DETAILS {
        let mut stage = stage(&recorder, (120, 40));
        stage.app.look.glyphs = crate::glyph::ASCII;
        stage.press(&format!("{}c", screen + 1));
        assert!(stage.text().is_ascii(), "{}", stage.text());
    }
}
