//! How a wall clock is moved: `by` and `rate` of a fault.

use std::fmt;

use crate::units::human_duration;
use crate::workload::cursor::Cursor;
use crate::workload::item::Item;
use crate::workload::schema::Field;
use crate::workload::write::{duration, text};

/// What is done to a wall clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClockChange {
    /// It jumps by so many nanoseconds; backward where they are negative. Never 0.
    Jump {
        /// How far.
        ns: i64,
    },
    /// It runs at another rate than the true one.
    Rate {
        /// Millionths of the true rate; never 1 000 000.
        millionths: u64,
    },
}

/// Fastest clock: beyond it the steps in which it is moved are seconds.
const FASTEST: f64 = 100.0;
const MILLIONTHS: f64 = 1e6;

pub(super) const BY: Field = Field::optional(
    "by",
    "duration, signed",
    "so far it jumps: forward, or backward with a minus, such as `\"-30s\"`; this or `rate`",
);
/// Of a clock that only jumps.
pub(super) const JUMP: Field =
    Field::required("by", "duration, signed", "so far it jumps: forward, or backward with a minus, such as `\"-30s\"`");
pub(super) const RATE: Field = Field::optional(
    "rate",
    "number",
    "so fast it runs: `1.01` gains a hundredth, `0.5` loses half, `0` stands still, up to 100; this or `by`",
);

/// Reads the two keys, of which there is one.
pub(super) fn change(cursor: &Cursor<'_>) -> Option<ClockChange> {
    match (cursor.take("by"), cursor.take("rate")) {
        (Some(by), None) => jump(&by).map(|ns| ClockChange::Jump { ns }),
        (None, Some(rate)) => {
            let real = rate.real(|rate| (0.0..=FASTEST).contains(&rate), "a number from 0 to 100, such as 1.05")?;
            match (real * MILLIONTHS).round() as u64 {
                1_000_000 => rate.refuse("is the true rate; write another number, such as 1.05"),
                millionths => Some(ClockChange::Rate { millionths }),
            }
        }
        (Some(by), Some(_)) => by.refuse("stands beside \"rate\"; keep one of them"),
        (None, None) => {
            cursor.refuse("by or rate must say how the clock is moved: by = \"30s\", by = \"-30s\" or rate = 1.05")
        }
    }
}

/// Reads how far a clock jumps, in nanoseconds.
pub(super) fn jump(by: &Item<'_>) -> Option<i64> {
    match by.signed_duration()? {
        0 => by.refuse("moves nothing; write a duration such as \"30s\" or \"-30s\""),
        ns => Some(ns),
    }
}

/// The two keys in TOML, in their order.
pub(super) fn written(change: ClockChange) -> [Option<String>; 2] {
    match change {
        ClockChange::Jump { ns } => [Some(signed(ns)), None],
        ClockChange::Rate { .. } => [None, Some(format!("{:?}", change.rate()))],
    }
}

pub(super) fn signed(ns: i64) -> String {
    let plain = duration(ns.unsigned_abs());
    if ns < 0 { text(&format!("-{}", plain.trim_matches('"'))) } else { plain }
}

impl ClockChange {
    /// How fast the clock runs, of one that is right.
    #[must_use]
    pub fn rate(self) -> f64 {
        match self {
            Self::Jump { .. } => 1.0,
            Self::Rate { millionths } => millionths as f64 / MILLIONTHS,
        }
    }

    /// How far it is from the true time when it has been moved for so long, both in nanoseconds.
    #[must_use]
    pub fn offset_ns(self, after_ns: u64) -> i64 {
        match self {
            Self::Jump { ns } => ns,
            Self::Rate { .. } => ((self.rate() - 1.0) * after_ns as f64).round() as i64,
        }
    }
}

impl fmt::Display for ClockChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Jump { ns } => {
                let way = if *ns < 0 { "back" } else { "forward" };
                write!(f, "{way} by {}", human_duration(ns.unsigned_abs()))
            }
            Self::Rate { .. } => write!(f, "at {} of the true rate", self.rate()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::ClockChange;

    #[test]
    fn a_clock_that_drifts_is_off_by_the_time_that_it_drifted() {
        assert_eq!(ClockChange::Rate { millionths: 1_050_000 }.offset_ns(2_000_000_000), 100_000_000);
        assert_eq!(ClockChange::Rate { millionths: 0 }.offset_ns(2_000_000_000), -2_000_000_000);
        assert_eq!(ClockChange::Jump { ns: -5 }.offset_ns(2_000_000_000), -5);
    }

    #[test]
    fn it_is_said_in_words() {
        assert_eq!(ClockChange::Jump { ns: -30_000_000_000 }.to_string(), "back by 30.0 s");
        assert_eq!(ClockChange::Rate { millionths: 1_050_000 }.to_string(), "at 1.05 of the true rate");
    }
}
