//! Figures as text in the units that the user chose.

use lockbench_core::units::{SECOND, grouped, human_duration, three_digits};

/// The unit of lengths of time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Units {
    /// The one that fits each figure.
    #[default]
    Auto,
    /// Microseconds, so that figures compare by their digits.
    Micro,
    /// Milliseconds.
    Milli,
}

impl Units {
    /// The unit after this one.
    #[must_use]
    pub fn next(self) -> Self {
        match self {
            Self::Auto => Self::Micro,
            Self::Micro => Self::Milli,
            Self::Milli => Self::Auto,
        }
    }

    /// Its name in words.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "the unit that fits",
            Self::Micro => "microseconds",
            Self::Milli => "milliseconds",
        }
    }

    /// A length of time, in nanoseconds.
    #[must_use]
    pub fn duration(self, ns: u64) -> String {
        match self {
            Self::Auto => human_duration(ns),
            Self::Micro => format!("{} us", three_digits(ns as f64 / 1e3)),
            Self::Milli => format!("{} ms", three_digits(ns as f64 / 1e6)),
        }
    }
}

/// A rate per second.
#[must_use]
pub fn rate(per_second: f64) -> String {
    if per_second == 0.0 { "0".to_owned() } else { three_digits(per_second) }
}

/// A share of 1 as per cent.
#[must_use]
pub fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

/// A number and what it counts: `1 double grant`, `2 double grants`.
#[must_use]
pub fn counted(count: u64, what: &str) -> String {
    format!("{} {what}{}", grouped(count), if count == 1 { "" } else { "s" })
}

/// Minutes and seconds: `0:07`, `12:03`.
#[must_use]
pub fn clock(ns: u64) -> String {
    let seconds = ns.div_ceil(SECOND);
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

/// A time from now that is only known roughly: `in about 25 s`.
#[must_use]
pub fn in_about(ns: u64) -> String {
    match ns.div_ceil(SECOND) {
        0..=1 => "at once".to_owned(),
        seconds @ ..=20 => format!("in about {seconds} s"),
        seconds @ ..=120 => format!("in about {} s", seconds.next_multiple_of(5)),
        seconds => format!("in about {} min", seconds.div_ceil(60)),
    }
}

/// A round number beside an axis, in few columns: `250`, `1.5k`, `20M`.
#[must_use]
pub fn round(value: f64) -> String {
    let (scaled, unit) = match value {
        1e6.. => (value / 1e6, "M"),
        1e3.. => (value / 1e3, "k"),
        _ => (value, ""),
    };
    if scaled.fract().abs() < 0.05 { format!("{scaled:.0}{unit}") } else { format!("{scaled:.1}{unit}") }
}

/// Bytes with a unit.
#[must_use]
pub fn bytes(bytes: u64) -> String {
    let mib = bytes as f64 / (1024.0 * 1024.0);
    format!("{mib:.1} MiB")
}

/// The text in at most `width` columns, with `more` as its last one if it is longer.
#[must_use]
pub fn fit(text: &str, width: usize, more: &str) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let kept: String = text.chars().take(width.saturating_sub(1)).collect();
    if width == 0 { String::new() } else { format!("{kept}{more}") }
}

/// The text in rows of at most `width` columns, broken between words; its own line
/// breaks stay, and the indent of a line is that of its rows.
#[must_use]
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut rows = Vec::new();
    for line in text.lines() {
        let indent = line.len() - line.trim_start().len();
        let indent = " ".repeat(indent.min(width / 2));
        let mut row = indent.clone();
        for word in line.split_whitespace() {
            let mut word = word;
            let blank = usize::from(row.len() > indent.len());
            if blank == 1 && row.chars().count() + 1 + word.chars().count() > width {
                rows.push(std::mem::replace(&mut row, indent.clone()));
            } else if blank == 1 {
                row.push(' ');
            }
            let room = width.saturating_sub(indent.len()).max(1);
            while let Some((cut, _)) = word.char_indices().nth(room).filter(|_| row.len() == indent.len()) {
                rows.push(format!("{indent}{}", &word[..cut]));
                word = &word[cut..];
            }
            row.push_str(word);
        }
        rows.push(row.trim_end().to_owned());
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::{Units, clock, fit, in_about, round, wrap};
    use lockbench_core::units::SECOND;

    #[test]
    fn a_long_text_is_broken_between_words() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("a\n\n  bc de", 6), ["a", "", "  bc", "  de"]);
        assert_eq!(wrap("x abcdefghij k", 4), ["x", "abcd", "efgh", "ij k"]);
        assert_eq!(wrap("", 4), Vec::<String>::new());
        assert_eq!(wrap("a bc def\n\nx", 5), ["a bc", "def", "", "x"]);
        assert_eq!(wrap("abcdefgh ij", 3), ["abc", "def", "gh", "ij"]);
        assert_eq!(wrap("ab", 0), ["a", "b"]);
    }

    #[test]
    fn what_is_known_roughly_is_told_roughly() {
        let told = [0, 3, 21, 118, 121, 3_600].map(|seconds| in_about(seconds * SECOND));
        let said = ["at once", "in about 3 s", "in about 25 s", "in about 120 s", "in about 3 min", "in about 60 min"];
        assert_eq!(told, said);
        assert_eq!([0.0, 250.0, 1_500.0, 2e4, 3e6].map(round), ["0", "250", "1.5k", "20k", "3M"]);
    }

    #[test]
    fn figures_read_well_in_every_unit() {
        let all = |ns| [Units::Auto, Units::Micro, Units::Milli].map(|units| units.duration(ns));
        assert_eq!(all(1_234_567), ["1.23 ms", "1 235 us", "1.23 ms"]);
        assert_eq!((clock(6_100_000_000), clock(0)), ("0:07".to_owned(), "0:00".to_owned()));
        assert_eq!(
            (fit("memory", 6, "~"), fit("memory", 4, "~"), fit("memory", 0, "~")),
            ("memory".to_owned(), "mem~".to_owned(), String::new())
        );
    }
}
