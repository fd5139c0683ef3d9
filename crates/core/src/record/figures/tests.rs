use super::{Figures, Schedule};
use crate::record::{Denial, Event, Observer, ReleaseKind, RenewalOutcome, What, WitnessReading};

const INVOKE: What = What::Invoke { due: 0 };
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
const DIED: What = What::Died { surely_ended: u64::MAX, challenged: None };

fn acquired() -> What {
    What::Acquired { token: None, validity: u64::MAX, requests: 2, waited: None, wakeups: 0 }
}

fn denied(denial: Denial) -> What {
    What::Denied { denial, surely_ended: 0, requests: 1, wakeups: 0 }
}

fn released(release: ReleaseKind) -> What {
    What::Released { release, surely_ended: 0, requests: 1 }
}

fn renewed(outcome: RenewalOutcome) -> What {
    What::Renewed { invoke: 0, outcome, validity: u64::MAX }
}

/// Three clients, one key; attempts count that are invoked in 100..200.
fn fold(events: &[(u64, u32, What)]) -> Figures {
    fold_into(Figures::new(Schedule::new(0, 100, 100), 3, 1), events)
}

fn fold_into(mut figures: Figures, events: &[(u64, u32, What)]) -> Figures {
    for (t, client, what) in events {
        figures.observe(&Event { t: *t, client: *client, attempt: 0, key: 0, what: *what });
    }
    figures
}

#[test]
fn an_attempt_counts_by_its_invoke_and_a_grant_in_the_window_by_its_answer() {
    let confirmed = released(ReleaseKind::Confirmed);
    let figures = fold(&[
        (99, 0, INVOKE),
        (100, 0, acquired()),
        (110, 0, RELEASE),
        (120, 0, confirmed),
        (199, 0, INVOKE),
        (200, 0, acquired()),
        (230, 0, RELEASE),
        (300, 0, confirmed),
        (300, 1, INVOKE),
        (301, 1, acquired()),
    ]);
    let counts = figures.counts();
    assert_eq!((counts.attempts, counts.grants, counts.requests), (1, 1, 3));
    assert_eq!((counts.grants_in_window, counts.attempts_all, counts.grants_all), (1, 3, 3));
    let latencies = figures.latencies();
    assert_eq!((latencies.hold.max(), latencies.release.max()), (Some(30), Some(70)));
    assert_eq!((latencies.acquire_service.count(), latencies.hold.count()), (1, 1));
    assert_eq!(figures.grants_per_client(), [1, 0, 0]);
}

#[test]
fn withdrawn_attempts_leave_no_trace_in_the_share_that_found_the_key_held() {
    let figures = fold(&[
        (100, 0, INVOKE),
        (101, 0, acquired()),
        (110, 1, INVOKE),
        (111, 2, INVOKE),
        (120, 1, denied(Denial::Withdrawn)),
        (120, 2, denied(Denial::TimedOut)),
        (121, 0, RELEASE),
        (122, 0, released(ReleaseKind::Confirmed)),
    ]);
    let counts = figures.counts();
    assert_eq!((counts.attempts, counts.found_held, counts.withdrawn, counts.timed_out), (2, 1, 1, 1));
    assert_eq!((counts.longest_wait_ns, counts.exercised_all), (9, 1));
}

#[test]
fn a_death_hands_nothing_over_and_its_hold_counts_as_challenged() {
    let figures = fold(&[
        (100, 0, INVOKE),
        (101, 0, acquired()),
        (102, 1, INVOKE),
        (110, 0, DIED),
        (150, 1, acquired()),
        (160, 1, DIED),
    ]);
    assert_eq!(figures.latencies().handoff.count(), 0);
    let counts = figures.counts();
    assert_eq!((counts.exercised_all, counts.unknown, counts.unknown_all, counts.grants), (1, 0, 2, 2));
    let waiting = fold(&[(100, 0, INVOKE), (110, 0, DIED)]);
    assert_eq!((waiting.counts().unknown, waiting.counts().attempts), (1, 1));
}

#[test]
fn the_hold_of_a_client_that_died_is_challenged_as_every_other_one_is() {
    let dies = |challenged| {
        let died = What::Died { surely_ended: 0, challenged };
        fold(&[(100, 0, INVOKE), (101, 0, acquired()), (102, 1, INVOKE), (110, 0, died)]).counts().exercised_all
    };
    // The other one was open: asleep all the time, or not, or nobody knows.
    assert_eq!([Some(false), Some(true), None].map(dies), [0, 1, 1]);
}

#[test]
fn a_lease_is_lost_once_a_grant_however_often_it_is_said() {
    let figures = fold(&[
        (100, 0, INVOKE),
        (101, 0, acquired()),
        (105, 0, renewed(RenewalOutcome::Unanswered)),
        (110, 0, renewed(RenewalOutcome::Refused)),
        (120, 0, What::Lost { at: 115 }),
        (121, 0, RELEASE),
        (122, 0, released(ReleaseKind::NotOwner)),
        (130, 0, INVOKE),
        (131, 0, acquired()),
        (132, 0, RELEASE),
        (133, 0, released(ReleaseKind::NotOwner)),
    ]);
    assert_eq!(figures.counts().lost_leases, 2);
    assert_eq!(figures.latencies().renew.count(), 0);
}

#[test]
fn events_of_an_attempt_that_is_over_or_never_began_do_no_harm() {
    let figures = fold(&[
        (100, 0, denied(Denial::Withdrawn)),
        (101, 0, RELEASE),
        (102, 0, released(ReleaseKind::NotOwner)),
        (103, 0, DIED),
        (110, 1, INVOKE),
        (111, 1, denied(Denial::Withdrawn)),
        (112, 1, denied(Denial::Withdrawn)),
        (113, 1, acquired()),
        (114, 1, What::Lost { at: 3 }),
        (115, 1, DIED),
        (116, 1, DIED),
    ]);
    let counts = figures.counts();
    assert_eq!((counts.attempts, counts.grants, counts.withdrawn, counts.lost_leases), (0, 0, 1, 0));
}

#[test]
fn a_stop_in_the_warm_up_leaves_nothing_to_measure_and_never_moves_the_end_back() {
    let schedule = Schedule::new(0, 100, 100);
    schedule.stop_at(150);
    schedule.stop_at(170);
    assert_eq!(schedule.end(), 150);
    schedule.stop_at(30);
    assert_eq!((schedule.end(), schedule.measures(100)), (100, false));
}

#[test]
fn response_time_runs_from_due_and_service_time_from_invoke() {
    let figures = fold(&[(110, 0, What::Invoke { due: 90 }), (120, 0, acquired())]);
    let latencies = figures.latencies();
    assert_eq!((latencies.acquire_service.max(), latencies.acquire_response.max()), (Some(10), Some(30)));
}

#[test]
fn a_grant_in_a_pause_counts_for_the_waits_and_not_for_the_rate() {
    let pause = |t, what| (t, Event::NOBODY, what);
    let confirmed = released(ReleaseKind::Confirmed);
    let figures = fold(&[
        (110, 0, INVOKE),
        (111, 0, acquired()),
        (112, 1, INVOKE),
        pause(120, What::PauseBegins),
        (125, 0, RELEASE),
        (126, 0, confirmed),
        (127, 1, acquired()),
        (128, 1, RELEASE),
        (129, 1, confirmed),
        pause(150, What::Paused { from: 120 }),
        (155, 0, INVOKE),
        (156, 0, acquired()),
    ]);
    let counts = figures.counts();
    assert_eq!((counts.attempts, counts.grants, counts.grants_in_window), (3, 3, 2));
    assert_eq!((counts.longest_wait_ns, figures.paused_ns(), figures.marks().len()), (15, 30, 1));
    // The fold moves no phase: whoever reads the events for it does.
    let warm_up = fold(&[pause(20, What::PauseBegins), pause(120, What::Paused { from: 20 })]);
    assert_eq!(warm_up.paused_ns(), 20);
}

#[test]
fn a_stall_of_our_own_counts_if_it_touches_the_measure_phase() {
    let stalls = |from, t| fold(&[(t, 0, What::SelfStall { from })]).counts().self_stalls;
    assert_eq!([stalls(10, 99), stalls(90, 100), stalls(110, 120), stalls(50, 250), stalls(200, 230)], [0, 1, 1, 1, 0]);
}

#[test]
fn settled_counts_leave_out_who_still_waits_and_never_decrease() {
    let events = [
        (100, 0, INVOKE),
        (101, 0, acquired()),
        (110, 1, INVOKE),
        (111, 2, INVOKE),
        (120, 1, denied(Denial::Withdrawn)),
        (125, 2, denied(Denial::TimedOut)),
        (126, 0, RELEASE),
        (127, 0, released(ReleaseKind::Confirmed)),
        (130, 1, INVOKE),
        (140, 1, DIED),
    ];
    let mut before = (0, 0);
    for end in 0..=events.len() {
        let figures = fold(&events[..end]);
        let settled = figures.settled();
        let outcomes = settled.grants + settled.refused + settled.timed_out + settled.unavailable + settled.unknown;
        assert_eq!(settled.attempts, outcomes, "after {end} events");
        let now = (settled.attempts, settled.found_held);
        assert!(now.0 >= before.0 && now.1 >= before.1, "{before:?} became {now:?}");
        before = now;
        if end == events.len() {
            assert_eq!(settled, *figures.counts());
        }
    }
}

#[test]
fn detail_has_the_lag_and_the_length_of_every_attempt_without_a_grant() {
    let due = |due| What::Invoke { due };
    let figures = Figures::new(Schedule::new(0, 100, 100), 3, 1).detailed();
    let figures = fold_into(
        figures,
        &[
            (90, 0, due(50)),
            (99, 0, denied(Denial::Refused)),
            (100, 0, due(95)),
            (120, 0, denied(Denial::Refused)),
            (120, 1, due(120)),
            (150, 1, denied(Denial::Withdrawn)),
            (151, 1, due(131)),
            (160, 1, DIED),
        ],
    );
    let detail = figures.detail().unwrap();
    // What counts is decided by the invoke, as everywhere.
    assert_eq!((detail.lag().count(), detail.lag().max()), (3, Some(20)));
    let lengths =
        |denial| detail.denied(denial).map(|all| (all.service.count(), all.service.max(), all.response.max()));
    assert_eq!(lengths(Denial::Refused), Some((1, Some(20), Some(25))));
    assert_eq!(lengths(Denial::Unknown), Some((1, Some(9), Some(29))));
    assert_eq!((lengths(Denial::TimedOut), lengths(Denial::Withdrawn)), (None, None));
    assert!(fold(&[(100, 0, INVOKE)]).detail().is_none(), "nobody asked for it");
}

#[test]
fn what_was_waited_for_in_vain_is_in_every_latency() {
    let unserved = |denial| denied(denial);
    let figures = fold(&[
        (100, 0, INVOKE),
        (101, 0, acquired()),
        (102, 0, What::Renewed { invoke: 101, outcome: RenewalOutcome::Confirmed, validity: 9 }),
        (109, 0, What::Renewed { invoke: 103, outcome: RenewalOutcome::Unanswered, validity: 9 }),
        (105, 1, INVOKE),
        (110, 0, RELEASE),
        (140, 0, released(ReleaseKind::Unknown)),
        (150, 1, unserved(Denial::Unavailable)),
        (150, 1, What::Invoke { due: 140 }),
        (155, 1, acquired()),
        (156, 1, RELEASE),
        (157, 1, released(ReleaseKind::Confirmed)),
        (160, 2, INVOKE),
        (161, 2, acquired()),
        (190, 2, DIED),
    ]);
    let latencies = figures.latencies();
    let told = |latency: &crate::record::Latency| {
        let figures = latency.figures();
        (figures.count, figures.in_vain, figures.max_ns, figures.max_is_lower_bound, figures.mean_ns.is_some())
    };
    assert_eq!(told(&latencies.acquire_service), (3, 1, Some(45), true, false));
    assert_eq!(told(&latencies.renew), (1, 1, Some(6), true, false));
    assert_eq!(told(&latencies.release), (1, 1, Some(30), true, false));
    assert_eq!(
        told(&latencies.handoff),
        (0, 1, Some(40), true, false),
        "from the release until nobody waited any more"
    );
    assert_eq!(told(&latencies.hold), (2, 1, Some(29), true, false), "a client died inside");
    let counts = figures.counts();
    assert_eq!((counts.attempts, counts.in_vain(), counts.availability()), (4, 1, Some(0.75)));
}

#[test]
fn a_refusal_is_an_answer_and_a_withdrawal_is_none() {
    let figures = fold(&[
        (100, 0, INVOKE),
        (130, 0, denied(Denial::Refused)),
        (140, 1, INVOKE),
        (145, 1, denied(Denial::Withdrawn)),
    ]);
    let service = figures.latencies().acquire_service.figures();
    assert_eq!((service.count, service.in_vain, service.max_ns), (0, 1, Some(5)));
}

#[test]
fn who_waited_is_told_by_the_recipe_or_by_the_holds_of_others() {
    let granted = |waited| What::Acquired { token: None, validity: u64::MAX, requests: 1, waited, wakeups: 0 };
    let confirmed = released(ReleaseKind::Confirmed);
    let figures = fold(&[
        // Nobody else: not waited, whoever says so.
        (100, 0, INVOKE),
        (101, 0, granted(None)),
        // Called while another held the key.
        (102, 1, INVOKE),
        // Called during a hand-off: not found held, and waited all the same.
        (104, 0, RELEASE),
        (105, 0, confirmed),
        (106, 2, INVOKE),
        (107, 1, granted(None)),
        (108, 1, RELEASE),
        (109, 1, confirmed),
        (110, 2, granted(None)),
        (111, 2, RELEASE),
        (112, 2, confirmed),
        // The recipe knows better than the clock: its first request was granted, or was not.
        (120, 0, INVOKE),
        (121, 1, INVOKE),
        (122, 0, granted(Some(true))),
        (123, 0, RELEASE),
        (124, 0, confirmed),
        (125, 1, granted(Some(false))),
        (126, 1, RELEASE),
        (127, 1, confirmed),
        // No grant at all was none by the first request either.
        (130, 0, INVOKE),
        (131, 0, denied(Denial::Refused)),
    ]);
    let counts = figures.counts();
    assert_eq!((counts.attempts, counts.waited, counts.found_held), (6, 4, 1));
    assert_eq!(counts.waited_ratio(), Some(4.0 / 6.0));
}
