use proptest::prelude::{Strategy, prop_assert, prop_assert_eq, proptest};

use super::{Attempts, Change, End, Misfit, Stage};
use crate::record::event::{Denial, Event, ReleaseKind, RenewalOutcome, What, WitnessReading};

const INVOKE: What = What::Invoke { due: 3 };
const ACQUIRED: What = What::Acquired { token: Some(7), validity: 40, requests: 2, waited: Some(true), wakeups: 0 };
const TIMED_OUT: What = What::Denied { denial: Denial::TimedOut, surely_ended: 0, requests: 1, wakeups: 0 };
const RELEASE: What = What::ReleaseInvoke {
    enter: 0,
    exit: 0,
    seen: WitnessReading {
        occupancy: 1,
        lost_update: false,
        stale_write: false,
        refused_write: false,
        challenged: None,
        act: crate::record::Act::NONE,
    },
    asked: 0,
};
const RELEASED: What = What::Released { release: ReleaseKind::Confirmed, surely_ended: 0, requests: 1 };
const DIED: What = What::Died { surely_ended: 90, challenged: None };

fn event(t: u64, what: What) -> Event {
    Event { t, client: 0, attempt: 0, key: 0, what }
}

fn renewed(invoke: u64, validity: u64) -> What {
    What::Renewed { invoke, outcome: RenewalOutcome::Confirmed, validity }
}

/// The first misfit of these events, of client 0 at key 0, a nanosecond apart.
fn first_problem(whats: &[What]) -> Option<String> {
    let mut attempts = Attempts::new(1);
    (0..).zip(whats).find_map(|(t, what)| attempts.observe(&event(t, *what)).misfit.map(|misfit| misfit.to_string()))
}

#[test]
fn a_granted_attempt_is_told_with_all_that_is_known_of_it() {
    let mut attempts = Attempts::default();
    let mut see = |t, what| {
        let event = event(t, what);
        let transition = attempts.observe(&event);
        assert!(transition.misfit.is_none() && transition.unfinished.is_empty());
        (transition.change, *transition.attempt)
    };
    let (change, begun) = see(5, INVOKE);
    assert_eq!((change, begun.stage, begun.due, begun.invoke), (Change::Begun, Stage::Waiting, 3, 5));
    let (change, granted) = see(9, ACQUIRED);
    let hold = granted.hold.unwrap();
    assert_eq!((change, granted.acquire_requests, granted.inside()), (Change::Granted, 2, true));
    assert_eq!((hold.start, hold.token, hold.waited, hold.validity), (9, Some(7), Some(true), 40));
    see(20, renewed(19, 60));
    see(30, What::Lost { at: 28 });
    see(31, What::Lost { at: 29 });
    // It comes too late to extend the promise, and is the validity that the session gave last.
    let late = see(70, renewed(65, 99)).1.hold.unwrap();
    assert_eq!((late.promise, late.validity, late.renewal_invoke, late.lost), (60, 99, Some(65), Some(28)));
    let (change, left) = see(80, RELEASE);
    assert!(matches!(change, Change::Left(_)) && !left.inside() && left.stage == Stage::Releasing);
    let (change, over) = see(85, RELEASED);
    let end = End::Released { release: ReleaseKind::Confirmed, surely_ended: 0 };
    assert_eq!((change, over.stage, over.hold.unwrap().left), (Change::Ended(end), Stage::Over, Some(80)));
    assert_eq!((over.last, over.release_requests, attempts.open().count()), (80, 1, 0));
}

#[test]
fn a_lost_answer_leaves_an_uncertain_hold_from_its_call_on() {
    let uncertain = |whats: &[What]| {
        let mut attempts = Attempts::new(1);
        let mut found = None;
        for (t, what) in (10..).step_by(10).zip(whats) {
            let event = event(t, *what);
            let transition = attempts.observe(&event);
            if let Change::Ended(end) = transition.change {
                found = transition.attempt.uncertain(end);
            }
        }
        found
    };
    let unknown = What::Denied { denial: Denial::Unknown, surely_ended: 90, requests: 1, wakeups: 0 };
    let unanswered = What::Released { release: ReleaseKind::Unknown, surely_ended: 90, requests: 1 };
    assert_eq!(uncertain(&[INVOKE, unknown]), Some((10, 90)));
    assert_eq!(uncertain(&[INVOKE, ACQUIRED, RELEASE, unanswered]), Some((30, 90)));
    assert_eq!(uncertain(&[INVOKE, DIED]), Some((10, 90)));
    assert_eq!(uncertain(&[INVOKE, ACQUIRED, DIED]), Some((30, 90)));
    assert_eq!(uncertain(&[INVOKE, ACQUIRED, RELEASE, DIED]), Some((30, 90)));
    assert_eq!(uncertain(&[INVOKE, ACQUIRED, RELEASE, RELEASED]), None);
    assert_eq!(uncertain(&[INVOKE, TIMED_OUT]), None);
}

#[test]
fn an_attempt_whose_end_is_missing_is_handed_over_when_the_next_begins() {
    let mut attempts = Attempts::new(1);
    for (t, what) in [(1, INVOKE), (2, ACQUIRED), (3, RELEASE)] {
        assert!(attempts.observe(&event(t, what)).unfinished.is_empty());
    }
    let next = event(9, INVOKE);
    let transition = attempts.observe(&next);
    let unfinished = transition.unfinished[0];
    assert_eq!((unfinished.stage, unfinished.invoke, unfinished.last), (Stage::Releasing, 1, 3));
    assert_eq!((transition.attempt.invoke, transition.attempt.hold), (9, None));
}

#[test]
fn a_grant_whose_begin_is_missing_is_a_grant_still() {
    let mut attempts = Attempts::new(1);
    let grant = event(9, ACQUIRED);
    let transition = attempts.observe(&grant);
    assert!(transition.misfit.is_some() && transition.change == Change::Granted);
    assert_eq!((transition.attempt.begun, transition.attempt.invoke), (false, 9));
    // And one whose middle is missing goes on.
    let released = event(11, RELEASED);
    let transition = attempts.observe(&released);
    assert!(transition.misfit.is_some() && transition.unfinished.is_empty());
    assert_eq!(transition.attempt.hold.map(|hold| (hold.start, hold.left)), Some((9, None)));
    assert_eq!(transition.attempt.last, 9);
}

#[test]
fn whole_attempts_of_every_kind_fit() {
    let lost = What::Lost { at: 1 };
    assert_eq!(first_problem(&[INVOKE, ACQUIRED, lost, RELEASE, RELEASED, INVOKE, TIMED_OUT]), None);
    for alive in [&[INVOKE][..], &[INVOKE, ACQUIRED], &[INVOKE, ACQUIRED, RELEASE]] {
        assert_eq!(first_problem(&[alive, &[DIED, INVOKE]].concat()), None);
    }
}

#[test]
fn whichever_line_of_an_attempt_is_taken_out_the_gap_is_seen() {
    let whole = [INVOKE, ACQUIRED, RELEASE, RELEASED, INVOKE, TIMED_OUT, INVOKE];
    for missing in 0..whole.len() - 1 {
        let mut rest = whole.to_vec();
        rest.remove(missing);
        assert!(first_problem(&rest).is_some(), "without number {missing}");
    }
    assert_eq!(
        first_problem(&[INVOKE, ACQUIRED, RELEASE, INVOKE]).as_deref(),
        Some("client 0 asks for key 0 while it was releasing key 0: a line is missing")
    );
    assert!(first_problem(&[DIED]).is_some());
}

#[test]
fn a_pause_begins_before_it_ends_and_ends_before_the_next() {
    let problems = |events: &[(u64, What)]| -> Vec<Misfit> {
        let mut attempts = Attempts::new(1);
        let event = |(t, what): &(u64, What)| Event { t: *t, client: Event::NOBODY, attempt: 0, key: 0, what: *what };
        events.iter().filter_map(|one| attempts.observe(&event(one)).misfit.copied()).collect()
    };
    let (begin, end) = (What::PauseBegins, |from| What::Paused { from });
    assert_eq!(problems(&[(1, begin), (4, end(1)), (4, begin), (9, end(4))]), []);
    assert_eq!(problems(&[(4, end(1))]), [Misfit::PauseWithoutBegin { from: 1 }]);
    assert_eq!(problems(&[(1, begin), (4, end(2))]), [Misfit::PauseWithoutBegin { from: 2 }]);
    assert_eq!(problems(&[(1, begin), (4, begin), (5, end(4))]), [Misfit::PauseInPause { since: 1 }]);
}

#[test]
fn an_event_of_another_attempt_than_the_open_one_does_not_fit() {
    let mut attempts = Attempts::new(1);
    let numbered = |t, attempt, what| Event { attempt, ..event(t, what) };
    assert!(attempts.observe(&numbered(1, 7, INVOKE)).misfit.is_none());
    // One that bears no number is of the open attempt.
    assert_eq!(attempts.observe(&event(2, ACQUIRED)).attempt.number, 7);
    let foreign = numbered(3, 9, RELEASE);
    let transition = attempts.observe(&foreign);
    assert_eq!((transition.unfinished.first().map(|one| one.number), transition.attempt.number), (Some(7), 9));
    let told = transition.misfit.unwrap().to_string();
    assert!(told.ends_with("(attempt 9 while attempt 7 was open): a line is missing"), "{told}");
    // Where none is told, they are counted.
    attempts.observe(&event(4, RELEASED));
    assert_eq!(attempts.observe(&event(5, INVOKE)).attempt.number, 10);
}

/// The events of whole attempts, by how they go.
const WAYS: [&[What]; 5] = [
    &[INVOKE, TIMED_OUT],
    &[INVOKE, ACQUIRED, RELEASE, RELEASED],
    &[INVOKE, ACQUIRED, What::Lost { at: 0 }, RELEASE, RELEASED],
    &[INVOKE, DIED],
    &[INVOKE, ACQUIRED, DIED],
];

/// Whole attempts of three clients, mixed: events that bear the numbers of their attempts.
fn whole() -> impl Strategy<Value = Vec<Event>> {
    let attempt = (0_u32..3, 0_usize..WAYS.len(), 0_u32..2);
    let mixed = proptest::collection::vec(0_usize..3, 0..80);
    (proptest::collection::vec(attempt, 0..20), mixed).prop_map(|(attempts, order)| {
        let mut queues = [const { std::collections::VecDeque::new() }; 3];
        let mut numbers = [0; 3];
        for (client, way, key) in attempts {
            numbers[client as usize] += 1;
            for what in WAYS[way] {
                let attempt = numbers[client as usize];
                queues[client as usize].push_back(Event { t: 0, client, attempt, key, what: *what });
            }
        }
        let turns: Vec<Event> = order.into_iter().filter_map(|client| queues[client].pop_front()).collect();
        (0..).zip(turns).map(|(t, event)| Event { t, ..event }).collect()
    })
}

/// Events of any kind in any order.
fn any() -> impl Strategy<Value = Vec<Event>> {
    let kinds = [INVOKE, ACQUIRED, renewed(0, 50), What::Lost { at: 0 }, RELEASE, RELEASED, TIMED_OUT, DIED];
    let event = (0_u32..3, 0_u32..4, 0_u32..2, 0_usize..kinds.len())
        .prop_map(move |(client, attempt, key, kind)| Event { t: 0, client, attempt, key, what: kinds[kind] });
    proptest::collection::vec(event, 0..60)
        .prop_map(|events| (0..).zip(events).map(|(t, event)| Event { t, ..event }).collect())
}

proptest! {
    #[test]
    fn whole_attempts_fit_and_are_told_the_same_without_their_numbers(events in whole()) {
        let (mut named, mut counted) = (Attempts::new(3), Attempts::default());
        for event in &events {
            let unnamed = Event { attempt: 0, ..*event };
            let (one, other) = (named.observe(event), counted.observe(&unnamed));
            prop_assert!(one.misfit.is_none() && one.unfinished.is_empty());
            prop_assert!(other.misfit.is_none() && other.unfinished.is_empty());
            prop_assert_eq!((one.change, one.attempt), (other.change, other.attempt));
            prop_assert_eq!(one.attempt.number, event.attempt);
        }
    }

    #[test]
    fn whatever_comes_the_state_is_that_of_the_last_event_and_nothing_open_is_forgotten(events in any()) {
        let mut attempts = Attempts::default();
        let (mut begun, mut over) = (0_usize, 0_usize);
        for event in &events {
            let open: Vec<_> = attempts.open().copied().collect();
            let transition = attempts.observe(event);
            let attempt = *transition.attempt;
            prop_assert_eq!((attempt.client, attempt.key), (event.client, event.key));
            prop_assert!(event.attempt == 0 || attempt.number == event.attempt);
            prop_assert_eq!(matches!(transition.change, Change::Ended(_)), attempt.stage == Stage::Over);
            prop_assert!(transition.change != Change::Granted || attempt.hold.is_some_and(|hold| hold.start == event.t));
            // A fit never loses an attempt, and what is lost is handed over.
            let unfinished = transition.unfinished.first();
            prop_assert!(unfinished.is_none_or(|one| transition.misfit.is_some() && open.contains(one)));
            let went_on = open.iter().any(|one| one.client == event.client) && unfinished.is_none();
            begun += usize::from(!went_on);
            over += usize::from(attempt.stage == Stage::Over) + usize::from(unfinished.is_some());
            prop_assert_eq!(attempts.open().count(), begun - over);
        }
    }
}
