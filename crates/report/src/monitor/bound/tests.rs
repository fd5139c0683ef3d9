//! Bounds over windows of a monitor.

use super::{Bound, Certain, Outcome, Span, defaults};
use crate::Threshold;
use crate::monitor::WindowCounts;
use lockbench_core::figure::{Counter, Totals};
use lockbench_core::units::{MILLISECOND, SECOND};

fn counted(counts: Totals) -> WindowCounts {
    WindowCounts { counts, ..WindowCounts::default() }
}

fn bound(text: &str) -> Bound {
    Bound::new(Threshold::parse(text, None).unwrap()).unwrap()
}

fn judged(text: &str, window: &WindowCounts) -> Outcome {
    after(300, text, window)
}

/// So many seconds after the begin, in a window of five minutes.
fn after(seconds: u64, text: &str, window: &WindowCounts) -> Outcome {
    let span = Span { length_ns: 300 * SECOND, seen_ns: seconds * SECOND };
    bound(text).judge(window, Certain { double_grants: 1, ..Certain::default() }, span)
}

/// 990 grants of 1 ms and 10 of 80 ms, 100 that waited, one timeout.
fn window() -> WindowCounts {
    let mut window =
        counted(Totals::default().with(Counter::Grants, 1_000).with(Counter::Waited, 100).with(Counter::TimedOut, 1));
    (0..1_000).for_each(|n| window.service.record(if n < 989 { MILLISECOND } else { 80 * MILLISECOND }));
    window
}

#[test]
fn the_usual_alerts_are_kept_by_every_monitor() {
    let texts: Vec<String> = defaults(&[]).map(|text| bound(text).text()).collect();
    assert_eq!(
        texts,
        [
            "double_grants == 0",
            "acquire_service.p99 <= 50ms",
            "contention <= 20%",
            "timeouts <= 0.1%",
            "availability >= 99%"
        ]
    );
    let fails: Vec<bool> = defaults(&[]).map(|text| bound(text).fails()).collect();
    assert_eq!(fails, [true, true, true, true, false]);
}

#[test]
fn bounds_are_held_against_the_window() {
    assert!(matches!(judged("acquire_service.p99 <= 50ms", &window()), Outcome::Broken(ns) if ns >= 8e7));
    assert!(matches!(judged("acquire_service.p90 <= 50ms", &window()), Outcome::Kept(_)));
    assert!(matches!(judged("contention < 20%", &window()), Outcome::Kept(_)));
    assert!(matches!(judged("timeouts <= 0.1%", &window()), Outcome::Kept(_)), "one of a thousand is kept");
    let two = WindowCounts { counts: window().counts.with(Counter::TimedOut, 2), ..window() };
    assert!(matches!(judged("timeouts <= 0.1%", &two), Outcome::Broken(_)));
    assert!(matches!(
        judged("failures < 1%", &WindowCounts { counts: window().counts.with(Counter::Missed, 500), ..window() }),
        Outcome::Broken(_)
    ));
    assert_eq!(judged("double_grants == 0", &WindowCounts::default()), Outcome::Broken(1.0));
}

#[test]
fn with_too_few_attempts_nothing_is_said() {
    let few = counted(Totals::default().with(Counter::Grants, 200).with(Counter::TimedOut, 1));
    for text in ["timeouts <= 0.1%", "acquire_service.p99 < 1ms", "acquire_service.p50 < 1ms"] {
        assert!(matches!(judged(text, &few), Outcome::Unknown(_)), "{text}");
    }
    assert_eq!(bound("acquire_service.p999 < 1ms").need(), 10_000);
    // Those that timed out waited longer than any of the granted.
    let late = WindowCounts { counts: window().counts.with(Counter::TimedOut, 50), ..window() };
    assert!(matches!(judged("acquire_service.p99 < 1ms", &late), Outcome::Unknown(_)));
}

#[test]
fn a_system_that_answers_nothing_keeps_no_bound_on_answers() {
    let down = counted(Totals::default().with(Counter::Missed, 3_000));
    assert_eq!(judged("failures <= 1%", &down), Outcome::Broken(1.0));
    assert_eq!(judged("throughput >= 5/s", &down), Outcome::Broken(0.0));
    assert_eq!(judged("grants > 10", &down), Outcome::Broken(0.0));
    assert_eq!(judged("dropped <= 5", &counted(Totals::default().with(Counter::Dropped, 9))), Outcome::Broken(9.0));
    for text in ["contention <= 20%", "timeouts <= 0.1%", "acquire_service.p99 < 1ms"] {
        assert!(matches!(judged(text, &down), Outcome::Unknown(_)), "{text}");
    }
}

#[test]
fn a_young_watch_has_not_seen_too_little() {
    let young = counted(Totals::default().with(Counter::Grants, 100));
    assert_eq!(after(10, "throughput >= 9/s", &young), Outcome::Kept(10.0));
    assert_eq!(after(10, "throughput >= 11/s", &young), Outcome::Broken(10.0));
    assert!(matches!(after(10, "grants >= 2000", &young), Outcome::Unknown(_)));
    assert!(matches!(after(299, "grants >= 2000", &young), Outcome::Broken(_)));
    assert!(matches!(after(10, "grants < 50", &young), Outcome::Broken(_)), "there can only be more");
}

#[test]
fn whoever_gave_up_has_waited_at_least_so_long() {
    let mut late = counted(Totals::default().with(Counter::Grants, 900).with(Counter::Unknown, 5));
    (0..900).for_each(|_| late.service.record(MILLISECOND));
    (0..95).for_each(|n| late.times_out((2_000 + n) * MILLISECOND, (2_500 + n) * MILLISECOND));
    assert_eq!(judged("acquire_service.p99 <= 50ms", &late), Outcome::Beyond(2e9));
    assert!(matches!(judged("acquire_response.p99 <= 50ms", &late), Outcome::Beyond(ns) if ns > 2.4e9));
    assert!(matches!(judged("acquire_response.p99 <= 3s", &late), Outcome::Unknown(_)));
    assert!(matches!(judged("acquire_service.p99 <= 3s", &late), Outcome::Unknown(_)), "it may be longer");
    assert!(matches!(judged("acquire_service.p99 > 50ms", &late), Outcome::Unknown(_)));
    assert!(matches!(judged("acquire_service.p90 <= 50ms", &late), Outcome::Kept(_)), "enough were granted");
}

#[test]
fn what_no_client_could_take_breaks_bounds_of_availability_and_response() {
    let mut stalled = window();
    (0..1_000).for_each(|_| stalled.response.record(MILLISECOND));
    assert!(matches!(
        judged(
            "acquire_response.max <= 50ms",
            &WindowCounts { counts: stalled.clone().counts.with(Counter::TimedOut, 0), ..stalled.clone() }
        ),
        Outcome::Kept(_)
    ));
    (0..100).for_each(|n| stalled.drops(n * 20 * MILLISECOND));
    assert!(matches!(judged("availability >= 99%", &stalled), Outcome::Broken(share) if (0.90..0.92).contains(&share)));
    assert!(matches!(judged("failures <= 1%", &stalled), Outcome::Broken(_)));
    assert!(matches!(judged("acquire_response.p99 <= 50ms", &stalled), Outcome::Beyond(ns) if ns > 1e9));
    assert!(matches!(judged("acquire_response.max <= 50ms", &stalled), Outcome::Beyond(ns) if ns > 1.9e9));
    assert!(matches!(judged("acquire_response.mean <= 50ms", &stalled), Outcome::Unknown(_)));
    assert!(matches!(judged("acquire_response.p50 <= 50ms", &stalled), Outcome::Kept(_)));
    assert!(matches!(judged("acquire_service.p90 <= 50ms", &stalled), Outcome::Kept(_)), "of those that began");
    // What this process slept through does not.
    let slept = WindowCounts { counts: window().counts.with(Counter::Stalled, 5_000), ..window() };
    assert!(matches!(judged("availability >= 99%", &slept), Outcome::Kept(_)));
}

#[test]
fn a_figure_that_no_window_has_is_refused() {
    for text in ["jain > 0.5", "hold.p99 < 1s", "acquire_service.min < 1s", "requests_per_grant < 5"] {
        let problem = Bound::new(Threshold::parse(text, None).unwrap()).unwrap_err();
        assert!(problem.contains("a monitor does not keep"), "{problem}");
    }
}
