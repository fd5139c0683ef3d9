//! The interval of a share.

/// The share of `hits` in `n` trials, as its lower and upper bound at 95 % confidence: Wilson's score interval, which
/// stays within 0 and 1 and has a width where all or none hit (E. Wilson: Probable Inference, the Law of Succession,
/// and Statistical Inference, JASA 22, 1927). `None` for n = 0: nothing was tried.
#[must_use]
pub fn wilson_95(hits: u64, n: u64) -> Option<(f64, f64)> {
    if n == 0 {
        return None;
    }
    /// The quantile of the normal distribution that 97.5 % lie below.
    const Z: f64 = 1.959_963_984_540_054;
    let (n, share) = (n as f64, hits.min(n) as f64 / n as f64);
    let middle = share + Z * Z / (2.0 * n);
    let half = Z * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
    let scale = 1.0 + Z * Z / n;
    Some((((middle - half) / scale).max(0.0), ((middle + half) / scale).min(1.0)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop_assert, proptest};

    use super::wilson_95;

    #[test]
    fn known_intervals() {
        let close = |(low, high): (f64, f64), expected: (f64, f64)| {
            assert!((low - expected.0).abs() < 5e-4 && (high - expected.1).abs() < 5e-4, "{low} {high}");
        };
        // As R's prop.test(x, n, correct = FALSE) has them.
        close(wilson_95(5, 10).unwrap(), (0.2366, 0.7634));
        close(wilson_95(0, 10).unwrap(), (0.0, 0.2775));
        close(wilson_95(10, 10).unwrap(), (0.7225, 1.0));
        assert_eq!(wilson_95(0, 0), None);
    }

    proptest! {
        #[test]
        fn the_share_lies_in_its_interval(n in 1_u64..1_000, part in 0.0..=1.0_f64) {
            let hits = (n as f64 * part) as u64;
            let (low, high) = wilson_95(hits, n).unwrap();
            let share = hits as f64 / n as f64;
            prop_assert!(0.0 <= low && low <= share + 1e-12 && share <= high + 1e-12 && high <= 1.0 && low < high);
        }
    }
}
