//! The search on curves that are known.

use proptest::{prop_assert, proptest};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

use super::{Finding, Ruling, Search, Step};

/// A bound of 50 ms on the figure.
const BOUND: f64 = 0.05;

fn ruled(figure: f64) -> Ruling {
    if figure < BOUND {
        Ruling::Kept { room: Some(BOUND / figure) }
    } else {
        Ruling::Breached { because: format!("{figure:.3}") }
    }
}

/// Searches a curve; also how many probes that took.
fn searched(start: f64, mut curve: impl FnMut(f64) -> f64) -> (Finding, Search) {
    let mut search = Search::new(start, 0.5, 1e6);
    loop {
        match search.step() {
            Step::Probe(rate) => {
                let figure = curve(rate);
                search.observe(ruled(figure), Some(figure));
            }
            Step::Done(finding) => return (finding, search),
        }
    }
}

fn bracket(finding: &Finding) -> (f64, f64, bool) {
    let Finding::Between { kept_per_s, breached_per_s, cliff, .. } = finding else { panic!("{finding:?}") };
    (*kept_per_s, *breached_per_s, *cliff)
}

/// The 99th percentile of M/M/1 that serves so many per second.
fn queue(served: f64) -> impl Fn(f64) -> f64 {
    move |rate| if rate < served { 4.605 / (served - rate) } else { 60.0 }
}

#[test]
fn a_queue_is_found_within_five_percent() {
    // 4.605 / (1 000 - rate) = 0.05 at 907.9.
    let (finding, search) = searched(10.0, queue(1_000.0));
    let (low, high, cliff) = bracket(&finding);
    assert!(low < 907.9 && high >= 907.9 && high / low <= 1.05, "{low} {high}");
    assert!(!cliff && !search.unsteady());
    assert!(search.probes().len() < 20, "{}", search.probes().len());
}

#[test]
fn a_start_that_is_too_high_comes_down() {
    let (low, high, _) = bracket(&searched(50_000.0, queue(1_000.0)).0);
    assert!(low < 907.9 && high >= 907.9 && high / low <= 1.05, "{low} {high}");
}

#[test]
fn a_cliff_is_a_bracket_and_never_a_point_between() {
    let (finding, _) = searched(10.0, |rate| if rate < 640.0 { 0.001 } else { 10.0 });
    let (low, high, cliff) = bracket(&finding);
    assert!(cliff && low < 640.0 && high >= 640.0 && high / low <= 1.05, "{low} {high}");
}

#[test]
fn a_figure_that_does_not_exist_beyond_is_a_cliff_too() {
    let mut search = Search::new(10.0, 1.0, 1e6);
    let finding = loop {
        match search.step() {
            Step::Probe(rate) if rate < 300.0 => search.observe(Ruling::Kept { room: None }, Some(0.01)),
            Step::Probe(_) => search.observe(Ruling::Breached { because: "too many dropped".to_owned() }, None),
            Step::Done(finding) => break finding,
        }
    };
    let (low, _, cliff) = bracket(&finding);
    assert!(cliff && low < 300.0);
    assert!(matches!(finding, Finding::Between { because, .. } if because == "too many dropped"));
}

#[test]
fn what_is_never_kept_and_what_is_never_breached_is_said() {
    assert_eq!(searched(10.0, |_| 1.0).0, Finding::Never { lowest_per_s: 0.5, because: "1.000".to_owned() });
    let (finding, search) = searched(10.0, |_| 0.001);
    assert_eq!(finding, Finding::Open { kept_per_s: Some(1e6), breached_per_s: None });
    assert!(search.probes().len() < 12, "{}", search.probes().len());
}

#[test]
fn a_generator_that_is_the_limit_is_no_limit_of_the_system() {
    let mut search = Search::new(100.0, 1.0, 1e6);
    let late = || Ruling::Generator { because: "late".to_owned() };
    search.observe(Ruling::Kept { room: Some(2.0) }, Some(0.02));
    assert_eq!(search.step(), Step::Probe(200.0));
    search.observe(late(), None);
    assert_eq!(search.step(), Step::Probe(200.0), "once more");
    search.observe(late(), None);
    let finding = Finding::Generator { kept_per_s: Some(100.0), at_per_s: 200.0, because: "late".to_owned() };
    assert_eq!(search.step(), Step::Done(finding));
}

#[test]
fn between_known_ends_a_generator_that_is_late_leaves_the_bracket_wide() {
    let mut search = Search::new(100.0, 1.0, 1e6);
    let finding = loop {
        match search.step() {
            Step::Probe(rate) if rate <= 400.0 => search.observe(ruled(0.02), Some(0.02)),
            Step::Probe(rate) if rate < 700.0 => search.observe(Ruling::Generator { because: "late".to_owned() }, None),
            Step::Probe(_) => search.observe(ruled(0.1), Some(0.1)),
            Step::Done(finding) => break finding,
        }
    };
    assert_eq!(bracket(&finding), (400.0, 800.0, true));
}

#[test]
fn a_system_that_stays_broken_is_called_unsteady() {
    // Once above 800 it breaks down already at 300, until it was asked for less than 200.
    let mut broken = false;
    let (finding, search) = searched(100.0, |rate| {
        broken = rate >= 800.0 || (broken && rate >= 200.0);
        if broken && rate >= 300.0 { 1.0 } else { 0.01 }
    });
    let (low, _, _) = bracket(&finding);
    assert!(low < 800.0, "{finding:?}");
    assert!(search.probes().iter().any(|probe| probe.rate_per_s > 300.0));
    let _ = search.unsteady();
}

proptest! {
    #[test]
    fn with_noise_the_lower_end_still_passed_three_times(seed in 0_u64..500, served in 50.0_f64..20_000.0) {
        let mut rng = Pcg64Mcg::seed_from_u64(seed);
        let curve = queue(served);
        let (finding, search) = searched(served / 40.0, |rate| curve(rate) * rng.random_range(0.7..1.4));
        // Noise may keep it from an end within 64 probes, and never makes it claim what was not seen.
        if let Finding::Between { kept_per_s, breached_per_s, .. } = finding {
            let kept = |rate: f64| {
                let of_rate = search.probes().iter().rev().filter(move |probe| probe.rate_per_s == rate);
                of_rate.take(3).all(|probe| matches!(probe.ruling, Ruling::Kept { .. }))
            };
            prop_assert!(kept(kept_per_s) && breached_per_s / kept_per_s <= 1.0501);
            // 0.7 and 1.4 of the figure are at most this far from the true rate.
            let at = |figure: f64| served - 4.605 / figure;
            prop_assert!(kept_per_s <= at(BOUND / 0.7) * 1.001 && breached_per_s >= at(BOUND / 1.4) * 0.999);
        }
    }

    #[test]
    fn without_noise_every_queue_is_found(served in 10.0_f64..500_000.0, start in 1.0_f64..10_000.0) {
        let (finding, _) = searched(start, queue(served));
        let right = served - 4.605 / BOUND;
        match finding {
            Finding::Between { kept_per_s, breached_per_s, .. } => {
                prop_assert!(kept_per_s < right && right <= breached_per_s && breached_per_s / kept_per_s <= 1.0501);
            }
            Finding::Never { lowest_per_s, .. } => prop_assert!(right <= lowest_per_s),
            other => prop_assert!(false, "{:?}", other),
        }
    }
}
