//! Which of many differences are beyond noise, where all pairs of a table are looked at: of twenty pairs that are alike one
//! differs at 5 % by chance. Each difference is tested by itself (B. L. Welch, Biometrika 34, 1947, on the logarithms of the
//! means, as the intervals are), and then S. Holm's step-down rule (A Simple Sequentially Rejective Multiple Test Procedure,
//! Scandinavian Journal of Statistics 6, 1979) keeps the chance of a single wrong one in the table below 5 %.

/// Chance of a wrong difference in a table.
const ALPHA: f64 = 0.05;
/// Fewest trials a side.
const FEWEST: usize = 3;

/// How likely trials of one mean are to differ as much as these do. `None`: fewer than three a side, or a mean that is not
/// positive.
#[must_use]
pub fn p_of_difference(a: &[f64], b: &[f64]) -> Option<f64> {
    let ((log_a, var_a), (log_b, var_b)) = (log_mean(a)?, log_mean(b)?);
    let variance = var_a + var_b;
    if variance <= 0.0 {
        // No trial differs from its side's mean.
        return Some(if log_a == log_b { 1.0 } else { 0.0 });
    }
    let share = |variance: f64, trials: &[f64]| variance * variance / (trials.len() - 1) as f64;
    let freedom = variance * variance / (share(var_a, a) + share(var_b, b));
    Some(both_tails((log_a - log_b).abs() / variance.sqrt(), freedom))
}

/// Which of these are beyond noise, by Holm's rule over all of them. What could not be told (`None`) is not, and does not
/// count.
#[must_use]
pub fn beyond_noise(chances: &[Option<f64>]) -> Vec<bool> {
    let mut order: Vec<(f64, usize)> =
        chances.iter().enumerate().filter_map(|(place, chance)| Some(((*chance)?, place))).collect();
    order.sort_by(|one, other| one.0.total_cmp(&other.0));
    let mut beyond = vec![false; chances.len()];
    for (rank, (chance, place)) in order.iter().enumerate() {
        if *chance > ALPHA / (order.len() - rank) as f64 {
            break;
        }
        beyond[*place] = true;
    }
    beyond
}

/// The logarithm of the mean, and its variance.
fn log_mean(trials: &[f64]) -> Option<(f64, f64)> {
    let n = trials.len() as f64;
    let mean = trials.iter().sum::<f64>() / n;
    if trials.len() < FEWEST || !mean.is_finite() || mean <= 0.0 {
        return None;
    }
    let squares: f64 = trials.iter().map(|value| (value - mean).powi(2)).sum();
    Some((mean.ln(), squares / (n - 1.0) / n / mean.powi(2)))
}

/// The chance that Student's t with so many degrees of freedom is at least so far from 0, on either side: with
/// `t = sqrt(freedom) tan(x)` the density is `cos(x)^(freedom - 1)`, which Simpson's rule adds up.
fn both_tails(t: f64, freedom: f64) -> f64 {
    /// Parts of the interval, an even number.
    const PARTS: usize = 2_000;
    /// From here on it is the normal distribution, and a finer one than the parts.
    const ENOUGH: f64 = 10_000.0;
    let freedom = freedom.min(ENOUGH);
    let right = std::f64::consts::FRAC_PI_2;
    let area = |from: f64| {
        let step = (right - from) / PARTS as f64;
        let density = |part: usize| (from + part as f64 * step).cos().max(0.0).powf(freedom - 1.0);
        let weight = |part: usize| if part == 0 || part == PARTS { 1.0 } else { 2.0 + 2.0 * (part % 2) as f64 };
        (0..=PARTS).map(|part| weight(part) * density(part)).sum::<f64>() * step / 3.0
    };
    (area((t / freedom.sqrt()).atan()) / area(0.0)).min(1.0)
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_distr::{Distribution, StandardNormal};
    use rand_pcg::Pcg64Mcg;

    use super::{beyond_noise, both_tails, p_of_difference};

    #[test]
    fn tails_are_those_of_the_tables() {
        // M. Abramowitz, I. Stegun: Handbook of Mathematical Functions, 1964, table 26.10.
        for (t, freedom, chance) in
            [(12.706, 1.0, 0.05), (4.303, 2.0, 0.05), (2.571, 5.0, 0.05), (3.169, 10.0, 0.01), (1.960, 1e9, 0.05)]
        {
            let found = both_tails(t, freedom);
            assert!((found / chance - 1.0).abs() < 0.002, "{t} with {freedom}: {found}");
        }
        assert!((both_tails(0.0, 4.0) - 1.0).abs() < 1e-9);
    }

    #[test]
    fn the_rule_stops_at_the_first_that_may_be_chance() {
        let chances = [Some(0.011), Some(0.04), None, Some(0.001), Some(0.03)];
        // 0.05 / 4 = 0.0125, then 0.05 / 3 = 0.0167, then 0.05 / 2 = 0.025: 0.03 is above it.
        assert_eq!(beyond_noise(&chances), [true, false, false, true, false]);
        assert_eq!(beyond_noise(&[]), [false; 0]);
    }

    #[test]
    fn a_table_of_systems_that_are_alike_seldom_has_a_difference() {
        let mut rng = Pcg64Mcg::seed_from_u64(2);
        let mut trial = || -> f64 {
            let draw: f64 = StandardNormal.sample(&mut rng);
            1_000.0 * (0.1 * draw).exp()
        };
        let (mut wrong, mut wrong_without) = (0, 0);
        for _ in 0..1_000 {
            let systems: Vec<Vec<f64>> = (0..6).map(|_| (0..5).map(|_| trial()).collect()).collect();
            let pairs = (0..6).flat_map(|i| (i + 1..6).map(move |j| (i, j)));
            let chances: Vec<_> = pairs.map(|(i, j)| p_of_difference(&systems[i], &systems[j])).collect();
            wrong += u32::from(beyond_noise(&chances).contains(&true));
            wrong_without += u32::from(chances.iter().flatten().any(|chance| *chance < 0.05));
        }
        assert!(wrong < 60, "{wrong} of 1000 tables");
        assert!(wrong_without > 250, "{wrong_without} of 1000 tables where each pair stands by itself");
    }

    #[test]
    fn what_differs_is_told_and_too_little_is_not() {
        let (slow, fast) = ([100.0, 104.0, 98.0, 101.0, 99.0], [130.0, 127.0, 133.0, 129.0, 131.0]);
        assert!(p_of_difference(&slow, &fast).unwrap() < 1e-5);
        assert!(p_of_difference(&slow, &slow).unwrap() > 0.99);
        assert_eq!(p_of_difference(&slow[..2], &fast), None);
        assert_eq!(
            (p_of_difference(&[2.0; 3], &[2.0; 3]), p_of_difference(&[2.0; 3], &[3.0; 3])),
            (Some(1.0), Some(0.0))
        );
    }
}
