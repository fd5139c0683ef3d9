//! The mean of a series in time with a 95 % interval, from one trial: how far the mean of a longer trial under the same
//! conditions may be away. Neighbours in time resemble each other, so that n values are worth fewer: the effective number of
//! them is `n / tau`, with tau the integrated autocorrelation time, whose sum is cut by the initial monotone sequence
//! (C. Geyer: Practical Markov Chain Monte Carlo, Statistical Science 7, 1992). What differs from trial to trial (a new
//! server, another moment of the machine) no single trial can tell.

use super::bootstrap::{Interval, student_t_975};

/// Fewest values of which a resemblance can be told.
const FEWEST: usize = 20;

/// A mean with its interval, and how many independent values it is worth.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WithinTrial {
    /// The mean and its 95 % interval.
    pub mean: Interval,
    /// Independent values that the series is worth, at most as many as it has.
    pub effective: f64,
}

/// The mean of values at equal distances in time. `None`: fewer than twenty, or worth fewer than three.
#[must_use]
pub fn mean_within(values: &[f64]) -> Option<WithinTrial> {
    let n = values.len() as f64;
    if values.len() < FEWEST {
        return None;
    }
    let mean = values.iter().sum::<f64>() / n;
    let lagged = |lag: usize| {
        let pairs = values.iter().zip(values.iter().skip(lag));
        pairs.map(|(a, b)| (a - mean) * (b - mean)).sum::<f64>() / n
    };
    let variance = lagged(0);
    if variance <= 0.0 {
        let mean = Interval { estimate: mean, low: mean, high: mean };
        return Some(WithinTrial { mean, effective: n });
    }
    let (mut sum, mut before) = (0.0, f64::INFINITY);
    for pair in 0..values.len() / 2 {
        let both = lagged(2 * pair) + lagged(2 * pair + 1);
        if both <= 0.0 {
            break;
        }
        before = both.min(before);
        sum += before;
    }
    // Values that avoid each other are worth no more than independent ones here.
    let tau = (2.0 * sum / variance - 1.0).max(1.0);
    let effective = n / tau;
    if effective < 3.0 {
        return None;
    }
    let half = student_t_975(effective - 1.0) * (variance * n / (n - 1.0) / effective).sqrt();
    Some(WithinTrial { mean: Interval { estimate: mean, low: mean - half, high: mean + half }, effective })
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_distr::{Distribution, StandardNormal};
    use rand_pcg::Pcg64Mcg;

    use super::mean_within;

    /// A series of mean 10 whose neighbours resemble each other by `rho`.
    fn series(n: usize, rho: f64, rng: &mut Pcg64Mcg) -> Vec<f64> {
        let mut next = || -> f64 { StandardNormal.sample(rng) };
        let mut at = next() / (1.0 - rho * rho).sqrt();
        (0..n)
            .map(|_| {
                at = rho * at + next();
                10.0 + at
            })
            .collect()
    }

    #[test]
    fn about_95_of_100_intervals_cover_the_mean_however_alike_neighbours_are() {
        let mut rng = Pcg64Mcg::seed_from_u64(5);
        for (n, rho) in [(100, 0.0), (100, 0.5), (300, 0.8)] {
            let runs = 1_000;
            let covered = (0..runs).filter(|_| {
                let found = mean_within(&series(n, rho, &mut rng)).unwrap().mean;
                found.low <= 10.0 && 10.0 <= found.high
            });
            let share = f64::from(covered.count() as u32) / f64::from(runs);
            assert!((0.89..0.985).contains(&share), "{n} values, resemblance {rho}: {share}");
        }
    }

    #[test]
    fn alike_neighbours_are_worth_less() {
        let mut rng = Pcg64Mcg::seed_from_u64(9);
        let alone = mean_within(&series(2_000, 0.0, &mut rng)).unwrap().effective;
        // (1 - rho) / (1 + rho) of 2 000.
        let alike = mean_within(&series(2_000, 0.8, &mut rng)).unwrap().effective;
        assert!(alone > 1_500.0 && (120.0..350.0).contains(&alike), "{alone} {alike}");
    }

    #[test]
    fn too_little_tells_nothing_and_no_spread_tells_all() {
        assert_eq!(mean_within(&[1.0; 19]), None);
        let even = mean_within(&[4.0; 20]).unwrap();
        assert_eq!((even.mean.low, even.mean.high, even.effective), (4.0, 4.0, 20.0));
        // It only rises: every value stands for its neighbours.
        let rising: Vec<f64> = (0..40).map(f64::from).collect();
        assert!(mean_within(&rising).is_none_or(|found| found.effective < 6.0));
    }
}
