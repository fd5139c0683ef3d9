//! Figures as text in the units that the user chose.

use crate::units::{SECOND, human_duration, three_digits};

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

/// A rate a second.
#[must_use]
pub fn rate(per_second: f64) -> String {
    if per_second == 0.0 { "0".to_owned() } else { three_digits(per_second) }
}

/// A share of 1 as per cent.
#[must_use]
pub fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

/// Minutes and seconds: `0:07`, `12:03`.
#[must_use]
pub fn clock(ns: u64) -> String {
    let seconds = ns.div_ceil(SECOND);
    format!("{}:{:02}", seconds / 60, seconds % 60)
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
    use super::{Units, clock, fit, wrap};

    #[test]
    fn a_long_text_is_broken_between_words() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("a\n\n  bc de", 6), ["a", "", "  bc", "  de"]);
        assert_eq!(wrap("x abcdefghij k", 4), ["x", "abcd", "efgh", "ij k"]);
        assert_eq!(wrap("", 4), Vec::<String>::new());
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
