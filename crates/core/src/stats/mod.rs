//! Pure mathematics over what was measured.

mod bootstrap;
mod growing;
mod holm;
mod wilson;
mod within;

pub use bootstrap::{Interval, mean, ratio_of_means, relative_change};
pub use growing::{Growing, still_growing};
pub use holm::{beyond_noise, p_of_difference};
pub use wilson::wilson_95;
pub use within::{WithinTrial, mean_within};

/// Jain's fairness index of allocations: `(sum x)^2 / (n * sum x^2)`, from 1/n
/// (one takes all) to 1 (all equal). `None` if there are none or all are zero.
/// (R. Jain, D. Chiu, W. Hawe: A Quantitative Measure of Fairness, DEC-TR-301, 1984.)
#[must_use]
pub fn jain_index(allocations: &[u64]) -> Option<f64> {
    let sum: f64 = allocations.iter().map(|x| *x as f64).sum();
    let squares: f64 = allocations.iter().map(|x| (*x as f64).powi(2)).sum();
    (squares > 0.0).then(|| sum * sum / (allocations.len() as f64 * squares))
}

/// Upper bound, at 95 % confidence, of a rate after zero events in `n` trials, a
/// million trials: `1 - 0.05^(1/n)`, about 3/n (the "rule of three": J. Hanley,
/// A. Lippman-Hand, JAMA 249, 1983). `None` for n = 0: nothing was tried.
#[must_use]
pub fn upper_bound_95_per_million(n: u64) -> Option<f64> {
    (n > 0).then(|| -(0.05_f64.ln() / n as f64).exp_m1() * 1e6)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop_assert, proptest};

    use super::{jain_index, upper_bound_95_per_million};

    #[test]
    fn jain_knows_even_and_uneven() {
        assert_eq!(jain_index(&[5, 5, 5, 5]), Some(1.0));
        assert_eq!(jain_index(&[8, 0, 0, 0]), Some(0.25));
        assert_eq!(jain_index(&[]), None);
        assert_eq!(jain_index(&[0, 0]), None);
    }

    #[test]
    fn the_bound_beside_a_zero_is_about_three_over_n() {
        let bound = upper_bound_95_per_million(10_000).unwrap();
        assert!((bound - 299.5).abs() < 0.2, "{bound}");
        assert_eq!(upper_bound_95_per_million(1).map(f64::round), Some(950_000.0));
        assert_eq!(upper_bound_95_per_million(0), None);
    }

    proptest! {
        #[test]
        fn jain_stays_between_its_bounds(grants in proptest::collection::vec(0_u64..1_000, 1..50)) {
            if let Some(index) = jain_index(&grants) {
                prop_assert!(index <= 1.0 + 1e-9 && index >= 1.0 / grants.len() as f64 - 1e-9);
            }
        }

        #[test]
        fn the_bound_never_exceeds_certainty_and_falls(n in 1_u64..1_000_000) {
            let (here, next) = (upper_bound_95_per_million(n).unwrap(), upper_bound_95_per_million(n + 1).unwrap());
            prop_assert!(here < 1e6 && next < here);
        }
    }
}
