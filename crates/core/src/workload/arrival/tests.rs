//! Due instants are those of the plan, whoever takes them.

use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::{prop_assert, prop_assert_eq, proptest};

use super::{Arrival, Due, DueTimes};
use crate::units::{MILLISECOND, SECOND};

fn constant(per_s: f64) -> Arrival {
    Arrival::Constant { per_s, queue: None }
}

fn first(arrival: &Arrival, count: usize) -> Vec<u64> {
    DueTimes::new(arrival, 1, 1, 10 * SECOND, (0, 1)).take(count).map(|due| due.after_ns).collect()
}

fn any_arrival() -> impl Strategy<Value = Arrival> {
    let rate = || prop_oneof![0.5..10.0_f64, 10.0..5_000.0_f64];
    prop_oneof![
        rate().prop_map(constant),
        rate().prop_map(|per_s| Arrival::Poisson { per_s, queue: None }),
        (1..50_u32, 1..SECOND).prop_map(|(size, every_ns)| Arrival::Bursts { size, every_ns, queue: None }),
        (prop_oneof![Just(0.0), rate()], rate()).prop_map(|(from_per_s, to_per_s)| Arrival::Ramp {
            from_per_s,
            to_per_s,
            over_ns: None,
            queue: None
        }),
        (proptest::collection::vec(prop_oneof![Just(0.0), rate()], 0..4), rate()).prop_map(|(mut rates, last)| {
            rates.push(last);
            Arrival::Steps { rates_per_s: rates, every_ns: SECOND / 3, queue: None }
        }),
    ]
}

#[test]
fn a_constant_rate_does_not_drift() {
    assert_eq!(first(&constant(3.0), 4), [0, 333_333_333, 666_666_666, SECOND]);
    let mut times = DueTimes::new(&constant(3.0), 1, 1, SECOND, (0, 1));
    // A day later it is on the second still.
    assert_eq!(times.nth(3 * 86_400).unwrap().after_ns, 86_400 * SECOND);
}

#[test]
fn bursts_steps_and_ramps_are_where_their_rates_say() {
    let bursts = Arrival::Bursts { size: 3, every_ns: 10, queue: None };
    assert_eq!(first(&bursts, 7), [0, 0, 0, 10, 10, 10, 20]);
    // Nothing is due in the middle second.
    let steps = Arrival::Steps { rates_per_s: vec![2.0, 0.0, 1.0], every_ns: SECOND, queue: None };
    assert_eq!(first(&steps, 5).map_ms(), [0, 500, 2_000, 3_000, 4_000]);
    let ends = Arrival::Steps { rates_per_s: vec![2.0, 0.0], every_ns: SECOND, queue: None };
    assert_eq!(first(&ends, 9).len(), 2, "the last rate is 0");
    // From 0 to 20 per second over 10 s: t * t = i.
    let ramp = Arrival::Ramp { from_per_s: 0.0, to_per_s: 20.0, over_ns: None, queue: None };
    let due = first(&ramp, 142).map_ms();
    assert_eq!([due[0], due[1], due[4], due[25], due[100]], [0, 1_000, 2_000, 5_000, 10_000]);
    assert_eq!(due[140] - due[120], 1_000, "it stays at the last rate");
}

trait Milliseconds {
    fn map_ms(self) -> Vec<u64>;
}

impl Milliseconds for Vec<u64> {
    fn map_ms(self) -> Vec<u64> {
        self.into_iter().map(|ns| (ns + MILLISECOND / 2) / MILLISECOND).collect()
    }
}

#[test]
fn the_gaps_of_a_poisson_process_are_exponential() {
    let count = 200_000;
    let due = first(&Arrival::Poisson { per_s: 1_000.0, queue: None }, count);
    let gaps: Vec<f64> = due.windows(2).map(|pair| (pair[1] - pair[0]) as f64 / 1e6).collect();
    let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
    assert!((mean - 1.0).abs() < 0.01, "{mean} ms");
    // Memoryless: the share of gaps above t is exp(-t).
    for t in [0.5, 1.0, 2.0, 4.0] {
        let share = gaps.iter().filter(|gap| **gap > t).count() as f64 / gaps.len() as f64;
        let expected = f64::exp(-t);
        assert!((share - expected).abs() < 5.0 * (expected / gaps.len() as f64).sqrt(), "{t}: {share} of {expected}");
    }
    // And a gap says nothing of the next.
    let product = gaps.windows(2).map(|pair| (pair[0] - mean) * (pair[1] - mean)).sum::<f64>();
    let variance = gaps.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>();
    assert!((product / variance).abs() < 5.0 / (gaps.len() as f64).sqrt());
}

#[test]
fn instants_never_change() {
    // A change would silently change what every stored plan means.
    let due = first(&Arrival::Poisson { per_s: 1_000.0, queue: None }, 4);
    assert_eq!(due, POISSON);
}

/// The first instants of seed 1, trial 1.
const POISSON: [u64; 4] = [869_188, 1_088_075, 1_535_136, 1_636_175];

proptest! {
    #[test]
    fn instants_never_go_back_and_shares_are_the_whole(
        arrival in any_arrival(),
        seed in any::<u64>(),
        of in 1..5_u32,
    ) {
        let times = |share| DueTimes::new(&arrival, seed, 2, 3 * SECOND, share).take(400);
        let whole: Vec<Due> = times((0, 1)).collect();
        prop_assert!(whole.windows(2).all(|pair| pair[0].after_ns <= pair[1].after_ns));
        let mut shares: Vec<Due> = (0..of).flat_map(|own| times((own, of))).collect();
        shares.sort_by_key(|due| due.index);
        shares.truncate(whole.len());
        prop_assert_eq!(shares, whole);
    }

    #[test]
    fn as_many_are_due_as_is_expected(arrival in any_arrival(), ns in 1..9 * SECOND) {
        let load_ns = 5 * SECOND;
        let times = DueTimes::new(&arrival, 7, 1, load_ns, (0, 1));
        let found = times.take(1_000_000).take_while(|due| due.after_ns < ns).count() as f64;
        let expected = arrival.expected(ns, load_ns);
        if found < 1_000_000.0 {
            let slack = match arrival {
                Arrival::Poisson { .. } => 6.0 * expected.sqrt() + 2.0,
                _ => 2.0,
            };
            prop_assert!((found - expected).abs() <= slack, "{} of {}", found, expected);
        }
    }
}
