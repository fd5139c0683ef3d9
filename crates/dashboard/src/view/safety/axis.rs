//! Time to columns, with ticks at round distances.

use crate::text::Units;
use lockbench_core::units::{MICROSECOND, MILLISECOND, SECOND, grouped};

/// Columns between two ticks at least, so that their labels have room.
const TICK: u64 = 15;

/// A stretch of time on so many columns.
pub struct Axis {
    /// First instant, clock nanoseconds.
    pub from_ns: u64,
    /// Last instant.
    pub to_ns: u64,
    /// What labels count from.
    pub zero_ns: u64,
    /// Whether instants are written as distances from zero, with a sign.
    pub signed: bool,
    /// Number of columns.
    pub width: u16,
}

impl Axis {
    fn length(&self) -> u64 {
        (self.to_ns - self.from_ns.min(self.to_ns)).max(1)
    }

    /// The column of an instant, at the edge where it lies outside.
    pub fn nearest(&self, t: u64) -> u16 {
        let since = t.clamp(self.from_ns, self.to_ns.max(self.from_ns)) - self.from_ns;
        let last = u128::from(self.width.max(1) - 1);
        (u128::from(since) * last / u128::from(self.length())) as u16
    }

    /// The column of an instant within the stretch.
    pub fn column(&self, t: u64) -> Option<u16> {
        (self.from_ns..=self.to_ns).contains(&t).then(|| self.nearest(t))
    }

    /// Steps of 1, 2 or 5 times a power of ten.
    fn step(&self) -> u64 {
        let least = self.length() / (u64::from(self.width) / TICK).max(1);
        let mut power = 1;
        loop {
            for step in [power, 2 * power, 5 * power] {
                if step >= least.max(1) {
                    return step;
                }
            }
            power *= 10;
        }
    }

    /// Column and label of each tick.
    pub fn ticks(&self, units: Units) -> Vec<(u16, String)> {
        let (step, zero) = (i128::from(self.step()), i128::from(self.zero_ns));
        let first = (i128::from(self.from_ns) - zero + step - 1).div_euclid(step);
        let last = (i128::from(self.to_ns) - zero).div_euclid(step);
        let tick = |steps: i128| {
            let column = self.column(u64::try_from(zero + steps * step).ok()?)?;
            Some((column, self.label(steps * step, step as u64, units)))
        };
        (first..=last).filter_map(tick).collect()
    }

    /// A distance from zero, with as many decimals as the steps need.
    fn label(&self, ns: i128, step: u64, units: Units) -> String {
        if ns == 0 {
            return "0".to_owned();
        }
        let (name, scale) = match units {
            Units::Micro => ("us", MICROSECOND),
            Units::Milli => ("ms", MILLISECOND),
            // Instants far from zero keep one unit, so that neighbours compare.
            Units::Auto if step >= SECOND => ("s", SECOND),
            Units::Auto if step >= MILLISECOND || !self.signed => ("ms", MILLISECOND),
            Units::Auto => ("us", MICROSECOND),
        };
        let mut decimals = 0;
        while decimals < 6 && scale / 10_u64.pow(decimals) > step {
            decimals += 1;
        }
        let part = scale / 10_u64.pow(decimals);
        let parts = (ns.unsigned_abs() / u128::from(part.max(1))) as u64;
        let (whole, rest) = (parts / 10_u64.pow(decimals), parts % 10_u64.pow(decimals));
        let sign = match (self.signed, ns < 0) {
            (true, false) => "+",
            (_, true) => "-",
            (false, false) => "",
        };
        let fraction = if decimals > 0 { format!(".{rest:0width$}", width = decimals as usize) } else { String::new() };
        format!("{sign}{}{fraction} {name}", grouped(whole))
    }
}

#[cfg(test)]
mod tests {
    use super::Axis;
    use crate::text::Units;

    fn axis(from_ns: u64, to_ns: u64, zero_ns: u64, signed: bool) -> Axis {
        Axis { from_ns, to_ns, zero_ns, signed, width: 61 }
    }

    fn labels(axis: &Axis, units: Units) -> Vec<String> {
        axis.ticks(units).into_iter().map(|(_, label)| label).collect()
    }

    #[test]
    fn instants_keep_one_unit_and_the_decimals_of_their_steps() {
        let since_start = axis(4_998_100_000, 5_000_200_000, 0, false);
        assert_eq!(labels(&since_start, Units::Auto), ["4 999 ms", "5 000 ms"]);
        let fine = axis(4_998_100_000, 4_998_300_000, 0, false);
        assert_eq!(
            labels(&fine, Units::Auto),
            ["4 998.10 ms", "4 998.15 ms", "4 998.20 ms", "4 998.25 ms", "4 998.30 ms"]
        );
        assert_eq!(labels(&axis(0, 20_000_000_000, 0, false), Units::Auto), ["0", "5 s", "10 s", "15 s", "20 s"]);
    }

    #[test]
    fn distances_have_a_sign_and_zero_is_zero() {
        let around = axis(900_000, 1_400_000, 1_000_000, true);
        assert_eq!(labels(&around, Units::Auto), ["0", "+200 us", "+400 us"]);
        assert_eq!(labels(&around, Units::Milli), ["0", "+0.2 ms", "+0.4 ms"]);
    }

    #[test]
    fn every_instant_has_a_column_and_the_ends_are_the_edges() {
        let around = axis(900, 1_400, 1_000, true);
        assert_eq!(
            (around.nearest(0), around.nearest(900), around.nearest(1_400), around.nearest(9_999)),
            (0, 0, 60, 60)
        );
        assert_eq!((around.column(899), around.column(1_401)), (None, None));
        let nothing = Axis { width: 0, ..axis(5, 5, 5, true) };
        assert_eq!(nothing.nearest(5), 0);
    }
}
