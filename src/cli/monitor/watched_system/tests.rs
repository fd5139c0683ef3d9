//! Outages of a watched system, and what was due in them.

use super::{Arc, Counter, DueInstants, State, Turned, WatchedSystem};
use lockbench_core::lock::{Away, Nodes};
use lockbench_core::units::{MILLISECOND, SECOND};
use lockbench_report::monitor::WindowCounts;

fn down(problem: &str, after_ns: u64) -> Turned {
    Turned::Down { problem: problem.to_owned(), after_ns }
}

#[test]
fn an_outage_misses_what_was_due_and_ends_with_its_length() {
    let watched = WatchedSystem::shared("redis", 0);
    let mut watched = watched.lock().unwrap();
    watched.answers(SECOND);
    watched.round_ended(10 * SECOND, 10 * SECOND);
    watched.falls_silent(10 * SECOND, 8 * SECOND, "refused".to_owned());
    watched.falls_silent(11 * SECOND, 11 * SECOND, "refused again".to_owned());
    // In slices: no part of an interval is lost.
    for tenth in 101..=200_u64 {
        watched.account(tenth * SECOND / 10, SECOND * 3 / 10);
    }
    assert_eq!((watched.rolling.total().of(Counter::Missed), watched.rolling.total().gap_ns), (33, 0));
    // They wait as long as the outage goes on, and no longer.
    let longest = |tally: &WindowCounts| (tally.late.count(), tally.late.max_ns().unwrap() / SECOND);
    assert_eq!(longest(&watched.total(20 * SECOND)), (33, 9));
    assert_eq!(longest(&watched.total(22 * SECOND)), (33, 11));
    assert_eq!(longest(&watched.window(20 * SECOND, 4 * SECOND)), (14, 3));
    watched.answers(20 * SECOND);
    assert_eq!(longest(&watched.total(90 * SECOND)), (33, 9));
    assert_eq!((watched.outages, watched.outage.map(|(_, ns)| ns)), (1, Some(12 * SECOND)));
    watched.account(21 * SECOND, SECOND);
    assert_eq!(watched.rolling.total().gap_ns, SECOND);
    assert_eq!(watched.state, State::Up);
    assert_eq!(watched.told_after_ns(), Some(2 * SECOND));
    let turns = [Turned::Up(None), down("refused", 2 * SECOND), Turned::Up(Some(12 * SECOND))];
    assert_eq!(watched.take_turns(), turns);
    assert!(watched.take_turns().is_empty());
}

#[test]
fn a_doubt_is_told_unless_a_reason_or_an_answer_comes_first() {
    let watched = WatchedSystem::shared("redis", 0);
    let mut watched = watched.lock().unwrap();
    let doubts = |watched: &mut WatchedSystem| watched.doubt(SECOND, 0, "2 attempts without an answer".to_owned());
    doubts(&mut watched);
    watched.settle_doubt(9 * SECOND);
    assert!(watched.take_turns().is_empty(), "it never answered: its first look tells why");
    watched.answers(0);
    doubts(&mut watched);
    watched.answers(SECOND);
    watched.settle_doubt(9 * SECOND);
    assert_eq!(watched.take_turns(), [Turned::Up(None)]);
    doubts(&mut watched);
    watched.falls_silent(SECOND, 0, "refused".to_owned());
    watched.settle_doubt(9 * SECOND);
    assert_eq!(watched.take_turns(), [down("refused", SECOND)]);
    watched.answers(SECOND);
    doubts(&mut watched);
    watched.settle_doubt(SECOND + super::GRACE_NS - 1);
    assert_eq!(watched.take_turns().len(), 1, "not yet");
    watched.settle_doubt(SECOND + super::GRACE_NS);
    assert_eq!(watched.take_turns(), [down("2 attempts without an answer", SECOND + super::GRACE_NS)]);
}

#[test]
fn a_round_that_cannot_begin_is_an_outage_too() {
    let watched = WatchedSystem::shared("redis", 0);
    let mut watched = watched.lock().unwrap();
    watched.answers(SECOND);
    watched.round_ended(SECOND, SECOND);
    watched.settle_doubt(2 * SECOND);
    watched.round_begins(2 * SECOND, SECOND);
    watched.settle_doubt(9 * SECOND);
    watched.round_ended(9 * SECOND, 9 * SECOND);
    assert_eq!((watched.take_turns(), watched.rolling.total().gap_ns), (vec![Turned::Up(None)], SECOND));
    looks(&mut watched, 9_000, 10_400);
    assert_eq!(watched.take_turns(), [down("no round could begin since", 1_400 * MILLISECOND)]);
    watched.round_begins(13 * SECOND, SECOND);
    assert_eq!(watched.rolling.total().of(Counter::Missed), 4);
}

/// The desk's looks after the first instant, until the last one, milliseconds.
fn looks(watched: &mut WatchedSystem, from: u64, to: u64) {
    (from + 200..=to).step_by(200).for_each(|at| watched.settle_doubt(at * MILLISECOND));
}

#[test]
fn a_system_that_opens_sessions_answers_and_a_sleep_of_ours_is_no_silence() {
    let watched = WatchedSystem::shared("postgres", 0);
    let mut watched = watched.lock().unwrap();
    watched.answers(SECOND);
    watched.take_turns();
    watched.round_ended(SECOND, SECOND);
    let grid = Arc::new(DueInstants::new(1));
    // Prepared after a second, then a session a second.
    looks(&mut watched, 1_000, 2_000);
    watched.round_armed(2 * SECOND, Arc::clone(&grid));
    for second in 3..9 {
        looks(&mut watched, (second - 1) * 1_000, second * 1_000);
        grid.opens(second * SECOND);
    }
    // Nobody looked for an hour.
    watched.settle_doubt(3_600 * SECOND);
    assert_eq!(watched.take_turns(), []);
    looks(&mut watched, 3_600_000, 3_601_000);
    assert!(matches!(watched.take_turns()[..], [Turned::Down { .. }]));
}

#[test]
fn what_was_due_while_this_process_slept_in_an_outage_is_not_missed() {
    let watched = WatchedSystem::shared("redis", 0);
    let mut watched = watched.lock().unwrap();
    watched.falls_silent(SECOND, SECOND, "refused".to_owned());
    watched.account(SECOND, SECOND);
    watched.slept(3 * SECOND, 603 * SECOND, SECOND);
    watched.account(605 * SECOND, SECOND);
    let total = watched.rolling.total();
    assert_eq!((total.of(Counter::Missed), total.of(Counter::Stalled)), (5, 600));
}

#[test]
fn instants_in_parts_are_all_there() {
    for (first, last, count) in [(5, 5, 1), (10, 19, 10), (0, 86_400 * SECOND, 1_728_000), (7, 9, 4_000)] {
        let parts: Vec<_> = super::chunks(Some((first, last, count))).collect();
        assert_eq!(parts.iter().map(|(_, times)| times).sum::<u64>(), count);
        assert!(parts.iter().all(|(due, _)| (first..=last).contains(due)) && parts.len() <= 2_048);
    }
    assert_eq!(super::chunks(None).count(), 0);
}

#[test]
fn a_node_that_is_away_is_told_once_by_name_and_so_is_its_return() {
    let watched = WatchedSystem::shared("etcd", 0);
    let mut watched = watched.lock().unwrap();
    let away = |address: &str| Err(Away { address: address.to_owned(), problem: "refused".to_owned() });
    watched.sees_nodes(Nodes::of([Ok(()), Ok(()), Ok(())], 2, 3));
    assert!(watched.take_turns().is_empty(), "all serve from the start");
    for _ in 0..2 {
        watched.sees_nodes(Nodes::of([Ok(()), Ok(()), away("c:1")], 2, 3));
    }
    watched.sees_nodes(Nodes::of([Ok(()), away("b:1"), away("c:1")], 2, 3));
    watched.sees_nodes(Nodes::of([Ok(()), Ok(()), Ok(())], 2, 3));
    let notes = ["2 of 3 nodes serve; away: c:1: refused", "3 of 3 nodes serve again"];
    assert_eq!(watched.take_turns(), notes.map(|note| Turned::Note(note.to_owned())));
}
