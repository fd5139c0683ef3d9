//! Bounds and measured figures as text: read strictly by the figure's unit, written
//! exactly so that they read back, shown rounded to people.

use super::super::figure::Unit;
use lockbench_core::units::{exact_duration, grouped, human_duration, parse_duration_ns, three_digits};

/// Reads a bound of this unit into its base unit (nanoseconds, a second, share of 1).
///
/// # Errors
/// What the figure is, and how its bound is written: follows "FIGURE is ".
pub(super) fn read(unit: Unit, text: &str) -> Result<f64, String> {
    match unit {
        Unit::Duration => parse_duration_ns(&joined(text))
            .map(|ns| ns as f64)
            .map_err(|problem| format!("a duration, and its bound \"{text}\" {problem}")),
        Unit::PerSecond => text
            .strip_suffix("/s")
            .and_then(number)
            .ok_or_else(|| format!("a rate, and its bound \"{text}\" is none; write a number and /s, such as 1000/s")),
        Unit::Share => share(text),
        Unit::Count => number(text).filter(|count| count.fract() == 0.0).ok_or_else(|| {
            format!("a count, and its bound \"{text}\" is none; write a whole number without a unit, such as 0")
        }),
        Unit::Number => number(text).ok_or_else(|| {
            format!("a plain number, and its bound \"{text}\" is none; write a number without a unit, such as 5")
        }),
    }
}

/// A percentage, or a number from 0 to 1. A bare 20 is refused: it surely means 20 %.
fn share(text: &str) -> Result<f64, String> {
    let hint = "write a percentage such as 0.1%, or a number from 0 to 1";
    let read = match text.strip_suffix('%').map(str::trim_end) {
        // By exponent, not by division: 0.1% is then the same number as 0.001.
        Some(percent) => number(percent).and_then(|_| format!("{percent}e-2").parse().ok()),
        None => number(text),
    };
    match read {
        Some(share) if share <= 1.0 => Ok(share),
        Some(_) => Err(format!("a share, and its bound \"{text}\" is more than all of them; {hint}")),
        None => Err(format!("a share, and its bound \"{text}\" is none; {hint}")),
    }
}

/// Digits with at most one point: no sign, no exponent, no infinity.
fn number(text: &str) -> Option<f64> {
    let text = text.trim_end();
    let plain = text.starts_with(|c: char| c.is_ascii_digit()) && text.chars().all(|c| c.is_ascii_digit() || c == '.');
    text.parse().ok().filter(|number: &f64| plain && number.is_finite())
}

/// `20 ms` as `20ms`: people write the space, a plan does not.
fn joined(text: &str) -> String {
    let mut joined = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    let mut last = ' ';
    while let Some(c) = rest.next() {
        let next = rest.peek().copied().unwrap_or(' ');
        let between = (last.is_ascii_digit() && next.is_ascii_alphabetic())
            || (last.is_ascii_alphabetic() && next.is_ascii_digit());
        if !(c == ' ' && between) {
            joined.push(c);
        }
        last = c;
    }
    joined
}

/// Exactly, as [`read`] reads it.
pub(super) fn written(unit: Unit, value: f64) -> String {
    match unit {
        Unit::Duration => exact_duration(value.round() as u64),
        Unit::PerSecond => format!("{value}/s"),
        Unit::Share => {
            let percent = |digits: usize| format!("{:.digits$}", value * 100.0);
            let exact = |text: &String| format!("{text}e-2").parse() == Ok(value);
            (0..18).map(percent).find(exact).map_or_else(|| format!("{value}"), |percent| format!("{percent}%"))
        }
        Unit::Count | Unit::Number => format!("{value}"),
    }
}

/// For people: three digits and a unit.
pub(super) fn shown(unit: Unit, value: f64) -> String {
    match unit {
        Unit::Duration => human_duration(value.round() as u64),
        Unit::PerSecond => format!("{}/s", three_digits(value)),
        Unit::Share => format!("{} %", three_digits(value * 100.0)),
        Unit::Count => grouped(value.round() as u64),
        Unit::Number => three_digits(value),
    }
}

#[cfg(test)]
mod tests {
    use super::{Unit, read, shown, written};

    #[test]
    fn bounds_are_read_in_the_unit_of_their_figure() {
        for (unit, text, value) in [
            (Unit::Duration, "20ms", 2e7),
            (Unit::Duration, "20 ms", 2e7),
            (Unit::Duration, "1m 30s", 9e10),
            (Unit::PerSecond, "1000/s", 1_000.0),
            (Unit::PerSecond, "0.5 /s", 0.5),
            (Unit::Share, "0.1%", 0.001),
            (Unit::Share, "20 %", 0.2),
            (Unit::Share, "0.2", 0.2),
            (Unit::Share, "100%", 1.0),
            (Unit::Count, "0", 0.0),
            (Unit::Number, "3.5", 3.5),
        ] {
            assert_eq!(read(unit, text), Ok(value), "{text}");
        }
    }

    #[test]
    fn bounds_of_another_unit_are_refused_with_the_right_one() {
        for (unit, text, part) in [
            (Unit::Duration, "20", "a duration, and its bound \"20\" has no unit; write a number with a unit: ns, us"),
            (Unit::Duration, "20%", "has no unit"),
            (Unit::Duration, "2 0ms", "has no unit"),
            (Unit::Duration, "inf", "is not a duration"),
            (Unit::PerSecond, "1000", "a rate, and its bound \"1000\" is none; write a number and /s"),
            (Unit::PerSecond, "inf/s", "a rate"),
            (Unit::Share, "20", "is more than all of them; write a percentage"),
            (Unit::Share, "150%", "is more than all of them"),
            (Unit::Share, "20ms", "a share, and its bound \"20ms\" is none"),
            (Unit::Share, "-1%", "is none"),
            (Unit::Count, "0.5", "a count"),
            (Unit::Count, "5ms", "a count"),
            (Unit::Number, "NaN", "a plain number"),
            (Unit::Number, "-1", "a plain number"),
            (Unit::Number, "1e3", "a plain number"),
            (Unit::Number, "", "a plain number"),
        ] {
            let problem = read(unit, text).unwrap_err();
            assert!(problem.contains(part), "{text}: {problem}");
        }
    }

    #[test]
    fn figures_are_shown_rounded_and_written_exactly() {
        assert_eq!(shown(Unit::Duration, 34_211_900.0), "34.2 ms");
        assert_eq!(shown(Unit::Share, 0.00123), "0.12 %");
        assert_eq!(shown(Unit::PerSecond, 1_234.5), "1 235/s");
        assert_eq!(written(Unit::Duration, 34_211_900.0), "34211900ns");
        assert_eq!(written(Unit::Share, 0.001), "0.1%");
        assert_eq!(
            written(Unit::Share, 1.0 / 3.0).parse::<f64>().is_ok(),
            !written(Unit::Share, 1.0 / 3.0).ends_with('%')
        );
        assert_eq!(written(Unit::PerSecond, 0.5), "0.5/s");
    }
}
