//! Durations, rates and their text. Everything inside lockbench is `u64`
//! nanoseconds; this module is the only place that knows how people write
//! and read them.

use std::fmt::Write as _;

/// Nanoseconds in a microsecond.
pub const MICROSECOND: u64 = 1_000;
/// Nanoseconds in a millisecond.
pub const MILLISECOND: u64 = 1_000_000;
/// Nanoseconds in a second.
pub const SECOND: u64 = 1_000_000_000;

/// The units that [`parse_duration_ns`] accepts, longest suffix first so that
/// `ms` is not read as `m` followed by `s`.
const UNITS: [(&str, u64); 6] =
    [("ns", 1), ("us", MICROSECOND), ("ms", MILLISECOND), ("s", SECOND), ("m", 60 * SECOND), ("h", 3_600 * SECOND)];

/// Reads a duration such as `250ms`, `1.5s`, `1m30s` into nanoseconds.
///
/// # Errors
/// Says what is wrong and which units there are. A bare number is refused:
/// guessing its unit would change an experiment silently.
pub fn parse_duration_ns(text: &str) -> Result<u64, String> {
    let hint = "write a number with a unit: ns, us, ms, s, m or h (for example \"250ms\")";
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err(format!("is empty; {hint}"));
    }
    let mut total = 0_u64;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, tail) = rest.split_at(digits);
        // "1 ms" is as plain as "1ms".
        let tail = tail.trim_start();
        let letters = tail.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(tail.len());
        let (unit, next) = tail.split_at(letters);
        let number: f64 = number.parse().map_err(|_| format!("is not a duration; {hint}"))?;
        if unit.is_empty() {
            return Err(format!("has no unit; {hint}"));
        }
        let scale = UNITS
            .iter()
            .find(|(name, _)| *name == unit)
            .map(|(_, scale)| *scale)
            .ok_or_else(|| format!("has the unknown unit \"{unit}\"; {hint}"))?;
        let value = number * scale as f64;
        if !value.is_finite() || value > 1e18 {
            return Err("is longer than 31 years".to_owned());
        }
        total = total.saturating_add(value.round() as u64);
        rest = next.trim_start();
    }
    Ok(total)
}

/// Writes a duration exactly, in the largest unit that needs no fraction
/// (`1500ms`, `10s`): the form that plans are stored in.
#[must_use]
pub fn exact_duration(ns: u64) -> String {
    if ns == 0 {
        return "0s".to_owned();
    }
    for (name, scale) in UNITS.iter().rev().filter(|(name, _)| *name != "h" && *name != "m") {
        if ns.is_multiple_of(*scale) {
            return format!("{}{name}", ns / scale);
        }
    }
    format!("{ns}ns")
}

/// Writes a duration for people: three significant digits and a unit
/// (`41.2 us`, `1.03 ms`, `12.0 s`).
#[must_use]
pub fn human_duration(ns: u64) -> String {
    let (value, unit) = match ns {
        0..1_000 => return format!("{ns} ns"),
        1_000..999_500 => (ns as f64 / 1e3, "us"),
        999_500..999_500_000 => (ns as f64 / 1e6, "ms"),
        _ => (ns as f64 / 1e9, "s"),
    };
    format!("{} {unit}", three_digits(value))
}

/// Writes how long something has lasted or will, for people who compare it with a clock:
/// `412ms`, `11.8s`, `3m 12s`, `2h 05m`, `4d 03h`.
#[must_use]
pub fn span(ms: u64) -> String {
    let seconds = ms / 1_000;
    match seconds {
        0 => format!("{ms}ms"),
        1..60 => format!("{seconds}.{}s", ms % 1_000 / 100),
        60..3_600 => format!("{}m {:02}s", seconds / 60, seconds % 60),
        3_600..86_400 => format!("{}h {:02}m", seconds / 3_600, seconds % 3_600 / 60),
        _ => format!("{}d {:02}h", seconds / 86_400, seconds % 86_400 / 3_600),
    }
}

/// Writes a number with three significant digits and no exponent; from 1 000
/// on as an integer with thin groups (`1 234`).
#[must_use]
pub fn three_digits(value: f64) -> String {
    if value >= 999.5 {
        return grouped(value.round() as u64);
    }
    if value >= 99.95 {
        format!("{value:.0}")
    } else if value >= 9.995 {
        format!("{value:.1}")
    } else {
        format!("{value:.2}")
    }
}

/// Writes a count in groups of three digits: `1 234 567`.
#[must_use]
pub fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(' ');
        }
        let _ = write!(text, "{digit}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{exact_duration, grouped, human_duration, parse_duration_ns, span};

    #[test]
    fn durations_with_units_are_read() {
        assert_eq!(parse_duration_ns("250ms"), Ok(250_000_000));
        assert_eq!(parse_duration_ns("1.5s"), Ok(1_500_000_000));
        assert_eq!(parse_duration_ns("1m30s"), Ok(90_000_000_000));
        assert_eq!(parse_duration_ns("0s"), Ok(0));
        assert_eq!(parse_duration_ns("1 ms"), Ok(1_000_000));
        assert_eq!(parse_duration_ns("1 m 30 s"), Ok(90_000_000_000));
    }

    #[test]
    fn durations_without_a_known_unit_are_refused() {
        assert!(parse_duration_ns("10").unwrap_err().contains("has no unit"));
        assert!(parse_duration_ns("10 ").unwrap_err().contains("has no unit"));
        assert!(parse_duration_ns("10lightyears").unwrap_err().contains("unknown unit"));
        assert!(parse_duration_ns("").is_err());
        assert!(parse_duration_ns("-1s").is_err());
    }

    #[test]
    fn exact_text_reads_back_to_the_same_value() {
        for ns in [0, 1, 999, 1_000, 1_500_000, 90_000_000_000, 10_000_000_000] {
            assert_eq!(parse_duration_ns(&exact_duration(ns)), Ok(ns));
        }
    }

    #[test]
    fn spans_read_as_people_say_them() {
        let told: Vec<String> =
            [0, 999, 11_849, 59_999, 192_000, 7_500_000, 356_400_000].into_iter().map(span).collect();
        assert_eq!(told, ["0ms", "999ms", "11.8s", "59.9s", "3m 12s", "2h 05m", "4d 03h"]);
    }

    #[test]
    fn human_text_has_three_digits() {
        assert_eq!(human_duration(17), "17 ns");
        assert_eq!(human_duration(41_234), "41.2 us");
        assert_eq!(human_duration(999_600), "1.00 ms");
        assert_eq!(human_duration(12_000_000_000), "12.0 s");
        assert_eq!(grouped(1_234_567), "1 234 567");
    }
}
